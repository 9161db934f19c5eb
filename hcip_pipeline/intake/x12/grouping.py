"""Facts that bills do not have: the patient's id and the grouper's result for the stay, from the grouping file.

Belongs here: matching its rows with stays, by account number. Does not belong here: how the file is written. It is read
like any other table of a submission (``hospital.shapes``, ``hospital.reading``), and spreadsheet habits are mended in
its rows (``grouping_rows``) and in the cells of ``discharges``.
"""

from __future__ import annotations

from hcip_pipeline.contracts.hospital import DISCHARGES, GROUPING
from hcip_pipeline.intake.hospital.headers import Cells
from hcip_pipeline.intake.hospital.submission_database import CCN, SubmissionDatabase
from hcip_pipeline.intake.x12.grouping_rows import NAMED, in_words, lines_in_words, load_rows
from hcip_pipeline.rules.problem import Problem

#: Cells of ``discharges`` for which a value in the grouping file overrides the bill's.
_OVER_BILL = ("nature_of_admission", "primary_payer")


def join_grouping(database: SubmissionDatabase, cells: Cells | None, file: str) -> list[Problem]:
    """Make ``raw_discharges`` from the stays and their grouping rows; return the problems of the file's other rows.

    Args:
        cells: cells of the grouping file; None if only the bills are read.
    """
    names = ", ".join(GROUPING.names)
    problems = load_rows(database, cells, file) if cells is not None else []
    if any(problem.refuses for problem in problems):
        return problems
    if cells is None:
        empty = ", ".join(f"null::varchar as {name}" for name in GROUPING.names)
        database.run(f"create or replace table raw_groups as select 0::bigint as row, {empty} limit 0")
    else:
        database.run(
            f"""create or replace table raw_groups as select min(row) as row, {names} from raw_grouping_rows
            where is_readable and not is_blank group by all"""  # exact repetitions of a row count once
        )
        problems += _without_bill(database, file)
    given = {name: f"g.{name}" for name in GROUPING.names if name != "account_no"}
    given |= {name: f"coalesce(nullif(trim(g.{name}), ''), s.{name})" for name in _OVER_BILL}
    columns = ", ".join(
        f"{CCN} as hospital_ccn" if name == "hospital_ccn" else f"{given.get(name, f's.{name}')} as {name}"
        for name in DISCHARGES.names
    )
    database.run(
        f"""create or replace table raw_discharges as
        select s.row, {columns} from raw_stays s
        left join (select * from raw_groups qualify count(*) over (partition by account_no) = 1) g
            on g.account_no = s.account_no and s.account_no <> ''"""
    )
    if cells is not None:
        database.run(
            """insert into raw_faults
            select row, case when account_no in (select account_no from raw_groups) then 'B-GROUPING-REPEATED'
                else 'B-NOT-GROUPED' end
            from raw_stays where account_no not in (
                select account_no from raw_groups where account_no is not null group by 1 having count(*) = 1)"""
        )
    return problems


def _without_bill(database: SubmissionDatabase, file: str) -> list[Problem]:
    count, lines = database.one(
        f"""select count(*), coalesce(min(row, {NAMED}), []) from raw_groups
        where coalesce(account_no, '') not in (select account_no from raw_standing)"""
    )
    if not count:
        return []
    words = f"{in_words(count)} of the grouping file without a bill: {lines_in_words(count, lines)}"
    return [Problem("B-NO-BILL", words, file=file, row=lines[0])]

"""The outcome of each row, in SQL: broken by itself, by a rule between the two files, or because of another row.

Belongs here: the working tables of a submission, and the order in which they are made (``sql/`` has the statements).
Does not belong here: the checks (``edits``), and counting the outcome (``counting``).

Tables of the database, for the submission judged last:
    d, c            typed rows, with ``broken``: whether the row breaks a rule by itself
    codes_met       distinct codes of d by kind (drg, grouper, disposition, npi): is_bad, is_surgical
    shared_ids      patient ids of d that appear with several birth dates
    by_code, codes  charge lines by revenue code; the rate center and factor of each code
    credits         account_no, revenue_code whose lines total less than zero
    sums            charge lines by account: lines, broken lines, charged (no total lines), unreadable charges, cost
    fate            accounts of ``d``: ``k`` (order of the account) if the discharge is kept, else null
    rejected        rows of d that are not kept
    findings        one row per broken ERROR rule: file, row, column, rule, value (redacted; ``found`` before redaction)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from hcip_pipeline.contracts.hospital import CHARGES, DISCHARGES
from hcip_pipeline.contracts.table import Table
from hcip_pipeline.intake.hospital import limits
from hcip_pipeline.intake.hospital.code_lists import WARNED, is_irregular
from hcip_pipeline.intake.hospital.cost_factors import ALL_RATE_CENTERS, UNMAPPED, CostMethod
from hcip_pipeline.intake.hospital.edits import DRG_CODE, NPI_FAILS, Check, any_of, typed_sql, unlisted, warned_columns
from hcip_pipeline.intake.hospital.folders import Submission
from hcip_pipeline.intake.hospital.placeholders import is_placeholder
from hcip_pipeline.intake.hospital.statements import statement
from hcip_pipeline.intake.hospital.submission_database import CCN, SubmissionDatabase

#: The tables of a submission, by name.
CONTRACTS = {table.name: table for table in (DISCHARGES, CHARGES)}

_SHORT = {"discharges": "d", "charges": "c"}


def clear(database: SubmissionDatabase, submission: Submission) -> None:
    """Drop the previous submission."""
    database.clear(submission)
    _make_findings(database)


def restart(database: SubmissionDatabase) -> None:
    """Drop all findings so far: the files stay loaded, and their rows will be judged again."""
    database.restart()
    _make_findings(database)


def _make_findings(database: SubmissionDatabase) -> None:
    database.run('create table findings (file varchar, row bigint, "column" varchar, rule varchar, value varchar)')


def load(database: SubmissionDatabase, table: Table, cells: str, errors: list[Check]) -> None:
    """Type every row of a file and mark the rows that are broken by themselves."""
    columns = [name for name in table.names if name != "hospital_ccn"]  # for a kept row it is the folder's
    columns += [f"({name}__raw <> '' and {name} is null) as {name}__unknown" for name in warned_columns(table)]
    if table.name == "discharges":
        columns += [f"coalesce({is_irregular(name)}, false) as {name}__irregular" for name in WARNED]
        columns.append("greatest(1, discharge_date - admit_date)::bigint as length_of_stay")
        columns.append(f"coalesce(hospital_ccn = {CCN}, false) as is_own")
    database.run(
        f"create table {_SHORT[table.name]} as select row, {', '.join(columns)},"
        f" (not shape_ok or {any_of(errors)}) as broken, shape_ok from ({typed_sql(table, cells)})"
    )
    if table.name == "discharges":
        _look_up(database)


def _look_up(database: SubmissionDatabase) -> None:
    """Check codes against their tables, each distinct code once."""
    ungroupable = ", ".join(f"'{drg}'" for drg in limits.UNGROUPABLE)
    database.run(statement("codes_met", ungroupable=ungroupable, drg_code=DRG_CODE, npi_fails=NPI_FAILS))
    database.run(statement("shared_ids"))
    if database.one("select coalesce(bool_or(is_bad), false) from codes_met where kind <> 'npi'")[0]:
        database.run(
            statement(
                "mark_unknown_codes",
                drg_code=DRG_CODE,
                unknown_drgs=unlisted("drg"),
                unknown_groupers=unlisted("grouper"),
                unknown_dispositions=unlisted("disposition"),
            )
        )


def price(
    database: SubmissionDatabase,
    factors: dict[str, Decimal | None],
    warnings: list[Check],
    *,
    has_charges: bool,
    method: CostMethod,
) -> None:
    """Charge lines by revenue code and by account, and their cost if a factor is known (for a warning)."""
    if not has_charges:
        database.run(statement("no_charges"))
        return
    known = {center: str(factor) for center, factor in factors.items() if factor is not None}
    database.run(f"create table all_codes as {lines_by_code('c', warnings)}")
    nothing = f"select revenue_code from all_codes where {is_placeholder('revenue_code')}"
    if database.one(f"select exists({nothing})")[0]:
        database.run(f"update c set broken = true where revenue_code in ({nothing})")
    total = limits.TOTAL_REVENUE_CODE
    database.run(
        statement("codes", total=total, unmapped=UNMAPPED, every_center=ALL_RATE_CENTERS),
        [list(known), list(known.values())],
    )
    _net(database)
    database.run(statement("sums", total=total, is_priced=method != "reported" and bool(known)))


def _net(database: SubmissionDatabase) -> None:
    """Net credits by account and revenue code; lines whose total is less than zero are broken."""
    if not database.one("select coalesce(min(least) < 0, false) from all_codes")[0]:  # mostly none
        database.run("create table credits (account_no varchar, revenue_code varchar)")
        return
    database.run(statement("credits"))
    database.run("update c set broken = true where (account_no, revenue_code) in (from credits)")


def lines_by_code(lines: str, warnings: list[Check]) -> str:
    """SQL for charge lines by revenue code, with the number of lines for each warning."""
    return statement("lines_by_code", lines=lines, warnings=[check.sql for check in warnings])


def decide(database: SubmissionDatabase, cells: Mapping[str, str], errors: Mapping[str, list[Check]]) -> bool:
    """Decide which discharges, and with them which lines, are kept; return whether any row is not.

    Args:
        cells, errors: for each file that was sent, the SQL of its cells and the checks on its rows.
    """
    tables = [CONTRACTS[name] for name in cells]
    if "discharges" not in cells:
        database.run(statement("nothing_found"))
        broken = database.one("select coalesce(bool_or(broken), false) from c")[0]
        if broken:
            find_errors(database, tables[0], cells["charges"], errors["charges"])
        return bool(broken)
    has_both = len(cells) == 2
    database.run(statement("found", has_both=has_both, tolerance=limits.CHARGES_TOLERANCE))
    database.run(statement("fate"))
    any_found, any_d, any_c, orphans, shared = database.one(statement("what_was_found", has_both=has_both))
    if orphans:  # usually none; then the lines need not be read again
        database.run(statement("lines_without_discharge"))
    if shared:
        database.run(statement("lines_of_quarantined"))
    for table in tables:
        if any_d if table.name == "discharges" else any_c:
            find_errors(database, table, cells[table.name], errors[table.name])
    return bool(any_found or any_d or any_c or orphans or shared)


def find_errors(database: SubmissionDatabase, table: Table, cells: str, errors: list[Check]) -> None:
    """Name the rule, the column and the shape of the cell for every row that is broken by itself."""
    short, typed_cells = _SHORT[table.name], typed_sql(table, cells)
    database.run(statement("broken_rows", table=table.name, short=short, typed=typed_cells))
    shape = Check(f"{errors[0].rule[0]}-ROW-SHAPE", "", "not shape_ok")
    asked = [shape, *(replace(check, sql=f"shape_ok and ({check.sql})") for check in errors)]
    typed = {column.name for column in table.columns if column.type != "text" or column.allowed}
    cases = []
    for check in asked:
        cell = f"{check.column}__raw" if check.column in typed else check.column or "''"
        finding = f"{{'rule': '{check.rule}', 'column': '{check.column}', 'cell': {cell}}}"
        cases.append(f"case when {check.sql} then {finding} end")
    database.run(statement("name_errors", table=table.name, cases=cases))

"""Bills and their grouping file as the cells of ``discharges`` and ``charges``: all steps of this package in order.

Belongs here: the order, problems of the bills as a whole, and their part of a receipt. Does not belong here: the
verdict (``hospital.judging``), which is the same as for the cells of any other file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from hcip_pipeline.contracts.hospital import CHARGES, DISCHARGES, GROUPING
from hcip_pipeline.contracts.table import Table
from hcip_pipeline.dollars import dollars
from hcip_pipeline.intake.hospital import limits
from hcip_pipeline.intake.hospital.edits import Check
from hcip_pipeline.intake.hospital.file_scan import FileScan
from hcip_pipeline.intake.hospital.headers import Cells, ReadingError
from hcip_pipeline.intake.hospital.reading import read_cells
from hcip_pipeline.intake.hospital.receipts import BillCount, FileReceipt, Tally
from hcip_pipeline.intake.hospital.submission_database import SubmissionDatabase
from hcip_pipeline.intake.x12 import stays
from hcip_pipeline.intake.x12.claims import find_bills
from hcip_pipeline.intake.x12.envelope import BillFile, copy_segments
from hcip_pipeline.intake.x12.grouping import join_grouping
from hcip_pipeline.intake.x12.oddities import find_oddities
from hcip_pipeline.intake.x12.order import order_problems
from hcip_pipeline.intake.x12.places import place_of
from hcip_pipeline.intake.x12.segments import load_segments
from hcip_pipeline.intake.x12.stays import find_stays, resets_that_differ
from hcip_pipeline.periods import Quarter
from hcip_pipeline.rules.hospital import RULES
from hcip_pipeline.rules.problem import Problem

SHAPE = "X12 837 institutional"

#: Outcomes of bills that are reported, each with its rule and text.
_REPORTED = {
    stays.NOT_INPATIENT: ("B-NOT-INPATIENT", "with a facility code other than 11 left out"),
    stays.REPLACED: ("B-REPLACED", "replaced by a later one (frequency 7)"),
    stays.VOIDED: ("B-VOIDED", "voided by a later one (frequency 8)"),
    stays.LONE_VOID: ("B-VOID-ALONE", "for voiding one (frequency 8) that is not in the submission"),
    stays.STAYS_ON: ("B-STILL-A-PATIENT", "for stays that have not ended (patient status 30)"),
}


@dataclass
class Bills:
    """The bills of a submission as they were read.

    Attributes:
        problems: problems of the files and of the bills.
        cells: the cells of ``discharges`` and ``charges``; empty if a file is refused.
        counts: bills by outcome.
        faults: rules that individual bills break, as far as the bills themselves show.
    """

    files: tuple[BillFile, ...]
    grouping: FileScan | None
    problems: list[Problem]
    cells: dict[str, Cells]
    counts: tuple[BillCount, ...] = ()
    faults: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The file's name, or the number of files."""
        return self.files[0].name if len(self.files) == 1 else f"{len(self.files)} files of bills"

    @property
    def scan(self) -> FileScan:
        """All bills as if they were one file."""
        return FileScan(Path(self.name), lines=sum(file.segments for file in self.files))

    def errors(self, checks: Sequence[Check]) -> list[Check]:
        """The checks on a discharge, and those that only bills can break."""
        own = [check for check in _checks(self.faults) if RULES[check.rule].severity == "ERROR"]
        reported_rows = "(select row from raw_faults where rule in ('B-NOT-GROUPED', 'B-GROUPING-REPEATED'))"
        return [
            replace(check, sql=f"{check.sql} and row not in {reported_rows}")
            if check.column == "grouper_version"
            else check
            for check in checks
        ] + own

    def warnings(self) -> list[Check]:
        """Checks that are counted on accepted stays."""
        return [check for check in _checks(self.faults) if RULES[check.rule].severity == "WARN"]


def _checks(faults: Sequence[str]) -> list[Check]:
    return [Check(rule, "account_no", f"row in (select row from raw_faults where rule = '{rule}')") for rule in faults]


def read_bills(
    database: SubmissionDatabase,
    paths: Sequence[Path],
    grouping: FileScan | None,
    scratch: Path,
    npi: str | None,
    needed: tuple[str, ...] = (),
) -> Bills:
    """Read every file of bills of a submission.

    Args:
        paths: the files, by name.
        grouping: the scanned grouping file; None to read only the bills.
        scratch: a folder for the copy of the segments, which contains the same data as the files.
        npi: the hospital's NPI, if known.
        needed: optional columns of ``grouping`` that this policy requires.
    """
    copy = scratch / "segments.txt"
    files: list[BillFile] = []
    with copy.open("wb") as target:
        for path in paths:
            files.append(copy_segments(path, target, files[-1].first + files[-1].segments if files else 0))
    found = Bills(tuple(files), grouping, [file.problem for file in files if file.problem is not None], {})
    cells = None
    if grouping is not None:
        try:
            cells = read_cells(database.con, grouping, GROUPING, needed)
        except ReadingError as error:
            found.problems += error.problems
        else:
            found.problems += cells.problems
    if any(problem.refuses for problem in found.problems):
        return found
    found.problems += [
        Problem("B-TEST", "its bills are marked as a test (ISA15 is T)", file=file.name)
        for file in files
        if file.is_test
    ]
    found.problems += load_segments(database, copy, files)
    copy.unlink()
    if any(problem.refuses for problem in found.problems):
        return found
    find_bills(database)
    find_oddities(database, has_repetitions=any(file.has_repetitions for file in files))
    if not database.one("select exists(from raw_bills)")[0]:
        found.problems.append(Problem("F-NO-ROWS", "contains no claim", file=found.name))
        return found
    found.problems += order_problems(database)
    if any(problem.refuses for problem in found.problems):
        return found
    found.counts = find_stays(database)
    found.problems += [_as_problem(count) for count in found.counts if count.outcome in _REPORTED]
    found.problems += _resets_that_differ(database)
    found.problems += join_grouping(database, cells, grouping.name if grouping else "")
    if any(problem.refuses for problem in found.problems):
        return found
    if npi:
        database.run(
            "insert into raw_faults select row, 'B-OTHER-PROVIDER' from raw_stays where billing_npi not in ('', ?)",
            [npi],
        )
    rows = database.run("select distinct rule from raw_faults order by rule").fetchall()
    found.faults = tuple(row[0] for row in rows)
    found.cells = {"discharges": _cells(DISCHARGES), "charges": _cells(CHARGES)}
    return found


def identify_by_bills(
    database: SubmissionDatabase, paths: Sequence[Path], scratch: Path, hospitals: Mapping[str, str]
) -> tuple[str, Quarter | None]:
    """The hospital that most bills name as billing provider, and the quarter in which most of them end.

    Args:
        hospitals: NPI of each hospital that has one, by CCN.
    """
    found = read_bills(database, paths, None, scratch, None)
    if not found.cells:
        return "", None
    most = database.run(
        """select mode(nullif(billing_npi, '')), mode(year(day) * 4 + quarter(day))
        from (select billing_npi, try_cast(discharge_date as date) as day from raw_stays)"""
    ).fetchone() or (None, None)
    ccn = next((ccn for ccn, npi in hospitals.items() if npi == most[0]), "")
    return ccn, Quarter((most[1] - 1) // 4, (most[1] - 1) % 4 + 1) if most[1] else None


def _cells(table: Table) -> Cells:
    """The cells of a working table; control characters need no check here, as files of bills with any are refused."""
    names = ", ".join(table.names)
    return Cells(f"select row, true as shape_ok, false as has_control, {names} from raw_{table.name}", table.names, ())


def _as_problem(count: BillCount) -> Problem:
    rule, words = _REPORTED[count.outcome]
    return Problem(rule, f"{count.bills:,} bill{'s' * (count.bills != 1)} totaling {dollars(count.dollars)} {words}")


def _resets_that_differ(database: SubmissionDatabase) -> list[Problem]:
    words = {
        "B-VOID-DIFFERS": ("void", "(frequency 8) with different days or a different amount than the voided bills"),
        "B-REPLACED-DIFFERS": ("replacement", "(frequency 7) with different days than the replaced bills"),
    }
    found = []
    for rule, count, row in resets_that_differ(database):
        file, segment, claim = place_of(database, row)
        place = f"{'the first is ' if count > 1 else ''}claim {claim}, segment {segment}"
        noun, difference = words[rule]
        text = f"{count:,} {noun}{'s' * (count != 1)} {difference}: {place}"
        found.append(Problem(rule, text, file=file, row=segment))
    return found


def file_receipts(
    database: SubmissionDatabase, bills: Bills, totals: Mapping[str, tuple[Tally, Tally, int]]
) -> list[FileReceipt]:
    """The receipt of each file: what it contributes to each table, and the grouping file.

    Args:
        totals: rows, dollars and rows that break an ERROR rule, for each table, as the verdict counts them.
    """
    receipts = []
    for table in ("discharges", "charges"):
        by_file = {0: totals[table]} if table in totals else {}
        if len(bills.files) > 1 and table in totals:
            by_file = _by_file(database, table)
        for number, file in enumerate(bills.files):
            rows, dollars, errors = by_file.get(number, (Tally(), Tally(), 0))
            receipts.append(FileReceipt(table, file.name, file.size, file.sha256, rows, dollars, errors))
    if (grouping := bills.grouping) is not None:
        receipts.append(FileReceipt("", grouping.name, grouping.size, grouping.sha256))
    return receipts


def _by_file(database: SubmissionDatabase, table: str) -> dict[int, tuple[Tally, Tally, int]]:
    follows = ", ".join(f"'{rule.id}'" for rule in RULES.values() if rule.follows)
    if table == "discharges":
        rows = "select row, total_charges as amount, row not in (select row from rejected) as kept from d"
    else:
        rows = (
            f"select row, case when coalesce(revenue_code, '') <> '{limits.TOTAL_REVENUE_CODE}' then charge end"
            " as amount, coalesce(k is not null and not broken, false) as kept from c left join fate using (account_no)"
        )
    found = database.run(
        f"""select f.file_no, count(*), count(*) filter (kept), coalesce(sum(amount), 0),
            coalesce(sum(amount) filter (kept), 0), count(*) filter (errs)
        from (select *, row in (select row from findings where file = '{table}' and rule not in ({follows})) as errs
            from ({rows})) r asof join raw_files f on r.row >= f.first_row group by 1"""
    ).fetchall()
    return {
        number: (
            Tally(Decimal(read), Decimal(kept), Decimal(read - kept)),
            Tally(dollars, dollars_kept, dollars - dollars_kept),
            errors,
        )
        for number, read, kept, dollars, dollars_kept, errors in found
    }

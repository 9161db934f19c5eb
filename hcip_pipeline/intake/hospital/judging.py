"""The verdict on a submission: intake and preflight both use this module, so they cannot differ.

Belongs here: running scans, readings and edits in order, outcomes by row, counts, and whether it is refused.
Does not belong here: writing anything (``ingest``), and the expressions themselves (``edits``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import polars as pl

from hcip_pipeline.contracts.hospital import GROUPING
from hcip_pipeline.files.received import DISCHARGES, HOSPITAL, bytes_in_words
from hcip_pipeline.home.storage_faults import storage_fault
from hcip_pipeline.intake.hospital import cost_factors, counting, edits, habits, mending, outcomes
from hcip_pipeline.intake.hospital.control_totals import ControlTotals, read_control_totals
from hcip_pipeline.intake.hospital.cost_factors import CostMethod
from hcip_pipeline.intake.hospital.culprits import failing_row
from hcip_pipeline.intake.hospital.edits import Check
from hcip_pipeline.intake.hospital.file_scan import FileScan, scan_file
from hcip_pipeline.intake.hospital.folders import Contents, Submission, contents
from hcip_pipeline.intake.hospital.headers import Cells, ReadingError
from hcip_pipeline.intake.hospital.mending import Mended
from hcip_pipeline.intake.hospital.reading import read_cells
from hcip_pipeline.intake.hospital.receipts import FileReceipt, RuleCount, SubmissionReceipt, Tally, reconcile
from hcip_pipeline.intake.hospital.shapes import scan_any_shape
from hcip_pipeline.intake.hospital.submission_database import SubmissionDatabase, memory_limit
from hcip_pipeline.intake.hospital.whole_submission import problems_of_whole
from hcip_pipeline.intake.x12 import places
from hcip_pipeline.intake.x12.reading import SHAPE, Bills, file_receipts, identify_by_bills, read_bills
from hcip_pipeline.periods import Quarter, rate_year
from hcip_pipeline.reference.dispositions import load_dispositions
from hcip_pipeline.rules.hospital import RULES
from hcip_pipeline.rules.problem import Problem
from hcip_pipeline.tables.file_names import shown

#: Increased whenever the meaning of an edit changes: submissions accepted under another version are judged again.
EDITS_VERSION = "5"
#: Habits of a file are found one after another: blank rows and text markers, placeholders, forms, repeated rows.
_MOST_MENDINGS = 6

_REFERENCE_USED = ("hospitals", "apr_drg", "revenue_codes", "cost_factors")


@dataclass
class _Case:
    """A submission that is being judged."""

    submission: Submission
    problems: list[Problem]
    scans: dict[str, FileScan] = field(default_factory=dict)
    cells: dict[str, Cells] = field(default_factory=dict)
    mended: dict[str, Mended] = field(default_factory=dict)
    totals: ControlTotals | None = None
    control: FileScan | None = None
    entries: tuple[str, ...] = ()
    bills: Bills | None = None


class Judge:
    """Judges submissions one after another against one set of reference tables.

    After :meth:`judge`, the rows of that submission stay in the ``database`` until the next one (``outcomes`` lists the
    tables).

    Args:
        reference: tables as ``reference.tables.load_reference`` returns them; ``factors_known=False`` excludes
            ``cost_factors`` from the verdict (for users who have no rates).
        cost_method: the policy's (methodology §13).
        spill: the folder for data that does not fit in memory.
    """

    def __init__(
        self,
        reference: Mapping[str, pl.DataFrame],
        cost_method: CostMethod = "markup",
        *,
        factors_known: bool = True,
        spill: Path | None = None,
    ) -> None:
        self.cost_method = cost_method
        self.factors_known = factors_known
        self._factors = reference["cost_factors"]
        hospitals = reference["hospitals"]
        #: CCN -> the NPI that the hospital bills under, if the table has it
        self._npis: dict[str, str] = {}
        if "npi" in hospitals.columns:
            self._npis = dict(hospitals.drop_nulls("npi").select("ccn", "npi").iter_rows())
        self._hospitals = frozenset(reference["hospitals"].get_column("ccn").to_list())
        dispositions = reference.get("discharge_dispositions")
        tables = {name: reference[name] for name in _REFERENCE_USED}
        tables["dispositions"] = load_dispositions() if dispositions is None else dispositions
        self._tables = tables
        self._spill = spill

    @cached_property
    def database(self) -> SubmissionDatabase:
        """The database for judging, with the reference tables; created when first needed."""
        database = SubmissionDatabase(self._spill)
        for name, select in (
            ("hospitals", "select distinct ccn"),
            ("groupers", "select distinct grouper_version"),
            ("apr_drg", "select grouper_version || ' ' || apr_drg as code, max(type) = 'P' as is_surgical"),
            ("revenue_codes", "select revenue_code_from, revenue_code_to, rate_center"),
            ("dispositions", "select distinct disposition_code as code"),
        ):
            database.con.register("arriving", self._tables["apr_drg" if name == "groupers" else name])
            grouped = " group by 1" if name == "apr_drg" else ""
            database.con.execute(f"create table main.ref_{name} as {select} from arriving{grouped}")
            database.con.unregister("arriving")
        return database

    @property
    def con(self) -> duckdb.DuckDBPyConnection:
        """The database's connection."""
        return self.database.con

    @cached_property
    def judged_with(self) -> str:
        """Hash of everything that the verdict depends on except the submission itself."""
        return _fingerprint(self._tables, self.cost_method)

    def __enter__(self) -> Judge:
        return self

    def __exit__(self, *_: object) -> None:
        if "database" in vars(self):
            self.database.close()

    def judge(self, submission: Submission, *, only: str = "") -> SubmissionReceipt:
        """The receipt of a submission, as if it were the only one; ``only`` limits it to one table's file."""
        outcomes.clear(self.database, submission)
        if submission.name_problem is not None:
            return self._receipt(_Case(submission, [submission.name_problem]), counting.SubmissionCounts())
        reported = self.cost_method == "reported"
        there = contents(submission, only=only, charges_needed=not reported)
        case = _Case(submission, list(there.problems), entries=there.entries)
        if submission.ccn not in self._hospitals:
            case.problems.append(Problem("S-HOSPITAL-UNKNOWN", f"{submission.ccn} is not in the table of hospitals"))
        errors = {
            "discharges": edits.discharge_errors(reported_cost_needed=reported),
            "charges": edits.charge_errors(),
        }
        outcome = counting.SubmissionCounts()
        if not only:
            case.totals, problems = read_control_totals(there.control_totals)
            case.problems += problems
            case.control = scan_file(there.control_totals) if there.control_totals is not None else None
        with (
            TemporaryDirectory(prefix="copies-", dir=self.database.spill) as copies,
            ThreadPoolExecutor(max_workers=2) as pool,
        ):
            # One file is scanned while the other is loaded.
            scans = {
                name: pool.submit(scan_any_shape, path, outcomes.CONTRACTS[name], Path(copies))
                for name, path in there.tables.items()
            }
            try:
                if there.bills:
                    self._read_bills(case, there, Path(copies), errors)
                for name, found in scans.items():
                    self._load(case, name, found.result(), errors[name])
                if case.cells:
                    outcome = self._edit(case, errors, only)
                    if case.bills is not None:
                        outcome = replace(outcome, rules=places.with_places(self.database, outcome.rules))
                    self._judge_whole(case, outcome)
            except duckdb.Error as error:  # one submission must not stop the others
                if (fault := storage_fault(error, self.database.spill)) is not None:
                    raise fault from error
                outcome = counting.SubmissionCounts()
                case.problems.append(self._engine_problem(case, errors, error))
        return self._receipt(case, outcome)

    def identify_by_bills(self, bills: tuple[Path, ...], scratch: Path) -> tuple[str, Quarter | None]:
        """The hospital and quarter, judging only by the bills."""
        return identify_by_bills(self.database, bills, scratch, self._npis)

    def _engine_problem(self, case: _Case, errors: Mapping[str, list[Check]], error: duckdb.Error) -> Problem:
        """The engine's failure as a problem without any cell contents, with the row that causes it if one does."""
        if isinstance(error, duckdb.OutOfMemoryException):
            limit = bytes_in_words(memory_limit())
            return Problem("F-TOO-LARGE", f"the files are too large to check with {limit} of memory and the free disk")
        message = f"the database engine fails on this row ({type(error).__name__})"
        for name, found in case.scans.items():
            if name not in case.cells:
                continue

            def fails(first: int, last: int, name: str = name) -> bool:
                cells = case.cells[name]
                sql = f"select * from ({cells.sql}) where row between {first} and {last}"
                parts = case.cells | {name: replace(cells, sql=sql)}
                part = _Case(case.submission, [], case.scans, parts, case.mended)
                try:
                    outcomes.restart(self.database)
                    for each, cut in part.cells.items():
                        outcomes.load(
                            self.database, outcomes.CONTRACTS[each], self._text(part, each, cut), errors[each]
                        )
                    self._edit_once(part, errors)
                except duckdb.Error:
                    return True
                return False

            row = failing_row(fails, 2, max(2, found.lines or HOSPITAL.rows))
            if row is not None and fails(row, row) and not fails(1, 1):
                outcomes.restart(self.database)
                return Problem("F-UNREADABLE", message, file=found.name, row=row)
        outcomes.restart(self.database)
        return Problem("F-UNREADABLE", f"the database engine fails on these files ({type(error).__name__})")

    def _load(self, case: _Case, name: str, found: FileScan, errors: list[Check]) -> None:
        case.scans[name] = found
        needed = ("reported_cost",) if name == "discharges" and self.cost_method == "reported" else ()
        ceiling = DISCHARGES if name == "discharges" else HOSPITAL
        if found.lines > ceiling.rows:
            words = f"contains {found.lines:,} lines, more than {ceiling.rows:,}"
            case.problems.append(Problem("F-TOO-LARGE", words, file=found.name))
            return
        try:
            cells = read_cells(self.con, found, outcomes.CONTRACTS[name], needed)
        except ReadingError as error:
            case.problems += error.problems
            return
        case.cells[name] = cells
        case.mended[name] = Mended()
        case.problems += cells.problems
        outcomes.load(self.database, outcomes.CONTRACTS[name], cells.sql, errors)

    def _read_bills(self, case: _Case, there: Contents, copies: Path, errors: dict[str, list[Check]]) -> None:
        """Load the cells of both tables from bills, and add the checks on bills."""
        grouping = scan_any_shape(there.grouping, GROUPING, copies) if there.grouping is not None else None
        needed = ("reported_cost",) if self.cost_method == "reported" else ()
        npi = self._npis.get(case.submission.ccn)
        case.bills = bills = read_bills(self.database, there.bills, grouping, copies, npi, needed)
        case.problems += bills.problems
        if grouping is None:  # already reported; without the grouper's results no row can be judged
            return
        errors["discharges"] = bills.errors(errors["discharges"])
        for name, cells in bills.cells.items():
            case.scans[name], case.cells[name], case.mended[name] = bills.scan, cells, Mended()
            outcomes.load(self.database, outcomes.CONTRACTS[name], cells.sql, errors[name])

    def _edit(self, case: _Case, errors: Mapping[str, list[Check]], only: str) -> counting.SubmissionCounts:
        """Judge the rows; if a file has spreadsheet habits, mend the working copy and judge again."""
        outcome, factors = self._edit_once(case, errors)
        for _ in range(_MOST_MENDINGS):
            if not self._mend(case, outcome):
                break
            outcomes.restart(self.database)
            for name, cells in case.cells.items():
                outcomes.load(self.database, outcomes.CONTRACTS[name], self._text(case, name, cells), errors[name])
            if not case.cells:
                return counting.SubmissionCounts()
            outcome, factors = self._edit_once(case, errors)
        counts: list[RuleCount] = []
        for name, cells in case.cells.items():
            contract = outcomes.CONTRACTS[name]
            mended = case.mended[name]
            if mended == Mended() and not mending.has_repeated(self.database, contract):
                continue
            counts += mending.counts(self.database, contract, cells, mended)
            rows, dollars = mending.repeated_rows(self.database, contract)
            outcome.tables[name] = replace(outcome.tables[name], repeated=rows, dollars_repeated=dollars)
            case.problems += mended.notes
            if mended.blank_rows:
                words = f"{mended.blank_rows:,} empty row{'s are' if mended.blank_rows > 1 else ' is'} skipped"
                case.problems.append(Problem("F-BLANK-ROWS", words, file=case.scans[name].name))
        outcome = replace(outcome, rules=(*outcome.rules, *counts))
        if not only:
            case.problems += self._cost_factor_problems(outcome, factors)
        return outcome

    def _mend(self, case: _Case, outcome: counting.SubmissionCounts) -> bool:
        """Look for habits in the rows that break a rule; return whether a new one was found."""
        erring = {count.table for count in outcome.rules if RULES[count.rule].severity == "ERROR"}
        changed = False
        for name, cells in list(case.cells.items()):
            mended = case.mended[name]
            file = case.scans[name].name
            contract = outcomes.CONTRACTS[name]
            if mending.find_habits(self.database, contract, file, cells, mended, any_error=name in erring):
                changed = True
            if mended.refusals:
                case.problems += mended.refusals
                del case.cells[name]
        return changed

    def _text(self, case: _Case, name: str, cells: Cells) -> str:
        return habits.mended(cells.sql, outcomes.CONTRACTS[name], case.mended[name].readings)

    def _edit_once(
        self, case: _Case, errors: Mapping[str, list[Check]]
    ) -> tuple[counting.SubmissionCounts, dict[str, Decimal | None]]:
        tables = tuple(case.cells)
        year = rate_year(case.submission.quarter.start)
        factors = cost_factors.hospital_factors(self._factors, case.submission.ccn, year, self.cost_method)
        has_charges = "charges" in tables
        outcomes.price(
            self.database, factors, edits.charge_warnings(), has_charges=has_charges, method=self.cost_method
        )
        cells = {name: self._text(case, name, case.cells[name]) for name in tables}
        any_found = outcomes.decide(self.database, cells, errors)
        of_bills = case.bills.warnings() if case.bills is not None else []
        warnings = [*edits.discharge_warnings(), *of_bills], edits.charge_warnings()
        return counting.count(self.database, tables, *warnings, any_found=any_found), factors

    def _cost_factor_problems(
        self, outcome: counting.SubmissionCounts, factors: dict[str, Decimal | None]
    ) -> list[Problem]:
        """Methodology §2: rate centers that the hospital charges without a factor of their own or one for ALL."""
        if not self.factors_known:
            return []
        if self.cost_method == "reported":
            if self._factors.is_empty():
                return [Problem("S-COST-FACTORS-ABSENT", "no cost factors: every factor is 1")]
            needed = {cost_factors.ALL_RATE_CENTERS}
        else:
            needed = set(outcome.rate_centers)
        missing = cost_factors.missing_rate_centers(factors, needed)
        if not missing:
            return []
        listed = ", ".join(missing[:10]) + (f" and {len(missing) - 10} more" if len(missing) > 10 else "")
        return [Problem("S-COST-FACTOR-MISSING", f"no cost factor ({self.cost_method}) for {listed}")]

    def _judge_whole(self, case: _Case, outcome: counting.SubmissionCounts) -> None:
        names = {name: found.name for name, found in case.scans.items()}
        case.problems += problems_of_whole(outcome, case.totals, names)
        case.problems += self._unknown_groupers(case)

    def _unknown_groupers(self, case: _Case) -> list[Problem]:
        if "discharges" not in case.cells:
            return []
        sql = "select code from codes_met where kind = 'grouper' and is_bad order by code limit 5"
        unknown = [f"'{shown(code)[:10]}'" for (code,) in self.database.run(sql).fetchall()]
        if not unknown:
            return []
        versions = [row[0] for row in self.database.run("select grouper_version from ref_groupers").fetchall()]
        known = ", ".join(sorted(versions, key=lambda v: (len(v), v)))
        words = f"grouper version {', '.join(unknown)}: the APR-DRG table has {known}"
        return [Problem("S-GROUPER-VERSION", words, file=case.scans["discharges"].name)]

    def _receipt(self, case: _Case, outcome: counting.SubmissionCounts) -> SubmissionReceipt:
        # A workbook of both tables is reported once.
        problems = sorted(dict.fromkeys(case.problems), key=lambda problem: (not problem.refuses, problem.file))
        refused = any(problem.refuses for problem in problems)
        if case.bills is not None:
            counted = {name: (*count.tallies, count.error_rows) for name, count in outcome.tables.items()}
            files = file_receipts(self.database, case.bills, counted)
        else:
            files = [
                FileReceipt(name, found.name, found.size, found.sha256, *count.tallies, count.error_rows)
                for name, found in case.scans.items()
                for count in [outcome.tables.get(name, counting.TableCount())]
            ]
        if refused:
            files = [replace(file, rows=file.rows.refused(), dollars=file.dollars.refused()) for file in files]
        if case.control is not None:
            files.append(FileReceipt("", case.control.name, case.control.size, case.control.sha256, Tally(), Tally()))
        submission = case.submission
        return reconcile(
            SubmissionReceipt(
                submission=submission.id
                if submission.name_problem is None
                else f"{submission.quarter}/{submission.stem}",
                quarter=str(submission.quarter),
                ccn=submission.ccn,
                version=submission.version,
                status="refused" if refused else "accepted",
                files=tuple(files),
                rules=outcome.rules,
                problems=tuple(problems),
                judged_with=self.judged_with,
                stated_time=case.totals.stated_time if case.totals else None,
                stem=submission.stem,
                entries=case.entries,
                shape=SHAPE if case.bills is not None else "",
                bills=case.bills.counts if case.bills is not None else (),
            )
        )


def _fingerprint(tables: Mapping[str, pl.DataFrame], cost_method: str) -> str:
    digest = hashlib.sha256(f"{EDITS_VERSION}\n{cost_method}\n".encode())
    for name in sorted(tables):
        frame = tables[name].select(sorted(tables[name].columns))
        digest.update(f"{name}\n".encode() + frame.sort(frame.columns).write_csv().encode())
    return digest.hexdigest()

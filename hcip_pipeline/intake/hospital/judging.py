"""The verdict on a submission: the one place that intake and preflight both ask, so that they cannot differ.

Belongs here: running surveys, readings and edits in order, outcomes by row, counts, and whether it is refused.
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

import duckdb
import polars as pl

from hcip_pipeline.intake.hospital import cost_factors, edits, outcomes, rules
from hcip_pipeline.intake.hospital.bench import Bench, memory_limit
from hcip_pipeline.intake.hospital.control_totals import ControlTotals, differences, read_control_totals
from hcip_pipeline.intake.hospital.cost_factors import CostMethod
from hcip_pipeline.intake.hospital.culprits import failing_row
from hcip_pipeline.intake.hospital.edits import Check
from hcip_pipeline.intake.hospital.folders import Submission, contents
from hcip_pipeline.intake.hospital.reading import Cells, ReadingError, read_cells
from hcip_pipeline.intake.hospital.receipts import FileReceipt, SubmissionReceipt, Tally, reconcile
from hcip_pipeline.intake.hospital.rules import Problem, exceeds
from hcip_pipeline.intake.hospital.survey import Survey, survey
from hcip_pipeline.periods import rate_year
from hcip_pipeline.received_files import DISCHARGES, HOSPITAL, told_bytes
from hcip_pipeline.reference.dispositions import load_dispositions
from hcip_pipeline.storage_faults import storage_fault

#: Raised whenever an edit changes its meaning: submissions taken in under another version are judged again.
EDITS_VERSION = "1"

_REFERENCE_USED = ("hospitals", "apr_drg", "revenue_codes", "cost_factors")


@dataclass
class _Case:
    """A submission on the bench."""

    submission: Submission
    problems: list[Problem]
    surveys: dict[str, Survey] = field(default_factory=dict)
    cells: dict[str, Cells] = field(default_factory=dict)
    totals: ControlTotals | None = None
    control: Survey | None = None
    entries: tuple[str, ...] = ()


class Judge:
    """Judges submissions one after another against one set of reference tables.

    After :meth:`judge` the rows of that submission are on its ``bench`` until the next one (``outcomes`` names the
    tables).

    Args:
        reference: tables as ``reference.tables.load_reference`` gives them; ``cost_factors`` may be left out of the
            verdict with ``factors_known=False`` (a desk that has no rates).
        cost_method: of the policy (methodology §13).
        spill: the folder for what memory cannot hold.
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
        self._hospitals = frozenset(reference["hospitals"].get_column("ccn").to_list())
        dispositions = reference.get("discharge_dispositions")
        tables = {name: reference[name] for name in _REFERENCE_USED}
        tables["dispositions"] = load_dispositions() if dispositions is None else dispositions
        self._tables = tables
        self.bench = Bench(spill)
        self.con = self.bench.con
        for name, select in (
            ("hospitals", "select distinct ccn"),
            ("apr_drg", "select grouper_version || ' ' || apr_drg as code, max(type) = 'P' as is_surgical"),
            ("revenue_codes", "select revenue_code_from, revenue_code_to, rate_center"),
            ("dispositions", "select distinct disposition_code as code"),
        ):
            self.con.register("arriving", tables[name])
            grouped = " group by 1" if name == "apr_drg" else ""
            self.con.execute(f"create table main.ref_{name} as {select} from arriving{grouped}")
            self.con.unregister("arriving")

    @cached_property
    def judged_with(self) -> str:
        """Hash of everything but the submission that the verdict depends on."""
        return _fingerprint(self._tables, self.cost_method)

    def __enter__(self) -> Judge:
        return self

    def __exit__(self, *_: object) -> None:
        self.bench.close()

    def judge(self, submission: Submission, *, only: str = "") -> SubmissionReceipt:
        """The receipt of a submission, as if it were the only one; ``only`` judges one of its files alone."""
        outcomes.clear(self.bench, submission)
        if submission.name_problem is not None:
            return self._receipt(_Case(submission, [submission.name_problem]), outcomes.Outcome())
        reported = self.cost_method == "reported"
        there = contents(submission, only=only, charges_needed=not reported)
        case = _Case(submission, list(there.problems), entries=there.entries)
        if submission.ccn not in self._hospitals:
            case.problems.append(Problem("S-HOSPITAL-UNKNOWN", f"{submission.ccn} is no known hospital"))
        errors = {
            "discharges": edits.discharge_errors(reported_cost_needed=reported),
            "charges": edits.charge_errors(),
        }
        outcome = outcomes.Outcome()
        if not only:
            case.totals, said = read_control_totals(there.control_totals)
            case.problems += said
            case.control = survey(there.control_totals) if there.control_totals is not None else None
        with ThreadPoolExecutor(max_workers=2) as beside:  # one file is surveyed while the other is loaded
            surveys = {name: beside.submit(survey, path) for name, path in there.tables.items()}
            try:
                for name, found in surveys.items():
                    self._load(case, name, found.result(), errors[name])
                if case.cells:
                    outcome = self._edit(case, errors, only)
                    self._judge_whole(case, outcome, only)
            except duckdb.Error as error:  # one submission must not stop the others
                if (fault := storage_fault(error, self.bench.spill)) is not None:
                    raise fault from error
                outcome = outcomes.Outcome()
                case.problems.append(self._engine_problem(case, errors, error))
        return self._receipt(case, outcome)

    def _engine_problem(self, case: _Case, errors: Mapping[str, list[Check]], error: duckdb.Error) -> Problem:
        """What the engine could not do, in words without a cell of it, and at which row."""
        if isinstance(error, duckdb.OutOfMemoryException):
            limit = told_bytes(memory_limit())
            return Problem("F-TOO-LARGE", f"the files hold more than can be judged in {limit} of memory and the disk")
        message = f"the engine cannot compute with this row ({type(error).__name__})"
        for name, found in case.surveys.items():
            if name not in case.cells:
                continue

            def fails(first: int, last: int, name: str = name) -> bool:
                cells = case.cells[name]
                sql = f"select * from ({cells.sql}) where row between {first} and {last}"
                part = _Case(case.submission, [], case.surveys, case.cells | {name: replace(cells, sql=sql)})
                try:
                    outcomes.restart(self.bench)
                    for each, cut in part.cells.items():
                        outcomes.load(self.bench, outcomes.CONTRACTS[each], cut.sql, errors[each])
                    self._edit(part, errors, "")
                except duckdb.Error:
                    return True
                return False

            row = failing_row(fails, 2, max(2, found.lines or HOSPITAL.rows))
            if row is not None and fails(row, row) and not fails(1, 1):
                outcomes.restart(self.bench)
                return Problem("F-UNREADABLE", message, found.name, row)
        outcomes.restart(self.bench)
        return Problem("F-UNREADABLE", f"the engine cannot compute with these files ({type(error).__name__})")

    def _load(self, case: _Case, name: str, found: Survey, errors: list[Check]) -> None:
        case.surveys[name] = found
        needed = ("reported_cost",) if name == "discharges" and self.cost_method == "reported" else ()
        ceiling = DISCHARGES if name == "discharges" else HOSPITAL
        if found.lines > ceiling.rows:
            words = f"holds {found.lines:,} lines, more than {ceiling.rows:,}"
            case.problems.append(Problem("F-TOO-LARGE", words, found.name))
            return
        try:
            cells = read_cells(self.con, found, outcomes.CONTRACTS[name], needed)
        except ReadingError as error:
            case.problems += error.problems
            return
        case.cells[name] = cells
        case.problems += cells.problems
        outcomes.load(self.bench, outcomes.CONTRACTS[name], cells.sql, errors)

    def _edit(self, case: _Case, errors: Mapping[str, list[Check]], only: str) -> outcomes.Outcome:
        tables = tuple(case.cells)
        year = rate_year(case.submission.quarter.start)
        factors = cost_factors.hospital_factors(self._factors, case.submission.ccn, year, self.cost_method)
        has_charges = "charges" in tables
        outcomes.price(self.bench, factors, edits.charge_warnings(), has_charges=has_charges, method=self.cost_method)
        cells = {name: case.cells[name].sql for name in tables}
        any_found = outcomes.decide(self.bench, cells, errors)
        warnings = edits.discharge_warnings(), edits.charge_warnings()
        outcome = outcomes.count(self.bench, tables, *warnings, any_found=any_found)
        if not only:
            case.problems += self._cost_factor_problems(outcome, factors)
        return outcome

    def _cost_factor_problems(self, outcome: outcomes.Outcome, factors: dict[str, Decimal | None]) -> list[Problem]:
        """Methodology §2: a rate center the hospital charges, with no factor of its own and none for ALL."""
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

    def _judge_whole(self, case: _Case, outcome: outcomes.Outcome, only: str) -> None:
        for name, count in outcome.tables.items():
            if exceeds(count.error_rows, count.read, rules.MAX_ERROR_SHARE):
                case.problems.append(
                    Problem(
                        "S-ERROR-RATE",
                        f"{count.error_rows:,} of {count.read:,} rows break an ERROR rule, more than 1%",
                        case.surveys[name].name,
                    )
                )
        if case.totals is not None:
            discharges, charges = outcome.tables.get("discharges"), outcome.tables.get("charges")
            case.problems += differences(
                case.totals,
                discharges.read if discharges else None,
                charges.read if charges else None,
                discharges.dollars_read if discharges else None,
            )
        for rule, part, whole, what, share in (
            ("S-NPI-MISSING", outcome.npi_missing, outcome.kept_discharges, "discharges lack their physician's NPI",
             rules.MAX_NPI_MISSING),
            ("S-PATIENT-ID-MISSING", outcome.patient_id_missing, outcome.kept_discharges, "discharges lack patient_id",
             rules.MAX_PATIENT_ID_MISSING),
            ("S-UNMAPPED", outcome.unmapped, outcome.kept_charges, "charge lines have no rate center",
             rules.MAX_UNMAPPED),
        ):  # fmt: skip
            if exceeds(part, whole, share):
                case.problems.append(Problem(rule, f"{part:,} of {whole:,} {what}"))

    def _receipt(self, case: _Case, outcome: outcomes.Outcome) -> SubmissionReceipt:
        problems = sorted(case.problems, key=lambda problem: (not problem.refuses, problem.file))
        refused = any(problem.refuses for problem in problems)
        files = []
        for name, found in case.surveys.items():
            count = outcome.tables.get(name, outcomes.TableCount())
            rows, dollars = count.tallies
            if refused:
                rows, dollars = rows.refused(), dollars.refused()
            files.append(FileReceipt(name, found.name, found.size, found.sha256, rows, dollars, count.error_rows))
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
            )
        )


def _fingerprint(tables: Mapping[str, pl.DataFrame], cost_method: str) -> str:
    digest = hashlib.sha256(f"{EDITS_VERSION}\n{cost_method}\n".encode())
    for name in sorted(tables):
        frame = tables[name].select(sorted(tables[name].columns))
        digest.update(f"{name}\n".encode() + frame.sort(frame.columns).write_csv().encode())
    return digest.hexdigest()

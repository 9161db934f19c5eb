"""A submitter's preflight (``hcip check``): the intake's verdict on one file or folder, without a home.

Belongs here: which hospital and quarter a folder is judged as, and with which tables. Does not belong here: any rule
(``judging`` reaches the verdict, so it is the same as the intake's), and how a verdict looks (``rules.rendering``).
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from hcip_pipeline.contracts.hospital import CHARGES, DISCHARGES
from hcip_pipeline.errors import UsageError
from hcip_pipeline.files.scratch import scratch_folder
from hcip_pipeline.intake.hospital.folders import (
    BILLS,
    CCN,
    FORMATS,
    TABLES,
    Submission,
    contents,
    is_workbook,
    submission_at,
    table_of,
)
from hcip_pipeline.intake.hospital.habits import DATE_FORMS
from hcip_pipeline.intake.hospital.headers import ReadingError
from hcip_pipeline.intake.hospital.judging import Judge
from hcip_pipeline.intake.hospital.reading import read_cells
from hcip_pipeline.intake.hospital.receipts import SubmissionReceipt
from hcip_pipeline.intake.hospital.shapes import scan_any_shape
from hcip_pipeline.intake.hospital.verdict import verdict
from hcip_pipeline.intake.x12.file_names import GROUPING
from hcip_pipeline.intake.x12.places import LABELED, located
from hcip_pipeline.periods import Quarter
from hcip_pipeline.policy.loader import load_policy
from hcip_pipeline.policy.model import Policy
from hcip_pipeline.reference.tables import load_reference
from hcip_pipeline.rules.hospital import RULES
from hcip_pipeline.rules.problem import Problem
from hcip_pipeline.rules.rendering import render_html, render_text
from hcip_pipeline.rules.verdict import Verdict
from hcip_pipeline.tables.file_names import shown, shown_unknown

#: Number of broken rows that are listed individually; all are counted.
MAX_ROWS = 1000
#: Number of names that a message lists if no submission is found.
_MOST_NAMES = 5


@dataclass(frozen=True)
class CheckResult:
    """The verdict, with everything that a submitter needs to correct the submission.

    Attributes:
        receipt: what the intake would write.
        rows: the first rows that break an ERROR rule, by rule, each with its cell.
        notes: what was assumed, and what could not be checked here.
    """

    path: Path
    receipt: SubmissionReceipt
    rows: tuple[Problem, ...]
    notes: tuple[str, ...]

    @property
    def title(self) -> str:
        """What was judged: ``<quarter>/<ccn>``, or the path if neither names nor rows identify the hospital."""
        return self.receipt.submission if self.receipt.ccn else shown(str(self.path))

    @property
    def accepted(self) -> bool:
        """Whether the submission would be accepted."""
        return self.receipt.status == "accepted"

    def as_dict(self) -> dict[str, Any]:
        """The same facts for ``--json``."""
        receipt = self.receipt.as_dict()
        for name in ("in_force", "superseded_by", "change", "stem", "judged_with", "earlier"):
            del receipt[name]
        return {
            "accepted": self.accepted,
            **receipt,
            "notes": list(self.notes),
            "findings": [{"value": "", **problem.as_dict()} for problem in self.rows],
        }

    @property
    def verdict(self) -> Verdict:
        """The verdict for a reader."""
        return verdict(self)

    def summary(self) -> str:
        """The verdict as text for a terminal."""
        return render_text([self.verdict])

    def html(self) -> str:
        """The verdict as a page that needs no network."""
        return render_html([self.verdict])


@dataclass(frozen=True)
class _Place:
    """Where a submission is: names identify it in an inbox, and its rows elsewhere."""

    folder: Path
    only: str
    inbox: Path | None


class Preflight:
    """Checks submissions one after another with one set of tables.

    Args:
        reference, policy, factors_known: as for :class:`~hcip_pipeline.intake.hospital.judging.Judge`.
    """

    def __init__(
        self, reference: Mapping[str, pl.DataFrame], policy: Policy | None = None, *, factors_known: bool = True
    ) -> None:
        self.factors_known = factors_known
        self.judge = Judge(reference, policy.cost_method if policy else "markup", factors_known=factors_known)

    def __enter__(self) -> Preflight:
        return self

    def __exit__(self, *_: object) -> None:
        self.judge.__exit__()

    def check(self, path: Path, *, quarter: Quarter | None = None, ccn: str | None = None) -> CheckResult:
        """Like :func:`check`."""
        if path.is_file() and is_workbook(path.name) and table_of(path.name) is None:
            # A workbook of both tables is a complete submission, regardless of the files next to it.
            with scratch_folder("workbook") as folder:
                shutil.copy(path, folder)
                return replace(self.check(folder, quarter=quarter, ccn=ccn), path=path)
        if ccn is not None and not CCN.fullmatch(ccn):
            raise UsageError(f"'{shown(ccn)}' is not a CCN", fix="write six capital letters or digits, such as 210001")
        place = _place(path)
        submission, notes = _submission(place, self.judge, quarter, ccn)
        receipt = self.judge.judge(submission, only=place.only)
        if not submission.ccn and submission.name_problem is None:
            # That the hospital is unknown is not a fault in itself; that the files cannot be read is.
            problems = tuple(problem for problem in receipt.problems if problem.rule != "S-HOSPITAL-UNKNOWN")
            receipt = replace(receipt, problems=problems)
        if place.only:
            other = next(table for table in TABLES if table != place.only)
            notes += (f"only this file was checked, not its agreement with {other}, control totals or cost factors",)
        elif not self.factors_known:
            notes += (
                "without cost factors, it was not checked whether the hospital has rates for everything it charges",
            )
        return CheckResult(path, receipt, _broken_rows(self.judge, receipt), notes)


def check(
    path: Path,
    reference: Mapping[str, pl.DataFrame] | None = None,
    policy: Policy | None = None,
    *,
    quarter: Quarter | None = None,
    ccn: str | None = None,
) -> CheckResult:
    """Judge a submission folder, or one of its files, as the intake would.

    Args:
        path: a folder with discharges and charges, or one such file.
        reference: tables to judge with; by default those of the inbox the path is in, else the shipped ones.
        policy: its cost method decides what a submission must contain; by default the inbox's, else ``markup``.
        quarter, ccn: what to judge it as; by default according to the folders' names, else to its rows.

    Raises:
        UsageError: the path is not a submission.
        HcipError: a reference table or the policy of the inbox is refused.
    """
    inbox = _place(path).inbox
    tables = load_reference(inbox) if reference is None else reference
    if policy is None and inbox is not None and (inbox / "policy.yaml").is_file():
        policy = load_policy(inbox / "policy.yaml").policy
    factors_known = reference is not None or inbox is not None
    if not factors_known:  # without a home there are no rates, and the shipped ones are not the region's
        tables = {**tables, "cost_factors": tables["cost_factors"].clear()}
    with Preflight(tables, policy, factors_known=factors_known) as preflight:
        return preflight.check(path, quarter=quarter, ccn=ccn)


def _place(path: Path) -> _Place:
    if not path.exists() and not path.is_symlink():
        raise UsageError(
            "there is no such file or folder", file=path, fix="give a submission folder, or one of its files"
        )
    only = ""
    folder = path
    if not path.is_dir():
        only = table_of(path.name) or ""
        if not only and not is_workbook(path.name):
            raise UsageError(
                f"'{shown_unknown(path.name)}' is not named discharges or charges",
                fix=f"rename it, with one of the extensions {', '.join(FORMATS)}",
            )
        folder = path.parent
        if only in (BILLS, GROUPING):
            raise UsageError(
                "bills are judged together with their grouping file",
                file=path,
                fix="give the folder that contains both",
            )
    folder = folder.absolute()
    parents = folder.parents
    in_inbox = len(parents) > 2 and parents[1].name == "hospital" and _quarter(parents[0].name) is not None
    place = _Place(folder, only, parents[2] if in_inbox else None)
    if not only and not in_inbox and not _is_submission(folder):
        inner = [entry.name for entry in folder.iterdir() if entry.is_dir() and _is_submission(entry)]
        what = (
            f"the folder contains {len(inner)} submission{'s' * (len(inner) != 1)}"
            if inner
            else f"the folder contains no submission{_found_instead(folder)}"
        )
        raise UsageError(what, file=path, fix="give a folder with discharges and charges in it, or one of those files")
    return place


def _is_submission(folder: Path) -> bool:
    return any(table_of(entry.name) or is_workbook(entry.name) for entry in folder.iterdir() if entry.is_file())


def _found_instead(folder: Path) -> str:
    """What the folder contains instead, so that a wrong name can be reported."""
    names = sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))
    listed = ", ".join(f"'{shown_unknown(name)}'" for name in names[:_MOST_NAMES])
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return f"; found {listed}{more}: none is named discharges or charges" if names else ": it is empty"


def _quarter(name: str) -> Quarter | None:
    try:
        return Quarter.parse(name)
    except UsageError:
        return None


def _submission(
    place: _Place, judge: Judge, quarter: Quarter | None, ccn: str | None
) -> tuple[Submission, tuple[str, ...]]:
    """What the folder is judged as, with notes on what was taken from the rows."""
    folder = place.folder
    root = place.inbox or folder
    named = submission_at(folder, quarter or _quarter(folder.parent.name) or Quarter(1, 1), root)
    if place.inbox is not None and ccn is None:
        return named, ()
    quarter = quarter or _quarter(folder.parent.name)
    ccn = ccn or named.ccn or None
    if quarter is not None and ccn is not None:
        return replace(named, quarter=quarter, ccn=ccn, version=max(named.version, 1), name_problem=None), ()
    found_ccn, found_quarter = _identify_by_rows(place, judge)
    if not (ccn or found_ccn) and contents(replace(named, ccn=""), only=place.only).bills:
        raise UsageError(
            "the bills do not identify the hospital",
            file=folder,
            fix="name the folder after the CCN, and the folder above it after the quarter: 2025Q1/210043",
        )
    notes = []
    if ccn is None and found_ccn:
        notes.append(f"checked as hospital {found_ccn}, the hospital of most rows")
    if quarter is None and found_quarter:
        notes.append(f"checked as quarter {found_quarter}, the quarter of most discharges")
    found = replace(
        named,
        quarter=quarter or found_quarter or Quarter(1, 1),
        ccn=ccn or found_ccn,
        version=max(named.version, 1),
        name_problem=None,
    )
    return found, tuple(notes)


def _identify_by_rows(place: _Place, judge: Judge) -> tuple[str, Quarter | None]:
    """The hospital and quarter of most rows; empty if the files cannot be read."""
    found_ccn, found_quarter = "", None
    somewhere = Submission(place.folder, Quarter(1, 1), "", 1, place.folder)
    there = contents(somewhere, only=place.only)
    if there.bills:
        with scratch_folder("copies") as copies:
            return judge.identify_by_bills(there.bills, copies)
    for table, path in there.tables.items():
        contract = DISCHARGES if table == "discharges" else CHARGES
        day = "discharge_date" if table == "discharges" else "service_date"
        try:
            with scratch_folder("copies") as copies:
                cells = read_cells(judge.con, scan_any_shape(path, contract, copies), contract)
        except ReadingError:
            continue
        forms = ", ".join(sql.format(day) for _, sql in DATE_FORMS.values())
        try:
            row = judge.con.execute(
                f"""select mode(hospital_ccn) filter (regexp_full_match(hospital_ccn, '[0-9A-Z]{{6}}')),
                    mode(year(d) * 4 + quarter(d)) filter (year(d) between 1900 and 2200)
                from (select hospital_ccn, coalesce({forms}) as d from ({cells.sql}))"""
            ).fetchone() or (None, None)
        except duckdb.Error:  # the verdict will report the engine's failure
            continue
        found_ccn = found_ccn or row[0] or ""
        if found_quarter is None and row[1] is not None:
            found_quarter = Quarter((row[1] - 1) // 4, (row[1] - 1) % 4 + 1)
    return found_ccn, found_quarter


def _broken_rows(judge: Judge, receipt: SubmissionReceipt) -> tuple[Problem, ...]:
    if receipt.shape:
        met = {count.table for count in receipt.rules}
        parts = [located(name, f"from findings where file = '{name}'") for name in TABLES if name in met]
        if not parts:
            return ()
        found = judge.con.execute(
            f'select bill_file, segment, "column", rule, {LABELED} from ({" union all ".join(parts)})'
            f' order by rule, bill_file, segment, "column" limit {MAX_ROWS}'
        ).fetchall()
        return tuple(
            Problem(rule, RULES[rule].description, segment, column, file=file, value=value)
            for file, segment, column, rule, value in found
        )
    names = {file.table: file.name for file in receipt.files}
    rows = judge.con.execute(
        f'select file, row, "column", rule, value from findings order by rule, file, row, "column" limit {MAX_ROWS}'
    ).fetchall()
    return tuple(
        Problem(rule, RULES[rule].description, row, column, file=names[table], value=value or "")
        for table, row, column, rule, value in rows
    )

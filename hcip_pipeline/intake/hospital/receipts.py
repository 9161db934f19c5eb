"""The receipt of a submission: every file with its hash, every row with its outcome, every rule with its count.

Belongs here: the contents of a receipt, and its conversion to and from JSON. Does not belong here: how the facts are
found (``judging``), and where receipts are stored (``ingest``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal
from typing import Any, Literal

from hcip_pipeline.errors import HcipError
from hcip_pipeline.rules.hospital import RULES
from hcip_pipeline.rules.problem import Problem

Status = Literal["accepted", "refused"]


@dataclass(frozen=True)
class Tally:
    """Rows or dollars of a file by outcome: read = accepted + quarantined + superseded."""

    read: Decimal = Decimal(0)
    accepted: Decimal = Decimal(0)
    quarantined: Decimal = Decimal(0)
    superseded: Decimal = Decimal(0)

    @property
    def reconciles(self) -> bool:
        """Whether every row read was accepted, quarantined or superseded."""
        return self.read == self.accepted + self.quarantined + self.superseded

    def refused(self) -> Tally:
        """The tally after the submission is refused: everything is quarantined."""
        return Tally(self.read, Decimal(0), self.read, Decimal(0))

    def replaced(self) -> Tally:
        """The tally once a newer version is in force."""
        return Tally(self.read, Decimal(0), self.quarantined, self.accepted + self.superseded)


@dataclass(frozen=True)
class FileReceipt:
    """One file.

    Attributes:
        table: discharges, charges, or empty for control totals.
        rows: data rows by outcome; dollars: total_charges, or charge without total lines (0001), by outcome.
        error_rows: rows that break an ERROR rule themselves (for the 1% limit).
        same_as: an earlier file with the same sha256, ``<submission>/<name>``.
    """

    table: str
    name: str
    bytes: int
    sha256: str
    rows: Tally = Tally()
    dollars: Tally = Tally()
    error_rows: int = 0
    same_as: str | None = None


@dataclass(frozen=True)
class RuleCount:
    """A row rule, the column in which it was broken, how many rows, and the first few of their line numbers.

    Attributes:
        places: the places of those first few, if the lines are segments of several files of bills.
    """

    rule: str
    table: str
    column: str
    rows: int
    lines: tuple[int, ...] = ()
    places: tuple[str, ...] = ()


@dataclass(frozen=True)
class BillCount:
    """Bills with one outcome (counted, replaced, voided, …), and their charges."""

    outcome: str
    bills: int
    dollars: Decimal


@dataclass(frozen=True)
class Change:
    """How a resubmission changed the data in force: rows and dollars, new minus old."""

    against: str
    discharges: int
    charge_lines: int
    total_charges: Decimal


@dataclass(frozen=True)
class Incomplete:
    """The files of a folder that was refused because files were missing, and the problems; it was later completed."""

    files: tuple[tuple[str, str], ...]
    problems: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class SubmissionReceipt:
    """One submission, accepted once.

    Attributes:
        problems: SUBMISSION rules that are broken; those that refuse come first.
        in_force: whether it is the newest accepted version of its hospital and quarter.
        stated_time: when the submitter says it was made; nothing here reads a clock.
        entries: names of its files in the folder, including those that were not read.
        earlier: verdicts on the same folder while files were missing, oldest first: files by name and sha256, and
            refusals by rule and message.
        is_new: whether the current command judged it; never written to a file.
        shape: the kind of files it came as, if these are not the tables themselves.
        bills: for a submission of bills, all of them by outcome.
        judged_with: hash of rules, reference tables and cost method; if it changes, the submission is judged again.
    """

    submission: str
    quarter: str
    ccn: str
    version: int
    status: Status
    files: tuple[FileReceipt, ...]
    rules: tuple[RuleCount, ...]
    problems: tuple[Problem, ...]
    judged_with: str
    in_force: bool = False
    superseded_by: str | None = None
    change: Change | None = None
    stated_time: str | None = None
    stem: str = ""
    entries: tuple[str, ...] = ()
    earlier: tuple[Incomplete, ...] = ()
    shape: str = ""
    bills: tuple[BillCount, ...] = ()
    is_new: bool = field(default=False, compare=False)

    def as_earlier(self) -> tuple[Incomplete, ...]:
        """Earlier verdicts and this one, for the receipt of the completed folder."""
        files = tuple((file.name, file.sha256) for file in self.files)
        return (*self.earlier, Incomplete(files, tuple((p.rule, p.message) for p in self.refusals)))

    @property
    def refusals(self) -> tuple[Problem, ...]:
        """The problems for which the submission was refused."""
        return tuple(problem for problem in self.problems if problem.refuses)

    def file(self, table: str) -> FileReceipt | None:
        """Receipt of one table's file; None if it was not sent. Several files of bills count as one, without a hash."""
        files = [file for file in self.files if file.table == table]
        if len(files) < 2:
            return files[0] if files else None
        return FileReceipt(
            table,
            f"{len(files)} files of bills",
            sum(file.bytes for file in files),
            "",
            _sum(file.rows for file in files),
            _sum(file.dollars for file in files),
            sum(file.error_rows for file in files),
        )

    def rows(self, table: str, outcome: str = "accepted") -> int:
        """Number of a table's rows with this outcome."""
        file = self.file(table)
        return int(getattr(file.rows, outcome)) if file else 0

    def as_dict(self) -> dict[str, Any]:
        """The receipt for JSON: row counts as numbers, dollars as text, rules with severity and fix."""
        content = asdict(self)
        del content["is_new"]
        if not self.shape:
            del content["shape"], content["bills"]
        for count in content.get("bills", ()):
            count["dollars"] = f"{count['dollars']:.2f}"
        for file, stored in zip(self.files, content["files"], strict=True):
            stored["rows"] = {name: int(value) for name, value in asdict(file.rows).items()}
            stored["dollars"] = {name: f"{value:.2f}" for name, value in asdict(file.dollars).items()}
        for item in content["rules"]:
            rule = RULES[item["rule"]]
            item |= {"severity": rule.severity, "description": rule.description, "fix": rule.fix}
            item["lines"] = list(item["lines"])
            if not item["places"]:
                del item["places"]
        content["problems"] = [problem.as_dict() | {"refuses": problem.refuses} for problem in self.problems]
        if self.change is not None:
            content["change"]["total_charges"] = f"{self.change.total_charges:.2f}"
        return content

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> SubmissionReceipt:
        """Read a receipt from JSON."""
        files = tuple(
            FileReceipt(**{**f, "rows": _tally(f["rows"]), "dollars": _tally(f["dollars"])}) for f in content["files"]
        )
        counts = tuple(
            RuleCount(c["rule"], c["table"], c["column"], c["rows"], tuple(c["lines"]), tuple(c.get("places", ())))
            for c in content["rules"]
        )
        problems = tuple(Problem.from_dict(problem) for problem in content["problems"])
        change = content["change"] and Change(
            **{**content["change"], "total_charges": Decimal(content["change"]["total_charges"])}
        )
        earlier = tuple(
            Incomplete(*(tuple((name, stored) for name, stored in each[part]) for part in ("files", "problems")))
            for each in content.get("earlier", ())
        )
        bills = tuple(BillCount(b["outcome"], b["bills"], Decimal(b["dollars"])) for b in content.get("bills", ()))
        parts = {
            "bills": bills,
            "files": files,
            "rules": counts,
            "problems": problems,
            "change": change,
            "earlier": earlier,
        }
        return cls(**{**content, **parts, "entries": tuple(content["entries"])})


def _sum(tallies: Iterable[Tally]) -> Tally:
    every = list(tallies)
    return Tally(
        *(
            sum((getattr(tally, name) for tally in every), Decimal(0))
            for name in ("read", "accepted", "quarantined", "superseded")
        )
    )


def _tally(content: dict[str, Any]) -> Tally:
    return Tally(**{name: Decimal(value) for name, value in content.items()})


def reconcile(receipt: SubmissionReceipt) -> SubmissionReceipt:
    """The receipt itself.

    Raises:
        HcipError: rows or dollars of a file are not accounted for (a fault of this program, not of the submission).
    """
    for file in receipt.files:
        for what, tally in (("rows", file.rows), ("dollars", file.dollars)):
            if not tally.reconciles:
                raise HcipError(
                    f"{what} do not reconcile: {tally.read} read, {tally.accepted} accepted,"
                    f" {tally.quarantined} quarantined, {tally.superseded} superseded",
                    file=f"{receipt.submission}/{file.name}",
                    fix="this is a fault of the intake: keep the submission and report it",
                )
    return receipt


def superseded(receipt: SubmissionReceipt, by: str) -> SubmissionReceipt:
    """The receipt once a newer version is in force."""
    files = tuple(replace(file, rows=file.rows.replaced(), dollars=file.dollars.replaced()) for file in receipt.files)
    return reconcile(replace(receipt, files=files, in_force=False, superseded_by=by))


def still_refused(receipts: Iterable[SubmissionReceipt]) -> list[SubmissionReceipt]:
    """Refused submissions that no later accepted version of the same hospital has replaced."""
    found = list(receipts)
    mended = {
        receipt.stem
        for receipt in found
        if receipt.ccn
        and any(
            other.status == "accepted" and other.ccn == receipt.ccn and other.version > receipt.version
            for other in found
        )
    }
    return [receipt for receipt in found if receipt.status == "refused" and receipt.stem not in mended]

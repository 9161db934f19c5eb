"""The result of verification: what each rule checked, and the differences.

Belongs here: counting, and reporting the counts. Does not belong here: a rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from .rules import RULES

if TYPE_CHECKING:
    from .tables import Row

#: How many differences are listed for each rule; all are counted.
MOST_LISTED = 10

#: Columns that may not appear outside the hospital's own files, not even in a message.
_PATIENT_COLUMNS = frozenset({"account_no"})


class UnreadableReleaseError(Exception):
    """The release cannot be verified; ``fix`` is what the user can do about it."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(f"{message}\nWhat to do: {fix}")
        self.message = message
        self.fix = fix


@dataclass(frozen=True)
class Difference:
    """One figure that is not what it should be.

    Attributes:
        file: path within the release.
        row: line of that file (the header is line 1); None for a whole file or a missing row.
        key: identifies the row, without patients' identifiers.
    """

    rule: str
    file: str
    row: int | None
    key: str
    column: str
    expected: str
    found: str

    def __str__(self) -> str:
        place = self.file + (f", row {self.row}" if self.row is not None else "")
        figure = " ".join(part for part in (self.key, self.column) if part)
        subject = f"{place}: {figure}" if figure else place
        return f"[{self.rule}] {subject}: expected {self.expected}, found {self.found}"


@dataclass
class Tally:
    """What one rule checked."""

    rows: int = 0
    figures: int = 0
    cents: int = 0
    differences: int = 0


@dataclass
class Findings:
    """Collects findings while the release is checked."""

    tallies: dict[str, Tally] = field(default_factory=lambda: {rule: Tally() for rule in RULES})
    listed: list[Difference] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    #: releases whose public tables were made before every column hid small counts
    before_privacy_rule: list[str] = field(default_factory=list)
    before_hospital_readers: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    #: files with a valid time stamp, and its time
    stamped: list[str] = field(default_factory=list)

    def compare(self, rule: str, row: Row, expected: Mapping[str, Any]) -> None:
        """Compare a row's figures with the expected ones."""
        tally = self.tallies[rule]
        tally.rows += 1
        tally.figures += len(expected)
        for column, value in expected.items():
            found = row[column]
            if column in row.table.shape.money and found is not None:
                tally.cents += int(abs(found).scaleb(2))
            if found != value:
                self.differ(rule, row.table.path, column, value, found, row=row.line, key=row.label)

    def fact(self, rule: str, file: str, name: str, expected: Any, found: Any, key: str = "") -> None:
        """Compare one fact about a file with the expected one."""
        self.tallies[rule].figures += 1
        if expected != found:
            self.differ(rule, file, name, expected, found, key=key)

    def require(self, rule: str, row: Row, column: str, holds: bool, condition: str) -> None:
        """Record a difference unless a row's figure satisfies the condition; ``condition`` describes it."""
        self.tallies[rule].figures += 1
        if not holds:
            self.differ(rule, row.table.path, column, condition, row[column], row=row.line, key=row.label)

    def differ(
        self, rule: str, file: str, column: str, expected: Any, found: Any, *, row: int | None = None, key: str = ""
    ) -> None:
        """Record a figure that is not what it should be."""
        tally = self.tallies[rule]
        tally.differences += 1
        if tally.differences <= MOST_LISTED:
            hidden = column in _PATIENT_COLUMNS
            stated = ("(not shown)", "(not shown)") if hidden else _as_texts(expected, found)
            self.listed.append(Difference(rule, file, row, key, column, *stated))

    def counted(self, rule: str, rows: int) -> None:
        """Count rows that a rule examined without comparing them one by one."""
        self.tallies[rule].rows += rows


def _as_texts(expected: Any, found: Any) -> tuple[str, str]:
    """Both values as text; of two long lists only the entries that the other does not have."""
    if isinstance(expected, list) and isinstance(found, list) and len(expected) + len(found) > 2 * MOST_LISTED:
        one, other = [_as_text(each) for each in expected], [_as_text(each) for each in found]
        missing, unexpected = set(one) - set(other), set(other) - set(one)
        if missing or unexpected:
            return _in_short(one, missing, "missing"), _in_short(other, unexpected, "unexpected")
    return _as_text(expected), _as_text(found)


def _in_short(entries: list[str], shown: set[str], label: str) -> str:
    first = [entry for entry in entries if entry in shown][:MOST_LISTED]
    more = f" and {len(shown) - len(first):,} more" if len(shown) > len(first) else ""
    return f"{len(entries):,} entries" + (f" ({label}: {', '.join(first)}{more})" if first else "")


def _as_text(value: Any) -> str:
    """A value as the files of a release write it; several are separated by commas, the parts of each by blanks."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Mapping):
        value = list(value.items())
    if isinstance(value, list):
        value = ", ".join(map(_as_text, value))
    elif isinstance(value, tuple):
        value = " ".join(_as_text(part) for part in value if part is not None and part != "")
    return "nothing" if value is None or value == "" else str(value)


@dataclass(frozen=True)
class VerificationReport:
    """The outcome of verifying one release."""

    release: str
    files: int
    tallies: Mapping[str, Tally]
    listed: tuple[Difference, ...]
    notes: tuple[str, ...]
    #: releases, this one or one behind it, whose public tables were made before every column hid small counts
    before_privacy_rule: tuple[str, ...] = ()
    before_hospital_readers: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()
    stamped: tuple[str, ...] = ()

    @property
    def differences(self) -> int:
        """Number of differences under all rules."""
        return sum(tally.differences for tally in self.tallies.values())

    @property
    def ok(self) -> bool:
        """Whether every figure was reproduced, to the cent."""
        return self.differences == 0

    @property
    def cents(self) -> int:
        """Cents that were recomputed under all rules."""
        return sum(tally.cents for tally in self.tallies.values())

    def text(self) -> str:
        """The report for people: the verdict, what each rule checked, and the differences."""
        count = self.differences
        verdict = (
            f"{self.release}: every figure was reproduced"
            if self.ok
            else f"{self.release}: {count:,} difference{'s' if count > 1 else ''}"
        )
        lines = [verdict, "", f"{'rule':<24}{'rows':>10}{'figures':>12}{'dollars':>22}{'differences':>13}"]
        for rule, tally in self.tallies.items():
            dollars = f"${tally.cents // 100:,}.{tally.cents % 100:02d}" if tally.cents else ""
            rows = f"{tally.rows:,}" if tally.rows else ""
            lines.append(f"{rule:<24}{rows:>10}{tally.figures:>12,}{dollars:>22}{tally.differences or '':>13}")
        if self.listed:
            lines += ["", "Differences:", *(f"  {difference}" for difference in self.listed)]
            if count > len(self.listed):
                lines.append(f"  and {count - len(self.listed):,} more")
            broken = [rule for rule, tally in self.tallies.items() if tally.differences]
            lines += ["", "What these rules check:", *(f"  {rule}: {RULES[rule]}" for rule in broken)]
        if self.before_privacy_rule:
            lines += [
                "",
                "Made before small counts were hidden in every column. Small counts can be computed from the rates and "
                "ranks of these releases. Do not pass these on:",
                *(f"  {name}" for name in self.before_privacy_rule),
            ]
        if self.before_hospital_readers:
            lines += [
                "",
                "Made before small counts were hidden from other hospitals. A hospital can compute small counts of "
                "others by comparing these releases with its own counts. Do not pass these on:",
                *(f"  {name}" for name in self.before_hospital_readers),
            ]
        if self.stamped:
            lines += ["", "Existed no later than its time stamp:", *(f"  {each}" for each in self.stamped)]
        if self.notes:
            lines += ["", "Not checked:", *(f"  {note}" for note in self.notes)]
        if self.stale:
            lines += ["", "Stale (RESTS_ON_SUPERSEDED):", *(f"  {reason}" for reason in self.stale)]
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """The same facts for ``--json``; cents as whole numbers."""
        return {
            "release": self.release,
            "ok": self.ok,
            "files": self.files,
            "cents": self.cents,
            "differences": self.differences,
            "rules": [{"rule": rule, "asks": RULES[rule], **asdict(tally)} for rule, tally in self.tallies.items()],
            "listed": [asdict(difference) for difference in self.listed],
            "not_checked": list(self.notes),
            "before_privacy_rule": list(self.before_privacy_rule),
            "before_hospital_readers": list(self.before_hospital_readers),
            "rests_on_superseded": list(self.stale),
            "stamped": list(self.stamped),
        }

"""What a preflight tells, each finding once and the worst first: the one list that its text and its page show.

Belongs here: order, and which findings are one. Does not belong here: any rule, and how the list looks (``check_text``,
``pages``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from hcip_pipeline.intake.hospital.edits import LONGEST_SHOWN
from hcip_pipeline.intake.hospital.rules import RULES, Problem, Rule

if TYPE_CHECKING:
    from hcip_pipeline.intake.hospital.preflight import CheckResult, Finding
    from hcip_pipeline.intake.hospital.receipts import RuleCount

Weight = Literal["refuses", "error", "follows", "warning", "said"]

#: Places of a finding that are named; all are counted.
PLACES = 3
#: A share over its bound is one finding with the rule on rows that it counts.
_COUNTED_BY = {
    "S-UNMAPPED": ("C-REVENUE-CODE-UNMAPPED",),
    "S-PATIENT-ID-MISSING": ("D-PATIENT-ID-MISSING",),
    "S-NPI-MISSING": ("D-ATTENDING-NPI",),
    "S-GROUPER-VERSION": ("D-GROUPER-UNKNOWN",),
    "F-DATE-FORMS": ("D-DATE-UNREADABLE", "C-DATE-UNREADABLE"),
}
_ORDER: tuple[Weight, ...] = ("refuses", "error", "follows", "warning", "said")


@dataclass(frozen=True)
class Place:
    """Where a rule on rows was met: a column of a table, how many rows, the first of them, and what the cells hold."""

    table: str
    column: str
    rows: int
    lines: tuple[int, ...]
    cells: str

    @property
    def where(self) -> str:
        """``lines 2, 3, 4, …``."""
        more = ", …" if self.rows > len(self.lines) else ""
        return f"line{'s' * (self.rows > 1)} {', '.join(map(str, self.lines))}{more}"


@dataclass(frozen=True)
class Told:
    """One finding.

    Attributes:
        messages: of a rule about a file or the whole, with the file and line.
        places: of a rule about rows, most rows first.
    """

    rule: Rule
    weight: Weight
    messages: tuple[str, ...]
    places: tuple[Place, ...]

    @property
    def rows(self) -> int:
        """Number of rows with this finding."""
        return sum(place.rows for place in self.places)


def findings_told(result: CheckResult) -> list[Told]:
    """Every finding once, the worst first: what refuses, rows kept out, what follows from them, warnings, remarks."""
    receipt = result.receipt
    counted: dict[str, list[RuleCount]] = {}
    for count in receipt.rules:
        counted.setdefault(count.rule, []).append(count)
    problems: dict[str, list[Problem]] = {}
    for problem in receipt.problems:
        by = next((rule for rule in _COUNTED_BY.get(problem.rule, ()) if rule in counted), problem.rule)
        problems.setdefault(by, []).append(problem)
    told = [
        Told(
            RULES[rule],
            _weight(RULES[rule]),
            tuple(_message(problem) for problem in problems.get(rule, [])),
            tuple(_place(count, result.findings) for count in sorted(counted.get(rule, []), key=lambda c: -c.rows)),
        )
        for rule in dict.fromkeys((*problems, *counted))
    ]
    return sorted(told, key=lambda finding: (_ORDER.index(finding.weight), -finding.rows))


def _weight(rule: Rule) -> Weight:
    if rule.severity == "SUBMISSION":
        return "refuses" if rule.refuses else "said"
    if rule.severity == "WARN":
        return "warning"
    return "follows" if rule.follows else "error"


def _message(problem: Problem) -> str:
    where = f"{problem.file}: " if problem.file else ""
    line = f" (line {problem.row})" if problem.row and f" {problem.row}" not in problem.message else ""
    return f"{where}{problem.message}{line}"


def _place(count: RuleCount, findings: Iterable[Finding]) -> Place:
    key = (count.rule, count.column)
    cells = [finding.value for finding in findings if (finding.rule, finding.column) == key and finding.value]
    different = list(dict.fromkeys(cells))
    listed = ", ".join(different[:PLACES]) + (", …" if len(different) > PLACES else "")
    is_shape = any(len(cell) > LONGEST_SHOWN for cell in different[:PLACES])
    shown = (
        f"looks like: {listed} (9 is any digit, A any letter)" if is_shape else f"found: {listed}" if different else ""
    )
    return Place(count.table, count.column, count.rows, count.lines[:PLACES], shown)

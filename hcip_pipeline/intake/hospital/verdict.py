"""The verdict of a preflight on a submission: each rule once, the worst first.

Belongs here: the order, and how problems of a submission are grouped into entries. Does not belong here: any rule, and
how a verdict looks (``rules.rendering``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from hcip_pipeline.dollars import dollars
from hcip_pipeline.intake.hospital.edits import LONGEST_SHOWN
from hcip_pipeline.intake.hospital.folders import TABLES
from hcip_pipeline.rules.hospital import RULES
from hcip_pipeline.rules.problem import Problem
from hcip_pipeline.rules.rule import Rule
from hcip_pipeline.rules.verdict import BrokenRule, Counts, Place, Section, Tone, Verdict

if TYPE_CHECKING:
    from hcip_pipeline.intake.hospital.preflight import CheckResult
    from hcip_pipeline.intake.hospital.receipts import RuleCount, SubmissionReceipt

Weight = Literal["refuses", "error", "follows", "warning", "note"]

#: Number of places that an entry names; all are counted.
PLACES = 3
#: Rule on a share -> the rules whose rows it counts; they are shown as one entry.
_COUNTED_BY = {
    "S-UNMAPPED": ("C-REVENUE-CODE-UNMAPPED",),
    "S-PATIENT-ID-MISSING": ("D-PATIENT-ID-MISSING",),
    "S-NPI-MISSING": ("D-ATTENDING-NPI",),
    "S-GROUPER-VERSION": ("D-GROUPER-UNKNOWN",),
    "F-DATE-FORMS": ("D-DATE-UNREADABLE", "C-DATE-UNREADABLE"),
}


def verdict(result: CheckResult) -> Verdict:
    """Every broken rule once, the worst first: refusals, quarantined rows and rows that follow, warnings, remarks."""
    entries = _entries(result)
    by_weight: dict[Weight, list[BrokenRule]] = {}
    for entry in sorted(entries, key=lambda entry: -entry.row_count):
        by_weight.setdefault(_weight(RULES[entry.rule]), []).append(entry)
    headings: tuple[tuple[str, Tone, tuple[Weight, ...]], ...] = (
        ("Why it is refused", "bad", ("refuses",)),
        (
            "Quarantined rows" if result.accepted else "Rows that break an ERROR rule",
            "bad",
            ("error", "follows"),
        ),
        (
            "Rows accepted with a warning" if result.accepted else "Rows worth checking",
            "warn",
            ("warning",),
        ),
        ("Worth knowing", "", ("note",)),
    )
    sections = (
        Section(title, tone, tuple(entry for weight in weights for entry in by_weight.get(weight, ())))
        for title, tone, weights in headings
    )
    return Verdict(
        title=result.title,
        accepted=result.accepted,
        sections=tuple(section for section in sections if section.entries),
        notes=(*_bills(result.receipt), *result.notes),
        counts=_counts(result.receipt),
        consequence="No row of a refused submission is used; an earlier accepted submission stays in force.",
        in_order="No rule is broken.",
    )


def _entries(result: CheckResult) -> list[BrokenRule]:
    receipt = result.receipt
    counted: dict[str, list[RuleCount]] = {}
    for count in receipt.rules:
        counted.setdefault(count.rule, []).append(count)
    problems: dict[str, list[Problem]] = {}
    for problem in receipt.problems:
        by = next((rule for rule in _COUNTED_BY.get(problem.rule, ()) if rule in counted), problem.rule)
        problems.setdefault(by, []).append(problem)
    rows: dict[str, list[Problem]] = {}
    for row in result.rows:
        rows.setdefault(row.rule, []).append(row)
    return [
        BrokenRule(
            rule,
            RULES[rule].description,
            RULES[rule].fix,
            tuple(_message(problem) for problem in problems.get(rule, [])),
            tuple(_place(count, rows.get(rule, [])) for count in sorted(counted.get(rule, []), key=lambda c: -c.rows)),
            tuple(rows.get(rule, [])),
        )
        for rule in dict.fromkeys((*problems, *counted))
    ]


def _weight(rule: Rule) -> Weight:
    if rule.severity == "SUBMISSION":
        return "refuses" if rule.refuses else "note"
    if rule.severity == "WARN":
        return "warning"
    return "follows" if rule.follows else "error"


def _message(problem: Problem) -> str:
    where = f"{problem.file}: " if problem.file else ""
    line = f" (line {problem.row})" if problem.row and f" {problem.row}" not in problem.message else ""
    return f"{where}{problem.message}{line}"


def _place(count: RuleCount, rows: Sequence[Problem]) -> Place:
    cells = [row.value for row in rows if row.column == count.column and row.value]
    if count.places:  # a claim comes before each
        cells = [cell for value in cells if (cell := value.partition(": ")[2])]
    different = list(dict.fromkeys(cells))
    listed = ", ".join(different[:PLACES]) + (", …" if len(different) > PLACES else "")
    is_shape = any(len(cell) > LONGEST_SHOWN for cell in different[:PLACES])
    shown = (
        f"looks like: {listed} (9 is any digit, A any letter)" if is_shape else f"found: {listed}" if different else ""
    )
    return Place(count.table, count.column, count.rows, count.lines[:PLACES], shown, count.places[:PLACES])


def _bills(receipt: SubmissionReceipt) -> tuple[str, ...]:
    """The bills by outcome; there may be several for one stay."""
    if not receipt.bills:
        return ()
    outcomes = "; ".join(f"{count.bills:,} {count.outcome} ({dollars(count.dollars)})" for count in receipt.bills)
    total = sum(count.bills for count in receipt.bills)
    return (f"{receipt.shape}, {total:,} bill{'s' * (total != 1)}: {outcomes}",)


def _counts(receipt: SubmissionReceipt) -> Counts | None:
    if not receipt.files:
        return None
    rows = []
    files = [file for name in TABLES if (file := receipt.file(name))] if receipt.shape else receipt.files
    for file in files:
        if file.table:
            counts = (file.rows.read, file.rows.accepted, file.rows.quarantined, file.error_rows)
            name = f"{file.table} of {file.name}" if receipt.shape else file.name
            rows.append((name, *(f"{int(n):,}" for n in counts), f"{file.dollars.accepted:,.2f}"))
    heads = ("file", "rows\nread", "accepted", "quarantined", "ERROR\nrows", "dollars\naccepted")
    return Counts(heads, tuple(rows))

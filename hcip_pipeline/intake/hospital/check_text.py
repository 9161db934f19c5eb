"""The verdict of a preflight as text for a terminal. Words and columns only: no rule is decided here."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hcip_pipeline.intake.hospital.edits import LONGEST_SHOWN
from hcip_pipeline.intake.hospital.rules import RULES

if TYPE_CHECKING:
    from hcip_pipeline.intake.hospital.preflight import CheckResult
    from hcip_pipeline.intake.hospital.receipts import RuleCount

_WIDTH = 110


def summary(result: CheckResult) -> str:
    """The verdict, the files, every rule that was broken, and what to do about it."""
    out = io.StringIO()
    console = Console(file=out, width=_WIDTH, color_system=None, highlight=False)
    receipt = result.receipt
    console.print(f"{'ACCEPTED' if result.accepted else 'REFUSED'}: {escape(result.title)}", style="bold")
    for note in result.notes:
        console.print(f"  ({escape(note)})")
    if receipt.files:
        console.print(_files(result))
    if not result.accepted:
        console.print("Nothing of a refused submission is taken in; an accepted one before it stays in force.")
    refusals = [problem for problem in receipt.problems if problem.refuses]
    said = [problem for problem in receipt.problems if not problem.refuses]
    for title, problems in (("Why it is refused", refusals), ("Worth knowing", said)):
        if problems:
            console.print(f"\n{title}", style="bold")
        for problem in problems:
            where = f"{problem.file}: " if problem.file else ""
            line = f" (line {problem.row})" if problem.row else ""
            console.print(f"  {problem.rule}  {escape(where + problem.message + line)}", soft_wrap=True)
            console.print(f"      What to do: {escape(problem.fix)}", soft_wrap=True)
    errors = [count for count in receipt.rules if RULES[count.rule].severity == "ERROR"]
    warnings = [count for count in receipt.rules if RULES[count.rule].severity == "WARN"]
    kept_out = "Rows that are quarantined" if result.accepted else "Rows that break an ERROR rule"
    warned = "Rows that are accepted with a warning" if result.accepted else "Rows that are worth a look"
    for title, counts in ((kept_out, errors), (warned, warnings)):
        if not counts:
            continue
        console.print(f"\n{title}", style="bold")
        for count in counts:
            rule = RULES[count.rule]
            column = f" · {count.column}" if count.column else ""
            lines = ", ".join(str(line) for line in count.lines) + (" …" if count.rows > len(count.lines) else "")
            console.print(f"  {rule.id}{column}: {count.rows:,} {_rows(count.rows)} of {count.table}")
            console.print(f"      {escape(rule.description)}; line{'s' * (count.rows > 1)} {lines}", soft_wrap=True)
            if shapes := _shapes(result, count):
                console.print(f"      {escape(shapes)}", soft_wrap=True)
            console.print(f"      What to do: {escape(rule.fix)}", soft_wrap=True)
    if result.accepted and not errors and not warnings and not said:
        console.print("\nEvery row is in order.")
    return out.getvalue().rstrip("\n")


def _files(result: CheckResult) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False)
    table.add_column("file")
    for name in ("rows read", "accepted", "quarantined", "ERROR rows", "dollars read", "dollars accepted"):
        table.add_column(name, justify="right")
    for file in result.receipt.files:
        if file.table:
            counts = (file.rows.read, file.rows.accepted, file.rows.quarantined, file.error_rows)
            dollars = (file.dollars.read, file.dollars.accepted)
            table.add_row(file.name, *(f"{int(n):,}" for n in counts), *(f"{amount:,.2f}" for amount in dollars))
    return table


def _shapes(result: CheckResult, count: RuleCount) -> str:
    """The first few different cells that broke a rule, as quarantine shows them."""
    key = (count.rule, count.column)
    cells = [finding.value for finding in result.findings if (finding.rule, finding.column) == key and finding.value]
    different = list(dict.fromkeys(cells))
    if not different:
        return ""
    listed = ", ".join(different[:3]) + (", …" if len(different) > 3 else "")
    is_shape = any(len(cell) > LONGEST_SHOWN for cell in different[:3])
    return f"Looks like: {listed} (9 is any digit, A any letter)" if is_shape else f"Found: {listed}"


def _rows(count: int) -> str:
    return "row" if count == 1 else "rows"

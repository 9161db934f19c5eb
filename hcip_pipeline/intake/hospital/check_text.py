"""The verdict of a preflight as text for a terminal of 80 columns. Words and columns only: no rule is decided here."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from hcip_pipeline.intake.hospital.told import Place, Told, Weight, findings_told

if TYPE_CHECKING:
    from hcip_pipeline.intake.hospital.preflight import CheckResult

WIDTH = 80


def summary(result: CheckResult) -> str:
    """The verdict, the files, every finding once with its first places, and what to do about it."""
    out = io.StringIO()
    console = Console(file=out, width=WIDTH, color_system=None, highlight=False, markup=False, emoji=False)
    console.print(f"{'ACCEPTED' if result.accepted else 'REFUSED'}: {result.title}")
    for note in result.notes:
        console.print(Padding(Text(f"({note})"), (0, 0, 0, 2)))
    if result.receipt.files:
        console.print(_files(result))
    if not result.accepted:
        console.print("No row of a refused submission is used; the last accepted submission stays in force.")
    told = findings_told(result)
    for weights, title in _sections(accepted=result.accepted):
        chosen = [finding for finding in told if finding.weight in weights]
        if chosen:
            console.print(f"\n{title}")
        for finding in chosen:
            _tell(console, finding)
    if result.accepted and not told:
        console.print("\nEvery row is in order.")
    return "\n".join(line.rstrip() for line in out.getvalue().rstrip("\n").split("\n"))


def _sections(*, accepted: bool) -> list[tuple[tuple[Weight, ...], str]]:
    return [
        (("refuses",), "Why it is refused"),
        (("error", "follows"), "Rows that are quarantined" if accepted else "Rows that break an ERROR rule"),
        (("warning",), "Rows that are accepted with a warning" if accepted else "Rows that are worth a look"),
        (("said",), "Worth knowing"),
    ]


def _tell(console: Console, finding: Told) -> None:
    def say(words: str, indent: int) -> None:
        console.print(Padding(Text(words), (0, 0, 0, indent)))

    rule = finding.rule
    if len(finding.places) == 1:
        (place,) = finding.places
        column = f" · {place.column}" if place.column else ""
        say(f"{rule.id}{column}: {_rows(place)}", 2)
        say(f"{rule.description}; {place.where}", 6)
        if place.cells:
            say(place.cells[:1].upper() + place.cells[1:], 6)
    elif not finding.places and len(finding.messages) == 1:
        say(f"{rule.id}: {finding.messages[0]}", 2)
    else:
        say(f"{rule.id}: {rule.description}", 2)
        for place in finding.places:
            column = f"{place.column}: " if place.column else ""
            say(f"{column}{_rows(place)}, {place.where}{'; ' + place.cells if place.cells else ''}", 6)
    if finding.places or len(finding.messages) > 1:
        for message in finding.messages:
            say(message, 6)
    say(f"What to do: {rule.fix}", 6)


def _rows(place: Place) -> str:
    return f"{place.rows:,} row{'s' * (place.rows != 1)} of {place.table}"


def _files(result: CheckResult) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False, padding=(0, 1))
    table.add_column("file", overflow="fold")
    for name in ("rows\nread", "accepted", "quarantined", "ERROR\nrows", "dollars\naccepted"):
        table.add_column(name, justify="right", no_wrap=True)  # a name may break over lines, a number never
    for file in result.receipt.files:
        if file.table:
            counts = (file.rows.read, file.rows.accepted, file.rows.quarantined, file.error_rows)
            table.add_row(file.name, *(f"{int(n):,}" for n in counts), f"{file.dollars.accepted:,.2f}")
    return table

"""How problems and verdicts look: as text for a terminal of 80 columns, and as a page.

Belongs here: wording, columns and markup. Does not belong here: any rule, and finding problems. ``Problem.as_dict`` has
the same facts as JSON.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache

from jinja2 import PackageLoader, Template
from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from hcip_pipeline.html_pages import page_environment
from hcip_pipeline.plain_lines import WIDTH, wrapped
from hcip_pipeline.rules.problem import Problem
from hcip_pipeline.rules.verdict import BrokenRule, Counts, Place, Verdict


def problem_text(problem: Problem, indent: int = 0) -> str:
    """A problem with its severity, its place and its fix."""
    where = f"{problem.place}: " if problem.place else ""
    what = wrapped(f"{problem.severity} {problem.rule} {where}{problem.message}", indent + 2, indent + 4)
    return what + "\n" + wrapped(f"What to do: {problem.fix}", indent + 4, indent + 6)


def render_text(verdicts: Sequence[Verdict]) -> str:
    """Verdicts for a terminal: each with its counts, and each rule once with its first places and its fix."""
    gap = "\n\n" if any(map(_is_long, verdicts)) else "\n"
    return gap.join(map(_verdict_text, verdicts))


def render_html(verdicts: Sequence[Verdict]) -> str:
    """Verdicts as one page that needs no network, including the individual rows that are listed."""
    title = verdicts[0].title if len(verdicts) == 1 else f"{len(verdicts)} files"
    outcome = "accepted" if all(verdict.accepted for verdict in verdicts) else "refused"
    return _template().render(title=f"{title}: {outcome}", verdicts=verdicts)


@cache
def _template() -> Template:
    environment = page_environment(PackageLoader("hcip_pipeline.rules", "templates"), lstrip_blocks=False)
    environment.filters["number"] = lambda count: f"{int(count):,}"
    return environment.get_template("verdict.html.j2")


def _is_long(verdict: Verdict) -> bool:
    return bool(verdict.notes or verdict.counts or verdict.sections)


def _verdict_text(verdict: Verdict) -> str:
    out = io.StringIO()
    console = Console(file=out, width=WIDTH, color_system=None, highlight=False, markup=False, emoji=False)
    console.print(wrapped(f"{'ACCEPTED' if verdict.accepted else 'REFUSED'}: {verdict.title}", 0, 2), soft_wrap=True)
    for note in verdict.notes:
        console.print(Padding(Text(f"({note})"), (0, 0, 0, 2)))
    if verdict.counts:
        console.print(_table(verdict.counts))
    if verdict.consequence and not verdict.accepted:
        console.print(verdict.consequence)
    for section in verdict.sections:
        console.print(f"\n{section.title}")
        for entry in section.entries:
            _print_entry(console, entry)
    if verdict.in_order and not verdict.sections:
        console.print(f"\n{verdict.in_order}")
    return "\n".join(line.rstrip() for line in out.getvalue().rstrip().split("\n"))


def _print_entry(console: Console, entry: BrokenRule) -> None:
    def write(words: str, indent: int) -> None:
        console.print(wrapped(words, indent, indent + 2 if indent == 2 else indent), soft_wrap=True)

    rule = f"{entry.rule}: " if entry.rule else ""
    if len(entry.places) == 1:
        (place,) = entry.places
        column = f" · {place.column}" if place.column else ""
        write(f"{entry.rule}{column}: {_rows(place)}", 2)
        write(f"{entry.description}; {place.where}", 6)
        if place.cells:
            write(place.cells[:1].upper() + place.cells[1:], 6)
    elif not entry.places and len(entry.messages) == 1:
        write(f"{rule}{entry.messages[0]}", 2)
    else:
        write(f"{rule}{entry.description}", 2)
        for place in entry.places:
            column = f"{place.column}: " if place.column else ""
            write(f"{column}{_rows(place)}, {place.where}{'; ' + place.cells if place.cells else ''}", 6)
    if entry.places or len(entry.messages) > 1:
        for message in entry.messages:
            write(message, 6)
    write(f"What to do: {entry.fix}", 6)


def _rows(place: Place) -> str:
    return f"{place.rows:,} row{'s' * (place.rows != 1)} of {place.table}"


def _table(counts: Counts) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False, padding=(0, 1))
    first, *others = counts.heads
    table.add_column(first, overflow="fold")
    for name in others:
        table.add_column(name, justify="right", no_wrap=True)  # names may wrap, numbers must not
    for row in counts.rows:
        table.add_row(*row)
    return table

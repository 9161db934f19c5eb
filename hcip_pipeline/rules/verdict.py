"""The verdict on a file or submission, with its problems in the order in which a reader should see them.

Belongs here: how problems are grouped into entries, and their order. Does not belong here: any rule, and how a verdict
looks (``rendering``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from hcip_pipeline.rules.catalog import RULES
from hcip_pipeline.rules.problem import Problem

#: How a section is colored.
Tone = Literal["bad", "warn", ""]


@dataclass(frozen=True)
class Place:
    """Where rows break a rule: a column of a table, the number of rows, the first few, and what their cells contain."""

    table: str
    column: str
    rows: int
    lines: tuple[int, ...]
    cells: str
    named: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        """``lines 2, 3, 4, …``; for bills, the file, segment and claim of each."""
        if self.named:
            return "; ".join(self.named) + ("; …" if self.rows > len(self.named) else "")
        more = ", …" if self.rows > len(self.lines) else ""
        return f"line{'s' * (self.rows > 1)} {', '.join(map(str, self.lines))}{more}"


@dataclass(frozen=True)
class BrokenRule:
    """One broken rule, with all its breaches.

    Attributes:
        rule: its id; empty for an error outside the catalog.
        messages: messages about a file or a single place.
        places: for a rule on rows, which are counted: the places, most rows first.
        rows: individual rows, for readers who want to see each one.
    """

    rule: str
    description: str
    fix: str
    messages: tuple[str, ...] = ()
    places: tuple[Place, ...] = ()
    rows: tuple[Problem, ...] = ()

    @property
    def row_count(self) -> int:
        """Number of rows that break the rule."""
        return sum(place.rows for place in self.places)


@dataclass(frozen=True)
class Section:
    """Entries with the same consequence, under a heading."""

    title: str
    tone: Tone
    entries: tuple[BrokenRule, ...]


@dataclass(frozen=True)
class Counts:
    """A table of row counts and sums: names in the first column, figures in the others."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Verdict:
    """What a preflight reports on one file, archive or submission.

    Attributes:
        title: what was judged.
        notes: what was assumed, and what could not be checked.
        counts: what was read; None if there is nothing to count.
        consequence: what a refusal means, in one sentence.
        in_order: text to show if there are no entries.
    """

    title: str
    accepted: bool
    sections: tuple[Section, ...] = ()
    notes: tuple[str, ...] = ()
    counts: Counts | None = None
    consequence: str = ""
    in_order: str = ""


def entries_of(problems: Iterable[Problem]) -> tuple[BrokenRule, ...]:
    """Problems grouped by rule, in order of first appearance; each message with its place."""
    by_rule: dict[str, list[Problem]] = {}
    for problem in problems:
        by_rule.setdefault(problem.rule, []).append(problem)
    return tuple(
        BrokenRule(
            rule,
            RULES[rule].description if rule in RULES else found[0].message,
            "; ".join(dict.fromkeys(problem.fix for problem in found if problem.fix)),
            tuple(map(str, found)),
        )
        for rule, found in by_rule.items()
    )


def sections_of(problems: Sequence[Problem]) -> tuple[Section, ...]:
    """The sections for a file that is accepted or refused as a whole: refusals, other breaches, remarks."""
    kinds: tuple[tuple[str, Tone, list[Problem]], ...] = (
        ("Why it is refused", "bad", [p for p in problems if p.severity == "ERROR" and p.refuses]),
        ("Breaches of program rules", "bad", [p for p in problems if p.severity == "ERROR" and not p.refuses]),
        ("Worth knowing", "", [p for p in problems if p.severity != "ERROR"]),
    )
    return tuple(Section(title, tone, entries_of(found)) for title, tone, found in kinds if found)

"""What a column that leaves the program states about small counts: each column of a public table declares one of three.

A column is a count of people, stays or rows (``Count``); it reveals counts and is hidden with them (``Reveals``); or it
reveals none, for a reason (``Harmless``). A test fails where a public column declares none.

Belongs here: the declarations. Does not belong here: hiding (``release.suppression``), and the tables themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hcip_pipeline.contracts.table import Table

#: the rule that a release's public tables follow, whoever reads them; stated in its manifest. Releases before it state
#: "every-column" (safe from those who have no counts of their own), the first ones none.
RULE = "every-reader"


@dataclass(frozen=True)
class Count:
    """A number of people, stays or rows: hidden when small, or when another one would follow from it."""


@dataclass(frozen=True)
class Reveals:
    """Made of counts: hidden when one of them is.

    Attributes:
        counts: count columns of the row, or counts of another row by the name that the release gives them.
        over: counts that limit its digits: one event more or less moves it by ``per`` ÷ the least of them. Empty:
            written in full.
        per: what the ratio is taken of; 0: by the row's measure (1, 1,000, or 12,000 months).
        most_digits: digits after the point that it has at most, whatever the counts.
    """

    counts: tuple[str, ...]
    over: tuple[str, ...] = ()
    per: int = 1
    most_digits: int = 8


@dataclass(frozen=True)
class Harmless:
    """Reveals no count."""

    reason: str


Disclosure = Count | Reveals | Harmless


def declared(
    table: Table,
    *,
    counts: tuple[str, ...] = (),
    reveals: Mapping[str, Reveals] | None = None,
    harmless: Mapping[str, tuple[str, ...]] | None = None,
) -> Table:
    """The table with what its columns state about counts.

    Args:
        counts: columns that count people, stays or rows.
        reveals: column -> what it is made of.
        harmless: reason -> columns that reveal nothing because of it.

    Raises:
        ValueError: a column is declared twice, or is not in the table.
    """
    stated: dict[str, Disclosure] = {}
    given: list[tuple[str, Disclosure]] = [(name, Count()) for name in counts]
    given += (reveals or {}).items()
    given += [(name, Harmless(reason)) for reason, names in (harmless or {}).items() for name in names]
    for name, disclosure in given:
        if name in stated or name not in table.names:
            raise ValueError(f"{table.name}.{name} is declared twice, or is not a column")
        stated[name] = disclosure
    columns = tuple(replace(column, disclosure=stated.get(column.name)) for column in table.columns)
    return replace(table, columns=columns)


def counts_of(table: Table) -> tuple[str, ...]:
    """The columns that are counts."""
    return tuple(column.name for column in table.columns if isinstance(column.disclosure, Count))


def dependents_of(table: Table) -> dict[str, tuple[str, ...]]:
    """Count -> the columns that are hidden with it."""
    found: dict[str, tuple[str, ...]] = {}
    for column in table.columns:
        if isinstance(column.disclosure, Reveals):
            for count in column.disclosure.counts:
                found[count] = (*found.get(count, ()), column.name)
    return found

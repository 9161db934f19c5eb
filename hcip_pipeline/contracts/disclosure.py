"""What each column of a public table reveals about small counts.

A column is a count of people, stays or rows (``Count``); it reveals counts and is hidden with them (``Reveals``); or it
reveals none, for a reason (``Harmless``). A test fails if a public column declares none of these.

Belongs here: the declarations. Does not belong here: hiding (``release.suppression``), and the tables themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hcip_pipeline.contracts.table import Table

#: the disclosure rule of a release's public tables, recorded in its manifest: safe from every reader. Earlier releases
#: have "every-column" (safe from readers who have no counts of their own), the first ones none.
RULE = "every-reader"


@dataclass(frozen=True)
class Count:
    """A number of people, stays or rows: hidden if small, or if a small one could be computed from it."""


@dataclass(frozen=True)
class Reveals:
    """Computed from counts: hidden if one of them is.

    Attributes:
        counts: count columns of the row, or counts of another row by the name that the release gives them.
        over: counts that limit its digits: one event more or less changes it by ``per`` ÷ the smallest of them. If
            empty, it is written in full.
        per: unit of the ratio; 0: by the row's measure (1, 1,000, or 12,000 months).
        most_digits: maximum number of decimals, regardless of the counts.
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
    """The table with the declarations of its columns.

    Args:
        counts: columns that count people, stays or rows.
        reveals: column -> the counts it is computed from.
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

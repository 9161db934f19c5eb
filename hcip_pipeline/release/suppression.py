"""Hiding counts of 1 to n so that nothing a reader can lay side by side gives them back (outputs.md, "Privacy").

Belongs here: which counts must be hidden, and the proof that what is left does not give them away. Does not belong
here: which tables leave the program (``layouts``), and what they hold.

A count of 1 to n (``small_cell_threshold``) is hidden with all that gives it away: the rate it is the numerator of, the
total it could be subtracted from. The reader is taken to know every relation between counts, that a count is whole and
never negative, and that no one hides a zero; and may be a hospital, which knows its own counts. A small count is safe
when at least n values of it are possible to every reader. That holds also for counts that are nowhere and follow by
subtraction (``Remainder``), and for the difference to what an earlier release stated.

    discharges = CountTable(
        "discharges", frame, key=("hospital_ccn",), counts=("medical", "surgical", "all"),
        parts={"all": ("medical", "surgical")}, totals={"hospital_ccn": "STATE"},
        dependents={"surgical": ("surgical_rate",)},
    )
    (hidden,) = suppressed([discharges], policy.small_cell_threshold)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from hcip_pipeline.release.count_readers import Count
from hcip_pipeline.release.small_counts import CountSystem

#: the column that states which cells of a row were hidden
MARK = "suppressed"


@dataclass(frozen=True)
class Remainder:
    """What is left of a whole: is in no file and follows by subtraction.

    Attributes:
        column: a key column, or empty where ``whole`` and ``part`` are count columns of one row.
        whole: the value of that column (or the count column) that is subtracted from.
        part: the value (or count column) that is subtracted.
    """

    column: str
    whole: str
    part: str


@dataclass(frozen=True)
class CountTable:
    """A table with counts of discharges, cases or beneficiaries, and how they hang together.

    Attributes:
        name: of the table; distinguishes its cells from those of another, and finds them in an earlier release.
        frame: one row per key. An empty count counts nothing.
        key: columns that distinguish rows.
        counts: integer columns that count people or stays.
        dependents: count -> columns that would give it away (rates, means next to a sum); emptied with it. A key "*"
            names columns that are emptied when any count of the row is.
        parts: count column -> count columns that add up to it in every row.
        totals: key column -> its value in rows that add up all others (``STATE``, ``ALL``).
        remainders: wholes and parts whose difference counts people too.
        owner: the key column that names a hospital, which knows the counts of its own rows. Rows of several (a value
            of ``totals``, hospitals joined by ``|``) and of NONE are no one's own.
    """

    name: str
    frame: pl.DataFrame
    key: tuple[str, ...]
    counts: tuple[str, ...]
    dependents: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    totals: Mapping[str, str] = field(default_factory=dict)
    remainders: tuple[Remainder, ...] = ()
    owner: str = ""

    def owner_of(self, key: tuple[Any, ...]) -> str | None:
        """The hospital that a row is about."""
        if not self.owner:
            return None
        value = str(key[self.key.index(self.owner)])
        return None if "|" in value or value in ("NONE", self.totals.get(self.owner)) else value

    def cell(self, count: str, **key: Any) -> Count:
        """The count ``count`` of the row with that key, for a relation with another table."""
        return (self.name, tuple(key[column] for column in self.key), count)


@dataclass(frozen=True)
class Sum:
    """``total`` is the sum of ``parts``; ties counts of different tables together. Two equal counts: one part.

    ``with_rest``: they leave something over, which counts people too and is nowhere.
    """

    total: Count
    parts: tuple[Count, ...]
    with_rest: bool = False


def suppressed(
    tables: Sequence[CountTable],
    threshold: int,
    *,
    sums: Sequence[Sum] = (),
    before: Mapping[str, Sequence[pl.DataFrame]] | None = None,
) -> list[pl.DataFrame]:
    """The tables with every count of 1 to ``threshold``, and whatever would give one away, emptied.

    Args:
        tables: all that the same reader gets; each by itself would not be safe.
        threshold: n, ``small_cell_threshold`` of the policy; 0 hides nothing.
        sums: relations between tables.
        before: table -> the same table in each earlier release, as it was given out, with the counts that it had. What
            was hidden stays hidden, and a change by 1 to n is hidden too, for it counts discharges as well. What was
            shown and has not changed hides nothing: a reader takes it from there.

    Returns:
        The frames in the order of ``tables``, each with a text column ``suppressed`` that names what was emptied in a
        row, separated by ``|``, empty where nothing was.

    Raises:
        ValueError: a total is not the sum of its parts: the relations are not those of the tables.
    """
    system = CountSystem(threshold)
    for table in tables:
        _add_cells(system, table)
    for table in tables:
        _add_relations(system, table)
    for relation in sorted(sums, key=lambda each: _in_order(each.total)):
        parts = sorted(relation.parts, key=_in_order)
        if relation.with_rest:
            system.add_remainder(("rest", (relation.total, *parts), ""), relation.total, parts)
        else:
            system.relate(relation.total, parts)
    for table in tables:
        for frame in (before or {}).get(table.name, ()):
            _add_before(system, table, frame)
    hidden = system.hide()
    return [_emptied(table, hidden) for table in tables]


def _in_order(cell: Sequence[Any]) -> str:
    """The order of keys and counts: which of several equal choices is hidden must not depend on that of the rows."""
    return str(cell)


def _add_cells(system: CountSystem, table: CountTable) -> None:
    rows = [(tuple(row[column] for column in table.key), row) for row in table.frame.iter_rows(named=True)]
    for key, row in sorted(rows, key=lambda each: _in_order(each[0])):
        for count in table.counts:
            system.add((table.name, key, count), int(row[count] or 0), table.owner_of(key))


def _add_relations(system: CountSystem, table: CountTable) -> None:
    keys = sorted((tuple(row) for row in table.frame.select(table.key).iter_rows()), key=_in_order)
    for total, parts in table.parts.items():
        for key in keys:
            system.relate((table.name, key, total), [(table.name, key, part) for part in parts])
    for column, value in table.totals.items():
        at = table.key.index(column)
        members: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
        for key in keys:
            members.setdefault((*key[:at], *key[at + 1 :]), []).append(key)
        for group in members.values():
            for whole in (key for key in group if key[at] == value):
                for count in table.counts:
                    others = [(table.name, key, count) for key in group if key[at] != value]
                    system.relate((table.name, whole, count), others)
    for remainder in table.remainders:
        _add_remainder(system, table, remainder, keys)


def _add_remainder(
    system: CountSystem, table: CountTable, remainder: Remainder, keys: Sequence[tuple[Any, ...]]
) -> None:
    name = f"{remainder.whole} less {remainder.part}"
    if not remainder.column:
        # A set of hospitals may be shown with a part alone: from a whole that is nowhere no one subtracts.
        whole_known = table.frame.filter(pl.col(remainder.whole).is_not_null()).select(table.key)
        for key in sorted((tuple(row) for row in whole_known.iter_rows()), key=_in_order):
            left: Count = (table.name, key, name)
            system.add_remainder(left, (table.name, key, remainder.whole), [(table.name, key, remainder.part)])
        return
    at = table.key.index(remainder.column)
    known = set(keys)
    for key in keys:
        part = (*key[:at], remainder.part, *key[at + 1 :])
        if key[at] == remainder.whole and part in known:
            for count in table.counts:
                left = (table.name, (*key[:at], name, *key[at + 1 :]), count)
                system.add_remainder(left, (table.name, key, count), [(table.name, part, count)])


def _add_before(system: CountSystem, table: CountTable, frame: pl.DataFrame) -> None:
    was_hidden = MARK in frame.columns
    for row in frame.iter_rows(named=True):
        key = tuple(row[column] for column in table.key)
        hidden = set((row[MARK] or "").split("|")) if was_hidden else set()
        for count in table.counts:
            if count in hidden or row.get(count) is not None:
                system.revealed_before((table.name, key, count), None if count in hidden else int(row[count]))


def _emptied(table: CountTable, hidden: frozenset[Count]) -> pl.DataFrame:
    """The table's frame without the hidden cells and what depends on them."""
    empty: dict[str, list[bool]] = {}
    marks: list[str] = []
    rows = [tuple(row) for row in table.frame.select(table.key).iter_rows()]
    for at, key in enumerate(rows):
        names: list[str] = []
        for count in table.counts:
            if (table.name, key, count) in hidden:
                names += [count, *table.dependents.get(count, ())]
        if names:
            names += table.dependents.get("*", ())
        for name in names:
            empty.setdefault(name, [False] * len(rows))[at] = True
        marks.append("|".join(dict.fromkeys(names)))
    columns = [
        pl.when(pl.Series(flags)).then(None).otherwise(pl.col(name)).alias(name) for name, flags in empty.items()
    ]
    return table.frame.with_columns(*columns, pl.Series(MARK, marks, dtype=pl.String))

"""Hiding counts of 1 to n so that no reader can derive them from the files they have (outputs.md, "Privacy").

Belongs here: tables of counts and their relations, and emptying the cells that must be hidden. Does not belong here:
which tables leave the program (``layouts``), and their figures.

A count of 1 to n (``small_cell_threshold``) is hidden together with everything that would reveal it: the rate whose
numerator it is, the total from which it could be subtracted. The reader is assumed to know every relation between
counts, that counts are whole and never negative, and that zeros are not hidden; the reader may also be a hospital,
which knows its own counts. A small count is safe if every reader must consider at least n values possible. The same
holds for counts that are in no file and follow by subtraction (``Remainder``), and for differences from an earlier
release.

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

#: the column that names the hidden cells of a row
MARK = "suppressed"


@dataclass(frozen=True)
class Remainder:
    """The rest of a whole, which is in no file and follows by subtraction.

    Attributes:
        column: a key column, or empty if ``whole`` and ``part`` are count columns of one row.
        whole: the value of that column (or the count column) from which ``part`` is subtracted.
        part: the value (or count column) that is subtracted.
    """

    column: str
    whole: str
    part: str


@dataclass(frozen=True)
class CountTable:
    """A table with counts of discharges, cases or beneficiaries, and the relations between them.

    Attributes:
        name: of the table; distinguishes its cells from other tables' and finds them in an earlier release.
        frame: one row per key. An empty count counts as zero, but no part is subtracted from it.
        key: columns that identify a row.
        counts: integer columns that count people or stays.
        dependents: count -> columns that would reveal it (rates, means next to a sum); emptied with it. The key "*"
            names columns that are emptied if any count of the row is hidden.
        parts: count column -> count columns that add up to it in every row.
        totals: key column -> its value in rows that add up all others (``STATE``, ``ALL``).
        remainders: wholes and parts whose difference also counts people.
        owner: the key column that names a hospital, which knows the counts of its own rows. Rows of several hospitals
            (a value of ``totals``, hospitals joined by ``|``) and of NONE have no owner.
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
        """The hospital that knows a row's counts; None if the row has no owner."""
        if not self.owner:
            return None
        value = str(key[self.key.index(self.owner)])
        return None if "|" in value or value in ("NONE", self.totals.get(self.owner)) else value

    def cell(self, count: str, **key: Any) -> Count:
        """The count ``count`` in the row with that key, for a relation with another table."""
        return (self.name, tuple(key[column] for column in self.key), count)


@dataclass(frozen=True)
class Sum:
    """``total`` is the sum of ``parts``; relates counts of different tables. One part: the two counts are equal.

    ``with_rest``: the parts leave a rest, which also counts people and is in no file.
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
    """Empty every count of 1 to ``threshold``, and everything that would reveal one.

    Args:
        tables: all tables that the same reader gets; handled one by one they would not be safe.
        threshold: n, the policy's ``small_cell_threshold``; 0 hides nothing.
        sums: relations between tables.
        before: table -> the same table in each earlier release, as published. A count hidden there stays hidden. A
            change by 1 to n is hidden too, because it also counts discharges. Hiding a count that was shown and has
            not changed would protect nothing: a reader finds it in the earlier release.

    Returns:
        The frames in the order of ``tables``, each with a text column ``suppressed`` that names the emptied cells of a
        row, separated by ``|``; empty if there are none.

    Raises:
        ValueError: a total is not the sum of its parts, so the tables do not have the stated relations.
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
    """The sort key of keys and counts: a choice between equal candidates must not depend on the order of rows."""
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
        # A set of hospitals may be shown with only a part: no one can subtract from a whole that is in no file.
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
    """The table's frame without the hidden cells and their dependents."""
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

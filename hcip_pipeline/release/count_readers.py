"""What readers can derive from partly hidden counts: the public, and each hospital, which knows its own counts.

Belongs here: the proof that a count is open to a reader, or that it is not. Does not belong here: which counts to hide
(``small_counts``).

A count is open to a reader if at least n values of it are consistent with everything that the reader knows. The proof
is an exchange: other values of the hidden counts that satisfy every relation. It holds for every hospital whose own
counts it leaves unchanged, so two exchanges may prove a count open to all; the other hospitals are checked one by one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

#: table, key of the row, count column
Count = tuple[str, tuple[Any, ...], str]

#: possible changes of counts, each of which satisfies every relation
Exchanges = list[dict[Count, int]]

#: the reader who has no counts of their own
ANYBODY = ""
#: weight of one more of the count in question, relative to one change of a hospital's own count
_WORTH = 10_000.0


class Relation:
    """``total`` = Σ ``parts``."""

    def __init__(self, total: Count, parts: tuple[Count, ...]) -> None:
        self.total = total
        self.cells = (total, *parts)
        self.signs = dict.fromkeys(parts, 1) | {total: -1}


@dataclass
class Readers:
    """Which readers can narrow down which counts.

    Attributes:
        hidden: counts that files do not show; may grow, so that every reader knows less.
        unpublished: counts that are in no file.
        revealed: hidden counts that an earlier release showed.
    """

    threshold: int
    values: Mapping[Count, int]
    relations: Sequence[Relation]
    of: Mapping[Count, Sequence[int]]
    owner: Mapping[Count, str]
    hidden: set[Count] = field(default_factory=set)
    unpublished: set[Count] = field(default_factory=set)
    revealed: set[Count] = field(default_factory=set)
    #: hospitals to whom earlier releases revealed too much: they are assumed to have only this release
    without_earlier: set[str] = field(default_factory=set)
    #: count -> readers to whom it is proven open; it stays open when more counts are hidden
    _proven: dict[Count, set[str]] = field(default_factory=dict)
    #: count -> known exchanges over n of its values, found for it or for another count that they change
    _found: dict[Count, list[Exchanges]] = field(default_factory=dict)

    def who_knows(self, cell: Count) -> str | None:
        """A reader, other than the owner, for whom fewer than n values of the count are possible; None: no one."""
        if not self.of.get(cell) and cell in self.hidden:
            return None
        proven = self._proven.setdefault(cell, set())
        found = self._changed(cell, ())
        if found is None:
            return ANYBODY
        suspects = {each for each in found - proven if self._includes_others(cell, each)}
        if len(suspects) > 1:  # look for another exchange, without any of their counts
            others = self._changed(cell, suspects)
            suspects = suspects if others is None else suspects & others
        for reader in sorted(suspects):
            if self._changed(cell, (reader,)) is None:
                return reader
            proven.add(reader)
        return None

    def ignore_earlier_releases(self, cell: Count, reader: str) -> None:
        """No other count is left to hide from this hospital: from now on, assume that it has no earlier releases.

        The second time, everything but its own counts and zeros is hidden: it knows the count from its own data.
        """
        if reader in self.without_earlier or not self.revealed:
            self._proven[cell].add(reader)
        self.without_earlier.add(reader)

    def _includes_others(self, cell: Count, reader: str) -> bool:
        """Whether the count includes anything that is not the reader's own."""
        if self.owner.get(cell) == reader:
            return False
        own = 0
        for at in self.of.get(cell, ()):
            if self.relations[at].total == cell:
                parts = self.relations[at].cells[1:]
                own = max(own, sum(self.values[each] for each in parts if self.owner.get(each) == reader))
        return self.values[cell] > own

    def is_open(self, cell: Count, closed: Collection[str] = ()) -> bool:
        """Whether the count is unknown to a reader at the start.

        Args:
            closed: hospitals whose own counts the reader knows.
        """
        if closed and self.owner.get(cell) in closed:
            return False
        if cell in self.unpublished:
            return True
        is_revealed = cell in self.revealed and not (closed and self.without_earlier.issuperset(closed))
        return cell in self.hidden and not is_revealed

    def _least(self, cell: Count) -> int:
        return 0 if cell in self.unpublished else 1  # zeros are not hidden

    def _changed(self, cell: Count, closed: Collection[str]) -> set[str] | None:
        """The hospitals whose own counts change in an exchange over n values that does not change those of ``closed``.

        Returns:
            None if there is no such exchange.
        """
        exchanges = self._with_a_neighbor(cell, closed) or self._found_before(cell, closed)
        if exchanges is None:
            exchanges = self._exchanges(cell, closed)
            if exchanges is None:
                return None
            self._keep(exchanges)
        return {owner for exchange in exchanges for each in exchange if (owner := self.owner.get(each))}

    def _keep(self, exchanges: Exchanges) -> None:
        """Keep exchanges for every count that they change over n values, which saves an integer program each."""
        for each in {each for exchange in exchanges for each in exchange}:
            changes = [exchange.get(each, 0) for exchange in exchanges]
            if max(0, *changes) - min(0, *changes) >= self.threshold - 1:
                self._found.setdefault(each, []).append(exchanges)

    def _found_before(self, cell: Count, closed: Collection[str]) -> Exchanges | None:
        """Exchanges that were found earlier and, apart from the count itself, change only counts that are open now."""
        for exchanges in self._found.get(cell, ()):
            if all(each == cell or self.is_open(each, closed) for exchange in exchanges for each in exchange):
                return exchanges
        return None

    def _with_a_neighbor(self, cell: Count, closed: Collection[str]) -> Exchanges | None:
        """An exchange with one open count that is in exactly the same relations, on the same side."""
        relations = self.of.get(cell, ())
        for other in self.relations[relations[0]].cells if relations else ():
            if other == cell or self.of[other] != relations or not self.is_open(other, closed):
                continue
            if all(self.relations[at].signs[cell] == self.relations[at].signs[other] for at in relations):
                down = self.values[cell] - self._least(cell)
                up = self.values[other] - self._least(other)
                if up + down >= self.threshold - 1:
                    down = min(down, self.threshold - 1)
                    up = self.threshold - 1 - down
                    return [{cell: -down, other: down}, {cell: up, other: -up}]
        return None

    def _exchanges(self, cell: Count, closed: Collection[str]) -> Exchanges | None:
        """An exchange with any open counts, by integer programs: as much more as n values need, then as much less.

        Of all solutions, one that changes few of the hospitals' own counts.
        """
        from scipy.sparse import csr_array, hstack

        variables, numbers = self._connected(cell, closed)
        at = {each: column for column, each in enumerate(variables)}
        entries = [
            (sign, row, at[each])
            for row, number in enumerate(numbers)
            for each, sign in self.relations[number].signs.items()
            if each in at
        ]
        weights, rows, columns = zip(*entries, strict=True) if entries else ((), (), ())
        more = csr_array((weights, (rows, columns)), shape=(len(numbers), len(variables)), dtype=float)
        room = np.array([self.values[each] - self._least(each) for each in variables], dtype=float)
        own = np.array([float(each in self.owner) for each in variables])
        own[at[cell]] = 0.0
        both = hstack([more, -more], format="csr")
        found, wide = [], 0
        for less in (False, True):
            greatest = np.concatenate([np.full(len(variables), np.inf), room])
            column = at[cell] + less * len(variables)
            greatest[at[cell] + (not less) * len(variables)] = 0.0
            greatest[column] = min(greatest[column], self.threshold - 1 - wide)
            change = _change(both, greatest, column, np.concatenate([own, own]))
            if change is None:
                raise ValueError(f"{cell[0]}: the possible values of {cell[2]} could not be determined")
            found.append({variables[n]: int(change[n]) for n in np.flatnonzero(change)})
            wide += abs(int(change[at[cell]]))
            if wide >= self.threshold - 1:
                return found
        return None

    def _connected(self, cell: Count, closed: Collection[str]) -> tuple[list[Count], list[int]]:
        """The open counts that depend on the cell, and the relations between them."""
        variables: dict[Count, None] = {cell: None}
        relations: dict[int, None] = {}
        queue = [cell]
        while queue:
            for number in self.of.get(queue.pop(), ()):
                if number not in relations:
                    relations[number] = None
                    for each in self.relations[number].cells:
                        if each not in variables and self.is_open(each, closed):
                            variables[each] = None
                            queue.append(each)
        return list(variables), list(relations)


def _change(balance: Any, greatest: Any, column: int, own: Any) -> Any:
    """Whole numbers by which counts may change together, ``column`` by as much as possible; None: not found.

    Args:
        balance: relations by change (first the increases of all counts, then their decreases); all stay satisfied.
        greatest: upper bound of each change.
        own: which counts are a hospital's own; as few of them as possible change.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    count = len(greatest) // 2
    for is_whole in (False, True):  # the vertices of such a system are usually whole numbers anyway
        goal = own * (not is_whole)
        goal[column] = -_WORTH
        result = milp(
            goal,
            constraints=LinearConstraint(balance, 0, 0) if balance.shape[0] else (),
            integrality=np.full(len(goal), int(is_whole)),
            bounds=Bounds(0, greatest),
        )
        if result.x is None:
            return None
        change = np.rint(result.x[:count] - result.x[count:]).astype(int)
        if np.abs(result.x[:count] - result.x[count:] - change).max() < 1e-6:
            return change
    return change

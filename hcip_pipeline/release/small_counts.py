"""Which counts to hide: the small ones, and as few others as keep them from being solved for.

Belongs here: the system of counts and relations, and a solver of it. Does not belong here: tables (``suppression``).

The reader's knowledge is a set of linear equations over whole numbers. For every count that must not be known the least
and the greatest value it may have are found with an integer program, so that what is safe is proven and not hoped for;
most need none, because a hidden neighbour in all the same equations can take what the count gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

#: table, key of the row, count column
Count = tuple[str, tuple[Any, ...], str]


@dataclass(frozen=True)
class _Relation:
    """``total`` = Σ ``parts``."""

    total: Count
    parts: tuple[Count, ...]

    @property
    def cells(self) -> tuple[Count, ...]:
        return (self.total, *self.parts)

    def sign(self, cell: Count) -> int:
        return -1 if cell == self.total else 1


@dataclass
class CountSystem:
    """Counts, relations between them, and what was said of them before."""

    threshold: int
    _values: dict[Count, int] = field(default_factory=dict)
    _relations: list[_Relation] = field(default_factory=list)
    _of: dict[Count, list[int]] = field(default_factory=dict)
    #: counts that stand nowhere and follow by subtraction
    _unpublished: set[Count] = field(default_factory=set)
    #: counts that must not be known: small ones, and such as would tell a small change
    _sensitive: dict[Count, None] = field(default_factory=dict)
    #: hidden by an earlier release
    _kept_hidden: set[Count] = field(default_factory=set)
    #: shown by an earlier release, and the same now: hiding it hides nothing
    _told: set[Count] = field(default_factory=set)

    def add(self, cell: Count, value: int) -> None:
        """A count that stands in a file.

        Raises:
            ValueError: the cell is there already, or the count is negative.
        """
        if cell in self._values or value < 0:
            raise ValueError(f"{cell[0]}: {cell[2]} occurs twice under one key, or is negative")
        self._values[cell] = value
        if self._is_small(value):
            self._sensitive[cell] = None

    def relate(self, total: Count, parts: Sequence[Count]) -> None:
        """The reader knows that ``total`` = Σ ``parts``.

        Raises:
            ValueError: it is not.
        """
        if self._values[total] != sum(self._values[part] for part in parts):
            raise ValueError(f"{total[0]}: {total[2]} is not the sum of its parts")
        for cell in (total, *parts):
            self._of.setdefault(cell, []).append(len(self._relations))
        self._relations.append(_Relation(total, tuple(parts)))

    def add_remainder(self, left: Count, whole: Count, parts: Sequence[Count]) -> None:
        """``whole`` less ``parts`` counts something that stands nowhere."""
        self.add(left, self._values[whole] - sum(self._values[part] for part in parts))
        self._unpublished.add(left)
        self.relate(whole, (*parts, left))

    def said_before(self, cell: Count, value: int | None) -> None:
        """An earlier release gave ``value`` for the cell, or (None) hid it."""
        now = self._values.get(cell)
        if now is None:
            return
        if value is None:
            if now:
                self._kept_hidden.add(cell)
        elif self._is_small(abs(now - value)):
            self._sensitive[cell] = None
        elif now == value:
            self._told.add(cell)

    def hide(self) -> frozenset[Count]:
        """The counts that stand in files and must be emptied."""
        hidden = {cell for cell in self._sensitive if cell not in self._unpublished and self._values[cell]}
        hidden |= self._kept_hidden
        self._told -= hidden
        to_check = list(self._sensitive)
        while to_check:
            cell = to_check[-1]
            if not self._values[cell] or self._is_safe(cell, hidden):
                to_check.pop()
                continue
            companion = self._companion(cell, hidden)
            if companion is None:  # earlier releases told too much: protect it from readers of this one alone
                if not self._told:
                    raise ValueError(f"{cell[0]}: nothing is left that {cell[2]} could be hidden behind")
                self._told.clear()
            else:
                hidden.add(companion)
        return frozenset(hidden)

    def _is_small(self, value: int) -> bool:
        return 1 <= value <= self.threshold

    def _is_open(self, cell: Count, hidden: set[Count]) -> bool:
        return cell in self._unpublished or (cell in hidden and cell not in self._told)

    def _least(self, cell: Count) -> int:
        return 0 if cell in self._unpublished else 1  # nobody hides a zero

    def _is_safe(self, cell: Count, hidden: set[Count]) -> bool:
        """Whether at least n values are possible for all that the reader knows."""
        relations = self._of.get(cell, [])
        if not relations and cell in hidden:
            return True
        if self._has_exchange(cell, hidden):
            return True
        return self._is_wide(*self._bounds(cell, hidden))

    def _has_exchange(self, cell: Count, hidden: set[Count]) -> bool:
        """Whether an open neighbour stands in all the same relations, on the same side, with enough between the two."""
        relations = self._of[cell]
        for other in self._relations[relations[0]].cells:
            if other == cell or not self._is_open(other, hidden) or self._of[other] != relations:
                continue
            if all(self._relations[at].sign(cell) == self._relations[at].sign(other) for at in relations):
                greatest = self._values[cell] + self._values[other] - self._least(other)
                if self._is_wide(self._least(cell), greatest):
                    return True
        return False

    def _is_wide(self, least: float, greatest: float) -> bool:
        """Whether a reader who knows that the count lies between the two does not know it."""
        return greatest - least + 1 >= self.threshold

    def _bounds(self, cell: Count, hidden: set[Count]) -> tuple[float, float]:
        """The least and the greatest value of the cell that all relations allow."""
        variables, relations = self._connected(cell, hidden)
        if len(relations) == 1:
            return self._bounds_in(self._relations[relations[0]], cell, variables)
        from scipy.optimize import Bounds, LinearConstraint, milp

        at = {each: column for column, each in enumerate(variables)}
        matrix = np.zeros((len(relations), len(variables)))
        right = np.zeros(len(relations))
        for row, number in enumerate(relations):
            relation = self._relations[number]
            for each in relation.cells:
                if each in at:
                    matrix[row, at[each]] += relation.sign(each)
                else:
                    right[row] -= relation.sign(each) * self._values[each]
        lower = np.array([self._least(each) for each in variables], dtype=float)
        goal = np.zeros(len(variables))
        goal[at[cell]] = 1.0
        found = []
        for direction in (1.0, -1.0):
            result = milp(
                direction * goal,
                constraints=LinearConstraint(matrix, right, right),
                integrality=np.ones(len(variables)),
                bounds=Bounds(lower, np.inf),
            )
            found.append(round(result.x[at[cell]]) if result.x is not None else -direction * float("inf"))
        return found[0], found[1]

    def _bounds_in(self, relation: _Relation, cell: Count, variables: Sequence[Count]) -> tuple[float, float]:
        """The same where one relation is all that the reader knows of the cell: no program is needed."""
        known = sum(self._values[part] for part in relation.parts if part not in variables)
        others = [part for part in relation.parts if part in variables and part != cell]
        taken = known + sum(map(self._least, others))
        if cell == relation.total:
            return (max(taken, self._least(cell)), float("inf")) if others else (known, known)
        is_open = relation.total in variables
        total = self._least(relation.total) if is_open else self._values[relation.total]
        least = self._least(cell) if others else max(self._least(cell), total - known)
        return least, float("inf") if is_open else total - taken

    def _connected(self, cell: Count, hidden: set[Count]) -> tuple[list[Count], list[int]]:
        """The open counts that hang together with the cell, and the relations that say so."""
        variables: dict[Count, None] = {cell: None}
        relations: dict[int, None] = {}
        queue = [cell]
        while queue:
            for number in self._of.get(queue.pop(), ()):
                if number not in relations:
                    relations[number] = None
                    for each in self._relations[number].cells:
                        if each not in variables and self._is_open(each, hidden):
                            variables[each] = None
                            queue.append(each)
        return list(variables), list(relations)

    def _companion(self, cell: Count, hidden: set[Count]) -> Count | None:
        """The next count to hide so that ``cell`` becomes safe: near, a part rather than a total, and small.

        There always is one unless an earlier release showed it: once every count is hidden all of them could be twice
        as great, so none is bounded.
        """
        candidates = next((ring for ring in self._rings(cell, hidden) if ring), None)
        if candidates is None:
            return None
        return min(candidates, key=lambda each: (*self._cost(each, cell), candidates[each]))

    def _cost(self, other: Count, cell: Count) -> tuple[bool, bool, int]:
        """Prefer a part, then one that has enough to give, then the least."""
        is_total = any(self._relations[at].total == other for at in self._of[other])
        is_little = self._values[other] + self._values[cell] - 1 < self.threshold
        return is_total, is_little, self._values[other]

    def _rings(self, cell: Count, hidden: set[Count]) -> Iterator[dict[Count, int]]:
        """Counts that could be hidden, nearest relations first; each with its place, so that ties are always equal."""
        seen: set[int] = set()
        ring = [cell]
        while ring:
            numbers = [at for each in ring for at in self._of.get(each, ()) if at not in seen]
            seen.update(numbers)
            cells = [each for at in dict.fromkeys(numbers) for each in self._relations[at].cells]
            yield {
                each: place
                for place, each in reversed(list(enumerate(cells)))
                if each not in hidden
                and each not in self._unpublished
                and each not in self._told
                and self._values[each]
            }
            ring = [each for each in dict.fromkeys(cells) if self._is_open(each, hidden)] if numbers else []

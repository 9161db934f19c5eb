"""An attacker's arithmetic: what a reader of counts can infer from linear relations, by an integer program.

Belongs here: counts and relations. It shares no code with the hiding of counts. Does not belong here: what tables show
(``laid_side_by_side``).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

#: identifies a count
Name = Hashable

_INFINITE = float("inf")


@dataclass(frozen=True)
class _Part:
    """Counts connected by relations, as an integer program with one column per count."""

    names: list[Name]
    at: Mapping[Name, int]
    constraints: tuple[LinearConstraint, ...]
    least: Any

    def solve(self, goal: Any, least: Any, most: Any = _INFINITE, **options: float) -> Any:
        """The solution that minimizes ``goal`` · counts, with each count between ``least`` and ``most``."""
        bounds, whole = Bounds(least, most), np.ones(len(self.names))
        return milp(goal, constraints=self.constraints, integrality=whole, bounds=bounds, options=options)


@dataclass
class Knowledge:
    """Counts that are known, hidden or not published, and their relations; only the test uses ``truth``."""

    truth: dict[Name, int] = field(default_factory=dict)
    least: dict[Name, int] = field(default_factory=dict)
    known: dict[Name, int] = field(default_factory=dict)
    relations: list[tuple[dict[Name, float], float, float]] = field(default_factory=list)
    hidden: set[Name] = field(default_factory=set)
    #: figures shown although a count behind them is hidden
    given_away: list[str] = field(default_factory=list)
    #: made for a query, and discarded when a new fact is known
    _parts: dict[Name, _Part] = field(default_factory=dict, init=False, repr=False)

    def unknown(self, name: Name, least: int = 0) -> None:
        """A count that may have any value of at least ``least``."""
        self._parts.clear()
        self.least[name] = max(least, self.least.get(name, 0))

    def shows(self, name: Name, value: int) -> None:
        self.unknown(name)
        self.known[name] = value

    def hides(self, name: Name) -> None:
        """A hidden count is never zero."""
        self.unknown(name, 1)
        self.hidden.add(name)

    def relate(self, weights: Mapping[Name, float], low: float, high: float) -> None:
        """``low`` ≤ Σ weight × count ≤ ``high``."""
        for name in weights:
            self.unknown(name)
        self.relations.append((dict(weights), low, high))

    def equal(self, total: Name, parts: Iterable[Name]) -> None:
        weights = {total: -1.0}
        for part in parts:
            weights[part] = weights.get(part, 0.0) + 1.0
        self.relate(weights, 0, 0)

    def at_most(self, part: Name, whole: Name) -> None:
        self.relate({part: -1.0, whole: 1.0}, 0, _INFINITE)

    def ratio(self, numerator: Name, denominator: Name, value: float, digits: int, per: int = 1) -> None:
        """``per`` × numerator ÷ denominator is ``value`` when rounded to ``digits`` places."""
        slack = 0.5 * 10.0**-digits * (1 + 1e-9) + 1e-12
        self.relate({numerator: per, denominator: -(value - slack)}, 0, _INFINITE)
        self.relate({numerator: per, denominator: -(value + slack)}, -_INFINITE, 0)

    def in_order(self, before: tuple[Name, Name], after: tuple[Name, Name]) -> None:
        """One ratio is no greater than another; linear if both denominators are known."""
        denominators = [self.known.get(pair[1]) for pair in (before, after)]
        if None not in denominators:
            self.relate({before[0]: float(denominators[1] or 0), after[0]: -float(denominators[0] or 0)}, -_INFINITE, 0)

    def range_of(self, name: Name) -> tuple[float, float]:
        """The lowest and the highest value of a count that all relations allow."""
        if name in self.known:
            return self.known[name], self.known[name]
        part = self._part(name)
        goal = np.zeros(len(part.names))
        goal[part.at[name]] = 1.0
        found = []
        for direction in (1.0, -1.0):
            result = part.solve(direction * goal, part.least, time_limit=20)
            assert result.status != 2, f"the facts about {name} contradict one another"
            found.append(round(float(result.x[part.at[name]])) if result.x is not None else -direction * _INFINITE)
        return found[0], found[1]

    def with_own(self, own: Iterable[Name]) -> Knowledge:
        """The knowledge of a reader who also has some counts of their own."""
        own = [name for name in own if name in self.truth and name in self.least]
        known = self.known | {name: self.truth[name] for name in own}
        return replace(self, known=known)

    def confined(self, threshold: int, among: Iterable[Name] | None = None) -> dict[Name, tuple[float, float]]:
        """Counts of 1 to ``threshold`` with fewer than ``threshold`` possible values, and the range of each."""
        asked = [
            name
            for name in (self.truth if among is None else among)
            if 1 <= self.truth[name] <= threshold and name in self.least
        ]
        found = {name: (float(self.known[name]), float(self.known[name])) for name in asked if name in self.known}
        of_part: dict[int, list[Name]] = {}
        for name in asked:
            if name not in found:
                of_part.setdefault(id(self._part(name)), []).append(name)
        for names in of_part.values():
            for name in self._without_far_values(names, threshold):
                value = self.truth[name]
                low, high = self.range_of(name)
                assert low <= value <= high, (name, value, low, high)
                if high - low + 1 < threshold:
                    found[name] = (low, high)
        return {name: found[name] for name in asked if name in found}

    def _without_far_values(self, names: list[Name], threshold: int) -> list[Name]:
        """Those of ``names``, all of one part, that may be confined.

        The truth is a solution. Another solution in which a count differs from it by ``threshold`` - 1 proves that this
        count is not confined; one integer program moves as many counts as possible.
        """
        part, left = self._part(names[0]), list(names)
        nothing = np.zeros(len(part.names))
        least, most = part.least.copy(), np.full(len(part.names), np.inf)
        for name in part.names:
            if name in self.truth:
                least[part.at[name]] = most[part.at[name]] = self.truth[name]
        assert part.solve(nothing, least, most).status == 0, "the given counts contradict the true ones"
        while left:
            goal, most = np.zeros(len(part.names)), np.full(len(part.names), np.inf)
            for name in left:
                goal[part.at[name]], most[part.at[name]] = -1.0, self.truth[name] + threshold - 1
            result = part.solve(goal, part.least, most, time_limit=5, mip_rel_gap=0.02)
            if result.x is None:
                break
            near = [name for name in left if round(result.x[part.at[name]]) < most[part.at[name]]]
            if len(near) == len(left):
                break
            left = near
        return left

    def _part(self, name: Name) -> _Part:
        """The counts that relations connect with ``name``; known counts connect nothing."""
        if not self._parts:
            of: dict[Name, list[int]] = {}
            for number, (weights, _, _) in enumerate(self.relations):
                for each in weights:
                    of.setdefault(each, []).append(number)
            for each in self.least:
                if each not in self.known and each not in self._parts:
                    names, rows = self._connected(each, of)
                    self._parts |= dict.fromkeys(names, self._made_part(names, rows))
        return self._parts[name]

    def _made_part(self, names: list[Name], rows: list[int]) -> _Part:
        at = {each: column for column, each in enumerate(names)}
        cells, where, low, high = [], ([], []), [], []  # type: ignore[var-annotated]
        for number in rows:
            weights, least, greatest = self.relations[number]
            reported = sum(weight * self.known[each] for each, weight in weights.items() if each in self.known)
            for each, weight in weights.items():
                if each in at:
                    cells.append(weight)
                    where[0].append(len(low))
                    where[1].append(at[each])
            low.append(least - reported)
            high.append(greatest - reported)
        constraints: tuple[LinearConstraint, ...] = ()
        if rows:
            matrix = csr_array((cells, where), shape=(len(low), len(names)))
            constraints = (LinearConstraint(matrix, np.array(low), np.array(high)),)
        return _Part(names, at, constraints, np.array([self.least[each] for each in names], dtype=float))

    def _connected(self, name: Name, of: Mapping[Name, list[int]]) -> tuple[list[Name], list[int]]:
        names, rows, queue = {name: None}, {}, [name]  # type: ignore[var-annotated]
        while queue:
            for number in of.get(queue.pop(), ()):
                if number in rows:
                    continue
                rows[number] = None
                for each in self.relations[number][0]:
                    if each not in names and each not in self.known:
                        names[each] = None
                        queue.append(each)
        return list(names), list(rows)

"""What a reader of counts can work out: whole numbers, linear relations between them, and an integer program.

Belongs here: the arithmetic of an attacker. It shares nothing with the code that hides counts. Does not belong here:
which tables state what (``laid_side_by_side``).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

#: whatever distinguishes one count from another
Name = Hashable

_INFINITE = float("inf")


@dataclass
class Knowledge:
    """Counts that are known, hidden or are nowhere, and what relates them; ``truth`` is for the test alone."""

    truth: dict[Name, int] = field(default_factory=dict)
    least: dict[Name, int] = field(default_factory=dict)
    known: dict[Name, int] = field(default_factory=dict)
    relations: list[tuple[dict[Name, float], float, float]] = field(default_factory=list)
    hidden: set[Name] = field(default_factory=set)
    #: shown although a count that it is made from is hidden
    given_away: list[str] = field(default_factory=list)

    def unknown(self, name: Name, least: int = 0) -> None:
        """A count that may be anything from ``least`` on."""
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
        """``per`` × numerator ÷ denominator reads ``value`` when rounded to ``digits`` places."""
        slack = 0.5 * 10.0**-digits * (1 + 1e-9) + 1e-12
        self.relate({numerator: per, denominator: -(value - slack)}, 0, _INFINITE)
        self.relate({numerator: per, denominator: -(value + slack)}, -_INFINITE, 0)

    def in_order(self, before: tuple[Name, Name], after: tuple[Name, Name]) -> None:
        """One ratio is no greater than another; linear where both denominators are known."""
        denominators = [self.known.get(pair[1]) for pair in (before, after)]
        if None not in denominators:
            self.relate({before[0]: float(denominators[1] or 0), after[0]: -float(denominators[0] or 0)}, -_INFINITE, 0)

    def range_of(self, name: Name) -> tuple[float, float]:
        """The least and the greatest value of a count that all relations allow."""
        if name in self.known:
            return self.known[name], self.known[name]
        names, rows = self._connected(name)
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
        constraints = ()
        if rows:
            matrix = csr_array((cells, where), shape=(len(low), len(names)))
            constraints = (LinearConstraint(matrix, np.array(low), np.array(high)),)  # type: ignore[assignment]
        lower = np.array([self.least[each] for each in names], dtype=float)
        goal = np.zeros(len(names))
        goal[at[name]] = 1.0
        found = []
        for direction in (1.0, -1.0):
            result = milp(
                direction * goal,
                constraints=constraints,
                integrality=np.ones(len(names)),
                bounds=Bounds(lower, np.inf),
                options={"time_limit": 20},
            )
            assert result.status != 2, f"what is said of {name} contradicts itself"
            found.append(round(float(result.x[at[name]])) if result.x is not None else -direction * _INFINITE)
        return found[0], found[1]

    def with_own(self, own: Iterable[Name]) -> Knowledge:
        """What somebody knows who has some counts by themselves."""
        own = [name for name in own if name in self.truth and name in self.least]
        known = self.known | {name: self.truth[name] for name in own}
        return replace(self, known=known)

    def confined(self, threshold: int, among: Iterable[Name] | None = None) -> dict[Name, tuple[float, float]]:
        """Counts of 1 to ``threshold`` of which fewer than ``threshold`` values are possible, and between which."""
        found = {}
        for name in self.truth if among is None else among:
            value = self.truth[name]
            if 1 <= value <= threshold and name in self.least:
                low, high = self.range_of(name)
                assert low <= value <= high, (name, value, low, high)
                if high - low + 1 < threshold:
                    found[name] = (low, high)
        return found

    def _connected(self, name: Name) -> tuple[list[Name], list[int]]:
        if not hasattr(self, "_of"):
            self._of: dict[Name, list[int]] = {}
            for number, (weights, _, _) in enumerate(self.relations):
                for each in weights:
                    self._of.setdefault(each, []).append(number)
        names, rows, queue = {name: None}, {}, [name]  # type: ignore[var-annotated]
        while queue:
            for number in self._of.get(queue.pop(), ()):
                if number in rows:
                    continue
                rows[number] = None
                for each in self.relations[number][0]:
                    if each not in names and each not in self.known:
                        names[each] = None
                        queue.append(each)
        return list(names), list(rows)

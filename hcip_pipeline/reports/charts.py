"""Positions of the marks on a chart. Drawing only: units of a viewBox, never a figure.

Belongs here: scales and positions. Does not belong here: how a mark looks (``templates/charts.html.j2``), and the
wording of a chart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

#: A strip in a table row is drawn on 100 units and stretched to its cell.
STRIP = 100

_WIDTH, _HEIGHT = 360, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 10, 12, 30

#: Maximum number of period labels under a chart; more would overlap.
_LABELS = 6


@dataclass(frozen=True)
class Scale:
    """Maps values between ``low`` and ``high`` to positions between ``start`` and ``end``."""

    low: Decimal
    high: Decimal
    start: float
    end: float

    def at(self, value: Decimal) -> float:
        """Position of a value on the axis."""
        width = self.high - self.low
        share = float((value - self.low) / width) if width else 0.0
        return round(self.start + (self.end - self.start) * min(1.0, max(0.0, share)), 1)


@dataclass(frozen=True)
class Tick:
    """A mark on an axis."""

    place: float
    value: Decimal


@dataclass(frozen=True)
class TrendPoint:
    """One period of a trend; a value of None is not drawn."""

    period: str
    own: Decimal | None
    low: Decimal | None = None
    high: Decimal | None = None
    baseline: Decimal | None = None
    norm: Decimal | None = None
    best_practice: Decimal | None = None


@dataclass(frozen=True)
class TrendMark:
    """One period on a trend chart."""

    x: float
    label: str
    point: TrendPoint
    own: float | None
    low: float | None
    high: float | None
    baseline: float | None
    norm: float | None
    best_practice: float | None


@dataclass(frozen=True)
class Trend:
    """The physician's own average per period with its interval, next to baseline and norm."""

    marks: tuple[TrendMark, ...]
    ticks: tuple[Tick, ...]
    half_mark: float = 16
    width: int = _WIDTH
    height: int = _HEIGHT
    left: int = _LEFT
    right: int = _WIDTH - _RIGHT
    bottom: int = _HEIGHT - _BOTTOM

    @property
    def line(self) -> str:
        """The path through the physician's own averages."""
        return " ".join(f"{mark.x},{mark.own}" for mark in self.marks if mark.own is not None)


def trend(points: Sequence[TrendPoint]) -> Trend | None:
    """The chart of these periods, oldest first; None if there is nothing to draw."""
    values = [
        value
        for point in points
        for value in (point.own, point.low, point.high, point.baseline, point.norm, point.best_practice)
        if value is not None
    ]
    if not values or all(point.own is None for point in points):
        return None
    ticks = _ticks(min(values), max(values))
    scale = Scale(ticks[0], ticks[-1], _HEIGHT - _BOTTOM, _TOP)
    band = (_WIDTH - _LEFT - _RIGHT) / len(points)

    def y(value: Decimal | None) -> float | None:
        return None if value is None else scale.at(value)

    marks = [
        TrendMark(
            round(_LEFT + band * (order + 0.5), 1),
            _label(point.period, order, len(points)),
            point,
            y(point.own),
            y(point.low),
            y(point.high),
            y(point.baseline),
            y(point.norm),
            y(point.best_practice),
        )
        for order, point in enumerate(points)
    ]
    ends = tuple(Tick(scale.at(tick), tick) for tick in ticks)
    return Trend(tuple(marks), ends, round(min(16.0, band * 0.4), 1))


def _label(period: str, order: int, periods: int) -> str:
    """The period's name, or empty if labels would overlap; the last period always has a label."""
    return period if (periods - 1 - order) % -(-periods // _LABELS) == 0 else ""


def _ticks(low: Decimal, high: Decimal, wanted: int = 4) -> list[Decimal]:
    """Round values around ``low`` to ``high``: four to seven of them."""
    width = max(high - low, abs(high) / 100, Decimal("0.1"))
    step = Decimal(10) ** (width / wanted).adjusted()
    step = next(step * factor for factor in (1, 2, 5, 10) if step * factor * wanted >= width)
    first = (low / step).to_integral_value(rounding="ROUND_FLOOR") * step
    ticks = [first]
    while ticks[-1] < high:
        ticks.append(ticks[-1] + step)
    return ticks if len(ticks) > 1 else [first, first + step]


@dataclass(frozen=True)
class ChartColumn:
    """One column of a history, with a label under it; its value may be negative."""

    x: float
    y: float
    width: float
    height: float
    label: str
    value: Decimal


@dataclass(frozen=True)
class Columns:
    """A column chart."""

    columns: tuple[ChartColumn, ...]
    zero: float
    width: int = _WIDTH
    height: int = 150


def columns(values: Iterable[tuple[str, Decimal]]) -> Columns | None:
    """Columns from zero, oldest first; None if there are no values."""
    given = list(values)
    if not given:
        return None
    low = min(Decimal(0), *(value for _, value in given))
    high = max(Decimal(0), *(value for _, value in given))
    if low == high:
        high = Decimal(1)
    scale = Scale(low, high, 150 - 34, 22)
    zero = scale.at(Decimal(0))
    band = _WIDTH / len(given)
    width = min(64.0, band * 0.6)
    made = []
    for order, (label, value) in enumerate(given):
        top = scale.at(value)
        made.append(
            ChartColumn(
                round(band * (order + 0.5) - width / 2, 1),
                min(top, zero),
                round(width, 1),
                max(round(abs(top - zero), 1), 1.0),
                _label(label, order, len(given)),
                value,
            )
        )
    return Columns(tuple(made), zero)


@dataclass(frozen=True)
class Bar:
    """A bar on a strip; ``x`` and ``width`` are in units of :data:`STRIP`."""

    x: float
    width: float


def bar(value: Decimal, top: Decimal) -> Bar:
    """A bar that starts at the left."""
    return Bar(0, Scale(Decimal(0), max(top, Decimal(1)), 0, STRIP).at(value))


def diverging(value: Decimal, reach: Decimal) -> Bar:
    """A bar that starts in the middle: to the right above zero, to the left below."""
    half = Scale(Decimal(0), max(reach, Decimal(1)), 0, STRIP / 2).at(abs(value))
    return Bar(STRIP / 2 if value >= 0 else round(STRIP / 2 - half, 1), half)


def step(before: Decimal, after: Decimal, top: Decimal) -> Bar:
    """One step of a waterfall: the drop of the running amount."""
    scale = Scale(Decimal(0), max(top, Decimal(1)), 0, STRIP)
    return Bar(scale.at(after), max(round(scale.at(before) - scale.at(after), 1), 0))


@dataclass(frozen=True)
class Range:
    """The range from best practice to the 75th percentile, and the position of the own mean, on one strip."""

    x: float
    width: float
    own: float


def norm_range(own: Decimal, best_practice: Decimal, p75: Decimal) -> Range:
    """The strip covers the surroundings of the norm, without zero; a mean beyond an end is drawn at that end."""
    width = max(p75 - best_practice, best_practice / 20, Decimal(1))
    scale = Scale(best_practice - width, p75 + width, 2, STRIP - 2)
    return Range(scale.at(best_practice), round(scale.at(p75) - scale.at(best_practice), 1), scale.at(own))

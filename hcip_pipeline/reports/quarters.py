"""Care redesign by quarter: interventions as tracked by hospitals, and measures of conditions of payment.

It is the protocol's "Care Redesign Protocols by Quarter".

Belongs here: quarters side by side, and the change in the last one. Does not belong here: the counts
(``measure_quarters``, ``intervention_quarters``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from hcip_pipeline.policy.interventions import CATEGORIES
from hcip_pipeline.policy.measured_conditions import MEASURES_OF_CONDITIONS
from hcip_pipeline.reports import words
from hcip_pipeline.reports.figures import ReportSource, Row

#: maximum number of quarters side by side
SHOWN = 6
#: places of percentages and numbers per 1,000, as ``words`` shows them
_SHOWN_PLACES = Decimal("0.1")


@dataclass(frozen=True)
class QuarterRow:
    """One intervention or measure; ``cells`` has one entry per quarter of :class:`Quarters`, None without a result."""

    group: str
    name: str
    note: str
    cells: tuple[Row | None, ...]
    trend: str


@dataclass(frozen=True)
class Quarters:
    """Interventions and measures by quarter, oldest quarter first."""

    quarters: tuple[str, ...]
    interventions: tuple[QuarterRow, ...]
    measure_quarters: tuple[str, ...]
    measures: tuple[QuarterRow, ...]

    @property
    def not_reported(self) -> int:
        """Number of interventions in use without a result for the last quarter."""
        return sum(row.cells[-1] is None for row in self.interventions)


def by_quarter(source: ReportSource, ccn: str) -> Quarters:
    """The hospital's results for the quarters of the period and those covered by earlier releases."""
    own = [str(quarter) for quarter in source.period.quarters]
    results = _results(source, ccn)
    known = sorted({quarter for _, quarter in results} | set(own))
    quarters = tuple(known[-SHOWN:])
    rows = []
    order = {category: place for place, category in enumerate(CATEGORIES)}
    included = source.current.of_hospital("interventions", ccn)
    for row in sorted(included, key=lambda row: order.get(row["category"], len(order))):
        if not row["is_included"]:
            continue
        cells = [results.get((row["intervention_id"], quarter)) for quarter in quarters]
        measured = [cell["measured"] for cell in cells if cell and cell["measured"]]
        rows.append(
            QuarterRow(
                CATEGORIES.get(row["category"], row["category"] or "Other"),
                row["wording"] or row["intervention_id"],
                measured[-1] if measured else "",
                tuple(None if cell is None else cell | {"shown": _result(cell)} for cell in cells),
                _moved([cell["share"] if cell else None for cell in cells], quarters, None),
            )
        )
    measure_quarters, measures = measures_by_quarter(
        source.current.of_hospital("measure_quarters", ccn), source.current.of_hospital("condition_measures", ccn)
    )
    return Quarters(quarters, tuple(rows), measure_quarters, measures)


def _results(source: ReportSource, ccn: str) -> dict[tuple[str, str], Row]:
    """Intervention and quarter -> its newest result."""
    found = {}
    for tables in (*source.earlier, source.current):
        if tables.has("intervention_quarters"):
            for row in tables.of_hospital("intervention_quarters", ccn):
                found[row["intervention_id"], row["quarter"]] = row
    return found


def _result(row: Row) -> str:
    if row["denominator"] is None:
        return f"{row['numerator']:,}"
    return f"{words.percent(row['share'])} ({row['numerator']:,} of {row['denominator']:,})"


def measures_by_quarter(
    rows: Sequence[Row], conditions: Iterable[Row]
) -> tuple[tuple[str, ...], tuple[QuarterRow, ...]]:
    """The quarters with measures that conditions may name, oldest first, and the measures.

    Args:
        rows: a hospital's rows of ``measure_quarters``.
        conditions: its rows of ``condition_measures``.
    """
    quarters = tuple(sorted({row["quarter"] for row in rows}))
    by_measure: dict[str, list[str]] = {}
    for row in conditions:
        if row["measure"] and row["threshold"]:
            by_measure.setdefault(row["measure"], []).append(row["threshold"])
    made = []
    for measure, label in MEASURES_OF_CONDITIONS.items():
        cells = {row["quarter"]: row for row in rows if row["measure"] == measure}
        if cells:
            thresholds = "; ".join(dict.fromkeys(by_measure.get(measure, ())))
            made.append(
                QuarterRow(
                    "",
                    label,
                    f"condition of payment: {thresholds}" if thresholds else "",
                    tuple(
                        None if (cell := cells.get(quarter)) is None else cell | {"shown": _measured(cell)}
                        for quarter in quarters
                    ),
                    _moved(
                        [cells[quarter]["value"] if quarter in cells else None for quarter in quarters],
                        quarters,
                        measure,
                    ),
                )
            )
    return quarters, tuple(made)


def _measured(row: Row) -> str:
    return f"{words.measured(row['value'], row['measure'])} ({row['numerator']:,} of {row['denominator']:,})"


def _moved(values: Sequence[Decimal | None], quarters: Sequence[str], measure: str | None) -> str:
    """The change of the last quarter's value from the latest earlier one, in percentage points or the measure's unit.

    It is the difference between the rounded figures; if a quarter in between is missing, it names the earlier quarter.
    """
    known = [(quarter, value) for quarter, value in zip(quarters, values, strict=True) if value is not None]
    if len(known) < 2 or values[-1] is None:
        return words.NOTHING
    per_1000 = (measure or "").endswith("per_1000")
    before, now = ((value * (1 if per_1000 else 100)).quantize(_SHOWN_PLACES, ROUND_HALF_UP) for _, value in known[-2:])
    since = "" if values[-2] is not None else f" since {known[-2][0]}"
    if before == now:
        return f"unchanged{since}"
    points = "" if per_1000 else " points"
    return f"{'up' if now > before else 'down'} {words.number(abs(now - before), 1)}{points}{since}"

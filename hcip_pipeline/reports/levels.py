"""A hospital's cost by level: service lines, APR-DRGs with their severities, cost centers, physicians.

Belongs here: ordering and adding up rows of ``opportunity``, ``cost_centers`` and ``physicians``. Does not belong here:
their layout (``templates/levels.html.j2``), and payments.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from hcip_pipeline.reports import charts
from hcip_pipeline.reports.figures import Row

#: Number of rate centers in a service line's details: those with the largest differences from the state.
COST_CENTERS_IN_A_LINE = 8


@dataclass(frozen=True)
class ServiceLine:
    """A service line with its details."""

    row: Row
    apr_drgs: tuple[tuple[Row, tuple[Row, ...]], ...]
    cost_centers: tuple[Row, ...]


def compared(rows: Iterable[Row]) -> tuple[Row, ...]:
    """Rows with a bar for their difference from the state, the most expensive first."""
    found = list(rows)
    reach = max((abs(row["difference_from_statewide"] or 0) for row in found), default=Decimal(0))
    found.sort(key=lambda row: (-(row["difference_from_statewide"] or 0), -row["cost"]))
    return tuple(
        row | {"bar": charts.diverging(row["difference_from_statewide"] or Decimal(0), Decimal(reach))} for row in found
    )


def service_lines(levels: Sequence[Row], centers: Sequence[Row]) -> tuple[ServiceLine, ...]:
    """Service lines with their details, the most expensive compared with the state first."""
    of_line: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in levels:
        of_line[row["service_line"]][row["level"]].append(row)
    made = []
    for line in compared(row for row in levels if row["level"] == "service_line"):
        own = of_line[line["service_line"]]
        apr_drgs = sorted(own["apr_drg"], key=lambda row: (-row["potential_savings"], row["apr_drg"]))
        cells: dict[str, list[Row]] = defaultdict(list)
        for cell in own["cell"]:
            cells[cell["apr_drg"]].append(cell)
        own_centers = compared(row for row in centers if row["service_line"] == line["service_line"])
        by_size = sorted(own_centers, key=lambda row: -abs(row["difference_from_statewide"] or 0))
        shown = {row["rate_center"] for row in by_size[:COST_CENTERS_IN_A_LINE]}
        made.append(
            ServiceLine(
                line,
                tuple((row, tuple(cells[row["apr_drg"]])) for row in apr_drgs),
                tuple(row for row in own_centers if row["rate_center"] in shown),
            )
        )
    return tuple(made)


def others_by_line(physicians: Sequence[Row]) -> tuple[Row, ...]:
    """Physicians who do not participate, summed by the service line of most of their cases."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for person in physicians:
        if not person["is_care_partner"]:
            groups[person["main_service_line"] or "Other"].append(person)
    rows = []
    for line, members in groups.items():
        benchmarked = sum((row["benchmarked_cost"] for row in members), Decimal(0))
        statewide = sum((row["statewide_cost"] or Decimal(0) for row in members), Decimal(0))
        rows.append(
            {
                "service_line": line,
                "physicians": len(members),
                "cases": sum(row["cases"] for row in members),
                "cost": sum((row["cost"] for row in members), Decimal(0)),
                "potential_savings": sum((row["potential_savings"] for row in members), Decimal(0)),
                "cost_ratio": ratio(benchmarked, statewide),
            }
        )
    return tuple(sorted(rows, key=lambda row: (-row["potential_savings"], row["service_line"])))


def ratio(numerator: Decimal | None, denominator: Decimal | None) -> Decimal | None:
    """A quotient with 8 places; None if the denominator is zero or missing."""
    if numerator is None or not denominator:
        return None
    return (numerator / denominator).quantize(Decimal("0.00000001"), ROUND_HALF_UP)


def over_norm(comparison: Iterable[Row]) -> Decimal | None:
    """A care partner's adjusted cost divided by the norm's, over all their cases; None without cases.

    Args:
        comparison: the care partner's rows of ``physician_comparison``.
    """
    everything = next((row for row in comparison if row["stream"] == "all"), None)
    return ratio(everything["adjusted_cost"], everything["norm_adjusted_cost"]) if everything else None

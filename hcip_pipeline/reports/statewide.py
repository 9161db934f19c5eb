"""The administrator's statewide report: hospitals compared, completeness of data, participation, and totals.

Belongs here: one row per hospital and the state's sums. Does not belong here: figures about physicians.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from hcip_pipeline.reports import certainty, charts, waterfall, words
from hcip_pipeline.reports.figures import ReportSource, Row
from hcip_pipeline.reports.pages import release_page


def statewide_rows(source: ReportSource) -> list[Row]:
    """One row per hospital: participation, completeness, savings, incentives."""
    current = source.current
    rows = []
    for ccn in source.hospitals:
        incentives = current.of_hospital("incentives", ccn)
        savings = {row["scope"]: row for row in current.of_hospital("savings", ccn)}
        levels = current.of_hospital("opportunity", ccn)
        institution = next((row for row in levels if row["level"] == "institution"), None)
        limit = next(iter(current.of_hospital("distribution_limits", ccn)), None)
        row = source.participation[ccn] | waterfall.summed(incentives)
        row |= {
            status: sum((each["final_incentive"] for each in incentives if each["status"] == status), Decimal("0.00"))
            for status in words.STATUSES
        }
        row |= {
            "potential_savings": savings["all"]["potential_savings"] if "all" in savings else Decimal("0.00"),
            "internal_savings": savings["all"]["internal_savings"] if "all" in savings else Decimal("0.00"),
            "cost": institution["cost"] if institution else Decimal("0.00"),
            "cost_ratio": institution["cost_ratio"] if institution else None,
            "difference": institution["difference_from_statewide"] if institution else None,
            "distribution_limit": limit["distribution_limit"] if limit else None,
            "missing_results": sum(each["missing"] for each in current.of_hospital("condition_measures", ccn)),
            "findings": len(current.of_hospital("protocol_findings", ccn)),
        }
        rows.append(row)
    return rows


#: columns that add up over hospitals
_SUMMED = (
    "care_partners", "discharges_read", "discharges_set_aside", "discharges", "counted_cases", "cases_with_norm",
    "care_partner_cases", "cost", "potential_savings", "internal_savings", "performance_incentive",
    "calculated_incentive", "final_incentive", *words.STATUSES, "missing_results", "findings",
)  # fmt: skip


def statewide_totals(rows: Iterable[Row]) -> Row:
    """Sums over the hospitals, and the number of hospitals with a protocol."""
    given = list(rows)
    totals: dict[str, Any] = {column: sum(row[column] for row in given) for column in _SUMMED}
    return totals | {
        "hospitals": len(given),
        "with_protocol": sum(row["has_protocol"] for row in given),
        "improvement_incentive": sum(
            (row["improvement_incentive_medical"] + row["improvement_incentive_surgical"] for row in given), Decimal(0)
        ),
    }


def statewide_page(source: ReportSource) -> bytes:
    """The statewide page."""
    rows = statewide_rows(source)
    totals = statewide_totals(rows)
    reach = max((abs(row["difference"] or 0) for row in rows), default=Decimal(0))
    top = max((row["calculated_incentive"] for row in rows), default=Decimal(0))
    quarters = len(source.period.quarters)
    for row in rows:
        row["bar"] = charts.diverging(row["difference"] or Decimal(0), Decimal(reach))
        row["payable_bar"] = charts.bar(row["PAYABLE"], top)
        row["share_counted"] = _share(row["counted_cases"], row["discharges"])
        row["share_participating"] = _share(row["care_partner_cases"], row["cases_with_norm"])
        row["share_set_aside"] = _share(row["discharges_set_aside"], row["discharges_read"])
    return release_page(
        source,
        "statewide.html.j2",
        title=f"Statewide report, {words.half(str(source.period))}",
        rows=rows,
        totals=totals,
        quarters=quarters,
        notes=source.draft.notes,
        share_participating=_share(totals["care_partner_cases"], totals["cases_with_norm"]),
        history=_history(source),
        payable_chart=charts.columns((row["period"], row["payable"]) for row in _history(source)),
        short_dollars=words.short_dollars,
        sure=certainty.of_state(source),
    )


def _share(part: int, whole: int) -> Decimal | None:
    if not whole:
        return None
    return (Decimal(part) / Decimal(whole)).quantize(Decimal("0.0001"), ROUND_HALF_UP)


def _history(source: ReportSource) -> list[Row]:
    """The state's sums for every available period, the current one last."""
    rows = []
    for tables in (*source.earlier, source.current):
        incentives = tables.frame("incentives")
        savings = [row for row in tables.frame("savings").iter_rows(named=True) if row["scope"] == "all"]
        by_status = {row["status"]: row["final_incentive"] for row in _by_status(incentives)}
        zero = Decimal("0.00")
        rows.append(
            {
                "period": str(tables.period),
                "hospitals": len({row["hospital_ccn"] for row in incentives.iter_rows(named=True)}),
                "care_partners": incentives.height,
                "potential_savings": sum((row["potential_savings"] for row in savings), zero),
                "internal_savings": sum((row["internal_savings"] for row in savings), zero),
                "calculated": incentives["calculated_incentive"].sum() or zero,
                "final": incentives["final_incentive"].sum() or zero,
                "payable": by_status.get("PAYABLE", zero),
            }
        )
    return rows


def _by_status(incentives: Any) -> list[Row]:
    import polars as pl

    found: list[Row] = incentives.group_by("status").agg(pl.col("final_incentive").sum()).sort("status").to_dicts()
    return found

"""The content of an oversight committee's report, shared by its page and its workbook.

Belongs here: selecting, ordering and adding up a hospital's rows. Does not belong here: their layout
(``templates/oversight.html.j2``, ``oversight_workbook``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from hcip_pipeline.contracts.payment_reasons import parse_reasons
from hcip_pipeline.policy.interventions import CATEGORIES
from hcip_pipeline.release.earlier_half_years import savings_missing
from hcip_pipeline.reports import certainty, charts, waterfall, words
from hcip_pipeline.reports.figures import ReportSource, Row, Tables
from hcip_pipeline.reports.levels import ServiceLine, compared, others_by_line, over_norm, service_lines
from hcip_pipeline.reports.missing import MissingItem
from hcip_pipeline.reports.pages import release_page
from hcip_pipeline.reports.signs import by_partner, payable_with_signs, signs_of


@dataclass(frozen=True)
class SpecialtyGroup:
    """Care partners of one specialty, each with their payment."""

    specialty: str
    members: tuple[Row, ...]


@dataclass(frozen=True)
class Committee:
    """A hospital's half-year. Rows are those of the release's tables, with data for charts added."""

    hospital: Row
    savings: dict[str, Row]
    history: tuple[Row, ...]
    institution: Row | None
    lines: tuple[ServiceLine, ...]
    cost_centers: tuple[Row, ...]
    conditions: tuple[Row, ...]
    interventions: tuple[Row, ...]
    specialties: tuple[SpecialtyGroup, ...]
    others: tuple[Row, ...]
    measured: tuple[Row, ...]
    payments: tuple[Row, ...]
    waterfall: list[waterfall.Step]
    totals: Row
    bound: tuple[tuple[str, int, Decimal], ...]
    limit: Row | None
    savings_missing: str
    elections: Row | None
    quality: tuple[Row, ...]
    signs: tuple[Row, ...]
    comparisons: int
    missing: tuple[MissingItem, ...]


def committee(source: ReportSource, ccn: str, missing: Sequence[MissingItem]) -> Committee:
    """The content of the report for a hospital's committee."""
    current = source.current
    signs = signs_of(current, ccn)
    signed = by_partner(signs)
    payments = [
        row | why(row) | {"signs": signed.get(row["npi"], [])} for row in current.of_hospital("incentives", ccn)
    ]
    totals = waterfall.summed(payments)
    inputs = current.of_hospital("payment_inputs", ccn)
    levels = current.of_hospital("opportunity", ccn)
    savings = {row["scope"]: row for row in current.of_hospital("savings", ccn)}
    partners_with_signs, payable_signed = payable_with_signs(payments, signed)
    return Committee(
        hospital=source.participation[ccn],
        savings=savings,
        history=_history(source, ccn),
        institution=next((row for row in levels if row["level"] == "institution"), None),
        lines=service_lines(levels, current.of_hospital("cost_centers", ccn)),
        cost_centers=compared(row for row in current.of_hospital("cost_centers", ccn) if row["service_line"] == "ALL"),
        conditions=_conditions(current, ccn),
        measured=_measured(current, ccn, payments),
        interventions=tuple(
            row | {"category_name": CATEGORIES.get(row["category"], row["category"] or "")}
            for row in current.of_hospital("interventions", ccn)
        ),
        specialties=_specialties(current, ccn),
        others=others_by_line(current.of_hospital("physicians", ccn)),
        payments=tuple(sorted(payments, key=lambda row: (-row["final_incentive"], row["name"] or "", row["npi"]))),
        waterfall=waterfall.steps(totals, {}),
        totals=totals
        | {status: _final(payments, status) for status in words.STATUSES}
        | {f"{status}_count": sum(row["status"] == status for row in payments) for status in words.STATUSES}
        | {"payable_with_signs": payable_signed, "payable_with_signs_count": partners_with_signs},
        bound=_reductions(payments),
        limit=next(iter(current.of_hospital("distribution_limits", ccn)), None),
        savings_missing=savings_missing(source.unsettled[ccn]) if ccn in source.unsettled else "",
        elections=inputs[0] if inputs else None,
        quality=_quality(current, ccn),
        signs=signs,
        comparisons=len(current.of_hospital("guardrails", ccn)),
        missing=tuple(missing),
    )


def oversight_page(source: ReportSource, ccn: str, content: Committee) -> bytes:
    """The committee's page."""
    return release_page(
        source,
        "oversight.html.j2",
        title=f"{content.hospital['hospital_name']}, {words.half(str(source.period))}",
        ccn=ccn,
        committee=content,
        pool_chart=charts.columns((row["period"], row["potential_savings"]) for row in content.history),
        saved_chart=charts.columns((row["period"], row["internal_savings"]) for row in content.history),
        short_dollars=words.short_dollars,
        sure=certainty.of_hospital(source, ccn),
    )


def why(payment: Row) -> Row:
    """The reasons for a payment's amount or status, and their wording; for a held payment, holds come first."""
    reasons = list(parse_reasons(payment["reasons"], payment["final_incentive"]))
    if payment["status"] != "HELD":
        return {"why": reasons, "why_words": "; ".join(reason.cell for reason in reasons)}
    first = sorted(reasons, key=lambda reason: not reason.is_hold)
    return {"why": reasons, "why_words": "; ".join(reason.label for reason in first)}


def _final(payments: Sequence[Row], status: str) -> Decimal:
    return sum((row["final_incentive"] for row in payments if row["status"] == status), Decimal("0.00"))


def _history(source: ReportSource, ccn: str) -> tuple[Row, ...]:
    """Savings of all physicians and incentives, one row per period, the current one last."""
    rows = []
    for tables in (*source.earlier, source.current):
        found = [row for row in tables.of_hospital("savings", ccn) if row["scope"] == "all"]
        incentives = tables.of_hospital("incentives", ccn)
        if not found and not incentives:
            continue
        payable = _final(incentives, "PAYABLE")
        participating = [row for row in tables.of_hospital("savings", ccn) if row["scope"] == "participating"]
        zero = Decimal("0.00")
        rows.append(
            {
                "period": str(tables.period),
                "cases": found[0]["cases"] if found else 0,
                "potential_savings": found[0]["potential_savings"] if found else zero,
                "internal_savings": found[0]["internal_savings"] if found else zero,
                "participating_savings": participating[0]["internal_savings"] if participating else zero,
                "calculated_incentive": sum((row["calculated_incentive"] for row in incentives), zero),
                "final_incentive": sum((row["final_incentive"] for row in incentives), zero),
                "payable": payable,
            }
        )
    return tuple(rows)


def _specialties(current: Tables, ccn: str) -> tuple[SpecialtyGroup, ...]:
    groups: dict[str, list[Row]] = defaultdict(list)
    for person in current.of_hospital("physicians", ccn):
        if person["is_care_partner"]:
            (payment,) = current.of_partner("incentives", ccn, person["npi"])
            groups[person["specialty"] or "Specialty not reported"].append(
                person
                | {
                    "payment": payment,
                    "norm_ratio": over_norm(current.of_partner("physician_comparison", ccn, person["npi"])),
                }
            )
    return tuple(
        SpecialtyGroup(name, tuple(sorted(members, key=lambda row: (-row["cost"], row["npi"]))))
        for name, members in sorted(groups.items())
    )


def _conditions(current: Tables, ccn: str) -> tuple[Row, ...]:
    """Conditions of payment, with the measured value of those that are measured for the whole hospital."""
    hospital_values = {
        row["condition_id"]: words.measured(row["measured_value"], row["computed_measure"])
        for row in current.of_hospital("conditions", ccn)
        if row["measured_level"] == "hospital" and row["measured_value"] is not None
    }
    return tuple(
        row
        | {"measure_words": words.measure(row["measure"]), "hospital_value": hospital_values.get(row["condition_id"])}
        for row in current.of_hospital("condition_measures", ccn)
    )


def _measured(current: Tables, ccn: str, payments: Sequence[Row]) -> tuple[Row, ...]:
    """Every value measured for a care partner, with its threshold, ordered by condition and name."""
    names = {row["npi"]: row["name"] or row["npi"] for row in payments}
    rows = [
        {
            "condition_id": row["condition_id"],
            "description": row["description"],
            "measure_words": words.measure(row["computed_measure"]),
            "npi": row["npi"],
            "name": names[row["npi"]],
            "value": words.measured(row["measured_value"], row["computed_measure"]),
            "threshold": threshold_words(row),
            "met": row["met"],
        }
        for row in current.of_hospital("conditions", ccn)
        if row["measured_level"] == "physician" and row["measured_value"] is not None
    ]
    return tuple(sorted(rows, key=lambda row: (row["condition_id"], row["name"], row["npi"])))


def threshold_words(condition: Row) -> str:
    """The threshold of a measured condition: ``at most 12.5%``."""
    threshold = words.measured(condition["threshold_value"], condition["computed_measure"])
    return f"{condition['threshold_operator']} {threshold}"


def _reductions(payments: Sequence[Row]) -> tuple[tuple[str, int, Decimal], ...]:
    """Each reduction that applied: its name, the number of care partners, and the amount."""
    found = []
    for column, name in waterfall.REDUCTIONS.items():
        reduced = [row[column] for row in payments if row[column]]
        if reduced:
            found.append((name, len(reduced), sum(reduced, Decimal(0))))
    return tuple(found)


def _quality(current: Tables, ccn: str) -> tuple[Row, ...]:
    """The hospital's lines of the quality scorecard, with the values that are hidden from others."""
    if not current.has("quality_scorecard"):
        return ()
    own = {row["measure"]: row for row in current.of_hospital("quality_measures", ccn) if row["level"] == "hospital"}
    return tuple(
        row | {name: own[row["measure"]][name] for name in ("baseline_value", "value") if row["measure"] in own}
        for row in current.frame("quality_scorecard").iter_rows(named=True)
        if row["entity_kind"] == "hospital" and row["entity_id"] == ccn
    )

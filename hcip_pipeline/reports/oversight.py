"""What an oversight committee looks at: one content for its page and its workbook.

Belongs here: choosing, ordering and adding up a hospital's rows. Does not belong here: how they are laid out
(``templates/oversight.html.j2``, ``oversight_workbook``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from hcip_pipeline.contracts.payment_reasons import parse_reasons
from hcip_pipeline.policy.interventions import CATEGORIES
from hcip_pipeline.reports import charts, waterfall, words
from hcip_pipeline.reports.figures import ReportSource, Row, Tables
from hcip_pipeline.reports.missing import MissingItem
from hcip_pipeline.reports.pages import page

#: Rate centers a service line's drill-down shows: the largest differences from the state.
COST_CENTERS_IN_A_LINE = 8


@dataclass(frozen=True)
class ServiceLine:
    """A service line with what it opens to."""

    row: Row
    apr_drgs: tuple[tuple[Row, tuple[Row, ...]], ...]
    cost_centers: tuple[Row, ...]


@dataclass(frozen=True)
class SpecialtyGroup:
    """Care partners of one specialty, each with their payment."""

    specialty: str
    members: tuple[Row, ...]


@dataclass(frozen=True)
class Committee:
    """A hospital's half-year. Rows are those of the release's tables, with what a chart needs added."""

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
    payments: tuple[Row, ...]
    waterfall: list[waterfall.Step]
    totals: Row
    bound: tuple[tuple[str, int, Decimal], ...]
    limit: Row | None
    elections: Row | None
    quality: tuple[Row, ...]
    signs: tuple[Row, ...]
    signs_looked_for: int
    missing: tuple[MissingItem, ...]


def committee(source: ReportSource, ccn: str, missing: Sequence[MissingItem]) -> Committee:
    """Everything the committee of a hospital looks at."""
    now = source.now
    payments = [row | {"why": list(parse_reasons(row["reasons"]))} for row in now.of_hospital("incentives", ccn)]
    totals = waterfall.summed(payments)
    inputs = now.of_hospital("payment_inputs", ccn)
    levels = now.of_hospital("opportunity", ccn)
    savings = {row["scope"]: row for row in now.of_hospital("savings", ccn)}
    return Committee(
        hospital=source.participation[ccn],
        savings=savings,
        history=_history(source, ccn),
        institution=next((row for row in levels if row["level"] == "institution"), None),
        lines=_lines(levels, now.of_hospital("cost_centers", ccn)),
        cost_centers=_compared(row for row in now.of_hospital("cost_centers", ccn) if row["service_line"] == "ALL"),
        conditions=tuple(now.of_hospital("condition_measures", ccn)),
        interventions=tuple(
            row | {"category_name": CATEGORIES.get(row["category"], row["category"] or "")}
            for row in now.of_hospital("interventions", ccn)
        ),
        specialties=_specialties(now, ccn),
        others=_others(now.of_hospital("physicians", ccn)),
        payments=tuple(sorted(payments, key=lambda row: (-row["final_incentive"], row["name"] or "", row["npi"]))),
        waterfall=waterfall.steps(totals, {}),
        totals=totals
        | {status: _final(payments, status) for status in words.STATUSES}
        | {f"{status}_count": sum(row["status"] == status for row in payments) for status in words.STATUSES},
        bound=_bound(payments),
        limit=next(iter(now.of_hospital("distribution_limits", ccn)), None),
        elections=inputs[0] if inputs else None,
        quality=_quality(now, ccn),
        signs=_signs(now, ccn, payments),
        signs_looked_for=len(now.of_hospital("guardrails", ccn)),
        missing=tuple(missing),
    )


def oversight_page(source: ReportSource, ccn: str, content: Committee) -> bytes:
    """The committee's page."""
    return page(
        "oversight.html.j2",
        title=f"{content.hospital['hospital_name']}, {words.half(str(source.period))}",
        period=source.period,
        span=words.span(source.period),
        release=source.release,
        policy=source.policy,
        ccn=ccn,
        committee=content,
        pool_chart=charts.columns((row["period"], row["potential_savings"]) for row in content.history),
        saved_chart=charts.columns((row["period"], row["internal_savings"]) for row in content.history),
        short_dollars=words.short_dollars,
    )


def _final(payments: Sequence[Row], status: str) -> Decimal:
    return sum((row["final_incentive"] for row in payments if row["status"] == status), Decimal("0.00"))


def _history(source: ReportSource, ccn: str) -> tuple[Row, ...]:
    """Savings of all physicians and incentives, a row a period, the present one last."""
    rows = []
    for tables in (*source.earlier, source.now):
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


def _compared(rows: Iterable[Row]) -> tuple[Row, ...]:
    """Rows with their bar of the difference from the state, the dearest first."""
    found = list(rows)
    reach = max((abs(row["difference_from_statewide"] or 0) for row in found), default=Decimal(0))
    found.sort(key=lambda row: (-(row["difference_from_statewide"] or 0), -row["cost"]))
    return tuple(
        row | {"bar": charts.diverging(row["difference_from_statewide"] or Decimal(0), Decimal(reach))} for row in found
    )


def _lines(levels: Sequence[Row], centers: Sequence[Row]) -> tuple[ServiceLine, ...]:
    of_line: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in levels:
        of_line[row["service_line"]][row["level"]].append(row)
    made = []
    for line in _compared(row for row in levels if row["level"] == "service_line"):
        own = of_line[line["service_line"]]
        apr_drgs = sorted(own["apr_drg"], key=lambda row: (-row["potential_savings"], row["apr_drg"]))
        cells: dict[str, list[Row]] = defaultdict(list)
        for cell in own["cell"]:
            cells[cell["apr_drg"]].append(cell)
        own_centers = _compared(row for row in centers if row["service_line"] == line["service_line"])
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


def _specialties(now: Tables, ccn: str) -> tuple[SpecialtyGroup, ...]:
    groups: dict[str, list[Row]] = defaultdict(list)
    for person in now.of_hospital("physicians", ccn):
        if person["is_care_partner"]:
            (payment,) = now.of_partner("incentives", ccn, person["npi"])
            groups[person["specialty"] or "Specialty not reported"].append(person | {"payment": payment})
    return tuple(
        SpecialtyGroup(name, tuple(sorted(members, key=lambda row: (-row["cost"], row["npi"]))))
        for name, members in sorted(groups.items())
    )


def _others(physicians: Sequence[Row]) -> tuple[Row, ...]:
    """Physicians who do not take part, summed by the service line of most of their cases."""
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
                "cost_ratio": _ratio(benchmarked, statewide),
            }
        )
    return tuple(sorted(rows, key=lambda row: (-row["potential_savings"], row["service_line"])))


def _ratio(numerator: Decimal, denominator: Decimal) -> Decimal | None:
    if not denominator:
        return None
    return (numerator / denominator).quantize(Decimal("0.00000001"), ROUND_HALF_UP)


def _bound(payments: Sequence[Row]) -> tuple[tuple[str, int, Decimal], ...]:
    """Each reduction that did something: its name, for how many, by how much."""
    found = []
    for column, name in waterfall.REDUCTIONS.items():
        reduced = [row[column] for row in payments if row[column]]
        if reduced:
            found.append((name, len(reduced), sum(reduced, Decimal(0))))
    return tuple(found)


def _quality(now: Tables, ccn: str) -> tuple[Row, ...]:
    """The hospital's lines of the quality scorecard; what is hidden in it from others the hospital itself may see."""
    if not now.has("quality_scorecard"):
        return ()
    own = {row["measure"]: row for row in now.of_hospital("quality_measures", ccn) if row["level"] == "hospital"}
    return tuple(
        row | {name: own[row["measure"]][name] for name in ("baseline_value", "value") if row["measure"] in own}
        for row in now.frame("quality_scorecard").iter_rows(named=True)
        if row["entity_kind"] == "hospital" and row["entity_id"] == ccn
    )


def _signs(now: Tables, ccn: str, payments: Sequence[Row]) -> tuple[Row, ...]:
    """What the guardrails found: of the hospital, then of care partners by name."""
    names = {row["npi"]: row["name"] or row["npi"] for row in payments}
    found = [
        row | {"who": "The hospital" if row["level"] == "hospital" else names.get(row["npi"], row["npi"])}
        for row in now.of_hospital("guardrails", ccn)
        if row["is_finding"]
    ]
    return tuple(sorted(found, key=lambda row: (row["level"] != "hospital", row["who"], row["sign"])))

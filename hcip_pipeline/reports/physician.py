"""The physician's dashboard: one page per hospital and care partner, printable on two sheets.

Belongs here: the content of the page. Does not belong here: wording shared with other reports (``words``,
``waterfall``), the layout (``templates/physician.html.j2``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from hcip_pipeline.contracts.payment_reasons import PaymentReason, parse_reasons
from hcip_pipeline.release.earlier_half_years import savings_missing
from hcip_pipeline.reports import certainty, charts, waterfall, words
from hcip_pipeline.reports.figures import ReportSource, Row
from hcip_pipeline.reports.pages import release_page
from hcip_pipeline.reports.signs import by_partner, signs_of

#: Cells on the page; the others are summed in one more row, so that the page prints on two sheets.
CELLS = 8

#: Maximum number of cases in the list of single cases; with more, the page becomes too large to open.
SHOWN = 2_000
#: With fewer cases than this, a mean is only an indication.
FEW_CASES = 5


@dataclass(frozen=True)
class CellRow:
    """A care partner's cases in one APR-DRG and severity."""

    apr_drg: str
    severity: str
    label: str
    cases: int
    mean_cost: Decimal
    best_practice: Decimal
    p75: Decimal
    above_best_practice: Decimal
    incentive: Decimal
    maximum: Decimal
    strip: charts.Range


def physician_page(source: ReportSource, ccn: str, partner: Row) -> bytes:
    """The dashboard of a care partner at a hospital.

    Args:
        partner: their row of ``incentives``.
    """
    npi = partner["npi"]
    current = source.current
    (person,) = (row for row in current.of_partner("physicians", ccn, npi))
    (inputs,) = current.of_partner("payment_inputs", ccn, npi)
    comparison = {row["stream"]: row for row in current.of_partner("physician_comparison", ccn, npi)}
    conditions = current.of_partner("conditions", ccn, npi)
    improvement = current.of_partner("improvement", ccn, npi)
    cases = current.of_partner("incentive_cases", ccn, npi)
    cells = cell_rows(cases, source.labels)
    history = _history(source, ccn, npi)
    shown, rest = cells[:CELLS], cells[CELLS:]
    return release_page(
        source,
        "physician.html.j2",
        dollars_format=words.dollars,
        days_format=lambda value: words.number(value, 1),
        title=f"{partner['name'] or npi}, {words.half(str(source.period))}",
        hospital=source.participation[ccn],
        partner=partner,
        person=person,
        inputs=inputs,
        overall=comparison.get("all"),
        headline=_headline(comparison.get("all"), person["cost_ratio"]),
        streams=_streams(comparison),
        costs=charts.trend([_cost_point(row) for row in history]),
        days=charts.trend([_days_point(row) for row in history]),
        history=history,
        steps=waterfall.steps(partner, _step_notes(source, partner, inputs, conditions, improvement, cases)),
        reasons=list(parse_reasons(partner["reasons"], partner["final_incentive"])),
        conditions=conditions,
        signs=by_partner(signs_of(current, ccn)).get(npi, []),
        measured=words.measured,
        condition_total=sum((row["weighted_amount"] for row in conditions), Decimal("0.00")),
        cells=shown,
        rest=_rest(rest),
        shown=SHOWN,
        cases=sorted(
            cases, key=lambda row: (row["apr_drg"], row["severity_of_illness"], row["cost"], row["length_of_stay"])
        ),
        labels=source.labels,
        few=FEW_CASES,
        sure=certainty.of_partner(source, ccn, partner),
    )


def cell_rows(cases: list[Row], labels: Mapping[str, str]) -> list[CellRow]:
    """A care partner's cases by APR-DRG and severity, the largest opportunity first."""
    grouped: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for case in cases:
        grouped[case["apr_drg"], case["severity_of_illness"]].append(case)
    rows = []
    for (apr_drg, severity), own in grouped.items():
        cost = sum((case["cost"] for case in own), Decimal(0))
        mean = cost / len(own)  # rounded once, when it is shown
        norm, p75 = own[0]["best_practice_norm"], own[0]["p75_cost"]
        rows.append(
            CellRow(
                apr_drg,
                severity,
                labels.get(apr_drg, ""),
                len(own),
                mean,
                norm,
                p75,
                sum((max(case["cost"] - norm, Decimal(0)) for case in own), Decimal(0)),
                sum((case["performance_incentive"] for case in own), Decimal(0)),
                sum((case["mpi_performance"] for case in own), Decimal(0)),
                charts.norm_range(mean, norm, p75),
            )
        )
    return sorted(rows, key=lambda row: (-row.above_best_practice, row.apr_drg, row.severity))


def _rest(rows: list[CellRow]) -> Row | None:
    if not rows:
        return None
    return {
        "cells": len(rows),
        "cases": sum(row.cases for row in rows),
        "above_best_practice": sum((row.above_best_practice for row in rows), Decimal(0)),
        "incentive": sum((row.incentive for row in rows), Decimal(0)),
        "maximum": sum((row.maximum for row in rows), Decimal(0)),
    }


def _history(source: ReportSource, ccn: str, npi: str) -> list[Row]:
    """The care partner's comparison for every available period, the current one last."""
    tables = [*(each for each in source.earlier if each.has("physician_comparison")), source.current]
    found = [row for each in tables for row in each.of_partner("physician_comparison", ccn, npi)]
    return [row for row in found if row["stream"] == "all"]


def _cost_point(row: Row) -> charts.TrendPoint:
    return charts.TrendPoint(
        row["period"],
        row["adjusted_cost"],
        row["adjusted_cost_low"],
        row["adjusted_cost_high"],
        row["baseline_adjusted_cost"],
        row["norm_adjusted_cost"],
        row["best_practice_adjusted_cost"],
    )


def _days_point(row: Row) -> charts.TrendPoint:
    return charts.TrendPoint(
        row["period"],
        row["adjusted_los"],
        row["adjusted_los_low"],
        row["adjusted_los_high"],
        row["baseline_adjusted_los"],
        row["norm_adjusted_los"],
    )


def _against(own: Decimal | None, other: Decimal | None) -> Decimal | None:
    """The difference of ``own`` from ``other`` as a share of ``other``."""
    if own is None or not other:
        return None
    return (own - other) / other


def _headline(row: Row | None, cost_ratio: Decimal | None) -> list[Row]:
    """Cost and days per case, each compared with the physician's baseline and the norm; cost also with the state.

    Args:
        cost_ratio: cost divided by the cost of the same cases at this half-year's statewide mean.
    """
    if row is None:
        return []
    against_state = None if cost_ratio is None else cost_ratio - 1
    return [
        _compared(row, "adjusted_cost", words.dollars, "Cost per case, adjusted for case mix", against_state),
        _compared(row, "adjusted_los", words.number, "Days per case, adjusted for case mix"),
    ]


def _compared(
    row: Row, figure: str, show: Callable[[Decimal | None], str], name: str, against_state: Decimal | None = None
) -> Row:
    own, low, high = row[figure], row[f"{figure}_low"], row[f"{figure}_high"]
    baseline, norm = row[f"baseline_{figure}"], row[f"norm_{figure}"]
    return {
        "name": name,
        "own": show(own),
        "interval": None if low is None else f"{show(low)} to {show(high)}",
        "baseline": show(baseline),
        "against_baseline": _against(own, baseline),
        "norm": show(norm),
        "against_norm": _against(own, norm),
        "against_state": against_state,
    }


def _streams(comparison: dict[str, Row]) -> list[Row]:
    """Each stream with cases, and both together if there are two."""
    names = [name for name in ("medical", "surgical") if name in comparison]
    return [_judged(comparison[name]) for name in (["all", *names] if len(names) > 1 else names)]


def _judged(row: Row) -> Row:
    """A stream with its name and the position of its interval relative to the norm."""
    low, high, norm = row["adjusted_cost_low"], row["adjusted_cost_high"], row["norm_adjusted_cost"]
    if low is None:
        verdict = "One case is too few to judge a practice."
    elif norm < low:
        verdict = "The whole interval is above the norm."
    elif norm > high:
        verdict = "The whole interval is below the norm."
    else:
        verdict = "No clear difference from the norm."
    return row | {"name": words.STREAMS[row["stream"]], "verdict": verdict}


def _step_notes(
    source: ReportSource, partner: Row, inputs: Row, conditions: list[Row], improvement: list[Row], cases: list[Row]
) -> dict[str, list[str]]:
    """The sentences that explain each step of the waterfall."""
    reasons = list(parse_reasons(partner["reasons"], partner["final_incentive"]))
    is_first_half = source.period.half == 1
    step_notes: dict[str, list[str]] = {
        "performance_incentive": performance_words(cases, source.gated),
        "improvement_incentive": [sentence for row in improvement for sentence in improvement_words(row)],
        "conditions_adjustment": waterfall.condition_words(conditions),
        "standing_adjustment": [reason.physician for reason in reasons if reason.step == "standing"]
        or [good_standing(reasons)],
        "committee_adjustment": ["The oversight committee reduced the amount."]
        if partner["committee_adjustment"]
        else ["None."],
        "pfs_cap_adjustment": waterfall.cap_words(partner, inputs, source.period.year, is_first_half),
        "distribution_limit_adjustment": _limit_words(source, partner),
        "final_incentive": [reason.sentence for reason in reasons if reason.is_hold],
    }
    return step_notes


def good_standing(reasons: Iterable[PaymentReason]) -> str:
    """Sentence for a physician whom standing costs nothing; a pending screening is a hold, not a matter of standing."""
    screened = "" if any(reason.code == "SCREENING_NOT_CLEARED" for reason in reasons) else "screened, "
    return f"In good standing: on the certified list, {screened}arrangement signed, approved activities reported."


def _limit_words(source: ReportSource, partner: Row) -> list[str]:
    """The effect of the hospital's distribution limit, and whether it is provisional."""
    ccn = partner["hospital_ccn"]
    if not partner["distribution_limit_adjustment"]:
        return ["Not reached."]
    limit = source.current.of_hospital("distribution_limits", ccn)[0]["distribution_limit"]
    stated = [
        "The hospital's limit was reached; every amount was reduced by the same share."
        if limit
        else f"The hospital's limit for this half-year is {words.money(limit)}, so nothing is payable."
    ]
    if periods := source.unsettled.get(ccn):
        stated.append(f"The limit is provisional: {savings_missing(periods)}.")
    return stated


def performance_words(cases: list[Row], gated: frozenset[tuple[str, str, str]]) -> list[str]:
    """Which cases earned a performance incentive, and why others did not; each case is counted once.

    Args:
        gated: NPI, APR-DRG and severity whose mean over all hospitals is above the 75th percentile (methodology §7).
    """
    if not cases:
        return []
    free = [case for case in cases if (case["npi"], case["apr_drg"], case["severity_of_illness"]) not in gated]
    at_best = sum(1 for case in free if case["performance_fraction"] == 1)
    between = sum(1 for case in free if 0 < case["performance_fraction"] < 1)
    above, without = len(free) - at_best - between, len(cases) - len(free)
    counts = [
        f"{words.plural(number, 'case')} {place}"
        for number, place in (
            (at_best, "at or below best practice"),
            (
                between,
                "between it and the 75th percentile" if at_best else "between best practice and the 75th percentile",
            ),
            (above, f"at or above the 75th percentile, which {'earns' if above == 1 else 'earn'} nothing"),
        )
        if number
    ]
    statements = [f"You had {words.joined(counts)}."] if free else []
    if without:
        those = words.plural(without, "other case" if free else "case")
        statements.append(
            f"{those} earned nothing, because your mean for cases of {'that' if without == 1 else 'their'} kind, over "
            "all hospitals, is above the 75th percentile."
        )
    return statements


def improvement_words(row: Row) -> list[str]:
    """Sentence that explains one stream's improvement incentive (methodology §8)."""
    name = words.STREAMS[row["stream"]]
    if not row["has_baseline"]:
        cases = words.plural(row["baseline_cases"], "case")
        return [f"{name}: {cases} in the baseline, too few to measure improvement."]
    earned = words.money(row["improvement_incentive"]) if row["improvement_incentive"] else "nothing"
    if row["stream"] == "medical":
        days = words.went(words.number(row["baseline_adjusted_los"]), words.number(row["adjusted_los"]))
        return [f"{name}: adjusted days per case {days}, which earns {earned}."]
    before = row["baseline_adjusted_cost"] * row["trend"]
    cost = words.went(words.dollars(before), words.dollars(row["adjusted_cost"]), " (in this year's dollars)")
    share = words.percent(row["improvement_fraction"])
    part = (
        f"{share} of the improvement that earns the whole amount: " if row["improvement_fraction"] else "which earns "
    )
    return [f"{name}: adjusted cost per case {cost}, {part}{earned}."]

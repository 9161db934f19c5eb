"""An explained payment as text: from the cases to the last cap, every dollar with its reason.

Belongs here: wording and layout, in US formats. Does not belong here: where the figures come from (``explanation``),
and what a reason code means (``contracts.payment_reasons``).
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from hcip_pipeline.contracts.payment_reasons import parse_reasons
from hcip_pipeline.dollars import dollars
from hcip_pipeline.policy.measured_conditions import MEASURES_OF_CONDITIONS
from hcip_pipeline.release.explanation import (
    ExplainedCase,
    ExplainedCell,
    ExplainedStream,
    Explanation,
    Row,
    StreamSums,
)

_STATUS = {
    "PAYABLE": "{amount} is payable.",
    "HELD": "{amount} is held: the amount is settled, but none of it is payable yet.",
    "ZERO": "Nothing is payable: {amount}.",
}
_WIDTH = 100
_CENT = Decimal("0.01")


def money(amount: Decimal | None, places: int = 2) -> str:
    """Format an amount: $1,234.50, -$50.25."""
    if amount is None:
        return "no amount"
    return dollars(amount, places)


def percent(ratio: Decimal) -> str:
    """Format a ratio: 66.67%, 66.50439%. Exact, with at least two decimal places."""
    exact = f"{ratio * 100:f}"
    whole, _, places = exact.partition(".")
    return f"{whole}.{places.rstrip('0'):0<2}%"


def render_text(explanation: Explanation) -> str:
    """Render the whole explanation."""
    parts: list[Iterable[str]] = [
        part(explanation)
        for part in (_head, _waterfall, _performance, _improvement, _conditions, _standing, _cap, _limit, _sources)
    ]
    return "\n".join(line for part in parts for line in part)


def _line(label: str, amount: str, indent: int = 2) -> str:
    left = " " * indent + label
    return f"{left} {'.' * max(2, _WIDTH - len(left) - len(amount) - 2)} {amount}"


def _prose(text: str, indent: int = 2) -> Iterator[str]:
    margin = " " * indent
    yield from textwrap.wrap(
        text, _WIDTH, initial_indent=margin, subsequent_indent=margin, break_on_hyphens=False, break_long_words=False
    )


def _head(e: Explanation) -> Iterator[str]:
    who = f"{e.name} (NPI {e.npi})" if e.name else f"NPI {e.npi}"
    where = f"{e.hospital_name} ({e.hospital_ccn})" if e.hospital_name else f"hospital {e.hospital_ccn}"
    yield f"{who}, {where}: {e.period}, release {e.release}"
    yield _STATUS[e.incentive["status"]].format(amount=money(e.incentive["final_incentive"]))
    for reason in parse_reasons(e.incentive["reasons"], e.incentive["final_incentive"]):
        yield from _prose(f"- {reason.clause} [{reason.code}]")
    for why in e.stale:
        yield from _prose(f"Stale: {why}")
    yield ""


def _waterfall(e: Explanation) -> Iterator[str]:
    row = e.incentive
    cases = row["medical_cases"] + row["surgical_cases"]
    yield "From calculated to final"
    yield _line(f"Performance incentive, {_count(cases, 'case')}", money(row["performance_incentive"]))
    yield _line("Improvement incentive, medical", money(row["improvement_incentive_medical"]))
    yield _line("Improvement incentive, surgical", money(row["improvement_incentive_surgical"]))
    yield _line("Calculated", money(row["calculated_incentive"]))
    left = row["calculated_incentive"]
    for label, column in (
        ("Conditions of payment", "conditions_adjustment"),
        ("Standing", "standing_adjustment"),
        ("Oversight committee", "committee_adjustment"),
        ("Physician Fee Schedule cap", "pfs_cap_adjustment"),
        ("Hospital's distribution limit", "distribution_limit_adjustment"),
    ):
        left += row[column]
        yield _line(f"{label}, leaving {money(left)}" if row[column] else label, money(row[column]))
    yield _line("Final", money(row["final_incentive"]))
    if row["case_mix_index"] is not None:
        yield from _prose(
            f"Case-mix index {row['case_mix_index']:f}: the mean cost weight of the {_count(cases, 'case')}; the "
            "state's average case has a weight of 1."
        )
    yield ""


def _performance(e: Explanation) -> Iterator[str]:
    if not e.cells:
        return
    yield "Performance: each case compared with its cell's norm"
    yield from _prose(
        f"The norms are from {e.cells[0].base_year}, multiplied by {e.cells[0].trend:f} to express them in "
        f"{e.period[:4]} dollars. A case at or below the best-practice norm earns the full performance part, a case at "
        "or above P75 earns nothing, and a case in between earns a proportional share" + _curve(e) + "."
    )
    for cell in e.cells:
        label = f" {cell.label}" if cell.label else ""
        yield _line(
            f"APR-DRG {cell.apr_drg}{label}, severity {cell.severity_of_illness}", money(cell.performance_incentive)
        )
        yield from _cell(cell)
        for case in cell.cases:
            yield _line(_case_text(case, cell), money(case.performance_incentive), 6)
    yield ""


def _curve(e: Explanation) -> str:
    exponent = e.policy.performance_exponent
    return "" if exponent == 1 else f", raised to the power of {exponent:f}"


def _cell(cell: ExplainedCell) -> Iterator[str]:
    yield from _prose(
        f"Best practice {money(cell.best_practice_norm)} ({money(cell.base_best_practice_norm)} in {cell.base_year}), "
        f"P75 {money(cell.p75_cost)} ({money(cell.base_p75_cost)}). A case can earn up to "
        f"{money(cell.mpi_performance + cell.mpi_improvement)}: {money(cell.mpi_performance)} for performance and "
        f"{money(cell.mpi_improvement)} for improvement. Its cost weight is {cell.cost_weight:f}, its length-of-stay "
        f"weight {cell.los_weight:f}.",
        4,
    )
    if cell.is_gated:
        yield from _prose(
            f"The physician's mean cost over {_count(cell.own_cases, 'case')} at all hospitals is "
            f"{money(cell.own_mean_cost, 4)}, above P75, so no case in this cell earns a performance incentive.",
            4,
        )


def _case_text(case: ExplainedCase, cell: ExplainedCell) -> str:
    fraction = case.performance_fraction or Decimal(0)
    text = f"row {case.row:,}: cost {money(case.cost)}, {percent(fraction)} of {money(cell.mpi_performance)}"
    return f"{text}, withheld" if cell.is_gated and fraction else text


def _improvement(e: Explanation) -> Iterator[str]:
    if not e.streams:
        return
    first, last = e.baseline_window
    yield "Improvement: each stream compared with the physician's own earlier cases"
    yield from _prose(
        f"The baseline is {_day(first)} through {_day(last)}. Averages are adjusted for case mix: each total is "
        "divided by the weight of its cases."
    )
    for stream in e.streams:
        yield _line(stream.stream.capitalize(), money(stream.figures["improvement_incentive"]))
        if not stream.figures["has_baseline"]:
            yield from _prose(
                f"{_count(stream.baseline.cases, 'case')} in the baseline; a comparison needs at least "
                f"{e.policy.min_baseline_cases}.",
                4,
            )
        elif stream.stream == "medical":
            yield from _days(stream, e)
        else:
            yield from _cost(stream)
    yield ""


def _days(stream: ExplainedStream, e: Explanation) -> Iterator[str]:
    row = stream.figures
    yield from _average(
        "baseline", stream.baseline, f"{stream.baseline.days:,} days", "los_weight", row["baseline_adjusted_los"]
    )
    yield from _average("this period", stream.now, f"{stream.now.days:,} days", "los_weight", row["adjusted_los"])
    if not row["days_saved"]:
        yield from _prose("No days per case were saved, so there is no improvement incentive.", 4)
        return
    worth = (row["days_saved"] * row["per_diem"]).quantize(_CENT, rounding="ROUND_HALF_UP")
    yield from _prose(
        f"{row['days_saved']:f} days saved per case × {money(row['per_diem'])} (the fees forgone for one day of "
        f"{_each_of(stream.now.cases)}) = {money(worth)}.",
        4,
    )
    if e.policy.medical_improvement_cap == "mpi" and worth > row["mpi_improvement"]:
        yield from _prose(f"Capped at the improvement part of the cases: {money(row['mpi_improvement'])}.", 4)


def _cost(stream: ExplainedStream) -> Iterator[str]:
    row = stream.figures
    before = row["baseline_adjusted_cost"] * row["trend"]
    saved = before - row["adjusted_cost"]
    sums = stream.baseline
    yield from _average("baseline", sums, money(sums.cost), "cost_weight", row["baseline_adjusted_cost"])
    yield from _average("this period", stream.now, money(stream.now.cost), "cost_weight", row["adjusted_cost"])
    change = "saved per case" if saved >= 0 else "less than a case costs now"
    yield from _prose(
        f"The baseline's {money(row['baseline_adjusted_cost'], 4)} × {row['trend']:f} is {money(before, 4)} in this "
        f"period's dollars: {money(abs(saved), 4)} {change}.",
        4,
    )
    if not row["spread"] or row["spread"] <= 0:
        yield from _prose("The norms leave no room for savings between ceiling and best practice.", 4)
        return
    if saved <= 0:
        yield from _prose("Nothing was saved, so there is no improvement incentive.", 4)
        return
    yield from _prose(
        f"Measured against the {money(row['spread'], 4)} between ceiling and best practice, that earns "
        f"{percent(row['improvement_fraction'])} of {money(row['mpi_improvement'])}, the improvement part of the "
        "cases.",
        4,
    )


def _average(when: str, sums: StreamSums, amount: str, weight: str, average: Decimal) -> Iterator[str]:
    shown = f"{average:,.4f} days" if weight == "los_weight" else money(average, 4)
    yield from _prose(
        f"{when}: {_count(sums.cases, 'case')}, {amount} ÷ weight {getattr(sums, weight):f} = {shown} per case",
        4,
    )


def _each_of(cases: int) -> str:
    return "the one case" if cases == 1 else f"each of the {cases:,} cases"


def _conditions(e: Explanation) -> Iterator[str]:
    if not e.conditions:
        return
    met = e.incentive["conditions_met_weight"]
    yield f"Conditions of payment: {percent(met)} met, by weight"
    if e.policy.condition_failure == "lose_all":
        yield from _prose("If any condition is not met, the whole amount is lost.")
    for row in e.conditions:
        outcome = {"Y": "met", "N": "not met"}.get(row["met"] or "", "no result reported, so not met")
        label = textwrap.shorten(f"{row['condition_id']} {row['description']}", 55, placeholder="…")
        yield _line(f"{label} ({percent(row['weight'])}): {outcome}", money(row["weighted_amount"]))
        if row["source"] == "MEASURED":
            whose = "the hospital" if row["measured_level"] == "hospital" else "the physician's own patients"
            measure = row["computed_measure"]
            value, threshold = (_measured(row[name], measure) for name in ("measured_value", "threshold_value"))
            required = f"{row['threshold_operator']} {threshold}"
            yield from _prose(f"{MEASURES_OF_CONDITIONS[measure]} ({whose}): {value}; required: {required}.", 4)
    parts = sum((row["weighted_amount"] for row in e.conditions), Decimal(0))
    if met >= 1 and parts != e.incentive["calculated_incentive"] and not e.incentive["conditions_adjustment"]:
        yield from _prose("Every condition is met, so cents gained or lost by rounding the parts do not count.")
    yield ""


def _measured(value: Decimal, measure: str) -> str:
    """A number per 1,000 as such, any other measure as a percentage."""
    return f"{value.normalize():f}" if measure.endswith("per_1000") else percent(value)


def _standing(e: Explanation) -> Iterator[str]:
    inputs = e.inputs
    yield "Standing"
    until = f" through {_day(inputs['participation_end'])}" if inputs["participation_end"] else ""
    signed = f"signed on {_day(inputs['arrangement_signed'])}" if inputs["arrangement_signed"] else "not signed"
    yield from _prose(
        f"On the certified list from {_day(inputs['participation_start'])}{until}; arrangement {signed}; screening "
        f"{inputs['screening_status'] or 'not reported'}{'; on an exclusion list' if inputs['is_excluded'] else ''}; "
        f"{_count(inputs['approved_activities'] or 0, 'approved activity', 'approved activities')} performed."
    )
    if inputs["committee_adjustment_amount"]:
        yield from _prose(f"Adjustment by the oversight committee: {money(inputs['committee_adjustment_amount'])}.")
    yield ""


def _cap(e: Explanation) -> Iterator[str]:
    inputs = e.inputs
    yield "Physician Fee Schedule cap"
    if inputs["pfs_approved_amount"] is None:
        yield from _prose(
            "The Medicare fee-schedule amount for this physician at this hospital is in neither an official notice nor "
            "Medicare claims. Until it is known, the cap cannot be determined and nothing is paid."
        )
    else:
        source = {"NOTICE": "from an official notice", "CLAIMS": "estimated from claims"}[inputs["pfs_source"]]
        year = int(e.period[:4]) - (e.policy.pfs_cap_basis == "prior_year")
        earlier = inputs["earlier_period_incentive"]
        less = f", less {money(earlier)} payable for the year's earlier period" if earlier else ""
        yield from _prose(
            f"{inputs['physician_cap_percent'].normalize():f}% of {money(inputs['pfs_approved_amount'])}, the {year} "
            f"Medicare approved amounts ({source}){less}: at most {money(e.incentive['pfs_cap_amount'])}."
        )
    yield ""


def _limit(e: Explanation) -> Iterator[str]:
    yield "Hospital's distribution limit"
    if e.limit is None or e.limit.figures["distribution_limit"] is None:
        yield from _prose("No limit applies in this period.")
        yield ""
        return
    limit: Row = e.limit.figures
    if limit["cumulative_limit"] is not None:
        yield from _prose(
            f"Program year {limit['program_year']}: internal savings to date of "
            f"{money(limit['internal_savings_to_date'])}, less {money(limit['earlier_incentives'])} paid for earlier "
            f"periods and {money(limit['other_program_amounts_to_date'])} apportioned to other programs: at most "
            f"{money(limit['cumulative_limit'])}."
        )
    if limit["incentive_pool"] is not None:
        contested = ", which the hospital contests" if limit["is_contested"] else ""
        yield from _prose(f"Official pool notice: {money(limit['incentive_pool'])}{contested}.")
    total, most = limit["incentives_before_limit"], limit["distribution_limit"]
    partners = f"The hospital's {_count(e.limit.care_partners, 'care partner')} would get {money(total)} in total"
    if total <= most:
        yield from _prose(f"{partners}, within the limit of {money(most)}.")
    else:
        yield from _prose(
            f"{partners}, but only {money(most)} is available: each gets {percent(round(most / total, 4))} of their "
            "own amount, rounded to the cent by largest remainder."
        )
    yield ""


def _sources(e: Explanation) -> Iterator[str]:
    for title, cases, file in (
        ("Where the cases come from", [case for cell in e.cells for case in cell.cases], e.case_file),
        ("Where the baseline cases come from", e.baseline_cases, e.baseline_file),
    ):
        if not cases:
            continue
        yield title
        if any(case.source for case in cases):
            below = "Below each case are its rows in the files that the hospital sent."
        else:
            below = "The source rows are not available: the lake that the release was made from is not here."
        yield from _prose(f"Row numbers refer to {file}. {below}")
        for case in sorted(cases, key=lambda case: case.row):
            cell = f"{case.apr_drg}/{case.severity_of_illness}"
            yield f"  row {case.row:,}: {cell}, {_count(case.length_of_stay, 'day')}, {money(case.cost)}"
            if case.source:
                yield f"    {case.source}"
        yield ""


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _day(day: Any) -> str:
    return f"{day:%B} {day.day}, {day.year}" if day else "no date"

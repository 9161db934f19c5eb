"""The waterfall from calculated to final incentive, step by step, with explanations (methodology §9).

Belongs here: presenting the steps for a care partner or a hospital. Does not belong here: computing them, which the
settlement does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from hcip_pipeline.reports import charts, words
from hcip_pipeline.reports.figures import Row

#: column of ``incentives`` -> name of the step
REDUCTIONS = {
    "conditions_adjustment": "Conditions of payment",
    "standing_adjustment": "Standing",
    "committee_adjustment": "Committee's adjustment",
    "pfs_cap_adjustment": "Fee-schedule cap",
    "distribution_limit_adjustment": "Hospital's distribution limit",
}


@dataclass(frozen=True)
class Step:
    """One row of the waterfall; ``kind`` is earned, reduced or total."""

    name: str
    kind: str
    amount: Decimal
    running: Decimal
    bar: charts.Bar
    notes: tuple[str, ...] = ()


def steps(row: Row, notes: Mapping[str, Sequence[str]]) -> list[Step]:
    """The waterfall of ``row``, a row of ``incentives`` or the sum of some.

    Args:
        notes: sentences that explain a step, by column of ``incentives``.
    """
    top = row["calculated_incentive"]
    improvement = row["improvement_incentive_medical"] + row["improvement_incentive_surgical"]
    performance = row["performance_incentive"]

    def earned(name: str, column: str, before: Decimal, amount: Decimal) -> Step:
        bar = charts.step(before + amount, before, top)
        return Step(name, "earned", amount, before + amount, bar, tuple(notes.get(column, ())))

    def total(name: str, column: str) -> Step:
        amount = row[column]
        return Step(name, "total", amount, amount, charts.bar(amount, top), tuple(notes.get(column, ())))

    made = [
        earned("Performance incentive", "performance_incentive", Decimal(0), performance),
        earned("Improvement incentive", "improvement_incentive", performance, improvement),
        total("Calculated incentive", "calculated_incentive"),
    ]
    running = top
    for column, name in REDUCTIONS.items():
        after = running + row[column]
        made.append(
            Step(name, "reduced", row[column], after, charts.step(running, after, top), tuple(notes.get(column, ())))
        )
        running = after
    return [*made, total("Final incentive", "final_incentive")]


def summed(rows: Iterable[Row]) -> Row:
    """Sums of the money columns of rows of ``incentives``."""
    columns = (
        "performance_incentive",
        "improvement_incentive_medical",
        "improvement_incentive_surgical",
        "calculated_incentive",
        *REDUCTIONS,
        "final_incentive",
    )
    given = list(rows)
    return {column: sum((row[column] for row in given), Decimal("0.00")) for column in columns}


def condition_words(conditions: Sequence[Row]) -> list[str]:
    """Sentences that explain which conditions reduced the amount, and why."""
    missed = [f"{c['description']} ({words.percent(c['weight'])})" for c in conditions if c["met"] == "N"]
    missing = [f"{c['description']} ({words.percent(c['weight'])})" for c in conditions if c["is_missing"]]
    stated = []
    if missed:
        stated.append(f"Not met: {'; '.join(missed)}.")
    if missing:
        stated.append(f"Counted as not met, because no result was reported: {'; '.join(missing)}.")
    if conditions and not stated:
        stated.append("All conditions were met.")
    return stated or ["The hospital has no conditions of payment in force."]


def cap_words(row: Row, inputs: Row, year: int, is_first_half: bool) -> list[str]:
    """Sentence that explains the fee-schedule cap."""
    if inputs["pfs_approved_amount"] is None:
        return ["No Medicare fee-schedule amount is known yet, so the cap cannot be determined."]
    source = "from CMS's notice" if inputs["pfs_source"] == "NOTICE" else "estimated from Medicare claims"
    share = words.percent(inputs["physician_cap_percent"] / 100, 0)
    stated = f"{share} of {words.money(inputs['pfs_approved_amount'])} in Medicare approved amounts ({source})"
    if not is_first_half and inputs["earlier_period_incentive"]:
        stated += f", less {words.money(inputs['earlier_period_incentive'])} for the first half of {year},"
    return [f"{stated} allows at most {words.money(row['pfs_cap_amount'])}."]

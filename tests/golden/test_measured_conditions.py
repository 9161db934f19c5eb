"""A condition of payment that names a computed measure is evaluated (methodology §9 step 2, §12)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError

from hcip_pipeline.policy.measured_conditions import Threshold, parse_threshold
from hcip_pipeline.policy.protocol import ConditionOfPayment
from tests.scenario import CONDITION, HOSPITAL, Case, Norm, Scenario, discharges, npi

P, Q = npi(1), npi(2)
D = Decimal


def _scenario(**condition: Any) -> Scenario:
    """Two physicians with ten cases each in the spring; two of P's patients and six of Q's come back after a week."""
    days = [dt.date(2025, 2, 3) + dt.timedelta(days=n) for n in range(10)]
    cases = [Case(physician, 900, day) for physician in (P, Q) for day in days]
    back = [Case(Q, 900, case.day + dt.timedelta(days=10)) for n, case in enumerate(cases) if n < 2 or 10 <= n < 16]
    scenario = Scenario([*cases, *back], norms=[Norm(1000, 2000, 300)], in_order=True)
    patients = [f"p{n}" for n in range(20)]
    patients += [f"p{n}" for n in range(20) if n < 2 or 10 <= n < 16]
    frame = discharges(scenario.cases).with_columns(pl.Series("patient_id", patients))
    scenario.sources["discharges"] = frame
    # Everybody has a report that says the opposite.
    return scenario.amend(
        "conditions",
        hospital_ccn=HOSPITAL,
        condition_id=CONDITION,
        description="low",
        weight_percent=D(100),
        **condition,
    )


def _asked(measure: str, level: str, operator: str, value: str) -> dict[str, Any]:
    return {
        "computed_measure": measure,
        "measured_level": level,
        "threshold_operator": operator,
        "threshold_value": D(value),
    }


def _outcomes(scenario: Scenario) -> dict[str, dict[str, Any]]:
    with scenario.compute().connection as connection:
        return {row["npi"]: row for row in connection.sql("from marts.conditions").pl().to_dicts()}


def test_each_physicians_own_measure_decides_whatever_was_reported() -> None:
    found = _outcomes(_scenario(**_asked("readmission_rate", "physician", "at most", "0.2")))
    # P: 2 of 10. Q: 6 of its 10, and none of its 8 later ones: 6 of 18.
    assert (found[P]["measured_value"], found[P]["met"]) == (D("0.2"), "Y")
    assert (found[Q]["measured_value"], found[Q]["met"]) == (D("0.33333333"), "N")
    assert {row["source"] for row in found.values()} == {"MEASURED"}
    assert {row["reported"] for row in found.values()} == {"Y"} and found[Q]["weighted_amount"] == 0


@pytest.mark.parametrize(
    ("operator", "threshold", "met"),
    [
        ("below", "0.28571429", "N"),
        ("at most", "0.28571429", "Y"),
        ("at least", "0.28571429", "Y"),
        ("above", "0.28571429", "N"),
        ("above", "0.28571428", "Y"),
    ],
)
def test_the_hospitals_measure_holds_for_everybody_to_the_last_place(operator: str, threshold: str, met: str) -> None:
    found = _outcomes(_scenario(**_asked("readmission_rate", "hospital", operator, threshold)))
    assert {(row["measured_value"], row["met"]) for row in found.values()} == {(D("0.28571429"), met)}  # 8 of 28


def test_without_data_a_report_counts_and_without_both_it_is_missing() -> None:
    asked = _asked("readmission_rate_adjusted", "hospital", "at most", "0.2")  # no base year, nothing expected
    found = _outcomes(_scenario(**asked).drop("condition_results", npi=Q))
    assert (found[P]["source"], found[P]["met"], found[P]["measured_value"]) == ("REPORTED", "Y", None)
    assert (found[Q]["source"], found[Q]["met"], found[Q]["is_missing"]) == (None, None, True)


def test_a_condition_in_words_is_reported_as_before() -> None:
    found = _outcomes(_scenario())
    assert {(row["source"], row["met"], row["measured_value"]) for row in found.values()} == {("REPORTED", "Y", None)}


@pytest.mark.parametrize(
    ("measure", "text", "operator", "value"),
    [
        ("readmission_rate", "at most 12.5%", "at most", "0.125"),
        ("readmission_rate", "below 0.11", "below", "0.11"),
        ("hac_per_1000", "No more than 25", "at most", "25"),
        ("hac_per_1000", "< 7.5", "below", "7.5"),
        ("planned_readmission_rate", "≥ 2 %", "at least", "0.02"),
    ],
)
def test_thresholds_in_words(measure: str, text: str, operator: str, value: str) -> None:
    assert parse_threshold(measure, text) == Threshold(operator, D(value))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"measure": "readmission_rate", "threshold": "low"}, "write it as 'at most 12.5%'"),
        ({"measure": "readmission_rate"}, "cannot be read"),
        ({"measure": "readmission_rate", "threshold": "at most 12.5"}, "is a fraction of 1"),
        ({"measure": "hac_per_1000", "threshold": "below 2%"}, "per 1,000 discharges"),
        (
            {"measure": "charts open", "threshold": "at most 3", "level": "physician"},
            "only a computed measure has a level",
        ),
    ],
)
def test_conditions_that_cannot_be_evaluated_are_refused(given: dict[str, str], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        ConditionOfPayment.model_validate({"id": "c", "description": "d", "weight": 100} | given)

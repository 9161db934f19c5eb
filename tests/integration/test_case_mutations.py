"""A changed formula of a case's cost, physician or exclusions (methodology §2 to §5) is noticed by plain Python.

A release cannot show these formulas, because it does not contain discharges.
"""

from __future__ import annotations

from functools import cache

import pytest

from tests.golden import two_opinions
from tests.golden.generated_states import state as generated_state
from tests.golden.plain_settlement import Settlement
from tests.scenario import Settled
from tests.settlement_models import Bench, Mutant

pytestmark = pytest.mark.slow

#: model or macro file, its text, the replacement
CASE_FORMULAS = [
    # §2: costs
    ("int_cost_factors", "{{ exact_integer('1 + ime', 8) }}", "{{ exact_integer('1', 8) }}"),
    ("int_cost_factors", "{{ exact_integer('cost_to_charge', 8) }} as num", "{{ exact_integer('1', 8) }} as num"),
    ("int_case_rate_years", "month(discharge_date) >= 7", "month(discharge_date) >= 8"),
    ("int_charges_by_rate_center", " where revenue_code <> '0001'", ""),
    ("int_revenue_code_rate_centers", "revenue_code_to as integer) -", "revenue_code_to as integer) +"),
    ("int_rate_center_costs", "coalesce(rate_centers.component, 'core')", "'core'"),
    ("int_rate_center_costs", "coalesce(own.cost_factor, whole_hospital.cost_factor)", "whole_hospital.cost_factor"),
    # §3, §4: who counts, and for whom
    ("int_cases", "attending.npi\n        when 'surgical'", "operating.npi\n        when 'surgical'"),
    ("int_case_windows", "<= windows.end_date", "< windows.end_date"),
    ("physician_identifiers", "            24\n", "            23\n"),
    ("exclusion_rules", "mdc = '15'", "mdc = '14'"),
    ("exclusion_rules", "disposition = '20'", "disposition = '21'"),
    ("exclusion_rules", "total_cost <= 0", "total_cost < 0"),
    ("exclusion_rules", "npi is null", "false"),
    # §5: outliers
    ("int_cost_outliers", "* (n - 1) *", "* n *"),
    ("int_cost_outliers", "    anti join excluded using (hospital_ccn, account_no)\n", ""),
]  # fmt: skip


@cache
def _two_opinions(seed: int = 1) -> tuple[Bench, Settlement]:
    scenario = generated_state(seed)
    return Bench(scenario.spec(), scenario.estimates), two_opinions.settle_plainly(scenario)


@pytest.mark.parametrize("formula", CASE_FORMULAS, ids=lambda formula: str(Mutant(*formula)))
def test_a_changed_formula_of_cases_is_noticed_in_plain_python(formula: tuple[str, str, str]) -> None:
    assert any(_noticed(formula, seed) for seed in (1, 5))  # few states have a case so close to the outlier bound


def _noticed(formula: tuple[str, str, str], seed: int) -> bool:
    bench, plain = _two_opinions(seed)
    with bench.changed(Mutant(*formula), "exclusions", "norms") as connection:
        for compare in (two_opinions.compare_exclusions, two_opinions.compare_norms):
            try:
                compare(Settled(connection), plain)
            except AssertionError:
                return True
    return False

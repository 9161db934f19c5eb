"""Edge cases of the waterfall (methodology §9), by hand: one hospital per edge, all settled at once.

Each hospital is made right above its test. By default, its physicians A, B and C are paid their calculated incentives
in full; the code there is everything that is unusual about it.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from tests.golden.edge_hospitals import NORMS, POLICY, Edges, Hospital, earning
from tests.scenario import CONDITION, INTERVENTION, Scenario, Settled, npi

pytestmark = pytest.mark.slow

D = Decimal
START, END = dt.date(2025, 1, 1), dt.date(2025, 6, 30)
NEXT_DAY = START + dt.timedelta(days=1)
A, B, C = npi(1), npi(2), npi(3)
EDGES = Edges()


@pytest.fixture(scope="module")
def settled() -> Settled:
    """Every hospital of this module, settled together."""
    return EDGES.compute()


def final(settled: Settled, hospital: Hospital | str, physician: str = A) -> tuple[Any, ...]:
    """Final incentive, status and reasons, except NO_BASELINE, because nobody here has one."""
    row = settled.partner(physician, hospital.ccn if isinstance(hospital, Hospital) else hospital)
    return row["final_incentive"], row["status"], row["reasons"].removesuffix("NO_BASELINE").replace("NO_BASELINE|", "")


# --- conditions -------------------------------------------------------------------------------------------------------

_THIRDS = {"c1": "33.34", "c2": "33.33", "c3": "33.33"}
ALL_MET = EDGES.hospital("10.00").weights(**_THIRDS).met(c1="Y", c2="Y", c3="Y")


def test_all_conditions_met_pays_the_calculated_amount_exactly(settled: Settled) -> None:
    # 33.34% of 10.00 is 3.33, and so are the others: adding the parts would give 9.99.
    assert final(settled, ALL_MET) == (D("10.00"), "PAYABLE", "")
    parts = settled.rows(f"select weighted_amount from conditions where hospital_ccn = '{ALL_MET.ccn}'")
    assert [part["weighted_amount"] for part in parts] == [D("3.33")] * 3


ONE_MISSED = EDGES.hospital("10.00").weights(**_THIRDS).met(c1="Y", c2="Y", c3="N")
BLANK = EDGES.hospital("10.00").weights(**_THIRDS).met(c1="Y", c2="Y", c3=None)
ABSENT = EDGES.hospital("10.00").weights(**_THIRDS).met(c1="Y", c2="Y")


def test_a_condition_not_met_or_not_reported_loses_its_weight(settled: Settled) -> None:
    assert final(settled, ONE_MISSED) == (D("6.66"), "PAYABLE", "CONDITIONS_NOT_MET")
    missing = "CONDITIONS_NOT_MET|CONDITION_RESULTS_MISSING"
    for hospital in (BLANK, ABSENT):
        assert final(settled, hospital) == (D("6.66"), "PAYABLE", missing)
        listed = settled.rows(
            f"select condition_id from conditions where hospital_ccn = '{hospital.ccn}' and is_missing"
        )
        assert [row["condition_id"] for row in listed] == ["c3"]
    assert settled.partner(A, ONE_MISSED.ccn)["conditions_met_weight"] == D("0.66670000")


TOO_MUCH = EDGES.hospital("10.00").weights(c1="70", c2="40", c3="5").met(c1="Y", c2="Y")
TOO_MUCH.amend("protocols", has_locked_conditions=False, weight_total_percent=D(115))


def test_weights_above_100_percent_pay_no_more_than_the_whole(settled: Settled) -> None:
    missing = "CONDITION_RESULTS_MISSING|CONDITIONS_NOT_LOCKED"
    assert final(settled, TOO_MUCH) == (D("10.00"), "HELD", missing)


TOO_LITTLE = EDGES.hospital("10.00").weights(c1="50", c2="40").met(c1="Y", c2="Y")
TOO_LITTLE.amend("protocols", has_locked_conditions=False, weight_total_percent=D(90))


def test_weights_below_100_percent_pay_their_share(settled: Settled) -> None:
    assert final(settled, TOO_LITTLE) == (D("9.00"), "HELD", "WEIGHTS_NOT_100|CONDITIONS_NOT_LOCKED")


UNLOCKED = EDGES.hospital("10.00").amend("protocols", has_locked_conditions=False)


def test_conditions_not_locked_hold_the_payments(settled: Settled) -> None:
    assert final(settled, UNLOCKED) == (D("10.00"), "HELD", "CONDITIONS_NOT_LOCKED")


def test_a_failed_condition_may_cost_everything_by_policy() -> None:
    scenario = Scenario(
        [earning("10.00", A, "210001")], policy=POLICY | {"condition_failure": "lose_all"}, norms=NORMS, in_order=True
    )
    scenario.amend("condition_results", hospital_ccn="210001", npi=A, condition_id=CONDITION, met="N")
    assert final(scenario.compute(), "210001") == (D("0.00"), "ZERO", "CONDITIONS_NOT_MET")


# --- standing ---------------------------------------------------------------------------------------------------------

LEFT = EDGES.hospital("50.00").certified(participation_end=dt.date(2025, 3, 31))
LEFT_BEFORE = EDGES.hospital("50.00").certified(participation_end=dt.date(2024, 12, 31))
JOINED_LATE = EDGES.hospital("50.00").certified(participation_start=NEXT_DAY)
FAILED = EDGES.hospital("50.00").certified(screening_status="failed")
SIGNED_LATE = EDGES.hospital("50.00").certified(arrangement_signed=NEXT_DAY)
NOT_SIGNED = EDGES.hospital("50.00").certified(arrangement_signed=None)
IDLE = EDGES.hospital("50.00").amend("intervention_activity", activities=0)
UNAPPROVED = EDGES.hospital("50.00").amend("protocol_interventions", intervention_id=INTERVENTION, is_included=False)
ALL_AT_ONCE = EDGES.hospital("50.00").certified(screening_status="failed", arrangement_signed=None)
ALL_AT_ONCE.amend("intervention_activity", activities=0)


@pytest.mark.parametrize(
    ("hospital", "reason"),
    [
        pytest.param(LEFT, "NOT_LISTED_WHOLE_PERIOD", id="left"),
        pytest.param(LEFT_BEFORE, "NOT_LISTED_WHOLE_PERIOD", id="left before"),
        pytest.param(JOINED_LATE, "NOT_LISTED_WHOLE_PERIOD", id="joined a day late"),
        pytest.param(FAILED, "SCREENING_FAILED", id="failed the screening"),
        pytest.param(SIGNED_LATE, "ARRANGEMENT_SIGNED_LATE", id="signed a day late"),
        pytest.param(NOT_SIGNED, "ARRANGEMENT_SIGNED_LATE", id="never signed"),
        pytest.param(IDLE, "NO_APPROVED_ACTIVITY", id="idle"),
        pytest.param(UNAPPROVED, "NO_APPROVED_ACTIVITY", id="active in what is not approved"),
        pytest.param(
            ALL_AT_ONCE, "SCREENING_FAILED|ARRANGEMENT_SIGNED_LATE|NO_APPROVED_ACTIVITY", id="everything at once"
        ),
    ],
)
def test_an_ineligible_physician_gets_nothing_and_every_reason(
    settled: Settled, hospital: Hospital, reason: str
) -> None:
    assert final(settled, hospital) == (D("0.00"), "ZERO", reason)
    row = settled.partner(A, hospital.ccn)
    assert (row["calculated_incentive"], row["standing_adjustment"]) == (D("50.00"), D("-50.00"))


PENDING = EDGES.hospital("50.00").certified(screening_status="pending")


def test_a_pending_screening_holds_what_a_failed_one_loses(settled: Settled) -> None:
    assert final(settled, PENDING) == (D("50.00"), "HELD", "SCREENING_NOT_CLEARED")


LEFT_LAST_DAY = EDGES.hospital("50.00").certified(participation_end=END)
JOINED = EDGES.hospital("50.00").certified(participation_start=START)
SIGNED = EDGES.hospital("50.00").certified(arrangement_signed=START)


@pytest.mark.parametrize(
    "hospital",
    [
        pytest.param(LEFT_LAST_DAY, id="left on the last"),
        pytest.param(JOINED, id="joined on the first"),
        pytest.param(SIGNED, id="signed on the first"),
    ],
)
def test_first_and_last_day_of_the_period_are_in_it(settled: Settled, hospital: Hospital) -> None:
    assert final(settled, hospital) == (D("50.00"), "PAYABLE", "")


EXCLUDED, D_EXCLUDED = EDGES.hospital("50.00"), npi(4)
EDGES.cases.append(earning("50.00", D_EXCLUDED, EXCLUDED.ccn))
EDGES.amend("excluded_in_period", npi=D_EXCLUDED, source="list", effective_date=START)


def test_an_excluded_individual_is_not_paid_and_others_are(settled: Settled) -> None:
    assert final(settled, EXCLUDED, D_EXCLUDED) == (D("0.00"), "ZERO", "EXCLUDED_INDIVIDUAL")
    assert final(settled, EXCLUDED) == (D("50.00"), "PAYABLE", "")


# --- national lists: holds, answers, and only for one hospital ----------------------------------

ASKED = EDGES.hospital("50.00", "40.00").listed(("EXCLUSION_NAME_MATCH", "question"))
ORGANIZATION = EDGES.hospital("50.00", "40.00").listed(("NPI_NOT_AN_INDIVIDUAL", "hold"))
DEACTIVATED = EDGES.hospital("50.00", "40.00").listed(("NPI_DEACTIVATED", "hold"))
BOTH = EDGES.hospital("50.00", "40.00").listed(("NPI_DEACTIVATED", "hold"), ("NPI_NOT_AN_INDIVIDUAL", "hold"))
NOTED = EDGES.hospital("50.00", "40.00").listed(("EXCLUSION_WAIVED", "noted"), ("NOT_ON_ORDER_AND_REFERRING", "noted"))


@pytest.mark.parametrize(
    ("hospital", "status", "reasons"),
    [
        pytest.param(ASKED, "PAYABLE", "", id="a like name is a question, never the payment's end"),
        pytest.param(ORGANIZATION, "HELD", "NPI_NOT_AN_INDIVIDUAL", id="an organization"),
        pytest.param(DEACTIVATED, "HELD", "NPI_DEACTIVATED", id="deactivated"),
        pytest.param(BOTH, "HELD", "NPI_NOT_AN_INDIVIDUAL|NPI_DEACTIVATED", id="both"),
        pytest.param(NOTED, "PAYABLE", "", id="noted"),
    ],
)
def test_a_match_in_a_national_list_holds_the_whole_amount_or_nothing(
    settled: Settled, hospital: Hospital, status: str, reasons: str
) -> None:
    assert final(settled, hospital) == (D("50.00"), status, reasons)
    assert final(settled, hospital, B) == (D("40.00"), "PAYABLE", "")


HELD_AND_FAILED = EDGES.hospital("50.00").listed(("NPI_DEACTIVATED", "hold")).certified(screening_status="failed")


def test_a_hold_of_a_list_does_not_undo_a_failed_screening(settled: Settled) -> None:
    assert final(settled, HELD_AND_FAILED) == (D("0.00"), "ZERO", "SCREENING_FAILED|NPI_DEACTIVATED")


# --- protocol ---------------------------------------------------------------------------------------------------------

NO_PROTOCOL = EDGES.hospital("50.00").without_protocol()
NOT_APPROVED = EDGES.hospital("50.00").amend("protocols", approved_on=None, has_locked_conditions=False)
NOT_STARTED = EDGES.hospital("50.00").amend("protocols", program_year=None)


def test_without_an_approved_protocol_everything_is_calculated_and_held(settled: Settled) -> None:
    for hospital in (NO_PROTOCOL, NOT_APPROVED, NOT_STARTED):
        assert final(settled, hospital) == (D("50.00"), "HELD", "NO_PROTOCOL")


#: without a protocol, any reported activity counts as approved; the pool is only for those who had one
NO_PROTOCOL_IDLE = (
    EDGES.hospital("50.00", "40.00").without_protocol().drop("intervention_activity", npi=A).pool("40.00")
)


def test_no_activity_pays_nothing_without_a_protocol_too(settled: Settled) -> None:
    assert final(settled, NO_PROTOCOL_IDLE) == (D("0.00"), "ZERO", "NO_APPROVED_ACTIVITY|NO_PROTOCOL")
    colleague = settled.partner(B, NO_PROTOCOL_IDLE.ccn)
    assert (colleague["final_incentive"], colleague["status"]) == (D("40.00"), "HELD")


CHANGED = EDGES.hospital("50.00").amend("programs", is_first_period_changed=True)
CHANGED.amend("program_changes", reason="PROTOCOL_CHANGED", detail="other elections")


def test_a_first_period_that_changed_holds_and_what_changed_is_named(settled: Settled) -> None:
    assert final(settled, CHANGED) == (D("50.00"), "HELD", "PROTOCOL_CHANGED|FIRST_PERIOD_CHANGED")


# --- committee --------------------------------------------------------------------------------------------------------

REDUCED = EDGES.hospital("50.00").amend("committee_adjustments", npi=A, adjustment_amount=D("-12.34"))
REDUCED_TO_NOTHING = EDGES.hospital("50.00").amend("committee_adjustments", npi=A, adjustment_amount=D("-50.01"))


def test_a_committee_adjustment_takes_no_more_than_the_amount(settled: Settled) -> None:
    assert final(settled, REDUCED) == (D("37.66"), "PAYABLE", "COMMITTEE_ADJUSTMENT")
    assert final(settled, REDUCED_TO_NOTHING) == (D("0.00"), "ZERO", "COMMITTEE_ADJUSTMENT")
    assert settled.partner(A, REDUCED_TO_NOTHING.ccn)["committee_adjustment"] == D("-50.00")


# --- fee-schedule cap, 25% unless the hospital elects otherwise -------------------------------------------------------

CAP_OF_0 = EDGES.hospital("50.00").notice("0")
NO_PERCENT = EDGES.hospital("50.00").elects(physician_cap_percent=D(0))
ESTIMATED = EDGES.hospital("50.00").drop("pfs_cap_notices").claims("120")
NOTICED = EDGES.hospital("50.00").notice("100").claims("999")
HALF_A_CENT = EDGES.hospital("50.00").notice("100.02")
ELECTED = EDGES.hospital("50.00").notice("100").elects(physician_cap_percent=D(10))


def test_fee_schedule_cap(settled: Settled) -> None:
    assert final(settled, CAP_OF_0) == (D("0.00"), "ZERO", "PFS_CAP")
    assert final(settled, NO_PERCENT) == (D("0.00"), "ZERO", "PFS_CAP")
    assert final(settled, ESTIMATED) == (D("30.00"), "PAYABLE", "PFS_CAP")
    assert final(settled, NOTICED) == (D("25.00"), "PAYABLE", "PFS_CAP")  # the notice overrides the estimate
    assert final(settled, HALF_A_CENT) == (D("25.01"), "PAYABLE", "PFS_CAP")  # 25.005 to cents
    assert final(settled, ELECTED) == (D("10.00"), "PAYABLE", "PFS_CAP")


NO_AMOUNT = EDGES.hospital("50.00").drop("pfs_cap_notices").claims("999", year=2024)


def test_without_an_amount_there_is_no_cap_and_the_payment_is_held(settled: Settled) -> None:
    assert final(settled, NO_AMOUNT) == (D("50.00"), "HELD", "HELD_NO_PFS_CAP")
    assert settled.partner(A, NO_AMOUNT.ccn)["pfs_cap_amount"] is None


def test_the_policy_may_cap_by_last_years_amounts() -> None:
    scenario = Scenario(
        [earning("50.00", A, "210001")], policy=POLICY | {"pfs_cap_basis": "prior_year"}, norms=NORMS, in_order=True
    )
    scenario.amend("pfs_cap_notices", hospital_ccn="210001", npi=A, calendar_year=2024, approved_amount=D(100))
    assert final(scenario.compute(), "210001") == (D("25.00"), "PAYABLE", "PFS_CAP")


# --- distribution limit -----------------------------------------------------------------------------------------------

EXACT = EDGES.hospital("50.00", "30.00", "20.00").pool("100.00")


def test_a_limit_that_is_met_exactly_takes_nothing(settled: Settled) -> None:
    assert [final(settled, EXACT, p)[0] for p in (A, B, C)] == [D("50.00"), D("30.00"), D("20.00")]


CENT_OVER = EDGES.hospital("50.00", "30.00", "20.00").pool("99.99")


def test_one_cent_over_the_limit_goes_by_largest_remainder(settled: Settled) -> None:
    # 49.995, 29.997, 19.998: two cents are left for the largest remainders.
    assert [final(settled, CENT_OVER, p)[0] for p in (A, B, C)] == [D("49.99"), D("30.00"), D("20.00")]
    assert final(settled, CENT_OVER)[1:] == ("PAYABLE", "DISTRIBUTION_LIMIT")
    assert final(settled, CENT_OVER, B)[1:] == ("PAYABLE", "")


TIED = EDGES.hospital("40.00", "40.00", "40.00").pool("119.99")


def test_ties_go_to_the_lower_npi(settled: Settled) -> None:
    assert A < B < C
    assert [final(settled, TIED, p)[0] for p in (A, B, C)] == [D("40.00"), D("40.00"), D("39.99")]


POOL_OF_0 = EDGES.hospital("50.00", "0.01").pool("0")


def test_an_empty_pool_pays_nothing(settled: Settled) -> None:
    assert [final(settled, POOL_OF_0, p) for p in (A, B)] == [(D("0.00"), "ZERO", "DISTRIBUTION_LIMIT")] * 2


CONTESTED = EDGES.hospital("50.00", "30.00").pool("40.00", contested="Y")


def test_a_contested_pool_limits_and_holds(settled: Settled) -> None:
    reasons = "DISTRIBUTION_LIMIT|POOL_CONTESTED"
    assert [final(settled, CONTESTED, p) for p in (A, B)] == [
        (D("25.00"), "HELD", reasons),
        (D("15.00"), "HELD", reasons),
    ]


FIRST_YEAR = EDGES.hospital("50.00")


def test_program_year_one_has_no_cumulative_limit(settled: Settled) -> None:
    limit = settled.row(f"select * from distribution_limits where hospital_ccn = '{FIRST_YEAR.ccn}'")
    assert (limit["program_year"], limit["cumulative_limit"], limit["distribution_limit"]) == (1, None, None)
    assert final(settled, FIRST_YEAR) == (D("50.00"), "PAYABLE", "")


# --- nobody -----------------------------------------------------------------------------------------------------------

NO_CASES = EDGES.hospital("50.00")
NO_CASES.amend("care_partners", npi=B, participation_start=START, screening_status="cleared")
NOT_LISTED = EDGES.hospital("50.00", "50.00").drop("care_partners", npi=B)


def test_a_care_partner_without_cases_and_a_physician_who_is_not_a_care_partner(settled: Settled) -> None:
    assert final(settled, NO_CASES, B)[:2] == (D("0.00"), "ZERO")
    assert "NO_CASES" in final(settled, NO_CASES, B)[2]
    nobody, savings = (f"from {mart} where hospital_ccn = '{NOT_LISTED.ccn}'" for mart in ("incentives", "savings"))
    assert not settled.rows(f"{nobody} and npi = '{B}'")
    scopes = settled.rows(f"select scope, cases {savings} order by scope")
    assert [(row["scope"], row["cases"]) for row in scopes] == [("all", 2), ("participating", 1)]

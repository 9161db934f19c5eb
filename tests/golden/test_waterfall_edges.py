"""Edges of the waterfall (methodology §9), by hand: one hospital an edge."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from hcip_pipeline.policy.model import Elections
from tests.scenario import CONDITION, INTERVENTION, Case, Norm, Scenario, Settled, npi

pytestmark = pytest.mark.slow

D = Decimal
DAY, START, END = dt.date(2025, 2, 1), dt.date(2025, 1, 1), dt.date(2025, 6, 30)
#: all of the MPI of 100.00 is for performance, and a dollar of cost is a cent of it
NORMS = [Norm(10_000, 20_000, 100)]
POLICY = {"exclusions": ["NO_RESPONSIBLE_PHYSICIAN"], "improvement_share": 0}
A, B, C = npi(1), npi(2), npi(3)
_ccns = count(210101)


def earning(amount: str, physician: str, hospital: str) -> Case:
    """A case that earns ``amount`` dollars, at most 100."""
    return Case(physician, D(20_000) - 100 * D(amount), DAY, hospital=hospital)


class Edges(Scenario):
    """A scenario that grows a hospital an edge."""

    def hospital(self, *amounts: str) -> str:
        """A hospital whose physicians A, B, C calculate to ``amounts``."""
        ccn = str(next(_ccns))
        self.cases += [earning(amount, npi(number), ccn) for number, amount in enumerate(amounts, start=1)]
        return ccn

    def partner_edge(self, **values: Any) -> str:
        """A hospital whose physician A, with 50.00, has ``values`` on the certified list."""
        ccn = self.hospital("50.00")
        self.amend("care_partners", hospital_ccn=ccn, npi=A, **values)
        return ccn

    def weights(self, ccn: str, **weights: str) -> None:
        self.drop("conditions", hospital_ccn=ccn)
        for name, weight in weights.items():
            key = {"hospital_ccn": ccn, "condition_id": name}
            self.amend("conditions", **key, description=name, weight_percent=D(weight))


EDGES = Edges([], policy=POLICY, norms=NORMS, in_order=True)
NEXT_DAY = START + dt.timedelta(days=1)


def everyone_met(ccn: str, *conditions: str, met: str | None = "Y") -> None:
    for condition in conditions:
        EDGES.amend("condition_results", hospital_ccn=ccn, npi=A, condition_id=condition, met=met)


# --- conditions
THIRDS, ONE_MISSED, BLANK, ABSENT, UNLOCKED, TOO_MUCH, TOO_LITTLE = (EDGES.hospital("10.00") for _ in range(7))
for hospital in (THIRDS, ONE_MISSED, BLANK, ABSENT):
    EDGES.weights(hospital, c1="33.34", c2="33.33", c3="33.33")
    everyone_met(hospital, "c1", "c2")
everyone_met(THIRDS, "c3")
everyone_met(ONE_MISSED, "c3", met="N")
everyone_met(BLANK, "c3", met=None)
EDGES.amend("protocols", hospital_ccn=UNLOCKED, has_locked_conditions=False)
EDGES.weights(TOO_MUCH, c1="70", c2="40", c3="5")
everyone_met(TOO_MUCH, "c1", "c2")
EDGES.weights(TOO_LITTLE, c1="50", c2="40")
everyone_met(TOO_LITTLE, "c1", "c2")
EDGES.amend("protocols", hospital_ccn=TOO_LITTLE, has_locked_conditions=False, weight_total_percent=D(90))
EDGES.amend("protocols", hospital_ccn=TOO_MUCH, has_locked_conditions=False, weight_total_percent=D(115))

# --- standing
LEFT, LEFT_LAST_DAY, LEFT_BEFORE = (
    EDGES.partner_edge(participation_end=day) for day in (dt.date(2025, 3, 31), END, dt.date(2024, 12, 31))
)
JOINED, JOINED_LATE = (EDGES.partner_edge(participation_start=day) for day in (START, NEXT_DAY))
PENDING, FAILED = (EDGES.partner_edge(screening_status=status) for status in ("pending", "failed"))
SIGNED, SIGNED_LATE, NOT_SIGNED = (EDGES.partner_edge(arrangement_signed=day) for day in (START, NEXT_DAY, None))
IDLE, UNAPPROVED, ALL_AT_ONCE, EXCLUDED = (EDGES.hospital("50.00") for _ in range(4))
EDGES.amend("intervention_activity", hospital_ccn=IDLE, activities=0)
EDGES.amend("protocol_interventions", hospital_ccn=UNAPPROVED, intervention_id=INTERVENTION, is_included=False)
EDGES.amend("care_partners", hospital_ccn=ALL_AT_ONCE, npi=A, screening_status="failed", arrangement_signed=None)
EDGES.amend("intervention_activity", hospital_ccn=ALL_AT_ONCE, activities=0)
D_EXCLUDED = npi(4)
EDGES.cases.append(earning("50.00", D_EXCLUDED, EXCLUDED))
EDGES.amend("excluded_in_period", npi=D_EXCLUDED, source="list", effective_date=START)

# --- protocol
NO_PROTOCOL, NOT_APPROVED, NOT_STARTED = (EDGES.hospital("50.00") for _ in range(3))
for name in ("protocols", "conditions", "protocol_interventions", "condition_results"):
    EDGES.drop(name, hospital_ccn=NO_PROTOCOL)
EDGES.amend("protocols", hospital_ccn=NOT_APPROVED, approved_on=None, has_locked_conditions=False)
EDGES.amend("protocols", hospital_ccn=NOT_STARTED, program_year=None)

# --- national lists (formats.md, §4): as a record asks, as it is answered, and for one hospital alone
ASKED, ORGANIZATION, DEACTIVATED, BOTH, NOTED, HELD_AND_FAILED = (EDGES.hospital("50.00", "40.00") for _ in range(6))
for hospital, reason, effect in (
    (ASKED, "EXCLUSION_NAME_MATCH", "question"), (ORGANIZATION, "NPI_NOT_AN_INDIVIDUAL", "hold"),
    (DEACTIVATED, "NPI_DEACTIVATED", "hold"), (BOTH, "NPI_DEACTIVATED", "hold"),
    (BOTH, "NPI_NOT_AN_INDIVIDUAL", "hold"), (NOTED, "EXCLUSION_WAIVED", "noted"),
    (NOTED, "NOT_ON_ORDER_AND_REFERRING", "noted"), (HELD_AND_FAILED, "NPI_DEACTIVATED", "hold"),
):  # fmt: skip
    record = {"npi": A, "reason": reason, "source": "list", "list_row": 2, "effect": effect}
    EDGES.amend("screening", hospital_ccn=hospital, **record)
EDGES.amend("care_partners", hospital_ccn=HELD_AND_FAILED, npi=A, screening_status="failed")

#: without a protocol any reported activity counts as approved, and none is none; the pool is for those who had one
NO_PROTOCOL_IDLE = EDGES.hospital("50.00", "40.00")
for name in ("protocols", "conditions", "protocol_interventions", "condition_results"):
    EDGES.drop(name, hospital_ccn=NO_PROTOCOL_IDLE)
EDGES.drop("intervention_activity", hospital_ccn=NO_PROTOCOL_IDLE, npi=A)
EDGES.amend("pool_notices", hospital_ccn=NO_PROTOCOL_IDLE, incentive_pool=D("40.00"), contested="N")
CHANGED = EDGES.hospital("50.00")
EDGES.amend("programs", hospital_ccn=CHANGED, is_first_period_changed=True)
EDGES.amend("program_changes", hospital_ccn=CHANGED, reason="PROTOCOL_CHANGED", detail="other elections")

# --- committee
REDUCED, REDUCED_TO_NOTHING = EDGES.hospital("50.00"), EDGES.hospital("50.00")
EDGES.amend("committee_adjustments", hospital_ccn=REDUCED, npi=A, adjustment_amount=D("-12.34"))
EDGES.amend("committee_adjustments", hospital_ccn=REDUCED_TO_NOTHING, npi=A, adjustment_amount=D("-50.01"))

# --- fee-schedule cap
NO_AMOUNT, CAP_OF_0, NO_PERCENT, ESTIMATED, NOTICED, HALF_A_CENT, ELECTED = (EDGES.hospital("50.00") for _ in range(7))
for hospital in (NO_AMOUNT, ESTIMATED):
    EDGES.drop("pfs_cap_notices", hospital_ccn=hospital)
for hospital, amount in ((CAP_OF_0, "0"), (NOTICED, "100"), (HALF_A_CENT, "100.02"), (ELECTED, "100")):
    EDGES.amend("pfs_cap_notices", hospital_ccn=hospital, npi=A, calendar_year=2025, approved_amount=D(amount))
EDGES.estimates += [(ESTIMATED, A, 2025, D(120)), (NOTICED, A, 2025, D(999)), (NO_AMOUNT, A, 2024, D(999))]
EDGES.elections |= {
    NO_PERCENT: Elections(physician_cap_percent=D(0)),
    ELECTED: Elections(physician_cap_percent=D(10)),
}

# --- distribution limit
EXACT, CENT_OVER, TIED, POOL_OF_0 = (
    EDGES.hospital(*amounts)
    for amounts in (("50.00", "30.00", "20.00"), ("50.00", "30.00", "20.00"), ("40.00",) * 3, ("50.00", "0.01"))
)
CONTESTED, FIRST_YEAR = EDGES.hospital("50.00", "30.00"), EDGES.hospital("50.00")
for hospital, pool, contested in (
    (EXACT, "100.00", "N"), (CENT_OVER, "99.99", "N"), (TIED, "119.99", "N"), (POOL_OF_0, "0", "N"),
    (CONTESTED, "40.00", "Y"),
):  # fmt: skip
    EDGES.amend("pool_notices", hospital_ccn=hospital, incentive_pool=D(pool), contested=contested)

# --- nobody
NO_CASES, NOT_LISTED = EDGES.hospital("50.00"), EDGES.hospital("50.00", "50.00")
EDGES.amend("care_partners", hospital_ccn=NO_CASES, npi=B, participation_start=START, screening_status="cleared")
EDGES.drop("care_partners", hospital_ccn=NOT_LISTED, npi=B)


@pytest.fixture(scope="module")
def settled() -> Settled:
    return EDGES.compute()


def final(settled: Settled, hospital: str, physician: str = A) -> tuple[Any, ...]:
    row = settled.partner(physician, hospital)
    return row["final_incentive"], row["status"], row["reasons"].removesuffix("NO_BASELINE").replace("NO_BASELINE|", "")


def test_all_conditions_met_pays_the_calculated_amount_exactly(settled: Settled) -> None:
    # 33.34% of 10.00 is 3.33 and so are the others: 9.99, were the parts added.
    assert final(settled, THIRDS) == (D("10.00"), "PAYABLE", "")
    parts = settled.rows(f"select weighted_amount from conditions where hospital_ccn = '{THIRDS}'")
    assert [part["weighted_amount"] for part in parts] == [D("3.33")] * 3


def test_a_condition_not_met_or_not_reported_loses_its_weight(settled: Settled) -> None:
    assert final(settled, ONE_MISSED) == (D("6.66"), "PAYABLE", "CONDITIONS_NOT_MET")
    missing = "CONDITIONS_NOT_MET|CONDITION_RESULTS_MISSING"
    for hospital in (BLANK, ABSENT):
        assert final(settled, hospital) == (D("6.66"), "PAYABLE", missing)
        listed = settled.rows(f"select condition_id from conditions where hospital_ccn = '{hospital}' and is_missing")
        assert [row["condition_id"] for row in listed] == ["c3"]
    assert settled.partner(A, ONE_MISSED)["conditions_met_weight"] == D("0.66670000")


def test_weights_of_more_than_the_whole_pay_no_more_than_it(settled: Settled) -> None:
    missing = "CONDITION_RESULTS_MISSING|CONDITIONS_NOT_LOCKED"
    assert final(settled, TOO_MUCH) == (D("10.00"), "HELD", missing)


def test_weights_of_less_than_the_whole_leave_their_share(settled: Settled) -> None:
    assert final(settled, TOO_LITTLE) == (D("9.00"), "HELD", "WEIGHTS_NOT_100|CONDITIONS_NOT_LOCKED")


def test_no_activity_is_none_without_a_protocol_too(settled: Settled) -> None:
    assert final(settled, NO_PROTOCOL_IDLE) == (D("0.00"), "ZERO", "NO_APPROVED_ACTIVITY|NO_PROTOCOL")
    colleague = settled.partner(B, NO_PROTOCOL_IDLE)
    assert (colleague["final_incentive"], colleague["status"]) == (D("40.00"), "HELD")


def test_a_first_period_that_changed_holds_and_what_changed_is_named(settled: Settled) -> None:
    assert final(settled, CHANGED) == (D("50.00"), "HELD", "PROTOCOL_CHANGED|FIRST_PERIOD_CHANGED")


def test_a_failed_condition_may_cost_everything_by_policy() -> None:
    scenario = Scenario(
        [earning("10.00", A, "210001")], policy=POLICY | {"condition_failure": "lose_all"}, norms=NORMS, in_order=True
    )
    scenario.amend("condition_results", hospital_ccn="210001", npi=A, condition_id=CONDITION, met="N")
    assert final(scenario.compute(), "210001") == (D("0.00"), "ZERO", "CONDITIONS_NOT_MET")


def test_conditions_not_locked_hold_the_payments(settled: Settled) -> None:
    assert final(settled, UNLOCKED) == (D("10.00"), "HELD", "CONDITIONS_NOT_LOCKED")


@pytest.mark.parametrize(
    ("hospital", "reason"),
    [
        (LEFT, "NOT_LISTED_WHOLE_PERIOD"),
        (LEFT_BEFORE, "NOT_LISTED_WHOLE_PERIOD"),
        (JOINED_LATE, "NOT_LISTED_WHOLE_PERIOD"),
        (FAILED, "SCREENING_FAILED"),
        (SIGNED_LATE, "ARRANGEMENT_SIGNED_LATE"),
        (NOT_SIGNED, "ARRANGEMENT_SIGNED_LATE"),
        (IDLE, "NO_APPROVED_ACTIVITY"),
        (UNAPPROVED, "NO_APPROVED_ACTIVITY"),
        (ALL_AT_ONCE, "SCREENING_FAILED|ARRANGEMENT_SIGNED_LATE|NO_APPROVED_ACTIVITY"),
    ],
)
def test_who_may_not_be_paid_gets_nothing_and_every_reason(settled: Settled, hospital: str, reason: str) -> None:
    assert final(settled, hospital) == (D("0.00"), "ZERO", reason)
    row = settled.partner(A, hospital)
    assert (row["calculated_incentive"], row["standing_adjustment"]) == (D("50.00"), D("-50.00"))


def test_a_pending_screening_holds_what_a_failed_one_loses(settled: Settled) -> None:
    assert final(settled, PENDING) == (D("50.00"), "HELD", "SCREENING_NOT_CLEARED")


@pytest.mark.parametrize("hospital", [LEFT_LAST_DAY, JOINED, SIGNED])
def test_first_and_last_day_of_the_period_are_in_it(settled: Settled, hospital: str) -> None:
    assert final(settled, hospital) == (D("50.00"), "PAYABLE", "")


def test_an_excluded_individual_is_not_paid_and_others_are(settled: Settled) -> None:
    assert final(settled, EXCLUDED, D_EXCLUDED) == (D("0.00"), "ZERO", "EXCLUDED_INDIVIDUAL")
    assert final(settled, EXCLUDED) == (D("50.00"), "PAYABLE", "")


@pytest.mark.parametrize(
    ("hospital", "status", "reasons"),
    [
        (ASKED, "PAYABLE", ""),  # a like name is a question, never the payment's end
        (ORGANIZATION, "HELD", "NPI_NOT_AN_INDIVIDUAL"),
        (DEACTIVATED, "HELD", "NPI_DEACTIVATED"),
        (BOTH, "HELD", "NPI_NOT_AN_INDIVIDUAL|NPI_DEACTIVATED"),
        (NOTED, "PAYABLE", ""),
    ],
)
def test_what_a_national_list_holds_against_somebody_holds_the_whole_amount_or_nothing(
    settled: Settled, hospital: str, status: str, reasons: str
) -> None:
    assert final(settled, hospital) == (D("50.00"), status, reasons)
    assert final(settled, hospital, B) == (D("40.00"), "PAYABLE", "")


def test_a_hold_of_a_list_does_not_undo_a_failed_screening(settled: Settled) -> None:
    assert final(settled, HELD_AND_FAILED) == (D("0.00"), "ZERO", "SCREENING_FAILED|NPI_DEACTIVATED")


def test_without_an_approved_protocol_everything_is_calculated_and_held(settled: Settled) -> None:
    for hospital in (NO_PROTOCOL, NOT_APPROVED, NOT_STARTED):
        assert final(settled, hospital) == (D("50.00"), "HELD", "NO_PROTOCOL")


def test_the_committee_takes_no_more_than_there_is(settled: Settled) -> None:
    assert final(settled, REDUCED) == (D("37.66"), "PAYABLE", "COMMITTEE_ADJUSTMENT")
    assert final(settled, REDUCED_TO_NOTHING) == (D("0.00"), "ZERO", "COMMITTEE_ADJUSTMENT")
    assert settled.partner(A, REDUCED_TO_NOTHING)["committee_adjustment"] == D("-50.00")


def test_fee_schedule_cap(settled: Settled) -> None:
    assert final(settled, CAP_OF_0) == (D("0.00"), "ZERO", "PFS_CAP")
    assert final(settled, NO_PERCENT) == (D("0.00"), "ZERO", "PFS_CAP")
    assert final(settled, ESTIMATED) == (D("30.00"), "PAYABLE", "PFS_CAP")
    assert final(settled, NOTICED) == (D("25.00"), "PAYABLE", "PFS_CAP")  # the notice overrides the estimate
    assert final(settled, HALF_A_CENT) == (D("25.01"), "PAYABLE", "PFS_CAP")  # 25.005 to cents
    assert final(settled, ELECTED) == (D("10.00"), "PAYABLE", "PFS_CAP")


def test_without_an_amount_there_is_no_cap_and_the_payment_is_held(settled: Settled) -> None:
    assert final(settled, NO_AMOUNT) == (D("50.00"), "HELD", "HELD_NO_PFS_CAP")
    assert settled.partner(A, NO_AMOUNT)["pfs_cap_amount"] is None


def test_last_years_amounts_cap_by_policy() -> None:
    scenario = Scenario(
        [earning("50.00", A, "210001")], policy=POLICY | {"pfs_cap_basis": "prior_year"}, norms=NORMS, in_order=True
    )
    scenario.amend("pfs_cap_notices", hospital_ccn="210001", npi=A, calendar_year=2024, approved_amount=D(100))
    assert final(scenario.compute(), "210001") == (D("25.00"), "PAYABLE", "PFS_CAP")


def test_a_limit_that_is_met_exactly_takes_nothing(settled: Settled) -> None:
    assert [final(settled, EXACT, p)[0] for p in (A, B, C)] == [D("50.00"), D("30.00"), D("20.00")]


def test_one_cent_over_the_limit_goes_by_largest_remainder(settled: Settled) -> None:
    # 49.995, 29.997, 19.998: two cents are left for the largest remainders.
    assert [final(settled, CENT_OVER, p)[0] for p in (A, B, C)] == [D("49.99"), D("30.00"), D("20.00")]
    assert final(settled, CENT_OVER)[1:] == ("PAYABLE", "DISTRIBUTION_LIMIT")
    assert final(settled, CENT_OVER, B)[1:] == ("PAYABLE", "")


def test_ties_go_to_the_lower_npi(settled: Settled) -> None:
    assert A < B < C
    assert [final(settled, TIED, p)[0] for p in (A, B, C)] == [D("40.00"), D("40.00"), D("39.99")]


def test_a_pool_of_nothing_pays_nothing(settled: Settled) -> None:
    assert [final(settled, POOL_OF_0, p) for p in (A, B)] == [(D("0.00"), "ZERO", "DISTRIBUTION_LIMIT")] * 2


def test_a_contested_pool_limits_and_holds(settled: Settled) -> None:
    reasons = "DISTRIBUTION_LIMIT|POOL_CONTESTED"
    assert [final(settled, CONTESTED, p) for p in (A, B)] == [
        (D("25.00"), "HELD", reasons),
        (D("15.00"), "HELD", reasons),
    ]


def test_program_year_one_has_no_cumulative_limit(settled: Settled) -> None:
    limit = settled.row(f"select * from distribution_limits where hospital_ccn = '{FIRST_YEAR}'")
    assert (limit["program_year"], limit["cumulative_limit"], limit["distribution_limit"]) == (1, None, None)
    assert final(settled, FIRST_YEAR) == (D("50.00"), "PAYABLE", "")


def test_a_care_partner_without_cases_and_a_physician_who_is_none(settled: Settled) -> None:
    assert final(settled, NO_CASES, B)[:2] == (D("0.00"), "ZERO")
    assert "NO_CASES" in final(settled, NO_CASES, B)[2]
    assert not settled.rows(f"select * from incentives where hospital_ccn = '{NOT_LISTED}' and npi = '{B}'")
    scopes = settled.rows(f"select scope, cases from savings where hospital_ccn = '{NOT_LISTED}' order by scope")
    assert [(row["scope"], row["cases"]) for row in scopes] == [("all", 2), ("participating", 1)]

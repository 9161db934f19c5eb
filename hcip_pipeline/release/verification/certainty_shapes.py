"""The certainty tables of a release (methodology §14); older releases lack them."""

from __future__ import annotations

from .shape import shape

_CHANCE = "chance_mean chance_low chance_high"

CERTAINTY = (
    shape(
        "payment_ranges",
        "certainty",
        "hospital",
        is_optional=True,
        key="hospital_ccn period npi",
        text="hospital_ccn period npi",
        money=f"calculated_incentive interval_low interval_high {_CHANCE}",
        boolean="is_above_chance",
    ),
    shape(
        "reliability",
        "certainty",
        "hospital",
        is_optional=True,
        key="hospital_ccn period npi stream measure",
        text="hospital_ccn period npi stream measure",
        integer="cases cases_needed",
        ratio="variance_between variance_within reliability",
        boolean="is_comparable",
    ),
    shape(
        "attribution",
        "certainty",
        "hospital",
        is_optional=True,  # missing if the base year could not be rebuilt
        key="hospital_ccn period reading npi",
        text="hospital_ccn period reading npi",
        integer="cases cases_then",
        money="calculated_incentive calculated_then",
    ),
    shape(
        "physician_figures",
        "audit",
        "state",
        is_optional=True,
        key="period stream physician_number",
        text="period stream",
        integer="physician_number cases",
        ratio="cost_sum days_sum",
        number="cost_squares days_squares",
    ),
    shape(
        "certainty_hospitals",
        "regulator",
        "state",
        is_optional=True,
        key="hospital_ccn period",
        text="hospital_ccn period",
        integer="care_partners above_chance",
        money=f"calculated_incentive {_CHANCE} difference",
    ),
    shape(
        "certainty_streams",
        "regulator",
        "state",
        is_optional=True,
        key="period stream",
        text="period stream suppressed",
        integer="cases physicians cost_cases_needed days_cases_needed",
        ratio="cost_between cost_within days_between days_within",
    ),
    shape(
        "certainty_readings",
        "regulator",
        "state",
        is_optional=True,
        key="hospital_ccn period reading",
        text="hospital_ccn period reading",
        integer="care_partners now_unpaid now_paid other_quartile",
        ratio="rank_correlation",
        money="calculated_incentive calculated_then dollars_moved",
    ),
)

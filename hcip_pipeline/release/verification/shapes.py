"""Tables of a release (outputs.md, "A release"), declared a second time because verification shares no code.

Belongs here: folder, key and the type of every column that a rule needs. Does not belong here: meaning.
"""

from __future__ import annotations

from .certainty_shapes import CERTAINTY
from .shape import Shape as Shape
from .shape import shape as _shape

_CELL = "apr_drg severity_of_illness"

_ALL = (
    _shape(
        "incentives",
        "incentives",
        "hospital",
        key="hospital_ccn period npi",
        text="hospital_ccn period npi name status reasons",
        integer="medical_cases surgical_cases",
        ratio="case_mix_index conditions_met_weight",
        money="performance_incentive improvement_incentive_medical improvement_incentive_surgical calculated_incentive"
        " conditions_adjustment standing_adjustment committee_adjustment pfs_cap_amount pfs_cap_adjustment"
        " distribution_limit_adjustment final_incentive",
    ),
    _shape(
        "incentive_cases",
        "incentives",
        "hospital",
        key="hospital_ccn account_no period",
        text=f"hospital_ccn account_no period npi stream {_CELL}",
        integer="length_of_stay",
        ratio="cost_weight los_weight performance_fraction",
        money="cost best_practice_norm p75_cost improvement_ceiling_cost mpi_improvement mpi_performance"
        " performance_incentive",
    ),
    _shape(
        "conditions",
        "incentives",
        "hospital",
        key="hospital_ccn period npi condition_id",
        text="hospital_ccn period npi condition_id description met source reported computed_measure measured_level"
        " threshold_operator",
        ratio="weight measured_value threshold_value",
        boolean="is_missing",
        money="weighted_amount",
    ),
    _shape(
        "quality_measures",
        "committee",
        "hospital",
        key="hospital_ccn period level subject measure",
        text="hospital_ccn period level subject measure",
        integer="baseline_numerator baseline_denominator numerator denominator",
        ratio="baseline_expected baseline_value expected base_rate value lower_limit upper_limit",
    ),
    _shape(
        "improvement",
        "incentives",
        "hospital",
        key="hospital_ccn period npi stream",
        text="hospital_ccn period npi stream",
        integer="cases baseline_cases",
        mean="adjusted_cost adjusted_los baseline_adjusted_cost baseline_adjusted_los spread days_saved",
        ratio="trend improvement_fraction",
        boolean="has_baseline",
        money="mpi_improvement per_diem improvement_incentive",
    ),
    _shape(
        "baseline_cases",
        "incentives",
        "hospital",
        key="hospital_ccn account_no period",
        text=f"hospital_ccn account_no period npi stream {_CELL}",
        integer="length_of_stay",
        ratio="cost_weight los_weight",
        money="cost",
    ),
    _shape(
        "payment_inputs",
        "incentives",
        "hospital",
        key="hospital_ccn period npi",
        text="hospital_ccn period npi screening_status pfs_source first_performance_period",
        date="participation_start participation_end arrangement_signed protocol_approved_on",
        integer="approved_activities program_year",
        ratio="physician_cap_percent improvement_share",
        boolean="is_excluded has_locked_conditions",
        money="committee_adjustment_amount pfs_approved_amount pfs_amount_in_doubt earlier_period_incentive"
        " mpi_floor mpi_ceiling",
    ),
    _shape(
        "savings",
        "savings",
        "state",
        key="hospital_ccn period scope",
        text="hospital_ccn period scope",
        integer="cases baseline_cases",
        mean="baseline_adjusted_core_cost baseline_adjusted_supply_drug_cost adjusted_core_cost"
        " adjusted_supply_drug_cost",
        ratio="core_trend supply_drug_trend core_weight supply_drug_weight baseline_core_weight"
        " baseline_supply_drug_weight",
        money="actual_cost best_practice_cost potential_savings core_cost supply_drug_cost baseline_core_cost"
        " baseline_supply_drug_cost internal_savings_core internal_savings_supply_drug internal_savings"
        " internal_savings_to_date",
    ),
    _shape(
        "distribution_limits",
        "savings",
        "state",
        key="hospital_ccn period",
        text="hospital_ccn period",
        integer="program_year",
        boolean="is_contested",
        money="internal_savings_to_date earlier_incentives other_program_amounts_to_date cumulative_limit"
        " incentive_pool distribution_limit incentives_before_limit incentives_after_limit",
    ),
    _shape(
        "norms",
        "audit",
        "state",
        key=f"base_year norm_method {_CELL}",
        text=f"norm_method {_CELL}",
        integer="base_year cases physicians",
        mean="mean_cost mean_los",
        ratio="cost_weight los_weight core_weight supply_drug_weight",
        money="best_practice_norm p75_cost improvement_ceiling_cost best_practice_variance total_available_incentive"
        " maximum_physician_incentive",
    ),
    _shape(
        "norm_physicians",
        "audit",
        "state",
        key=f"base_year {_CELL} physician_number",
        text=_CELL,
        integer="base_year physician_number",
        mean="physician_mean_cost",
    ),
    _shape(
        "norm_cases",
        "audit",
        "state",
        key=f"base_year {_CELL} case_number",
        text=_CELL,
        integer="base_year case_number length_of_stay",
        money="cost core_cost supply_drug_cost",
    ),
    _shape(
        "physician_cells",
        "audit",
        "state",
        key=f"period npi {_CELL}",
        text=f"period npi {_CELL}",
        integer="cases",
        mean="mean_cost",
        money="cost p75_cost",
    ),
    _shape(
        "rates",
        "audit",
        "state",
        key="period rate subject",
        text="period rate subject",
        ratio="rate_value",
    ),
    _shape(
        "exclusions",
        "audit",
        "state",
        key="period window_name hospital_ccn exclusion_reason",
        text="period window_name hospital_ccn exclusion_reason",
        integer="cases",
        money="cost",
    ),
    _shape(
        "conservation",
        "audit",
        "state",
        key="period stage window_name hospital_ccn",
        text="period stage window_name hospital_ccn",
        integer="cases_in cases_kept cases_excluded",
        money="amount_in amount_kept amount_excluded",
    ),
    _shape(
        "post_acute",
        "claims",
        "hospital",
        key="hospital_ccn period service_line npi",
        text="hospital_ccn period service_line npi",
        integer="episodes readmissions readmitted_without_post_acute episodes_with_post_acute",
        money="inpatient_amount home_health_amount skilled_nursing_amount hospice_amount rehabilitation_amount"
        " long_term_hospital_amount post_acute_amount post_acute_90_day_amount",
    ),
    _shape(
        "claims_report",
        "audit",
        "state",
        key="period part",
        text="period part",
        integer="rows_delivered rows_repeated rows_changed claim_versions final_claims denied_final_claims"
        " cancelled_claims orphan_cancellations orphans_without_key orphans_without_amount orphans_in_excess"
        " ambiguous_groups claims_under_one_key claims_replaced adjustments_alone",
        money="signed_amount final_amount orphan_amount under_one_key_amount replaced_amount adjustments_alone_amount",
    ),
    _shape(
        "opportunity",
        "opportunity",
        "hospital",
        key="hospital_ccn period level service_line apr_drg severity_of_illness",
        text="hospital_ccn period level service_line apr_drg severity_of_illness label",
        integer="cases physicians days benchmarked_cases baseline_cases",
        mean="mean_cost adjusted_cost adjusted_los statewide_cost difference_from_statewide statewide_days"
        " baseline_adjusted_cost",
        ratio="case_mix_index cost_ratio adjusted_cost_change",
        money="cost best_practice_cost cost_above_best_practice potential_savings benchmarked_cost",
    ),
    _shape(
        "cost_centers",
        "opportunity",
        "hospital",
        key="hospital_ccn period rate_center service_line",
        text="hospital_ccn period rate_center service_line rate_center_name rate_center_group component",
        integer="cases cases_charged benchmarked_cases",
        mean="adjusted_cost statewide_cost difference_from_statewide baseline_adjusted_cost",
        ratio="cost_ratio adjusted_cost_change",
        money="cost benchmarked_cost baseline_cost",
    ),
    _shape(
        "physicians",
        "opportunity",
        "hospital",
        key="hospital_ccn period physician_number",
        text="hospital_ccn period npi name specialty main_service_line",
        integer="physician_number cases medical_cases surgical_cases days benchmarked_cases",
        mean="adjusted_cost adjusted_los statewide_cost difference_from_statewide",
        ratio="case_mix_index cost_ratio",
        boolean="is_care_partner has_tin",
        money="cost best_practice_cost potential_savings benchmarked_cost",
    ),
    _shape(
        "physician_comparison",
        "opportunity",
        "hospital",
        key="hospital_ccn period npi stream",
        text="hospital_ccn period npi stream",
        integer="cases days baseline_cases",
        mean="adjusted_cost adjusted_cost_low adjusted_cost_high best_practice_adjusted_cost"
        " p75_adjusted_cost norm_adjusted_cost adjusted_los adjusted_los_low adjusted_los_high"
        " norm_adjusted_los baseline_adjusted_cost baseline_adjusted_los",
        ratio="case_mix_index",
        money="cost",
    ),
    _shape(
        "condition_measures",
        "care_redesign",
        "hospital",
        key="hospital_ccn period condition_id",
        text="hospital_ccn period condition_id description measure threshold intervention_ids",
        integer="care_partners met not_met missing",
        ratio="weight",
        money="weighted_amount",
    ),
    _shape(
        "interventions",
        "care_redesign",
        "hospital",
        key="hospital_ccn period intervention_id",
        text="hospital_ccn period intervention_id category wording non_cash_resources",
        integer="care_partners_reporting activities",
        boolean="is_included is_existing_strategy is_condition_of_payment",
    ),
    _shape(
        "care_partner_activities",
        "care_redesign",
        "hospital",
        key="hospital_ccn period npi intervention_id",
        text="hospital_ccn period npi intervention_id",
        integer="activities",
        boolean="is_approved",
    ),
    _shape(
        "protocol_findings",
        "care_redesign",
        "hospital",
        key="hospital_ccn period finding_id subject",
        text="hospital_ccn period finding_id subject severity message fix",
    ),
    _shape(
        "programs",
        "audit",
        "state",
        key="hospital_ccn period",
        text="hospital_ccn period first_performance_period accepted_first_period other_first_periods"
        " corrected_first_period correction_filed_in protocol_sha256 protocol_terms",
        integer="program_year protocol_year protocol_version care_partners",
        boolean="is_first_period_changed has_locked_conditions",
        date="protocol_approved_on",
    ),
    _shape(
        "other_programs",
        "audit",
        "state",
        key="hospital_ccn period reported_period program kind",
        text="hospital_ccn period reported_period program kind",
        money="amount",
    ),
    _shape(
        "program_changes",
        "audit",
        "state",
        key="hospital_ccn period reason",
        text="hospital_ccn period reason detail",
    ),
    _shape(
        "payment_list",
        "incentives",
        "hospital",
        is_optional=True,
        key="hospital_ccn period npi",
        text="hospital_ccn period npi name tin",
        money="payable_amount",
    ),
    _shape(
        "measure_quarters",
        "care_redesign",
        "hospital",
        is_optional=True,
        key="hospital_ccn period window_name quarter measure",
        text="hospital_ccn period window_name quarter measure",
        integer="numerator denominator",
        ratio="value",
    ),
    _shape(
        "year_caps",
        "audit",
        "state",
        is_optional=True,
        key="hospital_ccn period npi",
        text="hospital_ccn period npi pfs_source",
        ratio="physician_cap_percent",
        money="earlier_payable later_payable pfs_approved_amount later_year_cap year_cap over_cap",
    ),
    _shape(
        "screening",
        "audit",
        "state",
        key="hospital_ccn period npi reason source list_row",
        is_optional=True,  # missing if the inbox has no national list
        text="hospital_ccn period npi reason source listed_name listed_specialty listed_city cleared_by"
        " clearance_reason effect",
        integer="list_row listed_birth_year",
        ratio="similarity",
        date="listed_on cleared_on",
    ),
    _shape(
        "participation",
        "audit",
        "state",
        key="hospital_ccn period",
        text="hospital_ccn period hospital_name system_name legal_name first_performance_period meeting_frequency",
        integer="program_year meetings_reported care_partners quarters_received discharges_read"
        " discharges_set_aside discharges counted_cases cases_with_norm care_partner_cases",
        boolean="has_protocol",
    ),
)

#: folder and name -> shape
SHAPES = {(shape.folder, shape.name): shape for shape in (*_ALL, *CERTAINTY)}

"""The key of every model: the columns that together identify a row.

Belongs here: keys of models that are not marts, and the reason why a few have none. Does not belong here: keys of
marts, which their contracts declare. ``make contracts`` renders a dbt test for each folder of models from this.
"""

from __future__ import annotations

from collections.abc import Mapping

from hcip_pipeline.contracts.marts import MARTS

_CASE = ("hospital_ccn", "account_no")
_WINDOW_CASE = ("window_name", *_CASE)
_CELL = ("apr_drg", "severity_of_illness")
_NORM = ("norm_method", *_CELL)
_PARTNER = ("hospital_ccn", "npi")
_STREAM = (*_PARTNER, "stream")
_VERSION = ("part", "claim_id", "adjustment_type_code")
_LEVEL = ("hospital_ccn", "level", "subject")
_GROUP = ("group_kind", "group_id", "topic", "measure")
_STAGE = ("stage", "window_name", "hospital_ccn")

#: model -> its key; no columns: the model has one row
STAGING_KEYS: Mapping[str, tuple[str, ...]] = {
    "stg_apr_drgs": ("grouper_version", "apr_drg"),
    "stg_care_partners": _PARTNER,
    "stg_committee_adjustments": _PARTNER,
    "stg_committee_meetings": ("hospital_ccn", "met_on"),
    "stg_condition_results": (*_PARTNER, "condition_id"),
    "stg_conditions": ("hospital_ccn", "condition_id"),
    "stg_cost_factors": ("hospital_ccn", "rate_center", "rate_year"),
    "stg_cost_index": ("calendar_year", "component"),
    "stg_discharges": _CASE,
    "stg_earlier_incentives": ("hospital_ccn", "period", "npi"),
    "stg_later_payments": ("hospital_ccn", "period", "npi"),
    "stg_earlier_savings": ("hospital_ccn", "period", "scope"),
    "stg_elections": ("hospital_ccn",),
    "stg_excluded_individuals": ("npi",),
    "stg_frozen_conservation": _STAGE,
    "stg_frozen_exclusions": ("window_name", "hospital_ccn", "exclusion_reason"),
    "stg_frozen_norm_cases": ("base_year", *_CELL, "case_number"),
    "stg_frozen_norm_physicians": ("base_year", *_CELL, "physician_number"),
    "stg_frozen_norms": _NORM,
    "stg_frozen_quality_cells": ("base_year", *_CELL),
    "stg_hospitals": ("hospital_ccn",),
    "stg_intervention_activity": (*_PARTNER, "intervention_id"),
    "stg_irregular_npis": ("npi",),
    "stg_network_topics": ("topic", "measure"),
    "stg_networks": ("network_id", "hospital_ccn", "topic"),
    "stg_other_program_amounts": ("hospital_ccn", "period", "program", "kind"),
    "stg_per_diems": ("calendar_year", "severity_of_illness"),
    "stg_pfs_cap_notices": (*_PARTNER, "calendar_year"),
    "stg_pool_notices": ("hospital_ccn",),
    "stg_program_changes": ("hospital_ccn", "reason"),
    "stg_programs": ("hospital_ccn",),
    "stg_protocol_committee": ("hospital_ccn", "member"),
    "stg_protocol_findings": ("hospital_ccn", "finding_id", "subject"),
    "stg_protocol_interventions": ("hospital_ccn", "intervention_id"),
    "stg_protocols": ("hospital_ccn",),
    "stg_quarter_receipts": ("hospital_ccn", "quarter"),
    "stg_quality_targets": ("measure",),
    "stg_rate_centers": ("rate_center",),
    "stg_receipts": ("hospital_ccn",),
    "stg_redesign_results": ("hospital_ccn", "intervention_id", "quarter"),
    "stg_revenue_code_ranges": ("revenue_code_from", "revenue_code_to"),
    "stg_screening": _PARTNER,
    "stg_windows": ("window_name",),
}
INTERMEDIATE_KEYS: Mapping[str, tuple[str, ...]] = {
    "int_all_payer_counts": ("window_name", *_LEVEL, "measure"),
    "int_all_payer_measures": (*_LEVEL, "measure"),
    "int_approved_activities": _PARTNER,
    "int_benchmarked_cases": _CASE,
    "int_benchmarked_cells": ("hospital_ccn", *_CELL),
    "int_beneficiary_areas": ("mbi",),
    "int_beneficiary_months": ("mbi", "delivery_month"),
    "int_calculated_incentives": _PARTNER,
    "int_care_episodes": ("patient_id", "episode_no"),
    "int_care_partners": _PARTNER,
    "int_case_costs": _CASE,
    "int_case_ledger": _STAGE,
    "int_case_ledger_1_intake": _STAGE,
    "int_case_ledger_2_charges": _STAGE,
    "int_case_ledger_3_costs": _STAGE,
    "int_case_ledger_4_exclusions": _STAGE,
    "int_case_ledger_5_norms": _STAGE,
    "int_case_rate_years": _CASE,
    "int_case_windows": _WINDOW_CASE,
    "int_cases": _CASE,
    "int_cell_means": _CELL,
    "int_changed_redeliveries": (*_VERSION, "line_no"),
    "int_charges_by_rate_center": (*_CASE, "rate_center"),
    "int_claim_versions": _VERSION,
    "int_compared_cases": _WINDOW_CASE,
    "int_condition_outcomes": (*_PARTNER, "condition_id"),
    "int_contested_claims": _VERSION,
    "int_cost_center_benchmarks": ("hospital_ccn", "rate_center", "service_line"),
    "int_cost_center_totals": ("window_name", "hospital_ccn", "rate_center", "service_line"),
    "int_cost_factors": ("hospital_ccn", "rate_center", "rate_year"),
    "int_cost_outliers": _WINDOW_CASE,
    "int_counted_cases": _WINDOW_CASE,
    "int_current_identifiers": ("mbi",),
    "int_distribution_limits": ("hospital_ccn",),
    "int_doubtful_claims": _VERSION,
    "int_episode_readmissions": ("mbi", "admit_date"),
    "int_final_action": _VERSION,
    "int_tagged_claims": _VERSION,
    "int_withdrawn_claims": ("part", "claim_id"),
    "int_final_part_a_claims": ("claim_id", "source_file", "source_row"),
    "int_final_professional_lines": ("part", "claim_id", "line_no", "source_file", "source_row"),
    "int_group_counts": _GROUP,
    "int_group_measures": _GROUP,
    "int_guardrail_counts": (*_LEVEL, "sign"),
    "int_guardrail_discharges": _WINDOW_CASE,
    "int_holds": _PARTNER,
    "int_hospital_incentive_pools": ("hospital_ccn", *_CELL),
    "int_identifier_links": ("previous_mbi", "current_mbi"),
    "int_improvement_incentives": _STREAM,
    "int_improvement_pools": _STREAM,
    "int_incentive_ledger": _STAGE,
    "int_index_discharges": _WINDOW_CASE,
    "int_inpatient_episodes": ("mbi", "admit_date"),
    "int_inpatient_stays": ("mbi", "hospital_ccn", "admit_date"),
    "int_internal_savings": ("hospital_ccn", "scope"),
    "int_level_baselines": ("hospital_ccn", "service_line", *_CELL),
    "int_level_totals": ("hospital_ccn", "level", "service_line", *_CELL),
    "int_medicare_counts": ("window_name", *_LEVEL, "measure"),
    "int_medicare_measures": (*_LEVEL, "measure"),
    "int_medicare_returns": ("window_name", "mbi", "admit_date"),
    "int_norm_means": _CELL,
    "int_network_members": ("network_id", "hospital_ccn", "topic"),
    "int_norm_percentiles": _NORM,
    "int_norm_table": _NORM,
    "int_norms": _NORM,
    "int_norms_in_force": _CELL,
    "int_part_a_claims": ("claim_id", "adjustment_type_code"),
    "int_partner_baselines": _STREAM,
    "int_partner_cases": _WINDOW_CASE,
    "int_partner_intervals": _STREAM,
    "int_partner_totals": _STREAM,
    "int_peer_counts": _GROUP,
    "int_peer_measures": _GROUP,
    "int_performance_gate": ("npi", *_CELL),
    "int_performance_incentives": _CASE,
    "int_pfs_approved_amounts": _PARTNER,
    "int_pfs_approved_by_claims": (*_PARTNER, "calendar_year"),
    "int_physician_means": (*_CELL, "npi"),
    "int_planned_admissions": ("mbi", "admit_date"),
    "int_post_acute_services": ("claim_id",),
    "int_professional_claims": ("part", "claim_id"),
    "int_professional_lines": (*_VERSION, "line_no"),
    "int_quality_cells": ("base_year", *_CELL),
    "int_quality_discharges": _WINDOW_CASE,
    "int_quality_state": (),  # one row
    "int_quality_groups": ("group_kind", "group_id", "topic", "hospital_ccn"),
    "int_rate_center_costs": (*_CASE, "rate_center"),
    "int_revenue_code_rate_centers": ("revenue_code",),
    "int_rule_exclusions": _CASE,
    "int_scope_totals": ("scope", "window_name", "hospital_ccn"),
    "int_statewide_cell_means": _CELL,
    "int_statewide_rate_center_means": (*_CELL, "rate_center"),
    "int_stay_discharges": ("mbi", "hospital_ccn", "admit_date"),
    "int_stream_averages": ("window_name", *_STREAM),
    "int_trends": ("window_name", "component"),
    "int_valid_physicians": ("identifier_type", "npi"),
    "int_waterfall_2_conditions": _PARTNER,
    "int_waterfall_3_standing": _PARTNER,
    "int_waterfall_4_committee": _PARTNER,
    "int_waterfall_5_pfs_cap": _PARTNER,
    "int_year_caps": _PARTNER,
    "int_waterfall_6_distribution_limit": _PARTNER,
    "int_windowed_cases": _WINDOW_CASE,
}

#: model without a key -> why nothing identifies its rows
KEYLESS: Mapping[str, str] = {
    "stg_beneficiaries": "rows of a claim file as delivered; the same row may be delivered twice",
    "stg_charge_lines": "a hospital may send several lines of one revenue code for a stay",
    "stg_claim_diagnoses": "rows of a claim file as delivered; the same row may be delivered twice",
    "stg_claim_tags": "rows of an export as delivered; the same row may be delivered twice",
    "stg_claim_procedures": "rows of a claim file as delivered; the same row may be delivered twice",
    "stg_equipment_lines": "rows of a claim file as delivered; the same row may be delivered twice",
    "stg_identifier_links": "rows of a claim file as delivered; the same row may be delivered twice",
    "stg_part_a_claims": "rows of a claim file as delivered; the same row may be delivered twice",
    "stg_part_b_lines": "rows of a claim file as delivered; the same row may be delivered twice",
    "stg_revenue_lines": "rows of a claim file as delivered; the same row may be delivered twice",
    "int_final_diagnoses": "follow their claim, of which an original and an adjustment may both be final",
    "int_final_procedures": "follow their claim, of which an original and an adjustment may both be final",
    "int_final_revenue_lines": "follow their claim, of which an original and an adjustment may both be final",
    "int_scoped_cases": "cases without their account numbers, only for sums",
}

_KEYS = {**STAGING_KEYS, **INTERMEDIATE_KEYS, **{table.name: table.key for group in MARTS.values() for table in group}}


def key_of(model: str) -> tuple[str, ...] | None:
    """Key of a model; None if it has none. Raises KeyError if the model is not declared."""
    return None if model in KEYLESS else _KEYS[model]

"""The catalog of care redesign interventions: seven categories, Table 2 of the implementation protocol.

Belongs here: ids, categories and short wording. Does not belong here: which of them a hospital chose; that is in its
protocol. The list is not exhaustive: every category has an entry for the hospital's own intervention.
"""

from __future__ import annotations

from dataclasses import dataclass

CATEGORIES = {
    "care_coordination": "Care coordination",
    "discharge_planning": "Discharge planning",
    "clinical_care": "Clinical care",
    "patient_safety": "Patient safety",
    "patient_experience": "Patient and caregiver experience",
    "population_health": "Population health",
    "efficiency": "Efficiency and cost reduction",
}


@dataclass(frozen=True)
class Intervention:
    """One entry of the catalog; ``is_own`` marks a category's entry for the hospital's own intervention."""

    id: str
    category: str
    wording: str
    is_own: bool = False


_WORDING = {
    "care_coordination": {
        "medication_reconciliation": "Medication reconciliation completed per protocol",
        "high_risk_care_plan": "Care alerts or care plans for high-risk patients",
        "home_management_plan": "Home management plans reviewed with patient and caregiver before discharge",
        "readmission_risk_transition": "High-risk patients identified and connected with transitions of care",
    },
    "discharge_planning": {
        "follow_up_appointment": "Follow-up appointments scheduled before discharge",
        "bedside_medication_delivery": "Bedside delivery of new or high-risk medications at discharge",
    },
    "clinical_care": {
        "core_measure_compliance": "Core measures documented, evidence-based order sets used, diversions explained",
        "heart_failure_care": "Heart failure: ACE inhibitor or ARB given, LV systolic function evaluated",
        "surgical_improvement": "Surgery registry, pre-surgery safety checklists and surgical markings",
    },
    "patient_safety": {
        "medication_error_and_harm_prevention": "Medication error prevention and general harm prevention",
        "infection_and_sepsis_prevention": "Infection and sepsis prevention, including hand hygiene",
        "vte_prophylaxis": "Compliance with VTE prophylaxis",
    },
    "patient_experience": {
        "advance_directives": "Advance directives obtained per protocol",
        "life_sustaining_treatment_orders": "Maryland MOLST compliance documented per protocol",
        "palliative_care": "Interdisciplinary palliative care consults completed per protocol",
        "patient_and_family_education": "Individualized patient and family education documented",
        "staff_development": "Staff development: education sessions attended, CPOE training completed",
    },
    "population_health": {
        "blood_pressure_counseling": "High blood pressure counseling and treatment",
        "obesity_counseling": "Obesity counseling and treatment",
        "vaccination": "Vaccination status addressed and vaccines administered",
        "depression_and_substance_screening": "Depression and substance use screening, with referral documented",
    },
    "efficiency": {
        "patient_flow": "Timely discharge orders, emergency department throughput and medical records",
    },
}

#: Every intervention by id, in the order of Table 2.
CATALOG = {
    intervention.id: intervention
    for category, entries in _WORDING.items()
    for intervention in (
        *(Intervention(id_, category, wording) for id_, wording in entries.items()),
        Intervention(
            f"{category}_other", category, "Another evidence-based intervention, as the hospital describes it", True
        ),
    )
}

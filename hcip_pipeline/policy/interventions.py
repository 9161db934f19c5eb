"""The catalogue of care redesign interventions: seven categories, Table 2 of the implementation protocol.

Belongs here: ids, categories and short wording. Does not belong here: which of them a hospital chose, which is its
protocol's. The protocol's list is not exhaustive: every category has an entry for an intervention of its own.
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
    """One entry of the catalogue; ``is_own`` marks a category's entry for what the hospital itself describes."""

    id: str
    category: str
    wording: str
    is_own: bool = False


_WORDING = {
    "care_coordination": {
        "medication_reconciliation": "Medications reconciled and recorded as the protocol asks",
        "high_risk_care_plan": "Care alert or care plan for patients at high risk",
        "home_management_plan": "Home management plan written and gone through with patient and caregiver",
        "readmission_risk_transition": "Patients likely to be readmitted identified and handed to transition services",
    },
    "discharge_planning": {
        "follow_up_appointment": "Follow-up appointment made before discharge",
        "bedside_medication_delivery": "New or high-risk medications brought to the bedside at discharge",
    },
    "clinical_care": {
        "core_measure_compliance": "Core measures documented, evidence-based order sets used, departures explained",
        "heart_failure_care": "Heart failure care: recommended drugs given, ventricular function documented",
        "surgical_improvement": "Surgery registry and safety checklist requirements met, site marked",
    },
    "patient_safety": {
        "medication_error_and_harm_prevention": "Medication errors, falls and other harm prevented and reported",
        "infection_and_sepsis_prevention": "Sepsis and infection prevention protocols followed, hand hygiene included",
        "vte_prophylaxis": "Clot prevention given as indicated",
    },
    "patient_experience": {
        "advance_directives": "Advance directives obtained",
        "life_sustaining_treatment_orders": "Maryland orders for life-sustaining treatment documented",
        "palliative_care": "Palliative care consulted across disciplines where it is indicated",
        "patient_and_family_education": "Individual teaching of patient and family documented",
        "staff_development": "Agreed education sessions attended, order-entry training completed",
    },
    "population_health": {
        "blood_pressure_counseling": "High blood pressure counseled and treated",
        "obesity_counseling": "Obesity counseled and treated",
        "vaccination": "Vaccination status reviewed and vaccines given",
        "depression_and_substance_screening": "Depression and substance use screened, referral documented",
    },
    "efficiency": {
        "patient_flow": "Discharge orders, emergency department stays and records completed on time",
    },
}

#: Every intervention by id, in the order of Table 2.
CATALOGUE = {
    intervention.id: intervention
    for category, entries in _WORDING.items()
    for intervention in (
        *(Intervention(id_, category, wording) for id_, wording in entries.items()),
        Intervention(
            f"{category}_other", category, "Another evidence-based intervention, as the hospital describes it", True
        ),
    )
}

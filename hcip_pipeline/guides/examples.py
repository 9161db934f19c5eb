"""One example row for each file that people send; a test checks every row against the intake's own rules.

Cells are text, as in a CSV file. The hospital, its people and its dollars are invented.
"""

from __future__ import annotations

CCN = "999001"
NPI = "1234567893"

EXAMPLES: dict[str, dict[str, str]] = {
    "discharges": {
        "hospital_ccn": CCN,
        "account_no": "A-104233",
        "patient_id": "P0048213",
        "birth_date": "1956-03-02",
        "sex": "F",
        "zip_code": "19901",
        "admit_date": "2025-01-14",
        "discharge_date": "2025-01-17",
        "nature_of_admission": "3",
        "source_of_admission": "01",
        "discharge_disposition": "01",
        "primary_payer": "01",
        "attending_npi": NPI,
        "operating_npi": "",
        "principal_diagnosis": "I639",
        "diagnoses": "I10:Y|E119:N",
        "procedures": "3E03317:2025-01-14",
        "grouper_version": "42",
        "apr_drg": "045",
        "severity_of_illness": "2",
        "risk_of_mortality": "2",
        "hac_flags": "",
        "total_charges": "12480.50",
        "reported_cost": "",
    },
    "charges": {
        "hospital_ccn": CCN,
        "account_no": "A-104233",
        "revenue_code": "0120",
        "service_date": "2025-01-14",
        "units": "3",
        "charge": "5400.00",
    },
    "grouping": {
        "account_no": "A-104233",
        "patient_id": "P0048213",
        "grouper_version": "42",
        "apr_drg": "045",
        "severity_of_illness": "2",
        "risk_of_mortality": "2",
        "hac_flags": "",
        "nature_of_admission": "",
        "primary_payer": "",
        "reported_cost": "",
    },
    "care_partners": {
        "hospital_ccn": CCN,
        "npi": NPI,
        "name": "Ada Brook",
        "tin": "520000001",
        "specialty": "Neurology",
        "participation_start": "2024-12-01",
        "participation_end": "",
        "arrangement_signed": "2024-11-20",
        "screening_status": "cleared",
        "certified_on": "2024-11-25",
    },
    "condition_results": {
        "hospital_ccn": CCN,
        "npi": NPI,
        "condition_id": "charts",
        "met": "Y",
        "source": "Medical records",
        "reported_on": "2025-07-31",
    },
    "intervention_activity": {
        "hospital_ccn": CCN,
        "npi": NPI,
        "intervention_id": "follow_up_appointment",
        "activities": "14",
        "reported_on": "2025-07-31",
    },
    "redesign_results": {
        "hospital_ccn": CCN,
        "intervention_id": "follow_up_appointment",
        "quarter": "2025Q1",
        "measured": "High-risk patients with an appointment within 10 days of discharge",
        "numerator": "182",
        "denominator": "211",
        "reported_on": "2025-04-22",
    },
    "committee_adjustments": {
        "hospital_ccn": CCN,
        "npi": NPI,
        "adjustment_amount": "-250.00",
        "reason": "Late quality reporting",
        "approved_by": "Oversight committee",
        "approved_on": "2025-08-12",
    },
    "pfs_cap_notices": {
        "hospital_ccn": CCN,
        "npi": NPI,
        "calendar_year": "2025",
        "approved_amount": "48210.00",
        "notice_date": "2025-09-15",
    },
    "pool_notices": {
        "hospital_ccn": CCN,
        "incentive_pool": "350000.00",
        "contested": "N",
        "notice_date": "2025-09-15",
    },
    "other_program_amounts": {
        "hospital_ccn": CCN,
        "program": "Complex and Chronic Care Improvement Program",
        "kind": "incentive",
        "amount": "12000.00",
    },
    "payments": {
        "hospital_ccn": CCN,
        "npi": NPI,
        "paid_amount": "1840.25",
        "paid_on": "2025-10-31",
        "reference": "EFT-20251031-0007",
    },
    "committee_meetings": {
        "hospital_ccn": CCN,
        "met_on": "2025-03-18",
        "members_present": "7",
        "physicians_present": "4",
    },
    "program_corrections": {
        "hospital_ccn": CCN,
        "first_performance_period": "2025H1",
        "reason": "The later protocol misstated the first period",
        "approved_by": "Program administrator",
        "approved_on": "2025-08-20",
    },
    "screening_clearances": {
        "hospital_ccn": CCN,
        "npi": NPI,
        "source": "OIG",
        "cleared_by": "Compliance officer",
        "cleared_on": "2025-08-20",
        "reason": "Another year of birth and another city",
    },
    "hospitals": {"ccn": CCN, "name": "Alder Point Hospital", "acute": "Y", "county": "Alder", "system": ""},
    "apr_drg": {
        "grouper_version": "42",
        "apr_drg": "045",
        "label": "Stroke with occlusion",
        "mdc": "01",
        "type": "M",
        "service_line": "Neurology",
    },
    "rate_centers": {
        "rate_center": "MSG",
        "name": "Medical and surgical acute",
        "group": "Daily care",
        "component": "core",
    },
    "revenue_codes": {"revenue_code_from": "0110", "revenue_code_to": "0159", "rate_center": "MSG"},
    "cost_factors": {
        "hospital_ccn": CCN,
        "rate_center": "ALL",
        "rate_year": "2025",
        "markup": "1.3200",
        "cost_to_charge": "0.7576",
        "labor_market": "1.0000",
        "ime": "0.0000",
        "dsh": "0.0000",
        "source": "Rate order of the commission, July 2024",
        "published_on": "2024-06-28",
    },
    "cost_index": {
        "calendar_year": "2025",
        "component": "total",
        "index_value": "1.3100",
        "source": "",
        "published_on": "",
    },
    "per_diem": {"year": "2025", "severity": "2", "amount": "78.60", "source": "", "published_on": ""},
    "networks": {
        "network_id": "HIIN-01",
        "name": "Coastal Improvement Network",
        "kind": "HIIN",
        "hospital_ccn": CCN,
        "topic": "Readmissions",
        "start": "2024-10-01",
        "end": "",
        "recruitment_goal": "12",
    },
    "excluded_individuals": {
        "npi": NPI,
        "source": "LEIE",
        "effective_date": "2021-05-20",
        "reinstated_date": "",
    },
    "list_dates": {"list_name": "nppes", "list_date": "2025-09-08"},
    "grouper_bridge": {
        "hospital_ccn": CCN,
        "account_no": "A-104233",
        "grouper_version": "43",
        "apr_drg": "045",
        "severity_of_illness": "3",
        "risk_of_mortality": "2",
    },
    "quality_targets": {
        "measure": "readmission_rate",
        "label": "Unplanned readmissions within 30 days, all payers",
        "unit": "share",
        "target_change": "-0.12",
        "reference_value": "",
        "reference_goal": "",
        "reference_note": "",
    },
    "network_topics": {"topic": "Readmissions", "measure": "readmission_rate", "area": "Care transitions"},
}

#: The bill for the discharge above.
BILL = f"""\
ISA*00*          *00*          *ZZ*{CCN}         *ZZ*HCIP           *250401*0915*^*00501*000000118*0*P*:~
GS*HC*{CCN}*HCIP*20250401*0915*118*X*005010X223A2~
ST*837*0001*005010X223A2~
BHT*0019*00*0001*20250401*0915*CH~
NM1*41*2*ALDER POINT HOSPITAL*****46*{CCN}~
PER*IC*PATIENT ACCOUNTS*TE*3025550100~
NM1*40*2*PROGRAM ADMINISTRATOR*****46*HCIP~
HL*1**20*1~
NM1*85*2*ALDER POINT HOSPITAL*****XX*1999999992~
N3*1 HARBOR ROAD~
N4*ALDER POINT*DE*199010000~
REF*EI*520000001~
HL*2*1*22*0~
SBR*P*18*******MA~
NM1*IL*1*ASH*IRIS****MI*1EG4TE5MK73~
N3*12 ELM STREET~
N4*DOVER*DE*19901~
DMG*D8*19560302*F~
NM1*PR*2*MEDICARE*****PI*12302~
CLM*A-104233*12480.5***11:A:1**A*Y*Y~
DTP*096*TM*1130~
DTP*434*RD8*20250114-20250117~
DTP*435*DT*202501140642~
CL1*1*1*01~
HI*ABK:I639:::::::Y~
HI*ABJ:I639~
HI*ABF:I10:::::::Y*ABF:E119:::::::N~
HI*BBR:3E03317:D8:20250114~
NM1*71*1*BROOK*ADA****XX*{NPI}~
LX*1~
SV2*0120**5400*DA*3~
DTP*472*D8*20250114~
LX*2~
SV2*0250**1980.5*UN*22~
DTP*472*D8*20250114~
LX*3~
SV2*0450**5100*UN*1~
DTP*472*D8*20250114~
SE*37*0001~
GE*1*118~
IEA*1*000000118~
"""

CONTROL_TOTALS = '{"discharges": 1204, "charge_lines": 48113, "total_charges": "18204411.37"}'

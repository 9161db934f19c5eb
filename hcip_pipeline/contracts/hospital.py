"""Hospital submission (inputs.md, "Hospital submission"): the tables a hospital sends, and those the lake stores."""

from dataclasses import replace

from hcip_pipeline.contracts.disclosure import Reveals, declared
from hcip_pipeline.contracts.table import Column, Table

#: UB-04 point of origin, two wide; for a newborn 05 is born in this hospital and 06 born elsewhere
SOURCES_OF_ADMISSION = {
    "01": "not a facility", "02": "clinic or physician's office", "03": "health plan referral",
    "04": "another hospital", "05": "skilled nursing or intermediate care facility", "06": "another health facility",
    "07": "emergency room", "08": "court or law enforcement", "09": "unknown", "0A": "critical access hospital",
    "0B": "another home health agency", "0C": "readmission to the same home health agency",
    "0D": "another unit of this hospital", "0E": "ambulatory surgery center", "0F": "hospice",
    "0G": "designated disaster alternate care site",
}  # fmt: skip

#: Maryland's payer codes
PAYERS = {
    "01": "Medicare", "02": "Medicaid", "03": "Title V", "04": "Blue Cross of Maryland", "05": "commercial",
    "06": "other government", "07": "workers' compensation", "08": "self-pay", "09": "charity", "10": "other",
    "11": "organ donor", "12": "HMO", "14": "Medicaid managed care", "15": "Medicare Advantage",
    "16": "Blue Cross of the National Capital Area", "17": "Blue Cross of another state",
    "18": "international insurance", "77": "not applicable", "99": "unknown",
}  # fmt: skip


def _listed(codes: dict[str, str]) -> str:
    return ", ".join(f"{code} {meaning}" for code, meaning in codes.items())


DISCHARGES = Table(
    "discharges",
    "one row per discharge",
    (
        Column("hospital_ccn", "text", "CMS certification number of the hospital", key=True, max_length=6),
        Column("account_no", "text", "the hospital's own account number", key=True, max_length=20),
        Column("patient_id", "text", "statewide enterprise patient id", nullable=True, max_length=32),
        Column("birth_date", "date", "date of birth", nullable=True),
        Column("sex", "text", "sex: M male, F female, U unknown", nullable=True, allowed=("M", "F", "U")),
        Column("zip_code", "text", "ZIP code of residence", nullable=True),
        Column("admit_date", "date", "date of admission"),
        Column("discharge_date", "date", "date of discharge"),
        Column(
            "nature_of_admission",
            "text",
            "nature of admission; 1 delivery, 2 newborn, 3 emergency, 4 urgent, 5 scheduled, 6 other, "
            "8 rehabilitation, 9 unknown, 0 chronic",
            nullable=True,
            allowed=("0", "1", "2", "3", "4", "5", "6", "8", "9"),
        ),
        Column(
            "source_of_admission",
            "text",
            f"source of admission (UB-04 point of origin); {_listed(SOURCES_OF_ADMISSION)}",
            nullable=True,
            allowed=tuple(SOURCES_OF_ADMISSION),
        ),
        Column("discharge_disposition", "text", "UB-04 patient status", max_length=2),
        Column(
            "primary_payer",
            "text",
            f"primary payer; {_listed(PAYERS)}",
            nullable=True,
            allowed=tuple(PAYERS),
        ),
        Column("attending_npi", "text", "NPI of the attending physician", nullable=True, max_length=10),
        Column("operating_npi", "text", "NPI of the operating physician", nullable=True, max_length=10),
        Column("principal_diagnosis", "text", "ICD-10-CM principal diagnosis", nullable=True),
        Column("diagnoses", "text", "other ICD-10-CM diagnoses, code:poa separated by |", nullable=True),
        Column("procedures", "text", "ICD-10-PCS procedures, code:date separated by |", nullable=True),
        Column("grouper_version", "text", "APR-DRG grouper version; the one that actually grouped the case"),
        Column("apr_drg", "text", "APR-DRG", nullable=True, max_length=3),
        Column("severity_of_illness", "text", "APR severity of illness", allowed=("1", "2", "3", "4"), nullable=True),
        Column("risk_of_mortality", "text", "APR risk of mortality", allowed=("1", "2", "3", "4"), nullable=True),
        Column("hac_flags", "text", "hospital-acquired complication codes separated by |", nullable=True),
        Column("total_charges", "money", "total charges; equals the sum of the charge lines to $1"),
        Column("reported_cost", "money", "cost as the source reports it", nullable=True, optional=True),
    ),
)

CHARGES = Table(
    "charges",
    "one row per charge line",
    (
        Column("hospital_ccn", "text", "CMS certification number of the hospital", max_length=6),
        Column("account_no", "text", "the hospital's own account number", max_length=20),
        Column("revenue_code", "text", "UB-04 revenue code; 0001 is a total and is never added", max_length=4),
        Column("service_date", "date", "date of service", nullable=True),
        Column("units", "integer", "units of service", nullable=True),
        Column("charge", "money", "charge; negative for a credit, which is netted by account and revenue code"),
    ),
)

_GROUPED = {column.name: column for column in DISCHARGES.columns}

#: Sent with bills: by account, what no bill contains.
GROUPING = Table(
    "grouping",
    "one row per billed account, with the result of the grouper",
    (
        Column("account_no", "text", "account number of the bill (CLM01)", key=True, max_length=20),
        *(
            _GROUPED[name]
            for name in (
                "patient_id",
                "grouper_version",
                "apr_drg",
                "severity_of_illness",
                "risk_of_mortality",
            )
        ),
        replace(_GROUPED["hac_flags"], optional=True),
        replace(
            _GROUPED["nature_of_admission"],
            meaning="in place of the bill's (CL101), which has no code for delivery: "
            f"{_GROUPED['nature_of_admission'].meaning}",
            optional=True,
        ),
        replace(
            _GROUPED["primary_payer"],
            meaning="in place of the bill's (SBR09), which does not set Medicaid managed care apart; codes as in "
            "discharges",
            optional=True,
        ),
        _GROUPED["reported_cost"],
    ),
)

#: Columns that intake adds so that any dollar can be traced to the file and line it came from.
_LINEAGE = (
    Column("submission", "text", "submission it came from, <quarter>/<ccn>[.r<n>]"),
    Column("source_file", "text", "file name; within the submission"),
    Column("source_row", "integer", "line of that file; the header is line 1"),
)

LAKE_DISCHARGES = Table(
    "lake_discharges",
    "one row per accepted discharge",
    (
        *(c for c in DISCHARGES.columns if c.name not in ("admit_date", "discharge_date")),
        Column("admit_date", "date", "date of admission; empty if the source publishes only a year", nullable=True),
        Column("discharge_date", "date", "date of discharge; empty if the source publishes only a year", nullable=True),
        Column("discharge_year", "integer", "calendar year of discharge"),
        Column("length_of_stay", "integer", "days from admission to discharge, at least 1"),
        Column("identifier_type", "text", "what identifies physicians in this source", allowed=("NPI", "LICENSE")),
        *_LINEAGE,
    ),
)

LAKE_CHARGES = Table("lake_charges", "one row per accepted charge line", (*CHARGES.columns, *_LINEAGE))

_DATA_QUALITY = Table(
    "data_quality",
    "one row per quarter, hospital (STATE: all hospitals), broken rule and column",
    (
        Column("quarter", "text", "calendar quarter; of the submission; such as 2025Q1", key=True),
        Column("hospital_ccn", "text", "CMS certification number of the hospital; or STATE", key=True, max_length=6),
        Column("table", "text", "table the rule is about, or submission", key=True),
        Column("rule", "text", "id of the rule", key=True),
        Column("column", "text", "column that breaks it, or (whole)", key=True),
        Column("severity", "text", "what the rule does", allowed=("ERROR", "WARN", "SUBMISSION")),
        Column(
            "status",
            "text",
            "verdict on the submission; empty for STATE",
            allowed=("accepted", "refused"),
            nullable=True,
        ),
        Column("rows", "integer", "rows that break the rule; empty for a rule about a submission", nullable=True),
        Column("rows_read", "integer", "rows read; of the file", nullable=True),
        Column("rate", "ratio", "rows that break the rule over rows read", nullable=True),
        Column("year_before_rate", "ratio", "the same rate in the same quarter a year earlier", nullable=True),
        Column("state_rate", "ratio", "the same rate over all hospitals of the quarter", nullable=True),
        Column("description", "text", "what the rule requires"),
        Column("fix", "text", "what to do"),
        Column("suppressed", "text", "columns emptied because of a small count, separated by |", nullable=True),
    ),
)

DATA_QUALITY = declared(
    _DATA_QUALITY,
    counts=("rows", "rows_read"),
    reveals={
        "rate": Reveals(("rows", "rows_read"), over=("rows_read",)),
        "year_before_rate": Reveals(("year_before_rows", "year_before_rows_read"), over=("rows_read",)),
        "state_rate": Reveals(("state_rows", "state_rows_read"), over=("rows_read",)),
    },
    harmless={
        "identifies the row: a rule that at least one row breaks": (
            *_DATA_QUALITY.key,
            "severity",
            "status",
            "description",
            "fix",
            "suppressed",
        ),
    },
)

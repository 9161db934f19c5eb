"""The edits of Texas's public use data file: what each cell means, and how each rule is evaluated.

Belongs here: SQL over the printed cells, under their published names in lower case. Does not belong here: reading the
files and writing the lake (``reading``), and the layout (``contracts/data/texas_pudf.yaml``).
"""

from __future__ import annotations

from hcip_pipeline.contracts.hospital import SOURCES_OF_ADMISSION
from hcip_pipeline.intake.state_files.edits import Edit, labels, money, text

#: The publisher's mark in a cell that it found invalid.
INVALID = "`"
SUPPRESSED, UNMATCHED = "9999999998", "9999999999"
#: Ids under which the publisher pools hospitals with few discharges.
POOLED = ("999998", "999999")

BASE = (
    "RECORD_ID", "DISCHARGE", "THCIC_ID", "TYPE_OF_ADMISSION", "SOURCE_OF_ADMISSION", "PAT_ZIP", "PAT_STATUS",
    "SEX_CODE", "LENGTH_OF_STAY", "TOTAL_CHARGES", "PRINC_DIAG_CODE", "APR_MDC", "APR_DRG", "RISK_MORTALITY",
    "ILLNESS_SEVERITY", "APR_GROUPER_VERSION_NBR", "ATTENDING_PHYSICIAN_UNIF_ID", "OPERATING_PHYSICIAN_UNIF_ID",
    "PROVIDER_NAME",
)  # fmt: skip
BASE_2 = ("RECORD_ID",)
CHARGES = ("RECORD_ID", "REVENUE_CODE", "UNITS_OF_SERVICE", "CHRGS_LINE_ITEM")
FACILITY = ("THCIC_ID", "PROVIDER_NAME", "FAC_ACUTE_CARE_IND")

#: Type of admission (UB-04) to the nature of admission of a hospital's abstract.
_ADMISSION_TYPES = {"1": "3", "2": "4", "3": "5", "4": "2", "5": "6", "9": "9"}


def _given(column: str) -> str:
    """SQL for a cell as given; null if it is blank or marked invalid."""
    return f"case when not contains({column}, '{INVALID}') then {text(column)} end"


def _physician(column: str) -> str:
    """SQL for a physician's code; the publisher's codes have no check digit."""
    cell = f"trim({column})"
    named = f"regexp_full_match({cell}, '[0-9A-Za-z]{{1,10}}') and not regexp_full_match({cell}, '0+')"
    return f"case when {named} and {cell} not in ('{SUPPRESSED}', '{UNMATCHED}') then {cell} end"


def listed(codes: tuple[str, ...] | list[str]) -> str:
    """SQL for a list of texts."""
    return "(" + ", ".join(f"'{code}'" for code in codes) + ")"


#: What each cell of base 1 means; null if it cannot be read.
READINGS = {
    "record": _given("record_id"),
    "hospital": "case when regexp_full_match(trim(thcic_id), '[0-9]{6}') then trim(thcic_id) end",
    "quarter": "case when regexp_full_match(trim(discharge), '(19|20)[0-9]{2}Q[1-4]') then trim(discharge) end",
    "nature": labels(_given("type_of_admission"), _ADMISSION_TYPES),
    "source": (
        f"case when '0' || upper({_given('source_of_admission')}) in {listed([*SOURCES_OF_ADMISSION])} "
        f"then '0' || upper({_given('source_of_admission')}) end"
    ),
    "zip": _given("pat_zip"),
    "patient_status": "case when regexp_full_match(trim(pat_status), '[0-9]{2}') then trim(pat_status) end",
    "sex": "case when upper(trim(sex_code)) in ('M', 'F', 'U') then upper(trim(sex_code)) end",
    "days": (
        "case when regexp_full_match(trim(length_of_stay), '[0-9]{1,4}') "
        "then greatest(1, cast(trim(length_of_stay) as bigint)) end"
    ),
    "charges": money("total_charges"),
    "diagnosis": _given("princ_diag_code"),
    "mdc": "case when regexp_full_match(trim(apr_mdc), '[0-9]{1,2}') then lpad(trim(apr_mdc), 2, '0') end",
    # four digits wide; the last three are the group
    "grouped": (
        "case when regexp_full_match(trim(apr_drg), '0?[0-9]{3}|[0-9]{1,3}') "
        "then right(lpad(trim(apr_drg), 4, '0'), 3) end"
    ),
    "severity": "case when trim(illness_severity) in ('1', '2', '3', '4') then trim(illness_severity) end",
    "mortality": "case when trim(risk_mortality) in ('1', '2', '3', '4') then trim(risk_mortality) end",
    "grouper": f"coalesce(nullif(ltrim(regexp_extract({_given('apr_grouper_version_nbr')}, '[0-9]+'), '0'), ''), '')",
    "attending": _physician("attending_physician_unif_id"),
    "operating": _physician("operating_physician_unif_id"),
    "hospital_name": _given("provider_name"),
}

#: What each cell of a charge line means.
LINE_READINGS = {
    "record": _given("record_id"),
    "revenue": "case when regexp_full_match(trim(revenue_code), '[0-9]{4}') then trim(revenue_code) end",
    "charge": money("chrgs_line_item", signed=True),
    "units": "try_cast(try_cast(trim(units_of_service) as decimal(18, 4)) as bigint)",
}

_MARKED = " or ".join(
    f"contains({column.lower()}, '{INVALID}')" for column in BASE if column not in ("RECORD_ID", "PROVIDER_NAME")
)


def _either(code: str) -> str:
    return f"'{code}' in (trim(attending_physician_unif_id), trim(operating_physician_unif_id))"


EDITS = (
    Edit("TEXAS-RECORD-ID", "record_id", "record is null"),
    Edit("TEXAS-RECORD-TWICE", "record_id", "is_repeated and record is not null"),
    Edit("TEXAS-HOSPITAL", "thcic_id", "hospital is null"),
    Edit("TEXAS-DISCHARGE", "discharge", "quarter is null"),
    Edit("TEXAS-LATER-QUARTER", "discharge", "quarter > $quarter"),
    Edit("TEXAS-LENGTH-OF-STAY", "length_of_stay", "days is null"),
    Edit("TEXAS-TOTAL-CHARGES", "total_charges", "charges is null"),
    Edit("TEXAS-NO-CHARGES", "total_charges", "charges > 1 and record not in (select record from billed)"),
    Edit("TEXAS-NET-NEGATIVE", "total_charges", "record in (select record from billed where charge < 0)"),
    Edit("TEXAS-APR-DRG", "apr_drg", f"grouped is null and {_given('apr_drg')} is not null"),
    Edit("TEXAS-LATE-DISCHARGE", "discharge", "quarter < $quarter"),
    Edit("TEXAS-NO-CLASS", "illness_severity", "severity is null"),
    Edit("TEXAS-APR-DRG-UNKNOWN", "apr_drg", "drg is null and grouped is not null and severity is not null"),
    Edit("TEXAS-INVALID", "", _MARKED),
    Edit("TEXAS-PATIENT-STATUS", "pat_status", "patient_status is null"),
    Edit("TEXAS-PHYSICIAN-SUPPRESSED", "attending_physician_unif_id", _either(SUPPRESSED)),
    Edit("TEXAS-PHYSICIAN-UNMATCHED", "attending_physician_unif_id", _either(UNMATCHED)),
    Edit("TEXAS-POOLED-HOSPITAL", "thcic_id", f"hospital in {listed(POOLED)}"),
    Edit(
        "TEXAS-NO-FACILITY",
        "thcic_id",
        f"hospital not in {listed(POOLED)} and hospital not in (select hospital from facilities)",
    ),
    Edit("TEXAS-CHARGES-DIFFER", "total_charges", "record in (select record from differing)"),
    Edit(
        "TEXAS-ZERO-CHARGES",
        "total_charges",
        "charges <= 1 and record not in (select record from billed where charge > 0)",
    ),
)

LINE_EDITS = (
    Edit("TEXAS-CHARGE-WITHOUT-RECORD", "record_id", "of_record is null"),
    Edit("TEXAS-CHARGE-LEFT-OUT", "record_id", "not of_record"),
    Edit("TEXAS-CHARGE", "chrgs_line_item", "of_record and charge is null"),
    Edit("TEXAS-REVENUE-CODE", "revenue_code", "revenue is null"),
)

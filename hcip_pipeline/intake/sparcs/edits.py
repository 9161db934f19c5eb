"""The edits of a SPARCS file: how a printed cell is read, and how each rule is evaluated.

Belongs here: SQL over the table ``printed``, which has the columns ``columns.COLUMNS`` as text; those that the file
lacks are null. Does not belong here: reading the file and writing the lake (``reading``).
"""

from __future__ import annotations

from hcip_pipeline.intake.sparcs import columns as published
from hcip_pipeline.intake.state_files.edits import Edit, labels, money, text


def _code(column: str) -> str:
    """A code without the ``.0`` that spreadsheets and data frames append."""
    return f"nullif(regexp_replace(trim({column}), '\\.0+$', ''), '')"


def _digits(column: str, most: int) -> str:
    return f"case when regexp_full_match({_code(column)}, '[0-9]{{1,{most}}}') then {_code(column)} end"


def _license(column: str) -> str:
    """A license number; blank and all zeros mean that none was reported."""
    return f"case when regexp_full_match({_code(column)}, '0*[!-/1-~][ -~]*') then {_code(column)} end"


_SEVERITY = ", ".join(labels(_code(column), published.SEVERITIES) for column in ("severity_code", "severity_word"))
_LABEL_LETTERS = "regexp_replace(lower(disposition), '[^a-z0-9]', '', 'g')"

#: What each cell means; null if it cannot be read.
READINGS = {
    # some files print the id with leading zeros; a hospital must have the same id in every year
    "facility": f"nullif(ltrim({_digits('facility_id', 6)}, '0'), '')",
    "facility_label": text("facility_name"),
    "county_label": text("county"),
    "year": f"try_cast({_digits('discharge_year', 4)} as integer)",
    "is_top_coded": "regexp_full_match(lower(trim(length_of_stay)), '120\\s*(\\+|or more)')",
    "days": (
        "case when regexp_full_match(lower(trim(length_of_stay)), '120\\s*(\\+|or more)') then 120 "
        f"when {_digits('length_of_stay', 4)} is not null "
        f"then greatest(1, cast({_digits('length_of_stay', 4)} as bigint)) end"
    ),
    "drg": f"lpad({_digits('apr_drg', 3)}, 3, '0')",
    "drg_label": text("apr_drg_label"),
    "mdc_code": f"nullif(lpad({_digits('mdc', 2)}, 2, '0'), '00')",
    "mdc_name": text("mdc_label"),
    "severity": f"coalesce({_SEVERITY})",
    "mortality_code": labels(_code("mortality"), published.SEVERITIES),
    "drg_type_code": labels(text("drg_type"), published.DRG_TYPES),
    "patient_status": labels(_LABEL_LETTERS, published.DISPOSITIONS),
    "attending_license": _license("attending"),
    "operating_license": _license("operating"),
    "charges": money("total_charges"),
    "costs": money("total_costs"),
    "sex_code": "case when upper(trim(gender)) in ('M', 'F', 'U') then upper(trim(gender)) end",
    "zip": text("zip_code"),
    "nature": labels(text("admission_type"), published.ADMISSION_TYPES),
    # methodology §3 counts these as UNGROUPABLE, so they need no severity or type
    "is_ungroupable": f"coalesce({_code('apr_drg')}, '955') in ('955', '956', '0', '00', '000')",
}


#: Rows that break these are not discharges of the requested year; no other rule is judged on them.
STRAY_EDITS = (
    Edit(
        "SPARCS-NOT-A-DISCHARGE",
        "",
        f"{text('facility_id')} is null and {text('apr_drg')} is null and {text('discharge_year')} is null",
    ),
    Edit("SPARCS-OTHER-YEAR", "discharge_year", "year <> $year"),
)

#: A line that is not a row of the file's columns; found by the reader, so it has no SQL.
MALFORMED = "SPARCS-MALFORMED-ROW"

EDITS = (
    Edit("SPARCS-FACILITY-REDACTED", "facility_id", f"{text('facility_id')} is null"),
    Edit("SPARCS-FACILITY-ID", "facility_id", f"{text('facility_id')} is not null and facility is null"),
    Edit("SPARCS-DISCHARGE-YEAR", "discharge_year", "year is null"),
    Edit("SPARCS-APR-DRG", "apr_drg", f"{text('apr_drg')} is not null and drg is null"),
    Edit(
        "SPARCS-SEVERITY",
        "severity",
        "severity is null and not is_ungroupable",
        shown="coalesce(severity_code, severity_word)",
    ),
    Edit("SPARCS-DRG-TYPE", "drg_type", "drg_type_code is null and not is_ungroupable"),
    Edit("SPARCS-LENGTH-OF-STAY", "length_of_stay", "days is null"),
    Edit("SPARCS-TOTAL-CHARGES", "total_charges", "charges is null"),
    Edit("SPARCS-TOTAL-COSTS", "total_costs", "costs is null"),
    Edit("SPARCS-DISPOSITION", "disposition", "patient_status is null"),
    Edit("SPARCS-LENGTH-OF-STAY-TOP-CODED", "length_of_stay", "is_top_coded"),
    Edit("SPARCS-NO-ATTENDING", "attending", "$has_license_numbers and attending_license is null"),
    Edit(
        "SPARCS-NO-OPERATING", "operating", "$has_license_numbers and drg_type_code = 'P' and operating_license is null"
    ),
    Edit("SPARCS-COST-TO-CHARGE", "total_costs", "costs * 10 < charges or costs * 2 > charges * 3"),
)

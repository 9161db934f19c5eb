"""The edits of a SPARCS file: how a printed cell is read, and each rule once with its severity and the way out.

Belongs here: SQL over the table ``printed``, whose columns are those of ``sparcs_columns.COLUMNS`` as text, null
where the file has none. Does not belong here: reading the file and writing the lake (``sparcs.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from hcip_pipeline.contracts.table import LIMITS
from hcip_pipeline.intake import sparcs_columns as published

_MONEY = r"\$?\s*([0-9]+|[0-9]{1,3}(,[0-9]{3})+)(\.[0-9]*)?"


def _text(column: str) -> str:
    return f"nullif(trim({column}), '')"


def _code(column: str) -> str:
    """A code without the ``.0`` that spreadsheets and data frames append."""
    return f"nullif(regexp_replace(trim({column}), '\\.0+$', ''), '')"


def _labels(cell: str, codes: Mapping[str, str]) -> str:
    whens = " ".join(f"when '{label}' then '{code}'" for label, code in codes.items())
    return f"case lower({cell}) {whens} end"


def _money(column: str) -> str:
    cell = f"trim({column})"
    amount = f"try_cast(regexp_replace({cell}, '[$,\\s]', '', 'g') as decimal(18,2))"
    return f"case when regexp_full_match({cell}, '{_MONEY}') and {amount} <= {LIMITS['money'][1]} then {amount} end"


def _digits(column: str, most: int) -> str:
    return f"case when regexp_full_match({_code(column)}, '[0-9]{{1,{most}}}') then {_code(column)} end"


def _license(column: str) -> str:
    """A licence number; blank and all zeros mean that none was reported."""
    return f"case when regexp_full_match({_code(column)}, '0*[!-/1-~][ -~]*') then {_code(column)} end"


_SEVERITY = ", ".join(_labels(_code(column), published.SEVERITIES) for column in ("severity_code", "severity_word"))
_LABEL_LETTERS = "regexp_replace(lower(disposition), '[^a-z0-9]', '', 'g')"

#: What each cell says; null where it says nothing that can be read.
READINGS = {
    # the same hospital in every year: some files print the id with leading zeros
    "facility": f"nullif(ltrim({_digits('facility_id', 6)}, '0'), '')",
    "facility_label": _text("facility_name"),
    "county_label": _text("county"),
    "year": f"try_cast({_digits('discharge_year', 4)} as integer)",
    "is_top_coded": "regexp_full_match(lower(trim(length_of_stay)), '120\\s*(\\+|or more)')",
    "days": (
        "case when regexp_full_match(lower(trim(length_of_stay)), '120\\s*(\\+|or more)') then 120 "
        f"when {_digits('length_of_stay', 4)} is not null "
        f"then greatest(1, cast({_digits('length_of_stay', 4)} as bigint)) end"
    ),
    "drg": f"lpad({_digits('apr_drg', 3)}, 3, '0')",
    "drg_label": _text("apr_drg_label"),
    "mdc_code": f"nullif(lpad({_digits('mdc', 2)}, 2, '0'), '00')",
    "mdc_name": _text("mdc_label"),
    "severity": f"coalesce({_SEVERITY})",
    "mortality_code": _labels(_code("mortality"), published.SEVERITIES),
    "drg_type_code": _labels(_text("drg_type"), published.DRG_TYPES),
    "patient_status": _labels(_LABEL_LETTERS, published.DISPOSITIONS),
    "attending_license": _license("attending"),
    "operating_license": _license("operating"),
    "charges": _money("total_charges"),
    "costs": _money("total_costs"),
    "sex_code": "case when upper(trim(gender)) in ('M', 'F', 'U') then upper(trim(gender)) end",
    "zip": _text("zip_code"),
    "nature": _labels(_text("admission_type"), published.ADMISSION_TYPES),
    # methodology §3 counts these as UNGROUPABLE: without severity or type they are in order
    "is_ungroupable": f"coalesce({_code('apr_drg')}, '955') in ('955', '956', '0', '00', '000')",
}


@dataclass(frozen=True)
class SparcsRule:
    """One edit.

    Attributes:
        rule: its id.
        severity: ERROR rows are quarantined, WARN rows are kept and counted.
        column: the column of ``printed`` it judges; empty: the row as a whole.
        broken: SQL over ``printed`` and ``READINGS``, true where broken; ``$year`` is the year asked for.
        message: what is wrong, in words.
        fix: the way out, in words.
    """

    rule: str
    severity: Literal["ERROR", "WARN"]
    column: str
    broken: str
    message: str
    fix: str


#: Rows these apply to are no discharges of the year asked for; no other rule is judged on them.
STRAY_RULES = (
    SparcsRule(
        "SPARCS_NOT_A_DISCHARGE", "ERROR", "",
        f"{_text('facility_id')} is null and {_text('apr_drg')} is null and {_text('discharge_year')} is null",
        "a total or a note, not a discharge", "no action; the row is left out",
    ),
    SparcsRule(
        "SPARCS_OTHER_YEAR", "ERROR", "discharge_year", "year <> $year",
        "discharged in a year other than the one requested", "run that year as a study of its own",
    ),
)  # fmt: skip

#: A line that is not a row of the file's columns; found by the reader, so it has no SQL.
MALFORMED = SparcsRule(
    "SPARCS_MALFORMED_ROW", "ERROR", "", "",
    "not a row of the columns of the header (cells, quotes or encoding)", "correct the line or download the file again",
)  # fmt: skip

RULES = (
    SparcsRule(
        "SPARCS_FACILITY_REDACTED", "ERROR", "facility_id", f"{_text('facility_id')} is null",
        "the publisher withholds the facility to protect the patient", "no action; the row is left out",
    ),
    SparcsRule(
        "SPARCS_FACILITY_ID", "ERROR", "facility_id", f"{_text('facility_id')} is not null and facility is null",
        "the facility id is not a number of up to six digits", "restore the published id",
    ),
    SparcsRule(
        "SPARCS_DISCHARGE_YEAR", "ERROR", "discharge_year", "year is null",
        "the discharge year is not a year", "restore the published year",
    ),
    SparcsRule(
        "SPARCS_APR_DRG", "ERROR", "apr_drg", f"{_text('apr_drg')} is not null and drg is null",
        "the APR-DRG is not a code of up to three digits", "restore the published code",
    ),
    SparcsRule(
        "SPARCS_SEVERITY", "ERROR", "severity", "severity is null and not is_ungroupable",
        "the severity of illness is not 1–4 (Minor, Moderate, Major, Extreme)", "restore the published severity",
    ),
    SparcsRule(
        "SPARCS_DRG_TYPE", "ERROR", "drg_type", "drg_type_code is null and not is_ungroupable",
        "the APR-DRG is neither medical nor surgical", "restore the published description",
    ),
    SparcsRule(
        "SPARCS_LENGTH_OF_STAY", "ERROR", "length_of_stay", "days is null",
        "the length of stay is not a number of days", "restore the published days, or 120 +",
    ),
    SparcsRule(
        "SPARCS_TOTAL_CHARGES", "ERROR", "total_charges", "charges is null",
        "the total charges are negative, over $100 billion, missing or no number", "restore the published amount",
    ),
    SparcsRule(
        "SPARCS_TOTAL_COSTS", "ERROR", "total_costs", "costs is null",
        "the total costs are negative, over $100 billion, missing or no number", "restore the published amount",
    ),
    SparcsRule(
        "SPARCS_DISPOSITION", "WARN", "disposition", "patient_status is null",
        "the disposition is no known label; kept with no code, so no exclusion by disposition applies",
        "restore the published label",
    ),
    SparcsRule(
        "SPARCS_LENGTH_OF_STAY_TOP_CODED", "WARN", "length_of_stay", "is_top_coded",
        "printed as 120 + and taken as 120 days", "nothing to do; the publisher cuts stays there",
    ),
    SparcsRule(
        "SPARCS_NO_ATTENDING", "WARN", "attending", "$has_license_numbers and attending_license is null",
        "no licence number of an attending physician", "nothing to do; medical cases have no responsible physician",
    ),
    SparcsRule(
        "SPARCS_NO_OPERATING", "WARN", "operating",
        "$has_license_numbers and drg_type_code = 'P' and operating_license is null",
        "surgical without the licence number of an operating physician",
        "nothing to do; the case has no responsible physician",
    ),
    SparcsRule(
        "SPARCS_COST_TO_CHARGE", "WARN", "total_costs",
        "costs * 10 < charges or costs * 2 > charges * 3",
        "cost is outside 0.1 to 1.5 times the charges", "see whether the hospital's cost report is sound",
    ),
)  # fmt: skip

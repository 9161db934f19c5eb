"""The tables that a study gets from a SPARCS file, as Parquet with the lake's and the reference tables' contracts.

Belongs here: mapping the columns of ``accepted`` (read by ``edits.READINGS``) to those of the contracts. Does not
belong here: which rows are accepted (``reading``).
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from hcip_pipeline.contracts.hospital import LAKE_CHARGES, LAKE_DISCHARGES
from hcip_pipeline.contracts.reference import APR_DRG, HOSPITALS
from hcip_pipeline.contracts.run import RECEIPTS
from hcip_pipeline.intake.state_files.lake_tables import described, write_contract, write_quarantine

#: The file has no NPIs; license numbers take their place (inputs.md).
IDENTIFIER_TYPE = "LICENSE"

_DISCHARGE = {
    "hospital_ccn": "facility",
    "account_no": "lpad(cast(source_row as varchar), 9, '0')",  # the file has none, so a row is named by its place
    "sex": "sex_code",
    "zip_code": "zip",
    "nature_of_admission": "nature",
    "discharge_disposition": "coalesce(patient_status, '')",  # an unknown label excludes nothing
    "attending_npi": "attending_license",
    "operating_npi": "operating_license",
    "apr_drg": "drg",
    "severity_of_illness": "severity",
    "risk_of_mortality": "mortality_code",
    "total_charges": "charges",
    "reported_cost": "costs",
    "discharge_year": "year",
    "length_of_stay": "days",
    "identifier_type": f"'{IDENTIFIER_TYPE}'",
    "source_row": "source_row",
}
_HOSPITAL = {"ccn": "facility", "name": "coalesce(facility_label, facility)", "acute": "'Y'", "county": "county_label"}

#: Every row of the file by facility; amounts are the total charges that can be read.
_RECEIVED = """(
    select
        facility,
        count(*) as rows_read,
        count(*) filter (where is_out) as rows_excluded,
        coalesce(sum(charges), 0) as amount_read,
        coalesce(sum(charges) filter (where is_out), 0) as amount_excluded
    from (
        select
            coalesce(facility, 'UNKNOWN') as facility,
            charges,
            source_row in (select source_row from quarantine) as is_out
        from cells
        union all
        select 'UNKNOWN' as facility, null as charges, true as is_out from malformed
    )
    group by facility
)"""


def write_tables(
    database: duckdb.DuckDBPyConnection, file_name: str, year: int, grouper_version: str, into: Path
) -> None:
    """Write ``discharges``, ``charges`` (empty), ``receipts``, ``hospitals``, ``apr_drg`` and ``quarantine``."""
    version = f"'{grouper_version}'"
    file = "'" + file_name.replace("'", "''") + "'"
    discharge = _DISCHARGE | {
        "grouper_version": version,
        "submission": f"'sparcs/{year}'",
        "source_file": file,
    }
    drg = {
        "grouper_version": version,
        "apr_drg": "drg",
        "label": f"coalesce({_title('drg_label')}, 'APR-DRG ' || drg)",
        "mdc": "mdc_code",
        "type": "coalesce(drg_type_code, 'M')",  # only an ungroupable discharge has none, which is never counted
        "service_line": "mdc_name",
    }
    drg_labels = ("drg_label", "mdc_code", "drg_type_code", "mdc_name")
    write_contract(database, LAKE_DISCHARGES, discharge, "accepted", into, "discharges")
    write_contract(database, LAKE_CHARGES, {}, "(select 1 where false)", into, "charges")
    received = {name: name for name in RECEIPTS.names} | {"hospital_ccn": "facility", "quarter": f"'{year}'"}
    write_contract(database, RECEIPTS, received, _RECEIVED, into, "receipts")
    write_contract(
        database, HOSPITALS, _HOSPITAL, described("facility", ("facility_label", "county_label")), into, "hospitals"
    )
    write_contract(database, APR_DRG, drg, described("drg", drg_labels), into, "apr_drg")
    write_quarantine(database, into, "quarantine", ("quarantine",))


def _title(cell: str) -> str:
    words = f"string_split(lower({cell}), ' ')"
    return f"array_to_string(list_transform({words}, lambda word: upper(word[1]) || word[2:]), ' ')"

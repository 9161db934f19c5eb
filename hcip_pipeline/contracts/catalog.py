"""The registry of all declared tables, by location, for rendering and checks."""

from __future__ import annotations

from hcip_pipeline.contracts import (
    audit,
    certainty,
    cms,
    hospital,
    marts,
    program,
    protocol,
    quality_released,
    reference,
    run,
)
from hcip_pipeline.contracts.table import Table

#: source('lake', name) of the dbt project -> its columns
LAKE_SOURCES: dict[str, Table] = {
    "discharges": hospital.LAKE_DISCHARGES,
    "charges": hospital.LAKE_CHARGES,
    **reference.TABLES,
    **program.TABLES,
    **protocol.TABLES,
    **cms.TABLES,
    **run.TABLES,
}

SECTIONS: dict[str, tuple[Table, ...]] = {
    "Hospital submission": (hospital.DISCHARGES, hospital.CHARGES),
    "Program files": tuple(program.TABLES.values()),
    "Implementation protocols and exclusions": tuple(protocol.TABLES.values()),
    "CMS monthly files": tuple(cms.TABLES.values()),
    "Reference tables": tuple(reference.TABLES.values()),
    "Lake": (hospital.LAKE_DISCHARGES, hospital.LAKE_CHARGES),
    "A build's own tables": (*run.TABLES.values(), *marts.MARTS["screening"]),
    "Release tables": tuple(
        table
        for name, table in marts.TABLES.items()
        if name not in quality_released.NAMES and table not in marts.MARTS["screening"]
    ),
    "Audit tables": audit.TABLES["audit"],
    "Certainty of payments": (*certainty.TABLES["certainty"], *certainty.TABLES["audit"]),
    "Shared tables, with small counts hidden": (
        *audit.TABLES["regulator"],
        *certainty.TABLES["regulator"],
        *audit.TABLES["norms"],
        *quality_released.STATE_TABLES,
        *quality_released.RELEASED.values(),
        hospital.DATA_QUALITY,
    ),
}


def column_meanings() -> dict[str, str]:
    """Column name -> meaning; release tables take precedence over tables of the lake."""
    meanings: dict[str, str] = {}
    for table in (*marts.TABLES.values(), *LAKE_SOURCES.values()):
        for column in table.columns:
            meanings.setdefault(column.name, column.meaning)
    return meanings

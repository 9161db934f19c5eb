"""The reference tables in force: those of the inbox, and the shipped public tables for all others."""

import json
from typing import Any

import dagster as dg

from hcip_pipeline.assets.partition_work import intake_lock
from hcip_pipeline.assets.resources import HomeResource, Session

REFERENCE_TABLES = dg.AssetKey("reference_tables")


@dg.asset(
    key=REFERENCE_TABLES, group_name="reference", kinds={"csv", "parquet"}, owners=["team:program-administration"]
)
def reference_tables(
    context: dg.AssetExecutionContext, home: HomeResource, session: dg.ResourceParam[Session]
) -> dg.MaterializeResult:
    """Hospitals, APR-DRGs, rate centers, revenue codes, cost factors, cost index, per diems, networks, exclusions."""
    from hcip_pipeline.reference.tables import write_lake_reference

    session.progress("reference tables")
    where = home.home()
    folder = where.lake_reference
    with intake_lock(session, where, "reference", "ingesting reference tables", folder, wait=True):
        receipt: dict[str, Any] = write_lake_reference(where.inbox, folder)
    tables: dict[str, dict[str, Any]] = receipt["tables"]
    for name in receipt["unknown_files"]:
        context.log.warning(f"inbox/reference/{name} is not a reference table and is ignored")
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": sum(table["rows"] for table in tables.values()),
            "tables": dg.MetadataValue.table(
                [
                    dg.TableRecord({"table": name, "from": table["source"], "rows": table["rows"]})
                    for name, table in tables.items()
                ]
            ),
        },
        data_version=dg.DataVersion(_digest({name: table["sha256"] for name, table in tables.items()})),
    )


def _digest(content: dict[str, str]) -> str:
    import hashlib

    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


ASSETS = [reference_tables]

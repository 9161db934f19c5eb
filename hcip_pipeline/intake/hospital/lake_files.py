"""Writing a judged submission: accepted rows in the lake's columns, and what was quarantined and why.

Belongs here: SQL from the judge's working tables to Parquet, written beside its place and renamed.
Does not belong here: which submission is written (``ingest``).
"""

from __future__ import annotations

import os
from pathlib import Path

import duckdb

from hcip_pipeline.contracts.hospital import LAKE_CHARGES, LAKE_DISCHARGES
from hcip_pipeline.errors import HcipError
from hcip_pipeline.intake.hospital.receipts import SubmissionReceipt


def write_accepted(con: duckdb.DuckDBPyConnection, table: str, receipt: SubmissionReceipt, path: Path) -> None:
    """Write the kept rows of one file, ordered by key, in the columns of its lake contract.

    Raises:
        HcipError: the number of rows written is not the number accepted.
    """
    file = receipt.file(table)
    assert file is not None
    lineage = {
        "hospital_ccn": f"'{receipt.ccn}'",
        "submission": f"'{receipt.submission}'",
        "source_file": f"'{file.name}'",
        "source_row": "row",
    }
    if table == "discharges":
        cells = lineage | {"discharge_year": "year(discharge_date)", "identifier_type": "'NPI'"}
        columns, source = LAKE_DISCHARGES.columns, "d anti join rejected using (row) order by account_no"
    else:
        cells = lineage
        columns, source = (
            LAKE_CHARGES.columns,
            "c join fate using (account_no) where k is not null and not broken order by k, row",
        )
    select = ", ".join(f"cast({cells.get(c.name, c.name)} as {c.sql_type}) as {c.name}" for c in columns)
    written = _copy(con, f"select {select} from {source}", path)
    if written != int(file.rows.accepted):
        path.unlink()
        raise HcipError(
            f"{written} rows written of {int(file.rows.accepted)} accepted",
            file=f"{receipt.submission}/{file.name}",
            fix="this is a fault of the intake: keep the submission and report it",
        )


def write_quarantine(con: duckdb.DuckDBPyConnection, receipt: SubmissionReceipt, path: Path) -> None:
    """Write one row a broken ERROR rule: submission, file, row, column, rule, redacted value."""
    exists = con.execute("select count(*) from duckdb_tables() where table_name = 'findings'").fetchone()
    if not exists or not exists[0]:
        con.execute(
            'create temp table findings (file varchar, row bigint, "column" varchar, rule varchar, value varchar)'
        )
    names = " ".join(f"when '{file.table}' then '{file.name}'" for file in receipt.files if file.table)
    file = f"case file {names} end" if names else "file"
    _copy(
        con,
        f"select '{receipt.submission}' as submission, {file} as file, row, \"column\", rule, value from findings"
        ' order by file, row, rule, "column"',
        path,
    )


def _copy(con: duckdb.DuckDBPyConnection, select: str, path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    quoted = str(beside).replace("'", "''")
    try:
        written = con.execute(f"copy ({select}) to '{quoted}' (format parquet)").fetchone()
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return int(written[0]) if written else 0

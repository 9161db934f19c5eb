"""Writing a judged submission: accepted rows in the lake's columns, and what was quarantined and why.

Belongs here: SQL from the judge's working tables to Parquet, written beside its place and renamed.
Does not belong here: which submission is written (``ingest``).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import polars as pl

from hcip_pipeline.contracts.hospital import LAKE_CHARGES, LAKE_DISCHARGES
from hcip_pipeline.contracts.pandera_schemas import MAX_SAMPLE, guard
from hcip_pipeline.errors import HcipError
from hcip_pipeline.intake.hospital.receipts import SubmissionReceipt
from hcip_pipeline.rules.hospital import RULES

#: ``k`` numbers the accounts in their order: one number sorts faster than an account and a row.
_KEPT = {
    "discharges": "d anti join rejected using (row) order by account_no",
    "charges": (f"c join fate using (account_no) where k is not null and not broken order by k * {1 << 32} + row"),
}
#: the bytes of a quarantine file without rows, once one was written: always the same, by whether there were files
_EMPTY: dict[bool, bytes] = {}
_CONTRACTS = {"discharges": LAKE_DISCHARGES, "charges": LAKE_CHARGES}


def write_accepted(con: duckdb.DuckDBPyConnection, table: str, receipt: SubmissionReceipt, path: Path) -> None:
    """Write the kept rows of one file, ordered by key, in the columns of its lake contract.

    A text that is the same in every row is written as an enum of one value, which Parquet stores as text and DuckDB
    encodes a third faster.

    Raises:
        HcipError: the rows written are not as many as were accepted, or not what the contract declares.
    """
    file = receipt.file(table)
    assert file is not None
    same = {
        "hospital_ccn": receipt.ccn,
        "submission": receipt.submission,
        "source_file": file.name,
        "identifier_type": "NPI",
    }
    cells = {name: f"'{value}'::enum('{value}')" for name, value in same.items()}
    cells |= {"source_row": "row", "discharge_year": "year(discharge_date)::bigint"}
    contract = _CONTRACTS[table]
    columns = ", ".join(f"{cells.get(name, name)} as {name}" for name in contract.names)
    with _beside(path) as place:
        # Cells that are the same in every row are put beside the others after these were sorted.
        written = _copy(con, f"select {columns} from (select * from {_KEPT[table]})", place)
        what = f"{receipt.submission}/{file.name}"
        if written != int(file.rows.accepted):
            raise HcipError(
                f"{written} rows written of {int(file.rows.accepted)} accepted",
                file=what,
                fix="this is a fault of the intake: keep the submission and report it",
            )
        guard(pl.read_parquet(place, n_rows=MAX_SAMPLE), contract, what)


def write_quarantine(con: duckdb.DuckDBPyConnection, receipt: SubmissionReceipt, path: Path) -> None:
    """Write one row a broken ERROR rule: submission, file, row, column, rule, redacted value."""
    is_empty = not any(RULES[count.rule].severity == "ERROR" for count in receipt.rules)
    names = " ".join(f"when '{file.table}' then '{file.name}'" for file in receipt.files if file.table)
    file = f"case file {names} end" if names else "file"
    with _beside(path) as place:
        if is_empty and bool(names) in _EMPTY:
            place.write_bytes(_EMPTY[bool(names)])
            return
        _copy(
            con,
            f"select '{receipt.submission}' as submission, {file} as file, row, \"column\", rule, value from findings"
            ' order by file, row, rule, "column"',
            place,
        )
        if is_empty:
            _EMPTY[bool(names)] = place.read_bytes()


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """A place to write that becomes ``path`` when all went well, and is gone when not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    place = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield place
        place.replace(path)
    finally:
        place.unlink(missing_ok=True)


def _copy(con: duckdb.DuckDBPyConnection, select: str, place: Path) -> int:
    quoted = str(place).replace("'", "''")
    written = con.execute(f"copy ({select}) to '{quoted}' (format parquet)").fetchone()
    return int(written[0]) if written else 0

"""Writing a judged submission: accepted rows in the lake's columns, and quarantined rows with the reasons.

Belongs here: SQL from the judge's working tables to Parquet, written to a temporary file and renamed.
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
from hcip_pipeline.intake.x12.places import LABELED, in_files, located
from hcip_pipeline.rules.hospital import RULES

#: ``k`` numbers the accounts in order: one number sorts faster than an account and a row.
_KEPT = {
    "discharges": "d anti join rejected using (row) order by account_no",
    "charges": (f"c join fate using (account_no) where k is not null and not broken order by k * {1 << 32} + row"),
}
#: The bytes of a quarantine file without rows, once one was written; they depend only on whether there were files.
_EMPTY: dict[bool, bytes] = {}
_CONTRACTS = {"discharges": LAKE_DISCHARGES, "charges": LAKE_CHARGES}


def write_accepted(con: duckdb.DuckDBPyConnection, table: str, receipt: SubmissionReceipt, path: Path) -> None:
    """Write the accepted rows of one file, ordered by key, in the columns of its lake contract.

    Text that is the same in every row is written as an enum of one value, which Parquet stores as text and DuckDB
    encodes a third faster.

    Raises:
        HcipError: the number of rows written is not that of accepted rows, or they do not match the contract.
    """
    file = receipt.file(table)
    assert file is not None
    same = {
        "hospital_ccn": receipt.ccn,
        "submission": receipt.submission,
        "source_file": file.name,
        "identifier_type": "NPI",
    }
    quoted = {name: value.replace("'", "''") for name, value in same.items()}
    cells = {name: f"'{value}'::enum('{value}')" for name, value in quoted.items()}
    kept = _KEPT[table]
    is_spread = len({each.name for each in receipt.files if each.table}) > 1 and bool(receipt.shape)
    if is_spread:  # a row of bills is a segment of one of several files
        short = kept[0]
        kept = kept.replace(short, f"({in_files(f'from {short}')}) {short}", 1)
        cells["source_file"] = "bill_file"
    cells |= {"source_row": "segment" if is_spread else "row", "discharge_year": "year(discharge_date)::bigint"}
    contract = _CONTRACTS[table]
    columns = ", ".join(f"{cells.get(name, name)} as {name}" for name in contract.names)
    with _temporary(path) as place:
        # Cells that are the same in every row are added after the others were sorted.
        written = _copy(con, f"select {columns} from (select * from {kept})", place)
        what = f"{receipt.submission}/{file.name}"
        if written != int(file.rows.accepted):
            raise HcipError(
                f"{written} rows written of {int(file.rows.accepted)} accepted",
                file=what,
                fix="this is a fault of the intake: keep the submission and report it",
            )
        guard(pl.read_parquet(place, n_rows=MAX_SAMPLE), contract, what)


def write_quarantine(con: duckdb.DuckDBPyConnection, receipt: SubmissionReceipt, path: Path) -> None:
    """Write one row per broken ERROR rule: submission, file, row, column, rule, redacted value."""
    is_empty = not any(RULES[count.rule].severity == "ERROR" for count in receipt.rules)
    if receipt.shape:
        _write_located(con, receipt, path)
        return
    names = " ".join(f"when '{file.table}' then '{file.name}'" for file in receipt.files if file.table)
    file = f"case file {names} end" if names else "file"
    with _temporary(path) as place:
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


def _write_located(con: duckdb.DuckDBPyConnection, receipt: SubmissionReceipt, path: Path) -> None:
    """Like :func:`write_quarantine`, for bills: with file, segment number, and the last characters of the claim."""
    met = {count.table for count in receipt.rules}
    parts = [located(table, f"from findings where file = '{table}'") for table in _CONTRACTS if table in met]
    nothing = "select *, '' as bill_file, row as segment, '' as claim from findings limit 0"
    with _temporary(path) as place:
        _copy(
            con,
            f"select '{receipt.submission}' as submission, bill_file as file, segment as row, \"column\", rule,"
            f" {LABELED} as value from ({' union all '.join(parts) or nothing}) order by all",
            place,
        )


@contextmanager
def _temporary(path: Path) -> Iterator[Path]:
    """A temporary file that becomes ``path`` on success and is removed otherwise."""
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

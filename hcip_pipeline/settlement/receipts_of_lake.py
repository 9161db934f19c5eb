"""Compares receipts with the lake before a build: each file must have the rows and dollars that its receipt states.

Belongs here: counting the rows and dollars of the lake's files. Does not belong here: whether a file has the bytes that
were written (``home.lake_seals``); a receipt that was changed by hand is found here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path

import duckdb

from hcip_pipeline.contracts import cms
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.cclf.receipts import ArchiveReceipt
from hcip_pipeline.intake.hospital.ingest import HospitalTable, lake_path
from hcip_pipeline.intake.hospital.receipts import SubmissionReceipt
from hcip_pipeline.periods import Quarter

#: the dollars that a receipt states, as SQL over each table
_DOLLARS: dict[HospitalTable, str] = {
    "discharges": "sum(total_charges)",
    "charges": "sum(charge) filter (revenue_code is distinct from '0001')",
}


def check_receipts(home: Home, submissions: Iterable[SubmissionReceipt], archives: Iterable[ArchiveReceipt]) -> None:
    """Compare the rows and dollars of receipts in force with the files of the lake.

    Raises:
        HcipError: a file of the lake is missing or does not have the rows or dollars that its receipt states.
    """
    accepted = list(submissions)
    with duckdb.connect() as connection:
        for table in _DOLLARS:
            _check_submissions(home, connection, table, accepted)
        _check_archives(home, connection, list(archives))


def _check_submissions(
    home: Home, connection: duckdb.DuckDBPyConnection, table: HospitalTable, receipts: Sequence[SubmissionReceipt]
) -> None:
    stated = {
        str(lake_path(home, table, Quarter.parse(receipt.quarter), receipt.stem)): file
        for receipt in receipts
        if (file := receipt.file(table)) is not None
    }
    found = _figures(connection, list(stated), _DOLLARS[table])
    for path, file in stated.items():
        rows, dollars = found.get(path, (0, Decimal(0)))
        for unit, present, expected in (
            ("rows", rows, int(file.rows.accepted)),
            ("dollars", dollars, file.dollars.accepted),
        ):
            if present != expected:
                raise _differs(home, Path(path), f"{expected:,} {unit}", f"{present:,}")


def _check_archives(home: Home, connection: duckdb.DuckDBPyConnection, receipts: Sequence[ArchiveReceipt]) -> None:
    for name in cms.TABLES:
        stated: dict[str, int] = {}
        for receipt in receipts:
            path = str(home.lake_cms(name, receipt.month) / f"{receipt.archive}.parquet")
            stated[path] = sum(file.records_read for file in receipt.files if file.table == name)
        found = _figures(connection, [path for path in stated if Path(path).is_file()], "0")
        for path, records in stated.items():
            rows = found.get(path, (0, Decimal(0)))[0]
            if rows != records:
                raise _differs(home, Path(path), f"{records:,} records", f"{rows:,}")


def _figures(
    connection: duckdb.DuckDBPyConnection, paths: Sequence[str], dollars: str
) -> dict[str, tuple[int, Decimal]]:
    """Path -> rows and dollars of a file; files without rows are left out."""
    if not paths:
        return {}
    rows = connection.execute(
        f"select filename, count(*), coalesce({dollars}, 0) from read_parquet($files, filename = true) group by all",
        {"files": list(paths)},
    ).fetchall()
    return {path: (count, Decimal(amount)) for path, count, amount in rows}


def _differs(home: Home, path: Path, stated: str, present: str) -> HcipError:
    return HcipError(
        f"the receipt states {stated}, but the lake contains {present}",
        file=path.relative_to(home.root),
        rule="LAKE-RECEIPT",
        fix="remove this file's receipt from its receipts folder and run the period again, which ingests it again",
    )

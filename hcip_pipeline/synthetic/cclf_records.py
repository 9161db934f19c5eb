"""Writing CCLF files and archives: the inverse of ``intake.cclf``, with CMS's record layouts.

Belongs here: frames to records, control files, zip archives. Does not belong here: the records' content (``cclf``).
"""

from __future__ import annotations

import datetime as dt
import zipfile
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from hcip_pipeline.contracts.cms import LAYOUTS, CmsField

#: Descriptions of the files in the control file.
_DESCRIPTIONS = {
    "cclf1": "Part A Claims Header File",
    "cclf2": "Part A Claims Revenue Center Detail File",
    "cclf3": "Part A Procedure Code File",
    "cclf4": "Part A Diagnosis Code File",
    "cclf5": "Part B Physicians File",
    "cclf6": "Part B DME File",
    "cclf7": "Part D File",
    "cclf8": "Beneficiary Demographics File",
    "cclf9": "BENE XREF File",
    "cclfa": "Part A BE and Demo Codes File",
    "cclfb": "Part B BE and Demo Codes File",
}
_PLACES = {"money": 2, "quantity": 4}
#: Zip entries have a time; a fixed one keeps the bytes the same.
_ZIP_TIME = (2000, 1, 1, 0, 0, 0)


def encode(table: str, rows: pl.DataFrame, record_length: int | None = None) -> bytes:
    """The records of a frame: text left-justified, numbers right-justified, a minus sign first, absent columns blank.

    Args:
        table: ``cclf1`` … ``cclfb``.
        rows: columns named for fields; strings, dates, integers or decimals.
        record_length: the generation to write; the newest if None.
    """
    layout = LAYOUTS[table]
    fields = layout.fields_within(record_length or layout.record_lengths[-1])
    if rows.is_empty():
        return b""
    cells = [_cell(field, rows) for field in fields]
    lines = rows.select(pl.concat_str(cells).alias("line"))
    return (lines.select(pl.col("line").str.join("\n")).item() + "\n").encode()


def _cell(field: CmsField, rows: pl.DataFrame) -> pl.Expr:
    if field.name not in rows.columns:
        return pl.lit(" " * field.width)
    column = pl.col(field.name)
    if field.kind in _PLACES:
        number = column.cast(pl.Decimal(38, _PLACES[field.kind])).cast(pl.String)
        sign = pl.when(number.str.starts_with("-")).then(pl.lit("-")).otherwise(pl.lit(" "))
        cell = sign + number.str.strip_prefix("-").str.pad_start(field.width - 1)
    elif field.kind == "integer":
        cell = column.cast(pl.String).str.pad_start(field.width)
    else:
        text = column.cast(pl.String)  # a character may have more than one byte
        cell = text + pl.lit(" " * field.width).str.slice(0, field.width - text.str.len_bytes().cast(pl.Int64))
    return cell.fill_null(" " * field.width)


def control_file(files: Mapping[str, bytes]) -> bytes:
    """CCLF0 for files by table: header, then a line for each file with its record count and length."""
    lines = [f"{'File Number':<13}|{'File Description':<20}|{'Total Records Count':<20}|{'Record Length':<13}"]
    for table in LAYOUTS:
        if table in files:
            records = files[table].count(b"\n")
            length = files[table].find(b"\n") if records else LAYOUTS[table].record_lengths[-1]
            lines.append(f"{table.upper():<7}|{_DESCRIPTIONS[table]:<43}|{records:>11}|{length:>5}")
    return ("\n".join(lines) + "\n").encode()


def archive_name(organization: str, file_date: dt.date, *, run_out: bool = False, year: int | None = None) -> str:
    """The name of an archive; its files have their number after ``ZC`` (``member_name``)."""
    year = file_date.year if year is None else year
    return f"P.{organization}.ZC{'R' if run_out else 'Y'}{year % 100:02d}.D{file_date:%y%m%d}.T0100000"


def member_name(archive: str, table: str) -> str:
    """The name of a file inside an archive."""
    before, _, after = archive.partition(".ZC")
    return f"{before}.ZC{table[-1].upper()}{after}"


def members(archive: str, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Every file of an archive by name, the control file first."""
    return {
        member_name(archive, "cclf0"): control_file(files),
        **{member_name(archive, table): files[table] for table in LAYOUTS if table in files},
    }


def write_archive(folder: Path, archive: str, files: Mapping[str, bytes]) -> Path:
    """Write a zip archive with its control file, the same bytes each time."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / archive
    with zipfile.ZipFile(path, "w") as target:
        for name, content in members(archive, files).items():
            info = zipfile.ZipInfo(name, _ZIP_TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(info, content, compresslevel=1)
    return path

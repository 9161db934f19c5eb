"""Scanning a file in the shape it arrives in: anything but a plain UTF-8 CSV is copied to one, line by line.

Belongs here: workbooks, zipped CSV files, Windows-1252 text. The copy keeps the row numbers of the original and is
deleted after the verdict. Does not belong here: delimiters and headers (``reading``), cells (``habits``).
"""

from __future__ import annotations

import csv
import gzip
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from hcip_pipeline.contracts.table import Table
from hcip_pipeline.files.received import ARCHIVE_DAMAGE, DAMAGE, HOSPITAL, WORKBOOK, bytes_in_words
from hcip_pipeline.intake.hospital.file_scan import FileScan, scan_file
from hcip_pipeline.rules.problem import Problem
from hcip_pipeline.tables.file_names import shown_unknown
from hcip_pipeline.tables.workbooks import FormulaError, WorkbookError, ignored_sheets, sheet_rows

_CHUNK = 1 << 20
#: Number of sheets that a message names.
_SHEETS = 5


def scan_any_shape(path: Path, table: Table, scratch: Path) -> FileScan:
    """Scan a file in any supported shape; never raises because of the file's contents.

    Args:
        path: a file with one of the endings of ``folders.FORMATS``, in any letter case.
        table: the table that it contains.
        scratch: a folder for copies, which contain the same data as the file.
    """
    found = scan_file(path)
    copy = scratch / f"{table.name}.csv"
    name = path.name.lower()
    if found.problem is None and name.endswith(".xlsx"):
        return _copied(found, copy, lambda: _from_workbook(path, table, copy))
    if found.problem is None and name.endswith(".csv.zip"):
        found = _copied(found, copy, lambda: _from_zip(found, copy))
    if found.problem is not None and found.problem.rule == "F-ENCODING" and found.is_other_text:
        text = scratch / f"{table.name}.utf8.csv"
        return _copied(found, text, lambda: _from_windows_1252(found, text))
    return found


def _copied(found: FileScan, copy: Path, make: Callable[[], tuple[Problem, ...]]) -> FileScan:
    """The scan of a copy, with the name, size and hash of the original."""
    try:
        noted = make()
    except _UnreadableError as error:
        return replace(found, problem=Problem(error.rule, str(error), file=found.name))
    seen = scan_file(copy)
    problem = replace(seen.problem, file=found.name) if seen.problem is not None else None
    came = found.arrived or found.path
    return replace(
        seen, arrived=came, size=found.size, sha256=found.sha256, problem=problem, noted=(*found.noted, *noted)
    )


class _UnreadableError(Exception):
    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


def _from_workbook(path: Path, table: Table, copy: Path) -> tuple[Problem, ...]:
    money = {column.name for column in table.columns if column.type == "money"}
    with copy.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        line = 1
        try:
            for number, cells in sheet_rows(path, table.name, money, WORKBOOK):
                stream.write("\n" * (number - line))  # empty rows of the sheet are blank lines
                writer.writerow(cells)
                line = number + 1
        except FormulaError as error:
            raise _UnreadableError("F-FORMULA", str(error)) from None
        except WorkbookError as error:
            raise _UnreadableError("F-UNREADABLE", str(error)) from None
    if ignored := ignored_sheets(path, table.name, WORKBOOK):
        listed = ", ".join(f"'{shown_unknown(name)}'" for name in ignored[:_SHEETS])
        more = f" and {len(ignored) - _SHEETS} more" if len(ignored) > _SHEETS else ""
        return (Problem("F-SHEETS-IGNORED", f"sheets are not tables and are ignored: {listed}{more}", file=path.name),)
    return ()


def _from_zip(found: FileScan, copy: Path) -> tuple[Problem, ...]:
    limit = HOSPITAL.max_unpacked(found.size)
    try:
        with zipfile.ZipFile(found.path) as archive:
            files = [
                item for item in archive.infolist() if not item.is_dir() and not item.filename.startswith("__MACOSX/")
            ]
            if len(files) != 1:
                raise _UnreadableError("F-COMPRESSION", f"contains {len(files)} files, not one")
            unpacked = 0
            with archive.open(files[0]) as stream, copy.open("wb") as target:
                while chunk := stream.read(_CHUNK):
                    unpacked += len(chunk)
                    if unpacked > limit:
                        raise _UnreadableError("F-TOO-LARGE", f"unpacks to more than {bytes_in_words(limit)}")
                    target.write(chunk)
    except ARCHIVE_DAMAGE:
        raise _UnreadableError("F-COMPRESSION", "is truncated, encrypted or not a zip file") from None
    return ()


def _from_windows_1252(found: FileScan, copy: Path) -> tuple[Problem, ...]:
    limit = HOSPITAL.max_unpacked(found.size)
    opened = gzip.open if found.path.suffix.lower() == ".gz" else Path.open
    try:
        with opened(found.path, "rb") as stream, copy.open("wb") as target:
            while (chunk := stream.read(_CHUNK)) and target.tell() <= limit:
                target.write(chunk.decode("cp1252").encode("utf-8"))
    except UnicodeDecodeError:
        raise _UnreadableError("F-ENCODING", "is neither UTF-8 nor Windows-1252 text") from None
    except DAMAGE:
        raise _UnreadableError("F-COMPRESSION", "is truncated or not a gzip file") from None
    return (Problem("F-WINDOWS-1252", "is Windows-1252 text and is read as such", file=found.name),)

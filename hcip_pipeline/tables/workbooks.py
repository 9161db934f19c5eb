"""Excel workbooks as rows of text, with the row numbers that people see in the sheet.

Belongs here: opening a workbook, finding a table's sheet, cells as CSV would have them, formulas without a value.
Does not belong here: what the rows mean (``intake.hospital``, ``tabular``), and survey forms (``intake.survey.forms``).
"""

from __future__ import annotations

import datetime as dt
import zipfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import openpyxl
from openpyxl.utils import get_column_letter
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from hcip_pipeline.files.received import DAMAGE, Ceiling, NotReceivedError, require_file
from hcip_pipeline.tables.workbook_extent import ExtentError, check_extent, check_members

#: A number read as money counts as whole cents if it is within this many dollars.
CENT_TOLERANCE = 1e-6
#: Number of cells that a message names.
LISTED = 3

_CHUNK = 1 << 20
#: Sheets of a hospital's workbook, each read as a separate table.
_TABLES = ("discharges", "charges")
_SHEETS = "xl/worksheets/"
#: The part of a workbook that lists its sheets.
_CONTENTS = "xl/workbook.xml"
_FORMULAS = (b"<f>", b"<f ", b"<f/")
_ERRORS = (b't="e"', b"t='e'")
#: Replaces line breaks inside cells, so that each row stays one line and the rules on control characters find them.
_VERTICAL_TAB = "\x0b"


class WorkbookError(Exception):
    """Why no table could be read from a workbook; the message contains no cell values."""


class FormulaError(WorkbookError):
    """Cells contain formulas whose values were never stored."""


def sheet_rows(path: Path, table: str, money: Collection[str], ceiling: Ceiling) -> Iterator[tuple[int, list[str]]]:
    """The non-empty rows of a table's sheet, starting with the header.

    The sheet is the one with the table's name in any letter case, or the workbook's only sheet.

    Args:
        table: name of the table.
        money: columns, by lowercase name, whose numbers are dollars and are written with two decimals.
        ceiling: limits for this kind of file.

    Yields:
        The row number that the sheet shows, and the row's cells as text.

    Raises:
        WorkbookError: not a workbook, no such sheet, or a formula without a value.
    """
    book = _open(path, ceiling)
    try:
        sheet = _sheet(book, table)
        _check_no_second_table(book, sheet, ceiling)
        if errors := _cells_with_errors(path, sheet.name):
            raise WorkbookError(f"cells contain an error such as #N/A: {_listed(errors)} of the {table} sheet")
        if open_cells := _formulas_without_value(path, sheet.name):
            raise FormulaError(
                f"cells contain formulas without a stored value: {_listed(open_cells)} of the {table} sheet"
            )
        if sheet.total_height > ceiling.rows or sheet.total_width > ceiling.columns:
            raise WorkbookError(f"has more than {ceiling.rows:,} rows or {ceiling.columns:,} columns")
        yield from _rows(sheet, money)
    except CalamineError:
        raise WorkbookError("cannot be read as an Excel workbook") from None
    finally:
        book.close()


def sheet_names(path: Path, ceiling: Ceiling) -> list[str]:
    """Names of a workbook's sheets, in order, without opening the sheets; none if it is not a workbook."""
    try:
        check_members(path, require_file(path, ceiling).st_size, ceiling)
        with zipfile.ZipFile(path) as archive, archive.open(_CONTENTS) as stream:
            return [
                element.get("name", "")
                for _, element in ElementTree.iterparse(stream)
                if element.tag.endswith("}sheet")
            ]
    except (NotReceivedError, ExtentError, ElementTree.ParseError, *DAMAGE, LookupError, ValueError):
        return []


def holds_sheet(path: Path, table: str, ceiling: Ceiling) -> bool:
    """Whether a workbook has a sheet with the table's name; False if it cannot be opened."""
    return any(name.strip().lower() == table for name in sheet_names(path, ceiling))


def ignored_sheets(path: Path, table: str, ceiling: Ceiling) -> list[str]:
    """Sheets of a workbook that are not read for any table, given that it contains ``table``."""
    names = sheet_names(path, ceiling)
    return [name for name in names if len(names) > 1 and name.strip().lower() not in {table, *_TABLES}]


def _open(path: Path, ceiling: Ceiling) -> CalamineWorkbook:
    try:
        check_extent(path, require_file(path, ceiling).st_size, ceiling)
        return CalamineWorkbook.from_path(path)
    except NotReceivedError as error:
        raise WorkbookError(error.message) from None
    except ExtentError as error:
        raise WorkbookError(str(error)) from None
    except (CalamineError, *DAMAGE, LookupError, ValueError):
        raise WorkbookError("cannot be opened as an Excel workbook (.xlsx)") from None


def _sheet(book: CalamineWorkbook, table: str) -> CalamineSheet:
    names = book.sheet_names
    named = [name for name in names if name.strip().lower() == table]
    if len(named) == 1:
        return book.get_sheet_by_name(named[0])
    if len(names) == 1:
        return book.get_sheet_by_name(names[0])
    raise WorkbookError(f"has {len(names)} sheets, {len(named) or 'none'} of them named {table}")


def _check_no_second_table(book: CalamineWorkbook, sheet: CalamineSheet, ceiling: Ceiling) -> None:
    """Refuse a workbook in which another sheet has the table's columns, because its rows would be left out.

    Raises:
        WorkbookError: there is such a sheet.
    """
    header = _header(sheet)
    for name in book.sheet_names:
        if name == sheet.name or not header or name.strip().lower() in _TABLES:
            continue
        other = book.get_sheet_by_name(name)
        if other.total_height <= ceiling.rows and 2 * len(header & _header(other)) > len(header):
            raise WorkbookError("has a second sheet with the same columns: put all rows into one sheet")


def _header(sheet: CalamineSheet) -> set[str]:
    """The cells of the sheet's first non-empty row, in lowercase."""
    if sheet.start is None:
        return set()
    for row in sheet.iter_rows():
        if cells := {text for text in (_text(value).strip().lower() for value in row) if text}:
            return cells
    return set()


def _rows(sheet: CalamineSheet, money: Collection[str]) -> Iterator[tuple[int, list[str]]]:
    if sheet.start is None:
        return
    is_money: list[bool] | None = None
    for number, row in enumerate(sheet.iter_rows(), start=1):
        if is_money is None:
            cells = [_text(value) for value in row]
            names = [cell.strip().lower() for cell in cells]
            if sum(name in money for name in names):
                is_money = [name in money for name in names]
        elif len(row) == len(is_money):
            cells = [_dollars(value) if dollars else _text(value) for value, dollars in zip(row, is_money, strict=True)]
        else:
            cells = [_text(value) for value in row]
        if any(cells):
            yield number, cells


def _text(value: Any) -> str:
    """A cell as a CSV file would have it."""
    if value.__class__ is str:
        return _one_line(value) if "\n" in value or "\r" in value else str(value)
    if value.__class__ is float:
        if abs(value) >= 1e15:  # Excel keeps 15 digits: the exponent shows that some are lost
            return f"{value:.5E}"
        return str(int(value)) if value.is_integer() else repr(value)
    if value.__class__ is int and abs(value) >= 10**15:
        return f"{value:.5E}"
    if value is None:
        return ""
    if isinstance(value, dt.datetime):
        is_day = value.time() == dt.time()
        return value.date().isoformat() if is_day else value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return str(value)  # int, date, time, duration


def _one_line(text: str) -> str:
    return text.strip("\r\n").replace("\r\n", _VERTICAL_TAB).replace("\n", _VERTICAL_TAB).replace("\r", _VERTICAL_TAB)


def _dollars(value: Any) -> str:
    """A number of dollars with two decimals, if it is whole cents; anything else as plain text."""
    if value.__class__ in (float, int) and abs(value - round(value, 2)) <= CENT_TOLERANCE and abs(value) < 1e13:
        return f"{value:.2f}"
    return _text(value)


def _listed(cells: list[str]) -> str:
    more = f" and {len(cells) - LISTED:,} more" if len(cells) > LISTED else ""
    return f"{', '.join(cells[:LISTED])}{more}"


def _cells_with_errors(path: Path, sheet: str) -> list[str]:
    """Cells of the sheet, such as ``B7``, whose value is an Excel error (``#N/A``, ``#REF!``)."""
    if not _holds(path, _ERRORS):
        return []
    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    try:
        return [
            f"{get_column_letter(place)}{number}"
            for number, row in enumerate(book[sheet].iter_rows(), start=1)
            for place, cell in enumerate(row, start=1)
            if cell.data_type == "e"
        ]
    finally:
        book.close()


def _formulas_without_value(path: Path, sheet: str) -> list[str]:
    """Cells of the sheet, such as ``B7``, with a formula whose value was never stored."""
    if not _holds(path, _FORMULAS):
        return []
    # This is rare, so it may be slow: the sheet is read once with its formulas and once with their values.
    formulas, values = (openpyxl.load_workbook(path, read_only=True, data_only=only) for only in (False, True))
    try:
        return [
            f"{get_column_letter(place)}{number}"
            for number, (written, stored) in enumerate(
                zip(formulas[sheet].iter_rows(), values[sheet].iter_rows(), strict=False), start=1
            )
            for place, (cell, value) in enumerate(zip(written, stored, strict=False), start=1)
            if cell.data_type == "f" and value.value is None
        ]
    finally:
        formulas.close()
        values.close()


def _holds(path: Path, marks: tuple[bytes, ...]) -> bool:
    """Whether the XML of any sheet contains one of the marks."""
    with zipfile.ZipFile(path) as archive:
        return any(_part_holds(archive, item, marks) for item in archive.namelist() if item.startswith(_SHEETS))


def _part_holds(archive: zipfile.ZipFile, part: str, marks: tuple[bytes, ...]) -> bool:
    longest = max(map(len, marks))
    rest = b""
    with archive.open(part) as stream:
        while chunk := stream.read(_CHUNK):
            seen = rest + chunk
            if any(mark in seen for mark in marks):
                return True
            rest = seen[1 - longest :]
    return False

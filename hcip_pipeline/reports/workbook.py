"""Reproducible workbooks: sheets of typed columns, without anything that a spreadsheet would execute.

Belongs here: formats, column widths, cells. Does not belong here: the content of a sheet.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from hcip_pipeline.reference.invented import MARK
from hcip_pipeline.release.spreadsheets import looks_like_formula

Kind = Literal["text", "wrapped", "count", "money", "dollars", "percent", "number", "date"]

_FORMATS: dict[str, dict[str, Any]] = {
    "text": {},
    "wrapped": {"text_wrap": True},
    "count": {"num_format": "#,##0"},
    "money": {"num_format": "$#,##0.00;[Red]-$#,##0.00"},
    "dollars": {"num_format": "$#,##0;[Red]-$#,##0"},
    "percent": {"num_format": "0.0%;[Red]-0.0%"},
    "number": {"num_format": "#,##0.00"},
    "date": {"num_format": "mmmm d, yyyy", "align": "left"},
    "head": {"bold": True, "text_wrap": True, "bottom": 1, "valign": "bottom", "bg_color": "#E8EEF3"},
    "title": {"bold": True, "font_size": 14},
    "note": {"italic": True, "font_color": "#55636F", "text_wrap": True},
    "bold": {"bold": True},
    "fill": {"bg_color": "#FFF7DC", "border": 1, "border_color": "#C9B46A", "locked": False},
    "fill_date": {
        "bg_color": "#FFF7DC", "border": 1, "border_color": "#C9B46A", "locked": False, "num_format": "yyyy-mm-dd",
    },
}  # fmt: skip

#: A fixed date, so that a workbook's bytes depend only on its content.
_CREATED = dt.datetime(2000, 1, 1)


@dataclass(frozen=True)
class Column:
    """One column of a sheet."""

    name: str
    title: str
    kind: Kind
    width: float = 14


class Book:
    """A workbook being written."""

    def __init__(self, workbook: xlsxwriter.Workbook, *, is_synthetic: bool = False) -> None:
        self.workbook = workbook
        self.is_synthetic = is_synthetic
        self._formats: dict[str, Format] = {}

    def format(self, name: str, *, is_quoted: bool = False) -> Format:
        """A format by name; ``is_quoted`` marks a cell whose text a spreadsheet must not execute."""
        key = f"{name} quoted" if is_quoted else name
        if key not in self._formats:
            quoted = {"quote_prefix": True} if is_quoted else {}
            self._formats[key] = self.workbook.add_format({"valign": "top", **_FORMATS[name], **quoted})
        return self._formats[key]

    def text(self, sheet: Worksheet, row: int, place: int, text: str, name: str | None = None) -> None:
        """Write a cell of text in the format ``name``. Text that looks like a formula stays text even if edited."""
        is_quoted = looks_like_formula(text)
        form = self.format(name or "text", is_quoted=is_quoted) if name or is_quoted else None
        sheet.write_string(row, place, text, form)

    def sheet(self, name: str, title: str, note: str = "") -> Worksheet:
        """Add a sheet with a title in its first row and a note in the second, set up to print on landscape pages."""
        sheet = self.workbook.add_worksheet(name)
        sheet.set_landscape()
        sheet.set_paper(1)
        sheet.fit_to_pages(1, 0)
        sheet.set_footer("&L&A&RPage &P of &N")
        if self.is_synthetic:
            sheet.set_header(f'&C&"Arial,Bold"&14{MARK} DATA')
            sheet.set_tab_color("#8A1C14")
            title = f"{MARK} DATA · {title}"
        self.text(sheet, 0, 0, title, "title")
        if note:
            self.text(sheet, 1, 0, note)
        return sheet

    def table(self, name: str, title: str, columns: Sequence[Column], rows: Iterable[Any], note: str = "") -> Worksheet:
        """Add a sheet with one table; its header is frozen and has filters. ``rows`` are mappings by column name."""
        sheet = self.sheet(name, title, note)
        self.write_rows(sheet, 3, columns, rows)
        sheet.freeze_panes(4, 1)
        return sheet

    def write_rows(self, sheet: Worksheet, first: int, columns: Sequence[Column], rows: Iterable[Any]) -> int:
        """Write a header and rows, starting at row ``first``; returns the row after the last."""
        for place, column in enumerate(columns):
            sheet.set_column(place, place, column.width)
            self.text(sheet, first, place, column.title, "head")
        line = first
        for row in rows:
            line += 1
            for place, column in enumerate(columns):
                self.cell(sheet, line, place, row[column.name], column.kind)
        if line > first:
            sheet.autofilter(first, 0, line, len(columns) - 1)
        sheet.repeat_rows(first)
        return line + 1

    def cell(self, sheet: Worksheet, row: int, place: int, value: Any, kind: Kind) -> None:
        """Write one cell according to its type; text is always written as text."""
        if value is None or value == "":
            return
        form = self.format(kind)
        if isinstance(value, bool):
            sheet.write_string(row, place, "Yes" if value else "No", form)
        elif isinstance(value, Decimal | int):
            sheet.write_number(row, place, float(value), form)
        elif isinstance(value, dt.date):
            sheet.write_datetime(row, place, dt.datetime(value.year, value.month, value.day), form)
        else:
            self.text(sheet, row, place, str(value), kind)


@contextmanager
def book(title: str, subject: str, *, is_synthetic: bool = False) -> Iterator[tuple[Book, io.BytesIO]]:
    """A workbook in memory; its bytes are complete when the block ends. Synthetic data are marked on every sheet."""
    stream = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    workbook = xlsxwriter.Workbook(stream, options)
    workbook.set_properties({"title": title, "subject": subject, "created": _CREATED})
    yield Book(workbook, is_synthetic=is_synthetic), stream
    workbook.close()

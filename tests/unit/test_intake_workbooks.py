"""Workbooks whose cells or sheets would silently be read wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from hcip_pipeline.files.received import Ceiling
from hcip_pipeline.tables.workbooks import WorkbookError, sheet_rows

CEILING = Ceiling(1 << 20, unpacked=1 << 24, times=1000, harmless=1 << 24, rows=1000)
HEADER = ["hospital_ccn", "account_no", "total_charges"]


def _book(path: Path, sheets: dict[str, list[list[Any]]]) -> Path:
    with xlsxwriter.Workbook(str(path)) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                for place, value in enumerate(row):
                    sheet.write(number, place, value)
    return path


def _read(path: Path) -> list[list[str]]:
    return [cells for _, cells in sheet_rows(path, "discharges", ["total_charges"], CEILING)]


def test_a_second_sheet_with_the_same_columns_is_refused(tmp_path: Path) -> None:
    rows = [HEADER, ["210012", "A1", 10]]
    path = _book(tmp_path / "a.xlsx", {"discharges": rows, "discharges_mar": rows})
    with pytest.raises(WorkbookError, match="second sheet with the same columns"):
        _read(path)


def test_sheets_of_other_tables_and_notes_are_left_alone(tmp_path: Path) -> None:
    charges = [["hospital_ccn", "account_no", "revenue_code", "charge"], ["210012", "A1", "0120", 10]]
    notes = [["Sent by the finance department"]]
    path = _book(tmp_path / "a.xlsx", {"discharges": [HEADER], "charges": charges, "notes": notes})
    assert _read(path) == [HEADER]


def test_a_number_of_more_digits_than_excel_keeps_has_an_exponent(tmp_path: Path) -> None:
    path = _book(tmp_path / "a.xlsx", {"discharges": [HEADER, ["210012", 9990012345000001, 10]]})
    assert _read(path)[1] == ["210012", "9.99001E+15", "10.00"]


def test_a_cell_with_an_error_of_excels_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("discharges")
        for place, value in enumerate(HEADER):
            sheet.write(0, place, value)
        sheet.write(1, 0, "210012")
        sheet.write_formula(1, 1, "=VLOOKUP(1,A1:B2,2)", None, "#N/A")
    with pytest.raises(WorkbookError, match="such as #N/A: B2"):
        _read(path)

"""Submissions as Excel workbooks: sheets, formulas, row numbers."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter

from hcip_pipeline.intake.hospital.judging import Judge
from tests.intake_submissions import CCN, Draft
from tests.unit.intake_shapes.shapes import (
    files,
    judged,
    lake_rows,
    rules_met,
)

pytestmark = pytest.mark.slow


def workbook(path: Path, sheets: dict[str, pl.DataFrame], *, skipped: int = 0, as_numbers: bool = True) -> bytes:
    """A workbook as a person makes it: dates as dates, and anything that looks like a number as a number."""
    with xlsxwriter.Workbook(path) as book:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for name, frame in sheets.items():
            sheet = book.add_worksheet(name)
            sheet.write_row(skipped, 0, frame.columns)
            for n, row in enumerate(frame.rows(), start=skipped + 1):
                for place, (column, cell) in enumerate(zip(frame.columns, row, strict=True)):
                    if cell in (None, ""):
                        continue
                    if column.endswith("_date"):
                        sheet.write_datetime(n, place, dt.datetime.fromisoformat(cell), day)
                    elif as_numbers and cell.replace(".", "", 1).isdigit() and column not in ("patient_id", "zip_code"):
                        sheet.write_number(n, place, float(cell))
                    else:
                        sheet.write_string(n, place, cell)
    return path.read_bytes()


@pytest.mark.parametrize("layout", ["one workbook", "a workbook each", "both sheets in discharges.xlsx"])
def test_a_workbook_is_read_as_the_plain_file(
    judge: Judge, plain: list[list[tuple[object, ...]]], tmp_path: Path, layout: str
) -> None:
    draft = Draft()
    both = {"Discharges": draft.discharges, "charges": draft.charges}
    whole = workbook(tmp_path / "w.xlsx", both, skipped=2)
    sent_as = {
        "one workbook": {"Hospital 1 Q1.xlsx": whole},
        "both sheets in discharges.xlsx": {"discharges.xlsx": whole},
        "a workbook each": {
            f"{name}.xlsx": workbook(tmp_path / f"{name}.xlsx", {"Sheet1": frame}) for name, frame in both.items()
        },
    }[layout]
    receipt = judged(judge, tmp_path / CCN, sent_as)
    assert receipt.status == "accepted", receipt.problems
    padded = {"D-CODE-PADDED apr_drg", "D-CODE-PADDED discharge_disposition", "D-CODE-PADDED source_of_admission",
              "D-CODE-PADDED primary_payer", "C-CODE-PADDED revenue_code"}  # fmt: skip
    assert set(rules_met(receipt)) == padded
    assert lake_rows(judge) == plain


def test_other_sheets_are_reported_once(judge: Judge, tmp_path: Path) -> None:
    draft = Draft()
    notes = pl.DataFrame({"made by": ["K"], "on": ["Monday"]})
    sheets = {"discharges": draft.discharges, "Notes": notes, "charges": draft.charges, "Q1-123-45-6789": notes}
    receipt = judged(judge, tmp_path / CCN, {"w.xlsx": workbook(tmp_path / "w.xlsx", sheets, as_numbers=False)})
    (reported,) = receipt.problems
    assert (receipt.status, reported.rule) == ("accepted", "F-SHEETS-IGNORED")
    assert reported.message.endswith("'Notes', 'A9-999-99-9999'")


def _books(folder: Path) -> dict[str, bytes]:
    draft = Draft()
    both = {"discharges": draft.discharges, "charges": draft.charges}
    return {
        "both": workbook(folder / "both.xlsx", both),
        "discharges": workbook(folder / "d.xlsx", {"Discharges ": draft.discharges}),
        "charges": workbook(folder / "c.xlsx", {"charges": draft.charges}),
        "else": workbook(folder / "e.xlsx", {"Sheet1": draft.discharges}),
    }


#: Case -> (workbooks by name, tables with CSV files next to them, rules that refuse).
SEVERAL: dict[str, tuple[dict[str, str], list[str], list[str]]] = {
    "two workbooks of both tables": ({"a.xlsx": "both", "b.xlsx": "both"}, [], ["F-AMBIGUOUS"] * 2),
    "two workbooks without a table's name": ({"a.xlsx": "else", "b.xlsx": "else"}, [], ["F-AMBIGUOUS"] * 2),
    "a workbook and a CSV file of one table": ({"a.xlsx": "both"}, ["charges"], ["F-AMBIGUOUS"]),
    "a sheet and a file of the other table": ({"discharges.xlsx": "both"}, ["charges"], ["F-AMBIGUOUS"]),
    "a workbook each under other names": ({"a.xlsx": "discharges", "b.xlsx": "charges"}, [], []),
    "a workbook and a CSV file": ({"a.xlsx": "discharges"}, ["charges"], []),
}


@pytest.mark.parametrize("how", SEVERAL)
def test_a_repeated_table_is_refused(judge: Judge, tmp_path: Path, how: str) -> None:
    books, tables, expected = SEVERAL[how]
    made = _books(tmp_path)
    plainly = {f"{table}.csv": content for table in tables for content in [files(Draft())[f"{table}.csv"]]}
    receipt = judged(judge, tmp_path / CCN, plainly | {name: made[which] for name, which in books.items()})
    assert [problem.rule for problem in receipt.refusals] == expected
    assert not expected or all(name in receipt.refusals[0].message for name in books)


def test_a_workbook_s_rows_are_named_as_the_sheet_numbers_them(judge: Judge, tmp_path: Path) -> None:
    draft = Draft().set("discharges", 7, "apr_drg", "999")
    book = workbook(tmp_path / "w.xlsx", {"discharges": draft.discharges, "charges": draft.charges}, skipped=3)
    receipt = judged(judge, tmp_path / CCN, {"w.xlsx": book})
    (count,) = [c for c in receipt.rules if c.rule == "D-APR-DRG-UNKNOWN"]
    assert count.lines == (12,)  # three empty rows, the header, seven rows


def test_a_formula_is_read_by_its_stored_value_and_refused_without_one(judge: Judge, tmp_path: Path) -> None:
    draft = Draft()
    for value, name in ((draft.charges["charge"][0], "stored"), ("", "none")):
        path = tmp_path / f"{name}.xlsx"
        with xlsxwriter.Workbook(path) as book:
            for table in ("discharges", "charges"):
                sheet = book.add_worksheet(table)
                frame: pl.DataFrame = getattr(draft, table)
                sheet.write_row(0, 0, frame.columns)
                for n, row in enumerate(frame.rows(), start=1):
                    sheet.write_row(n, 0, ["" if cell is None else cell for cell in row])
                if table == "charges":
                    sheet.write_formula(1, 5, "=100*2", value=float(value) if value else "")
        receipt = judged(judge, tmp_path / name / CCN, {"w.xlsx": path.read_bytes()})
        if value:
            assert receipt.status == "accepted"
        else:
            (problem,) = receipt.refusals
            assert problem.rule == "F-FORMULA" and "F2" in problem.message

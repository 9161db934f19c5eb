"""A workbook of five kilobytes never expands into billions of cells."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest

from hcip_pipeline.contracts.hospital import CHARGES
from hcip_pipeline.files.received import WORKBOOK
from hcip_pipeline.intake.hospital.shapes import scan_any_shape
from hcip_pipeline.rules.hospital import RULES
from hcip_pipeline.tables.workbook_extent import MAX_MEMBERS, ExtentError, check_extent


def workbook(*cells: str) -> bytes:
    book = openpyxl.Workbook()
    for cell in cells:
        book.active[cell] = 1
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def check(content: bytes, **ceiling: int) -> None:
    check_extent(io.BytesIO(content), len(content), replace(WORKBOOK, **ceiling))


@pytest.mark.parametrize(
    ("cell", "reported"),
    [("XFD1", "2,000 columns"), ("ZZ300000", "cells"), ("A1048577", None), ("XFD1048576", "2,000 columns")],
)
def test_a_far_cell_is_found_before_memory_is_allocated(cell: str, reported: str | None) -> None:
    if reported is None:
        cell, reported, most = "A1000", "999 rows", {"rows": 999}
    else:
        most = {}
    with pytest.raises(ExtentError, match=reported):
        check(workbook("A1", cell), **most)


def test_ordinary_workbooks_pass() -> None:
    check(workbook("A1", "X50000"))
    check(workbook("F1000000"))


@pytest.mark.parametrize("place", ["r='ZZ300000'", 'r = "ZZ300000"', 't="n" r="zz300000"'])
def test_a_cell_reference_may_be_written_in_any_xml_form(place: str) -> None:
    made = io.BytesIO()
    filler = "<c/>" * 262_140  # so that the cell reference crosses two chunks
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", f"<sheetData><row>{filler}<c {place}/></row></sheetData>")
    with pytest.raises(ExtentError):
        check(made.getvalue())


def test_too_many_or_too_large_members_are_named() -> None:
    many = io.BytesIO()
    with zipfile.ZipFile(many, "w") as archive:
        for number in range(MAX_MEMBERS + 1):
            archive.writestr(str(number), b"")
    with pytest.raises(ExtentError, match="files"):
        check(many.getvalue())
    with pytest.raises(ExtentError, match="unpacks to more than 1 KiB"):
        check(workbook("A1"), harmless=1024, times=0)


def test_a_hospitals_workbook_of_billions_of_cells_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "charges.xlsx"
    path.write_bytes(workbook("A1", "ZZ300000"))
    problem = scan_any_shape(path, CHARGES, tmp_path).problem
    assert problem is not None and RULES[problem.rule].refuses and "cells" in problem.message

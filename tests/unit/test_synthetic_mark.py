"""Every file of a release of invented data carries the mark; other releases are unchanged."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import openpyxl
import polars as pl
import pytest
from click.testing import CliRunner

from hcip_pipeline.commands.check import command
from hcip_pipeline.contracts.table import Column, Table
from hcip_pipeline.reference.invented import MARK, is_synthetic
from hcip_pipeline.release.synthetic_mark import marked_document
from hcip_pipeline.release.tables import write_csv, write_table
from hcip_pipeline.reports.workbook import book
from hcip_pipeline.simulation.comparison import Simulation
from tests.intake_submissions import Draft

TABLE = Table(
    "payments", "one row per payment", (Column("npi", "text", "NPI", key=True), Column("cases", "integer", "n"))
)
FRAME = pl.DataFrame({"npi": ["1", "2"], "cases": [3, 4]})


def test_invented_data_are_recognized_by_their_rates() -> None:
    real, invented = pl.DataFrame({"source": ["rate order", None]}), pl.DataFrame({"source": ["SYNTHETIC: invented"]})
    assert not is_synthetic([real, pl.DataFrame({"year": [1]})]) and is_synthetic([real, invented])


def test_a_table_has_one_more_column_as_csv_and_as_parquet(tmp_path: Path) -> None:
    plain = write_table(FRAME, TABLE, tmp_path, "plain")
    marked = write_table(FRAME, TABLE, tmp_path, "marked", is_synthetic=True)
    assert plain[0].path.read_bytes() == b"npi,cases\r\n1,3\r\n2,4\r\n"
    assert marked[0].path.read_bytes() == b"npi,cases,SYNTHETIC\r\n1,3,\r\n2,4,\r\n"
    assert tuple(pl.read_parquet(marked[1].path).columns) == marked[0].table.names == ("npi", "cases", MARK)


def test_a_page_is_marked_above_everything_and_on_paper() -> None:
    page = b'<!DOCTYPE html><html><head></head><body class="x">\n<h1>Report</h1></body></html>'
    marked = marked_document(page, "text/html").decode()
    assert marked.index("SYNTHETIC DATA") < marked.index("<h1>") and "@media print" in marked
    assert "@page{@bottom-left{content:'SYNTHETIC DATA" in marked and "://" not in marked
    assert "position:fixed" not in marked  # it would cover the text of each sheet


def test_a_csv_document_keeps_its_cells() -> None:
    content = b'what,"said, or so"\r\n"two\nlines",x\r\n'
    rows = list(csv.reader(io.StringIO(marked_document(content, "text/csv").decode(), newline="")))
    assert rows == [["what", "said, or so", MARK], ["two\nlines", "x", ""]]
    assert marked_document(b"{}", "application/json") == b"{}"


def test_every_sheet_of_a_workbook_is_marked() -> None:
    with book("Title", "Subject", is_synthetic=True) as (made, stream):
        made.sheet("One", "Payments")
        made.sheet("Two", "Quality")
    for sheet in openpyxl.load_workbook(io.BytesIO(stream.getvalue())):
        assert str(sheet["A1"].value).startswith("SYNTHETIC DATA") and "SYNTHETIC" in sheet.oddHeader.center.text


def test_tables_computed_from_an_invented_release_are_marked(tmp_path: Path) -> None:
    """The tables that `hcip simulate` writes; `hcip certainty` does it in the same way."""
    for is_invented, header in ((True, "npi,cases,SYNTHETIC"), (False, "npi,cases")):
        simulated = Simulation("2025H1", "r1", FRAME, FRAME, FRAME, is_invented)
        for path in simulated.write(tmp_path):
            assert path.read_text(encoding="utf-8").splitlines()[0] == header
        assert simulated.as_dict().get("synthetic", False) is is_invented
    write_csv(FRAME, tmp_path / "plain.csv")
    assert MARK not in (tmp_path / "plain.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize("source", ["SYNTHETIC: invented with the state", "rate order of 2025"])
def test_the_page_of_a_check_is_marked(tmp_path: Path, source: str) -> None:
    inbox, page = tmp_path / "inbox", tmp_path / "findings.html"
    folder = Draft(ccn="210801", count=30).write(inbox / "hospital" / "2025Q1" / "210801")
    (inbox / "reference").mkdir()
    (inbox / "reference" / "hospitals.csv").write_text("ccn,name,acute,county,system\n210801,Alder,Y,,\n")
    rates = "".join(f"2025,{name},1.0,{source}\n" for name in ("total", "core", "supply_drug"))
    (inbox / "reference" / "cost_index.csv").write_text("calendar_year,component,index_value,source\n" + rates)
    found = CliRunner().invoke(command, [str(folder), "--html", str(page)])
    assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
    text = page.read_text(encoding="utf-8")
    assert "2025Q1/210801" in text
    assert ("SYNTHETIC DATA" in text) is source.startswith(MARK)

"""National lists of hundreds of columns and millions of rows: both ways of reading give the same columns."""

from __future__ import annotations

import datetime as dt
import gzip
import time
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from hcip_pipeline.files import received as received_files
from hcip_pipeline.intake.kept_files import check_kept_files
from hcip_pipeline.reference import wide_lists
from hcip_pipeline.reference.nppes import read_nppes
from hcip_pipeline.reference.order_and_referring import read_order_and_referring
from hcip_pipeline.rules.rendering import render_text
from hcip_pipeline.tables.refusals import TableRefusedError
from tests.screening_lists import NPPES_COUNTING, NPPES_WIDE, nppes_text, ordering_text, put_list

ROWS = [
    ("1111111112", "1", "", ""),
    ("1222222224", "2", "", ""),
    ("1333333336", "", "03/14/2025", ""),
    ("1444444448", "1", "3/4/2024 0:00", "2024-06-01"),
    ("", "2", "", ""),
]
IRREGULAR = [
    ("1222222224", True, None, None),
    ("1333333336", False, dt.date(2025, 3, 14), None),
    ("1444444448", False, dt.date(2024, 3, 4), dt.date(2024, 6, 1)),
]


@pytest.fixture(params=["as a table that people keep", "by column"])
def by_column(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Both ways of reading, whatever the file's size."""
    if request.param == "by column":
        monkeypatch.setattr(wide_lists, "TABLE", replace(received_files.TABLE, bytes=0))
    return bool(request.param == "by column")


@pytest.mark.parametrize("columns", [NPPES_COUNTING, NPPES_WIDE], ids=["that count", "330"])
@pytest.mark.parametrize("name", ["nppes.csv", "NPPES.csv", "nppes.csv.gz"])
def test_nppes_is_read_by_its_columns(tmp_path: Path, by_column: bool, columns: tuple[str, ...], name: str) -> None:
    assert len(NPPES_WIDE) == 330
    text = nppes_text(ROWS, columns)
    path = put_list(tmp_path, name, text)
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(text.encode()))
    found = read_nppes(path, tmp_path)
    irregular = found.irregular.select("npi", "is_organization", "deactivated_on", "reactivated_on")
    assert irregular.rows() == IRREGULAR
    assert (found.columns.rows, found.newest) == (5, dt.date(2025, 3, 14))
    assert found.irregular.get_column("file line").to_list() == [3, 4, 5]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (nppes_text(ROWS).replace("Entity Type Code", "Entity"), "COLUMN-MISSING"),
        (nppes_text(ROWS).replace("03/14/2025", "14/03/2025"), "CELL-FORMAT"),
        (nppes_text([*ROWS, ("1.22E+09", "2", "", "")]), "DIGITS-LOST"),
        (nppes_text(ROWS) + '"1","2"\r\n', "ROW-RAGGED"),
        (nppes_text(ROWS).replace("NPI Deactivation Date", "NPI"), "COLUMN-REPEATED"),
    ],
)
def test_files_that_would_be_misread_are_refused(tmp_path: Path, by_column: bool, text: str, rule: str) -> None:
    path = put_list(tmp_path, "nppes.csv", text)
    with pytest.raises(TableRefusedError) as refused:
        read_nppes(path)
    assert rule in refused.value.counts
    (verdict,) = check_kept_files(path) or []
    assert not verdict.accepted and rule in [problem.rule for problem in verdict.problems]
    assert "1222222224" not in render_text([verdict.verdict])  # no cell of the file


def test_delimiters_line_ends_and_blank_lines_do_not_matter(tmp_path: Path, by_column: bool) -> None:
    text = "\ufeff" + nppes_text(ROWS).replace('","', '"|"').replace("\r\n", "\n").replace('"1222', '\n"1222')
    assert read_nppes(put_list(tmp_path, "nppes.csv", text)).irregular.height == 3


@pytest.mark.parametrize("make", ["link", "pipe", "absent", "packed badly"])
def test_anything_but_a_file_is_refused(tmp_path: Path, make: str) -> None:
    path = tmp_path / ("nppes.csv.gz" if make == "packed badly" else "nppes.csv")
    if make == "link":
        path.symlink_to(put_list(tmp_path, "other.csv", nppes_text(ROWS)))
    elif make == "pipe":
        import os

        os.mkfifo(path)
    elif make == "packed badly":
        path.write_bytes(b"\x1f\x8b" + b"x" * (4 * 1024 * 1024))
    with pytest.raises(TableRefusedError):
        read_nppes(path)


def test_rows_over_the_ceiling_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wide_lists, "TABLE", replace(received_files.TABLE, bytes=0))
    monkeypatch.setattr(wide_lists, "WIDE_LIST", replace(received_files.WIDE_LIST, rows=4))
    with pytest.raises(TableRefusedError, match="more than 4 rows"):
        read_nppes(put_list(tmp_path, "nppes.csv", nppes_text(ROWS)))


def test_the_order_and_referring_list_is_read_and_another_list_refused(tmp_path: Path, by_column: bool) -> None:
    path = put_list(tmp_path, "Order_And_Referring.csv", ordering_text(["1111111112", "", "x", "0000000000"]))
    found = read_order_and_referring(path, tmp_path)
    assert (found.npis.to_list(), found.columns.rows) == (["1111111112"], 4)
    other = put_list(tmp_path, "order_and_referring.csv", nppes_text(ROWS))
    with pytest.raises(TableRefusedError, match="partb"):
        read_order_and_referring(other, tmp_path)


@pytest.mark.slow
def test_a_wide_file_is_read_fast_and_in_little_memory(tmp_path: Path) -> None:
    """9 GB must be readable in a coffee break: under 12 processor seconds per gigabyte, and little memory."""
    width = len(NPPES_WIDE)
    places = [NPPES_WIDE.index(name) for name in NPPES_COUNTING[:2]]
    line = ['""'] * width
    line[10] = '"A NAME, WITH A COMMA"'
    rows = []
    for number in range(100_000):
        line[places[0]], line[places[1]] = f'"{1_000_000_000 + number}"', '"2"' if number % 5 == 0 else '"1"'
        rows.append(",".join(line))
    path = put_list(tmp_path, "nppes.csv", nppes_text([], NPPES_WIDE) + "\r\n".join(rows) + "\r\n")
    gigabytes = path.stat().st_size / 1e9
    start = time.process_time()
    found = read_nppes(path)
    spent = time.process_time() - start
    assert (found.columns.rows, found.irregular.height) == (100_000, 20_000)
    assert found.irregular.schema["npi"] == pl.String
    assert spent < 12 * gigabytes + 1, f"{spent:.1f} s for {gigabytes:.2f} GB"

"""The OIG's list as published: whom it excludes in a period, and what is reported about it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from hcip_pipeline.intake.kept_files import check_kept_files
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.reference.exclusions import excluded_in_period, state_of
from hcip_pipeline.reference.leie import COLUMNS, ExclusionList, read_leie
from hcip_pipeline.reference.tables import unknown_reference_files
from hcip_pipeline.rules.rendering import render_text
from hcip_pipeline.tables.refusals import TableRefusedError
from tests.screening_lists import excluded, leie_text, put_list

PERIOD = PerformancePeriod(2025, 1)
NPI, OTHER = "1234567893", "1215000005"
REAL = Path(__file__).parents[2].parent / "shared" / "data" / "formats" / "leie" / "UPDATED_example.csv"


def read(tmp_path: Path, *rows: dict[str, str], name: str = "leie.csv", text: str | None = None) -> ExclusionList:
    path = put_list(tmp_path, name, leie_text(rows) if text is None else text)
    return read_leie(path, "MD", tmp_path)


def preflight(path: Path) -> list[tuple[object, object]]:
    """Rule and row of each fault that `hcip check` finds in a file, which must then be refused."""
    (verdict,) = check_kept_files(path) or []
    assert verdict.accepted == (not verdict.problems)
    assert all(len(line) <= 80 for line in render_text([verdict.verdict]).splitlines())
    return [(problem.rule, problem.row) for problem in verdict.problems]


@pytest.mark.parametrize(
    ("cells", "is_excluded"),
    [
        ({}, True),
        ({"excldate": "20250801"}, True),  # before the payment
        ({"excldate": "20260801"}, False),
        ({"reindate": "20240101"}, False),
        ({"reindate": "20250301"}, True),
        ({"waiverdate": "20210101", "wvrstate": "MD"}, False),
        ({"waiverdate": "20210101", "wvrstate": "VA"}, True),
        ({"waiverdate": "00000000", "wvrstate": "MD"}, True),
        ({"npi": "0000000000"}, False),
        ({"npi": ""}, False),
        ({"npi": " 1234567893 "}, True),
        ({"npi": "1234567893.0"}, True),
    ],
)
def test_the_list_excludes_people_in_the_right_periods(
    tmp_path: Path, cells: dict[str, str], is_excluded: bool
) -> None:
    found = read(tmp_path, excluded(**({"npi": NPI} | cells)), name="LEIE.csv")
    npis = excluded_in_period(found.individuals, PERIOD).get_column("npi").to_list()
    assert npis == ([NPI] if is_excluded else [])
    assert unknown_reference_files(tmp_path) == []


def test_every_row_of_the_list_is_accounted_for(tmp_path: Path) -> None:
    waived = excluded(npi=OTHER, waiverdate="20210101", wvrstate="MD")
    nameless = excluded(lastname="", firstname="", midname="")
    rows = [excluded(npi=NPI), excluded(npi=NPI), excluded(), waived, nameless]
    found = read(tmp_path, *rows)
    parts = (found.individuals.height, found.by_name.height, found.waived.height, found.repeated, found.nameless)
    assert parts == (1, 1, 1, 1, 1) and found.columns.rows == 5
    assert found.newest == dt.date(2020, 1, 1)


@pytest.mark.parametrize("npi", ["12345X7893", "?", "12345678931", "١٢٣٤٥٦٧٨٩٣"])
def test_a_row_with_an_unreadable_npi_is_accepted_and_compared_by_name(tmp_path: Path, npi: str) -> None:
    found = read(tmp_path, excluded(npi=OTHER), excluded(npi=npi))
    assert (found.individuals.height, found.by_name.height) == (1, 1)


@pytest.mark.parametrize(
    ("cells", "column", "rule"),
    [
        ({"excldate": "20201301"}, "excldate", "CELL-FORMAT"),
        ({"excldate": ""}, "excldate", "CELL-FORMAT"),
        ({"npi": NPI, "excldate": "00000000"}, "excldate", "CELL-FORMAT"),
        ({"reindate": "soon"}, "reindate", "CELL-FORMAT"),
        ({"waiverdate": "2021"}, "waiverdate", "CELL-FORMAT"),
        ({"npi": "1.23457E+09"}, "npi", "DIGITS-LOST"),
    ],
)
def test_cells_that_would_be_misread_are_refused_with_their_row(
    tmp_path: Path, cells: dict[str, str], column: str, rule: str
) -> None:
    with pytest.raises(TableRefusedError) as refused:
        read(tmp_path, excluded(npi=OTHER), excluded(**cells))
    assert [(problem.row, problem.column, problem.rule) for problem in refused.value.problems] == [(3, column, rule)]
    assert preflight(tmp_path / "reference" / "leie.csv") == [(rule, 3)]


def test_a_list_saved_by_a_spreadsheet_is_read(tmp_path: Path) -> None:
    # The all-zero NPIs and dates have lost their zeros; the delimiter depends on the computer's language.
    cells = {"npi": "0", "reindate": "0", "waiverdate": "0"}
    text = leie_text([excluded(**cells), excluded(npi=NPI, excldate="20200101.0", reindate="0")])
    found = read(tmp_path, text=text.replace('","', '";"'))
    assert (found.by_name.height, found.individuals.height) == (1, 1)
    assert found.individuals.get_column("effective_date").to_list() == [dt.date(2020, 1, 1)]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "FILE-EMPTY"),
        ("npi,source,effective_date,reinstated_date\n1234567893,OIG,2024-01-01,\n", "COLUMN-MISSING"),
        (leie_text([excluded()]).replace('"EXCLDATE"', '"EXCL_DATE"'), "COLUMN-MISSING"),
        (leie_text([excluded()]).replace('"WVRSTATE"', '"ZIP2"').replace('"WAIVERDATE"', '"W"'), "COLUMN-MISSING"),
        ("LEIE Downloadable Database\n" + leie_text([excluded()]), "TITLE-ROW"),
        (leie_text([excluded()]) + '"SHORT"\r\n', "ROW-RAGGED"),
        ("<html><body>moved</body></html>\n", "COLUMN-MISSING"),
    ],
)
def test_a_file_that_is_not_the_list_is_refused(tmp_path: Path, text: str, rule: str) -> None:
    path = put_list(tmp_path, "leie.csv", text)
    with pytest.raises(TableRefusedError) as refused:
        read_leie(path, "MD")
    assert rule in refused.value.counts
    assert preflight(path) == [(problem.rule, problem.row) for problem in refused.value.problems]


def test_a_misspelled_column_is_named(tmp_path: Path) -> None:
    path = put_list(tmp_path, "leie.csv", leie_text([excluded()]).replace('"EXCLDATE"', '"EXCL_DATE"'))
    (verdict,) = check_kept_files(path) or []
    assert "is 'excl_date' meant?" in " ".join(render_text([verdict.verdict]).split())


def test_the_published_example_is_read(tmp_path: Path) -> None:
    if not REAL.is_file():
        pytest.skip("the example of the OIG's list is not on this machine")
    path = put_list(tmp_path, "leie.csv", REAL.read_text(encoding="utf-8"))
    found = read_leie(path, "MD")
    assert found.individuals.get_column("npi").to_list() == ["1234567893", "1972902351"]
    assert found.by_name.get_column("busname").to_list() == ["#1 MARKETING SERVICE, INC"]
    assert tuple(found.columns.columns) == COLUMNS


def test_a_list_under_its_publishers_name_is_noticed(tmp_path: Path) -> None:
    for name in ("UPDATED.csv", "npidata_pfile_20050523-20250907.csv", "OrderReferring.csv"):
        put_list(tmp_path, name, "")
    meant = [text.rsplit("perhaps ")[1] for text in unknown_reference_files(tmp_path)]
    assert sorted(meant) == ["leie.csv?)", "nppes.csv?)", "order_and_referring.csv?)"]


def test_the_state_is_that_of_the_hospitals() -> None:
    assert (state_of(["210001", "210043"]), state_of(["210001", "330101"]), state_of(["990001"])) == ("MD", "", "")
    assert [state_of([f"{code}0001"]) for code in ("05", "11", "33", "45", "53")] == ["CA", "GA", "NY", "TX", "WY"]

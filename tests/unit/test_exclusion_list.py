"""The OIG's list as it is published: whom it excludes in a period, and what of it is told."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from hcip_pipeline.home import Home
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.reference.exclusions import state_of, write_lake_exclusions
from hcip_pipeline.reference.leie import COLUMNS, read_leie
from hcip_pipeline.reference.tables import unknown_reference_files
from hcip_pipeline.tables.problems import TableRefusedError

PERIOD = PerformancePeriod(2025, 1)
NPI, OTHER = "1234567893", "1215000005"


def listed(npi: str = NPI, excluded: str = "20200101", back: str = "00000000", waived: str = "00000000",
           state: str = "") -> str:  # fmt: skip
    cells = dict.fromkeys(COLUMNS, "") | {
        "lastname": "DOE", "firstname": "JANE", "npi": npi, "excldate": excluded, "reindate": back,
        "waiverdate": waived, "wvrstate": state, "address": "12 W MAIN ST, APT 4",
    }  # fmt: skip
    return ",".join(f'"{cell}"' for cell in cells.values())


def home_with(tmp_path: Path, *rows: str, name: str = "leie.csv") -> Home:
    home = Home(tmp_path)
    folder = home.inbox / "reference"
    folder.mkdir(parents=True)
    (folder / name).write_text("\n".join([",".join(COLUMNS).upper(), *rows, ""]))
    return home


def excluded(home: Home) -> list[tuple[object, ...]]:
    return pl.read_parquet(write_lake_exclusions(home, PERIOD)).select("npi", "source").rows()


@pytest.mark.parametrize(
    ("row", "is_excluded"),
    [
        (listed(), True),
        (listed(excluded="20250801"), True),  # before the payment
        (listed(excluded="20260801"), False),
        (listed(back="20240101"), False),
        (listed(back="20250301"), True),
        (listed(waived="20210101", state="MD"), False),
        (listed(waived="20210101", state="VA"), True),
        (listed(npi="0000000000"), False),
    ],
)
def test_whom_the_list_excludes_in_a_period(tmp_path: Path, row: str, is_excluded: bool) -> None:
    home = home_with(tmp_path, row, name="LEIE.csv")
    assert excluded(home) == ([(NPI, "OIG")] if is_excluded else [])
    assert unknown_reference_files(home.inbox) == []


def test_the_receipt_counts_every_row(tmp_path: Path) -> None:
    home = home_with(
        tmp_path, listed(), listed(), listed(npi="0000000000"), listed(npi=OTHER, waived="20210101", state="MD")
    )
    assert excluded(home) == [(NPI, "OIG")]
    receipt = json.loads((home.lake_program(PERIOD) / "leie.json").read_text())
    counts = {name: receipt[name] for name in ("rows", "with_npi", "without_npi", "repeated", "waived")}
    assert counts == {"rows": 4, "with_npi": 1, "without_npi": 1, "repeated": 1, "waived": 1}
    (home.inbox / "reference" / "leie.csv").unlink()
    assert excluded(home) == [] and not (home.lake_program(PERIOD) / "leie.json").exists()


def test_it_is_joined_to_the_list_that_is_kept_by_hand(tmp_path: Path) -> None:
    home = home_with(tmp_path, listed())
    own = f"npi,source,effective_date,reinstated_date\n{NPI},SAM,2021-01-01,\n{OTHER},SAM,2021-01-01,\n"
    (home.inbox / "reference" / "excluded_individuals.csv").write_text(own)
    assert excluded(home) == [(OTHER, "SAM"), (NPI, "OIG|SAM")]


@pytest.mark.parametrize(
    ("row", "column"), [(listed(npi="12345X7893"), "npi"), (listed(excluded="20201301"), "excldate")]
)
def test_what_cannot_be_read_is_refused_with_its_row(tmp_path: Path, row: str, column: str) -> None:
    home = home_with(tmp_path, listed(npi=OTHER), row)
    with pytest.raises(TableRefusedError) as refused:
        read_leie(home.inbox / "reference" / "leie.csv", "MD")
    assert [(problem.row, problem.column) for problem in refused.value.problems] == [(3, column)]


def test_the_state_is_the_hospitals_own() -> None:
    assert (state_of(["210001", "210043"]), state_of(["210001", "330101"]), state_of(["990001"])) == ("MD", "", "")

"""A state whose hospitals send bills is the state whose hospitals send tables: the same lake, and the same release.

But for provenance: the names and rows of the files that were sent, what their receipts count, and hashes of those.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from hcip_pipeline.assets.execution import settle
from hcip_pipeline.home import Home
from hcip_pipeline.intake.hospital.ingest import HospitalTable, lake_path
from hcip_pipeline.periods import Quarter
from tests.settled_home import PERIOD, QUARTERS, SettledHome, fill_inbox

TABLES: tuple[HospitalTable, ...] = ("discharges", "charges")
PROVENANCE = ("source_file", "source_row")


@pytest.fixture(scope="module")
def billed(settled_home: SettledHome, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The state of ``settled_home`` as ``hcip synth --format x12`` writes it, settled too."""
    home = Home(tmp_path_factory.mktemp("bills"))
    fill_inbox(home, "x12")
    settle(home, PERIOD)
    return home


@pytest.mark.parametrize("quarter", QUARTERS)
def test_bills_and_tables_of_a_quarter_make_the_same_lake(
    settled_home: SettledHome, billed: Home, quarter: str
) -> None:
    for table in TABLES:
        parts = sorted(settled_home.home.lake_hospital(table, Quarter.parse(quarter)).glob("*.parquet"))
        assert parts
        for path in parts:
            ours, theirs = (
                pl.read_parquet(lake_path(home, table, Quarter.parse(quarter), path.stem))
                for home in (billed, settled_home.home)
            )
            assert ours.drop(PROVENANCE).equals(theirs.drop(PROVENANCE))
            assert set(ours["source_file"]) == {"bills.837"} and set(theirs["source_file"]) == {f"{table}.csv"}


def release_of(home: Home) -> dict[str, Path]:
    folder = home.releases / str(PERIOD) / "r1"
    return {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}


#: What may differ: rules of bills among the findings on data, and what lists or seals them.
_FINDINGS = (
    "quality/HCIP_STATE_data_quality_2025H1_r1.csv", "reports/210809/data_quality.csv",
    "reports/210813/data_quality.csv",
)  # fmt: skip
_OF_FINDINGS = (
    "audit/audit_report.html", "datapackage.json", "quality/HCIP_STATE_data_quality_2025H1_r1.parquet",
    "regulator/keep_this.txt", "reports/210809/data_quality.html", "reports/210813/data_quality.html",
)  # fmt: skip


def test_bills_and_tables_make_the_same_release(settled_home: SettledHome, billed: Home) -> None:
    by_tables, by_bills = release_of(settled_home.home), release_of(billed)
    assert by_tables.keys() == by_bills.keys()
    different = {name for name, path in by_tables.items() if path.read_bytes() != by_bills[name].read_bytes()}
    assert different == {*_FINDINGS, *_OF_FINDINGS}
    for name in _FINDINGS:
        tables, bills = (pl.read_csv(files[name], infer_schema=False) for files in (by_tables, by_bills))
        assert bills.filter(~pl.col("rule").str.starts_with("B-")).equals(tables)

"""A state whose hospitals send bills is the state whose hospitals send tables: the same lake but for where rows lie."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from hcip_pipeline.contracts.hospital import CHARGES, DISCHARGES
from hcip_pipeline.home import Home
from hcip_pipeline.intake.hospital.ingest import HospitalTable, ingest_quarter, lake_path
from hcip_pipeline.periods import Quarter
from hcip_pipeline.policy.loader import load_policy
from hcip_pipeline.synthetic.x12_files import write_bills
from tests.bills import typed
from tests.settled_home import PERIOD, SettledHome

TABLES: tuple[HospitalTable, ...] = ("discharges", "charges")
PROVENANCE = ("source_file", "source_row")


def bill(home: Home, quarter: Quarter) -> None:
    """Put bills and grouping files in the place of the tables of a quarter."""
    for folder in (home.inbox / "hospital" / str(quarter)).iterdir():
        tables = {}
        for table in (DISCHARGES, CHARGES):
            path = folder / f"{table.name}.csv"
            tables[table.name] = typed(pl.read_csv(path, infer_schema=False), table)
            path.unlink()
        write_bills(folder, tables, f"{quarter.next().start}T06:00:00")


@pytest.mark.parametrize("quarter", PERIOD.quarters, ids=str)
def test_bills_and_tables_of_a_quarter_make_the_same_lake(
    settled_home: SettledHome, tmp_path: Path, quarter: Quarter
) -> None:
    home = settled_home.copy(tmp_path / "home", "inbox")
    bill(home, quarter)
    receipts = ingest_quarter(home, quarter, load_policy(home.inbox / "policy.yaml").policy)
    assert receipts and all(receipt.status == "accepted" for receipt in receipts)
    for receipt in receipts:
        assert receipt.shape and "counted" in {count.outcome for count in receipt.bills}
        for table in TABLES:
            ours, theirs = (
                pl.read_parquet(lake_path(place, table, quarter, receipt.stem)) for place in (home, settled_home.home)
            )
            assert ours.drop(PROVENANCE).equals(theirs.drop(PROVENANCE))
            assert set(ours["source_file"]) == {"bills.837"}

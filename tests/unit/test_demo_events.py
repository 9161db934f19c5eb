"""Events in the demo: a submission without its last discharges, a complete next version, pending screenings."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl

from hcip_pipeline.periods import PerformancePeriod, Quarter
from hcip_pipeline.synthetic.demo_events import deliver_late, keep_back
from tests.intake_submissions import CCN, Draft

PERIOD = PerformancePeriod(2025, 1)


def accounts(folder: Path, table: str) -> set[str]:
    return set(pl.read_csv(folder / f"{table}.csv", infer_schema=False)["account_no"])


def test_late_data_of_the_demo_arrive_as_the_next_version(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    first = inbox / "hospital" / "2025Q2" / CCN
    Draft(quarter=Quarter(2025, 2), count=100).write(first, control={"discharges": 100})
    whole = accounts(first, "discharges")
    partners = inbox / "program" / "2025H1" / "care_partners.csv"
    partners.parent.mkdir(parents=True)
    lines = [f"{CCN},1234567893,cleared", f"{CCN},1000000012,cleared", "210002,1234567893,cleared"]
    partners.write_text("hospital_ccn,npi,screening_status\n" + "\n".join(lines) + "\n")
    keep_back(inbox, PERIOD)
    keep_back(inbox, PERIOD)  # once
    assert partners.read_text().splitlines()[1:] == [lines[0].replace("cleared", "pending"), *lines[1:]]
    left = accounts(first, "discharges")
    assert len(left) == 60 and left < whole and accounts(first, "charges") == left
    totals = json.loads((first / "control_totals.json").read_text(encoding="utf-8"))
    assert totals | {"prepared_at": ""} == {
        "discharges": 60, "charge_lines": 180, "total_charges": "36000.00", "prepared_at": "",
    }  # fmt: skip
    assert deliver_late(inbox) == [f"2025Q2/{CCN}.r2"]
    assert accounts(first.with_name(f"{CCN}.r2"), "discharges") == whole
    keep_back(inbox, PERIOD)  # nor again after it was delivered
    assert accounts(first, "discharges") == left and deliver_late(inbox) == []

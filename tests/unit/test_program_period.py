"""A period's program files, protocols and exclusions accepted together."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import polars as pl
import pytest

from hcip_pipeline.contracts import program, protocol
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.period_intake import files_in_force, ingest_period
from hcip_pipeline.intake.program.ingest import read_program_file
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.policy.model import Policy
from hcip_pipeline.reference.tables import write_lake_reference

EXAMPLE = Path(__file__).parents[2] / "docs" / "protocol_example.yaml"
PERIOD = PerformancePeriod(2025, 1)
POLICY = Policy(version="v1", base_year=2023)
RESULTS = "hospital_ccn,npi,condition_id,met,source,reported_on\n210043,1234567893,chart,Y,,\n"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    for path, text in (
        ("protocols/210043/2025.yaml", EXAMPLE.read_text(encoding="utf-8")),
        ("protocols/210043/notes.txt", "x"),
        ("protocols/210044/2025.yaml", "hospital: ["),
        ("program/2025H1/condition_results.csv", RESULTS),
        (
            "reference/excluded_individuals.csv",
            "npi,source,effective_date,reinstated_date\n1234567893,OIG,2024-01-01,\n",
        ),
    ):
        (home.inbox / path).parent.mkdir(parents=True, exist_ok=True)
        (home.inbox / path).write_text(text, encoding="utf-8")
    return home


def test_every_table_of_the_period_is_written_and_conditions_are_compared(home: Home) -> None:
    intake = ingest_period(home, PERIOD, POLICY)
    for name in program.TABLES | protocol.TABLES:
        assert (home.lake_program(PERIOD) / f"{name}.parquet").exists(), name
    results = next(receipt for receipt in intake.program.receipts if receipt.table == "condition_results")
    assert results.rules_broken == {"CONDITION-UNKNOWN": 1}
    excluded = pl.read_parquet(home.lake_program(PERIOD) / "excluded_in_period.parquet")
    assert excluded.get_column("npi").to_list() == ["1234567893"]


def test_the_receipt_of_protocols_lists_each_file(home: Home) -> None:
    ingest_period(home, PERIOD, POLICY)
    receipt = json.loads((home.lake_program(PERIOD) / "receipts" / "protocols.json").read_text())
    assert receipt["unknown_files"] == ["210043/notes.txt"]
    reported = {p["hospital_ccn"]: (p["status"], p["in_force"], p["sha256"]) for p in receipt["protocols"]}
    good, bad = (
        hashlib.sha256((home.inbox / "protocols" / c / "2025.yaml").read_bytes()) for c in ("210043", "210044")
    )
    assert reported == {"210043": ("accepted", 1, good.hexdigest()), "210044": ("refused", 0, bad.hexdigest())}
    assert [each["rule"] for p in receipt["protocols"] for each in p["problems"]] == [
        "MEETINGS-TOO-FEW",
        "PROTOCOL-REFUSED",
    ]


def test_files_in_force_are_those_that_a_release_lists(home: Home) -> None:
    write_lake_reference(home.inbox, home.lake_reference)
    ingest_period(home, PERIOD, POLICY)
    (home.inbox / "program" / "2025H1" / "condition_results.csv").write_text("nonsense")
    ingest_period(home, PERIOD, POLICY)
    files = {str(file["file"]): file for file in files_in_force(home, PERIOD)}
    results = files["program/2025H1/condition_results.csv"]
    assert results["sha256"] == hashlib.sha256(RESULTS.encode()).hexdigest()
    assert {"protocols/210043/2025.yaml", "reference/excluded_individuals.csv", "shipped/hospitals.csv"} <= set(files)
    assert "protocols/210044/2025.yaml" not in files
    assert list(files) == sorted(files)


def test_a_preflight_judges_one_file_as_the_intake_would(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "pool_notices.csv"
    path.write_text("hospital_ccn,incentive_pool,contested,notice_date\n210043,5,maybe,2025-10-01\n")
    assert read_program_file(path, PERIOD)[0].rules_broken == {"VALUE-NOT-ALLOWED": 1}
    path.write_text("hospital_ccn,incentive_pool,contested,notice_date\n210043,5,Y,2025-10-01\n")
    assert read_program_file(path, PERIOD)[0].status == "accepted"
    with pytest.raises(HcipError, match="is not a program file"):
        read_program_file(path.rename(tmp_path / "pools.csv"), PERIOD)[0]

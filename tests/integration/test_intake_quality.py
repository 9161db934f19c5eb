"""Data quality: rates by rule against a year before and the state, worst first, and what may leave a hospital."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from hcip_pipeline.contracts.hospital import DATA_QUALITY
from hcip_pipeline.contracts.pandera_schemas import guard
from hcip_pipeline.home import Home
from hcip_pipeline.intake.hospital.ingest import ingest_quarter
from hcip_pipeline.intake.hospital.quality import data_quality, data_quality_page, state_page
from hcip_pipeline.periods import Quarter
from tests.intake_submissions import CCN, OTHER_CCN, POLICY, QUARTER, Draft, reference

BEFORE = Quarter(2024, 1)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """210001: 20 of 200 patient ids missing (2 of 200 the year before), one bad APR-DRG; 210002: 30 of 200 missing."""
    home = Home(tmp_path_factory.mktemp("home"))
    for ccn, quarter, missing in ((CCN, BEFORE, 2), (CCN, QUARTER, 20), (OTHER_CCN, QUARTER, 30)):
        draft = Draft(ccn=ccn, quarter=quarter, count=200)
        for row in range(missing):
            draft.set("discharges", row, "patient_id", "")
        if ccn == CCN and quarter == QUARTER:
            draft.set("discharges", 199, "apr_drg", "<b>")
        draft.send(home)
    third = Draft(ccn="210003", count=50).send(home)
    (third / "charges.csv").unlink()
    for quarter in (BEFORE, QUARTER):
        ingest_quarter(home, quarter, POLICY, reference=reference(ccns=(CCN, OTHER_CCN, "210003")))
    return home


def one(frame: pl.DataFrame, ccn: str, rule: str) -> dict[str, object]:
    return frame.filter(hospital_ccn=ccn, rule=rule).row(0, named=True)


def test_rates_stand_against_a_year_before_and_the_state(home: Home) -> None:
    frame = data_quality(home, [QUARTER])
    guard(frame, DATA_QUALITY, "data quality")
    row = one(frame, CCN, "D-PATIENT-ID-MISSING")
    assert (row["rows"], row["rows_read"], row["rate"]) == (20, 200, Decimal("0.1"))
    assert row["year_before_rate"] == Decimal("0.01")
    assert row["state_rate"] == Decimal("0.11111111")  # 50 of the 450 discharges of three hospitals
    assert one(frame, OTHER_CCN, "D-PATIENT-ID-MISSING")["year_before_rate"] is None


def test_the_worst_comes_first(home: Home) -> None:
    frame = data_quality(home, [QUARTER])
    assert frame.row(0, named=True)["rule"] == "F-MISSING" and frame.row(0, named=True)["status"] == "refused"
    order = frame.filter(rule="D-PATIENT-ID-MISSING").get_column("hospital_ccn").to_list()
    assert order == [OTHER_CCN, CCN]
    severities = frame.get_column("severity").to_list()
    assert severities.index("ERROR") < severities.index("WARN")


def test_small_counts_do_not_leave_a_hospital(home: Home) -> None:
    frame = data_quality(home, [QUARTER], small_cell_threshold=10)
    drg = one(frame, CCN, "D-APR-DRG-UNKNOWN")
    assert (drg["rows"], drg["rate"], drg["state_rate"]) == (None, None, None)
    missing = one(frame, CCN, "D-PATIENT-ID-MISSING")
    assert (missing["rows"], missing["year_before_rate"]) == (20, None)  # 2 of 200 the year before
    assert missing["state_rate"] == Decimal("0.11111111")
    assert not frame.filter(pl.col("rows").is_between(1, 10)).height


def test_a_page_needs_no_network_and_runs_nothing(home: Home) -> None:
    frame = data_quality(home, [QUARTER, BEFORE])
    page = data_quality_page(frame, CCN, "<script>alert(1)</script> & Sons")
    assert "<script" not in page and "http" not in page
    assert "&lt;script&gt;" in page
    assert page.index("2025Q1") < page.index("2024Q1")
    assert "10.00%" in page and "1.00%" in page and "11.11%" in page
    everybody = state_page(frame, {OTHER_CCN: "Second Hospital"})
    assert "Second Hospital" in everybody and "210003" in everybody


def test_nothing_broken_is_said_in_words(tmp_path: Path) -> None:
    home = Home(tmp_path)
    Draft().send(home)
    ingest_quarter(home, QUARTER, POLICY, reference=reference())
    frame = data_quality(home, [QUARTER])
    assert frame.is_empty() and dict(frame.schema) == {c.name: c.polars_type for c in DATA_QUALITY.columns}
    assert "No rule was broken" in data_quality_page(frame, CCN, "A hospital")

"""Data quality: rates by rule compared with a year earlier and the state, worst first, with small counts hidden."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from hcip_pipeline.contracts.hospital import DATA_QUALITY
from hcip_pipeline.contracts.pandera_schemas import guard
from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.hospital.ingest import ingest_quarter, receipts
from hcip_pipeline.intake.hospital.quality_of_data import STATE, counted, data_quality
from hcip_pipeline.periods import PerformancePeriod, Quarter
from hcip_pipeline.policy.loader import load_policy
from hcip_pipeline.release.data_quality import (
    few_not_accepted,
    hospital_documents,
    hospital_page,
    of_hospital,
    state_table,
    without_small_counts,
)
from hcip_pipeline.release.documents import Draft as Release
from hcip_pipeline.release.reading import ReleaseFiles
from tests.intake_submissions import CCN, OTHER_CCN, POLICY, QUARTER, Draft, reference

BEFORE = Quarter(2024, 1)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """210001: 20 of 200 patient ids missing (2 of 200 a year earlier), one bad APR-DRG; 210002: 30 of 200 missing."""
    home = Home(tmp_path_factory.mktemp("home"))
    for ccn, quarter, missing in ((CCN, BEFORE, 2), (CCN, QUARTER, 20), (OTHER_CCN, QUARTER, 30)):
        draft = Draft(ccn=ccn, quarter=quarter, count=200)
        for row in range(missing):
            draft.set("discharges", row, "patient_id", "")
        if ccn == CCN and quarter == QUARTER:
            draft.set("discharges", 199, "apr_drg", "<b>")
            draft.send(home)
            draft.set("discharges", 198, "sex", "X").send(home, 2)
            continue
        draft.send(home)
    third = Draft(ccn="210003", count=50).send(home)
    (third / "charges.csv").unlink()
    for quarter in (BEFORE, QUARTER):
        ingest_quarter(home, quarter, POLICY, reference=reference(ccns=(CCN, OTHER_CCN, "210003")))
    return home


def rates(home: Home) -> pl.DataFrame:
    return data_quality(counted(home, [QUARTER]), [QUARTER])


def reported(home: Home, threshold: int = 10) -> pl.DataFrame:
    return data_quality(without_small_counts(counted(home, [QUARTER]), threshold), [QUARTER])


def one(frame: pl.DataFrame, ccn: str, rule: str) -> dict[str, object]:
    return frame.filter(hospital_ccn=ccn, rule=rule).row(0, named=True)


def test_rates_are_compared_with_a_year_earlier_and_the_state(home: Home) -> None:
    frame = rates(home)
    guard(frame, DATA_QUALITY, "data quality")
    row = one(frame, CCN, "D-PATIENT-ID-MISSING")
    assert (row["rows"], row["rows_read"], row["rate"]) == (20, 200, Decimal("0.1"))
    assert row["year_before_rate"] == Decimal("0.01")
    assert row["state_rate"] == Decimal("0.11111111")  # 50 of the 450 discharges of three hospitals
    assert one(frame, STATE, "D-PATIENT-ID-MISSING")["rows"] == 50
    assert one(frame, OTHER_CCN, "D-PATIENT-ID-MISSING")["year_before_rate"] is None  # it sent nothing a year earlier
    assert one(frame, CCN, "D-APR-DRG-UNKNOWN")["year_before_rate"] == 0  # everything was valid


def test_refused_submissions_and_the_worst_rules_come_first(home: Home) -> None:
    frame = rates(home)
    assert frame.row(0, named=True)["rule"] == "F-MISSING" and frame.row(0, named=True)["status"] == "refused"
    order = frame.filter(rule="D-PATIENT-ID-MISSING").get_column("hospital_ccn").to_list()
    assert order == [OTHER_CCN, STATE, CCN]
    of_hospital = frame.filter(hospital_ccn=CCN).get_column("rule").to_list()
    assert of_hospital[:2] == [
        "D-APR-DRG-UNKNOWN",
        "C-DISCHARGE-QUARANTINED",
    ]  # consequences after their causes
    severities = frame.get_column("severity").to_list()
    assert severities.index("ERROR") < severities.index("WARN")


def test_small_counts_do_not_leave_a_hospital(home: Home) -> None:
    frame = reported(home)
    guard(frame, DATA_QUALITY, "data quality")
    drg = one(frame, CCN, "D-APR-DRG-UNKNOWN")
    assert (drg["rows"], drg["rate"], drg["state_rate"]) == (None, None, None)
    assert drg["suppressed"] == "rows|rate|state_rate"
    missing = one(frame, CCN, "D-PATIENT-ID-MISSING")
    assert (missing["rows"], missing["year_before_rate"]) == (20, None)  # 2 of 200 a year earlier
    assert missing["suppressed"] == "year_before_rate"
    assert missing["state_rate"] == Decimal("0.11111111")
    assert not frame.filter(pl.col("rows").is_between(1, 10)).height


def test_a_small_count_cannot_be_subtracted_from_the_states(home: Home) -> None:
    counts = counted(home, [QUARTER])
    one_small = pl.col("hospital_ccn").eq(CCN) & pl.col("rule").eq("D-PATIENT-ID-MISSING")
    of_state = pl.col("hospital_ccn").eq(STATE) & pl.col("rule").eq("D-PATIENT-ID-MISSING")
    now = pl.col("quarter") == str(QUARTER)
    fewer = pl.when(one_small & now).then(4).when(of_state & now).then(34).otherwise("rows").alias("rows")
    frame = data_quality(without_small_counts(counts.with_columns(fewer), 10), [QUARTER])
    rows = frame.filter(rule="D-PATIENT-ID-MISSING").select("hospital_ccn", "rows").rows()
    assert dict(rows)[CCN] is None
    assert None in (dict(rows)[OTHER_CCN], dict(rows)[STATE])


def test_the_number_of_rows_of_a_small_file_is_hidden(home: Home) -> None:
    frame = reported(home, threshold=60)  # 210003 sent 50 discharges
    row = one(frame, STATE, "D-PATIENT-ID-MISSING")
    assert row["rows_read"] is None and row["rate"] is None
    assert "rows_read" in str(row["suppressed"])


def test_quarantined_rows_do_not_follow_from_the_discharges_of_the_period(home: Home) -> None:
    """210001 had one or two rows quarantined; rows read less the discharges in quality/ would give their number."""
    received = receipts(home, QUARTER)
    own = next(receipt for receipt in received if receipt.ccn == CCN and receipt.in_force)
    assert 1 <= own.rows("discharges", "read") - own.rows("discharges") <= 10
    hidden = without_small_counts(counted(home, [QUARTER]), 10, (), few_not_accepted(received, 10))
    frame = data_quality(hidden, [QUARTER]).filter(table="discharges")
    for row in frame.filter(pl.col("hospital_ccn").is_in([CCN, STATE])).to_dicts():
        assert row["rows_read"] is None and row["rate"] is None
        assert {"rows_read", "rate"} <= set(row["suppressed"].split("|"))
    others = frame.filter(hospital_ccn=OTHER_CCN).to_dicts()
    assert others and all(row["rows_read"] for row in others)
    assert all("state_rate" in row["suppressed"].split("|") for row in others), "hidden cells are named"


def test_a_few_late_rows_do_not_follow_from_two_releases(home: Home) -> None:
    """210001 had sent four fewer rows when the previous release was made."""
    fewer = {CCN: 4, STATE: 4}
    counts = counted(home, [QUARTER])
    was = counts.with_columns(
        pl.col("rows_read") - pl.col("hospital_ccn").replace_strict(fewer, default=0, return_dtype=pl.Int64)
    )
    before = data_quality(without_small_counts(was, 10), [QUARTER])
    now = data_quality(without_small_counts(counts, 10, [before]), [QUARTER])
    assert one(before, CCN, "D-PATIENT-ID-MISSING")["rows_read"] == 196
    for ccn in (CCN, STATE):
        row = one(now, ccn, "D-PATIENT-ID-MISSING")
        assert (row["rows_read"], row["rate"], "rows_read" in str(row["suppressed"])) == (None, None, True)
    assert one(now, OTHER_CCN, "D-PATIENT-ID-MISSING")["rows_read"] == 200


def test_a_hospital_cannot_compute_the_small_count_of_the_only_other_one(home: Home) -> None:
    counts = counted(home, [QUARTER])
    other = data_quality(of_hospital(counts, OTHER_CCN, 20), [QUARTER])
    assert one(other, OTHER_CCN, "D-PATIENT-ID-MISSING")["rows"] == 30
    assert one(other, OTHER_CCN, "D-PATIENT-ID-MISSING")["state_rate"] is None  # 20 of the 50 are the other hospital's
    own = data_quality(of_hospital(counts, CCN, 20), [QUARTER])
    assert one(own, CCN, "D-PATIENT-ID-MISSING")["state_rate"] == Decimal("0.11111111")
    assert set(own.get_column("hospital_ccn")) <= {CCN, STATE}


def page(home: Home, ccn: str = CCN, name: str = "A hospital") -> str:
    own = rates(home).filter(pl.col("hospital_ccn") == ccn)
    return hospital_page(own, [r for r in receipts(home, QUARTER) if r.ccn == ccn], [QUARTER], ccn, name)


def test_a_page_needs_no_network_and_runs_nothing(home: Home) -> None:
    text = page(home, name="<script>alert(1)</script> & Sons")
    assert "<script" not in text and "://" not in text
    assert "&lt;script&gt;" in text
    assert "10.00%" in text and "1.00%" in text and "11.11%" in text
    assert "replaced by 2025Q1/210001.r2" in text and "Compared with 2025Q1/210001: +0 discharges" in text


def test_a_hospital_without_accepted_data_is_informed(home: Home) -> None:
    text = page(home, "210003")
    assert "This quarter has no data in force" in text and "There is no charges file" in text
    assert "Nothing was sent for this quarter" in page(home, "210009")


def test_a_release_has_the_states_table_and_each_hospitals_page(home: Home, tmp_path: Path) -> None:
    tables = reference(ccns=(CCN, OTHER_CCN, "210003"))
    home.lake_reference.mkdir(parents=True, exist_ok=True)
    tables["hospitals"].write_parquet(home.lake_reference / "hospitals.parquet")
    (tmp_path / "policy.yaml").write_text("version: t\nbase_year: 2024\n")
    period = PerformancePeriod(2025, 1)
    policy = load_policy(tmp_path / "policy.yaml")
    draft = Release(home, period, 1, policy, ReleaseFiles(tmp_path, period, 1), hospitals=(CCN, OTHER_CCN))
    (table,) = state_table(draft)
    assert (table.folder, table.owner) == ("quality", "STATE")
    assert table.frame.select(DATA_QUALITY.key).is_duplicated().sum() == 0
    documents = {document.path: document.content.decode() for document in hospital_documents(draft)}
    assert sorted(documents) == sorted(
        f"reports/{ccn}/data_quality.{ending}" for ccn in (CCN, OTHER_CCN, "210003") for ending in ("csv", "html")
    )  # 210003 is reported as refused
    assert "Hospital 210001" in documents[f"reports/{CCN}/data_quality.html"]
    rows = documents[f"reports/{CCN}/data_quality.csv"].splitlines()
    assert rows[0].split(",") == list(DATA_QUALITY.names)
    assert rows[1].startswith("2025Q1,210001,discharges,D-APR-DRG-UNKNOWN,apr_drg,ERROR,accepted,1,200,")
    assert all(row.split(",")[1] == CCN for row in rows[1:])


def test_the_page_of_a_quarter_without_faults_says_so(tmp_path: Path) -> None:
    home = Home(tmp_path)
    Draft().send(home)
    ingest_quarter(home, QUARTER, POLICY, reference=reference())
    frame = rates(home)
    assert frame.is_empty() and dict(frame.schema) == DATA_QUALITY.schema
    assert "No row breaks a rule" in page(home)

"""What a run prints about its releases."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from hcip_pipeline.home.folders import Home
from hcip_pipeline.operations import summary
from hcip_pipeline.publishing.writer import Release

FIGURES = {
    "hospital_ccn": ["210001", "210009"],
    "care_partners": [1_240, 3_160],
    "cases": [174_956, 7_958],
    "performance_incentive": [Decimal("0.00")] * 2,
    "improvement_incentive": [Decimal("0.00")] * 2,
    "calculated_incentive": [Decimal("14585567.01"), Decimal("457493.03")],
    "final_incentive": [Decimal("6259597.21"), Decimal("258986.55")],
    "payable": [Decimal("5910192.09"), Decimal("251600.05")],
    "held": [Decimal("349405.12"), Decimal("7386.50")],
}


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_no_figure_is_cut_on_a_narrow_terminal(
    columns: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr(summary, "hospital_totals", lambda _: pl.DataFrame(FIGURES))
    monkeypatch.setattr(summary, "closing_lines", lambda *_: ["the end"])
    release = Release("2025H1", 1, tmp_path / "releases" / "2025H1" / "r1", 3, is_new=True)
    summary.print_releases(Home(tmp_path), [release])
    lines = {line.split()[0]: line.split()[1:] for line in capsys.readouterr().out.splitlines() if line.split()}
    assert lines["210001"] == ["1,240", "174,956", "14,585,567.01", "6,259,597.21", "5,910,192.09", "349,405.12"]
    assert lines["all"] == ["4,400", "182,914", "15,043,060.04", "6,518,583.76", "6,161,792.14", "356,791.62"]


def test_the_closing_lines_count_payments_and_name_each_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        ("999001", "1", "PAYABLE", "10.00", None),
        ("999002", "1", "PAYABLE", "20.00", "CONDITIONS_NOT_MET"),
        ("999002", "2", "HELD", "5.00", "HELD_NO_PFS_CAP"),
        ("999001", "3", "HELD", "7.50", "HELD_NO_PFS_CAP|SCREENING_NOT_CLEARED"),
        ("999001", "4", "ZERO", "0.00", "NO_CASES"),
    ]
    frame = pl.DataFrame(rows, schema=["hospital_ccn", "npi", "status", "final_incentive", "reasons"], orient="row")
    frame = frame.with_columns(pl.col("final_incentive").cast(pl.Decimal(18, 2)).alias("calculated_incentive"))
    frame = frame.with_columns(final_incentive="calculated_incentive")
    monkeypatch.setattr(summary, "released_frame", lambda *_: frame)
    release = Release("2025H1", 1, tmp_path, 3, is_new=True)
    lines = summary.closing_lines(release, {"999001": "Alder Point"})
    assert lines[:2] == ["5 payments to 4 care partners: 2 payable, 2 held, 1 zero", "held, because"]
    assert any(line.split()[:2] == ["2", "12.50"] and "(999001 Alder Point, 999002)" in line for line in lines)
    assert lines[4].strip() == "(a payment with several reasons counts under each)"
    assert lines[-2] == "zero, because" and lines[-1].endswith("(999001)") and "no counted case" in lines[-1]


@pytest.mark.parametrize(
    ("hospitals", "words"), [(5, "999000, 999001, 999002, 999003, 999004)"), (46, "999003 and 42 more hospitals)")]
)
def test_a_line_about_many_hospitals_names_the_first_and_counts_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hospitals: int, words: str
) -> None:
    frame = pl.DataFrame(
        [(str(999000 + number), "1", "ZERO", "0.00", "NO_CASES", 0) for number in range(hospitals)],
        schema=["hospital_ccn", "npi", "status", "final_incentive", "reasons", "calculated_incentive"],
        orient="row",
    )
    monkeypatch.setattr(summary, "released_frame", lambda *_: frame)
    lines = summary.closing_lines(Release("2025H1", 1, tmp_path, 3, is_new=True), {})
    assert lines[-1].endswith(words)


@pytest.mark.parametrize(
    ("calculated", "reasons", "words"),
    [
        (90, "NO_BASELINE|CONDITIONS_NOT_MET|PFS_CAP|DISTRIBUTION_LIMIT", "distribution limit"),
        (90, "NO_BASELINE|EXCLUDED_INDIVIDUAL", "exclusion list"),
        (90, "PFS_CAP|BASELINE_RESUBMITTED|SCREENING_NOT_CLEARED", "Physician Fee Schedule cap"),
        (0, "NO_CASES|CONDITIONS_NOT_MET", "no counted case"),
        (0, "NO_CASES", "no counted case"),
    ],
)
def test_a_zero_payment_is_explained_by_the_reason_that_made_it_zero(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calculated: int, reasons: str, words: str
) -> None:
    row = {"hospital_ccn": "999001", "npi": "1", "status": "ZERO", "final_incentive": 0, "reasons": reasons}
    frame = pl.DataFrame([row | {"calculated_incentive": calculated}])
    monkeypatch.setattr(summary, "released_frame", lambda *_: frame)
    assert words in summary.closing_lines(Release("2025H1", 1, tmp_path, 3, is_new=True), {})[-1]

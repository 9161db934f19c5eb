"""The interim report of a quarter: its figures are the quarter's, and nothing in it is payable."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from hcip_pipeline import cli
from hcip_pipeline.release.reading import ReleaseFiles
from hcip_pipeline.reports import words
from tests.html_tables import Page
from tests.made_pages import InterimReport
from tests.settled_home import SettledHome

pytestmark = pytest.mark.slow


def test_a_quarter_is_reported_and_nothing_is_released(
    settled_home: SettledHome, interim_report: InterimReport
) -> None:
    assert interim_report.printed["payable"] is False
    assert interim_report.kept_lake and not interim_report.home.releases.exists()
    release = ReleaseFiles.at(settled_home.release.folder)
    folder = interim_report.folder
    hospitals = interim_report.printed["hospitals"]
    assert isinstance(hospitals, list) and hospitals
    for ccn in hospitals:
        page = Page((folder / ccn / "interim.html").read_text(encoding="utf-8"))
        text = " ".join(page.text.split())
        assert text.count("othing here is payable") >= 2 and "incentive" not in text.lower()
        tables = {
            name: pl.read_parquet(folder / ccn / f"{name}_{ccn}_2025Q1.parquet")
            for name in ("opportunity", "measure_quarters", "physicians")
        }
        assert set(tables["opportunity"]["period"]) == {"2025Q1"}
        institution = tables["opportunity"].filter(pl.col("level") == "institution").row(0, named=True)
        shown = page.table("Service line", "Cases", "Cost")[-1]
        assert shown[1:3] == [words.count(institution["cases"]), words.dollars(institution["cost"])]
        half = release.table("opportunity", ccn).filter(pl.col("level") == "institution").row(0, named=True)
        assert 0 < institution["cases"] < half["cases"]
        of_conditions = pl.col("measure") == "hac_per_1000"
        columns = ["window_name", "quarter", "numerator", "denominator", "value"]
        quarter = tables["measure_quarters"].filter(of_conditions).select(columns)
        released = release.table("measure_quarters", ccn).filter(
            of_conditions & pl.col("quarter").is_in(["2024Q1", "2025Q1"])
        )
        assert quarter.rows() == released.select(columns).rows() and quarter.height == 2
        strangers = tables["physicians"].filter(~pl.col("is_care_partner"))
        assert strangers["npi"].null_count() == strangers.height


@pytest.mark.parametrize(
    ("quarter", "code", "message"), [("2025H1", 2, "not a quarter"), ("2031Q1", 1, "QUARTER-MISSING")]
)
def test_an_invalid_quarter_or_one_without_data_is_reported(
    settled_home: SettledHome, tmp_path: Path, capsys: pytest.CaptureFixture[str], quarter: str, code: int, message: str
) -> None:
    home = settled_home.copy(tmp_path / "home", "lake", "inbox")
    with pytest.raises(SystemExit) as stopped:
        cli.main(["interim", quarter, "--home", str(home.root)])
    assert stopped.value.code == code
    assert message in capsys.readouterr().err

"""A study of two invented quarters of Texas's public use data file, from the command to its files."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from hcip_pipeline.cli import main
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.periods import Quarter, Window
from hcip_pipeline.study.state_study import cost_factors
from hcip_pipeline.study.texas_study import run_texas_study
from hcip_pipeline.synthetic.texas_pudf import write_texas_pudf
from tests.made_pages import FACTORS, TEXAS_QUARTERS, TexasStudy
from tests.texas_files import file_of, spoil

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(texas_study: TexasStudy) -> Path:
    return texas_study.pudf


@pytest.fixture
def home(texas_study: TexasStudy) -> Home:
    return texas_study.home


@pytest.fixture
def study(texas_study: TexasStudy) -> dict[str, object]:
    return texas_study.printed


@pytest.fixture
def tables(study: dict[str, object]) -> dict[str, pl.DataFrame]:
    files = Path(str(study["folder"])).glob("*.parquet")
    return {path.stem: pl.read_parquet(path) for path in files}


def test_every_discharge_is_counted_or_excluded(study: dict[str, object]) -> None:
    totals = dict(study["totals"])  # type: ignore[call-overload]
    assert totals["cases"] == totals["excluded"] + totals["without_norm"] + totals["with_norm"] == 3000
    assert totals["with_norm"] > 500 and totals["physicians"] > 20
    assert study["window"] == {"start": "2019-01-01", "end": "2019-06-30"}


def test_exclusions_are_those_of_the_files(tables: dict[str, pl.DataFrame], folder: Path) -> None:
    reasons = dict(tables["exclusions"].select("exclusion_reason", "cases").rows())
    lines = [line for quarter in ("1q2019", "2q2019") for line in file_of(folder, "base1", quarter).open()]
    not_acute = {line[:6] for line in file_of(folder, "facility").open() if line[64] != "A"} | {"999998", "999999"}
    assert reasons["NON_ACUTE_HOSPITAL"] == sum(line[18:24] in not_acute for line in lines)
    kept = [line for line in lines if line[18:24] not in not_acute]
    assert reasons["UNGROUPABLE"] == sum(line[712:716].strip() in ("0955", "`") for line in kept)
    assert {"NEWBORN", "PSYCHIATRIC", "DIED", "NO_RESPONSIBLE_PHYSICIAN"} <= set(reasons)


def test_cost_centers_and_components_add_up_to_the_cost(
    study: dict[str, object], tables: dict[str, pl.DataFrame]
) -> None:
    centers = tables["opportunity_by_cost_center"]
    totals = dict(study["totals"])  # type: ignore[call-overload]
    assert centers["cost"].sum() == Decimal(totals["cost"])
    assert {"OR", "MSS", "CDS", "LAB", "MSG"} <= set(centers["rate_center"])
    assert set(centers.filter(pl.col("rate_center").is_in(["MSS", "CDS"]))["component"]) == {"supply_drug"}
    above = centers.filter(pl.col("difference_from_statewide") > 0)
    assert 0 < above.height < centers.height
    expected = [(each / 2).quantize(Decimal("0.01")) for each in above["difference_from_statewide"]]
    assert all(abs(a - b) <= Decimal("0.01") for a, b in zip(expected, above["potential_savings"], strict=True))
    assert centers.filter(pl.col("difference_from_statewide") <= 0)["potential_savings"].sum() == 0


def test_cost_is_charges_by_the_ratio_of_the_rate_center(home: Home, folder: Path, study: dict[str, object]) -> None:
    """Drugs at 0.25 and everything else at 0.5, over all acute hospitals' cases, from the charge lines."""
    into = home.lake / "texas_pudf" / str(study["name"])
    factors = pl.read_csv(home.inbox / "reference/cost_factors.csv", schema_overrides={"hospital_ccn": pl.String})
    charges = pl.read_parquet(into / "charges_*.parquet").filter(
        pl.col("hospital_ccn").is_in(factors["hospital_ccn"].to_list())
    )
    drugs = pl.col("revenue_code").is_in(["0250", "0258", "0260", "0636"])
    by_stay = charges.group_by("account_no", drugs=drugs).agg(pl.col("charge").sum())
    cost = sum(
        (row["charge"] * (Decimal("0.25") if row["drugs"] else Decimal("0.5")) for row in by_stay.to_dicts()),
        Decimal(0),
    )
    totals = dict(study["totals"])  # type: ignore[call-overload]
    excluded = pl.read_parquet(Path(str(study["folder"])) / "exclusions.parquet")
    of_acute = excluded.filter(pl.col("exclusion_reason") != "NON_ACUTE_HOSPITAL")["cost"]
    counted = Decimal(totals["cost"]) + sum(of_acute, Decimal(0))
    assert abs(counted - cost) < Decimal("0.01") * 20 * 3000  # a rate center's cost is rounded to cents


def test_the_page_shows_components_cost_centers_and_physician_codes(
    study: dict[str, object], tables: dict[str, pl.DataFrame]
) -> None:
    page = (Path(str(study["folder"])) / "study.html").read_text()
    for words in ("Opportunity by cost component and cost center", "Supplies and drugs", "Operating room"):
        assert words in page
    physicians = tables["opportunity_by_physician"]
    assert "Physician code" in page and physicians.sort("potential_savings")["npi"][-1] in page
    assert {"9999999998", "9999999999"}.isdisjoint(physicians["npi"])


def test_too_many_faults_refuse_the_study(tmp_path: Path) -> None:
    write_texas_pudf(tmp_path / "pudf", TEXAS_QUARTERS[:1], discharges=60)
    for row in (3, 4):
        spoil(tmp_path / "pudf", "base1", row, {"LENGTH_OF_STAY": "x"})
    with pytest.raises(HcipError) as caught:
        run_texas_study(Home(tmp_path / "home"), tmp_path / "pudf", (TEXAS_QUARTERS[0], TEXAS_QUARTERS[0]))
    assert caught.value.rule == "TEXAS-ERROR-RATE" and "TEXAS-LENGTH-OF-STAY 2, first in row 3" in caught.value.message
    assert "--allow-errors" in caught.value.fix


def test_factors_in_a_parquet_file_are_used(tmp_path: Path) -> None:
    home = Home(tmp_path)
    (home.inbox / "reference").mkdir(parents=True)
    row = "001000,ALL,2019,,0.5,1,0,0\n"
    frame = pl.read_csv((FACTORS + row).encode(), schema_overrides={"hospital_ccn": pl.String, "markup": pl.Float64})
    frame.write_parquet(home.inbox / "reference/cost_factors.parquet")
    given, statement = cost_factors(home, ["001000"], {2019}, by_center=True, example="THCIC_ID as hospital_ccn")
    assert given["cost_to_charge"].to_list() == [Decimal("0.5")] and "cost_factors.parquet" in statement


def test_a_hospital_without_a_ratio_is_named(home: Home) -> None:
    with pytest.raises(HcipError) as caught:
        cost_factors(home, ["001000", "001007", "555555"], {2019}, by_center=True, example="THCIC_ID as hospital_ccn")
    assert caught.value.rule == "COST-FACTOR-MISSING" and "555555" in caught.value.message


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--from", "2019-01-15", "--to", "2019Q1"], "--from 2019Q1 --to 2019Q1"),
        (["--from", "2019Q2", "--to", "2019Q1"], "--to is before --from"),
        (["--from", "2019Q5", "--to", "2019Q6"], "neither a day nor a quarter"),
        (["--year", "2019"], "--texas-pudf FOLDER"),
    ],
)
def test_contradictory_options_are_usage_errors(
    folder: Path, tmp_path: Path, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["study", "--home", str(tmp_path), "--texas-pudf", str(folder), *arguments])
    assert stopped.value.code == 2 and words in capsys.readouterr().err


def test_quarters_span_years() -> None:
    assert [str(q) for q in Window(Quarter(2018, 4).start, Quarter(2019, 1).end, "x").quarters] == ["2018Q4", "2019Q1"]

"""A released period under other policies: each scenario equals a settlement under its policy."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pytest

from hcip_pipeline import cli
from hcip_pipeline.contracts import marts
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.policy.loader import load_policy
from hcip_pipeline.release.reading import released_frame
from hcip_pipeline.settlement.period import build_period
from hcip_pipeline.simulation.comparison import Simulation, simulate
from tests.settled_home import PERIOD, SettledHome, linked_copy

pytestmark = pytest.mark.slow

SCENARIOS = """\
half and half: {improvement_share: 1/2}
steep: {performance_exponent: 2}
nothing is bounded: {mpi_floor: null, mpi_ceiling: null}
by cases: {norm_method: case_percentile}
stricter:
  best_practice_percentile: 0.20
  ceiling_percentile: 0.60
  min_cases_per_cell: 30
  incentive_rate: 0.15
  outlier_sd: 2
  exclusions: [NON_ACUTE_HOSPITAL, NEWBORN, DIED, COST_OUTLIER]
"""


@pytest.fixture(scope="module")
def scenarios(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scenarios") / "scenarios.yaml"
    path.write_text(SCENARIOS, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def simulated(settled_home: SettledHome, scenarios: Path) -> Simulation:
    return simulate(settled_home.home, PERIOD, scenarios)


def final(simulated: Simulation, scenario: str) -> pl.DataFrame:
    own = simulated.partners.filter(pl.col("scenario") == scenario)
    return own.select("hospital_ccn", "npi", "calculated_incentive", "final_incentive").sort("hospital_ccn", "npi")


def released_payments(home: SettledHome) -> pl.DataFrame:
    frame = released_frame(home.release.folder, "incentives")
    return frame.select("hospital_ccn", "npi", "calculated_incentive", "final_incentive").sort("hospital_ccn", "npi")


def test_a_scenario_without_changes_equals_the_release(settled_home: SettledHome, simulated: Simulation) -> None:
    assert final(simulated, "as is").equals(released_payments(settled_home))
    row = simulated.scenarios.filter(pl.col("scenario") == "as is").row(0, named=True)
    assert (row["change"], row["winners"], row["losers"]) == (Decimal(0), 0, 0)


def test_a_steeper_curve_pays_no_one_more(settled_home: SettledHome, simulated: Simulation) -> None:
    both = final(simulated, "steep").join(released_payments(settled_home), on=["hospital_ccn", "npi"])
    change = both["calculated_incentive"] - both["calculated_incentive_right"]
    assert (change <= 0).all() and (change < 0).any()


@pytest.mark.parametrize("scenario", ["half and half", "nothing is bounded", "by cases"])
def test_a_scenarios_value_replaces_elections(simulated: Simulation, scenario: str) -> None:
    assert not final(simulated, scenario).equals(final(simulated, "as is"))


def test_winners_and_losers_are_those_of_the_payments(simulated: Simulation) -> None:
    for level, keys in ((simulated.scenarios, ["scenario"]), (simulated.hospitals, ["scenario", "hospital_ccn"])):
        for row in level.to_dicts():
            own = simulated.partners.filter(*(pl.col(key) == row[key] for key in keys))
            gained, lost = own.filter(pl.col("change") > 0), own.filter(pl.col("change") < 0)
            assert (row["winners"], row["losers"]) == (gained.height, lost.height)
            assert row["change"] == row["gains"] + row["losses"] == (own["final_incentive"] - own["as_is"]).sum()
    assert simulated.scenarios["losers"].sum() > 0 < simulated.scenarios["winners"].sum()


def test_a_scenario_equals_a_settlement_under_its_policy(editable_home: Home, simulated: Simulation) -> None:
    text = editable_home.policy.read_text(encoding="utf-8")
    changed = "\n".join(line.removeprefix("  ") for line in SCENARIOS.split("stricter:\n")[1].splitlines())
    editable_home.policy.unlink()
    editable_home.policy.write_text(f"{text}\n{changed}\n", encoding="utf-8")
    built = build_period(editable_home, PERIOD, load_policy(editable_home.policy), select="+incentives")
    with duckdb.connect(built.result.file, read_only=True) as connection:
        columns = "hospital_ccn, npi, calculated_incentive, final_incentive"
        expected = connection.sql(f"select {columns} from marts.incentives order by 1, 2").pl()
    assert final(simulated, "stricter").equals(expected)


def test_the_tables_are_written_and_listed(
    settled_home: SettledHome, scenarios: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    only = tmp_path / "one.yaml"
    only.write_text("steep: {performance_exponent: 2}\n", encoding="utf-8")
    arguments = ["simulate", str(PERIOD), str(only), "--home", str(settled_home.home.root)]
    cli.main([*arguments, "--out", str(tmp_path / "out"), "--json"])
    reported = json.loads(capsys.readouterr().out)
    assert [row["scenario"] for row in reported["scenarios"]] == ["as is", "steep"]
    written = pl.read_csv(tmp_path / "out" / "scenarios.csv", infer_schema=False)
    assert written["final_incentive"].to_list() == [row["final_incentive"] for row in reported["scenarios"]]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "hospitals.csv", "partners.csv", "scenarios.csv"
    ]  # fmt: skip


def test_a_build_other_than_the_releases_is_refused(settled_home: SettledHome, scenarios: Path, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    for folder in ("lake", "warehouse", "releases"):
        linked_copy(settled_home.home.root / folder, home.root / folder)
    path = sorted((home.releases / str(PERIOD) / "r1" / "incentives").glob(f"*_{marts.INCENTIVES.name}_*.parquet"))[0]
    frame = pl.read_parquet(path)
    path.unlink()
    more = (pl.col("final_incentive") + Decimal("0.01")).cast(frame.schema["final_incentive"])
    frame.with_columns(more).write_parquet(path)
    with pytest.raises(HcipError) as raised:
        simulate(home, PERIOD, scenarios)
    assert raised.value.rule == "SIMULATION-AS-IS"


def test_a_period_that_is_not_released_is_refused(editable_home: Home, scenarios: Path) -> None:
    with pytest.raises(HcipError, match="not released"):
        simulate(editable_home, PERIOD, scenarios)

"""The measures find the effects planted in invented states, and the guardrails find nothing in clean ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import polars as pl
import pytest

from hcip_pipeline.periods import Quarter
from hcip_pipeline.synthetic import StateArguments, generate_state
from tests.quality_states import run, state_spec

pytestmark = pytest.mark.slow

_TABLES = ("guardrails", "guardrail_cases", "network_scorecard", "quality_scorecard", "int_guardrail_discharges")
_PLANTED = {"hospitals": 10, "discharges_per_year": 30_000, "start": Quarter(2023, 1), "end": Quarter(2025, 2)}


def _made(folder: Path, *, effects: bool) -> Path:
    arguments = StateArguments(**_PLANTED, seed=1, cms=False, file_format="parquet", effects=effects)  # type: ignore[arg-type]
    generate_state(folder / "inbox", arguments)
    return folder


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[duckdb.DuckDBPyConnection, pl.DataFrame]]:
    folder = _made(tmp_path_factory.mktemp("planted"), effects=True)
    truth = pl.read_csv(folder / "truth" / "quality_effects.csv", infer_schema=False)
    with run(state_spec(folder), *_TABLES) as connection:
        yield connection, truth


def test_the_improvement_of_the_hospital_is_measured(planted: tuple[duckdb.DuckDBPyConnection, pl.DataFrame]) -> None:
    connection, truth = planted
    (ccn,) = truth.filter(pl.col("effect") == "HOSPITAL_IMPROVES")["hospital_ccn"]
    row = connection.sql(
        f"select change, upper_limit, baseline_value from quality_scorecard where entity_id = '{ccn}'"
        " and measure = 'readmission_rate_adjusted'"
    ).pl()
    assert row["change"][0] < -0.35 and row["upper_limit"][0] < row["baseline_value"][0]
    flags = connection.sql(
        f"select change, is_on_track from quality_scorecard where entity_id = '{ccn}' and measure = 'hac_per_1000'"
    ).fetchall()
    assert flags[0][0] < -0.2 and flags[0][1]


def test_the_network_is_found_better_than_its_peers(planted: tuple[duckdb.DuckDBPyConnection, pl.DataFrame]) -> None:
    connection, truth = planted
    members = truth.filter(pl.col("effect") == "NETWORK_BEATS_PEERS")
    row = connection.sql(
        f"from network_scorecard where group_id = '{members['network_id'][0]}'"
        " and measure = 'readmission_rate_adjusted'"
    ).pl()
    assert set(row["member_ccns"][0].split("|")) == set(members["hospital_ccn"])
    assert row["difference_upper"][0] < 0


def test_the_physician_who_discharges_too_early_has_a_finding(
    planted: tuple[duckdb.DuckDBPyConnection, pl.DataFrame],
) -> None:
    connection, truth = planted
    early = truth.filter(pl.col("effect") == "DISCHARGES_TOO_EARLY").row(0, named=True)
    found = connection.sql(
        "select hospital_ccn, npi, sign, observed from guardrails where is_finding and level = 'care_partner'"
    ).fetchall()
    signs = {
        sign: observed for ccn, npi, sign, observed in found if (ccn, npi) == (early["hospital_ccn"], early["npi"])
    }
    assert signs.keys() == {"SHORT_STAYS", "READMISSIONS"}
    assert len(found) <= len(signs) + 1  # at most one other finding
    behind = connection.sql(
        "select sign, count(*), count(distinct responsible_npi) from guardrail_cases"
        f" where npi = '{early['npi']}' group by 1"
    ).fetchall()
    assert {sign: cases for sign, cases, _ in behind} == signs and {who for *_, who in behind} == {1}


def test_clean_states_give_false_findings_in_under_one_comparison_in_three_hundred(tmp_path: Path) -> None:
    with run(state_spec(_made(tmp_path, effects=False)), "guardrails") as connection:
        looks, findings = connection.sql(
            "select count(*), count(*) filter (where is_finding) from guardrails"
        ).fetchall()[0]
    assert looks > 1000
    assert findings <= looks / 300

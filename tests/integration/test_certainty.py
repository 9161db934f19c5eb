"""How sure a release is: draws keep what they must keep, and tell chance from skill."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from hcip_pipeline import cli
from hcip_pipeline.certainty import replicates
from hcip_pipeline.certainty.assessment import TABLES, assess
from hcip_pipeline.certainty.attribution import STATE, TARGETS, other_readings
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home import Home
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.simulation.released_build import ReleasedBuild, open_build
from tests.settled_home import PERIOD, SettledHome

pytestmark = pytest.mark.slow

KEY = ["hospital_ccn", "npi"]
DRAWS = 40


@pytest.fixture(scope="module")
def opened(settled_home: SettledHome) -> Iterator[ReleasedBuild]:
    with open_build(settled_home.home, PERIOD, [replicates.TARGET, *TARGETS], None, lambda _: None) as released:
        replicates.prepare(released.bench)
        yield released


def total(draws: pl.DataFrame) -> list[float]:
    sums = draws.group_by("replicate").agg(pl.col("calculated_incentive").sum())
    return sorted(float(value) for value in sums["calculated_incentive"])


def test_cases_as_they_are_give_the_release(opened: ReleasedBuild) -> None:
    own = replicates.as_they_are(opened.bench, opened.spec)
    assert own.drop("replicate").equals(opened.payments.select(*KEY, "calculated_incentive").sort(KEY))


def test_a_shuffle_keeps_every_case_and_every_physicians_number(opened: ReleasedBuild) -> None:
    replicates.shuffled(opened.bench, opened.spec, 3)
    cell = "window_name, hospital_ccn, apr_drg, severity_of_illness"
    for columns in (f"{cell}, npi, count(*)", f"{cell}, account_no, total_cost, length_of_stay"):
        group = "group by all" if "count" in columns else ""
        before = opened.bench.connection.sql(f"select {columns} from certainty.cases {group} order by all").pl()
        for replicate in range(3):
            after = opened.bench.connection.sql(
                f"select {columns} from (select * replace (split_part(npi, '#', 1) as npi) from certainty.counted"
                f" where npi like '%#{replicate}') {group} order by all"
            ).pl()
            assert after.equals(before)


def test_another_number_of_threads_and_batches_draws_the_same(
    opened: ReleasedBuild, settled_home: SettledHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = [draw(opened.bench, opened.spec, 5) for draw in (replicates.shuffled, replicates.resampled)]
    with open_build(settled_home.home, PERIOD, [replicates.TARGET, *TARGETS], 1, lambda _: None) as other:
        replicates.prepare(other.bench)
        monkeypatch.setattr(replicates, "_CASES_AT_ONCE", 1)
        found = [draw(other.bench, other.spec, 5) for draw in (replicates.shuffled, replicates.resampled)]
    assert all(a.equals(b) for a, b in zip(expected, found, strict=True))


def test_physicians_without_skill_lie_inside_chance_and_skilled_ones_above(opened: ReleasedBuild) -> None:
    """Cases dealt out by chance, then dealt so that the first physicians of each cell have the cheap ones."""
    con = opened.bench.connection
    con.execute("create or replace table certainty.kept as from certainty.cases")
    inside = 0
    for seed in range(3):
        replicates.shuffled(opened.bench, opened.spec, seed + 1)
        con.execute(
            "create or replace table certainty.cases as select counted.* replace (split_part(npi, '#', 1) as npi),"
            f" true as is_partner from certainty.counted as counted where npi like '%#{seed}'"
        )
        (own,) = total(replicates.as_they_are(opened.bench, opened.spec))
        chance = total(replicates.shuffled(opened.bench, opened.spec, DRAWS))
        inside += chance[1] <= own <= chance[-2]
        con.execute("create or replace table certainty.cases as from certainty.kept")
    assert inside >= 2
    con.execute(
        """create or replace table certainty.cases as
        with cells as (
            select
                *, row_number() over (cell order by npi) as place, row_number() over (cell order by total_cost) as rank
            from certainty.kept where is_partner and window_name = 'performance'
            window cell as (partition by hospital_ccn, apr_drg, severity_of_illness)
        )
        select dear.* exclude (place, rank) replace (physicians.npi as npi)
        from cells as dear inner join cells as physicians
            on dear.hospital_ccn = physicians.hospital_ccn and dear.apr_drg = physicians.apr_drg
            and dear.severity_of_illness = physicians.severity_of_illness and dear.rank = physicians.place
        union all select * from certainty.kept where not (is_partner and window_name = 'performance')"""
    )
    (own,) = total(replicates.as_they_are(opened.bench, opened.spec))
    assert own > total(replicates.shuffled(opened.bench, opened.spec, DRAWS))[-2]
    con.execute("create or replace table certainty.cases as from certainty.kept")


def test_other_readings_keep_every_case_and_the_state_is_the_sum(
    opened: ReleasedBuild, settled_home: SettledHome
) -> None:
    found = other_readings(settled_home.home, opened)
    (cases,) = opened.bench.connection.execute(
        f"select count(*) from {opened.bench.place('intermediate', 'int_windowed_cases')}"
    ).fetchone() or (0,)
    assert (cases,) == opened.bench.connection.execute(
        "select count(*) from hcip.intermediate.int_windowed_cases"
    ).fetchone()
    for reading, own in found.hospitals.group_by("reading"):
        state, rest = own.filter(pl.col("hospital_ccn") == STATE), own.filter(pl.col("hospital_ccn") != STATE)
        for column in ("care_partners", "calculated", "calculated_then", "dollars_moved", "now_paid", "now_unpaid"):
            assert state[column].item() == rest[column].sum(), (reading, column)
    moved = dict(found.hospitals.filter(pl.col("hospital_ccn") == STATE).select("reading", "dollars_moved").rows())
    assert moved["attending"] > 0 and moved["undisputed"] > 0
    undisputed = found.partners.filter(pl.col("reading") == "undisputed")
    assert (undisputed["cases_then"] <= undisputed["cases"]).all()


def test_the_command_writes_the_same_tables_twice(
    settled_home: SettledHome, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ["--home", str(settled_home.home.root), "--replicates", "20"]
    cli.main(["certainty", str(PERIOD), *home, "--out", str(tmp_path / "a"), "--json"])
    shown = json.loads(capsys.readouterr().out)
    cli.main(["certainty", str(PERIOD), *home, "--out", str(tmp_path / "b"), "--threads", "1"])
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
    assert {path.stem for path in (tmp_path / "a").iterdir()} == set(TABLES)
    state = shown["hospitals"][-1]
    assert state["hospital_ccn"] == "STATE" and state["care_partners"] == len(shown["partners"])
    assert all(float(row["chance_low"]) <= float(row["chance_high"]) for row in shown["partners"])


def test_a_period_that_is_not_released_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HcipError, match="not released"):
        assess(Home(tmp_path), PerformancePeriod.parse("2025H1"))

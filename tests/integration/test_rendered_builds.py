"""Tests that settle without dbt get what dbt gives: the same release, and the same stop where a check finds rows."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from hcip_pipeline.assets.execution import settle
from hcip_pipeline.warehouse.build import FILE_NAME, BuildStoppedError, build, fingerprints
from tests.scenario import Case, Scenario
from tests.settled_home import PERIOD, SettledHome, digest

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("rendered_builds")]


def test_the_release_has_the_bytes_of_the_one_that_dbt_made(settled_home: SettledHome, tmp_path: Path) -> None:
    home = settled_home.copy(tmp_path / "home")
    release = settle(home, PERIOD)
    assert digest(release.folder) == digest(settled_home.release.folder)
    files = [each.warehouse / str(PERIOD) / FILE_NAME for each in (home, settled_home.home)]
    assert fingerprints(files[0]) == fingerprints(files[1])


def test_a_check_that_finds_rows_stops_the_build(tmp_path: Path) -> None:
    scenario = Scenario([Case("1234567893", 100, dt.date(2025, 2, 3)), Case("1234567893", 90, dt.date(2023, 2, 3))])
    spec = scenario.with_norms(scenario.spec())
    hospitals = spec.sources["hospitals"]
    assert isinstance(hospitals, pl.DataFrame)
    twice = replace(spec, sources={**spec.sources, "hospitals": pl.concat([hospitals, hospitals])})
    found = r"keys_of_staging_reference found 1 row that breaks it \(stg_hospitals: 1 repeated key \(hospital_ccn\)\)"
    with pytest.raises(BuildStoppedError, match=found) as stopped:
        build(twice, tmp_path)
    assert {node.status for node in stopped.value.nodes} == {"success", "pass", "fail"}

"""A build without dbt stops where dbt's would; ``test_dagster_runs`` shows that it gives the same release."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from hcip_pipeline.warehouse.build import BuildStoppedError, build
from tests.scenario import Case, Scenario

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("rendered_builds")]


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

"""The grouper bridge gives the payments of a full run whose base year is grouped by the other version."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl
import pytest

from hcip_pipeline.audit.groupers import grouper_findings
from hcip_pipeline.certainty.assessment import assess
from hcip_pipeline.contracts.reference import GROUPER_BRIDGE
from hcip_pipeline.files.atomic import write_parquet
from hcip_pipeline.reference.tables import read_reference
from tests.integration.test_what_if import FullRun, quarter_of
from tests.settled_home import PERIOD, SettledHome

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("rendered_builds")]

#: another version in the shipped table of APR-DRGs
OTHER = "41"


def regrouped(file: Path) -> pl.DataFrame:
    """Lower the severity of some cases in the base year's second half, which has no baseline, by another version."""
    with duckdb.connect(file, read_only=True) as connection:
        return connection.sql(
            f"""select hospital_ccn, account_no, '{OTHER}' as grouper_version, apr_drg,
                cast(cast(severity_of_illness as integer) - 1 as varchar) as severity_of_illness, risk_of_mortality,
                discharge_date
            from staging.stg_discharges
            where hospital_ccn = (select min(hospital_ccn) from staging.stg_discharges)
                and severity_of_illness in ('2', '3') and discharge_date between '2024-07-01' and '2024-09-30'
                and apr_drg in (select apr_drg from staging.stg_apr_drgs where grouper_version = '{OTHER}')
            order by account_no limit 60"""
        ).pl()


def test_the_bridge_equals_a_full_run_with_the_other_grouping(settled_home: SettledHome, tmp_path: Path) -> None:
    norms = next(settled_home.home.warehouse.glob("norms-*")) / "hcip.duckdb"
    rows = regrouped(norms)
    assert rows.height == 60
    home = settled_home.copy(tmp_path / "bridged", "inbox", "lake", "warehouse", "releases")
    file = home.lake_reference / "grouper_bridge.parquet"
    file.unlink(missing_ok=True)
    write_parquet(rows.select(GROUPER_BRIDGE.names), file)
    found = assess(home, PERIOD).tables

    windows = found["grouper_cases"].filter(pl.col("window_name") == "base_year")
    assert windows["cases_bridged"].sum() == windows["cases_in_another_cell"].sum() == 60
    cells = found["grouper_cells"]
    differ = cells.filter(pl.col("mean_cost").ne_missing(pl.col("mean_cost_bridged")))
    assert 0 < differ.height < cells.height

    full = FullRun(settled_home, tmp_path / "full")
    again = {row["account_no"]: row for row in rows.iter_rows(named=True)}
    columns = ("grouper_version", "apr_drg", "severity_of_illness")
    (quarter,) = {quarter_of(row["discharge_date"]) for row in again.values()}
    full.resubmit(
        quarter,
        rows["hospital_ccn"][0],
        lambda row: (
            row | {name: again[row["account_no"]][name] for name in columns} if row["account_no"] in again else row
        ),
    )
    full.forget_norms()
    expected = full.payments().select("hospital_ccn", "npi", "calculated_incentive").sort("hospital_ccn", "npi")
    bridged = found["attribution"].filter(pl.col("reading") == "bridge").sort("hospital_ccn", "npi")
    assert bridged["calculated_then"].to_list() == expected["calculated_incentive"].to_list()
    assert bridged["calculated_then"].to_list() != bridged["calculated_incentive"].to_list()


def test_a_file_is_read_by_its_contract(tmp_path: Path) -> None:
    folder = tmp_path / "reference"
    folder.mkdir()
    header = ",".join(GROUPER_BRIDGE.names)
    (folder / "grouper_bridge.csv").write_text(f"{header}\n999001,A-1,41,045,2,1\n", encoding="utf-8")
    assert read_reference(tmp_path)["grouper_bridge"].frame.height == 1


def test_mixed_versions_without_a_bridge_are_a_finding() -> None:
    row = {"period": "2025H2", "window_name": "base_year", "grouper_version": "41", "cases": 90, "cases_unknown": 7}
    other = row | {"window_name": "performance", "grouper_version": "42", "cases": 80, "cases_unknown": 0}
    mixed = pl.DataFrame([row, other])
    ((text, severity),) = grouper_findings({"grouper_cases": mixed})
    assert "7 of 90 cases grouped by version 41" in text and not severity
    assert text.endswith("do not exist in a grouper version of the performance period")
    ((text, severity),) = grouper_findings({"grouper_cases": mixed.with_columns(cases_unknown=0)})
    assert "41, 42" in text and severity == "low"
    assert not [*grouper_findings({"grouper_cases": mixed, "grouper_cells": pl.DataFrame()})]
    assert not [*grouper_findings({})]

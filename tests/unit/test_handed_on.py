"""The tables for the regulator and readers of norms, checked against the releases that they already have."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from hcip_pipeline.contracts import audit, marts
from hcip_pipeline.contracts.table import Table
from hcip_pipeline.errors import HcipError
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.release.handed_on import norm_tables, regulator_tables
from hcip_pipeline.release.reading import ReleaseFiles

CELLS = (("139", 23), ("140", 40), ("301", 60))


def norms(**cases: int) -> pl.DataFrame:
    """One cell per APR-DRG; ``cases`` by APR-DRG, as ``d139=8``."""
    named = {code: cases.get(f"d{code}", count) for code, count in CELLS}
    rows = [{"apr_drg": code, "norm_method": "physician_percentile", "cases": count} for code, count in named.items()]
    return filled(marts.NORMS, rows)


def filled(table: Table, rows: list[dict[str, Any]]) -> pl.DataFrame:
    plain = {"text": "1", "integer": 5, "money": 1, "mean": 1, "ratio": 1}
    schema = table.schema
    return pl.DataFrame([{c.name: plain.get(c.type) for c in table.columns} | row for row in rows], schema=schema)


def published(home: Path, name: str, folder: str, frame: pl.DataFrame, table: Table) -> ReleaseFiles:
    period, _, number = name.partition("_")
    place = home / period / number
    (place / folder).mkdir(parents=True)
    (place / "datapackage.json").write_text("{}")
    frame.write_parquet(place / folder / f"HCIP_STATE_{table.name}_{name}.parquet")
    return ReleaseFiles.at(place)


def draft(
    tables: dict[str, pl.DataFrame],
    period: str = "2025H1",
    superseded: tuple[ReleaseFiles, ...] = (),
    earlier: tuple[ReleaseFiles, ...] = (),
    baseline: str = "same_half",
) -> Any:
    return SimpleNamespace(
        policy=SimpleNamespace(policy=SimpleNamespace(small_cell_threshold=10, baseline_window=baseline)),
        period=PerformancePeriod.parse(period),
        superseded=superseded,
        earlier=earlier,
        table=lambda name, folder=None: tables[name],
    )


def handed_on(frame: pl.DataFrame, **others: Any) -> pl.DataFrame:
    means = filled(marts.NORM_PHYSICIANS, [{"apr_drg": code} for code, _ in CELLS])
    shown, _ = norm_tables(draft({"norms": frame, "norm_physicians": means}, **others))
    return shown.frame


def counts(frame: pl.DataFrame) -> dict[str, int | None]:
    return dict(frame.select("apr_drg", "cases").iter_rows())


def test_a_norms_cell_stays_hidden_and_hides_a_small_change(tmp_path: Path) -> None:
    """Another policy's norms: 139 had 8 cases, and 140 two fewer than now."""
    first = handed_on(norms(d139=8, d140=38))
    assert counts(first) == {"139": None, "140": 38, "301": 60}
    before = published(tmp_path, "2025H1_r1", "norms", first, audit.PUBLIC_NORMS)
    second = handed_on(norms(), superseded=(before,))
    assert counts(second) == {"139": None, "140": None, "301": 60}
    hidden = second.filter(pl.col("apr_drg") == "140")
    assert hidden.select(audit.NORM_DEPENDENTS).row(0) == (None,) * len(audit.NORM_DEPENDENTS)
    # The base year's norms are released with every period: the next period's are checked against these.
    assert counts(handed_on(norms(), period="2025H2", earlier=(before,)))["140"] is None


def test_means_of_physicians_are_hidden_with_their_cell(tmp_path: Path) -> None:
    before = published(tmp_path, "2025H1_r1", "norms", handed_on(norms(d139=8)), audit.PUBLIC_NORMS)
    means = filled(marts.NORM_PHYSICIANS, [{"apr_drg": code} for code, _ in CELLS])
    tables = {"norms": norms(), "norm_physicians": means}
    _, shown = norm_tables(draft(tables, superseded=(before,)))
    assert shown.frame["apr_drg"].to_list() == ["140", "301"]


def savings(period: str, cases: int, baseline: int) -> dict[str, pl.DataFrame]:
    rows = [
        {"hospital_ccn": "210001", "period": period, "scope": scope, "cases": cases + more, "baseline_cases": baseline}
        for scope, more in (("participating", 0), ("all", 40))
    ]
    incentives = filled(marts.INCENTIVES, [{"hospital_ccn": "210001", "period": period, "npi": "1"}])
    return {"savings": filled(marts.SAVINGS, rows), "incentives": incentives}


def regulator(tables: dict[str, pl.DataFrame], **others: Any) -> dict[str, tuple[int | None, int | None]]:
    _, shown = regulator_tables(draft(tables, **others))
    return {row["scope"]: (row["cases"], row["baseline_cases"]) for row in shown.frame.iter_rows(named=True)}


@pytest.mark.parametrize("baseline", ["same_half", "full_year"])
def test_the_regulators_baseline_hides_what_the_year_before_hid(tmp_path: Path, baseline: str) -> None:
    _, year_before = regulator_tables(draft(savings("2024H1", 7, 30), "2024H1"))
    was = year_before.frame.filter(scope="participating")
    assert was.select("cases", "baseline_cases").row(0) == (None, 30)
    earlier = published(tmp_path, "2024H1_r1", "regulator", year_before.frame, audit.REGULATOR_SAVINGS)
    tables = savings("2025H1", 50, 17)  # ten discharges of the baseline came late
    assert regulator(tables)["participating"] == (50, 17)
    assert regulator(tables, earlier=(earlier,), baseline=baseline)["participating"] == (50, None)


def test_a_few_late_cases_of_the_baseline_do_not_follow_from_two_years(tmp_path: Path) -> None:
    _, year_before = regulator_tables(draft(savings("2024H1", 60, 30), "2024H1"))
    earlier = published(tmp_path, "2024H1_r1", "regulator", year_before.frame, audit.REGULATOR_SAVINGS)
    assert regulator(savings("2025H1", 50, 63), earlier=(earlier,))["participating"] == (50, None)
    assert regulator(savings("2025H1", 50, 60), earlier=(earlier,))["participating"] == (50, 60)


def test_a_released_table_that_somebody_changed_is_named(tmp_path: Path) -> None:
    release = published(tmp_path, "2025H1_r1", "norms", norms(), marts.NORMS)
    other = norms().with_columns(pl.col("cases").cast(pl.String))
    other.write_parquet(tmp_path / "2025H1" / "r1" / "norms" / "HCIP_210001_norms_2025H1_r1.parquet")
    with pytest.raises(HcipError, match="table norms cannot be read") as raised:
        release.table("norms")
    assert "hcip verify" in raised.value.fix

"""The event log that runs in this process write holds what Dagster's own would hold."""

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.instance.ref import InstanceRef

from hcip_pipeline.assets.event_log import HeldSqliteEventLogStorage

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
HALVES = dg.StaticPartitionsDefinition(["2025H1", "2025H2"])


@dg.multi_asset(
    specs=[
        dg.AssetSpec("cases", code_version="1"),
        dg.AssetSpec("costs", deps=["cases"], code_version="2"),
        dg.AssetSpec("norms", deps=["cases", "costs"]),
    ],
    check_specs=[dg.AssetCheckSpec("conserved", asset="costs"), dg.AssetCheckSpec("few", asset="norms")],
    partitions_def=HALVES,
)
def tables() -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    for name in ("cases", "costs", "norms"):
        yield dg.MaterializeResult(asset_key=name, metadata={"dagster/partition_row_count": 3})
    yield dg.AssetCheckResult(asset_key="costs", check_name="conserved", passed=True, metadata={"rows": 0})
    yield dg.AssetCheckResult(
        asset_key="norms", check_name="few", passed=False, severity=dg.AssetCheckSeverity.WARN, metadata={"rows": 2}
    )


@dg.asset(deps=["norms"], partitions_def=HALVES)
def payments(context: dg.AssetExecutionContext) -> None:
    context.log.info("written")


@dg.asset(deps=["payments"], partitions_def=HALVES)
def broken() -> None:
    raise ValueError("a fault")


def _instance(folder: Path, held: bool) -> dg.DagsterInstance:
    folder.mkdir()
    storage = {
        "module": HeldSqliteEventLogStorage.__module__,
        "class": HeldSqliteEventLogStorage.__name__,
        "config": {"base_dir": str(folder / "history" / "runs")},
    }
    overrides: dict[str, Any] = {"telemetry": {"enabled": False}} | ({"event_log_storage": storage} if held else {})
    return dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(folder), overrides=overrides))


def _written(folder: Path, held: bool) -> dict[str, list[tuple[Any, ...]]]:
    """What lies in every table of the event log after two half-years that both failed at their end."""
    definitions = dg.Definitions([tables, payments, broken], jobs=[dg.define_asset_job("all_of_it", "*")])
    runs = ["00000000-0000-0000-0000-00000000000" + digit for digit in "12"]
    with _instance(folder, held) as instance:
        for run_id, key in zip(runs, ("2025H1", "2025H2"), strict=True):
            definitions.resolve_job_def("all_of_it").execute_in_process(
                instance=instance, partition_key=key, run_id=run_id, raise_on_error=False, run_config=_QUIET
            )
        made = instance.get_latest_materialization_event(dg.AssetKey("norms"))
        assert made is not None and made.run_id == runs[-1]
    found = {}
    for name in ("index", *runs):
        with sqlite3.connect(folder / "history" / "runs" / f"{name}.db") as connection:
            for (table,) in connection.execute("select name from sqlite_master where type = 'table'").fetchall():
                rows = connection.execute(f'select * from "{table}"').fetchall()
                found[f"{name} {table}"] = [tuple(map(_without_clock, row)) for row in rows]
    return found


def _without_clock(value: Any) -> Any:
    """What differs between any two runs: moments, places of memory and code, and how long something took."""
    if not isinstance(value, str):
        return value
    value = re.sub(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?", "(a moment)", value)
    value = re.sub(r"\d+(\.\d+)?(e-\d+)?(ms|s)\b", "(so long)", value)
    value = re.sub(r"\b\d{10}\.\d+|\b\d+\.\d{3,}(e-\d+)?|\(process: \d+\)|pid\D{1,6}\d+", "(a number)", value)
    return re.sub(r'("(batch_id|log_key)": )"[^"]*"', r"\1(an id)", value)


@pytest.mark.slow
def test_the_held_event_log_is_the_one_that_dagster_would_have_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", "1000")
    stock, held = _written(tmp_path / "stock", held=False), _written(tmp_path / "held", held=True)
    assert stock.keys() == held.keys()
    assert len(stock["index asset_check_executions"]) == 4
    for table, rows in stock.items():
        assert held[table] == rows, table


def test_what_a_run_says_in_bulk_is_there_for_who_reads_it(tmp_path: Path) -> None:
    definitions = dg.Definitions([tables], jobs=[dg.define_asset_job("all_of_it", "*")])
    with _instance(tmp_path / "held", held=True) as instance:
        run = definitions.resolve_job_def("all_of_it").execute_in_process(
            instance=instance, partition_key="2025H1", run_config=_QUIET
        )
        told = [each.event_type_value for each in run.all_events if each.event_type_value.startswith("STEP")]
        kept = [
            entry.get_dagster_event().event_type_value
            for entry in instance.all_logs(run.run_id)
            if entry.is_dagster_event and entry.get_dagster_event().event_type_value.startswith("STEP")
        ]
    assert kept == told

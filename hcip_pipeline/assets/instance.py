"""The home's own Dagster instance: its history is what the UI shows."""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import dagster as dg

from hcip_pipeline.home.folders import Home, not_writable
from hcip_pipeline.ledger.history import check_history, history_damaged, is_empty

_DAGSTER_YAML = """\
# Written by hcip where there is none; yours to change.
telemetry: {enabled: false}
nux: {enabled: false}  # or a sign-up window covers the UI
# Nothing is printed that the event log does not hold.
compute_logs: {module: dagster._core.storage.noop_compute_log_manager, class: NoOpComputeLogManager}
# One half-year after another: each reads the releases before it. Quarters and months side by side.
concurrency:
  runs:
    max_concurrent_runs: 4
    tag_concurrency_limits: [{key: hcip/settles, limit: 1}]
run_monitoring: {enabled: true, start_timeout_seconds: 300}
# A killed process is worth another try; data that are wrong stay wrong.
run_retries: {enabled: true, max_retries: 1, retry_on_asset_or_op_failure: false}
"""


def instance_folder(home: Home) -> Path:
    """The home's Dagster folder (``DAGSTER_HOME``), with a ``dagster.yaml`` when it had none.

    Raises:
        HcipError: it cannot be written.
    """
    file = home.dagster / "dagster.yaml"
    try:
        home.dagster.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            file.write_text(_DAGSTER_YAML, encoding="utf-8")
    except OSError as error:
        raise not_writable(home.root, error) from error
    return home.dagster


@contextmanager
def home_instance(home: Home) -> Iterator[dg.DagsterInstance]:
    """The home's Dagster instance, as its ``dagster.yaml`` describes it.

    Raises:
        HcipError: the home cannot be written, or its history of runs was emptied or is damaged.
    """
    empty = check_history(home)
    with dg.DagsterInstance.from_config(str(instance_folder(home))) as instance, _kept_open(home.dagster / "history"):
        for path in empty:
            run = instance.get_run_by_id(path.stem)
            never_started = run is not None and run.status == dg.DagsterRunStatus.NOT_STARTED
            if not never_started and is_empty(path):
                raise history_damaged(path)
        yield instance


@contextmanager
def _kept_open(history: Path) -> Iterator[None]:
    """Keep the databases of a history open, where it is kept in SQLite files.

    Dagster opens and closes them for every event, and whoever closes one last has SQLite fold its log into it and wait
    for the disk, hundreds of times in a run.
    """
    with ExitStack() as opened:
        for path in (*sorted(history.glob("*.db")), *history.glob("runs/index.db")):
            connection = opened.enter_context(closing(sqlite3.connect(path)))
            connection.execute("select count(*) from sqlite_master").fetchall()  # opens it, and holds no lock of rows
        yield

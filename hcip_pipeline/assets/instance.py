"""The home's own Dagster instance, whose history the UI shows."""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import dagster as dg

from hcip_pipeline.home.folders import Home, not_writable
from hcip_pipeline.ledger.history import check_history, history_damaged, is_empty

_DAGSTER_YAML = """\
# hcip writes this file if it does not exist. You may change it.
telemetry: {enabled: false}
nux: {enabled: false}  # otherwise a sign-up window covers the UI
# The event log contains everything that runs print.
compute_logs: {module: dagster._core.storage.noop_compute_log_manager, class: NoOpComputeLogManager}
# Half-years run one after another, because each reads earlier releases; quarters and months run side by side.
concurrency:
  runs:
    max_concurrent_runs: 4
    tag_concurrency_limits: [{key: hcip/settles, limit: 1}]
run_monitoring: {enabled: true, start_timeout_seconds: 300}
# A killed process is tried again; wrong data would fail again.
run_retries: {enabled: true, max_retries: 1, retry_on_asset_or_op_failure: false}
"""


def instance_folder(home: Home) -> Path:
    """The home's Dagster folder (``DAGSTER_HOME``). Writes a ``dagster.yaml`` if there is none.

    Raises:
        HcipError: the folder is not writable.
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
    """The home's Dagster instance, as its ``dagster.yaml`` configures it.

    Raises:
        HcipError: the home is not writable, or its history of runs was emptied or is damaged.
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
    """Keep the databases of a history open, if they are SQLite files.

    Dagster opens and closes them for every event. The last connection to close makes SQLite fold its log into the
    database and wait for the disk, which would happen hundreds of times in a run.
    """
    with ExitStack() as opened:
        for path in (*sorted(history.glob("*.db")), *history.glob("runs/index.db")):
            connection = opened.enter_context(closing(sqlite3.connect(path)))
            connection.execute("select count(*) from sqlite_master").fetchall()  # opens the file, and holds no lock
        yield

"""Runs of the home's jobs in this process, on the home's own Dagster instance.

Belongs here: the instance, opening a home for runs, one run and how its error reaches the caller. Does not belong here:
which partitions are run (``execution``, ``side_by_side``), what an asset does.
"""

import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg
from dagster._core.errors import DagsterAssetCheckFailedError, DagsterExecutionInterruptedError
from dagster._core.instance.ref import InstanceRef

from hcip_pipeline.assets.assembly import build_defs
from hcip_pipeline.assets.event_log import HeldSqliteEventLogStorage
from hcip_pipeline.assets.interrupted_runs import close_interrupted, process_tags
from hcip_pipeline.assets.partitions import Key, parse_key
from hcip_pipeline.assets.resources import Handover, HomeResource
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home import Home
from hcip_pipeline.home_locks import HomeLocks
from hcip_pipeline.operations.alerts import failure_alert, tell
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.storage_faults import storage_told

Progress = Callable[[str], None]

#: what is said of a run goes to its event log in the home; the terminal is the command line's
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}

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
        raise HcipError(
            f"the home cannot be written: {error.strerror}",
            file=home.root,
            fix="grant the right to write, or make room",
        ) from error
    return home.dagster


@contextmanager
def home_instance(home: Home) -> Iterator[dg.DagsterInstance]:
    """The home's Dagster instance: what is run here stands in the UI's history."""
    folder = str(instance_folder(home))
    stock = InstanceRef.from_dir(folder)
    held = {
        "module": HeldSqliteEventLogStorage.__module__,
        "class": HeldSqliteEventLogStorage.__name__,
        "config": {"base_dir": str(home.dagster / "history" / "runs")},
    }
    is_stock = stock.event_storage_data is not None and stock.event_storage_data.class_name == "SqliteEventLogStorage"
    reference = InstanceRef.from_dir(folder, overrides={"event_log_storage": held}) if is_stock else stock
    if is_stock:
        os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", "1000")  # what a run plans is written at once
    with dg.DagsterInstance.from_ref(reference) as instance:
        yield instance


@dataclass(frozen=True)
class Runs:
    """Runs of the home's jobs, one after another, in this process."""

    home: Home
    instance: dg.DagsterInstance
    definitions: dg.Definitions
    handover: Handover
    policy_path: Path | None = None
    tags: dict[str, str] = field(default_factory=dict)
    #: half-years that several runs are for: their locks outlast each of them
    kept: set[str] = field(default_factory=set)

    def hold(self, period: PerformancePeriod) -> None:
        """Nobody else works on a half-year from here until ``let_go``, over as many runs as it takes.

        Raises:
            BusyError: somebody does.
        """
        self.handover.locks.take(self.home, str(period), f"settling {period}")
        self.kept.add(str(period))

    def let_go(self, period: PerformancePeriod) -> None:
        self.kept.discard(str(period))
        self.handover.locks.drop(self.home, str(period))

    def run(self, job: str, partition: Key) -> None:
        """Materialize a job's assets for one partition.

        Raises:
            HcipError: what an asset raised, or the blocking checks that did not pass.
            KeyboardInterrupt: somebody stopped it.
        """
        key = str(parse_key(str(partition)))
        run_id = str(uuid.uuid4())
        try:
            self._run(job, key, run_id)
        except HcipError as error:
            tell(self.home, failure_alert(run_id, job, key, error), self.handover.progress)
            raise

    def _run(self, job: str, key: str, run_id: str) -> None:
        try:
            self.definitions.resolve_job_def(job).execute_in_process(
                instance=self.instance,
                partition_key=key,
                run_config=_QUIET,
                run_id=run_id,
                tags=process_tags() | self.tags,
            )
        except DagsterAssetCheckFailedError as error:
            raise HcipError(
                f"{key}: {' '.join(str(error).split())}",
                file=self.home.root,
                fix="the run's checks in the Dagster UI give the counts; mend the input they name and run again",
            ) from error
        except DagsterExecutionInterruptedError as stopped:
            raise KeyboardInterrupt from stopped
        finally:
            self.handover.locks.let_go(but=self.kept)


@contextmanager
def runs_on(
    home: Home,
    policy_path: Path | None = None,
    *,
    threads: int | None = None,
    progress: Progress | None = None,
    tags: Mapping[str, str] | None = None,
) -> Iterator[Runs]:
    """Open a home for runs.

    Args:
        policy_path: another policy file than the home's.
        threads: DuckDB threads; no result depends on it.
        progress: told in words what is going on.
        tags: of every run, beside the process that runs it.
    """
    say = progress or (lambda _: None)
    handover = Handover(say, attended=True, locks=HomeLocks(told=say))
    resource = HomeResource(
        path=str(home.root), policy_path=str(policy_path.absolute()) if policy_path else "", threads=threads
    )
    definitions = build_defs(resources={"home": resource, "handover": handover})
    with storage_told(home), home_instance(home) as instance:  # the history of runs lies in the home too
        close_interrupted(instance)
        with handover.locks:
            yield Runs(home, instance, definitions, handover, policy_path, dict(tags or {}))

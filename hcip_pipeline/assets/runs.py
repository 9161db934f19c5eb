"""Runs of the home's jobs in this process, on the home's own Dagster instance.

Belongs here: opening a home for runs, one run, and how its error reaches the caller. Does not belong here: which
partitions are run (``execution``), or what an asset does.
"""

import getpass
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from hcip_pipeline.alerting.alerts import failure_alert, send_alert
from hcip_pipeline.alerting.settings import check_settings
from hcip_pipeline.assets.assembly import build_defs
from hcip_pipeline.assets.instance import home_instance
from hcip_pipeline.assets.interrupted_runs import close_interrupted, process_tags
from hcip_pipeline.assets.partitions import RANGE_END, RANGE_START, Key, name_of_run, parse_key
from hcip_pipeline.assets.resources import Session
from hcip_pipeline.assets.run_origin import origin_tags, record_origin
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.home.locks import HomeLocks
from hcip_pipeline.home.storage_faults import explain_storage_errors
from hcip_pipeline.messages import Progress
from hcip_pipeline.periods import PerformancePeriod

if TYPE_CHECKING:
    from hcip_pipeline.warehouse.engine_choice import EngineChoice


#: the daemon does not retry an attended run: whoever started it runs it again
_NO_RETRY = {"dagster/max_retries": "0"}


@dataclass(frozen=True)
class Runs:
    """Runs of the home's jobs, one after another, in this process.

    Attributes:
        held: half-years whose locks are kept from one run to the next.
    """

    home: Home
    instance: dg.DagsterInstance
    definitions: dg.Definitions
    session: Session
    config: Mapping[str, Any]
    tags: Mapping[str, str] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)

    def hold(self, period: PerformancePeriod) -> None:
        """Lock a half-year until ``let_go``, over any number of runs.

        Raises:
            BusyError: another run has locked it.
        """
        self.session.locks.take(self.home, str(period), f"settling {period}")
        self.held.add(str(period))

    def let_go(self, period: PerformancePeriod) -> None:
        """Release the locks of a half-year."""
        self.held.discard(str(period))
        self.session.locks.drop(self.home, str(period))

    def run(self, job: str, *partitions: Key) -> None:
        """Materialize a job's assets for one partition, or for several consecutive ones, in one run.

        Raises:
            HcipError: an asset raised it, or blocking checks did not pass.
            KeyboardInterrupt: the user stopped the run.
        """
        keys = [str(parse_key(str(partition))) for partition in partitions]
        name = name_of_run(keys)
        run_id = str(uuid.uuid4())
        try:
            self._run(job, keys, name, run_id)
        except HcipError as error:
            send_alert(self.home, failure_alert(run_id, job, name, error), self.session.progress)
            raise

    def _run(self, job: str, keys: Sequence[str], name: str, run_id: str) -> None:
        partitions = {} if len(keys) == 1 else {RANGE_START: keys[0], RANGE_END: keys[-1]}
        try:
            self.definitions.resolve_job_def(job).execute_in_process(
                instance=self.instance,
                partition_key=keys[0] if len(keys) == 1 else None,
                run_config=self.config,
                run_id=run_id,
                tags={**_NO_RETRY, **process_tags(), **origin_tags(), **self.tags, **partitions},
            )
        except dg.DagsterExecutionInterruptedError as stopped:
            raise KeyboardInterrupt from stopped
        except dg.DagsterError as error:  # mostly blocking checks that did not pass
            if isinstance(error.__cause__, HcipError):  # raised by a resource, and wrapped by Dagster
                raise error.__cause__ from error
            raise HcipError(
                f"{name}: {' '.join(str(error).split())}",
                file=self.home.root,
                fix="the run's checks in the Dagster UI show the counts; correct the input they name and run again",
            ) from error
        finally:
            self.session.locks.let_go(but=self.held)
            record_origin(self.instance, run_id)


@dataclass(frozen=True)
class RunOptions:
    """Options of runs.

    Attributes:
        policy_path: a policy file other than the home's.
        threads: DuckDB threads; does not change the result.
        processes: number of processes that ingest quarters and months; None: as many as are worthwhile.
        progress: called with each progress message.
        engine: computes the builds; None means the engine of the settings.
        command: the command line, for the run's tags.
        tags: further tags of every run.
    """

    policy_path: Path | None = None
    threads: int | None = None
    processes: int | None = None
    progress: Progress = lambda _: None
    engine: "EngineChoice | None" = None
    command: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def runs_on(
    home: Home, options: RunOptions | None = None, *, join: bool = False, signs: bool = False
) -> Iterator[Runs]:
    """Open a home for runs.

    Args:
        join: share a quarter with other runs that join.
        signs: a half-year is released, which the settings may require to be signed.

    Raises:
        HcipError: the home's settings are wrong, and nothing was recorded.
    """
    options = options or RunOptions()
    check_settings(home, options.progress, signs=signs)
    locks = HomeLocks(notify=options.progress)
    session = Session(options.progress, attended=True, locks=locks, processes=options.processes)
    home_config: dict[str, Any] = {"path": str(home.root)}
    if options.policy_path:
        home_config["policy_path"] = str(options.policy_path.absolute())
    if options.threads:
        home_config["threads"] = options.threads
    if join:
        home_config["join"] = True
    # Runs report to the event log; the terminal belongs to the command line.
    config = {
        "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
        "resources": {
            "home": {"config": home_config},
            "engine": {"config": asdict(options.engine) if options.engine else {}},
        },
    }
    command_tags = {"command": options.command, "user": _user()} if options.command else {}
    definitions = build_defs(resources={"session": session})
    with explain_storage_errors(home), home_instance(home) as instance:  # the history of runs is in the home too
        close_interrupted(instance)
        with session.locks:
            yield Runs(home, instance, definitions, session, config, {**command_tags, **options.tags})


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name, in a container
        return "unknown"

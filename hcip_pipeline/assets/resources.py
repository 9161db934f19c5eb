"""Resources of the assets: the home, the engine, and the session of the process that runs them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import dagster as dg
from pydantic import Field, PrivateAttr

from hcip_pipeline.home.folders import Home, restrict_umask
from hcip_pipeline.home.locks import HomeLocks

if TYPE_CHECKING:
    from hcip_pipeline.intake.cclf.receipts import ArchiveReceipt
    from hcip_pipeline.intake.hospital.receipts import SubmissionReceipt
    from hcip_pipeline.intake.period_intake import PeriodIntake
    from hcip_pipeline.policy.loader import PolicyFile
    from hcip_pipeline.publishing.writer import Release
    from hcip_pipeline.settlement.recognition import Outlook
    from hcip_pipeline.warehouse.build import Engine


class HomeResource(dg.ConfigurableResource):
    """The home folder that a run works on, and the policy it applies."""

    path: str = Field(default="", description="Home folder; if empty, $HCIP_HOME, else ./hcip_home.")
    policy_path: str = Field(default="", description="Policy file; if empty, inbox/policy.yaml of the home.")
    threads: int | None = Field(default=None, description="DuckDB threads; does not change the result.")
    join: bool = Field(default=False, description="Share the quarter with other runs, on any machine.")

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Restrict file modes, because a run's files are about patients and payments, and synchronize a shared home.

        Raises:
            HcipError: the storage of a shared home cannot be reached or disagrees with it.
        """
        from hcip_pipeline.sharing import share

        restrict_umask()
        share(self.home(), context.log.info if context.log else print)

    def home(self) -> Home:
        """The home that the run reads and writes."""
        return Home.locate(self.path or None)

    def policy(self) -> "PolicyFile":
        """Read and validate the policy. Raises HcipError as ``load_policy`` does."""
        from pathlib import Path

        from hcip_pipeline.policy.loader import load_policy

        return load_policy(Path(self.policy_path) if self.policy_path else self.home().policy)


#: tags that name a run's engine if its configuration does not: backfills from the UI have only tags
ENGINE_TAG, MASTER_TAG = "hcip/engine", "hcip/spark_master"


class EngineResource(dg.ConfigurableResource):
    """The engine of a run's builds: DuckDB or Spark. The first build opens the Spark session; it ends with the run.

    A tag of the run (``hcip/engine: spark``) names the engine if the configuration does not.
    """

    name: str = Field(default="", description="duckdb or spark; if empty, the tag hcip/engine, else settings.yaml.")
    master: str = Field(
        default="", description="Spark master; if empty, the tag hcip/spark_master, $HCIP_SPARK_MASTER, …."
    )

    _tags: Mapping[str, str] = PrivateAttr(default_factory=dict)
    _opened: "list[Engine | None]" = PrivateAttr(default_factory=list)
    _until_done: ExitStack = PrivateAttr(default_factory=ExitStack)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> "Iterator[EngineResource]":
        """Keep the engine open from its first build to the end of the run."""
        self._tags = context.run.tags if context.run else {}
        with ExitStack() as self._until_done:
            yield self

    @contextmanager
    def computing(self, home: Home) -> Iterator[None]:
        """Compute every build of the ``with`` block with the engine.

        Raises:
            UsageError: the engine is not installed.
            HcipError: the settings cannot be read, or Spark did not start.
        """
        from hcip_pipeline.alerting.settings import chosen_engine
        from hcip_pipeline.warehouse.build import compute_builds_with
        from hcip_pipeline.warehouse.engine_choice import EngineChoice
        from hcip_pipeline.warehouse.engines import opened

        if not self._opened:
            name, master = self.name or self._tags.get(ENGINE_TAG, ""), self.master or self._tags.get(MASTER_TAG, "")
            chosen = chosen_engine(home, EngineChoice(name, master))
            self._opened.append(self._until_done.enter_context(opened(chosen.name, home, chosen.master)))
        with compute_builds_with(self._opened[0]):
            yield


@dataclass
class Session:
    """The state of a run's process: its locks, its progress callback and its results.

    Assets do not pass data to one another through it: what one needs from another is on disk. The results are for the
    caller that started the run in this process, to print them.

    Attributes:
        attended: somebody waits at a terminal, so a run whose work is in use by another run fails at once instead of
            trying again later.
        outlooks: half-year -> its outlook before anything was accepted, if it was determined.
        processes: number of processes that ingest quarters and months; None: as many as are worthwhile. Does not change
            the result.
    """

    progress: Callable[[str], None] = lambda _: None
    attended: bool = False
    locks: HomeLocks = field(default_factory=HomeLocks)
    processes: int | None = None
    submissions: "dict[str, list[SubmissionReceipt]]" = field(default_factory=dict)
    archives: "dict[str, list[ArchiveReceipt]]" = field(default_factory=dict)
    periods: "dict[str, PeriodIntake]" = field(default_factory=dict)
    releases: "dict[str, Release]" = field(default_factory=dict)
    outlooks: "dict[str, Outlook]" = field(default_factory=dict)


@dg.resource(description="Locks and log of the process that runs a step.")
def session_of_one_process(context: dg.InitResourceContext) -> Iterator[Session]:
    """A session that lasts as long as the run's process."""
    log = context.log
    with HomeLocks(notify=lambda message: log.info(message) if log else None) as locks:
        yield Session(locks=locks)

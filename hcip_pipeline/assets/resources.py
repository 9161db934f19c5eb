"""What assets are given: the home, and the session of the process that runs them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import dagster as dg
from pydantic import Field

from hcip_pipeline.home import Home, private_from_here
from hcip_pipeline.home_locks import HomeLocks

if TYPE_CHECKING:
    from hcip_pipeline.intake.cclf.receipts import ArchiveReceipt
    from hcip_pipeline.intake.hospital.receipts import SubmissionReceipt
    from hcip_pipeline.intake.period_intake import PeriodIntake
    from hcip_pipeline.policy.loader import PolicyFile
    from hcip_pipeline.publishing.writer import Release


class HomeResource(dg.ConfigurableResource):
    """The home folder that a run works on, and the policy it works by."""

    path: str = Field(default="", description="Home folder; empty: $HCIP_HOME, else ./hcip_home.")
    policy_path: str = Field(default="", description="Policy file; empty: inbox/policy.yaml of the home.")
    threads: int | None = Field(default=None, description="DuckDB threads; no result depends on it.")

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Restrict file modes: what a run writes is about patients and payments."""
        private_from_here()

    def home(self) -> Home:
        return Home.locate(self.path or None)

    def policy(self) -> "PolicyFile":
        """Read and validate the policy. Raises HcipError as ``load_policy``."""
        from pathlib import Path

        from hcip_pipeline.policy.loader import load_policy

        return load_policy(Path(self.policy_path) if self.policy_path else self.home().policy)


@dataclass
class Session:
    """What the process of a run keeps: its locks, and whom it reports to.

    Assets hand nothing to one another through it: what one needs from another is on disk. The results are for whoever
    started the run in this process, to print them.

    Attributes:
        attended: somebody waits at a terminal: a run that finds its work in use by another reports it at once, instead
            of trying again later.
        processes: how many take in quarters and months side by side; None: as many as pay. No result depends on it.
    """

    progress: Callable[[str], None] = lambda _: None
    attended: bool = False
    locks: HomeLocks = field(default_factory=HomeLocks)
    processes: int | None = None
    submissions: "dict[str, list[SubmissionReceipt]]" = field(default_factory=dict)
    archives: "dict[str, list[ArchiveReceipt]]" = field(default_factory=dict)
    periods: "dict[str, PeriodIntake]" = field(default_factory=dict)
    releases: "dict[str, Release]" = field(default_factory=dict)


@dg.resource(description="Locks of the process that runs a step, and whom it reports to.")
def session_of_one_process(context: dg.InitResourceContext) -> Iterator[Session]:
    log = context.log
    with HomeLocks(told=lambda message: log.info(message) if log else None) as locks:
        yield Session(locks=locks)

"""What assets are given: the home, and what the assets of one run hand to one another."""

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
    from hcip_pipeline.release.writer import Release
    from hcip_pipeline.settlement.period import PeriodBuild


class HomeResource(dg.ConfigurableResource):
    """The home folder that a run works on, and the policy it works by."""

    path: str = Field(default="", description="Home folder; empty: $HCIP_HOME, else ./hcip_home.")
    policy_path: str = Field(default="", description="Policy file; empty: inbox/policy.yaml of the home.")
    threads: int | None = Field(default=None, description="DuckDB threads; no result depends on it.")

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Whoever started the process of a run: what it writes is about patients and payments, not for everybody."""
        private_from_here()

    def home(self) -> Home:
        return Home.locate(self.path or None)

    def policy(self) -> "PolicyFile":
        """Read and validate the policy. Raises HcipError as ``load_policy``."""
        from pathlib import Path

        from hcip_pipeline.policy.loader import load_policy

        return load_policy(Path(self.policy_path) if self.policy_path else self.home().policy)


@dataclass
class Handover:
    """What the assets of one run hand to one another, and to whoever started it in this process.

    A release is written from the build of its own run, so the build travels here and not through a file. In another
    process nothing is handed over, and the release refuses.

    ``attended`` is true where somebody waits for the run at a terminal: told at once what is in its way, it does not
    try again by itself.
    """

    progress: Callable[[str], None] = lambda _: None
    attended: bool = False
    locks: HomeLocks = field(default_factory=HomeLocks)
    submissions: "dict[str, list[SubmissionReceipt]]" = field(default_factory=dict)
    archives: "dict[str, list[ArchiveReceipt]]" = field(default_factory=dict)
    periods: "dict[str, PeriodIntake]" = field(default_factory=dict)
    builds: "dict[str, PeriodBuild]" = field(default_factory=dict)
    releases: "dict[str, Release]" = field(default_factory=dict)


@dg.resource(description="What the assets of one run hand to one another.")
def handover_of_one_run(context: dg.InitResourceContext) -> Iterator[Handover]:
    log = context.log
    with HomeLocks(told=lambda message: log.info(message) if log else None) as locks:
        yield Handover(locks=locks)

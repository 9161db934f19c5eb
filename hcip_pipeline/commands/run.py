"""``hcip run``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hcip_pipeline.commands.options import (
    Progress,
    home_option,
    json_option,
    policy_option,
    show_json,
    shown_progress,
    threads_option,
)
from hcip_pipeline.home import Home

if TYPE_CHECKING:
    from hcip_pipeline.periods import PerformancePeriod
    from hcip_pipeline.release.writer import Release


@click.command("run")
@click.argument("period")
@home_option
@policy_option
@threads_option
@click.option("--rebuild", is_flag=True, help="Build the period even where nothing has changed.")
@json_option
def command(
    period: str,
    home_path: Path | None,
    policy_path: Path | None,
    threads: int | None,
    rebuild: bool,
    as_json: bool,
) -> None:
    """Ingest what PERIOD (2025H1) needs, build it, check it, release it.

    A period that would come out as its newest release did is recognized from hashes and not built again.
    """
    from hcip_pipeline.periods import PerformancePeriod

    parsed = PerformancePeriod.parse(period)
    home = Home.locate(home_path)
    with shown_progress(as_json) as progress:
        progress(f"{parsed}: opening the home")  # before the imports, which take longer than anybody looks at nothing
        release = settle_or_recognize(home, parsed, policy_path, rebuild=rebuild, threads=threads, progress=progress)
    show(home, [release], as_json)


def settle_or_recognize(
    home: Home,
    period: PerformancePeriod,
    policy_path: Path | None,
    *,
    rebuild: bool,
    threads: int | None,
    progress: Progress,
) -> Release:
    """The period's release: the newest one where nothing has changed since, else that of a run.

    Raises:
        HcipError: as the run does; nothing was released then.
    """
    from hcip_pipeline.ledger.comparison import check_home
    from hcip_pipeline.release.writer import standing_release
    from hcip_pipeline.settlement.recognition import outlook

    if home.inbox.is_dir():  # a home that is none is named by what reads it
        check_home(home, (), progress, reads_inbox=False)
    seen = outlook(home, period, policy_path)
    if seen.unchanged is not None and not rebuild:
        progress(f"{period}: nothing changed since {seen.unchanged.name}")
        return standing_release(seen.unchanged)
    from hcip_pipeline.assets.execution import settle  # takes a second to import

    return settle(home, period, policy_path, progress=progress, threads=threads, seen=seen)


def show(home: Home, releases: list[Release], as_json: bool) -> None:
    """Print what was released, or what nothing has changed since."""
    from hcip_pipeline.settlement.summary import print_releases, release_facts

    if as_json:
        from hcip_pipeline.ledger.lines import head_of

        show_json(release_facts(releases[0], head_of(home)))
    else:
        print_releases(home, releases)

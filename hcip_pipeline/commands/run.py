"""``hcip run``."""

from __future__ import annotations

from pathlib import Path

import click

from hcip_pipeline.commands.options import (
    home_option,
    json_option,
    policy_option,
    show_json,
    shown_progress,
    threads_option,
)
from hcip_pipeline.home import Home


@click.command("run")
@click.argument("period")
@home_option
@policy_option
@threads_option
@json_option
def command(period: str, home_path: Path | None, policy_path: Path | None, threads: int | None, as_json: bool) -> None:
    """Ingest what PERIOD (2025H1) needs, build it, check it, release it."""
    from hcip_pipeline.periods import PerformancePeriod

    parsed = PerformancePeriod.parse(period)
    home = Home.locate(home_path)
    with shown_progress(as_json) as progress:
        progress(f"{parsed}: opening the home")  # before the imports, which take longer than anybody looks at nothing
        from hcip_pipeline.assets.execution import settle
        from hcip_pipeline.ledger.lines import head_of
        from hcip_pipeline.settlement.summary import print_releases, release_facts

        release = settle(home, parsed, policy_path, progress=progress, threads=threads)
    if as_json:
        show_json(release_facts(release, head_of(home)))
    else:
        print_releases(home, [release])

"""``hcip demo``."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from hcip_pipeline.commands.options import home_option, json_option, show_json, threads_option
from hcip_pipeline.commands.progress import shown_progress, volume_options
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home


@click.command("demo")
@home_option
@click.option("--seed", default=2025, show_default=True, help="Seed of the invented state.")
@threads_option
@volume_options
@json_option
def command(home_path: Path | None, seed: int, threads: int | None, as_json: bool) -> None:
    """Create a small synthetic state and settle the two half-years of its last year.

    The first half-year is settled twice: some of one hospital's discharges arrive late, and the release is restated.
    """
    home = Home.locate(home_path)
    home.root.mkdir(parents=True, exist_ok=True)
    with shown_progress(as_json, home.root) as progress:
        if home.inbox.exists() and not (home.inbox / "SYNTHETIC").exists():
            raise HcipError(
                "this home's inbox was not made by a demo", file=home.inbox, fix="name another home with --home"
            )
        progress("making a synthetic state")
        from hcip_pipeline.synthetic import demo_state
        from hcip_pipeline.synthetic.demo_events import deliver_late, keep_back

        demo_state(home.inbox, seed=seed)
        (home.inbox / "SYNTHETIC").write_text(f"made by `hcip demo --seed {seed}`\n", encoding="utf-8")
        from hcip_pipeline.assets.execution import settle_each
        from hcip_pipeline.assets.runs import RunOptions
        from hcip_pipeline.ledger.lines import head_of
        from hcip_pipeline.operations.summary import demo_periods, print_releases, release_facts
        from hcip_pipeline.policy.loader import load_policy
        from hcip_pipeline.release.reading import releases_of

        load_policy(home.policy)
        first, second = demo_periods(home)
        options = RunOptions(threads=threads, progress=progress, command="hcip demo")
        settled = partial(settle_each, home, options=options)
        releases = []
        if not home.releases.exists():
            keep_back(home.inbox, first)
        if not releases_of(home, first):
            releases += settled([first])
        for submission in deliver_late(home.inbox):
            progress(f"{first}: {submission} adds discharges that came late, so the period is settled again")
        releases += settled([first, second])
    if as_json:
        show_json([release_facts(release, head_of(home)) for release in releases])
    else:
        print_releases(home, releases)

"""``hcip interim``."""

from __future__ import annotations

from pathlib import Path

import click

from hcip_pipeline.commands.options import home_option, json_option, show_json, threads_option
from hcip_pipeline.commands.progress import shown_progress, volume_options
from hcip_pipeline.home.folders import Home


@click.command("interim")
@click.argument("quarter")
@home_option
@threads_option
@volume_options
@json_option
def command(quarter: str, home_path: Path | None, threads: int | None, as_json: bool) -> None:
    """Compare QUARTER (2025Q1) with the norms, for meetings between two releases. Nothing it shows is payable.

    Each hospital gets a page by institution, service line, cost center, APR-DRG and physician, in
    <home>/interim/<quarter>/. It covers the data that `hcip ingest` has accepted.
    """
    from hcip_pipeline.periods import Quarter
    from hcip_pipeline.study.interim import interim

    parsed = Quarter.parse(quarter)
    with shown_progress(as_json) as progress:
        result = interim(Home.locate(home_path), parsed, threads=threads, progress=progress)
    if as_json:
        show_json(result.as_dict())
    else:
        for statement in result.statements:
            click.echo(f"  • {statement}")
        click.echo(f"Interim report {parsed}, {len(result.hospitals)} hospitals: {result.folder / 'index.html'}")

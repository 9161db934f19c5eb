"""``hcip synth``."""

from __future__ import annotations

from pathlib import Path

import click

from hcip_pipeline.commands.options import json_option, show_json, shown_progress
from hcip_pipeline.errors import HcipError, UsageError


@click.command("synth")
@click.argument("inbox", type=click.Path(path_type=Path))
@click.option("--hospitals", default=6, show_default=True, type=click.IntRange(1))
@click.option("--discharges-per-year", default=30_000, show_default=True, type=click.IntRange(1))
@click.option("--start", default="2023Q1", show_default=True)
@click.option("--end", default="2025Q4", show_default=True)
@click.option("--seed", default=2025, show_default=True)
@click.option("--defects", is_flag=True, help="Plant each kind of fault and write what was planted to truth/.")
@click.option(
    "--effects/--no-effects",
    default=True,
    show_default=True,
    help="Plant effects on quality in the last year (a hospital that improves, a network that beats its peers, a "
    "physician who discharges too early) and write them to truth/.",
)
@json_option
def command(
    inbox: Path,
    hospitals: int,
    discharges_per_year: int,
    start: str,
    end: str,
    seed: int,
    defects: bool,
    effects: bool,
    as_json: bool,
) -> None:
    """Write a seeded synthetic state into the folder INBOX."""
    from hcip_pipeline.periods import Quarter
    from hcip_pipeline.synthetic import generate_state

    first, last = Quarter.parse(start), Quarter.parse(end)
    if last < first:
        raise UsageError(f"the end {end} lies before the start {start}", fix="give --start before --end")
    if inbox.exists() and any(inbox.iterdir()):
        raise HcipError("the folder is not empty", file=inbox, fix="name a new folder; nothing is ever overwritten")
    with shown_progress(as_json) as progress:
        report = generate_state(
            inbox,
            hospitals=hospitals,
            discharges_per_year=discharges_per_year,
            start=first,
            end=last,
            seed=seed,
            defects=defects,
            effects=effects,
            progress=progress,
        )
    if as_json:
        show_json(report.as_dict())
    else:
        click.echo(report.summary())

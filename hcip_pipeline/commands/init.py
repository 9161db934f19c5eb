"""``hcip init``."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from hcip_pipeline.commands.options import Number, json_option, show_json


@click.command("init")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--region", default="", help="Name of the region; only Maryland's hospitals and rates are shipped.")
@click.option("--base-year", type=Number(2000, 2099), help="Year whose data set the norms [default: last year].")
@json_option
def command(folder: Path, region: str, base_year: int | None, as_json: bool) -> None:
    """Create a home in FOLDER, which must be new or empty.

    It contains a policy with every key and its meaning, default and bounds; every program and reference table with its
    header; a protocol; and a README in each inbox folder that says what goes there, by when, and under which name.
    """
    from hcip_pipeline.guides.new_home import make_home

    made = make_home(folder, region, base_year or dt.date.today().year - 1)
    if as_json:
        show_json({"home": str(made.home.root), "files": list(made.files), "next": list(made.next_steps)})
        return
    click.echo(f"created {made.home.root} with {len(made.files)} files. Next:")
    for number, step in enumerate(made.next_steps, 1):
        click.echo(f"  {number}. {step}")

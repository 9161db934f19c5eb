"""``hcip reproduce``."""

from __future__ import annotations

from pathlib import Path

import click

from hcip_pipeline.commands.options import Number, engine_options, home_option, json_option, show_json, threads_option
from hcip_pipeline.commands.progress import shown_progress, volume_options
from hcip_pipeline.home import Home


@click.command("reproduce")
@click.argument("period")
@home_option
@click.option("--release", "number", type=Number(1), help="n of r<n> [default: the newest].")
@click.option(
    "--to", type=click.Path(path_type=Path), help="Keep what was made in this folder, which is not there yet."
)
@click.option("--from-inbox", is_flag=True, help="Also make its lake and its norm table again from the inbox.")
@threads_option
@engine_options
@volume_options
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    period: str,
    home_path: Path | None,
    number: int | None,
    to: Path | None,
    from_inbox: bool,
    threads: int | None,
    engine: str | None,
    master: str,
    as_json: bool,
) -> None:
    """Make a release of PERIOD again, from the lake as of then. Exit 1 where a file comes out with other bytes.

    Nothing of the home is changed: neither what has arrived since nor a new policy has a part in it.
    """
    from hcip_pipeline.periods import PerformancePeriod

    parsed = PerformancePeriod.parse(period)
    home = Home.locate(home_path)
    with shown_progress(as_json, home.root) as progress:
        progress(f"{parsed}: reading what it was made from")
        from hcip_pipeline.alerting.settings import chosen_engine
        from hcip_pipeline.publishing.reproduction import reproduce
        from hcip_pipeline.warehouse.engine_choice import EngineChoice
        from hcip_pipeline.warehouse.engines import computed_on

        chosen = chosen_engine(home, EngineChoice(engine or "", master))
        with computed_on(chosen.name, home, chosen.master):
            made = reproduce(
                home,
                parsed,
                number,
                to=to,
                from_inbox=from_inbox,
                threads=threads,
                progress=lambda name: progress(f"{parsed}: {name}"),
            )
    if as_json:
        show_json(made.as_dict())
    else:
        for line in made.lines():
            click.echo(line)
    ctx.exit(0 if made.ok else 1)

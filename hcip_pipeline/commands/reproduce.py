"""``hcip reproduce``."""

from __future__ import annotations

from pathlib import Path

import click

from hcip_pipeline.commands.options import Number, engine_options, home_option, json_option, show_json, threads_option
from hcip_pipeline.commands.progress import shown_progress, volume_options
from hcip_pipeline.home.folders import Home


@click.command("reproduce")
@click.argument("period")
@home_option
@click.option("--release", "number", type=Number(1), help="Number of the release: 1 for r1 [default: the newest].")
@click.option("--to", type=click.Path(path_type=Path), help="Keep the result in this folder, which must not exist yet.")
@click.option("--from-inbox", is_flag=True, help="Also rebuild its lake and its norm table from the inbox.")
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
    """Rebuild a release of PERIOD from the lake as it was then. Exit 1 if a file differs by a byte.

    The home is not changed. Data that arrived later and newer policies are not used.
    """
    from hcip_pipeline.periods import PerformancePeriod

    parsed = PerformancePeriod.parse(period)
    home = Home.locate(home_path)
    with shown_progress(as_json, home.root) as progress:
        progress(f"{parsed}: reading the release's inputs")
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

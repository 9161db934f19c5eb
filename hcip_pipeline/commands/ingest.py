"""``hcip ingest``."""

from __future__ import annotations

from pathlib import Path

import click

from hcip_pipeline.commands.options import home_option, json_option, policy_option, show_json
from hcip_pipeline.commands.progress import shown_progress, volume_options
from hcip_pipeline.home.folders import Home


@click.command("ingest")
@click.argument("partitions", nargs=-1)
@home_option
@policy_option
@click.option(
    "--join",
    is_flag=True,
    help="Share the quarters among all processes that run this command at the same time, on any machine.",
)
@volume_options
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    partitions: tuple[str, ...],
    home_path: Path | None,
    policy_path: Path | None,
    join: bool,
    as_json: bool,
) -> None:
    """Ingest the inbox files that are not yet in the lake.

    Exit 1 if anything was refused; everything else was accepted.

    PARTITIONS are quarters (2025Q1), months (2025-04) or half-years (2025H1); without any, everything in the inbox is
    ingested.
    """
    from hcip_pipeline.assets.execution import ingest as run_ingest
    from hcip_pipeline.operations.summary import print_ingest
    from hcip_pipeline.plain_lines import wrapped

    home = Home.locate(home_path)
    with shown_progress(as_json, home.root) as progress:
        report = run_ingest(home, partitions, policy_path, progress=progress, join=join)
    if as_json:
        show_json(report.as_dict())
    else:
        print_ingest(home, report)
    for key, error in report.problems.items():
        lines = f"error: {key}: {error}".split("\n")
        click.echo("\n".join(wrapped(line, hanging=2) for line in lines), err=True)
    ctx.exit(0 if report.ok else 1)

"""``hcip diff``."""

from __future__ import annotations

from pathlib import Path

import click

from hcip_pipeline.commands.options import home_option, json_option, release_folder, show_json


@click.command("diff")
@click.argument("before", type=click.Path(path_type=Path))
@click.argument("after", type=click.Path(path_type=Path))
@home_option
@json_option
@click.pass_context
def command(ctx: click.Context, before: Path, after: Path, home_path: Path | None, as_json: bool) -> None:
    """Show what changed from release BEFORE to release AFTER of a period, payment by payment, by cause.

    Name both as a folder such as releases/2025H1/r1 or by period: 2025H1/r1, or 2025H1 for the newest.
    Exit 1 if the causes do not add up to the difference.
    """
    from hcip_pipeline.release.difference import difference, lines

    compared = difference(release_folder(before, home_path), release_folder(after, home_path))
    if as_json:
        show_json(compared.as_dict())
    else:
        for line in lines(compared):
            click.echo(line)
    ctx.exit(0 if compared.ok else 1)

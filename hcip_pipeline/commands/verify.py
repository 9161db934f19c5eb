"""``hcip verify``."""

from __future__ import annotations

from pathlib import Path

import click

from hcip_pipeline.commands.options import json_option, show_json, shown_progress
from hcip_pipeline.errors import HcipError


@click.command("verify")
@click.argument("release", type=click.Path(path_type=Path))
@json_option
@click.pass_context
def command(ctx: click.Context, release: Path, as_json: bool) -> None:
    """Recompute every payment of RELEASE (a folder such as releases/2025H1/r1) from its files. Exit 1 on any cent."""
    from hcip_pipeline.release.verification import UnreadableReleaseError, verify_release

    try:
        with shown_progress(as_json) as progress:
            report = verify_release(release, progress)
    except UnreadableReleaseError as error:
        raise HcipError(error.message, file=release, fix=error.fix) from error
    if as_json:
        show_json(report.as_dict())
    else:
        click.echo(report.text())
    ctx.exit(0 if report.ok else 1)

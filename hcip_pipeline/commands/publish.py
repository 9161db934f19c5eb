"""``hcip publish``."""

from __future__ import annotations

from pathlib import Path

import click

from hcip_pipeline.commands.options import home_option, json_option, release_folder, show_json
from hcip_pipeline.commands.progress import shown_progress, volume_options
from hcip_pipeline.home.folders import Home


@click.command("publish")
@click.argument("releases", nargs=-1)
@click.option(
    "--to", "address", required=True, metavar="URL", help="s3://bucket/prefix, or another address that fsspec supports."
)
@home_option
@volume_options
@json_option
def command(releases: tuple[str, ...], address: str, home_path: Path | None, as_json: bool) -> None:
    """Copy RELEASES to object storage. Each arrives whole or not at all: its manifest is written last.

    Name releases as for `hcip verify` (2025H1, 2025H1/r1, a folder); without any, every release of the home that is
    not there yet is published. `hcip verify URL/2025H1/r1` recomputes a published release.
    """
    from hcip_pipeline.publishing.object_storage import publish
    from hcip_pipeline.release.reading import released_periods, releases_of

    home = Home.locate(home_path)
    folders = [release_folder(Path(name), home_path) for name in releases] or [
        folder for period in released_periods(home) for folder in releases_of(home, period)
    ]
    with shown_progress(as_json) as progress:
        published = [publish(folder, address, progress) for folder in folders]
    if as_json:
        show_json([each.as_dict() for each in published])
        return
    for each in published:
        what = f"published, {each.files} files" if each.written else "already published"
        click.echo(f"{each.release}: {what}: {each.address}")
    if not published:
        click.echo(f"{home.releases}: no releases yet")

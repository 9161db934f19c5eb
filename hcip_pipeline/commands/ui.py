"""``hcip ui``."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import click

from hcip_pipeline.commands.options import Number, home_option
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home


def _check_url(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    try:
        address = urlsplit(value)
        is_origin = (
            address.scheme in ("http", "https")
            and bool(address.hostname)
            and address.port != 0
            and address.path in ("", "/")
            and not (address.query or address.fragment or address.username)
        )
    except ValueError:  # a port that is not a number
        is_origin = False
    if value and not is_origin:
        raise click.BadParameter("give scheme, host and port only, as in https://hcip.example.org")
    return value.rstrip("/")


@click.command("ui")
@home_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=3000, show_default=True, type=Number(1, 65535), help="Port to listen on.")
@click.option(
    "--public-url",
    default="",
    metavar="URL",
    callback=_check_url,
    help="Address at which browsers reach the reverse proxy in front, such as https://hcip.example.org.",
)
def command(home_path: Path | None, host: str, port: int, public_url: str) -> None:
    """Start the Dagster UI on this home, with the daemon that runs schedules, sensors and backfills. Ctrl-C ends both.

    It responds only at the address it prints, which contains a new token each time.
    """
    from hcip_pipeline.alerting.settings import load_settings
    from hcip_pipeline.assets.instance import home_instance
    from hcip_pipeline.assets.interrupted_runs import close_interrupted
    from hcip_pipeline.home.storage_faults import explain_storage_errors
    from hcip_pipeline.operations.interface import Listener, environment, serve
    from hcip_pipeline.policy.loader import load_policy

    def say(message: str) -> None:
        click.echo(message, err=True)

    home = Home.locate(home_path)
    if not home.root.is_dir():
        raise HcipError(
            "there is no home in this folder",
            file=home.root,
            fix="name one with --home, or make one: `hcip demo --home FOLDER`, or put the files into FOLDER/inbox",
        )
    settings = load_settings(home)
    base_year = load_policy(home.policy).policy.base_year if home.policy.exists() else None
    with explain_storage_errors(home):
        with home_instance(home) as instance:
            close_interrupted(instance)
        serve(home, environment(home, settings, base_year), Listener(host, port, public_url), say)

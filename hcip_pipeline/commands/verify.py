"""``hcip verify``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from hcip_pipeline.commands.options import home_option, json_option, release_folder, show_json
from hcip_pipeline.commands.progress import Progress, shown_progress, volume_options
from hcip_pipeline.errors import HcipError

_FILE = click.Path(path_type=Path)


@contextmanager
def _folder_of(release: str, home_path: Path | None, progress: Progress) -> Iterator[Path]:
    """The folder of a release; of a published one, a temporary copy."""
    from hcip_pipeline.files.scratch import scratch_folder
    from hcip_pipeline.publishing.object_storage import fetch
    from hcip_pipeline.shared_home.address import is_address

    if not is_address(release):
        yield release_folder(Path(release), home_path)
        return
    with scratch_folder("verify") as scratch:
        yield fetch(release, scratch / "releases", progress)


@click.command("verify")
@click.argument("release")
@click.option("--head", default="", help="Ledger head that you kept: also checks every file that the ledger covers.")
@click.option("--ledger", type=_FILE, help="Ledger file [default: ledger.jsonl of the release's home].")
@click.option("--signers", type=_FILE, help="Allowed signers file for ssh-keygen: also checks every signature.")
@click.option(
    "--roots", type=_FILE, help="Root certificates of time stamp services (PEM): also checks every time stamp."
)
@click.option("--partial", is_flag=True, help="Accept that releases which this one refers to are not available.")
@home_option
@volume_options
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    release: str,
    head: str,
    ledger: Path | None,
    signers: Path | None,
    roots: Path | None,
    partial: bool,
    home_path: Path | None,
    as_json: bool,
) -> None:
    """Recompute every payment of RELEASE from its files. Exit 1 if a single cent differs.

    RELEASE is a folder such as releases/2025H1/r1, a period (2025H1: its newest release), one release of a period
    (2025H1/r1), or the address of a published release (s3://bucket/prefix/2025H1/r1), which is first downloaded with
    the releases it refers to.

    Also checks the chain of releases and the home's ledger for anything removed, replaced, rolled back or rewritten.
    """
    from hcip_pipeline.release.verification import MOST_DRAWS, Proofs, UnreadableReleaseError, verify_release

    proofs = Proofs(head, ledger, signers, roots, partial, MOST_DRAWS)
    try:
        with shown_progress(as_json) as progress, _folder_of(release, home_path, progress) as folder:
            report = verify_release(folder, progress, proofs)
    except UnreadableReleaseError as error:
        raise HcipError(error.message, file=release, fix=error.fix) from error
    if as_json:
        show_json(report.as_dict())
    else:
        click.echo(report.text())
    ctx.exit(0 if report.ok else 1)

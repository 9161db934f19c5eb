"""``hcip verify``."""

from __future__ import annotations

from pathlib import Path

import click

from hcip_pipeline.commands.options import home_option, json_option, release_folder, show_json, shown_progress
from hcip_pipeline.errors import HcipError

_FILE = click.Path(path_type=Path)


@click.command("verify")
@click.argument("release", type=_FILE)
@click.option("--head", default="", help="A ledger head that was kept: also read every file that the ledger covers.")
@click.option("--ledger", type=_FILE, help="The ledger [default: ledger.jsonl of the release's home].")
@click.option("--signers", type=_FILE, help="Allowed signers, as ssh-keygen reads them: check every signature.")
@click.option("--partial", is_flag=True, help="Accept that a release which this one names does not lie beside it.")
@home_option
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    release: Path,
    head: str,
    ledger: Path | None,
    signers: Path | None,
    partial: bool,
    home_path: Path | None,
    as_json: bool,
) -> None:
    """Recompute every payment of RELEASE from its files. Exit 1 on any cent.

    RELEASE is a folder such as releases/2025H1/r1, a period (2025H1, its newest release) or one of it (2025H1/r1).

    Also checks the chain of releases and the home's ledger: removal, replacement, rollback and rewriting are named.
    """
    from hcip_pipeline.release.verification import Proofs, UnreadableReleaseError, verify_release

    release = release_folder(release, home_path)
    try:
        with shown_progress(as_json) as progress:
            report = verify_release(release, progress, Proofs(head, ledger, signers, partial))
    except UnreadableReleaseError as error:
        raise HcipError(error.message, file=release, fix=error.fix) from error
    if as_json:
        show_json(report.as_dict())
    else:
        click.echo(report.text())
    ctx.exit(0 if report.ok else 1)

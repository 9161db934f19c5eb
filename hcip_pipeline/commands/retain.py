"""``hcip retain``."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from hcip_pipeline.commands.options import Day, home_option, json_option, policy_option, show_json
from hcip_pipeline.commands.progress import shown_progress
from hcip_pipeline.home.folders import Home


@click.command("retain")
@home_option
@policy_option
@click.option(
    "--as-of",
    type=Day(),
    help="List what is due on this day.  [default: today]",
)
@click.option("--destroy", is_flag=True, help="Destroy the patient-level files of releases that are due.")
@click.option("--yes", is_flag=True, help="Do not ask before destroying.")
@json_option
def command(
    home_path: Path | None,
    policy_path: Path | None,
    as_of: dt.datetime | None,
    destroy: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """List data past its retention period or data-use end date; --destroy removes it from releases.

    The retention period is the policy's retention_years; agreements are in inbox/data_use.yaml. Hashes, payments and
    aggregates stay, with a record of the destruction, so that `hcip verify` can still check the chain.
    """
    from hcip_pipeline.alerting.settings import signer_of, timestamps_of
    from hcip_pipeline.errors import HcipError
    from hcip_pipeline.home.locks import HomeLocks
    from hcip_pipeline.ledger.signing import sign_head
    from hcip_pipeline.ledger.timestamps import stamp_head
    from hcip_pipeline.operations import retention
    from hcip_pipeline.policy.loader import load_policy
    from hcip_pipeline.sharing import share

    home = Home.locate(home_path)
    day = as_of.date() if as_of else dt.date.today()
    policy = load_policy(policy_path or home.policy).policy
    due = retention.what_is_due(home, policy.retention_years, day)
    if as_json and not destroy:
        show_json(due.as_dict())
        return
    if not as_json:
        _print_due(due)
    if not destroy or not due.files:
        return
    if not yes:
        click.confirm(f"Permanently destroy {due.files} files?", abort=True)
    with HomeLocks() as locks:
        names = retention.lock_names(home)
        for name in names:
            locks.take(home, name, "destroying data past its retention period")
        if retention.what_is_due(home, policy.retention_years, day) != due:
            raise HcipError(
                "the list of what is due has changed in the meantime; nothing was destroyed",
                file=home.root,
                fix="run it again and review the new list",
            )
        signer, stamps = signer_of(home), timestamps_of(home)
        destroyed = retention.destroy(home, due, signer)
        with shown_progress(as_json) as progress:
            share(home, progress, held=names, removed=due.paths(home))
            sign_head(home, signer)  # synchronizing may have put another machine's lines before this destruction's
            stamp_head(home, stamps, progress)
    if as_json:
        show_json({**due.as_dict(), "destroyed": destroyed})
    else:
        click.echo(f"{destroyed} files destroyed; releases/<period>/r<n>.destroyed.json lists them, with the reasons")


def _print_due(due: object) -> None:
    from hcip_pipeline.operations.retention import Retention

    assert isinstance(due, Retention)
    if not (due.files or due.elsewhere):
        click.echo(f"{due.as_of}: nothing is past its retention period or data-use end date")
        return
    by_reason: dict[tuple[str, str], list[int]] = {}
    for each in due.due:
        by_reason.setdefault((each.release, each.reason), []).append(each.bytes)
    for (release, reason), sizes in by_reason.items():
        click.echo(f"{release}: {len(sizes)} patient-level files, {sum(sizes):,} bytes: {reason}")
    if due.kept_sources:
        click.echo(f"lake/known: {len(due.kept_sources)} files that only these releases were made from")
    if due.left_over:
        click.echo(f"lake/quarantine and warehouse: {len(due.left_over)} files that nothing reads anymore")
    if due.elsewhere:
        click.echo(
            "The same patients' rows are also in these files. Other periods may need them; deleting them is up to you:"
        )
        for line in due.elsewhere:
            click.echo(f"  {line}")

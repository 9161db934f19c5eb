"""``hcip backfill``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hcip_pipeline.commands.options import (
    Number,
    engine_options,
    home_option,
    json_option,
    policy_option,
    show_json,
    threads_option,
)
from hcip_pipeline.commands.progress import shown_progress, volume_options
from hcip_pipeline.home.folders import Home

if TYPE_CHECKING:
    from hcip_pipeline.operations.backfill import BackfillReport


@click.command("backfill")
@click.argument("first")
@click.argument("last")
@home_option
@policy_option
@click.option("--resume", is_flag=True, help="Skip what the latest backfill of the same range finished.")
@click.option("--jobs", type=Number(1), help="Processes that ingest quarters and months [default: number of cores].")
@threads_option
@engine_options
@volume_options
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    first: str,
    last: str,
    home_path: Path | None,
    policy_path: Path | None,
    resume: bool,
    jobs: int | None,
    threads: int | None,
    engine: str | None,
    master: str,
    as_json: bool,
) -> None:
    """Ingest or settle every partition from FIRST to LAST: quarters, months or half-years.

    Quarters and months are ingested in one run; half-years are settled in order, because each reads earlier releases.
    A half-year in which nothing changed is not released again.
    """
    from hcip_pipeline.assets.runs import RunOptions
    from hcip_pipeline.ledger.lines import head_of
    from hcip_pipeline.operations.backfill import backfill
    from hcip_pipeline.warehouse.engine_choice import EngineChoice

    chosen = EngineChoice(engine or "", master)
    home = Home.locate(home_path)
    with shown_progress(as_json, home.root) as progress:
        options = RunOptions(policy_path, threads, jobs, progress, chosen)
        report = backfill(home, first, last, options, resume=resume)
    if as_json:
        show_json(report.as_dict() | {"ledger_head": head_of(home)})
    else:
        _print(home, report)
    ctx.exit(0 if report.ok else 1)


def _print(home: Home, report: BackfillReport) -> None:
    from hcip_pipeline.operations.summary import print_releases

    print_releases(home, report.releases)
    for what, keys in (
        ("ingested", report.ingested),
        ("not in the inbox", report.absent),
        ("done by the earlier backfill", report.done_before),
        ("not started, because they need the release that failed", report.not_started),
    ):
        if keys:
            click.echo(f"{what}: {', '.join(keys)}")
    for error in report.refused.values():
        click.echo(f"refused; the rest was ingested: {error}", err=True)
    for key, error in report.failed.items():
        click.echo(f"error: {key}: {error}", err=True)
    if report.failed:
        first, last = report.name.split("..")
        click.echo(f"correct that, then run: hcip backfill {first} {last} --resume", err=True)

"""``hcip status``."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hcip_pipeline.commands.options import Day, home_option, json_option, policy_option, show_json
from hcip_pipeline.home.folders import Home

if TYPE_CHECKING:
    from hcip_pipeline.periods import PerformancePeriod


@click.command("status")
@click.argument("period", required=False)
@home_option
@policy_option
@click.option("--on", "day", type=Day(), help="Show what is due or late on this day [default: today].")
@json_option
def command(
    period: str | None, home_path: Path | None, policy_path: Path | None, day: dt.datetime | None, as_json: bool
) -> None:
    """Show the status of PERIOD (2025H1), or of every half-year of the home.

    Lists what was received, is missing, due or late, by hospital and month; what is held and why; which releases are
    stale and why; and what a run would do now. Nothing is changed.
    """
    from hcip_pipeline.periods import PerformancePeriod
    from hcip_pipeline.settlement.status import known_periods, period_status, status_lines

    home = Home.locate(home_path)
    known = known_periods(home)
    on = day.date() if day else dt.date.today()
    periods = [_of_calendar(PerformancePeriod.parse(period), known)] if period else known
    found = [period_status(home, each, on, policy_path) for each in periods]
    if as_json:
        show_json({"home": str(home.root), "periods": [status.as_dict() for status in found]})
        return
    if not found:
        click.echo(f"{home.root} has no half-year yet: put submissions and program files into its inbox")
    for status in found:
        click.echo("\n".join(status_lines(status)))


def _of_calendar(period: PerformancePeriod, known: list[PerformancePeriod]) -> PerformancePeriod:
    """The period itself. Raises UsageError if it is outside the program's calendar."""
    if period not in known:
        from hcip_pipeline.assets.partitions import parse_key  # takes a second to import

        parse_key(str(period))
    return period

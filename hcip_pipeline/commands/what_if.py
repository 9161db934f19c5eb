"""``hcip what-if``."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hcip_pipeline.commands.options import home_option, json_option, show_json, threads_option
from hcip_pipeline.commands.progress import shown_progress, volume_options
from hcip_pipeline.home.folders import Home

if TYPE_CHECKING:
    from hcip_pipeline.certainty.what_if import WhatIf


#: most changed cases that earn no one anything and are listed one by one
_LISTED = 10


@click.command("what-if")
@click.argument("period")
@click.argument("changes", type=click.Path(path_type=Path))
@home_option
@threads_option
@volume_options
@json_option
def command(period: str, changes: Path, home_path: Path | None, threads: int | None, as_json: bool) -> None:
    """Show what PERIOD would have paid with the changes in CHANGES.yaml. Nothing is stored, and nothing is paid.

    \b
    cases:                   # another physician, cell or cost; counted or not
      - {hospital: "210001", account: "A0017", npi: "1234567893"}
      - {hospital: "210001", account: "A0018", counted: false}
      - {hospital: "210001", account: "A0019", apr_drg: "139", severity_of_illness: "2", cost: 9500.00}
    conditions:              # a condition of payment, met or not
      - {hospital: "210001", npi: "1234567893", condition: records, met: true}
    care_partners:           # on the certified list for the whole period, or not on it
      - {hospital: "210001", npi: "1245319599", certified: true}
    """
    from hcip_pipeline.certainty.what_if import what_if
    from hcip_pipeline.periods import PerformancePeriod

    parsed = PerformancePeriod.parse(period)
    with shown_progress(as_json) as progress:
        result = what_if(Home.locate(home_path), parsed, changes, threads=threads, progress=progress)
    if as_json:
        show_json(result.as_dict())
    else:
        _print(result)


def _print(result: WhatIf) -> None:
    from rich.box import SIMPLE
    from rich.table import Table

    from hcip_pipeline.operations.summary import print_whole
    from hcip_pipeline.reference.invented import MARK

    for sentence in result.idle_cases[:_LISTED]:
        click.echo(f"{sentence[:1].upper()}{sentence[1:]}.")
    if (more := len(result.idle_cases) - _LISTED) > 0:
        click.echo(f"{more:,} more changed cases earn no one anything either (--json lists them).")
    if result.norms_changed:
        click.echo(f"Norms of {result.norms_changed} cells change.")
    if not result.payments.height:
        click.echo(f"No payment of {result.period} {result.release} moves.")
        return
    mark = f"{MARK}: " if result.is_synthetic else ""
    table = Table(title=f"{mark}{result.period} {result.release} with the changes, US dollars", box=SIMPLE)
    for name in ("hospital", "NPI", "name"):
        table.add_column(name, no_wrap=True)
    for name in ("calculated", "then", "final", "then", "change"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("status", "moves by", "because"):
        table.add_column(name, overflow="fold")
    for row in result.payments.to_dicts():
        change = (row["final_then"] or Decimal("0.00")) - (row["final"] or Decimal("0.00"))
        figures = (row["calculated"], row["calculated_then"], row["final"], row["final_then"])
        shown = ["" if figure is None else f"{figure:,}" for figure in figures]
        both = " → ".join(dict.fromkeys(status or "none" for status in (row["status"], row["status_then"])))
        who = (row["hospital_ccn"], row["npi"], row["name"])
        moved = f"{change:+,}" if change else "0.00"
        table.add_row(*who, *shown, moved, both, row["steps"], row["because"])
    print_whole(table)

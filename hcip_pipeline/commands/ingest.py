"""``hcip ingest``."""

from __future__ import annotations

from pathlib import Path

import click

from hcip_pipeline.commands.options import home_option, json_option, policy_option, show_json, shown_progress
from hcip_pipeline.home import Home


@click.command("ingest")
@click.argument("partitions", nargs=-1)
@home_option
@policy_option
@json_option
def command(partitions: tuple[str, ...], home_path: Path | None, policy_path: Path | None, as_json: bool) -> None:
    """Take in what lies in the inbox and is not yet in the lake.

    PARTITIONS are quarters (2025Q1), months (2025-04) or half-years (2025H1); none means all that the inbox holds.
    """
    from hcip_pipeline.assets.execution import ingest as take_in
    from hcip_pipeline.settlement.summary import print_ingest

    home = Home.locate(home_path)
    with shown_progress(as_json) as progress:
        report = take_in(home, partitions, policy_path, progress=progress)
    if as_json:
        show_json(report.as_dict())
    else:
        print_ingest(home, report)

"""``hcip explain``."""

from __future__ import annotations

from pathlib import Path

import click

from hcip_pipeline.commands.options import home_option, json_option, show_json


@click.command("explain")
@click.argument("period")
@click.argument("who", metavar="NPI_OR_NAME")
@click.option("--hospital", metavar="CCN", help="Hospital, if the physician has payments from several.")
@home_option
@json_option
def command(period: str, who: str, hospital: str | None, home_path: Path | None, as_json: bool) -> None:
    """Explain every dollar of one payment in PERIOD (2025H1), down to the file and row of each case.

    Name the care partner by NPI or by all or part of the name: hcip explain 2025H1 "Ada Brook".
    """
    from hcip_pipeline.home.folders import Home
    from hcip_pipeline.periods import PerformancePeriod
    from hcip_pipeline.release.explained_release import explain
    from hcip_pipeline.release.explanation_text import render_text

    explanation = explain(Home.locate(home_path), PerformancePeriod.parse(period), who, hospital)
    if as_json:
        show_json(explanation.as_dict())
    else:
        click.echo(render_text(explanation))

"""``hcip synth``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hcip_pipeline.commands.options import Number, json_option, show_json
from hcip_pipeline.commands.progress import shown_progress, volume_options
from hcip_pipeline.errors import HcipError, UsageError

if TYPE_CHECKING:
    from hcip_pipeline.synthetic.cclf import CmsShape
    from hcip_pipeline.synthetic.files import FileFormat
    from hcip_pipeline.synthetic.texas_pudf import Form as TexasForm

#: A record's id has six digits that number the records of a quarter.
_MOST_OF_TEXAS = 4 * 999_999


@click.command("synth")
@click.argument("inbox", type=click.Path(path_type=Path))
@click.option("--hospitals", default=6, show_default=True, type=Number(1), help="Number of hospitals.")
@click.option(
    "--discharges-per-year",
    default=30_000,
    show_default=True,
    type=Number(1),
    help="Discharges per year, all hospitals together.",
)
@click.option("--start", default="2023Q1", show_default=True, help="First quarter.")
@click.option("--end", default="2025Q4", show_default=True, help="Last quarter.")
@click.option("--seed", default=2025, show_default=True, help="Seed of the random numbers.")
@click.option("--defects", is_flag=True, help="Plant every kind of fault, and list the faults in truth/.")
@click.option(
    "--effects/--no-effects",
    default=True,
    show_default=True,
    help="Plant effects on quality in the last year (a hospital that improves, a network that beats its peers, a "
    "physician who discharges too early), and list them in truth/.",
)
@click.option(
    "--state",
    "whole_state",
    is_flag=True,
    help="Write a state the size of Maryland: 46 hospitals and 700,000 discharges a year as Parquet, and the last 12 "
    "months of CMS claims of 300,000 people.",
)
@click.option(
    "--cms",
    "cms_shape",
    type=click.Choice(["cclf", "bcda"]),
    default="cclf",
    show_default=True,
    help="Format of CMS's claims: monthly archives (CCLF), or exports of FHIR resources (BCDA v3).",
)
@click.option(
    "--format",
    "file_format",
    type=click.Choice(["csv", "csv.gz", "parquet", "x12"]),
    help="Format of hospital submissions; x12 is bills (837 institutional) and a grouping file  "
    "[default: csv; with --state, parquet]",
)
@click.option(
    "--texas-pudf",
    "texas_form",
    type=click.Choice(["fixed", "tab"]),
    help="Write Texas's inpatient public use data files in this format instead of an inbox; --start, --end, "
    "--hospitals, --discharges-per-year and --seed apply.",
)
@volume_options
@json_option
@click.pass_context
def command(
    context: click.Context,
    inbox: Path,
    hospitals: int,
    discharges_per_year: int,
    start: str,
    end: str,
    seed: int,
    defects: bool,
    effects: bool,
    whole_state: bool,
    cms_shape: CmsShape,
    file_format: FileFormat | None,
    texas_form: TexasForm | None,
    as_json: bool,
) -> None:
    """Write a seeded synthetic state into the folder INBOX."""
    from click.core import ParameterSource

    from hcip_pipeline.synthetic.state import (
        STATE_BENEFICIARIES,
        STATE_DISCHARGES_PER_YEAR,
        STATE_HOSPITALS,
        STATE_MONTHS_OF_CLAIMS,
    )

    if whole_state:
        given = {name for name in context.params if context.get_parameter_source(name) == ParameterSource.COMMANDLINE}
        hospitals = hospitals if "hospitals" in given else STATE_HOSPITALS
        discharges_per_year = discharges_per_year if "discharges_per_year" in given else STATE_DISCHARGES_PER_YEAR
        if defects:
            raise UsageError(
                "--state writes Parquet, which cannot have the faults of text files", fix="omit one of the two"
            )
    from hcip_pipeline.periods import Quarter, Window
    from hcip_pipeline.synthetic import StateArguments, generate_state
    from hcip_pipeline.synthetic.texas_pudf import write_texas_pudf

    first, last = Quarter.parse(start), Quarter.parse(end)
    if last < first:
        raise UsageError(f"the end {end} is before the start {start}", fix="give --start before --end")
    if inbox.exists() and any(inbox.iterdir()):
        raise HcipError("the folder is not empty", file=inbox, fix="name a new folder; `hcip synth` overwrites nothing")
    if texas_form:
        given = {name for name in context.params if context.get_parameter_source(name) == ParameterSource.COMMANDLINE}
        others = given & {"defects", "effects", "whole_state", "cms_shape", "file_format"}
        if others or discharges_per_year > _MOST_OF_TEXAS:
            raise UsageError(
                f"--texas-pudf writes public files: no inbox, no faults, at most {_MOST_OF_TEXAS:,} discharges a year",
                fix="give only --start, --end, --hospitals, --discharges-per-year and --seed",
            )
        files = write_texas_pudf(
            inbox,
            quarters := Window(first.start, last.end, "performance").quarters,
            discharges=-(-discharges_per_year // 4),
            hospitals=hospitals,
            form=texas_form,
            seed=seed,
        )
        if as_json:
            show_json({"folder": str(inbox), "form": texas_form, "files": [file.name for file in files]})
        else:
            click.echo(f"{len(files)} files for {len(quarters)} quarters in {inbox}; every record is invented")
        return
    with shown_progress(as_json) as progress:
        report = generate_state(
            inbox,
            StateArguments(
                hospitals=hospitals,
                discharges_per_year=discharges_per_year,
                start=first,
                end=last,
                seed=seed,
                defects=defects,
                effects=effects,
                file_format=file_format or ("parquet" if whole_state else "csv"),
                cms_last_months=STATE_MONTHS_OF_CLAIMS if whole_state else None,
                cms_beneficiaries=STATE_BENEFICIARIES if whole_state else 0,
                cms_shape=cms_shape,
            ),
            progress,
        )
    if as_json:
        show_json(report.as_dict())
    else:
        click.echo(report.summary())

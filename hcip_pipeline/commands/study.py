"""``hcip study``."""

from __future__ import annotations

import datetime as dt
import re
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import click

from hcip_pipeline.commands.options import (
    Number,
    engine_options,
    home_option,
    json_option,
    policy_option,
    show_json,
)
from hcip_pipeline.commands.progress import shown_progress, volume_options
from hcip_pipeline.errors import UsageError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.periods import Quarter


@click.command("study")
@click.option("--sparcs", "sparcs_file", type=click.Path(path_type=Path), help="A New York SPARCS discharge file.")
@click.option("--year", type=Number(1980, 2100), help="Discharge year, with --sparcs.")
@click.option(
    "--texas-pudf",
    "texas_folder",
    type=click.Path(path_type=Path),
    help="A folder of Texas's inpatient public use data files, unpacked.",
)
@click.option("--from", "first", metavar="DAY|QUARTER", help="First day or quarter: 2025-01-01, 2025Q1.")
@click.option("--to", "last", metavar="DAY|QUARTER", help="Last day or quarter; only quarters with --texas-pudf.")
@click.option(
    "--allow-errors", help="Leave out faulty rows up to this share of a public file, such as 5% [default: 1%]."
)
@home_option
@policy_option
@engine_options
@volume_options
@json_option
def command(
    sparcs_file: Path | None,
    year: int | None,
    texas_folder: Path | None,
    first: str | None,
    last: str | None,
    allow_errors: str | None,
    home_path: Path | None,
    policy_path: Path | None,
    engine: str | None,
    master: str,
    as_json: bool,
) -> None:
    """Compute norms, opportunity and performance incentives for any window, on public or submitted data.

    Nothing it shows is payable.
    """
    from hcip_pipeline.alerting.settings import chosen_engine
    from hcip_pipeline.policy.loader import load_policy
    from hcip_pipeline.study.sparcs_study import run_sparcs_study
    from hcip_pipeline.study.state_study import MAX_ERRORS
    from hcip_pipeline.study.summary import print_study
    from hcip_pipeline.study.texas_study import run_texas_study
    from hcip_pipeline.study.window_study import run_window_study
    from hcip_pipeline.warehouse.engine_choice import EngineChoice
    from hcip_pipeline.warehouse.engines import computed_on

    allowed = _share(allow_errors) if allow_errors else MAX_ERRORS
    home = Home.locate(home_path)
    chosen = chosen_engine(home, EngineChoice(engine or "", master))
    if policy_path is None and not (sparcs_file or texas_folder) and home.policy.exists():
        policy_path = home.policy  # the region's own policy is for submitted data, the defaults for public data
    policy = load_policy(policy_path).policy if policy_path else None
    is_of_sparcs = bool(sparcs_file and year and not (texas_folder or first or last))
    is_of_texas = bool(texas_folder and first and last and not (sparcs_file or year))
    is_of_window = bool(first and last and not (sparcs_file or texas_folder or year))
    if not (is_of_sparcs or is_of_texas or is_of_window):
        raise UsageError(
            "a study needs either a SPARCS file, a folder of Texas's files, or a window of submitted data",
            fix="give --sparcs FILE --year Y, or --texas-pudf FOLDER --from Q --to Q, or --from D --to D",
        )
    start, end = (_edge(first, last=False), _edge(last, last=True)) if first and last else (dt.date.min, dt.date.min)
    if end < start:
        raise UsageError("--to is before --from", fix="give the first day, then the last")
    with shown_progress(as_json) as progress, computed_on(chosen.name, home, chosen.master):
        if sparcs_file and year:
            result = run_sparcs_study(home, sparcs_file, year, policy, progress=progress, allow_errors=allowed)
        elif texas_folder:
            quarters = _whole_quarters(start, end)
            result = run_texas_study(home, texas_folder, quarters, policy, progress=progress, allow_errors=allowed)
        else:
            result = run_window_study(home, start, end, policy, progress=progress)
    if as_json:
        show_json(result.as_dict())
    else:
        print_study(result)


def _edge(text: str, *, last: bool) -> dt.date:
    """The day that ``--from`` or ``--to`` names; a quarter is its first or last day."""
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        with suppress(ValueError):
            return dt.date.fromisoformat(text)
    elif re.fullmatch(r"[0-9]{4}Q[1-4]", text):
        with suppress(ValueError):
            quarter = Quarter.parse(text)
            return quarter.end if last else quarter.start
    raise UsageError(f"{text!a} is neither a day nor a quarter", fix="write 2025-01-31, or 2025Q1")


def _whole_quarters(start: dt.date, end: dt.date) -> tuple[Quarter, Quarter]:
    first, last = Quarter.of(start), Quarter.of(end)
    if (first.start, last.end) != (start, end):
        raise UsageError(
            "Texas publishes quarters without dates, so a study covers whole quarters",
            fix=f"give --from {first} --to {last}",
        )
    return first, last


def _share(text: str) -> Decimal:
    match = re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]{1,4})?)%", text.strip())
    if match is None or Decimal(match[1]) > 100:
        raise UsageError(f"'{text}' is not a share", fix="write a percentage such as 5%")
    return Decimal(match[1]) / 100

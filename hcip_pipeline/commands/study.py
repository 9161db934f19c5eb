"""``hcip study``."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from hcip_pipeline.commands.options import (
    Day,
    Number,
    engine_options,
    home_option,
    json_option,
    policy_option,
    show_json,
)
from hcip_pipeline.commands.progress import shown_progress, volume_options
from hcip_pipeline.errors import UsageError
from hcip_pipeline.home import Home


@click.command("study")
@click.option("--sparcs", "sparcs_file", type=click.Path(path_type=Path), help="A New York SPARCS discharge file.")
@click.option("--year", type=Number(1980, 2100), help="Discharge year, with --sparcs.")
@click.option("--from", "first_day", type=Day(), help="First discharge day, on submitted data.")
@click.option("--to", "last_day", type=Day(), help="Last discharge day, on submitted data.")
@click.option(
    "--allow-errors", help="Leave out up to this share of faulty rows (such as 5%) instead of 1%, with --sparcs."
)
@home_option
@policy_option
@engine_options
@volume_options
@json_option
def command(
    sparcs_file: Path | None,
    year: int | None,
    first_day: Any,
    last_day: Any,
    allow_errors: str | None,
    home_path: Path | None,
    policy_path: Path | None,
    engine: str | None,
    master: str,
    as_json: bool,
) -> None:
    """Compute norms, opportunity and performance incentives of any window, on public or submitted data.

    Nothing of it is payable.
    """
    from hcip_pipeline.alerting.settings import chosen_engine
    from hcip_pipeline.policy.loader import load_policy
    from hcip_pipeline.study.sparcs_study import MAX_ERRORS, run_sparcs_study
    from hcip_pipeline.study.summary import print_study
    from hcip_pipeline.study.window_study import run_window_study
    from hcip_pipeline.warehouse.engine_choice import EngineChoice
    from hcip_pipeline.warehouse.engines import computed_on

    allowed = _share(allow_errors) if allow_errors else MAX_ERRORS
    home = Home.locate(home_path)
    chosen = chosen_engine(home, EngineChoice(engine or "", master))
    if policy_path is None and not sparcs_file and home.policy.exists():
        policy_path = home.policy  # submitted data are judged by their own region's policy, public data by the defaults
    policy = load_policy(policy_path).policy if policy_path else None
    is_of_file = bool(sparcs_file and year and not (first_day or last_day))
    is_of_window = bool(first_day and last_day and not (sparcs_file or year))
    if not (is_of_file or is_of_window):
        raise UsageError(
            "a study is either of a SPARCS file or of a window of submitted data",
            fix="give --sparcs FILE --year Y, or --from D --to D",
        )
    if is_of_window and last_day < first_day:
        raise UsageError("--to is before --from", fix="give the first day, then the last")
    with shown_progress(as_json) as progress, computed_on(chosen.name, home, chosen.master):
        if sparcs_file and year:
            result = run_sparcs_study(home, sparcs_file, year, policy, progress=progress, allow_errors=allowed)
        else:
            result = run_window_study(home, first_day.date(), last_day.date(), policy, progress=progress)
    if as_json:
        show_json(result.as_dict())
    else:
        print_study(result)


def _share(text: str) -> Decimal:
    match = re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]{1,4})?)%", text.strip())
    if match is None or Decimal(match[1]) > 100:
        raise UsageError(f"'{text}' is no share", fix="write a percentage such as 5%")
    return Decimal(match[1]) / 100

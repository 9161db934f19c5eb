"""``hcip certainty``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hcip_pipeline.commands.options import (
    Number,
    home_option,
    json_option,
    make_output_folder,
    show_json,
    threads_option,
)  # fmt: skip
from hcip_pipeline.commands.progress import shown_progress, volume_options
from hcip_pipeline.home.folders import Home

if TYPE_CHECKING:
    from rich.table import Table

    from hcip_pipeline.certainty.assessment import Certainty


@click.command("certainty")
@click.argument("period")
@home_option
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the tables [default: certainty/PERIOD].")
@click.option("--replicates", type=Number(20, 10_000), help="Draws of each test [default: the policy's].")
@threads_option
@volume_options
@json_option
def command(
    period: str, home_path: Path | None, out: Path | None, replicates: int | None, threads: int | None, as_json: bool
) -> None:
    """Show how certain the payments of PERIOD are.

    Reports what chance alone would have paid, how much each payment could have varied, and what other readings of
    "responsible physician" would have paid. The result is written as tables; no payment depends on it.
    """
    from hcip_pipeline.certainty.assessment import assess
    from hcip_pipeline.periods import PerformancePeriod

    parsed = PerformancePeriod.parse(period)
    home = Home.locate(home_path)
    if out is not None:
        make_output_folder(out)
    with shown_progress(as_json) as progress:
        result = assess(home, parsed, replicates=replicates, threads=threads, progress=progress)
        written = result.write(out or home.root / "certainty" / str(parsed))
    if as_json:
        show_json(result.as_dict() | {"files": [str(path) for path in written]})
    else:
        _print(result, written)


def _print(result: Certainty, written: list[Path]) -> None:
    from rich.console import Console

    from hcip_pipeline.operations.summary import print_whole

    for table in (_chance(result), _reliability(result), _readings(result)):
        if table.row_count:
            print_whole(table)
    console = Console()
    for warning in result.warnings:
        console.print(warning, soft_wrap=True, highlight=False)
    console.print("files: " + ", ".join(map(str, written)), soft_wrap=True, highlight=False)


def _chance(result: Certainty) -> Table:
    from hcip_pipeline.reference.invented import MARK

    mark = f"{MARK}: " if result.is_synthetic else ""
    title = f"{mark}{result.period} {result.release}: calculated incentives, and those of chance alone, US dollars"
    table = _table(title, ("hospital",), ("calculated", "by chance", "from", "to", "difference", "above chance"))
    for row in result.tables["certainty_hospitals"].to_dicts():
        figures = (row[name] for name in ("calculated_incentive", "chance_mean", "chance_low", "chance_high"))
        share = f"{row['above_chance']} of {row['care_partners']}"
        table.add_row(row["hospital_ccn"], *(f"{f:,}" for f in figures), f"{row['difference']:+,}", share)
    return table


def _reliability(result: Certainty) -> Table:
    title = "Reliability of physicians' figures"
    names = ("physicians", "cases", "variance between", "within", "cases for 0.7")
    table = _table(title, ("stream", "measure"), names)
    for row in result.tables["certainty_streams"].to_dicts():
        for measure in ("cost", "days"):
            variances = (f"{row[f'{measure}_{name}']:.4f}" for name in ("between", "within"))
            needed = row[f"{measure}_cases_needed"]
            counts = (f"{row['physicians']:,}", f"{row['cases']:,}")
            enough = "no number" if needed is None else f"{needed:,}"
            table.add_row(row["stream"], measure, *counts, *variances, enough)
    return table


def _readings(result: Certainty) -> Table:
    from hcip_pipeline.certainty.attribution import READINGS
    from hcip_pipeline.certainty.ranges import STATE

    names = ("calculated", "moved", "rank correlation", "no longer paid", "newly paid", "other quartile")
    table = _table("Other readings of the responsible physician, US dollars", ("reading",), names)
    rows = result.tables["certainty_readings"].to_dicts() if "certainty_readings" in result.tables else []
    for row in rows:
        if row["hospital_ccn"] == STATE:
            dollars = (f"{row['calculated_then']:,}", f"{row['dollars_moved']:,}")
            tau = "" if row["rank_correlation"] is None else f"{row['rank_correlation']:.4f}"
            others = map(str, (row["now_unpaid"], row["now_paid"], row["other_quartile"]))
            table.add_row(READINGS[row["reading"]].words, *dollars, tau, *others)
    return table


def _table(title: str, words: Sequence[str], figures: Sequence[str]) -> Table:
    from rich.box import SIMPLE
    from rich.table import Table

    table = Table(title=title, box=SIMPLE)
    for name in words:
        table.add_column(name, overflow="fold")
    for name in figures:
        table.add_column(name, justify="right", no_wrap=True)
    return table

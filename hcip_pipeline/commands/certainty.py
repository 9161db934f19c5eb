"""``hcip certainty``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hcip_pipeline.commands.options import Number, home_option, json_option, show_json, threads_option
from hcip_pipeline.commands.progress import shown_progress, volume_options
from hcip_pipeline.home import Home

if TYPE_CHECKING:
    from hcip_pipeline.certainty.assessment import Certainty


@click.command("certainty")
@click.argument("period")
@home_option
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the tables [default: certainty/PERIOD].")
@click.option("--replicates", type=Number(20, 10_000), default=200, show_default=True, help="Draws of each test.")
@threads_option
@volume_options
@json_option
def command(
    period: str, home_path: Path | None, out: Path | None, replicates: int, threads: int | None, as_json: bool
) -> None:
    """Show how sure the payments of PERIOD are.

    That is what chance alone would have paid, how far each could have varied, and what other readings of "responsible
    physician" would have paid. Writes tables; no payment reads them.
    """
    from hcip_pipeline.certainty.assessment import assess
    from hcip_pipeline.periods import PerformancePeriod

    parsed = PerformancePeriod.parse(period)
    home = Home.locate(home_path)
    with shown_progress(as_json) as progress:
        result = assess(home, parsed, draws=replicates, threads=threads, progress=progress)
        written = result.write(out or home.root / "certainty" / str(parsed))
    if as_json:
        show_json(result.as_dict() | {"files": [str(path) for path in written]})
    else:
        _print(result, written)


def _print(result: Certainty, written: list[Path]) -> None:
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    from hcip_pipeline.certainty.attribution import READINGS, STATE
    from hcip_pipeline.operations.summary import print_whole

    table = Table(title=f"{result.period} {result.release}: calculated, and by chance alone, US dollars", box=SIMPLE)
    table.add_column("hospital", no_wrap=True)
    for name in ("calculated", "by chance", "from", "to", "difference", "above chance"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in result.hospitals.to_dicts():
        figures = (row[name] for name in ("calculated_incentive", "chance_mean", "chance_low", "chance_high"))
        share = f"{row['above_chance']} of {row['care_partners']}"
        table.add_row(row["hospital_ccn"], *(f"{f:,}" for f in figures), f"{row['difference']:+,}", share)
    print_whole(table)
    table = Table(title="Reliability of physicians' figures", box=SIMPLE)
    for name in ("stream", "measure"):
        table.add_column(name, no_wrap=True)
    for name in ("physicians", "cases", "variance between", "within", "cases for 0.7"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in result.reliability.to_dicts():
        variances = (f"{row[f'variance_{name}']:.4f}" for name in ("between", "within"))
        needed = row["cases_for_reliability_0_7"]
        counts = (f"{row['physicians']:,}", f"{row['cases']:,}")
        table.add_row(
            row["stream"], row["measure"], *counts, *variances, "no number" if needed is None else f"{needed:,}"
        )
    print_whole(table)
    table = Table(title="Another responsible physician, US dollars", box=SIMPLE)
    table.add_column("reading", overflow="fold")
    for name in ("calculated", "moved", "rank correlation", "unpaid", "paid", "other quartile"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in result.attribution.to_dicts():
        if row["hospital_ccn"] == STATE:
            dollars = (f"{row['calculated_then']:,}", f"{row['dollars_moved']:,}")
            others = (row["rank_correlation"], row["now_unpaid"], row["now_paid"], row["other_quartile"])
            table.add_row(READINGS[row["reading"]].words, *dollars, *map(str, others))
    print_whole(table)
    Console().print("files: " + ", ".join(map(str, written)), soft_wrap=True, highlight=False)

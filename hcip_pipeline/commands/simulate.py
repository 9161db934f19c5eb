"""``hcip simulate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hcip_pipeline.commands.options import home_option, json_option, make_output_folder, show_json, threads_option
from hcip_pipeline.commands.progress import shown_progress, volume_options
from hcip_pipeline.home.folders import Home

if TYPE_CHECKING:
    from hcip_pipeline.simulation.comparison import Simulation


@click.command("simulate")
@click.argument("period")
@click.argument("scenarios", type=click.Path(path_type=Path))
@home_option
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the tables [default: simulations/PERIOD].")
@threads_option
@volume_options
@json_option
def command(
    period: str, scenarios: Path, home_path: Path | None, out: Path | None, threads: int | None, as_json: bool
) -> None:
    """Show what PERIOD would have paid under the policies of SCENARIOS.yaml, side by side. Nothing is paid."""
    from hcip_pipeline.periods import PerformancePeriod
    from hcip_pipeline.simulation.comparison import simulate

    parsed = PerformancePeriod.parse(period)
    home = Home.locate(home_path)
    if out is not None:
        make_output_folder(out)
    with shown_progress(as_json) as progress:
        result = simulate(home, parsed, scenarios, threads=threads, progress=progress)
        written = result.write(out or home.root / "simulations" / str(parsed))
    if as_json:
        show_json(result.as_dict() | {"files": [str(path) for path in written]})
    else:
        _print(result, written)


def _print(result: Simulation, written: list[Path]) -> None:
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    from hcip_pipeline.operations.summary import print_whole
    from hcip_pipeline.reference.invented import MARK

    mark = f"{MARK}: " if result.is_synthetic else ""
    title = f"{mark}{result.period} under other policies, compared with {result.release}, US dollars"
    table = Table(title=title, box=SIMPLE)
    table.add_column("scenario", overflow="fold")
    for name in ("final", "change", "winners", "gains", "losers", "losses"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in result.scenarios.to_dicts():
        figures = (row["final_incentive"], row["change"], row["winners"], row["gains"])
        table.add_row(row["scenario"], *(f"{figure:,}" for figure in (*figures, row["losers"], row["losses"])))
    print_whole(table)
    Console().print("files: " + ", ".join(map(str, written)), soft_wrap=True, highlight=False)

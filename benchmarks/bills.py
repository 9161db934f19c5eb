"""Time of the intake of one hospital's quarter of bills, compared with the same quarter as CSV.

    python -m benchmarks.bills [--discharges 50000] [--lines 16] [--rounds 3] [--folder DIR]

Writes a submission of that size as CSV and as X12 837 institutional bills, and ingests each into a new home, in turn,
each in its own process; then both at half and at a quarter of the size, for the exponent of growth. Prints the best of
the rounds; ratios are in processor seconds. Importing libraries is not counted.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import polars as pl
from rich.console import Console
from rich.table import Table

from benchmarks.intake import CCN, QUARTER, measure, write_submission
from hcip_pipeline.contracts.hospital import CHARGES, DISCHARGES
from hcip_pipeline.contracts.table import Table as Contract
from hcip_pipeline.synthetic.x12_files import write_bills

SHARES = (1, 2, 4)


def write_both(place: Path, discharges: int, lines: int) -> dict[str, Path]:
    """The inbox in each format."""
    inboxes = {shape: place / f"{shape}-{discharges}" for shape in ("csv", "bills")}
    folders = {shape: inbox / "hospital" / str(QUARTER) / CCN for shape, inbox in inboxes.items()}
    write_submission(folders["csv"], discharges, lines)
    folders["bills"].mkdir(parents=True)
    tables = {table.name: _read(folders["csv"] / f"{table.name}.csv", table) for table in (DISCHARGES, CHARGES)}
    write_bills(folders["bills"], tables, "2025-04-01T06:00:00")
    return inboxes


def _read(path: Path, contract: Contract) -> pl.DataFrame:
    frame = pl.read_csv(path, infer_schema=False)
    return frame.select(
        pl.lit(None, dtype=column.polars_type).alias(column.name) if column.name not in frame.columns
        else pl.col(column.name).str.to_date() if column.type == "date"
        else pl.col(column.name).cast(column.polars_type)
        for column in contract.columns
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--discharges", type=int, default=50_000)
    parser.add_argument("--lines", type=int, default=16, help="charge lines per discharge")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where to write; a temporary folder by default")
    parser.add_argument("--inbox", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inbox:
        print(json.dumps(measure("intake", options.inbox)))
        return
    place = Path(tempfile.mkdtemp(prefix="bills-", dir=options.folder))
    table = Table(title=f"Intake of {options.discharges:,} discharges with {options.lines} charge lines each")
    for name in ("discharges", "format", "MB", "seconds", "CPU seconds", "peak MB", "CPU relative to CSV"):
        table.add_column(name, justify="left" if name == "format" else "right")
    spent: dict[int, float] = {}
    try:
        for share in SHARES:
            count = options.discharges // share
            inboxes = write_both(place, count, options.lines)
            best: dict[str, dict[str, float]] = {}
            for _ in range(options.rounds):
                for shape, inbox in inboxes.items():
                    command = [sys.executable, "-m", "benchmarks.bills", "--inbox", str(inbox)]
                    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
                    known = best.setdefault(shape, found)
                    best[shape] = {name: min(found[name], known[name]) for name in found}
            spent[share] = best["bills"]["cpu_seconds"]
            for shape, found in best.items():
                size = sum(path.stat().st_size for path in inboxes[shape].rglob("*") if path.is_file()) / 10**6
                table.add_row(
                    f"{count:,}", shape, f"{size:.0f}", f"{found['seconds']:.2f}", f"{found['cpu_seconds']:.2f}",
                    f"{found['peak_megabytes']:.0f}", f"{found['cpu_seconds'] / best['csv']['cpu_seconds']:.2f}",
                )  # fmt: skip
            shutil.rmtree(place / f"csv-{count}")
            shutil.rmtree(place / f"bills-{count}")
    finally:
        shutil.rmtree(place)
    console = Console()
    console.print(table)
    console.print(f"growth of bills from half to whole: exponent {math.log2(spent[1] / spent[2]):.2f}")


if __name__ == "__main__":
    main()

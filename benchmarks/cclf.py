"""How fast a month of CMS files is taken in, in how much memory, and whether twice the bytes take twice the time.

    python benchmarks/cclf.py [--gigabytes 2] [--folder DIR]

Writes a month of that size and one of a quarter of it (unzipped, in CMS's proportions), takes each in in a process
of its own, and reads the larger one's bytes as lines with DuckDB, for comparison. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import polars as pl

from hcip_pipeline.contracts.cms import LAYOUTS
from hcip_pipeline.home import Home
from hcip_pipeline.intake.cclf import ingest_month

MONTH = "2025-04"
ARCHIVE = "P.A1234.ACO.ZCY25.D250415.T0100000"
#: Share of a month's bytes by file: lines outweigh claims.
SHARES = {
    "cclf1": 0.08, "cclf2": 0.25, "cclf3": 0.02, "cclf4": 0.10, "cclf5": 0.33, "cclf6": 0.03, "cclf7": 0.08,
    "cclf8": 0.03, "cclf9": 0.005, "cclfa": 0.04, "cclfb": 0.035,
}  # fmt: skip
_FILLERS = {"text": "X", "date": "2025-03-01", "integer": "7", "money": "1234.56", "quantity": "1.0000"}
_RECORDS = 20_000


def write_month(home: Home, size: int) -> int:
    """A month of about ``size`` bytes; returns the bytes written."""
    from hcip_pipeline.synthetic.cclf_records import encode, member_name

    folder = home.inbox / "cms" / MONTH
    folder.mkdir(parents=True)
    lines = [f"{'File Number':<13}|{'File Description':<20}|{'Total Records Count':<20}|{'Record Length':<13}"]
    total = 0
    for table, layout in LAYOUTS.items():
        filled = {f.name: pl.repeat(_FILLERS[f.kind], _RECORDS, eager=True) for f in layout.fields}
        number = pl.int_range(_RECORDS, eager=True)
        rows = pl.DataFrame(filled)
        key = layout.fields[0].name
        rows = rows.with_columns(number.cast(pl.String).str.zfill(13).str.tail(layout.fields[0].width).alias(key))
        amounts = [f.name for f in layout.fields if f.kind == "money"]
        rows = rows.with_columns(pl.format("{}.{}", number * 7, number % 90 + 10).alias(name) for name in amounts)
        block = encode(table, rows)
        repeats = max(1, round(size * SHARES[table] / len(block)))
        with (folder / member_name(ARCHIVE, table)).open("wb") as target:
            for _ in range(repeats):
                target.write(block)
        total += repeats * len(block)
        lines.append(f"{table.upper():<7}|{'':<43}|{repeats * _RECORDS:>11}|{layout.record_lengths[-1]:>5}")
    (folder / member_name(ARCHIVE, "cclf0")).write_text("\n".join(lines) + "\n")
    return total


def measure(root: Path) -> None:
    """Take the month in and print seconds and peak memory; run in a process of its own."""
    start = time.perf_counter()
    (receipt,) = ingest_month(Home(root), MONTH)
    seconds = time.perf_counter() - start
    if not receipt.accepted:
        raise SystemExit(receipt.message)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": seconds, "cpu_seconds": time.process_time(), "peak_bytes": peak}))


def read_as_lines(root: Path) -> float:
    """Seconds DuckDB takes to read the same bytes as lines of text."""
    files = [str(path) for path in (root / "inbox" / "cms" / MONTH).iterdir()]
    start = time.perf_counter()
    duckdb.connect().execute(
        """select count(*), sum(strlen(line)) from read_csv($files, columns = {'line': 'varchar'}, delim = chr(7),
        quote = '', escape = '', header = false, auto_detect = false)""",
        {"files": files},
    ).fetchall()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gigabytes", type=float, default=2.0)
    parser.add_argument("--folder", type=Path, help="where to write; a temporary folder by default")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(options.measure)
        return
    folder = Path(tempfile.mkdtemp(prefix="cclf-", dir=options.folder))
    results: dict[str, object] = {"date": str(dt.date.today())}
    try:
        rates = []
        for share in (0.25, 1.0):
            root = folder / f"{share:.2f}"
            size = write_month(Home(root), int(options.gigabytes * 10**9 * share))
            command = [sys.executable, __file__, "--measure", str(root)]
            measured = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            rates.append(size / 10**6 / measured["seconds"])
            results[f"{size / 10**6:.0f} MB"] = {
                "seconds": round(measured["seconds"], 1),
                "MB_per_second": round(rates[-1], 1),
                "MB_per_cpu_second": round(size / 10**6 / measured["cpu_seconds"], 1),
                "peak_memory_MB": round(measured["peak_bytes"] / 10**6),
            }
        lines = read_as_lines(root)
        results["DuckDB_as_lines_MB_per_second"] = round(size / 10**6 / lines, 1)
        results["times_DuckDB_as_lines"] = round(measured["seconds"] / lines, 2)
        results["speed_of_whole_over_quarter"] = round(rates[1] / rates[0], 2)
    finally:
        shutil.rmtree(folder)
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()

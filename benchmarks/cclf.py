"""Time and memory of ingesting a month of CMS files, and how they grow with its size.

    python benchmarks/cclf.py [--gigabytes 2] [--folder DIR]

Writes a month of that size and one of a quarter of it (unzipped, in CMS's proportions), ingests each in its own
process, and reads the larger one's bytes as lines with DuckDB, for comparison. Prints one JSON object.
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
import numpy as np
import polars as pl

from hcip_pipeline.contracts.cms import LAYOUTS, CmsLayout
from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.cclf import ingest_month

MONTH = "2025-04"
ARCHIVE = "P.A1234.ACO.ZCY25.D250415.T0100000"
#: Share of a month's bytes by file: lines outweigh claims.
SHARES = {
    "cclf1": 0.08, "cclf2": 0.25, "cclf3": 0.02, "cclf4": 0.10, "cclf5": 0.33, "cclf6": 0.03, "cclf7": 0.08,
    "cclf8": 0.03, "cclf9": 0.005, "cclfa": 0.04, "cclfb": 0.035,
}  # fmt: skip
_RECORDS = 20_000
#: Every fourth field is blank in all records, since most fields of most claims are.
_BLANK_FIELDS = 4


def _cells(layout: CmsLayout, rng: np.random.Generator) -> pl.DataFrame:
    """Values that vary as in real files: codes fill their field, names do not, amounts and dates differ."""
    columns: dict[str, pl.Series] = {}
    for place, field in enumerate(layout.fields):
        if place % _BLANK_FIELDS == _BLANK_FIELDS - 1:
            continue
        number = pl.Series(rng.integers(0, 10 ** min(field.width, 7), _RECORDS))
        if field.kind == "text":
            filled = field.width if field.width <= 13 else field.width // 2
            columns[field.name] = number.cast(pl.String).str.zfill(filled).str.tail(filled)
        elif field.kind == "date":
            columns[field.name] = (number % 1000 + 19_500).cast(pl.Int32).cast(pl.Date)
        elif field.kind == "integer":
            columns[field.name] = number % 100
        else:
            columns[field.name] = number.cast(pl.Decimal(20, 2)) / 100
    return pl.DataFrame(columns)


def write_month(home: Home, size: int) -> int:
    """A month of about ``size`` bytes; returns the bytes written."""
    from hcip_pipeline.synthetic.cclf_records import encode, member_name

    folder = home.inbox / "cms" / MONTH
    folder.mkdir(parents=True)
    rng = np.random.default_rng(1)
    lines = [f"{'File Number':<13}|{'File Description':<20}|{'Total Records Count':<20}|{'Record Length':<13}"]
    total = 0
    for table, layout in LAYOUTS.items():
        block = np.frombuffer(encode(table, _cells(layout, rng)), dtype=np.uint8).reshape(_RECORDS, -1).copy()
        repeats = max(1, round(size * SHARES[table] / block.size))
        key = layout.fields[0].width  # the first field names the record: no two are the same
        with (folder / member_name(ARCHIVE, table)).open("wb") as target:
            for repeat in range(repeats):
                number = np.arange(repeat * _RECORDS, (repeat + 1) * _RECORDS)
                for place in range(key):
                    block[:, key - 1 - place] = number // 10**place % 10 + ord("0")
                target.write(block.tobytes())
        total += repeats * block.size
        lines.append(f"{table.upper():<7}|{'':<43}|{repeats * _RECORDS:>11}|{layout.record_lengths[-1]:>5}")
    (folder / member_name(ARCHIVE, "cclf0")).write_text("\n".join(lines) + "\n")
    return total


def ingest(root: Path) -> None:
    (receipt,) = ingest_month(Home(root), MONTH)
    if not receipt.accepted:
        raise SystemExit(receipt.message)


def read_as_lines(root: Path) -> None:
    """Read the same bytes with DuckDB as lines of text."""
    files = [str(path) for path in sorted((root / "inbox" / "cms" / MONTH).iterdir())]
    duckdb.connect().execute(
        """select count(*), sum(strlen(line)) from read_csv($files, columns = {'line': 'varchar'}, delim = chr(7),
        quote = '', escape = '', header = false, auto_detect = false)""",
        {"files": files},
    ).fetchall()


WORK = {"ingest": ingest, "read_as_lines": read_as_lines}


def measured(what: str, root: Path) -> dict[str, float]:
    """Seconds, processor seconds and peak memory of a piece of work in its own process."""
    command = [sys.executable, __file__, "--measure", what, "--folder", str(root)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    result: dict[str, float] = json.loads(output)
    return result


def measure(what: str, root: Path) -> None:
    cpu, start = time.process_time(), time.perf_counter()
    WORK[what](root)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu, "peak_bytes": peak}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gigabytes", type=float, default=2.0)
    parser.add_argument("--folder", type=Path, help="where to write; a temporary folder by default")
    parser.add_argument("--measure", choices=list(WORK), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(options.measure, options.folder)
        return
    folder = Path(tempfile.mkdtemp(prefix="cclf-", dir=options.folder))
    results: dict[str, object] = {"date": str(dt.date.today())}
    try:
        ours = []
        for share in (0.25, 1.0):
            root = folder / f"{share:.2f}"
            megabytes = write_month(Home(root), int(options.gigabytes * 10**9 * share)) / 10**6
            work = measured("ingest", root)
            ours.append({key: work[key] / megabytes for key in ("seconds", "cpu_seconds")})
            results[f"{megabytes:.0f} MB"] = {
                "seconds": round(work["seconds"], 1),
                "MB_per_second": round(megabytes / work["seconds"], 1),
                "MB_per_cpu_second": round(megabytes / work["cpu_seconds"], 1),
                "peak_memory_MB": round(work["peak_bytes"] / 10**6),
            }
        lines = measured("read_as_lines", root)
        results["DuckDB_as_lines"] = {
            "MB_per_second": round(megabytes / lines["seconds"], 1),
            "MB_per_cpu_second": round(megabytes / lines["cpu_seconds"], 1),
        }
        for key in ("seconds", "cpu_seconds"):
            results[f"{key}_over_DuckDB_as_lines"] = round(work[key] / lines[key], 2)
            results[f"{key}_per_MB_whole_over_quarter"] = round(ours[1][key] / ours[0][key], 2)
    finally:
        shutil.rmtree(folder)
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()

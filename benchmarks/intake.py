"""Time and memory of the intake of one hospital's quarter, compared with DuckDB only reading its files.

    python benchmarks/intake.py [--discharges 50000] [--lines 16] [--rounds 3] [--folder DIR]

Writes a submission of that size and then, each in its own process: reads its files into Parquet with DuckDB (every
column as text, because an APR-DRG is not a number), ingests it into a new home, and checks it without a home. Prints
the best of the rounds as a table; the ratios to only reading are in seconds and in processor seconds. Importing
libraries is not counted.
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
from decimal import Decimal
from pathlib import Path

import duckdb
import numpy as np
import pandera.polars  # noqa: F401 - otherwise imported at its first use, which would count
import polars as pl
from rich.console import Console
from rich.table import Table

from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.hospital.ingest import ingest_quarter
from hcip_pipeline.intake.hospital.preflight import check
from hcip_pipeline.periods import Quarter
from hcip_pipeline.policy.model import Policy
from hcip_pipeline.reference.tables import load_reference

CCN = "210043"
QUARTER = Quarter(2025, 1)
STEPS = {"read": "DuckDB reads the files into Parquet", "intake": "intake", "check": "hcip check"}


def reference() -> dict[str, pl.DataFrame]:
    """The shipped tables, with a rate for the hospital."""
    tables = load_reference(None)
    rate = {"hospital_ccn": CCN, "rate_center": "ALL", "rate_year": 2025, "markup": Decimal("1.25"),
            "labor_market": Decimal(1), "ime": Decimal(0), "dsh": Decimal(0)}  # fmt: skip
    tables["cost_factors"] = pl.DataFrame([rate], schema=tables["cost_factors"].schema)
    return tables


def write_submission(folder: Path, discharges: int, lines: int) -> None:
    """A submission of valid rows, with its accounts in random order."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(20250401)
    accounts = pl.Series(rng.permutation(discharges) + 1).cast(pl.String).str.zfill(9)
    admitted = np.datetime64("2025-01-01") + rng.integers(0, 80, discharges).astype("timedelta64[D]")
    charges = rng.integers(1, 2_500_000, (discharges, lines))
    many = np.repeat(np.arange(discharges), lines)
    born = np.datetime64("1930-01-01") + rng.integers(0, 30_000, discharges).astype("timedelta64[D]")
    text = pl.lit
    pl.DataFrame({"account_no": accounts, "birth_date": born, "admit_date": admitted}).select(
        text(CCN).alias("hospital_ccn"),
        "account_no",
        pl.concat_str(text("P"), "account_no").alias("patient_id"),
        "birth_date",
        pl.Series("sex", rng.choice(["F", "M"], discharges)),
        pl.Series("zip_code", rng.integers(20_601, 21_930, discharges)).cast(pl.String),
        "admit_date",
        (pl.col("admit_date") + pl.Series(rng.integers(1, 9, discharges)) * pl.duration(days=1)).alias(
            "discharge_date"
        ),
        pl.Series("nature_of_admission", rng.choice(["3", "5"], discharges)),
        text("01").alias("source_of_admission"),
        text("01").alias("discharge_disposition"),
        text("01").alias("primary_payer"),
        text("1234567893").alias("attending_npi"),
        text("1234567893").alias("operating_npi"),
        text("I2109").alias("principal_diagnosis"),
        text("I10:Y|E119:Y|N179:N").alias("diagnoses"),
        text("0SR9019:2025-01-03").alias("procedures"),
        text("41").alias("grouper_version"),
        pl.Series("apr_drg", rng.choice(["045", "301", "165"], discharges)),
        pl.Series("severity_of_illness", rng.choice(["1", "2", "3", "4"], discharges)),
        text("2").alias("risk_of_mortality"),
        text(None, pl.String).alias("hac_flags"),
        _dollars(charges.sum(axis=1)).alias("total_charges"),
    ).write_csv(folder / "discharges.csv")
    pl.DataFrame({"account_no": accounts, "service_date": admitted})[many].select(
        text(CCN).alias("hospital_ccn"),
        "account_no",
        pl.Series("revenue_code", rng.choice(["0120", "0250", "0270", "0300", "0360"], discharges * lines)),
        "service_date",
        pl.Series("units", rng.integers(1, 5, discharges * lines)),
        _dollars(charges.ravel()).alias("charge"),
    ).write_csv(folder / "charges.csv")


def _dollars(cents: np.ndarray) -> pl.Series:
    """Cents as text with two decimals."""
    return pl.select(
        pl.format("{}.{}", pl.lit(pl.Series(cents // 100)), pl.Series(cents % 100).cast(pl.String).str.zfill(2))
    ).to_series()


def measure(step: str, inbox: Path) -> dict[str, float]:
    """Do one step in this process."""
    folder = inbox / "hospital" / str(QUARTER) / CCN
    tables = reference()
    with tempfile.TemporaryDirectory(dir=inbox.parent) as root:
        start, cpu = time.perf_counter(), time.process_time()
        if step == "read":
            connection = duckdb.connect()
            for name in ("discharges", "charges"):
                connection.execute(
                    f"copy (from read_csv('{folder / name}.csv', all_varchar = true)) to '{root}/{name}.parquet'"
                )
        elif step == "check":
            assert check(folder, reference=tables).accepted
        else:
            home = Home(Path(root))
            home.inbox.symlink_to(inbox)
            (receipt,) = ingest_quarter(home, QUARTER, Policy(version="benchmark", base_year=2024), reference=tables)
            assert receipt.status == "accepted", receipt.problems
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"seconds": seconds, "cpu_seconds": cpu, "peak_megabytes": peak / 10**6}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--discharges", type=int, default=50_000)
    parser.add_argument("--lines", type=int, default=16, help="charge lines per discharge")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where to write; a temporary folder by default")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        print(json.dumps(measure(options.step, options.folder)))
        return
    place = Path(tempfile.mkdtemp(prefix="intake-", dir=options.folder))
    try:
        inbox = place / "inbox"
        write_submission(inbox / "hospital" / str(QUARTER) / CCN, options.discharges, options.lines)
        size = sum(path.stat().st_size for path in inbox.rglob("*.csv")) / 10**6
        rounds: dict[str, list[dict[str, float]]] = {step: [] for step in STEPS}
        for _ in range(options.rounds):
            for step, measured in rounds.items():
                command = [sys.executable, __file__, "--step", step, "--folder", str(inbox)]
                measured.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    finally:
        shutil.rmtree(place)
    best = {step: {name: min(m[name] for m in measured) for name in measured[0]} for step, measured in rounds.items()}
    rows = options.discharges * (1 + options.lines)
    table = Table(
        title=f"{options.discharges:,} discharges, {options.discharges * options.lines:,} lines,"
        f" {size:.0f} MB; {dt.date.today()}"
    )
    for name in ("step", "seconds", "CPU seconds", "peak MB", "rows per second", "relative to reading", "in CPU"):
        table.add_column(name, justify="left" if name == "step" else "right")
    for step, reported in STEPS.items():
        found, reading = best[step], best["read"]
        table.add_row(
            reported,
            f"{found['seconds']:.2f}",
            f"{found['cpu_seconds']:.2f}",
            f"{found['peak_megabytes']:.0f}",
            f"{rows / found['seconds']:,.0f}",
            f"{found['seconds'] / reading['seconds']:.2f}",
            f"{found['cpu_seconds'] / reading['cpu_seconds']:.2f}",
        )
    Console().print(table)


if __name__ == "__main__":
    main()

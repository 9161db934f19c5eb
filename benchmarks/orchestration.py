"""The cost of orchestration: loading the definitions, and a settlement through Dagster compared with the same without.

    python benchmarks/orchestration.py [HOSPITALS] [DISCHARGES_PER_YEAR]

Prints processor seconds and their ratio. Both sides are measured in one run, on one home, each without an earlier
release; the second pass counts (the first warms the imports and the disk cache).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from hcip_pipeline.assets.execution import ingest
from hcip_pipeline.assets.runs import runs_on
from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.period_intake import ingest_period
from hcip_pipeline.periods import PerformancePeriod, Quarter
from hcip_pipeline.policy.loader import load_policy
from hcip_pipeline.publishing.content import Content
from hcip_pipeline.publishing.writer import write_release
from hcip_pipeline.reference.tables import write_lake_reference
from hcip_pipeline.settlement.period import build_period
from hcip_pipeline.synthetic import StateArguments, generate_state

PERIOD = PerformancePeriod(2025, 1)
_LOADING = """
import sys, time
start = time.process_time()
import dagster
dagster = time.process_time() - start
import hcip_pipeline.definitions
print(dagster, time.process_time() - start, "great_expectations" in sys.modules)
"""


def loading() -> None:
    done = subprocess.run([sys.executable, "-c", _LOADING], capture_output=True, text=True, check=True)
    dagster, whole, gx = done.stdout.split()
    print(f"definitions load in {float(whole):.2f} s, {float(dagster):.2f} s of it Dagster itself (GX imported: {gx})")


def plain(home: Home) -> tuple[float, float]:
    """Seconds (processor, elapsed) of a settlement by calling its functions: intake, dbt build, release."""
    _forget_releases(home)
    policy = load_policy(home.policy)
    start = time.process_time(), time.perf_counter()
    write_lake_reference(home.inbox, home.lake_reference)
    ingest_period(home, PERIOD, policy.policy)
    built = build_period(home, PERIOD, policy)
    write_release(home, PERIOD, built.result, Content(policy, built.inputs))
    return time.process_time() - start[0], time.perf_counter() - start[1]


def orchestrated(home: Home) -> tuple[float, float]:
    """Seconds of the same through the job: with locks, seals, events, checks and figures of every asset."""
    _forget_releases(home)
    start = time.process_time(), time.perf_counter()
    with runs_on(home) as runs:
        runs.run("settlement", PERIOD)
    return time.process_time() - start[0], time.perf_counter() - start[1]


def _forget_releases(home: Home) -> None:
    """Delete the releases: a second release would also be compared with the first, cause by cause."""
    shutil.rmtree(home.releases, ignore_errors=True)


def main(hospitals: int = 20, discharges_per_year: int = 200_000) -> None:
    loading()
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        first, last = Quarter(2024, 1), Quarter(2025, 2)
        generate_state(
            home.inbox,
            StateArguments(
                hospitals=hospitals, discharges_per_year=discharges_per_year, start=first, end=last, seed=1, cms=False
            ),
        )
        ingest(home)
        for passing in ("first pass", "second pass"):
            alone, through = plain(home), orchestrated(home)
            for what, index in (("processor", 0), ("elapsed", 1)):
                print(
                    f"{passing}, {what}: plain {alone[index]:.1f} s, through Dagster {through[index]:.1f} s: "
                    f"{100 * (through[index] / alone[index] - 1):+.0f}%"
                )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

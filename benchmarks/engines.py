"""Norms and half-year of the same lake on DuckDB and on Spark, by share of Maryland's size.

    .venv-spark/bin/python -m benchmarks.engines [--shares 0.1 0.25] [--folder DIR] [--out benchmarks/engines.json]

Each build runs in its own process with two processors (Spark: ``local[2]`` with Spark's own defaults except for the
driver's memory). Prints wall seconds, processor seconds and peak memory of the whole process tree, Java's included, and
the bytes that Spark shuffled and spilled, from its event log. Stops if the builds differ in any mart's rows.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.settlement import DISCHARGES, HOSPITALS, PERIOD, intake
from hcip_pipeline.home.folders import Home

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_SETTINGS = """
spark.driver.memory {memory}
spark.driver.host 127.0.0.1
spark.ui.enabled false
spark.eventLog.enabled true
spark.eventLog.dir file://{log}
spark.eventLog.compress false
spark.eventLog.rolling.enabled false
"""


@dataclass
class Usage:
    """Processor time and memory of a process and its descendants, sampled every half second."""

    processor_seconds: float = 0.0
    peak_mb: float = 0.0
    _of_process: dict[int, float] = field(default_factory=dict)

    def sample(self, root: int) -> None:
        pages = 0
        for process in [root, *_descendants(root)]:
            try:
                stat = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            self._of_process[process] = (int(stat[11]) + int(stat[12])) / _TICKS
            pages += int(stat[21])
        self.processor_seconds = sum(self._of_process.values())
        self.peak_mb = max(self.peak_mb, pages * _PAGE / 1e6)


def _descendants(root: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            parents.setdefault(parent, []).append(int(entry.name))
    found, waiting = [], [root]
    while waiting:
        children = parents.get(waiting.pop(), [])
        found += children
        waiting += children
    return found


@dataclass(frozen=True)
class Measured:
    """One settlement's norms and build."""

    share: float
    discharges_a_year: int
    engine: str
    wall_seconds: float
    processor_seconds: float
    peak_mb: float
    shuffled_mb: float
    spilled_mb: float


def make_lake(home: Home, share: float) -> None:
    """A synthetic state without CMS files, accepted: base year, baseline and half-year."""
    from hcip_pipeline.periods import Quarter
    from hcip_pipeline.synthetic import StateArguments, generate_state

    generate_state(
        home.inbox,
        StateArguments(
            hospitals=max(6, round(HOSPITALS * min(1, share * 3))),
            discharges_per_year=round(DISCHARGES * share),
            start=Quarter(2024, 1),
            end=Quarter(2025, 2),
            seed=2025,
            file_format="parquet",
            cms=False,
        ),
    )
    intake(home, share, 2)


def build(home: Home, engine: str) -> None:
    """Norms and half-year, in the measured process; writes the fingerprints of all marts to ``marts.json``."""
    from hcip_pipeline.policy.loader import load_policy
    from hcip_pipeline.settlement.period import build_period
    from hcip_pipeline.warehouse.engines import computed_on

    with computed_on(engine, home, "local[2]" if engine == "spark" else ""):
        built = build_period(home, PERIOD, load_policy(home.policy), threads=2)
    (home.root / "marts.json").write_text(json.dumps(dict(built.result.fingerprints)), encoding="utf-8")


def measure(home: Home, engine: str, share: float, memory: str) -> Measured:
    """Run :func:`build` in its own process and measure it."""
    conf = home.root / "conf"
    conf.mkdir(exist_ok=True)
    log = home.root / "events"
    log.mkdir(exist_ok=True)
    (conf / "spark-defaults.conf").write_text(_SETTINGS.format(memory=memory, log=log), encoding="utf-8")
    usage, ended = Usage(), threading.Event()
    begun = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.engines", "--build", engine, "--folder", str(home.root)],
        env=os.environ | {"SPARK_CONF_DIR": str(conf)},
        cwd=Path(__file__).parents[1],
    )

    def watch() -> None:
        while not ended.wait(0.5):
            usage.sample(process.pid)

    watching = threading.Thread(target=watch)
    watching.start()
    code = process.wait()
    seconds = time.monotonic() - begun
    ended.set()
    watching.join()
    if code:
        sys.exit(f"{engine} at {share}: exit code {code} after {seconds:.0f} s, {usage.peak_mb:.0f} MB")
    shuffled, spilled = _shuffled_and_spilled(log)
    return Measured(
        share,
        round(DISCHARGES * share),
        engine,
        round(seconds, 1),
        round(usage.processor_seconds, 1),
        round(usage.peak_mb),
        round(shuffled / 1e6, 1),
        round(spilled / 1e6, 1),
    )


def _shuffled_and_spilled(log: Path) -> tuple[int, int]:
    """Bytes that tasks wrote for other tasks, and bytes that they spilled to disk."""
    shuffled = spilled = 0
    for file in log.rglob("*"):
        if not file.is_file():
            continue
        with file.open(encoding="utf-8") as lines:
            for line in lines:
                if '"SparkListenerTaskEnd"' in line:
                    metrics = json.loads(line).get("Task Metrics") or {}
                    shuffled += metrics.get("Shuffle Write Metrics", {}).get("Shuffle Bytes Written", 0)
                    spilled += metrics.get("Disk Bytes Spilled", 0)
    return shuffled, spilled


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shares", type=float, nargs="+", default=[0.1, 0.25])
    parser.add_argument("--engines", nargs="+", default=["duckdb", "spark"])
    parser.add_argument("--memory", default="6g", help="memory of Spark's driver")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--out", type=Path, help="append the figures to this file")
    parser.add_argument("--build", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.build:
        build(Home(arguments.folder.resolve()), arguments.build)
        return
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="hcip-engines-"))
    for share in arguments.shares:
        lake = Home(folder / f"{share}" / "lake")
        if not (lake.lake / "reference").is_dir():
            make_lake(lake, share)
        marts: set[str] = set()
        for engine in arguments.engines:
            home = Home(folder / f"{share}" / engine)
            shutil.rmtree(home.root, ignore_errors=True)
            shutil.copytree(lake.lake, home.lake, copy_function=os.link)
            home.inbox.symlink_to(lake.inbox)
            measured = asdict(measure(home, engine, share, arguments.memory))
            print(json.dumps(measured), flush=True)
            if arguments.out:
                with arguments.out.open("a", encoding="utf-8") as out:
                    out.write(json.dumps(measured) + "\n")
            marts.add((home.root / "marts.json").read_text(encoding="utf-8"))
        if len(marts) > 1:
            sys.exit(f"share {share}: the engines' marts differ")


if __name__ == "__main__":
    main()

"""Time and memory of each step of a settlement, for synthetic states of a tenth, a quarter and the whole of Maryland.

    python benchmarks/settlement.py [--shares 0.1 0.25 1] [--folder DIR] [--threads 2]

Prints a table of wall seconds, processor seconds, peak memory and bytes read by step, the growth exponents between the
sizes, and, within the same run, the ratio of the build to a hand-written script of the same arithmetic
(``plain_settlement.sql``), and to only reading the columns. Each step runs in its own process.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from hcip_pipeline.background import relax_gc
from hcip_pipeline.home.folders import Home
from hcip_pipeline.periods import PerformancePeriod

PERIOD = PerformancePeriod(2025, 1)
DISCHARGES, HOSPITALS = 700_000, 46
SCRIPT = Path(__file__).with_name("plain_settlement.sql")
#: columns that both the build and the script read from each table
READ = {
    "discharges": "account_no, discharge_date, length_of_stay, discharge_disposition, attending_npi, operating_npi, "
    "grouper_version, apr_drg, severity_of_illness, hospital_ccn",
    "charges": "hospital_ccn, account_no, revenue_code, charge",
}


def synth(home: Home, share: float, _threads: int) -> None:
    from hcip_pipeline.periods import Quarter
    from hcip_pipeline.synthetic import StateArguments, generate_state
    from hcip_pipeline.synthetic.state import STATE_BENEFICIARIES, STATE_MONTHS_OF_CLAIMS

    generate_state(
        home.inbox,
        StateArguments(
            hospitals=max(6, round(HOSPITALS * min(1, share * 3))),
            discharges_per_year=round(DISCHARGES * share),
            start=Quarter(2023, 1),
            end=Quarter(2025, 4),
            seed=2025,
            file_format="parquet",
            cms_last_months=STATE_MONTHS_OF_CLAIMS,
            cms_beneficiaries=round(STATE_BENEFICIARIES * share),
        ),
    )


def intake(home: Home, _share: float, _threads: int) -> None:
    from hcip_pipeline.intake.hospital.ingest import ingest_quarter
    from hcip_pipeline.intake.period_intake import ingest_period
    from hcip_pipeline.policy.loader import load_policy
    from hcip_pipeline.reference.tables import write_lake_reference
    from hcip_pipeline.settlement.period import quarters_needed

    policy = load_policy(home.policy).policy
    write_lake_reference(home.inbox, home.lake_reference)
    for quarter in quarters_needed(PERIOD, policy):
        ingest_quarter(home, quarter, policy)
    ingest_period(home, PERIOD, policy)


def claims(home: Home, _share: float, _threads: int) -> None:
    from hcip_pipeline.intake.cclf import ingest_month
    from hcip_pipeline.settlement.period import months_needed

    for month in months_needed(home, PERIOD):
        ingest_month(home, month)


def norms(home: Home, _share: float, threads: int) -> None:
    from hcip_pipeline.policy.loader import load_policy
    from hcip_pipeline.settlement.period import base_year_norms

    made = base_year_norms(home, load_policy(home.policy).policy, threads=threads).build
    assert made is not None
    _keep(home, "norms", made.fingerprints)


def build(home: Home, _share: float, threads: int) -> None:
    from hcip_pipeline.policy.loader import load_policy
    from hcip_pipeline.settlement.period import build_period

    started = time.perf_counter()
    policy = load_policy(home.policy)
    built = build_period(home, PERIOD, policy, threads=threads)
    _keep(home, "build", built.result.fingerprints)
    slowest = sorted(built.result.nodes, key=lambda node: -node.seconds)[:12]
    record = {node.unique_id.split(".")[2]: round(node.seconds, 2) for node in slowest}
    (home.root / "slowest.json").write_text(json.dumps({"all": time.perf_counter() - started, **record}))


def release(home: Home, _share: float, threads: int) -> None:
    """Build again, because a release is written from a build of the same process; only writing is measured."""
    from hcip_pipeline.policy.loader import load_policy
    from hcip_pipeline.publishing.content import Content
    from hcip_pipeline.publishing.writer import write_release
    from hcip_pipeline.settlement.period import build_period

    policy = load_policy(home.policy)
    built = build_period(home, PERIOD, policy, threads=threads)
    before = _used()
    write_release(home, PERIOD, built.result, Content(policy, built.inputs))
    (home.root / "release.json").write_text(json.dumps(_since(before)))


def verify(home: Home, _share: float, _threads: int) -> None:
    from hcip_pipeline.release.verification import verify_release

    report = verify_release(home.releases / str(PERIOD) / "r1")
    if not report.ok:
        raise SystemExit(report.text())


def settled(home: Home, _share: float, threads: int) -> None:
    """Norms and build again in one process, as in a run; the benchmark stops unless they give the same rows."""
    from hcip_pipeline.policy.loader import load_policy
    from hcip_pipeline.settlement.period import build_period, rebuild_base_year

    policy = load_policy(home.policy)
    _compare(home, "norms", rebuild_base_year(home, policy.policy, threads=threads).fingerprints)
    _compare(home, "build", build_period(home, PERIOD, policy, threads=threads).result.fingerprints)


def spilling(home: Home, share: float, threads: int) -> None:
    """The same with one gigabyte for DuckDB."""
    os.environ["HCIP_MEMORY_LIMIT"] = "1GB"
    settled(home, share, threads)


def core(home: Home, _share: float, threads: int) -> None:
    """Only those models of norms and build that the script computes too, with their checks."""
    from hcip_pipeline.policy.loader import load_policy
    from hcip_pipeline.settlement.period import build_period, rebuild_base_year

    policy = load_policy(home.policy)
    rebuild_base_year(home, policy.policy, threads=threads)
    build_period(home, PERIOD, policy, threads=threads, select="+incentive_cases")


def restated(home: Home, _share: float, threads: int) -> None:
    """Ingest one hospital's quarter again, without its first discharge, and rebuild the half-year."""
    from hcip_pipeline.intake.hospital.ingest import ingest_quarter
    from hcip_pipeline.policy.loader import load_policy
    from hcip_pipeline.settlement.period import build_period

    policy = load_policy(home.policy)
    quarter = PERIOD.quarters[0]
    submissions = sorted(path for path in (home.inbox / "hospital" / str(quarter)).iterdir() if path.is_dir())
    first = submissions[len(submissions) // 2]
    second = first.with_name(f"{first.name}.r2")
    second.mkdir()
    for table in READ:
        frame = pl.read_parquet(first / f"{table}.parquet")
        if table == "discharges":
            left_out = frame["account_no"][0]
        frame.filter(pl.col("account_no") != left_out).write_parquet(second / f"{table}.parquet")
    ingest_quarter(home, quarter, policy.policy)
    restated = build_period(home, PERIOD, policy, threads=threads).result.fingerprints
    if restated == _kept(home)["build"]:
        raise SystemExit("the restated half-year has the same rows as before")


def _keep(home: Home, step: str, fingerprints: Mapping[str, str]) -> None:
    (home.root / "fingerprints.json").write_text(json.dumps(_kept(home) | {step: dict(fingerprints)}))


def _kept(home: Home) -> dict[str, dict[str, str]]:
    file = home.root / "fingerprints.json"
    return json.loads(file.read_text()) if file.exists() else {}


def _compare(home: Home, step: str, fingerprints: Mapping[str, str]) -> None:
    before = _kept(home)[step]
    if changed := sorted(name for name in before if before[name] != fingerprints.get(name)):
        raise SystemExit(f"{step}: {', '.join(changed)} have different rows than before")


def _lake(home: Home, connection: duckdb.DuckDBPyConnection) -> None:
    """The lake of all quarters needed as views, each with the columns that the core arithmetic reads."""
    from hcip_pipeline.intake.hospital.ingest import files_in_force
    from hcip_pipeline.policy.loader import load_policy
    from hcip_pipeline.settlement.period import quarters_needed

    quarters = quarters_needed(PERIOD, load_policy(home.policy).policy)
    for table, columns in READ.items():
        files = [str(path) for quarter in quarters for path in files_in_force(home, table, quarter)]  # type: ignore[arg-type]
        listed = ", ".join(f"'{file}'" for file in files)
        connection.execute(f"create view {table} as select {columns} from read_parquet([{listed}])")
    for path in home.lake_reference.glob("*.parquet"):
        connection.execute(f"create view {path.stem} as from read_parquet('{path}')")
    for path in home.lake_program(PERIOD).glob("*.parquet"):
        connection.execute(f"create view {path.stem} as from read_parquet('{path}')")


def script(home: Home, _share: float, threads: int) -> None:
    """The hand-written core arithmetic: costs, exclusions, outliers, norms, performance incentives; the same cents."""
    with duckdb.connect(config={"threads": threads}) as connection:
        _lake(home, connection)
        connection.execute(SCRIPT.read_text(encoding="utf-8"))
        (total,) = connection.execute("select sum(performance_incentive) from incentive_cases").fetchone() or (None,)
    built = home.warehouse / str(PERIOD) / "hcip.duckdb"
    with duckdb.connect(built, read_only=True) as connection:
        (expected,) = connection.execute("select sum(performance_incentive) from marts.incentive_cases").fetchone() or (
            0,
        )
    if Decimal(total) != Decimal(expected):
        raise SystemExit(f"the script gives {total}, the build {expected}")


def reading(home: Home, _share: float, threads: int) -> None:
    """Scan every column that the arithmetic needs once."""
    with duckdb.connect(config={"threads": threads}) as connection:
        _lake(home, connection)
        for table, columns in READ.items():
            maxima = ", ".join(f"max({column.strip()})" for column in columns.split(","))
            connection.execute(f"select {maxima} from {table}").fetchall()


STEPS: dict[str, Callable[[Home, float, int], None]] = {
    "synth": synth, "intake": intake, "claims": claims, "norms": norms, "build": build, "release": release,
    "verify": verify, "script": script, "reading": reading, "settled": settled, "spilling": spilling, "core": core,
    "restated": restated,
}  # fmt: skip


def _used() -> dict[str, float]:
    read = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(each.ru_utime + each.ru_stime for each in spent)
    return {"wall": time.perf_counter(), "cpu": cpu, "read": float(read["rchar"])}


def _since(before: dict[str, float]) -> dict[str, float]:
    return {name: value - before[name] for name, value in _used().items()}


def measure(step: str, home: Home, share: float, threads: int) -> None:
    relax_gc()
    before = _used()
    STEPS[step](home, share, threads)
    peak = sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    spent = _since(before) | {"peak": peak * 1024.0}
    own = home.root / f"{step}.json"  # a step's own measurement of only a part of it
    print(json.dumps(spent | (json.loads(own.read_text()) if own.exists() else {})))


def measured(step: str, root: Path, share: float, threads: int, program: Sequence[str] = (__file__,)) -> dict[str, Any]:
    """Run a step in its own process and parse its output; ``program`` is the script, or ``-m`` and its module."""
    command = [sys.executable, *program, "--measure", step, "--folder", str(root), "--shares", str(share)]
    done = subprocess.run([*command, "--threads", str(threads)], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{step}: {done.stderr[-2000:]}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def options(description: str | None, steps: Iterable[str]) -> argparse.Namespace:
    """The options of a benchmark that measures steps on shares of a state."""
    parser = argparse.ArgumentParser(description=(description or "").splitlines()[0])
    parser.add_argument("--shares", type=float, nargs="+", default=[0.1, 0.25, 1.0])
    parser.add_argument("--folder", type=Path, help="where to write; a temporary folder by default")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--measure", choices=list(steps), help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    arguments = options(__doc__, STEPS)
    if arguments.measure:
        measure(arguments.measure, Home(arguments.folder), arguments.shares[0], arguments.threads)
        return
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="hcip-benchmark-"))
    results: dict[float, dict[str, dict[str, Any]]] = {}
    print("| share | step | wall s | CPU s | peak MB | read MB |\n|---|---|---|---|---|---|")
    for share in arguments.shares:
        root = folder / f"share-{share:g}"
        shutil.rmtree(root, ignore_errors=True)
        results[share] = {}
        for step in STEPS:
            spent = results[share][step] = measured(step, root, share, arguments.threads)
            figures = (
                f"{spent['wall']:.1f} | {spent['cpu']:.1f} | {spent['peak'] / 1e6:.0f} | {spent['read'] / 1e6:.0f}"
            )
            print(f"| {share:g} | {step} | {figures} |", flush=True)
        if (root / "slowest.json").exists():
            print(f"\nslowest models: {(root / 'slowest.json').read_text()}\n", flush=True)
    _print_results(results)
    if arguments.folder is None:
        shutil.rmtree(folder)


def _print_results(results: dict[float, dict[str, dict[str, Any]]]) -> None:
    shares = sorted(results)
    for share in shares:
        of = {step: spent["cpu"] for step, spent in results[share].items()}
        whole = of["settled"]
        by_hand, alone, same = whole / of["script"], whole / of["reading"], of["core"] / of["script"]
        print(f"share {share:g}: norms and build ÷ script {by_hand:.2f}, ÷ reading {alone:.2f} (CPU)")
        print(f"share {share:g}: the same arithmetic with its checks ÷ script {same:.2f} (CPU)")
        print(f"share {share:g}: one hospital restated ÷ norms and build {of['restated'] / whole:.0%} (CPU)")
    for small, large in itertools.pairwise(shares):
        for step in STEPS:
            ratio = results[large][step]["cpu"] / max(results[small][step]["cpu"], 0.01)
            print(f"growth of {step}, {small:g} to {large:g}: exponent {math.log(ratio) / math.log(large / small):.2f}")


if __name__ == "__main__":
    main()

"""Time and memory of computing certainty, for synthetic states of a tenth, a quarter and the whole of Maryland.

    python -m benchmarks.certainty [--shares 0.1 0.25 1] [--folder DIR] [--threads 2]

Prints wall seconds, processor seconds and peak memory of the chance test with its intervals, of the other readings of
the responsible physician, and of a what-if that does not change norms, each in its own process, and growth exponents.
Goals: the chance test in three minutes and 4 GB, what-if in fifteen seconds, on two cores. Settled states that are
already in the folder are used as they are.
"""

from __future__ import annotations

import itertools
import json
import math
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.settlement import PERIOD, measured, options, synth
from hcip_pipeline.background import relax_gc
from hcip_pipeline.home.folders import Home


def settle(home: Home, share: float, threads: int) -> None:
    from hcip_pipeline.assets.execution import settle as settled

    if not (home.releases / str(PERIOD)).is_dir():
        synth(home, share, threads)
        settled(home, PERIOD, threads=threads)


def chance(home: Home, _share: float, threads: int) -> None:
    """Shuffles and samples, and the reliability of every physician's figures."""
    from hcip_pipeline.certainty.assessment import own_tables
    from hcip_pipeline.policy.loader import load_policy

    policy = load_policy(home.policy).policy
    with duckdb.connect(_built(home), read_only=True) as connection:
        own_tables(connection, str(PERIOD), policy, threads=threads)


def readings(home: Home, _share: float, threads: int) -> None:
    """Settle the period by three other readings; their norms are kept with the base year's build."""
    from hcip_pipeline.certainty.attribution import TARGETS, other_readings
    from hcip_pipeline.simulation.released_build import open_build

    with open_build(home, PERIOD, TARGETS, threads, lambda _: None) as released:
        other_readings(home, released, threads)


def what_if(home: Home, _share: float, threads: int) -> None:
    """Move one case to another care partner of its hospital."""
    from hcip_pipeline.certainty.what_if import what_if as settle_changed

    with duckdb.connect(_built(home), read_only=True) as connection:
        case = connection.execute(
            "select hospital_ccn, account_no, npi from marts.incentive_cases order by hospital_ccn, account_no limit 1"
        ).fetchone()
        assert case is not None
        other = connection.execute(
            "select min(npi) from marts.incentives where hospital_ccn = ? and npi <> ?", [case[0], case[2]]
        ).fetchone()
    assert other is not None
    file = home.root / "changes.yaml"
    file.write_text(f'cases: [{{hospital: "{case[0]}", account: "{case[1]}", npi: "{other[0]}"}}]\n')
    settle_changed(home, PERIOD, file, threads=threads)


def _built(home: Home) -> Path:
    return home.warehouse / str(PERIOD) / "hcip.duckdb"


PROGRAM = ("-m", "benchmarks.certainty")
STEPS: dict[str, Callable[[Home, float, int], None]] = {
    "settle": settle, "chance": chance, "readings": readings, "what_if": what_if,
}  # fmt: skip


def measure(step: str, home: Home, share: float, threads: int) -> None:
    relax_gc()
    started = time.perf_counter()
    STEPS[step](home, share, threads)
    spent = resource.getrusage(resource.RUSAGE_SELF)
    cpu = spent.ru_utime + spent.ru_stime
    print(json.dumps({"wall": time.perf_counter() - started, "cpu": cpu, "peak": spent.ru_maxrss * 1024.0}))


def main() -> None:
    arguments = options(__doc__, STEPS)
    if arguments.measure:
        measure(arguments.measure, Home(arguments.folder), arguments.shares[0], arguments.threads)
        return
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="hcip-certainty-"))
    results: dict[float, dict[str, dict[str, Any]]] = {}
    print("| share | step | wall s | CPU s | peak MB |\n|---|---|---|---|---|")
    for share in arguments.shares:
        results[share] = {}
        for step in STEPS:
            root = folder / f"share-{share:g}"
            spent = results[share][step] = measured(step, root, share, arguments.threads, PROGRAM)
            print(
                f"| {share:g} | {step} | {spent['wall']:.1f} | {spent['cpu']:.1f} | {spent['peak'] / 1e6:.0f} |",
                flush=True,
            )
    for small, large in itertools.pairwise(sorted(results)):
        for step in STEPS:
            ratio = results[large][step]["cpu"] / max(results[small][step]["cpu"], 0.01)
            print(f"growth of {step}, {small:g} to {large:g}: exponent {math.log(ratio) / math.log(large / small):.2f}")


if __name__ == "__main__":
    main()

"""Time and memory of a study of Texas's public file, with invented quarters of its size.

    python benchmarks/texas.py WORK [--quarters 4] [--share 1.0] [--form fixed|tab]

A share of 1 is Texas: 780,000 discharges a quarter with 19 charge lines each. Processor seconds include child
processes; the peak memory of reading is measured in its own process.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.texas.reading import read_texas
from hcip_pipeline.periods import Quarter
from hcip_pipeline.reference.tables import load_tables_for_other_states
from hcip_pipeline.study.texas_study import run_texas_study
from hcip_pipeline.synthetic.texas_pudf import write_texas_pudf

DISCHARGES, HOSPITALS, YEAR = 780_000, 600, 2019


def main() -> None:
    """Run each step in its own process, and print a line of JSON for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--quarters", type=int, default=4, choices=range(1, 5))
    parser.add_argument("--share", type=float, default=1.0, help="of Texas's discharges and hospitals")
    parser.add_argument("--form", choices=("fixed", "tab"), default="fixed")
    parser.add_argument("--step", choices=("write", "read", "study"), help="run only this step, in this process")
    options = parser.parse_args()
    if options.step:
        _step(options)
        return
    for step in ("write", "read", "study"):
        command = [sys.executable, __file__, *sys.argv[1:], "--step", step]
        subprocess.run(command, check=True)  # separate processes, for the peak memory of each


def _step(options: argparse.Namespace) -> None:
    folder, into = options.work / "pudf", options.work / "tables"
    quarters = [Quarter(YEAR, number + 1) for number in range(options.quarters)]
    discharges, hospitals = round(DISCHARGES * options.share), max(4, round(HOSPITALS * options.share))
    began = time.perf_counter()
    if options.step == "write":
        shutil.rmtree(options.work, ignore_errors=True)
        write_texas_pudf(folder, quarters, discharges=discharges, hospitals=hospitals, form=options.form)
    elif options.step == "read":
        read_texas(folder, quarters, into, load_tables_for_other_states(None)["apr_drg"])
        shutil.rmtree(into)
    else:
        run_texas_study(Home(options.work / "home"), folder, (quarters[0], quarters[-1]))
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(
        json.dumps(
            {
                "step": options.step,
                "form": options.form,
                "quarters": len(quarters),
                "discharges": discharges * len(quarters),
                "input_bytes": sum(path.stat().st_size for path in folder.glob("*.txt")),
                "seconds": round(time.perf_counter() - began, 1),
                "processor_seconds": round(sum(each.ru_utime + each.ru_stime for each in used), 1),
                "peak_mib": max(each.ru_maxrss for each in used) // 1024,
            }
        ),
        flush=True,
    )


if __name__ == "__main__":
    main()

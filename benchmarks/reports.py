"""Time of rendering the physician reports of a large state, in one process.

    python benchmarks/reports.py HOME PERIOD [--reports 2000]

Renders the dashboards of the period's newest release, repeatedly until there are that many, each time from freshly read
tables, and prints one JSON object. The goal is 2,000 in under three minutes on two cores; this uses one.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from pathlib import Path

from hcip_pipeline.home.folders import Home
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.policy.loader import load_policy
from hcip_pipeline.release.documents import Draft
from hcip_pipeline.release.reading import ReleaseFiles, releases_of
from hcip_pipeline.reports.figures import ReportSource
from hcip_pipeline.reports.physician import physician_page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path)
    parser.add_argument("period")
    parser.add_argument("--reports", type=int, default=2000)
    arguments = parser.parse_args()
    home, period = Home.locate(arguments.home), PerformancePeriod.parse(arguments.period)
    files = ReleaseFiles.at(releases_of(home, period)[-1])
    draft = Draft(home, period, files.number, load_policy(home.policy), files, tuple(files.hospitals))
    started, cpu = time.perf_counter(), time.process_time()
    reports = size = cases = 0
    while reports < arguments.reports:
        source = ReportSource(draft)
        for ccn in source.hospitals:
            for partner in source.now.of_hospital("incentives", ccn):
                if reports == arguments.reports:
                    break
                size += len(physician_page(source, ccn, partner))
                cases += partner["medical_cases"] + partner["surgical_cases"]
                reports += 1
    result = {
        "reports": reports,
        "seconds": round(time.perf_counter() - started, 1),
        "cpu_seconds": round(time.process_time() - cpu, 1),
        "cases_a_report": round(cases / reports, 1),
        "kilobytes_a_report": round(size / reports / 1000, 1),
        "peak_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()

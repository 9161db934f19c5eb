"""What each key of the policy is worth on the demo: ``data/policy_worth.csv``, for ``docs/policy.md``.

Run it on a demo's home when the methodology or the demo has changed: ``make policy-worth``. It settles the demo's first
half-year again for each value below, which takes some minutes.
"""

from __future__ import annotations

import csv
import sys
import tempfile
from pathlib import Path

import yaml

from hcip_pipeline.home.folders import Home
from hcip_pipeline.operations.summary import demo_periods
from hcip_pipeline.simulation.comparison import simulate

_FILE = Path(__file__).parent / "data" / "policy_worth.csv"

#: key -> other values to try, one at a time
TRIED: dict[str, tuple[object, ...]] = {
    "surgical_fallback": ("attending",),
    "outlier_sd": (2,),
    "outlier_tails": ("high",),
    "norm_method": ("case_percentile", "mean_below_threshold"),
    "best_practice_percentile": (0.5,),
    "ceiling_percentile": (0.9,),
    "improvement_percentile": (0.5,),
    "min_cases_per_physician": (5,),
    "min_physicians_per_cell": (10,),
    "min_cases_per_cell": (50,),
    "incentive_rate": (0.2,),
    "mpi_floor": (None,),
    "mpi_ceiling": (1000,),
    "improvement_share": ("1/2",),
    "performance_exponent": (2,),
    "performance_gate": ("none",),
    "min_baseline_cases": (20,),
    "medical_improvement_cap": ("none",),
    "variable_cost_factor": (1,),
    "limit_scope": ("all",),
    "physician_cap_percent": (10,),
    "pfs_cap_basis": ("prior_year",),
    "condition_failure": ("lose_all",),
}


def measure(home: Home) -> list[dict[str, str]]:
    """Rows of the file: key, value, the sum of final incentives with this value, and its change."""
    names = {f"{key} {value}": (key, value) for key, values in TRIED.items() for value in values}
    scenarios = {name: {key: value, "keep_elections": False} for name, (key, value) in names.items()}
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "scenarios.yaml"
        file.write_text(yaml.safe_dump(scenarios), encoding="utf-8")
        found = simulate(home, demo_periods(home)[0], file, progress=lambda message: print(message, file=sys.stderr))
    rows = []
    for row in found.scenarios.iter_rows(named=True):
        if row["scenario"] in names:
            key, value = names[row["scenario"]]
            final, change = f"{row['final_incentive']:,}", str(row["change"])
            rows.append(
                {"key": key, "value": "null" if value is None else str(value), "final": final, "change": change}
            )
    return rows


def main() -> None:
    """Write the file, measured on the home that the command line names."""
    rows = measure(Home.locate(sys.argv[1] if len(sys.argv) > 1 else None))
    with _FILE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ("key", "value", "final", "change"), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()

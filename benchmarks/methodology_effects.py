"""The effect in dollars of each open choice of the methodology: a home's settled period under other policies.

    .venv/bin/python benchmarks/methodology_effects.py hcip_home 2025H1

Prints the Markdown tables of docs/methodology_decisions.md. The home is read only; builds go to a temporary folder.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import duckdb

from hcip_pipeline.home.folders import Home
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.policy.loader import load_policy
from hcip_pipeline.policy.model import DEFAULT_EXCLUSIONS
from hcip_pipeline.settlement.period import build_period

ALTERNATIVES: dict[str, dict[str, object]] = {
    "as released": {},
    "norm_method: case_percentile": {"norm_method": "case_percentile"},
    "norm_method: mean_below_threshold": {"norm_method": "mean_below_threshold"},
    "performance_gate: none": {"performance_gate": "none"},
    "performance_exponent: 2": {"performance_exponent": 2},
    "performance_exponent: 0.5": {"performance_exponent": Decimal("0.5")},
    "baseline_window: full_year": {"baseline_window": "full_year"},
    "medical_improvement_cap: none": {"medical_improvement_cap": "none"},
    "min_baseline_cases: 1": {"min_baseline_cases": 1},
    "surgical_fallback: attending": {"surgical_fallback": "attending"},
    "outlier_tails: high": {"outlier_tails": "high"},
    "HOSPICE and SUBSTANCE_USE excluded": {"exclusions": (*DEFAULT_EXCLUSIONS, "HOSPICE", "SUBSTANCE_USE")},
    "improvement_percentile: 0.9": {"improvement_percentile": Decimal("0.9")},
    "no mpi_floor, no mpi_ceiling": {"mpi_floor": None, "mpi_ceiling": None},
    "variable_cost_factor: 1": {"variable_cost_factor": 1},
    "limit_scope: all": {"limit_scope": "all"},
    "condition_failure: lose_all": {"condition_failure": "lose_all"},
    "pfs_cap_basis: prior_year": {"pfs_cap_basis": "prior_year"},
}

#: readings that are not parameters -> dollars of the settled period that depend on them
READINGS = {
    "lost to rounding by care partners who met every condition, if each part were rounded": """
        select coalesce(sum(calculated_incentive - least(calculated_incentive, parts)), 0)
        from marts.incentives
        inner join (
            select hospital_ccn, npi, sum(weighted_amount) as parts
            from marts.conditions group by all having bool_and(coalesce(met, 'N') = 'Y') and sum(weight) >= 1
        ) using (hospital_ccn, npi)""",
    "held while a screening is pending": "SCREENING_NOT_CLEARED",
    "held because no fee-schedule amount is known": "HELD_NO_PFS_CAP",
    "held because the pool notice is contested": "POOL_CONTESTED",
    "held because the conditions were not fixed before the first day": "CONDITIONS_NOT_LOCKED",
    "held because there is no protocol in force": "NO_PROTOCOL",
}
_HELD = "select coalesce(sum(final_incentive), 0) from marts.incentives where reasons like '%{}%'"


def main(home_path: str, period_key: str) -> None:
    """Print one row per alternative."""
    period = PerformancePeriod.parse(period_key)
    settled = Home.locate(home_path)
    file = load_policy(settled.policy)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Home(Path(folder))
        scratch.inbox.symlink_to(settled.inbox)
        scratch.lake.mkdir()
        for entry in settled.lake.iterdir():
            if entry.name != "norms":
                (scratch.lake / entry.name).symlink_to(entry)
        if settled.releases.exists():
            scratch.releases.symlink_to(settled.releases)
        released: list[Decimal] = []
        print("| policy | calculated | final | payable | difference in payable |\n|---|--:|--:|--:|--:|")
        for name, changes in ALTERNATIVES.items():
            policy = file.policy.model_validate(file.policy.model_dump() | changes)
            built = build_period(scratch, period, replace(file, policy=policy), select="+incentives +conditions")
            with duckdb.connect(built.result.file, read_only=True) as connection:
                row = connection.execute(
                    "select sum(calculated_incentive), sum(final_incentive),"
                    " coalesce(sum(final_incentive) filter (where status = 'PAYABLE'), 0) from marts.incentives"
                ).fetchone()
                if not released:
                    readings = {
                        reading: connection.execute(query if " " in query else _HELD.format(query)).fetchone()
                        for reading, query in READINGS.items()
                    }
            figures = [Decimal(value) for value in row or ()]
            released = released or figures
            cells = " | ".join(f"{figure:,.2f}" for figure in figures)
            print(f"| {name} | {cells} | {figures[2] - released[2]:+,.2f} |", flush=True)
        print("\n| reading | dollars |\n|---|--:|")
        for reading, row in readings.items():
            print(f"| {reading} | {Decimal((row or (0,))[0]):,.2f} |")


if __name__ == "__main__":
    main(*sys.argv[1:])

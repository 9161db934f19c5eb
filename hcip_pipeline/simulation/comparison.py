"""A period under several policies: payments by scenario, compared with the release.

Belongs here: running the scenarios in order, figures, files. Does not belong here: choosing the models to compute
(``workbench``), and the command's output.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from hcip_pipeline.contracts import marts, run
from hcip_pipeline.contracts.table import Table
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.messages import Progress
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.release.reading import released_frame
from hcip_pipeline.release.tables import write_csv
from hcip_pipeline.settlement.norm_tables import NORM_PARAMETERS
from hcip_pipeline.settlement.period import elections_in_force
from hcip_pipeline.simulation.released_build import open_build, with_norms_build
from hcip_pipeline.simulation.scenarios import AS_IS, Scenario, read_scenarios
from hcip_pipeline.simulation.workbench import Workbench
from hcip_pipeline.warehouse.spec import BuildSpec

#: a scenario, its payments and its savings
_Result = tuple[Scenario, pl.DataFrame, pl.DataFrame]

_TABLES = (marts.INCENTIVES, marts.SAVINGS, marts.DISTRIBUTION_LIMITS)


@dataclass(frozen=True)
class Simulation:
    """The result of a simulation.

    Attributes:
        scenarios: one row per scenario: money by step, care partners, winners and losers.
        hospitals: one row per scenario and hospital.
        partners: one row per scenario, hospital and care partner: final incentive as is, final incentive under the
            scenario, and the change.
        is_synthetic: whether the release has invented data.
    """

    period: str
    release: str
    scenarios: pl.DataFrame
    hospitals: pl.DataFrame
    partners: pl.DataFrame
    is_synthetic: bool = False

    def as_dict(self) -> dict[str, Any]:
        """For JSON; money as text."""
        rows = json.loads(json.dumps(self.scenarios.to_dicts(), default=str))
        hospitals = json.loads(json.dumps(self.hospitals.to_dicts(), default=str))
        found = {"period": self.period, "release": self.release, "scenarios": rows, "hospitals": hospitals}
        return found | ({"synthetic": True} if self.is_synthetic else {})

    def write(self, folder: Path) -> list[Path]:
        """Write the tables as CSV, replacing an earlier simulation's; the same scenarios give the same bytes."""
        folder.mkdir(parents=True, exist_ok=True)
        written = []
        for name in ("scenarios", "hospitals", "partners"):
            path = folder / f"{name}.csv"
            write_csv(getattr(self, name), path, is_synthetic=self.is_synthetic)
            written.append(path)
        return written


def simulate(
    home: Home,
    period: PerformancePeriod,
    scenarios: Path,
    *,
    threads: int | None = None,
    progress: Progress = lambda _: None,
) -> Simulation:
    """Compute a released period under every scenario of a file.

    Raises:
        HcipError: the period is not released, the warehouse has a different build from the release's, or a scenario is
            refused.
    """
    targets = [table.name for table in _TABLES]
    with open_build(home, period, targets, threads, progress, given=("elections", "frozen_norms")) as released:
        wanted = read_scenarios(scenarios, released.policy)

        def compute(norms_bench: Workbench, norms_spec: BuildSpec) -> list[_Result]:
            bench = released.bench
            hospitals = bench.connection.sql('select ccn from hcip."lake"."hospitals"').pl()
            protocols = bench.connection.sql('select * from hcip."lake"."protocols"').pl()
            results: list[_Result] = []
            for number, scenario in enumerate(wanted, start=1):
                progress(f"scenario {number} of {len(wanted)}: {scenario.name}")
                whole = scenario.name == AS_IS
                elections = scenario.elections(elections_in_force(hospitals, protocols, scenario.policy))
                spec = replace(released.spec, policy=scenario.policy, elections=elections)
                tables = _scenario_tables(scenario, spec, norms_spec, norms_bench, whole=whole)
                try:
                    bench.compute(spec, tables, whole=whole)
                except HcipError as error:
                    raise HcipError(f"scenario '{scenario.name}': {error.message}", file=scenarios) from error
                if whole:
                    _check_as_is(bench, released.folder, tables)
                results.append((scenario, bench.table(marts.INCENTIVES), bench.table(marts.SAVINGS)))
            return results

        results = with_norms_build(home, released.policy, compute, threads, progress)
    return replace(_compared(period, released.folder.name, results), is_synthetic=released.is_synthetic)


def _scenario_tables(
    scenario: Scenario, spec: BuildSpec, norms_spec: BuildSpec, norms_bench: Workbench, *, whole: bool
) -> dict[str, tuple[Table, pl.DataFrame]]:
    """Tables of the lake that the scenario changes: always elections, and norms if it changes their parameters."""
    tables = {"elections": (run.ELECTIONS, spec.elections_frame())}
    if whole or set(scenario.changes) & set(NORM_PARAMETERS) - {"norm_method"}:
        norms_bench.compute(replace(norms_spec, policy=scenario.policy), {}, whole=whole)
        norms = norms_bench.table(marts.NORMS).select(run.FROZEN["frozen_norms"].names)
        tables["frozen_norms"] = (run.FROZEN["frozen_norms"], norms)
    return tables


def _check_as_is(bench: Workbench, release: Path, tables: dict[str, tuple[Table, pl.DataFrame]]) -> None:
    """Check that the release's own policy reproduces the release, including its norms; nothing else is comparable."""
    table, norms = tables["frozen_norms"]
    same = norms.sort(table.key).equals(bench.lake(table).sort(table.key))
    for mart in _TABLES:
        same = same and bench.table(mart).equals(released_frame(release, mart.name).select(mart.names).sort(mart.key))
    if not same:
        raise HcipError(
            f"the warehouse does not have the build that {release.parent.name} {release.name} was made from",
            file=release,
            rule="SIMULATION-AS-IS",
            fix=f"run `hcip run {release.parent.name}` and simulate again",
        )


def _compared(period: PerformancePeriod, release: str, results: Sequence[_Result]) -> Simulation:
    key = ["hospital_ccn", "npi"]
    as_is = results[0][1].select(*key, pl.col("final_incentive").alias("as_is"))
    partners = pl.concat(
        incentives.join(as_is, on=key, how="left")
        .with_columns(change=pl.col("final_incentive") - pl.col("as_is"))
        .select(
            pl.lit(scenario.name).alias("scenario"), *key, "name", "as_is", "calculated_incentive", "final_incentive",
            "change", "status",
        )
        for scenario, incentives, _ in results
    )  # fmt: skip
    saved = pl.concat(
        savings.filter(pl.col("scope") == "all").select(
            pl.lit(scenario.name).alias("scenario"), "hospital_ccn", "potential_savings", "internal_savings"
        )
        for scenario, _, savings in results
    )
    figures = [
        pl.len().alias("care_partners"),
        pl.col("calculated_incentive").sum(),
        pl.col("final_incentive").sum(),
        pl.col("final_incentive").filter(pl.col("status") == "PAYABLE").sum().alias("payable"),
        pl.col("change").sum(),
        (pl.col("change") > 0).sum().alias("winners"),
        pl.col("change").filter(pl.col("change") > 0).sum().alias("gains"),
        (pl.col("change") < 0).sum().alias("losers"),
        pl.col("change").filter(pl.col("change") < 0).sum().alias("losses"),
    ]
    by_hospital = partners.group_by("scenario", "hospital_ccn", maintain_order=True).agg(figures)
    hospitals = by_hospital.join(saved, on=["scenario", "hospital_ccn"], how="left", maintain_order="left")
    totals = partners.group_by("scenario", maintain_order=True).agg(figures)
    changes = pl.DataFrame(
        {
            "scenario": [scenario.name for scenario, _, _ in results],
            "changes": ["; ".join(f"{key}: {value}" for key, value in s.changes.items()) for s, _, _ in results],
        },
        schema={"scenario": pl.String, "changes": pl.String},
    )
    return Simulation(str(period), release, changes.join(totals, on="scenario", how="left"), hospitals, partners)

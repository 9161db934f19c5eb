"""The demo's first half-year, settled by DuckDB and by Spark from the same lake."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hcip_pipeline.home import Home
from hcip_pipeline.intake.hospital.ingest import ingest_quarter
from hcip_pipeline.intake.period_intake import take_in_period
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.policy.loader import PolicyFile, load_policy
from hcip_pipeline.reference.tables import write_lake_reference
from hcip_pipeline.settlement.norm_tables import NORM_MODELS, norm_spec
from hcip_pipeline.settlement.period import PeriodBuild, base_year_norms, base_year_spec, build_period, quarters_needed
from hcip_pipeline.synthetic import demo_state
from hcip_pipeline.warehouse.build import BuildResult, compute_builds_with
from hcip_pipeline.warehouse.spark import SparkEngine

PERIOD = PerformancePeriod(2025, 1)


@dataclass(frozen=True)
class Both:
    """The builds of the base year and of the period, as DuckDB and as Spark made them."""

    home: Home
    policy: PolicyFile
    built: PeriodBuild
    built_on_spark: PeriodBuild
    norms: tuple[BuildResult, BuildResult]

    @property
    def period(self) -> tuple[BuildResult, BuildResult]:
        """The period's builds, as DuckDB and as Spark made them."""
        return self.built.result, self.built_on_spark.result


def settle_demo(folder: Path, session: Any) -> Both:
    """Take the demo's state in once, and build its base year and first half-year on both engines."""
    home = Home(folder / "home")
    demo_state(home.inbox, seed=2025)
    policy = load_policy(home.policy)
    write_lake_reference(home.inbox, home.lake_reference)
    for quarter in quarters_needed(PERIOD, policy.policy):
        ingest_quarter(home, quarter, policy.policy)
    take_in_period(home, PERIOD, policy.policy)
    norms = base_year_norms(home, policy.policy).build
    assert norms is not None
    built = build_period(home, PERIOD, policy)
    for path in home.lake.rglob("*.r1.parquet"):  # a superseded submission lies in the same folder
        shutil.copy(path, path.with_suffix(".superseded.parquet"))
    engine = SparkEngine(session)
    norms_on_spark = engine(norm_spec(base_year_spec(home, policy.policy)), folder / "spark-norms", select=NORM_MODELS)
    with compute_builds_with(engine):  # last: a build empties the schemas, and views read the files of the last one
        on_spark = build_period(same_home(home, folder / "spark-home"), PERIOD, policy)
    return Both(home, policy, built, on_spark, (norms, norms_on_spark))


def same_home(home: Home, folder: Path) -> Home:
    """Another home with the same inbox and lake."""
    folder.mkdir(parents=True)
    for name in ("inbox", "lake"):
        (folder / name).symlink_to(home.root / name)
    return Home(folder)

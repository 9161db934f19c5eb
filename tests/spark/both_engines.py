"""A half-year settled by `hcip run` on DuckDB and on Spark, from the same lake."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass

from hcip_pipeline.assets.execution import ingest, settle
from hcip_pipeline.home.folders import Home
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.policy.loader import load_policy
from hcip_pipeline.publishing.writer import Release
from hcip_pipeline.settlement.build_record import current_build
from hcip_pipeline.settlement.period import PeriodBuild, quarters_needed
from hcip_pipeline.warehouse.engine_choice import EngineChoice

PERIOD = PerformancePeriod(2025, 1)


@dataclass(frozen=True)
class Settled:
    """A home with its release, and the build from which it was written."""

    home: Home
    release: Release
    build: PeriodBuild

    def files(self) -> dict[str, bytes]:
        """Every file of the release by its path."""
        folder = self.release.folder
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@dataclass(frozen=True)
class Both:
    """The same half-year as computed by DuckDB and by Spark."""

    duckdb: Settled
    spark: Settled


def settle_on_both(home: Home, master: str = "", progress: Callable[[str], None] = lambda _: None) -> Both:
    """Ingest the inbox of ``home``, copy the home, and settle :data:`PERIOD` there on DuckDB and in the copy on Spark.

    Args:
        progress: is called with the progress messages of the run on Spark.
    """
    quarters = quarters_needed(PERIOD, load_policy(home.policy).policy)
    report = ingest(home, [*map(str, quarters), str(PERIOD)])
    assert report.ok, report.problems
    other = Home(home.root.with_name(f"{home.root.name}-spark"))
    shutil.copytree(home.root, other.root, symlinks=True)
    ours = _settled(home, settle(home, PERIOD, engine=EngineChoice("duckdb")))
    return Both(ours, _settled(other, settle(other, PERIOD, engine=EngineChoice("spark", master), progress=progress)))


def _settled(home: Home, release: Release) -> Settled:
    return Settled(home, release, current_build(home, PERIOD, load_policy(home.policy)))

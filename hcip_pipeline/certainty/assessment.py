"""How certain the payments of a build or release are: all tables of methodology §14.

Belongs here: the list of tables, and ``hcip certainty``. Does not belong here: any figure (``ranges``, ``figures``,
``attribution``), and keeping a period's tables for its release (``kept``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from hcip_pipeline.certainty.attribution import TARGETS, other_readings, reading_rows
from hcip_pipeline.certainty.cases import PARTNER, Tables, in_cents, released_cases
from hcip_pipeline.certainty.draws import Progress, as_released
from hcip_pipeline.certainty.figures import physician_figures, reliability, state_components, stream_rows
from hcip_pipeline.certainty.ranges import range_tables
from hcip_pipeline.contracts import certainty, marts
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.policy.model import Policy
from hcip_pipeline.release.tables import write_csv
from hcip_pipeline.simulation.released_build import ReleasedBuild, open_build
from hcip_pipeline.simulation.workbench import BUILD, Workbench
from hcip_pipeline.warehouse.build import BuildResult

#: tables of an assessment by name; ``attribution`` and ``certainty_readings`` are absent if the readings could not be
#: settled
Assessed = Mapping[str, pl.DataFrame]


@dataclass(frozen=True)
class Certainty:
    """The certainty of a release's payments.

    Attributes:
        replicates: draws of the chance test and of the intervals.
        tables: tables by name, as ``contracts.certainty`` declares them.
        warnings: descriptions of what could not be computed.
        is_synthetic: the release is from invented data.
    """

    period: str
    release: str
    replicates: int
    tables: Assessed
    warnings: tuple[str, ...] = ()
    is_synthetic: bool = False

    def as_dict(self) -> dict[str, Any]:
        """For JSON; money and ratios as text."""
        tables = {name: json.loads(json.dumps(frame.to_dicts(), default=str)) for name, frame in self.tables.items()}
        facts = {"period": self.period, "release": self.release, "replicates": self.replicates}
        return facts | {"warnings": list(self.warnings)} | tables

    def write(self, folder: Path) -> list[Path]:
        """The tables as CSV, replacing earlier ones; the same release gives the same bytes."""
        folder.mkdir(parents=True, exist_ok=True)
        written = []
        for name, frame in self.tables.items():
            written.append(folder / f"{name}.csv")
            write_csv(frame, written[-1], is_synthetic=self.is_synthetic)
        return written


def own_tables(
    connection: duckdb.DuckDBPyConnection,
    period: str,
    policy: Policy,
    *,
    catalog: str = "",
    replicates: int | None = None,
    threads: int | None = None,
    progress: Progress = lambda _: None,
) -> Assessed:
    """Every table that follows from the build itself: all but those of other readings.

    Args:
        connection: a connection to the build.
        catalog: the build's catalog within the connection.
    """
    tables = _tables(connection, catalog)
    progress("reliability of physicians' figures")
    figures = physician_figures(connection, period, catalog)
    state = state_components(figures)
    found = range_tables(tables, policy, period, replicates=replicates, threads=threads, progress=progress)
    cases = tables(marts.INCENTIVE_CASES.name)
    return {
        **found,
        certainty.RELIABILITY.name: reliability(cases, state, period, policy),
        certainty.PHYSICIAN_FIGURES.name: figures,
        certainty.CERTAINTY_STREAMS.name: stream_rows(figures, state, period),
    }


def assess_build(
    home: Home,
    built: BuildResult,
    *,
    replicates: int | None = None,
    threads: int | None = None,
    progress: Progress = lambda _: None,
) -> tuple[Assessed, tuple[str, ...]]:
    """Every table for a finished build, and descriptions of what could not be computed."""
    policy = built.spec.policy
    with Workbench(built.file, built.spec, TARGETS, (), threads) as bench:
        payments = bench.table(marts.INCENTIVES).sort("hospital_ccn", "npi")
        opened = ReleasedBuild(built.file.parent, policy, built.spec, bench, payments)
        return _assessed(home, opened, replicates, threads, progress)


def assess(
    home: Home,
    period: PerformancePeriod,
    *,
    replicates: int | None = None,
    threads: int | None = None,
    progress: Progress = lambda _: None,
) -> Certainty:
    """Compute how certain the payments of a period's newest release are.

    Args:
        replicates: draws of the chance test and of the intervals; None: the policy's number.

    Raises:
        HcipError: the period is not released, or its warehouse contains another build.
    """
    with open_build(home, period, TARGETS, threads, progress) as released:
        tables, warnings = _assessed(home, released, replicates, threads, progress)
        draws = replicates or released.policy.certainty_replicates
        return Certainty(str(period), released.folder.name, draws, tables, warnings, released.is_synthetic)


def _assessed(
    home: Home, opened: ReleasedBuild, replicates: int | None, threads: int | None, progress: Progress
) -> tuple[Assessed, tuple[str, ...]]:
    own = own_tables(
        opened.bench.connection,
        opened.spec.name,
        opened.policy,
        catalog=BUILD,
        replicates=replicates,
        threads=threads,
        progress=progress,
    )
    try:
        readings = other_readings(home, opened, threads, progress)
    except HcipError as error:  # no payment may wait for these tables
        return own, (f"other readings of the responsible physician were not settled: {error.message}",)
    found = {
        certainty.ATTRIBUTION.name: readings.partners,
        certainty.CERTAINTY_READINGS.name: reading_rows(readings.partners),
        certainty.GROUPER_CASES.name: readings.grouper_cases,
        certainty.GROUPER_CELLS.name: readings.grouper_cells,
    }
    return {**own, **{name: frame for name, frame in found.items() if frame is not None}}, ()


def differing_payments(built: BuildResult) -> int:
    """The number of a build's calculated incentives that its cases as released do not reproduce; it should be 0."""
    with duckdb.connect(built.file, read_only=True) as connection:
        tables = _tables(connection, "")
        own = as_released(released_cases(tables, built.spec.policy), built.spec.policy)
        released = in_cents(tables(marts.INCENTIVES.name).sort(PARTNER)["calculated_incentive"])
    return int((own != released).sum())


def _tables(connection: duckdb.DuckDBPyConnection, catalog: str) -> Tables:
    """A function that returns a build's marts by name, in their contracts' columns."""
    place = f"{catalog}." if catalog else ""

    def table(name: str) -> pl.DataFrame:
        columns = ", ".join(f'"{column}"' for column in marts.TABLES[name].names)
        return connection.sql(f"select {columns} from {place}marts.{name}").pl()

    return table

"""The build that a release was made from, opened for further computation next to it.

Belongs here: finding the build, rebuilding it if it was deleted, and comparing it with the release. Does not belong
here: the computation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import duckdb
import polars as pl

from hcip_pipeline.contracts import marts
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.messages import Progress
from hcip_pipeline.periods import PerformancePeriod, base_year_window
from hcip_pipeline.policy.loader import PolicyFile, read_policy
from hcip_pipeline.policy.model import Policy
from hcip_pipeline.release.manifest import FILE_NAME as MANIFEST
from hcip_pipeline.release.reading import ReleaseFiles, released_frame, releases_of
from hcip_pipeline.settlement.build_record import recorded_parts
from hcip_pipeline.settlement.norm_tables import norm_key
from hcip_pipeline.settlement.period import build_period, rebuild_base_year, windows_of
from hcip_pipeline.settlement.spec_digest import MODELS
from hcip_pipeline.simulation.workbench import Workbench
from hcip_pipeline.warehouse.build import FILE_NAME as WAREHOUSE
from hcip_pipeline.warehouse.project import project_digest
from hcip_pipeline.warehouse.rendering import needed
from hcip_pipeline.warehouse.spec import BuildSpec

T = TypeVar("T")

#: Models of case costs and windows with everything they depend on; of a case's facts, only its cost changes them.
WITHOUT_COSTS = (frozenset(needed(["int_case_costs"])) | {"int_case_windows"}) - {"stg_discharges"}


@dataclass(frozen=True)
class ReleasedBuild:
    """The newest release of a period with its build.

    Attributes:
        payments: the release's ``incentives``, ordered by hospital and NPI.
        is_synthetic: whether the release has invented data.
    """

    folder: Path
    policy: Policy
    spec: BuildSpec
    bench: Workbench
    payments: pl.DataFrame
    is_synthetic: bool = False


@contextmanager
def open_build(
    home: Home,
    period: PerformancePeriod,
    targets: Iterable[str],
    threads: int | None,
    progress: Progress,
    given: Iterable[str] = (),
) -> Iterator[ReleasedBuild]:
    """Open the build of a period's newest release.

    Args:
        targets: models that will be computed.
        given: tables of the lake that will be replaced when everything is computed again.

    Raises:
        HcipError: the period is not released, or its warehouse has a different build from the release's.
    """
    releases = releases_of(home, period)
    if not releases:
        raise HcipError(
            f"{period} is not released yet",
            file=home.releases / str(period),
            fix=f"run `hcip run {period}` first",
        )
    release, manifest = releases[-1], releases[-1] / MANIFEST
    content = ReleaseFiles.at(release).manifest
    text = content["policy"]["text"]
    policy = PolicyFile(read_policy(text, manifest), text, "", manifest)
    spec = BuildSpec(str(period), "period", windows_of(period, policy.policy), policy.policy)
    built = home.warehouse / str(period) / WAREHOUSE
    if not built.exists():  # a warehouse may be deleted at any time
        build_period(home, period, policy, threads=threads, progress=progress)
    elif recorded_parts(home, period).get(MODELS) != project_digest():
        raise HcipError(
            f"the build of {period} was made with different models from this version's",
            file=home.warehouse / str(period),
            rule="SIMULATION-AS-IS",
            fix=f"run `hcip run {period}` with this version and try again",
        )
    payments = released_frame(release, marts.INCENTIVES.name).select(marts.INCENTIVES.names).sort("hospital_ccn", "npi")
    with Workbench(built, spec, targets, given, threads) as bench:
        if not bench.table(marts.INCENTIVES).sort("hospital_ccn", "npi").equals(payments):
            raise HcipError(
                f"the warehouse does not have the build that {period} {release.name} was made from",
                file=release,
                rule="SIMULATION-AS-IS",
                fix=f"run `hcip run {period}` and try again",
            )
        yield ReleasedBuild(release, policy.policy, spec, bench, payments, content.get("synthetic", False))


def with_norms_build(
    home: Home,
    policy: Policy,
    compute: Callable[[Workbench, BuildSpec], T],
    threads: int | None = None,
    progress: Progress = lambda _: None,
) -> T:
    """The result of ``compute`` on the base year's build, which is rebuilt if it is missing or has different models."""
    spec = BuildSpec(f"base-year-{policy.base_year}", "norms", (base_year_window(policy.base_year),), policy)
    built = home.warehouse / f"norms-{norm_key(policy)}" / WAREHOUSE
    if built.exists():
        try:
            with Workbench(built, spec, ["norms"], (), threads) as bench:
                return compute(bench, spec)
        except (duckdb.CatalogException, duckdb.BinderException):
            progress("the base year was built with different models: rebuilding it")
    rebuild_base_year(home, policy, threads=threads, progress=progress)
    with Workbench(built, spec, ["norms"], (), threads) as bench:
        return compute(bench, spec)

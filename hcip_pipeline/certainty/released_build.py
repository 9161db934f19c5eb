"""The build that a release was made from, opened to compute beside it.

Belongs here: finding it, building it again where it was thrown away, and holding it to the release. Does not belong
here: what is computed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from hcip_pipeline.contracts import marts
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home import Home
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.policy.loader import PolicyFile, read_policy
from hcip_pipeline.policy.model import Policy
from hcip_pipeline.release.manifest import FILE_NAME as MANIFEST
from hcip_pipeline.release.reading import released_frame, releases_of
from hcip_pipeline.settlement.period import build_period, windows_of
from hcip_pipeline.simulation.workbench import Workbench
from hcip_pipeline.warehouse.build import FILE_NAME as WAREHOUSE
from hcip_pipeline.warehouse.spec import BuildSpec

Progress = Callable[[str], None]


@dataclass(frozen=True)
class ReleasedBuild:
    """The newest release of a period with its build.

    Attributes:
        payments: the release's ``incentives``, ordered by hospital and NPI.
    """

    folder: Path
    policy: Policy
    spec: BuildSpec
    bench: Workbench
    payments: pl.DataFrame


@contextmanager
def open_build(
    home: Home, period: PerformancePeriod, targets: Iterable[str], threads: int | None, progress: Progress
) -> Iterator[ReleasedBuild]:
    """Open the build of a period's newest release.

    Args:
        targets: models that will be computed.

    Raises:
        HcipError: the period is not released, or its warehouse holds another build than the release's.
    """
    releases = releases_of(home, period)
    if not releases:
        raise HcipError(
            f"{period} is not released: there is no payment to look at",
            file=home.releases / str(period),
            fix=f"run `hcip run {period}` first",
        )
    release, manifest = releases[-1], releases[-1] / MANIFEST
    text = json.loads(manifest.read_text(encoding="utf-8"))["policy"]["text"]
    policy = PolicyFile(read_policy(text, manifest), text, "", manifest)
    spec = BuildSpec(str(period), "period", windows_of(period, policy.policy), policy.policy)
    built = home.warehouse / str(period) / WAREHOUSE
    if not built.exists():  # a warehouse may be thrown away at any time
        build_period(home, period, policy, threads=threads, progress=progress)
    payments = released_frame(release, marts.INCENTIVES.name).select(marts.INCENTIVES.names).sort("hospital_ccn", "npi")
    with Workbench(built, spec, targets, (), threads) as bench:
        if not bench.table(marts.INCENTIVES).sort("hospital_ccn", "npi").equals(payments):
            raise HcipError(
                f"the warehouse does not hold the build that {period} {release.name} was made from",
                file=release,
                rule="RELEASED-BUILD",
                fix=f"run `hcip run {period}` and try again",
            )
        yield ReleasedBuild(release, policy.policy, spec, bench, payments)

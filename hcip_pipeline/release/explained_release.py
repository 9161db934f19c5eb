"""Explaining the payments of a release on disk, with the home's lake where there is one.

Belongs here: finding the release, the physician and the hospital, and reading what is needed. Does not belong here:
what a payment is made of (``explanation``).
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import polars as pl

from hcip_pipeline.errors import HcipError, UsageError
from hcip_pipeline.home import Home
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.policy.loader import read_policy
from hcip_pipeline.release.explanation import Explainer, Explanation, Names
from hcip_pipeline.release.explanation_sources import case_sources
from hcip_pipeline.release.manifest import FILE_NAME
from hcip_pipeline.release.writer import released_frame, releases_of


class ReleaseFolder:
    """The tables of a release on disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._read = cache(self._frame)

    def table(self, name: str, owner: str | None = None) -> pl.DataFrame:
        """All files of a table together, or one hospital's."""
        return self._read(name, owner)

    def _frame(self, name: str, owner: str | None) -> pl.DataFrame:
        if owner is None:
            return released_frame(self.folder, name)
        file = f"HCIP_{owner}_{name}_{self.folder.parent.name}_{self.folder.name}.parquet"
        for path in self.folder.glob(f"*/{file}"):
            return pl.read_parquet(path)
        raise HcipError(f"the release has no table {name} of {owner}", file=self.folder, fix="run the period again")


def explain(home: Home, period: PerformancePeriod, npi: str, hospital: str | None = None) -> Explanation:
    """Explain what the newest release of ``period`` says a care partner gets.

    Raises:
        HcipError: the period has no release; nobody has this NPI, or not at ``hospital``.
        UsageError: the care partner is at several hospitals and none is named.
    """
    releases = releases_of(home, period)
    if not releases:
        raise HcipError(
            f"{period} has not been released", file=home.releases / str(period), fix=f"run `hcip run {period}` first"
        )
    folder = releases[-1]
    ccn = _hospital_of(folder, npi, hospital)
    return explainer(folder, home).payment(ccn, npi)


def explainer(folder: Path, home: Home | None = None) -> Explainer:
    """What explains the payments of the release in ``folder``; without a home no case knows its file and row."""
    manifest = json.loads((folder / FILE_NAME).read_text(encoding="utf-8"))
    policy = read_policy(manifest["policy"]["text"], folder / FILE_NAME)
    period = PerformancePeriod.parse(folder.parent.name)
    tables = ReleaseFolder(folder)
    if home is None:
        return Explainer(period, folder.name, policy, tables)
    inputs = [item["file"] for item in manifest["inputs"]]
    quarters = [*period.quarters, *period.baseline(policy.baseline_window).quarters]
    return Explainer(
        period,
        folder.name,
        policy,
        tables,
        Names(_names(home, "hospitals", "ccn", "name"), _names(home, "apr_drg", "apr_drg", "label")),
        lambda ccn, accounts: case_sources(home, ccn, accounts, quarters, inputs),
    )


def _hospital_of(folder: Path, npi: str, hospital: str | None) -> str:
    partners = released_frame(folder, "incentives").select("hospital_ccn", "npi")
    found = sorted(partners.filter(pl.col("npi") == npi)["hospital_ccn"])
    where = f"{folder.parent.name} {folder.name}"
    if not found:
        raise HcipError(
            f"{npi} is nobody's care partner in {where}, which has {partners['npi'].n_unique():,} of them",
            file=folder,
            fix="check the NPI; the care partners are in incentives/HCIP_<ccn>_incentives_….csv",
        )
    if hospital is None and len(found) > 1:
        raise UsageError(
            f"{npi} is a care partner of {len(found)} hospitals, and each pays for itself: {', '.join(found)}",
            fix=f"name one: --hospital {found[0]}",
        )
    if hospital is not None and hospital not in found:
        raise HcipError(
            f"{npi} is no care partner of {hospital} in {where}, but of {', '.join(found)}",
            file=folder,
            fix=f"name that hospital: --hospital {found[0]}",
        )
    return hospital or found[0]


def _names(home: Home, table: str, code: str, name: str) -> dict[str, str]:
    """Names of codes, as far as the lake holds the table; of several grouper versions the newest's."""
    path = home.lake_reference / f"{table}.parquet"
    if not path.is_file():
        return {}
    frame = pl.read_parquet(path)
    if "grouper_version" in frame.columns:
        frame = frame.sort(pl.col("grouper_version").cast(pl.Int64, strict=False))
    return dict(frame.select(code, name).iter_rows())

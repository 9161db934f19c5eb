"""Explaining the payments of a release, on disk or being written, with the home's lake if there is one.

Belongs here: finding the release, the physician and the hospital, and reading the tables. Does not belong here: how a
payment is made up (``explanation``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import polars as pl

from hcip_pipeline.errors import HcipError, UsageError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.policy.loader import read_policy
from hcip_pipeline.release.explanation import Explainer, Explanation, Names, ReleasedTables
from hcip_pipeline.release.explanation_sources import case_sources
from hcip_pipeline.release.layouts import MANIFEST
from hcip_pipeline.release.reading import ReleaseFiles, released_frame, releases_of
from hcip_pipeline.release.rests_on import outdated
from hcip_pipeline.tables.file_names import shown


class _CachedTables:
    """Tables that are each read once, however many payments are explained."""

    def __init__(self, tables: ReleasedTables) -> None:
        self.table = cache(tables.table)


def explain(home: Home, period: PerformancePeriod, who: str, hospital: str | None = None) -> Explanation:
    """Explain a care partner's payment in the newest release of ``period``.

    Args:
        who: an NPI, or a name or part of one, in any letter case and word order.

    Raises:
        HcipError: the period has no release, or no care partner (at ``hospital``) has this NPI or name.
        UsageError: several care partners have this name, or the care partner has payments at several hospitals and
            ``hospital`` is not given.
    """
    releases = releases_of(home, period)
    if not releases:
        raise HcipError(
            f"{period} has not been released", file=home.releases / str(period), fix=f"run `hcip run {period}` first"
        )
    folder = releases[-1]
    npi = who if re.fullmatch(r"[0-9]{10}", who, re.ASCII) else _npi_of(folder, who, hospital)
    ccn = _hospital_of(folder, npi, hospital)
    stale = tuple(f"{reason}; {reason.fix}" for reason in outdated(home, ReleaseFiles.at(folder)))
    return replace(explainer(folder, home).payment(ccn, npi), stale=stale)


def explainer(folder: Path, home: Home | None = None) -> Explainer:
    """An explainer of the release in ``folder``; without a home, cases have no source file and row.

    Raises:
        HcipError: it is not a release, or lacks a table.
    """
    files = ReleaseFiles.at(folder)
    policy = read_policy(files.manifest["policy"]["text"], folder / MANIFEST)
    if home is None:
        return Explainer(files.period, folder.name, policy, _CachedTables(files))
    inputs = [item["file"] for item in files.manifest["inputs"]]
    quarters = [*files.period.quarters, *files.period.baseline(policy.baseline_window).quarters]
    return Explainer(
        files.period,
        folder.name,
        policy,
        _CachedTables(files),
        names_of(home),
        lambda ccn, accounts: case_sources(home, ccn, accounts, quarters, inputs),
    )


def names_of(home: Home) -> Names:
    """Names of hospitals and APR-DRGs, as far as they are in the home's lake."""
    return Names(_names(home, "hospitals", "ccn", "name"), _names(home, "apr_drg", "apr_drg", "label"))


def _npi_of(folder: Path, who: str, hospital: str | None) -> str:
    """The NPI of the only care partner whose name contains every word of ``who``."""
    words = who.casefold().replace(",", " ").split()
    partners = released_frame(folder, "incentives").select("hospital_ccn", "npi", "name").unique().sort("name", "npi")
    if hospital is not None:
        partners = partners.filter(pl.col("hospital_ccn") == hospital)
    rows = [row for row in partners.iter_rows() if words and _has_words(row[2] or "", words)]
    found = {npi: f"{name} ({npi}, {ccn})" for ccn, npi, name in rows}
    where = f"{folder.parent.name} {folder.name}"
    if not found:
        raise HcipError(
            f"no care partner in {where} has the name or NPI {shown(who)!r}",
            file=folder,
            fix="give a ten-digit NPI, or a name from incentives/HCIP_<ccn>_incentives_….csv",
        )
    if len(found) > 1:
        listed = list(found.values())
        more = f" and {len(listed) - 10} more" if len(listed) > 10 else ""
        raise UsageError(
            f"{len(found)} care partners in {where} match the name {shown(who)!r}: {', '.join(listed[:10])}{more}",
            fix="give the NPI instead",
        )
    return next(iter(found))


def _has_words(name: str, words: Sequence[str]) -> bool:
    """Whether each word is the beginning of a word of the name."""
    parts = name.casefold().replace(",", " ").split()
    return all(any(part.startswith(word) for part in parts) for word in words)


def _hospital_of(folder: Path, npi: str, hospital: str | None) -> str:
    partners = released_frame(folder, "incentives").select("hospital_ccn", "npi")
    found = sorted(partners.filter(pl.col("npi") == npi)["hospital_ccn"])
    where = f"{folder.parent.name} {folder.name}"
    if not found:
        raise HcipError(
            f"{npi} is not one of the {partners['npi'].n_unique():,} care partners in {where}",
            file=folder,
            fix="check the NPI; the care partners are in incentives/HCIP_<ccn>_incentives_….csv",
        )
    if hospital is None and len(found) > 1:
        raise UsageError(
            f"{npi} is a care partner of {len(found)} hospitals, each of which pays separately: {', '.join(found)}",
            fix=f"choose one: --hospital {found[0]}",
        )
    if hospital is not None and hospital not in found:
        raise HcipError(
            f"{npi} is not a care partner of {hospital} in {where}, but is one of {', '.join(found)}",
            file=folder,
            fix=f"use --hospital {found[0]}",
        )
    return hospital or found[0]


def _names(home: Home, table: str, code: str, name: str) -> dict[str, str]:
    """Names of codes, if the table is in the lake; with several grouper versions, the newest version's names."""
    path = home.lake_reference / f"{table}.parquet"
    if not path.is_file():
        return {}
    frame = pl.read_parquet(path)
    if "grouper_version" in frame.columns:
        frame = frame.sort(pl.col("grouper_version").cast(pl.Int64, strict=False))
    return dict(frame.select(code, name).iter_rows())

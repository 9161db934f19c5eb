"""What a run tells the person who started it: per hospital what was calculated, and where the files are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from hcip_pipeline.home import Home
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.release.writer import Release, released_frame

if TYPE_CHECKING:
    from rich.table import Table


def hospital_totals(release: Release) -> pl.DataFrame:
    """One row a hospital: care partners, their cases and what was calculated."""
    incentives = released_frame(release.folder, "incentives")
    return (
        incentives.group_by("hospital_ccn")
        .agg(
            pl.len().alias("care_partners"),
            (pl.col("medical_cases") + pl.col("surgical_cases")).sum().alias("cases"),
            pl.col("performance_incentive").sum(),
        )
        .sort("hospital_ccn")
    )


def release_facts(release: Release) -> dict[str, Any]:
    """The same facts for machines."""
    return {
        "period": release.period,
        "release": release.name,
        "is_new": release.is_new,
        "folder": str(release.folder),
        "files": release.files,
        "hospitals": hospital_totals(release).to_dicts(),
    }


def demo_periods(home: Home) -> list[PerformancePeriod]:
    """The two half-years of the last year that the inbox covers."""
    last = max(path.name for path in (home.inbox / "hospital").iterdir())
    return [PerformancePeriod(int(last[:4]), 1), PerformancePeriod(int(last[:4]), 2)]


def _totals_table(release: Release) -> Table:
    from rich.table import Table

    said = "" if release.is_new else " (nothing changed since it was released)"
    table = Table(title=f"{release.period} {release.name}{said}", title_justify="left")
    table.add_column("hospital")
    for name in ("care partners", "cases with a norm", "performance incentive"):
        table.add_column(name, justify="right")
    totals = hospital_totals(release)
    for ccn, partners, cases, incentive in totals.rows():
        table.add_row(ccn, f"{partners:,}", f"{cases:,}", f"${incentive:,.2f}")
    if totals.height:
        sums = totals.select(pl.exclude("hospital_ccn").sum()).row(0)
        table.add_section()
        table.add_row("all", f"{sums[0]:,}", f"{sums[1]:,}", f"${sums[2]:,.2f}")
    return table


def print_releases(home: Home, releases: list[Release]) -> None:
    """To standard output, for a person."""
    from rich.console import Console

    console = Console()
    for release in releases:
        console.print(_totals_table(release))
        console.print(f"files: {release.folder}", soft_wrap=True, highlight=False)

"""The administrator's first page: everything in a release by audience, with each hospital's totals.

Belongs here: listing files by audience, and the totals. Does not belong here: names of physicians, and the page that
links only the hospitals' reports (``index``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hcip_pipeline.contracts.catalog import SECTIONS
from hcip_pipeline.release.layouts import AUDIENCES, Audience
from hcip_pipeline.reports.figures import ReportSource
from hcip_pipeline.reports.pages import release_page
from hcip_pipeline.reports.statewide import statewide_rows, statewide_totals


@dataclass(frozen=True)
class TableFile:
    """A table of the release: its name without owner and release, what one row is, and its CSV file."""

    name: str
    grain: str
    path: str


def release_index(source: ReportSource, missing: Mapping[str, int]) -> bytes:
    """``audit/index.html``.

    Args:
        missing: CCN -> number of missing pieces of information.
    """
    rows = statewide_rows(source)
    return release_page(
        source,
        "release_index.html.j2",
        title=f"Everything in release {source.period} {source.release}",
        rows=[row | {"missing": missing[row["hospital_ccn"]]} for row in rows],
        totals=statewide_totals(rows) | {"missing": sum(missing.values())},
        administrator=_files(source, "administrator"),
        regulator=_files(source, "regulator"),
        of_hospital={ccn: _files(source, "hospital", ccn) for ccn in source.hospitals},
    )


def _files(source: ReportSource, audience: Audience, owner: str = "STATE") -> list[TableFile]:
    """The tables for an audience, ordered by folder and name."""
    grains = {table.name: table.grain for tables in SECTIONS.values() for table in tables}
    root = source.draft.files.folder
    found = []
    for folder in sorted(name for name, whose in AUDIENCES.items() if whose == audience):
        for file in sorted((root / folder).glob(f"HCIP_{owner}_*_{source.draft.name}.csv")):
            name = file.name.removeprefix(f"HCIP_{owner}_").removesuffix(f"_{source.draft.name}.csv")
            found.append(TableFile(name, grains.get(name, ""), f"{folder}/{file.name}"))
    return found

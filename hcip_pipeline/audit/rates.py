"""The rate tables that a release rests on, with their sources, and which of them are shipped defaults.

Belongs here: describing the rate tables. Does not belong here: the rates themselves (``reference``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from hcip_pipeline.contracts.reference import RATES
from hcip_pipeline.periods import rate_year
from hcip_pipeline.release.documents import Draft

#: table -> limits of the shipped default, and how a region replaces it with its own
LIMITS = {
    "cost_factors": (
        "Its markups are averages over a hospital's inpatient and outpatient services, including medical education, "
        "not the rate order's markups by rate center; labor market, teaching and disproportionate share adjustments "
        "are neutral (1 and 0), because the regulator's are not public. Replace it with reference/cost_factors.csv."
    ),
    "cost_index": (
        "It chains a national forecast of hospital input prices, and a consumer price index for supplies and drugs. "
        "Replace it with the region's own index, reference/cost_index.csv."
    ),
    "per_diem": (
        "It contains Medicare's national amounts for a subsequent hospital visit; the visit level for each severity "
        "is a choice (levels 1, 2, 3 and 3 for severities 1 to 4). Replace it with your locality's amounts, "
        "reference/per_diem.csv (hcip rates pfs)."
    ),
}  # fmt: skip


@dataclass(frozen=True)
class RateSource:
    """The rows of a table that share a source."""

    source: str | None
    published_on: str | None
    rows: int


@dataclass(frozen=True)
class RateTable:
    """A rate table that a release rests on.

    Attributes:
        file: path below the inbox, or ``shipped/…``.
        limits: the limits of a shipped default; empty for a region's own table.
    """

    table: str
    file: str
    sha256: str
    is_default: bool
    limits: str
    sources: tuple[RateSource, ...]

    def as_dict(self) -> dict[str, Any]:
        """For the manifest."""
        return {
            "table": self.table,
            "file": self.file,
            "sha256": self.sha256,
            "is_default": self.is_default,
            "limits": self.limits,
            "sources": [vars(source) for source in self.sources],
        }


def rates_in_force(draft: Draft) -> list[RateTable]:
    """The rate tables, each with the sources of the rows that this release's windows can read."""
    files = {_table_of(str(item["file"])): item for item in draft.inputs if _table_of(str(item["file"])) in RATES}
    found = []
    for table in RATES:
        if (item := files.get(table)) is None:
            continue
        is_default = str(item["file"]).startswith("shipped/")
        found.append(
            RateTable(
                table,
                str(item["file"]),
                str(item["sha256"]),
                is_default,
                LIMITS[table] if is_default else "",
                tuple(_sources(_read(draft, table))),
            )
        )
    return found


def _table_of(file: str) -> str:
    """``cost_index`` for ``reference/cost_index.csv``; empty for a file in any other folder."""
    folder, _, name = file.partition("/")
    return name.split(".")[0].lower() if folder in ("shipped", "reference") else ""


def _read(draft: Draft, table: str) -> pl.DataFrame:
    """The rows of a table for this release's hospitals and years, from the base year on."""
    frame, first = draft.lake(table), draft.policy.policy.base_year
    match table:
        case "cost_factors":
            last = rate_year(draft.period.end)
            return frame.filter(
                pl.col("hospital_ccn").is_in(list(draft.hospitals)), pl.col("rate_year").is_between(first, last)
            )
        case "cost_index":
            return frame.filter(pl.col("calendar_year").is_between(first, draft.period.year))
        case _:
            return frame.filter(pl.col("year") == draft.period.year)


def _sources(rows: pl.DataFrame) -> list[RateSource]:
    counted = rows.group_by("source", "published_on").len().sort("source", "published_on", nulls_last=True)
    return [
        RateSource(source, str(published) if published else None, count)
        for source, published, count in counted.iter_rows()
    ]

"""Findings if the base year and the period are grouped by different APR-DRG versions (methodology §14.6).

Belongs here: the wording. Does not belong here: which cases a version does not know (``certainty.bridge``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import polars as pl

from hcip_pipeline.contracts.certainty import GROUPER_CASES, GROUPER_CELLS


def grouper_findings(certainty: Mapping[str, pl.DataFrame]) -> Iterator[tuple[str, str]]:
    """Text and severity of each finding; an empty severity means the rule's. None with a bridge or a single version.

    Args:
        certainty: the release's certainty tables, by name.
    """
    rows = certainty.get(GROUPER_CASES.name)
    if rows is None or GROUPER_CELLS.name in certainty:
        return
    for row in rows.filter(pl.col("cases_unknown") > 0).iter_rows(named=True):
        window = row["window_name"].replace("_", " ")
        other = "the base year or the baseline" if window == "performance" else "the performance period"
        yield (
            f"{window}: {row['cases_unknown']:,} of {row['cases']:,} cases grouped by version {row['grouper_version']} "
            f"have APR-DRGs that do not exist in a grouper version of {other}",
            "",
        )
    if not rows["cases_unknown"].sum():
        versions = ", ".join(sorted(set(rows["grouper_version"])))
        yield (
            f"the base year and the period are grouped by versions {versions}; every APR-DRG of the cases exists in "
            "each version",
            "low",
        )

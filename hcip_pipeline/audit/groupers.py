"""Findings where base year and period are grouped by different versions (methodology §14.6).

Belongs here: the words. Does not belong here: which cases a version does not know (``certainty.bridge``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import polars as pl

from hcip_pipeline.contracts.certainty import GROUPER_CASES, GROUPER_CELLS


def grouper_findings(certainty: Mapping[str, pl.DataFrame]) -> Iterator[tuple[str, str]]:
    """A text and its severity for each finding; empty severity: that of the rule. None with a bridge, or one version.

    Args:
        certainty: tables of how sure the payments are.
    """
    rows = certainty.get(GROUPER_CASES.name)
    if rows is None or GROUPER_CELLS.name in certainty:
        return
    for row in rows.filter(pl.col("cases_unknown") > 0).iter_rows(named=True):
        window = row["window_name"].replace("_", " ")
        yield (
            f"{window}: {row['cases_unknown']:,} of {row['cases']:,} cases grouped by version {row['grouper_version']} "
            "have APR-DRGs that a version of the other side does not know",
            "",
        )
    if not rows["cases_unknown"].sum():
        versions = ", ".join(sorted(set(rows["grouper_version"])))
        yield (
            f"base year and period are grouped by versions {versions}; every APR-DRG of the cases is in each of them",
            "low",
        )

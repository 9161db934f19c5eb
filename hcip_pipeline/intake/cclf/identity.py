"""Chains of Medicare beneficiary identifiers: refusing cross-references that form a circle.

Belongs here: the check during intake. Does not belong here: resolving identifiers, which the warehouse does over all
months (``int_current_identifiers``).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

#: A cross-reference row of MBIs; rows of HICNs (H) have no MBIs.
_MBI = "M"


def links(files: Sequence[Path]) -> pl.DataFrame:
    """Distinct ``prvs_num`` → ``crnt_num`` of CCLF9 files; a number that maps to itself is not a change."""
    if not files:
        return pl.DataFrame(schema={"prvs_num": pl.String, "crnt_num": pl.String})
    rows = pl.scan_parquet(list(files)).filter(
        (pl.col("hicn_mbi_xref_ind") == _MBI) & (pl.col("prvs_num") != pl.col("crnt_num"))
    )
    return rows.select("prvs_num", "crnt_num").unique().collect()


def identifiers_in_cycles(edges: pl.DataFrame) -> int:
    """How many previous numbers never reach a current one, because their chain is a circle or leads into one.

    Chains lose their newest link again and again; the links that remain are circles or lead into one.
    """
    while True:
        remaining = edges.join(
            edges.select(pl.col("prvs_num").unique()), left_on="crnt_num", right_on="prvs_num", how="semi"
        )
        if remaining.height == edges.height:
            return edges["prvs_num"].n_unique()
        edges = remaining

"""The history of a claim: original, cancellations, adjustments, and the month in which each is delivered.

Belongs here: the chains, and which versions are final by construction. Does not belong here: matching, which is the
warehouse's.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from hcip_pipeline.periods import Month
from hcip_pipeline.synthetic.streams import stream

#: histories of a claim: its versions as (adjustment type, percent of the first amount, number of the delivery, days
#: added to the through-date, number of the version that it cancels)
_PLAIN = (("0", 100, 0, 0, -1),)
_ADJUSTED = (("0", 100, 0, 0, -1), ("1", 100, 1, 0, 0), ("2", 90, 2, 0, -1))
_TWICE = (*_ADJUSTED, ("1", 90, 3, 0, 2), ("2", 110, 4, 0, -1))
_VOID = (("0", 100, 0, 0, -1), ("1", 100, 1, 0, 0))
_SAME_AMOUNT = (("0", 100, 0, 0, -1), ("1", 100, 1, 0, 0), ("2", 100, 2, 0, -1))
#: A corrected through-date: the cancellation no longer matches the claim it cancels.
_CORRECTED_DATE = (("0", 100, 0, 0, -1), ("1", 100, 1, 1, -2), ("2", 90, 2, 1, -1))
_KINDS = (_PLAIN, _ADJUSTED, _TWICE, _VOID, _SAME_AMOUNT, _CORRECTED_DATE)
_RUNNING_SHARES = (0.88, 0.95, 0.965, 0.98, 0.995)
#: The maximum number of deliveries of a chain.
_DELIVERIES = 5
_ORPHAN = -2
VERSIONS_A_CLAIM = 8


def month_number(month: Month) -> int:
    """Months since year 0."""
    return month.year * 12 + month.number - 1


def deliver(claims: pl.DataFrame, first: Month, last: Month, seed: int, chances: str = "chains") -> pl.DataFrame:
    """One row per delivered version.

    Args:
        claims: claim, part, person, done (last day of service), denied; ordered by claim.
        first, last: months of delivery; versions after the last month are left out.
        seed: the state's.
        chances: name of the stream of random numbers; different calls use different ones.

    Returns:
        claim, part, person, claim_id, type, percent, longer (days added to the through-date), month (number),
        in_run_out (delivered only there), repeated (delivered there again), done, is_final and is_orphan by
        construction.
    """
    rng = stream(seed, "cclf", chances)
    n = len(claims)
    kind = np.searchsorted(_RUNNING_SHARES, rng.random(n), side="right")
    part_a = (claims["part"] == "A").to_numpy()
    kind = np.where(claims["denied"].to_numpy() | ((kind == 5) & ~part_a), 0, kind)
    done = (claims["done"].dt.year().cast(pl.Int64) * 12 + claims["done"].dt.month() - 1).to_numpy()
    start = np.maximum(done + 1 + (rng.random(n) < 0.3), month_number(first))
    # A cancellation may come before or after the adjustment that replaces the claim.
    steps = np.stack([np.zeros(n, dtype=np.int64), *(rng.integers(1, 4, n) for _ in range(_DELIVERIES - 1))], axis=1)
    steps[:, 3:] += 2
    in_run_out = rng.random(n) < 0.5

    rows = []
    for number, versions in enumerate(_KINDS):
        of_kind = np.flatnonzero(kind == number)
        for version, (type_, percent, delivery, longer, cancels) in enumerate(versions):
            rows.append(
                claims[of_kind].with_columns(
                    version=pl.lit(version, dtype=pl.Int64),
                    type=pl.lit(type_),
                    percent=pl.lit(percent, dtype=pl.Int64),
                    longer=pl.lit(longer),
                    cancels=pl.lit(cancels, dtype=pl.Int64),
                    month=pl.Series(start[of_kind] + steps[of_kind, delivery]),
                    late=pl.Series(in_run_out[of_kind]),
                )
            )
    versions_ = pl.concat(rows).filter(pl.col("month") <= month_number(last))
    gone = versions_.filter(pl.col("cancels") >= 0).select("claim", version="cancels", is_gone=pl.lit(True))
    year_of_service = pl.col("done").dt.year().cast(pl.Int64)
    january = (year_of_service + 1) * 12
    return (
        versions_.join(gone, on=["claim", "version"], how="left")
        .with_columns(
            claim_id=(10**12 + pl.col("claim") * VERSIONS_A_CLAIM + pl.col("version")).cast(pl.String),
            is_final=(pl.col("type") != "1") & pl.col("is_gone").is_null(),
            is_orphan=pl.col("cancels") == _ORPHAN,
            # The first run-out archive covers the first year of delivery.
            in_run_out=(pl.col("month") == january + 3) & pl.col("late") & (year_of_service >= first.year),
            repeated=pl.col("month").is_between(january, january + 2),
        )
        .drop("is_gone", "late", "cancels")
        .sort("claim", "version")
    )

"""The distribution of each payment and hospital over the draws: mean, 5th and 95th percentile, in whole cents.

Belongs here: tables over draws. Does not belong here: drawing (``draws``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from hcip_pipeline.certainty.cases import PARTNER, Integers, Tables, in_cents, released_cases
from hcip_pipeline.certainty.draws import Draws, Progress, draw
from hcip_pipeline.contracts import certainty
from hcip_pipeline.contracts.table import Table
from hcip_pipeline.policy.model import Policy

STATE = "STATE"


def percentile(ordered: Integers, twentieths: int) -> Integers:
    """The percentile of each column by linear interpolation between order statistics (methodology §0), whole cents.

    Args:
        ordered: one column per payment, its draws ascending.
    """
    below, rest = divmod(twentieths * (len(ordered) - 1), 20)
    low, high = ordered[below], ordered[min(below + 1, len(ordered) - 1)]
    return (2 * (20 * low + rest * (high - low)) + 20) // 40


def mean(draws: Integers) -> Integers:
    """The mean of each column, whole cents."""
    return (2 * draws.sum(axis=0) + len(draws)) // (2 * len(draws))


def range_tables(
    tables: Tables,
    policy: Policy,
    period: str,
    *,
    replicates: int | None = None,
    threads: int | None = None,
    progress: Progress = lambda _: None,
) -> Mapping[str, pl.DataFrame]:
    """``payment_ranges`` of every hospital, and ``certainty_hospitals``.

    Args:
        tables: the tables of a release, or of the build that it is written from.
        replicates: draws of each test; None: the policy's number.
    """
    cases = released_cases(tables, policy)
    draws = draw(cases, policy, replicates or policy.certainty_replicates, threads=threads, progress=progress)
    own = in_cents(tables("incentives").sort(PARTNER)["calculated_incentive"])
    return {
        certainty.PAYMENT_RANGES.name: _partners(cases.partners, own, draws, period),
        certainty.CERTAINTY_HOSPITALS.name: _hospitals(cases.partners, own, draws, period),
    }


def _partners(partners: pl.DataFrame, own: Integers, draws: Draws, period: str) -> pl.DataFrame:
    shuffled, resampled = np.sort(draws.shuffled, axis=0), np.sort(draws.resampled, axis=0)
    high = percentile(shuffled, 19)
    return _framed(
        certainty.PAYMENT_RANGES,
        partners,
        period,
        {
            "calculated_incentive": own,
            "interval_low": percentile(resampled, 1),
            "interval_high": percentile(resampled, 19),
            "chance_mean": mean(shuffled),
            "chance_low": percentile(shuffled, 1),
            "chance_high": high,
        },
        is_above_chance=own > high,
    )


def _hospitals(partners: pl.DataFrame, own: Integers, draws: Draws, period: str) -> pl.DataFrame:
    names = partners["hospital_ccn"].unique(maintain_order=True).to_list()
    ccn = partners["hospital_ccn"].to_numpy()
    above = own > percentile(np.sort(draws.shuffled, axis=0), 19)
    members = [*((name, ccn == name) for name in names), (STATE, np.ones(len(own), bool))]
    sums = np.stack([draws.shuffled[:, at].sum(axis=1) for _, at in members], axis=1)
    ordered = np.sort(sums, axis=0)
    calculated = np.array([own[at].sum() for _, at in members], np.int64)
    return _framed(
        certainty.CERTAINTY_HOSPITALS,
        pl.DataFrame({"hospital_ccn": [name for name, _ in members]}, schema={"hospital_ccn": pl.String}),
        period,
        {
            "calculated_incentive": calculated,
            "chance_mean": mean(sums),
            "chance_low": percentile(ordered, 1),
            "chance_high": percentile(ordered, 19),
            "difference": calculated - mean(sums),
        },
        care_partners=np.array([at.sum() for _, at in members], np.int64),
        above_chance=np.array([above[at].sum() for _, at in members], np.int64),
    )


def _framed(
    table: Table, key: pl.DataFrame, period: str, cents: Mapping[str, Integers], **others: npt.NDArray[Any]
) -> pl.DataFrame:
    money = [
        (pl.Series(name, values, dtype=pl.Int64).cast(pl.Decimal(38, 2)) / 100).cast(pl.Decimal(18, 2))
        for name, values in cents.items()
    ]
    more = [pl.Series(name, values) for name, values in others.items()]
    return key.with_columns(pl.lit(period).alias("period"), *money, *more).select(table.names)

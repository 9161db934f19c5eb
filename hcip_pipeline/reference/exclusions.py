"""Who is on an exclusion list and so cannot be paid for a period.

Belongs here: exclusion by NPI in a period. Does not belong here: a hospital's own screening (the program file
``care_partners``), matches by name (``screening``), and what both do to a payment (methodology §9, step 3).
"""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from hcip_pipeline.contracts.protocol import EXCLUDED_IN_PERIOD
from hcip_pipeline.periods import PerformancePeriod


def lasting_in_period(period: PerformancePeriod) -> pl.Expr:
    """Whether an exclusion lasts on any day from the period's first to the day it is due to be paid.

    An exclusion that begins after the services were rendered still forbids the payment. The day of reinstatement is
    no longer excluded.
    """
    back = pl.col("reinstated_date")
    return (pl.col("effective_date") <= period.run_date) & (back.is_null() | (back > period.start))


def excluded_in_period(excluded_individuals: pl.DataFrame, period: PerformancePeriod) -> pl.DataFrame:
    """Individuals whose exclusion lasts in the period (:func:`lasting_in_period`).

    Args:
        excluded_individuals: the reference table of that name.
        period: the performance period.

    Returns:
        The columns of ``contracts.protocol.EXCLUDED_IN_PERIOD``, ordered by NPI.
    """
    individuals = (
        excluded_individuals.filter(lasting_in_period(period))
        .group_by("npi")
        .agg(
            pl.col("source").unique().sort().str.join("|"),
            pl.col("effective_date").min(),
            pl.when(pl.col("reinstated_date").is_not_null().all()).then(pl.col("reinstated_date").max()),
        )
    )
    return individuals.select(pl.col(n).cast(t) for n, t in EXCLUDED_IN_PERIOD.schema.items()).sort("npi")


_POSTAL_CODES = (
    "AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR "
    "PA PR RI SC SD TN TX UT VT VI VA WA WV WI WY"
)
#: First two digits of a CCN -> the state (CMS's state codes).
_STATES = {f"{number:02d}": state for number, state in enumerate(_POSTAL_CODES.split(), start=1)}
_STATES |= {"55": "CA", "67": "TX", "74": "TX"}


def state_of(ccns: Collection[str]) -> str:
    """The state that all hospitals are in; empty if they are in several, or if one's state is not known."""
    states = {_STATES.get(ccn[:2], "") for ccn in ccns}
    return states.pop() if len(states) == 1 else ""

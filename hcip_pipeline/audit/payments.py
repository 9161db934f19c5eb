"""Reported payments compared with released amounts, and adjustments from restatements of earlier periods.

Belongs here: the tables ``restatement``, ``prior_period_adjustments`` and ``payment_reconciliation``. Does not belong
here: the findings about them (``findings``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import polars as pl

from hcip_pipeline.contracts import audit
from hcip_pipeline.contracts.table import Table
from hcip_pipeline.release.derived import DerivedTable
from hcip_pipeline.release.documents import Draft
from hcip_pipeline.release.reading import ReleaseFiles

_PAYMENT = ["hospital_ccn", "npi"]
_ZERO = pl.lit(0).cast(pl.Decimal(18, 2))


def payment_tables(draft: Draft) -> Iterable[DerivedTable]:
    """The three tables, in the order of their dependencies."""
    yield DerivedTable(
        "audit", audit.RESTATEMENT, _empty(audit.RESTATEMENT) if draft.restatement is None else draft.restatement
    )
    yield DerivedTable("audit", audit.PRIOR_PERIOD_ADJUSTMENTS, prior_period_adjustments(draft))
    yield DerivedTable("audit", audit.PAYMENT_RECONCILIATION, payment_reconciliation(draft))


def _empty(table: Table) -> pl.DataFrame:
    return pl.DataFrame(schema=table.schema)


def _restatements(release: ReleaseFiles) -> Iterator[ReleaseFiles]:
    """The releases of the period up to this one that restate an earlier one."""
    for number in range(2, release.number + 1):
        folder = release.folder.with_name(f"r{number}")
        if folder.is_dir() and (each := ReleaseFiles.at(folder)).has("restatement"):
            yield each


def prior_period_adjustments(draft: Draft) -> pl.DataFrame:
    """Changes from restatements of earlier periods that no earlier audit report has recommended.

    Returns:
        ``contracts.audit.PRIOR_PERIOD_ADJUSTMENTS``; only causes that changed a payable amount.
    """
    reported = {
        key
        for release in draft.earlier
        if release.has("prior_period_adjustments")
        for key in release.table("prior_period_adjustments").select("restated_period", "restated_release").iter_rows()
    }
    frames = [_empty(audit.PRIOR_PERIOD_ADJUSTMENTS)]
    for newest in draft.earlier:
        for release in _restatements(newest):
            if (str(release.period), f"r{release.number}") not in reported:
                frames.append(
                    release.table("restatement")
                    .filter(pl.col("payable_difference") != 0)
                    .select(
                        pl.lit(str(draft.period)).alias("period"),
                        pl.lit(str(release.period)).alias("restated_period"),
                        pl.lit(f"r{release.number}").alias("restated_release"),
                        *_PAYMENT,
                        "cause",
                        pl.col("payable_difference").alias("adjustment_amount"),
                    )
                )
    return pl.concat(frames)


def payment_reconciliation(draft: Draft) -> pl.DataFrame:
    """Payments reported for this and every earlier period, compared with the payable amounts of its newest release.

    Returns:
        ``contracts.audit.PAYMENT_RECONCILIATION``; a care partner with no payment reported and none due has no row.
    """
    frames = [_empty(audit.PAYMENT_RECONCILIATION)]
    reported = draft.lake("earlier_payments")
    for release in draft.earlier:
        paid = reported.filter(pl.col("period") == str(release.period))
        frames.append(_reconciled(draft, str(release.period), f"r{release.number}", release.table("incentives"), paid))
    paid = draft.lake("payments")
    frames.append(_reconciled(draft, str(draft.period), f"r{draft.number}", draft.table("incentives"), paid))
    return pl.concat(frames)


def _reconciled(
    draft: Draft, period: str, release: str, incentives: pl.DataFrame, reported: pl.DataFrame
) -> pl.DataFrame:
    paid = reported.group_by(_PAYMENT).agg(pl.col("paid_amount").sum(), pl.len().cast(pl.Int64).alias("payments"))
    payable = pl.when(pl.col("status") == "PAYABLE").then("final_incentive").otherwise(_ZERO)
    both = (
        incentives.select(*_PAYMENT, "status", payable.alias("payable_amount"))
        .join(paid, on=_PAYMENT, how="full", coalesce=True)
        .with_columns(
            pl.col("payable_amount", "paid_amount").fill_null(_ZERO),
            pl.col("payments").fill_null(0),
        )
        .with_columns((pl.col("paid_amount") - pl.col("payable_amount")).alias("difference"))
        .filter((pl.col("payable_amount") != 0) | (pl.col("payments") > 0))
    )
    has_reported = pl.col("hospital_ccn").is_in(reported["hospital_ccn"].unique().to_list())
    verdict = (
        pl.when((pl.col("payments") == 0) & ~has_reported)
        .then(pl.lit("NOT_YET_REPORTED"))
        .when(pl.col("payments") == 0)
        .then(pl.lit("MISSING"))
        .when((pl.col("payable_amount") == 0) & (pl.col("paid_amount") != 0))
        .then(pl.lit("NOT_PAYABLE"))
        .when(pl.col("difference") > 0)
        .then(pl.lit("OVERPAID"))
        .when(pl.col("difference") < 0)
        .then(pl.lit("UNDERPAID"))
        .otherwise(pl.lit("AS_RELEASED"))
    )
    names: dict[str, Any] = audit.PAYMENT_RECONCILIATION.schema
    return both.with_columns(
        pl.lit(str(draft.period)).alias("period"),
        pl.lit(period).alias("paid_period"),
        pl.lit(release).alias("released_as"),
        verdict.alias("verdict"),
    ).select(pl.col(name).cast(type_) for name, type_ in names.items())

"""Tables that leave the program: the regulator's, and the shared norms (outputs.md, "Privacy").

Belongs here: choosing columns, and how the counts are related. Does not belong here: hiding (``suppression``), and new
figures: all of them come from savings/, incentives/ or audit/.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import ROUND_HALF_UP, Decimal

import polars as pl

from hcip_pipeline.contracts import audit, marts
from hcip_pipeline.contracts.disclosure import counts_of, dependents_of
from hcip_pipeline.release.derived import DerivedTable
from hcip_pipeline.release.documents import Draft
from hcip_pipeline.release.side_by_side import added, baselines, comparable, halves_of_baseline, renamed
from hcip_pipeline.release.suppression import MARK, CountTable, Remainder, suppressed


def regulator_tables(draft: Draft) -> Iterable[DerivedTable]:
    """Calculated, adjustments and final by care partner; internal savings by hospital and scope.

    Payments have no counts, but savings do: the cases of all and of participating physicians in both windows, whose
    difference is the cases of the others. Sums of dollars are hidden with their count, because norms and the cost of a
    case are known.
    """
    streams = pl.col("improvement_incentive_medical") + pl.col("improvement_incentive_surgical")
    incentives = draft.table("incentives").with_columns(streams.alias("improvement_incentive"))
    yield DerivedTable("regulator", audit.REGULATOR_INCENTIVES, incentives.select(audit.REGULATOR_INCENTIVES.names))
    savings = CountTable(
        "savings",
        draft.table("savings"),
        key=("hospital_ccn", "period", "scope"),
        counts=counts_of(audit.REGULATOR_SAVINGS),
        dependents=dependents_of(audit.REGULATOR_SAVINGS),
        remainders=(Remainder("scope", "all", "participating"),),
    )
    before = {"savings": list(_savings_before(draft))}
    (shown,) = suppressed([savings], draft.policy.policy.small_cell_threshold, before=before)
    yield DerivedTable("regulator", audit.REGULATOR_SAVINGS, shown.select(audit.REGULATOR_SAVINGS.names))


def _savings_before(draft: Draft) -> Iterator[pl.DataFrame]:
    """The same counts in other releases to the regulator: earlier ones of the period, and those of its baseline."""
    for release in draft.superseded:
        if release.has("savings", folder="regulator"):
            yield release.table("savings", folder="regulator")
    for release, is_whole in baselines(draft):
        if release.has("savings", folder="regulator"):
            reported = release.table("savings", folder="regulator").with_columns(
                pl.lit(str(draft.period)).alias("period")
            )
            yield renamed(reported, {"cases": "baseline_cases"}, with_values=is_whole)
    for pair in halves_of_baseline(draft):
        if all(release.has("savings", folder="regulator") for release in pair):
            one, two = (release.table("savings", folder="regulator") for release in pair)
            reported = added(one, two, ("hospital_ccn", "scope"), {"cases": "baseline_cases"})
            yield reported.with_columns(pl.lit(str(draft.period)).alias("period"))


def norm_tables(draft: Draft) -> Iterable[DerivedTable]:
    """Norms and physicians' means without small counts; audit/ has them in full, for verification.

    By default, a policy's ``min_cases_per_cell`` is above the threshold, so nothing is hidden. A base year's norms are
    in every period's releases, so they are checked against all releases that a reader may have.
    """
    norms = CountTable(
        "norms",
        draft.table("norms", folder="audit"),
        key=marts.NORMS.key,
        counts=counts_of(audit.PUBLIC_NORMS),
        dependents=dependents_of(audit.PUBLIC_NORMS),
    )
    before = [each.table("norms", folder="norms") for each in comparable(draft) if each.has("norms", folder="norms")]
    (shown,) = suppressed([norms], draft.policy.policy.small_cell_threshold, before={"norms": before})
    yield DerivedTable("norms", audit.PUBLIC_NORMS, shown)
    cell = ["base_year", "apr_drg", "severity_of_illness"]
    small = shown.filter(pl.col(MARK) != "").select(cell).unique()
    means = draft.table("norm_physicians", folder="audit").join(small, on=cell, how="anti")
    means = means.with_columns(pl.col("physician_mean_cost").map_elements(_to_the_cent, pl.Decimal(18, 2)))
    yield DerivedTable("norms", audit.PUBLIC_NORM_PHYSICIANS, means)


def _to_the_cent(mean: Decimal) -> Decimal:
    return mean.quantize(Decimal("0.01"), ROUND_HALF_UP)

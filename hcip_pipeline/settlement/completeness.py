"""Which data a period lacks, and whether it may be built without them (methodology §13, ``require_complete``)."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.cclf.receipts import in_force as archives_in_force
from hcip_pipeline.intake.hospital.receipts import SubmissionReceipt
from hcip_pipeline.periods import PerformancePeriod, base_year_window
from hcip_pipeline.policy.model import Policy
from hcip_pipeline.release.notes import Note
from hcip_pipeline.settlement.preconditions import base_year_missing


def check_base_year(home: Home, policy: Policy, receipts: Sequence[SubmissionReceipt]) -> set[str]:
    """The hospitals with data in the base year.

    Args:
        receipts: every receipt, also of refused submissions; because norms are frozen, refused submissions must not
            be left out of them silently.

    Raises:
        HcipError: no hospital has any, or a submission of the base year was refused and the policy requires all.
    """
    base_quarters = {str(quarter) for quarter in base_year_window(policy.base_year).quarters}
    in_force = {(receipt.ccn, receipt.quarter) for receipt in receipts if receipt.in_force}
    in_base_year = {ccn for ccn, quarter in in_force if quarter in base_quarters}
    if not in_base_year:
        raise base_year_missing(home, policy, "in the lake, so there can be no norms")
    refused = sorted(
        {
            f"{receipt.quarter}/{receipt.ccn}"
            for receipt in receipts
            if receipt.quarter in base_quarters and receipt.ccn and (receipt.ccn, receipt.quarter) not in in_force
        }
    )
    if refused and policy.require_complete != "none":
        raise HcipError(
            f"the norms of {policy.base_year} are not computed: these submissions were refused ({', '.join(refused)})",
            file=home.inbox / "hospital",
            rule="BASE-YEAR-INCOMPLETE",
            fix="correct the refused submissions (`hcip check` explains why), "
            "or set require_complete: none in the policy",
        )
    return in_base_year


def check_complete(
    home: Home,
    period: PerformancePeriod,
    policy: Policy,
    receipts: Sequence[SubmissionReceipt],
    hospitals: pl.DataFrame,
) -> list[Note]:
    """A note for each hospital and for the months whose data are missing, if the policy accepts that.

    Raises:
        HcipError: the base year or the period has no data at all, or the policy requires the missing data.
    """
    in_base_year = check_base_year(home, policy, receipts)
    have = {(receipt.ccn, receipt.quarter) for receipt in receipts if receipt.in_force}
    quarters = [str(quarter) for quarter in period.quarters]
    if not any(quarter in quarters for _, quarter in have):
        raise HcipError(
            f"no hospital's data for {period} are in the lake",
            file=home.inbox / "hospital",
            rule="PERIOD-MISSING",
            fix=f"put the submissions into inbox/hospital/{quarters[0]} and {quarters[1]}",
        )
    acute = set(hospitals.filter(pl.col("acute") == "Y")["ccn"])
    baseline = [str(quarter) for quarter in period.baseline(policy.baseline_window).quarters]
    needed = [*quarters, *baseline]
    missing = [
        f"{ccn}: {', '.join(lacking)}"
        for ccn in sorted(in_base_year & acute)
        if (lacking := [quarter for quarter in needed if (ccn, quarter) not in have])
    ]
    if missing and policy.require_complete != "none":
        number = f"{len(missing)} hospital{'' if len(missing) == 1 else 's'}"
        raise HcipError(
            f"{period} is not built: accepted data are missing from {number} ({'; '.join(missing)})",
            file=home.inbox / "hospital",
            rule="PERIOD-INCOMPLETE",
            fix="add the missing submissions, correct the refused ones (`hcip check` explains why), "
            "or set require_complete: none in the policy",
        )
    months = {receipt.month for receipt in archives_in_force(home)}
    lacking_months = [str(month) for month in period.months if str(month) not in months]
    if lacking_months and policy.require_complete == "all":
        raise HcipError(
            f"{period} is not built: no accepted CMS archive for {', '.join(lacking_months)}",
            file=home.inbox / "cms",
            rule="PERIOD-INCOMPLETE",
            fix="put the archives into inbox/cms/<month>, or set require_complete: hospitals in the policy",
        )
    notes = [Note(f"no accepted data from {hospital}") for hospital in missing]
    return notes + ([Note(f"no accepted CMS archive for {', '.join(lacking_months)}")] if lacking_months else [])

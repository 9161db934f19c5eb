"""Consistency of the claims tables: final action loses no claim and no cent, and kinds of care add up (§11).

Belongs here: equations and bounds within the claims tables. Does not belong here: which claims are final, which only
the claim files show.
"""

from __future__ import annotations

from decimal import Decimal

from .exact import ZERO
from .package import Package
from .report import Findings

_SERVICES = ("home_health", "skilled_nursing", "hospice", "rehabilitation", "long_term_hospital")
_IN_DOUBT = ("claims_under_one_key", "claims_replaced", "adjustments_alone")
_ORPHANS = ("orphans_without_key", "orphans_without_amount", "orphans_in_excess")


def check_claims(package: Package, findings: Findings) -> None:
    """Check that each version is final, cancelled with its cancellation, or an orphan, and that services add up."""
    for row in package.table("claims_report"):
        expected: dict[str, int | Decimal] = {
            "signed_amount": row["final_amount"] - row["orphan_amount"],
            "claim_versions": row["final_claims"] + 2 * row["cancelled_claims"] + row["orphan_cancellations"],
            "orphan_cancellations": sum(row[reason] for reason in _ORPHANS),
        }
        if row["part"] == "A":  # the others are delivered line by line
            expected["rows_delivered"] = row["rows_repeated"] + row["claim_versions"]
        findings.compare("final_action", row, expected)
        in_doubt, paid = sum(row[reason] for reason in _IN_DOUBT), row["final_claims"] - row["denied_final_claims"]
        condition = f"at most {paid} claims in doubt, the number of paid claims"
        findings.require("final_action", row, "claims_replaced", in_doubt <= paid, condition)
    for ccn in package.hospitals:
        for row in package.table("post_acute", ccn):
            findings.compare(
                "post_acute",
                row,
                {"post_acute_amount": sum((row[f"{service}_amount"] for service in _SERVICES), ZERO)},
            )
            for part, whole in (
                ("readmissions", "episodes"),
                ("readmitted_without_post_acute", "readmissions"),
                ("episodes_with_post_acute", "episodes"),
            ):
                findings.require("post_acute", row, part, row[part] <= row[whole], f"no more than {whole}")

"""How often each edit is broken by what hospitals sent, as a check an edit.

Belongs here: rates of row edits over the submissions in force, and their bounds. Does not belong here: the edits
(``intake.hospital.rules``), and whether a submission is refused.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import dagster as dg

from hcip_pipeline.intake.hospital.rules import (
    MAX_ERROR_SHARE,
    MAX_NPI_MISSING,
    MAX_PATIENT_ID_MISSING,
    MAX_UNMAPPED,
    ROW_RULES,
    Rule,
    exceeds,
)

if TYPE_CHECKING:
    from hcip_pipeline.intake.hospital.receipts import SubmissionReceipt

#: rule -> share of rows that may break it (inputs.md, "Edits"); of every other, as many as may be in error
_BOUNDS = {
    "D-ATTENDING-NPI": MAX_NPI_MISSING,
    "D-OPERATING-NPI-MISSING": MAX_NPI_MISSING,
    "D-OPERATING-NPI-INVALID": MAX_NPI_MISSING,
    "D-PATIENT-ID-MISSING": MAX_PATIENT_ID_MISSING,
    "C-REVENUE-CODE-UNMAPPED": MAX_UNMAPPED,
}

_TABLES = {"D": "discharges", "C": "charges"}


def check_name(rule: Rule) -> str:
    return f"edit_{rule.id.lower().replace('-', '_')}"


def bound(rule: Rule) -> tuple[int, int]:
    return _BOUNDS.get(rule.id, MAX_ERROR_SHARE)


def edit_rate_specs(asset: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    """A check for each edit on rows."""
    return [
        dg.AssetCheckSpec(
            check_name(rule),
            asset=asset,
            description=f"{rule.id} ({rule.severity}): {rule.description}. "
            f"At most {bound(rule)[0]} in {bound(rule)[1]} rows of a submission. Fix: {rule.fix}.",
        )
        for rule in ROW_RULES
    ]


def edit_rate_results(asset: dg.AssetKey, receipts: "Sequence[SubmissionReceipt]") -> list[dg.AssetCheckResult]:
    """How many rows of a quarter break each edit; it does not pass when some submission is over the edit's bound."""
    counted = [receipt for receipt in receipts if receipt.superseded_by is None]
    return [_result(asset, rule, counted) for rule in ROW_RULES]


def _result(asset: dg.AssetKey, rule: Rule, receipts: "Sequence[SubmissionReceipt]") -> dg.AssetCheckResult:
    table = _TABLES[rule.id[0]]
    broken = {r.submission: sum(count.rows for count in r.rules if count.rule == rule.id) for r in receipts}
    read = {r.submission: r.rows(table, "read") for r in receipts}
    over = sorted(name for name, rows in broken.items() if exceeds(rows, read[name], bound(rule)))
    rows, total = sum(broken.values()), sum(read.values())
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=check_name(rule),
        passed=not over,
        severity=dg.AssetCheckSeverity.WARN,  # a row in error is quarantined: no wrong money follows
        metadata={
            "rows that break it": rows,
            "rows read": total,
            "percent": round(100 * rows / total, 4) if total else 0.0,
            "submissions over the bound": ", ".join(over[:20]) or "none",
        },
    )

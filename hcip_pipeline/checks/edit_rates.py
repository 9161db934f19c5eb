"""How many rows of the hospitals' submissions fail each edit, as one check per table.

Belongs here: failure rates of row edits over the submissions in force, and their limits. Does not belong here: the
edits (``rules.hospital``), or whether a submission is refused.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import dagster as dg

from hcip_pipeline.intake.hospital.limits import (
    MAX_ERROR_SHARE,
    MAX_NPI_MISSING,
    MAX_PATIENT_ID_MISSING,
    MAX_UNMAPPED,
    exceeds,
)
from hcip_pipeline.rules.hospital import ROW_RULES
from hcip_pipeline.rules.rule import Rule

if TYPE_CHECKING:
    from hcip_pipeline.intake.hospital.receipts import SubmissionReceipt

#: rule -> share of rows that may break it (inputs.md, "Edits"); for every other rule, the share that may be in error
_BOUNDS = {
    "D-ATTENDING-NPI": MAX_NPI_MISSING,
    "D-OPERATING-NPI-MISSING": MAX_NPI_MISSING,
    "D-OPERATING-NPI-INVALID": MAX_NPI_MISSING,
    "D-PATIENT-ID-MISSING": MAX_PATIENT_ID_MISSING,
    "C-REVENUE-CODE-UNMAPPED": MAX_UNMAPPED,
}

_TABLES = {"D": "discharges", "C": "charges"}

#: check -> description; rows in error are quarantined and cannot cause wrong payments, so neither check blocks
EDIT_CHECKS = {
    f"{table}_edits": f"No submission has more rows of {table} that fail an edit than the edit's limit allows. "
    "The table lists every edit with the number of rows that fail it."
    for table in _TABLES.values()
}


def bound(rule: Rule) -> tuple[int, int]:
    """The share of rows that may break a rule, as a fraction."""
    return _BOUNDS.get(rule.id, MAX_ERROR_SHARE)


def edit_rate_results(asset: dg.AssetKey, receipts: "Sequence[SubmissionReceipt]") -> list[dg.AssetCheckResult]:
    """How many rows of a quarter fail each edit. A check fails if a submission exceeds an edit's limit."""
    counted = [receipt for receipt in receipts if receipt.superseded_by is None]
    return [
        _result(asset, table, [rule for rule in ROW_RULES if rule.id[0] == sign], counted)
        for sign, table in _TABLES.items()
    ]


def _result(
    asset: dg.AssetKey, table: str, rules: "Sequence[Rule]", receipts: "Sequence[SubmissionReceipt]"
) -> dg.AssetCheckResult:
    records, over_limit = [], []
    read = {receipt.submission: receipt.rows(table, "read") for receipt in receipts}
    total = sum(read.values())
    for rule in rules:
        broken = {r.submission: sum(count.rows for count in r.rules if count.rule == rule.id) for r in receipts}
        over = sorted(name for name, rows in broken.items() if exceeds(rows, read[name], bound(rule)))
        rows = sum(broken.values())
        over_limit += [f"{rule.id} in {name}" for name in over]
        records.append(
            dg.TableRecord(
                {
                    "edit": rule.id,
                    "severity": rule.severity,
                    "rows that break it": rows,
                    "percent": round(100 * rows / total, 4) if total else 0.0,
                    "bound": f"{bound(rule)[0]} in {bound(rule)[1]}",
                    "submissions over the limit": ", ".join(over[:20]) or "none",
                    "what to do": rule.fix,
                }
            )
        )
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=f"{table}_edits",
        passed=not over_limit,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(over_limit[:5]) or None,
        metadata={
            "rows read": total,
            "edits": len(records),
            "over the bound": ", ".join(over_limit[:20]) or "none",
            "every edit": dg.MetadataValue.table(records) if records else dg.MetadataValue.text("none"),
        },
    )

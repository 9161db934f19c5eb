"""Tables for committee meetings, against what was settled: the list of payments, and measures by quarter.

Belongs here: tables for a meeting that repeat payable amounts or split measures. Does not belong here: payments and
measures themselves (``waterfall``, ``measures``).
"""

from __future__ import annotations

from collections import defaultdict

from .exact import RATIO, quotient
from .hospital import Hospital
from .package import Package
from .report import Findings

_PER = {"hac_per_1000": 1000}


def check_meeting(package: Package, hospital: Hospital, findings: Findings) -> None:
    """Check the hospital's list of payments and its measures by quarter, if the release has them."""
    _check_payment_list(package, hospital, findings)
    _check_quarters(package, hospital, findings)


def _check_payment_list(package: Package, hospital: Hospital, findings: Findings) -> None:
    """Check that the list has exactly the payable amounts, to the cent."""
    table = package.optional("incentives", "payment_list", hospital.ccn)
    if table is None:
        return
    payable = {row["npi"]: row for row in hospital.incentives if row["status"] == "PAYABLE"}
    findings.fact("final", table.path, "rows", sorted(payable), sorted(row["npi"] for row in table))
    for row in table:
        if row["npi"] in payable:
            settled = payable[row["npi"]]
            findings.compare("final", row, {"payable_amount": settled["final_incentive"], "name": settled["name"]})


def _check_quarters(package: Package, hospital: Hospital, findings: Findings) -> None:
    """Check each quarter's value from its counts, and that a window's quarters add up to the measure's counts."""
    table = package.optional("care_redesign", "measure_quarters", hospital.ccn)
    if table is None:
        return
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for row in table:
        per = _PER.get(row["measure"], 1)
        findings.compare("measures", row, {"value": quotient(row["numerator"] * per, row["denominator"], RATIO)})
        window_sums = sums[row["window_name"], row["measure"]]
        window_sums[0] += row["numerator"]
        window_sums[1] += row["denominator"]
    for measure in hospital.measures:
        if measure["level"] != "hospital":
            continue
        for window, prefix in (("performance", ""), ("baseline", "baseline_")):
            if (window, measure["measure"]) in sums:
                counts = [measure[f"{prefix}numerator"], measure[f"{prefix}denominator"]]
                key = f"{hospital.ccn} {window} {measure['measure']}"
                findings.fact(
                    "measures", table.path, "sum over quarters", counts, sums[window, measure["measure"]], key
                )

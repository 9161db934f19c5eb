"""The waterfall in plain Python: methodology §9 computed again, from the page, with ``fractions``.

Belongs here: the steps from calculated to final, one function per rule, slow and simple on purpose. Does not belong
here: anything imported from the pipeline, or learned from its SQL; this is an independent opinion. If the page leaves a
choice, a comment marked [choice] states which one is made.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from tests.golden.plain_cases import Row, Tables, exact, rounded, summed


def conditions(calculated: Fraction, ccn: str, npi: str, tables: Tables, policy: Row) -> tuple[Fraction, set[str]]:
    """What is left of the incentive, and the reasons."""
    asked = [row for row in tables.get("conditions", ()) if row["hospital_ccn"] == ccn]
    results = {
        row["condition_id"]: row["met"]
        for row in tables.get("condition_results", ())
        if (row["hospital_ccn"], row["npi"]) == (ccn, npi)
    }
    met = [row for row in asked if results.get(row["condition_id"]) == "Y"]
    reasons = {"CONDITION_RESULTS_MISSING"} if any(results.get(r["condition_id"]) is None for r in asked) else set()
    total = summed(exact(row["weight_percent"]) for row in asked)
    if len(met) < len(asked) and policy["condition_failure"] == "lose_all":
        left = Fraction(0)
    elif not asked or (len(met) == len(asked) and total == 100):
        # [choice] Without conditions, nothing is lost here: the hospital's payments are held.
        left = calculated
    else:
        parts = summed(rounded(calculated * rounded(exact(row["weight_percent"]) / 100, 8), 2) for row in met)
        left = min(calculated, parts)
    if left < calculated:
        reasons |= {"CONDITIONS_NOT_MET"} if len(met) < len(asked) else set()
        reasons |= {"WEIGHTS_NOT_100"} if total < 100 else set()
    return left, reasons


def standing(partner: Row, tables: Tables, start: dt.date, end: dt.date) -> set[str]:
    """Reasons why a care partner may not be paid; empty for one who may."""
    ccn, npi, reasons = partner["hospital_ccn"], partner["npi"], set()
    if partner["participation_start"] > start or (partner["participation_end"] or end) < end:
        reasons.add("NOT_LISTED_WHOLE_PERIOD")
    if partner["screening_status"] == "failed":
        reasons.add("SCREENING_FAILED")
    if npi in {row["npi"] for row in tables.get("excluded_in_period", ())}:
        reasons.add("EXCLUDED_INDIVIDUAL")
    if partner["arrangement_signed"] is None or partner["arrangement_signed"] > start:
        reasons.add("ARRANGEMENT_SIGNED_LATE")
    approved = {
        row["intervention_id"]
        for row in tables.get("protocol_interventions", ())
        if row["hospital_ccn"] == ccn and row["is_included"]
    }
    has_protocol = ccn in {row["hospital_ccn"] for row in tables.get("protocols", ())}
    performed = sum(
        row["activities"]
        for row in tables.get("intervention_activity", ())
        if (row["hospital_ccn"], row["npi"]) == (ccn, npi) and (row["intervention_id"] in approved or not has_protocol)
    )
    if not performed:
        reasons.add("NO_APPROVED_ACTIVITY")
    return reasons


def year_cap(ccn: str, npi: str, tables: Tables, policy: Row, percent: Fraction, year: int) -> Fraction | None:
    """Step 5: an official notice overrides the estimate from claims; None if neither is known."""
    of = year - (policy["pfs_cap_basis"] == "prior_year")
    for name, column in (("pfs_cap_notices", "approved_amount"), ("pfs_approved_amounts", "pfs_approved_amount")):
        for row in tables.get(name, ()):
            if (row["hospital_ccn"], row["npi"], row["calendar_year"]) == (ccn, npi, of):
                return rounded(exact(row[column]) * percent / 100, 2)
    return None


def _would_exceed_the_year(
    ccn: str, npi: str, amount: Fraction, own: Fraction | None, tables: Tables, year: int
) -> bool:
    """Whether a payment and those of the year's other half-years would exceed the greatest known cap."""
    later = [r for r in tables.get("later_payments", ()) if (r["hospital_ccn"], r["npi"]) == (ccn, npi)]
    caps = [exact(cap) for cap in (own, *(row["year_cap"] for row in later)) if cap is not None]
    if not later or not caps:
        return False
    earlier = total("earlier_incentives", "final_incentive", tables, ccn, npi=npi, year=year)
    return earlier + summed(exact(row["final_incentive"]) for row in later) + amount > max(caps)


def total(
    name: str, column: str, tables: Tables, ccn: str, year: int | None = None, since: str | None = None, **where: str
) -> Fraction:
    """The total for one calendar year, or for every period from ``since`` on."""
    return summed(
        exact(row[column])
        for row in tables.get(name, ())
        if row["hospital_ccn"] == ccn
        and all(row[key] == value for key, value in where.items())
        and (year is None or row["period"].startswith(f"{year}H"))
        and (since is None or row["period"] >= since)
    )


def half_years(period: str) -> int:
    """A number that increases by one each half-year."""
    return 2 * int(period[:4]) + int(period[5])


def program_year(first: str | None, period: str) -> int | None:
    """The program year, two half-years each from the first one; None before it and without a program."""
    steps = half_years(period) - half_years(first) if first else -1
    return steps // 2 + 1 if steps >= 0 else None


def program_of(ccn: str, tables: Tables) -> Row:
    """When the hospital's program began; empty for a hospital without one."""
    nothing: Row = {"first_performance_period": None, "is_first_period_changed": False}
    return next((row for row in tables.get("programs", ()) if row["hospital_ccn"] == ccn), nothing)


def distribution_limit(ccn: str, savings: Row | None, tables: Tables, policy: Row, period: str) -> dict[str, Any]:
    """Step 6: the smaller of the official pool and, from program year two, what cumulative savings leave."""
    notice = next((r for r in tables.get("pool_notices", ()) if r["hospital_ccn"] == ccn), None)
    # Sums to date run over every period since the program began; a hospital without one has no earlier periods.
    first = program_of(ccn, tables)["first_performance_period"]
    since, year = first or "9999H9", program_year(first, period)
    limits = [exact(notice["incentive_pool"])] if notice else []
    scope = policy["limit_scope"]
    saved = (savings["internal_savings"] if savings else Fraction(0)) + total(
        "earlier_savings", "internal_savings", tables, ccn, since=since, scope=scope
    )
    paid = total("earlier_incentives", "final_incentive", tables, ccn, since=since)
    others = total("other_program_amounts", "amount", tables, ccn)
    others += total("earlier_other_program_amounts", "amount", tables, ccn, since=since)
    if year is not None and year >= 2:
        limits.append(max(Fraction(0), saved - paid - others))
    return {
        "program_year": year,
        "internal_savings_to_date": saved,
        "earlier_incentives": paid,
        "other_program_amounts_to_date": others,
        "distribution_limit": min(limits, default=None),
        "is_contested": notice is not None and notice["contested"] == "Y",
    }


def scaled(amounts: Mapping[str, Fraction], limit: Fraction) -> dict[str, Fraction]:
    """Pro rata to cents by largest remainder, ties by NPI ascending."""
    before = summed(amounts.values())
    shares = {npi: amount * limit / before * 100 for npi, amount in amounts.items()}
    cents = {npi: share.numerator // share.denominator for npi, share in shares.items()}
    left = int(limit * 100) - sum(cents.values())
    for npi in sorted(shares, key=lambda npi: (cents[npi] - shares[npi], npi))[:left]:
        cents[npi] += 1
    return {npi: Fraction(value, 100) for npi, value in cents.items()}


def waterfall(
    partners: Sequence[Row],
    earned: Mapping[str, dict[str, Any]],
    limit: Row,
    own: Row,
    tables: Tables,
    policy: Row,
    period: tuple[dt.date, dt.date],
) -> dict[str, dict[str, Any]]:
    """The steps of one hospital, NPI -> row."""
    rows: dict[str, dict[str, Any]] = {}
    start, end = period
    for partner in partners:
        ccn, npi = partner["hospital_ccn"], partner["npi"]
        row = rows[npi] = dict(earned[npi])
        amount = row["calculated_incentive"]
        after_conditions, reasons = conditions(amount, ccn, npi, tables, policy)
        barred = standing(partner, tables, start, end)
        after_standing = Fraction(0) if barred else after_conditions
        reduction = min(Fraction(0), total("committee_adjustments", "adjustment_amount", tables, ccn, npi=npi))
        after_committee = max(Fraction(0), after_standing + reduction)
        percent = exact(own["physician_cap_percent"])
        whole = row["year_cap"] = year_cap(ccn, npi, tables, policy, percent, start.year)
        taken = total("earlier_incentives", "final_incentive", tables, ccn, npi=npi, year=start.year)
        cap = None if whole is None else max(Fraction(0), whole - taken)
        row["pfs_cap_amount"] = cap
        row["final_incentive"] = after_committee if cap is None else min(after_committee, cap)
        row["conditions_adjustment"] = after_conditions - amount
        row["standing_adjustment"] = after_standing - after_conditions
        row["committee_adjustment"] = after_committee - after_standing
        row["pfs_cap_adjustment"] = row["final_incentive"] - after_committee
        row["reasons"] = reasons | barred | row["reasons"]
        row["reasons"] |= {"COMMITTEE_ADJUSTMENT"} if row["committee_adjustment"] else set()
        row["reasons"] |= {"PFS_CAP"} if row["pfs_cap_adjustment"] else set()
        changes = {r["reason"] for r in tables.get("program_changes", ()) if r["hospital_ccn"] == ccn}
        row["reasons"] |= changes if amount else set()
        protocol = next((r for r in tables.get("protocols", ()) if r["hospital_ccn"] == ccn), None)
        held = {"HELD_NO_PFS_CAP"} if cap is None else set()
        # [choice] A pending screening has not failed, but does not clear either: the amount is held.
        held |= {"SCREENING_NOT_CLEARED"} if partner["screening_status"] not in ("cleared", "failed") else set()
        # A national-list record about a care partner holds the amount, whatever the hospital's own screening says.
        held |= {
            r["reason"]
            for r in tables.get("screening", ())
            if (r["hospital_ccn"], r["npi"]) == (ccn, npi) and r["effect"] == "hold"
        }
        if not protocol or protocol["approved_on"] is None or limit["program_year"] is None:
            held.add("NO_PROTOCOL")
        elif not protocol["has_locked_conditions"]:
            held.add("CONDITIONS_NOT_LOCKED")
        if program_of(ccn, tables)["is_first_period_changed"]:
            held.add("FIRST_PERIOD_CHANGED")
        # [choice] The limit of a contested pool applies, and the rest is held.
        row["held"] = held | ({"POOL_CONTESTED"} if limit["is_contested"] else set())
    before = {npi: row["final_incentive"] for npi, row in rows.items()}
    most = limit["distribution_limit"]
    # [choice] Held amounts count: they may still be paid.
    after = scaled(before, most) if most is not None and summed(before.values()) > most else before
    for npi, row in rows.items():
        row["distribution_limit_adjustment"] = after[npi] - before[npi]
        row["final_incentive"] = after[npi]
        row["reasons"] |= {"DISTRIBUTION_LIMIT"} if after[npi] < before[npi] else set()
        if (
            after[npi]
            and not row["held"]
            and _would_exceed_the_year(ccn, npi, after[npi], row["year_cap"], tables, start.year)
        ):
            row["held"] = row["held"] | {"LATER_PERIOD_PAID"}
        row["reasons"] |= row["held"]
        row["status"] = "ZERO" if after[npi] == 0 else "HELD" if row["held"] else "PAYABLE"
    return rows

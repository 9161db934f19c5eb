"""Cases in plain Python: methodology §0 to §5 computed again, from the page, with ``fractions``.

Belongs here: the methodology on numbers, the calendar, costs, exclusions, physicians and outliers, in its order, slow
and simple on purpose. Does not belong here: anything imported from the pipeline, or learned from its SQL; this is an
independent opinion. If the page leaves a choice, a comment marked [choice] states which one is made.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import groupby
from typing import Any

Row = Mapping[str, Any]
Tables = Mapping[str, Sequence[Row]]
Cell = tuple[str | None, str]

TRANSFERS = {"02", "05", "43", "66", "82", "85", "88", "94"}


def rounded(value: Fraction | int, places: int) -> Fraction:
    """Half away from zero (§0)."""
    scaled = abs(Fraction(value)) * 10**places
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return Fraction(whole if value >= 0 else -whole, 10**places)


def exact(value: Any) -> Fraction:
    return Fraction(str(value))


def summed(values: Iterable[Fraction]) -> Fraction:
    return sum(values, Fraction(0))


def clamp(value: Fraction, low: Fraction, high: Fraction) -> Fraction:
    return max(low, min(high, value))


def percentile(values: Iterable[Fraction], p: Fraction) -> Fraction:
    """Linear interpolation, Hyndman–Fan type 7 (§0)."""
    ordered = sorted(values)
    position = (len(ordered) - 1) * p
    low = position.numerator // position.denominator
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (position - low) * (ordered[high] - ordered[low])


@dataclass
class Case:
    ccn: str
    account: str
    day: dt.date
    cell: Cell
    stream: str | None
    npi: str | None
    days: int
    core: Fraction
    supply_drug: Fraction
    reasons: list[str] = field(default_factory=list)

    @property
    def cost(self) -> Fraction:
        return self.core + self.supply_drug


# --- §1 ---------------------------------------------------------------------------------------------------------------


def windows(period: str, policy: Row) -> dict[str, tuple[dt.date, dt.date]]:
    def half(year: int) -> tuple[dt.date, dt.date]:
        first = period.endswith("H1")
        return (dt.date(year, 1, 1), dt.date(year, 6, 30)) if first else (dt.date(year, 7, 1), dt.date(year, 12, 31))

    def whole(year: int) -> tuple[dt.date, dt.date]:
        return dt.date(year, 1, 1), dt.date(year, 12, 31)

    year = int(period[:4])
    before = half(year - 1) if policy["baseline_window"] == "same_half" else whole(year - 1)
    return {"performance": half(year), "baseline": before, "base_year": whole(policy["base_year"])}


# --- §2 ---------------------------------------------------------------------------------------------------------------


def cost_factor(row: Row, method: str) -> Fraction:
    divisor = exact(row["labor_market"]) * (1 + exact(row["ime"])) * (1 + exact(row["dsh"]))
    if method == "markup":
        return rounded(1 / (exact(row["markup"]) * divisor), 8)
    if method == "rcc":
        return rounded(exact(row["cost_to_charge"]) / divisor, 8)
    return rounded(1 / divisor, 8)


def rate_center(code: str, tables: Tables) -> str:
    """The narrowest range wins."""
    fitting = [
        (int(r["revenue_code_to"]) - int(r["revenue_code_from"]), r["rate_center"])
        for r in tables.get("revenue_codes", ())
        if r["revenue_code_from"] <= code <= r["revenue_code_to"]
    ]
    return min(fitting)[1] if fitting else "UNMAPPED"


def components(tables: Tables, method: str) -> Callable[[Row], tuple[Fraction, Fraction]]:
    """Core and supply/drug cost of a discharge. [choice] The rate year is the one of the discharge date."""
    factors = {
        (r["hospital_ccn"], r["rate_center"], r["rate_year"]): cost_factor(r, method) for r in tables["cost_factors"]
    }
    supplies = {r["rate_center"] for r in tables.get("rate_centers", ()) if r["component"] == "supply_drug"}
    charges: dict[tuple[str, str], dict[str, Fraction]] = defaultdict(lambda: defaultdict(Fraction))
    for line in tables.get("charges", ()):
        if line["revenue_code"] != "0001":
            center = rate_center(line["revenue_code"], tables)
            charges[line["hospital_ccn"], line["account_no"]][center] += exact(line["charge"])

    def cost(discharge: Row) -> tuple[Fraction, Fraction]:
        ccn, day = discharge["hospital_ccn"], discharge["discharge_date"]
        year = day.year + (day.month >= 7)
        if method == "reported":
            return rounded(exact(discharge["reported_cost"]) * factors[ccn, "ALL", year], 2), Fraction(0)
        core = supply_drug = Fraction(0)
        for center, charge in charges[ccn, discharge["account_no"]].items():
            factor = factors.get((ccn, center, year), factors.get((ccn, "ALL", year)))
            assert factor is not None
            if center in supplies:
                supply_drug += rounded(charge * factor, 2)
            else:
                core += rounded(charge * factor, 2)
        return core, supply_drug

    return cost


def trend(tables: Tables, year: int, to: int, component: str) -> Fraction:
    index = {(r["calendar_year"], r["component"]): exact(r["index_value"]) for r in tables["cost_index"]}
    return rounded(index[to, component] / index[year, component], 8)


# --- §3, §4, §5 -------------------------------------------------------------------------------------------------------


def valid_npi(npi: str | None) -> bool:
    if npi is None or len(npi) != 10 or not npi.isascii() or not npi.isdigit():
        return False
    if npi[0] not in "12":
        return False
    total = 0
    for place, digit in enumerate(reversed("80840" + npi)):
        doubled = int(digit) * (1 + place % 2)
        total += doubled // 10 + doubled % 10
    return total % 10 == 0


def read_cases(tables: Tables, policy: Row) -> list[Case]:
    acute = {r["ccn"] for r in tables["hospitals"] if r["acute"] == "Y"}
    drgs = {(r["grouper_version"], r["apr_drg"]): r for r in tables["apr_drg"]}
    cost = components(tables, policy["cost_method"])
    cases = []
    for row in tables["discharges"]:
        drg = drgs.get((row["grouper_version"], row["apr_drg"]))
        stream = {"M": "medical", "P": "surgical"}[drg["type"]] if drg else None
        attending, operating = (npi if valid_npi(npi) else None for npi in (row["attending_npi"], row["operating_npi"]))
        npi = {"medical": attending, "surgical": operating}.get(stream or "")
        if stream == "surgical" and npi is None and policy["surgical_fallback"] == "attending":
            npi = attending
        core, supply_drug = cost(row)
        case = Case(
            row["hospital_ccn"],
            row["account_no"],
            row["discharge_date"],
            (row["apr_drg"], row["severity_of_illness"]),
            stream,
            npi,
            row["length_of_stay"],
            core,
            supply_drug,
        )
        mdc, code, left = drg and drg["mdc"], row["apr_drg"], row["discharge_disposition"]
        rules = {
            "NON_ACUTE_HOSPITAL": case.ccn not in acute,
            "NEWBORN": mdc == "15",
            "PSYCHIATRIC": mdc == "19",
            "SUBSTANCE_USE": mdc == "20",
            "NORMAL_DELIVERY": code == "560",
            "REHABILITATION": code == "860",
            "UNGROUPABLE": code in ("955", "956", None),
            "DIED": left == "20",
            "LEFT_AGAINST_ADVICE": left == "07",
            "TRANSFERRED_OUT": left in TRANSFERS,
            "HOSPICE": left in ("50", "51"),
            "STILL_PATIENT": left == "30",
            "NON_POSITIVE_COST": case.cost <= 0,
            "NO_RESPONSIBLE_PHYSICIAN": npi is None,
        }
        case.reasons = [reason for reason, holds in rules.items() if holds and reason in policy["exclusions"]]
        cases.append(case)
    return cases


def outliers(cases: Sequence[Case], policy: Row) -> set[int]:
    """Ids of a window's outliers; one pass over the cases that the other rules leave."""
    if "COST_OUTLIER" not in policy["exclusions"]:
        return set()
    sd, out = exact(policy["outlier_sd"]), set()
    for _, members in by(cases, lambda case: case.cell):
        n = len(members)
        cents = {id(case): case.cost * 100 for case in members}
        total, squares = sum(cents.values()), sum(c * c for c in cents.values())
        for case, c in cents.items():
            far = (n * c - total) ** 2 * (n - 1) > sd**2 * n * (n * squares - total**2)
            if far and (policy["outlier_tails"] == "both" or n * c > total):
                out.add(case)
    return out


def by(items: Iterable[Any], key: Callable[[Any], Any]) -> list[tuple[Any, list[Any]]]:
    ordered = sorted(items, key=lambda item: str(key(item)))
    return [(k, list(group)) for k, group in groupby(ordered, key=key)]

"""States invented from a seed, in which every rule of the methodology applies to some case, physician or hospital.

Belongs here: small states for tests of the settlement, with a policy drawn from §13. Does not belong here: their
expected results (``plain_settlement``), or a state that looks like a real one (``hcip_pipeline.synthetic``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from random import Random
from typing import Any

from hcip_pipeline.contracts.payment_reasons import PAYMENT_REASONS
from hcip_pipeline.policy.model import DEFAULT_EXCLUSIONS, EXCLUSION_REASONS, Elections
from tests.scenario import Case, Row, Scenario, npi, table

D = Decimal
HOSPITALS = [f"21000{n}" for n in range(1, 6)]
NOT_ACUTE, NO_PARTNERS = "210090", "210091"
PHYSICIANS = [npi(number) for number in range(500, 511)]
INVALID = PHYSICIANS[0][:-1] + str((int(PHYSICIANS[0][-1]) + 1) % 10)
#: cells that get a norm, one that is too small for it, and those of exclusions -> level of cost
COMMON: dict[tuple[str | None, str], int] = {
    ("301", "2"): 14_000,
    ("301", "3"): 21_000,
    ("302", "3"): 30_000,
    ("139", "2"): 6_000,
    ("140", "3"): 9_000,
}
RARE: dict[tuple[str | None, str], int] = {
    ("303", "4"): 40_000,
    ("750", "2"): 8_000,
    ("640", "1"): 2_500,
    ("560", "1"): 5_000,
    ("860", "2"): 12_000,
}
RARE |= {("956", "1"): 4_000, ("775", "2"): 5_500, (None, "1"): 3_000}
MDC = {"750": "19", "640": "15", "560": "14", "860": "23", "775": "20"}
MEDICAL = ("139", "140", "750", "640", "560", "860", "775", "956")
DISPOSITIONS = ["01"] * 60 + ["06", "20", "07", "02", "05", "94", "50", "30"]
WEIGHTS: tuple[list[str], ...] = (
    ["33.34", "33.33", "33.33"],
    ["25", "25", "10", "40"],
    ["100"],
    ["12.5", "87.5"],
    [],
    ["50", "40"],
)
CHANGES = [reason.code for reason in PAYMENT_REASONS.values() if reason.step == "change"]
_RANGE = ("revenue_code_from", "revenue_code_to", "rate_center")
_ACTIVITY = ("intervention_id", "activities")
REVENUE_CODES = ("0120", "0250", "0270", "0278", "0999", "0001", "0360")


def cents(rng: Random, low: int, high: int) -> Decimal:
    return D(rng.randint(low * 100, high * 100)).scaleb(-2)


def ratio(rng: Random, low: float, high: float) -> Decimal:
    return D(rng.randint(int(low * 10**8), int(high * 10**8))).scaleb(-8)


def state(seed: int, cases: int = 600) -> Scenario:
    """A state of about ``cases`` discharges over the base year and two years of the program."""
    rng = Random(seed)
    period = rng.choice(["2025H1", "2025H2"])
    policy = drawn_policy(rng)
    homes = {physician: rng.sample(HOSPITALS, rng.choice([1, 1, 2])) for physician in PHYSICIANS}
    skill = {physician: rng.uniform(0.7, 1.35) for physician in PHYSICIANS}
    made = [drawn_case(rng, homes, skill, period) for _ in range(cases)]
    scenario = Scenario(
        made,
        policy=policy,
        period=period,
        medical=MEDICAL,
        mdc=MDC,
        elections={ccn: drawn_elections(rng) for ccn in HOSPITALS},
    )
    pairs = [(ccn, physician) for physician, own in homes.items() for ccn in own if rng.random() < 0.9]
    scenario.sources |= program(rng, pairs, period, scenario.estimates) | rates(rng)
    scenario.amend("hospitals", ccn=NOT_ACUTE, acute="N")
    return scenario


def drawn_policy(rng: Random) -> dict[str, Any]:
    exclusions = [reason for reason in DEFAULT_EXCLUSIONS if rng.random() < 0.95]
    return {
        "baseline_window": rng.choice(["same_half", "full_year"]),
        "cost_method": rng.choice(["markup", "rcc", "reported"]),
        "exclusions": rng.choice([list(DEFAULT_EXCLUSIONS), list(EXCLUSION_REASONS), exclusions]),
        "surgical_fallback": rng.choice(["none", "attending"]),
        "outlier_sd": rng.choice(["3", "2.5", "1.75"]),
        "outlier_tails": rng.choice(["both", "high"]),
        "norm_method": rng.choice(["physician_percentile", "case_percentile", "mean_below_threshold"]),
        "best_practice_percentile": rng.choice(["0.25", "0.2", "0.33333333"]),
        "improvement_percentile": rng.choice(["0.75", "0.9"]),
        "min_cases_per_physician": rng.choice([1, 2, 3]),
        "min_physicians_per_cell": rng.choice([3, 5]),
        "min_cases_per_cell": rng.choice([5, 12]),
        "incentive_rate": rng.choice(["0.10", "0.12345678"]),
        "improvement_share": rng.choice(["2/3", "0.5", "0.1"]),
        "performance_exponent": rng.choice(["1", "2", "1.5"]),
        "performance_gate": rng.choice(["cell_mean", "cell_mean", "none"]),
        "min_baseline_cases": rng.choice([1, 3, 5]),
        "medical_improvement_cap": rng.choice(["mpi", "none"]),
        "variable_cost_factor": rng.choice(["0.5", "0.33333333", "1"]),
        "limit_scope": rng.choice(["participating", "all"]),
        "physician_cap_percent": rng.choice(["25", "25", "12.34567891"]),
        "pfs_cap_basis": rng.choice(["current_year", "prior_year"]),
        "condition_failure": rng.choice(["lose_weight", "lose_weight", "lose_weight", "lose_all"]),
    }


def drawn_elections(rng: Random) -> Elections:
    elected: dict[str, Any] = {}
    if rng.random() < 0.3:
        elected |= {"mpi_floor": None, "mpi_ceiling": None}
    if rng.random() < 0.3:
        elected["mpi_ceiling"] = cents(rng, 150, 400)
    if rng.random() < 0.3:
        elected["improvement_share"] = rng.choice(["0.4", "1/3", "0"])
    if rng.random() < 0.3:
        elected["physician_cap_percent"] = rng.choice(["10", "24.99", "24.99", "0"])
    return Elections(**elected)


def drawn_case(rng: Random, homes: dict[str, list[str]], skill: dict[str, float], period: str) -> Case:
    physician = rng.choice(PHYSICIANS)
    common = rng.random() < 0.92
    cell, level = rng.choice(list((COMMON if common else RARE).items()))
    spread = rng.uniform(0.8, 1.25) * (rng.choice([0.05, 6]) if rng.random() < 0.02 else 1)
    cost = D(int(level * skill[physician] * spread * 100)).scaleb(-2) if rng.random() < 0.99 else D(0)
    other = rng.choice([None] * 25 + [INVALID, "", rng.choice(PHYSICIANS)])
    parts = [D(int(cost * 100) * rng.randint(0, 40) // 100).scaleb(-2) for _ in REVENUE_CODES]
    hospital = rng.choice(homes[physician])
    if rng.random() < 0.06:
        hospital = rng.choice([NOT_ACUTE, NO_PARTNERS, rng.choice(HOSPITALS)])
    return Case(
        physician,
        cost,
        drawn_day(rng, period),
        apr_drg=cell[0],
        severity=cell[1],
        days=rng.randint(1, 9),
        hospital=hospital,
        disposition=rng.choice(DISPOSITIONS),
        operating=other,
        attending=rng.choice([None, None, None, other]),
        charges=tuple((code, part) for code, part in zip(REVENUE_CODES, parts, strict=True) if part or not cost),
    )


def drawn_day(rng: Random, period: str) -> dt.date:
    """Any day of the base year; in the program's years, mostly a day of the period's half."""
    year, day = rng.choice([2023, 2024, 2025]), rng.randrange(365)
    if year > 2023 and rng.random() < 0.7:
        day = day // 2 + (182 if period.endswith("H2") else 0)
    return dt.date(year, 1, 1) + dt.timedelta(days=day)


def rates(rng: Random) -> dict[str, Any]:
    centers = {"MSS": "supply_drug", "CDS": "supply_drug", "OR": "core", "NUR": "core", "IMP": "core"}
    ranges = [("0120", "0129", "NUR"), ("0250", "0259", "CDS"), ("0270", "0279", "MSS"), ("0278", "0278", "IMP")]
    ranges += [("0300", "0399", "NUR"), ("0360", "0369", "OR")]
    factors = [
        {
            "hospital_ccn": ccn,
            "rate_center": center,
            "rate_year": year,
            "markup": ratio(rng, 0.9, 1.6),
            "cost_to_charge": ratio(rng, 0.5, 1.1),
            "labor_market": ratio(rng, 0.9, 1.2),
            "ime": ratio(rng, 0, 0.2),
            "dsh": ratio(rng, 0, 0.1),
        }
        for ccn in [*HOSPITALS, NOT_ACUTE, NO_PARTNERS]
        for center in ("ALL", *centers)
        for year in range(2023, 2027)
        if center == "ALL" or rng.random() < 0.5
    ]
    index = [
        {"calendar_year": year, "component": component, "index_value": ratio(rng, 0.95, 1.1)}
        for year in (2023, 2024, 2025)
        for component in ("core", "supply_drug", "total")
    ]
    days = [{"year": y, "severity": s, "amount": cents(rng, 50, 120)} for y in (2024, 2025) for s in "1234"]
    return {
        "rate_centers": table("rate_centers", [{"rate_center": c, "component": k} for c, k in centers.items()]),
        "revenue_codes": table("revenue_codes", [dict(zip(_RANGE, r, strict=True)) for r in ranges]),
        "cost_factors": table("cost_factors", factors),
        "cost_index": table("cost_index", index),
        "per_diem": table("per_diem", days),
    }


def program_age(first: str, period: str) -> Row:
    """The number of a program's half-year and program year in a period."""
    number = 2 * (int(period[:4]) - int(first[:4])) + int(period[5]) - int(first[5]) + 1
    return {"period_number": number, "program_year": (number + 1) // 2 if number >= 1 else None}


def program(
    rng: Random, pairs: Sequence[tuple[str, str]], period: str, estimates: list[tuple[str, str, int, Decimal]]
) -> dict[str, Any]:
    """Reports of committees, the regulator and CMS, mostly in order. Amounts from claims go into ``estimates``."""
    rows: dict[str, list[Row]] = {name: [] for name in _PROGRAM_TABLES}
    start = dt.date(2025, 1, 1) if period == "2025H1" else dt.date(2025, 7, 1)
    earlier = ["2024H1", "2024H2"] + (["2025H1"] if period == "2025H2" else [])
    asked: dict[str, list[str]] = {}
    for ccn in HOSPITALS:
        weights = rng.choice(WEIGHTS)
        asked[ccn] = [f"C{number}" for number in range(len(weights))]
        own = {"hospital_ccn": ccn}
        if rng.random() < 0.92:
            rows["protocols"].append(
                own
                | {"approved_on": rng.choice([start - dt.timedelta(days=9)] * 12 + [None])}
                | {"has_locked_conditions": rng.random() < 0.92}
            )
            rows["protocol_interventions"] += [
                own | {"intervention_id": f"I{n}", "is_included": n < 2} for n in range(3)
            ]
            rows["conditions"] += [
                own | {"condition_id": c, "description": c, "weight_percent": D(w)}
                for c, w in zip(asked[ccn], weights, strict=True)
            ]
        if rng.random() < 0.95:  # a program outlives its protocol, and a hospital may have neither
            first = rng.choice(["2023H2", "2024H1", "2024H2", "2024H2", "2025H1", "2025H2"])
            rows["programs"].append(
                own
                | {"accepted_first_period": first, "first_performance_period": first}
                | program_age(first, period)
                | {"is_first_period_changed": rng.random() < 0.05}
            )
        if rng.random() < 0.15:
            rows["program_changes"].append(own | {"reason": rng.choice(CHANGES), "detail": "as drawn"})
        if rng.random() < 0.4:
            notice = {"incentive_pool": cents(rng, 0, 6_000), "contested": rng.choice("NNNY")}
            rows["pool_notices"].append(own | notice)
        for kind in ("incentive", "intervention"):
            if rng.random() < 0.3:
                other = own | {"program": "episodes", "kind": kind, "amount": cents(rng, 0, 900)}
                rows["other_program_amounts"].append(other)
                rows["earlier_other_program_amounts"] += [other | {"period": p} for p in earlier]
        rows["earlier_savings"] += [
            own | {"period": p, "scope": scope, "internal_savings": cents(rng, -5_000, 40_000)}
            for p in earlier
            for scope in ("all", "participating")
        ]
    for ccn, physician in pairs:
        own = {"hospital_ccn": ccn, "npi": physician}
        rows["care_partners"].append(
            own
            | {
                "name": physician,
                "participation_start": rng.choice([dt.date(2024, 1, 1)] * 20 + [start, start + dt.timedelta(days=1)]),
            }
            | {"participation_end": rng.choice([None] * 20 + [dt.date(2025, 3, 31), dt.date(2025, 12, 31)])}
            | {"arrangement_signed": rng.choice([start] * 25 + [start + dt.timedelta(days=1), None])}
            | {"screening_status": rng.choice(["cleared"] * 28 + ["failed", "pending"])}
        )
        rows["condition_results"] += [
            own | {"condition_id": condition, "met": rng.choice(["Y"] * 10 + ["N", None])}
            for condition in asked[ccn]
            if rng.random() < 0.97
        ]
        activity = rng.choice([("I0", 3), ("I1", 1)] * 9 + [("I2", 4), ("I0", 0)])
        rows["intervention_activity"].append(own | dict(zip(_ACTIVITY, activity, strict=True)))
        if rng.random() < 0.2:
            rows["committee_adjustments"].append(own | {"adjustment_amount": -cents(rng, 0, 400)})
        for year in (2024, 2025):
            if rng.random() < 0.6:
                amount = cents(rng, 200, 14_000)
                rows["pfs_cap_notices"].append(own | {"calendar_year": year, "approved_amount": amount})
            if rng.random() < 0.7:
                estimates.append((ccn, physician, year, cents(rng, 200, 14_000)))
        rows["earlier_incentives"] += [
            own | {"period": p, "final_incentive": cents(rng, 0, 700)} for p in earlier if rng.random() < 0.6
        ]
    for ccn, physician in pairs:
        if rng.random() < 0.08:
            record = {"hospital_ccn": ccn, "npi": physician, "source": "list", "list_row": 2}
            reason, effect = rng.choice(SCREENED)
            rows["screening"].append(record | {"reason": reason, "effect": effect})
    rows["excluded_in_period"].append({"npi": PHYSICIANS[3]})
    return {name: table(name, own_rows) for name, own_rows in rows.items()}


#: Reasons and effects of national-list records about a care partner.
SCREENED = (
    ("NPI_NOT_AN_INDIVIDUAL", "hold"), ("NPI_DEACTIVATED", "hold"), ("EXCLUSION_NAME_MATCH", "question"),
    ("EXCLUSION_NAME_MATCH", "answered"), ("EXCLUSION_WAIVED", "noted"),
)  # fmt: skip

_PROGRAM_TABLES = (
    "care_partners", "programs", "program_changes", "protocols", "protocol_interventions", "conditions",
    "condition_results", "intervention_activity", "committee_adjustments", "pfs_cap_notices", "pool_notices",
    "other_program_amounts", "earlier_other_program_amounts", "earlier_savings", "earlier_incentives",
    "excluded_in_period", "screening",
)  # fmt: skip

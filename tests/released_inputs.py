"""The inputs of ``released_state``: cases, program files, reference tables, and the figures of earlier periods."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import polars as pl

from hcip_pipeline.periods import PerformancePeriod
from tests.scenario import Case, npi, table

PERIOD = PerformancePeriod(2025, 2)

A, B, C = "210001", "210002", "210003"

D = Decimal

_CELLS = (("301", "3", 18_000, 4), ("302", "2", 31_000, 6), ("139", "3", 7_400, 5), ("140", "2", 5_200, 4))

#: physician -> hospitals; physician 9 is nobody's care partner
_WORK = {1: (A,), 2: (A, B), 3: (A,), 4: (B,), 5: (B,), 6: (B,), 7: (C,), 8: (C,), 9: (A,)}

#: physician -> place among the nine by cost
_RANK = {1: 2, 2: 5, 3: 7, 4: 3, 5: 4, 6: 6, 7: 1, 8: 8, 9: 9}

#: names that a spreadsheet would run, and one that would reverse the text after it on a page
NAMES = {1: "=SUM(A1), MD", 2: "\u202eד״ר כהן, MD", 4: "\u3000＝SUM(B1), MD"}

_PARTNERS = [(ccn, number) for number, hospitals in _WORK.items() for ccn in hospitals if number != 9]

_WINDOWS = {
    "base_year": (dt.date(2023, 5, 1), D("1.00")),
    "baseline": (dt.date(2024, 8, 1), D("1.06")),
    "performance": (dt.date(2025, 8, 1), D("1.05")),
}


def cases() -> list[Case]:
    """Cases whose costs and days differ by physician, and fall from the baseline to the performance period."""
    chance = random.Random(20250701)
    cases = []
    for window, (day, level) in _WINDOWS.items():
        for number, hospitals in _WORK.items():
            if (window == "baseline" and number == 8) or (window == "performance" and number == 6):
                continue
            own = D("0.84") + _RANK[number] * D("0.04")
            if (window, number) == ("performance", 3):
                own *= D("1.08")  # above P75 on average, below it in some cases
            for cell, (apr_drg, severity, cost, days) in enumerate(_CELLS):
                for case in range(
                    3 + (number + cell) % 2 + (number == 2) * 2 + (window == "performance" and cell == 1)
                ):
                    exact = D(cost) * level * own * D(chance.randrange(90, 112)) / 100
                    charge = exact.quantize(D("0.01")) + D(chance.randrange(100)) / 100
                    supplies = (charge * chance.randrange(20, 27) / 100).quantize(D("0.01"))
                    cases.append(
                        Case(
                            npi(number),
                            charge,
                            day + dt.timedelta(days=chance.randrange(60)),
                            apr_drg,
                            severity,
                            max(1, days + chance.randrange(3) - (1 if window == "performance" else 0)),
                            hospitals[case % len(hospitals)],
                            charges=(("0120", charge - supplies), ("0270", supplies)),
                        )
                    )
            # Neither case counts: one patient died, the other's cell has no norm.
            died = Case(npi(number), "9100.10", day, "301", "3", 2, hospitals[0], "20", charges=(("0120", "9100.10"),))
            cases += [died, replace(died, apr_drg="950", severity="4", disposition="01")]
    return cases


def rows_of(names: str, *rows: Sequence[Any]) -> list[dict[str, Any]]:
    return [dict(zip(names.split(), row, strict=True)) for row in rows]


def program_sources() -> dict[str, pl.DataFrame]:
    """The files of committees, the regulator and CMS for the period."""
    partners = [
        {
            "hospital_ccn": ccn,
            "npi": npi(number),
            "name": NAMES.get(number, f"Physician {number}"),
            "participation_start": dt.date(2025, 8, 15) if (ccn, number) == (B, 2) else dt.date(2024, 1, 1),
            "participation_end": dt.date(2025, 12, 31) if number == 3 else None,
            "arrangement_signed": dt.date(2023, 12, 1),
            "screening_status": "failed" if number == 8 else "cleared",
        }
        for ccn, number in _PARTNERS
    ]
    conditions = rows_of(
        "hospital_ccn condition_id description weight_percent",
        *((A, f"A{n}", f"Condition {n}", D(weight)) for n, weight in ((1, "33.34"), (2, "33.33"), (3, "33.33"))),
        *((B, f"B{n}", f"Condition {n}", D(weight)) for n, weight in ((1, 25), (2, 25), (3, 10), (4, 40))),
    )
    unmet = {(A, 2, "A3"): None, (A, 3, "A2"): "N", (B, 4, "B2"): "N"}
    results = [
        {"hospital_ccn": ccn, "npi": npi(number), "condition_id": row["condition_id"], "met": met}
        for ccn, number in _PARTNERS
        for row in conditions
        if row["hospital_ccn"] == ccn and (met := unmet.get((ccn, number, row["condition_id"]), "Y")) is not None
    ]
    protocols = rows_of(
        "hospital_ccn protocol_year version sha256 approved_on first_performance_period weight_total_percent"
        " has_locked_conditions",
        (A, 2025, 1, "a" * 64, dt.date(2025, 6, 30), "2024H1", D(100), True),
        (B, 2025, 1, "b" * 64, dt.date(2025, 6, 1), "2025H1", D(100), True),
    )
    return {
        "care_partners": table("care_partners", partners),
        "protocols": table("protocols", protocols),
        "programs": table(
            "programs",
            rows_of(
                "hospital_ccn accepted_first_period first_performance_period program_year is_first_period_changed"
                " terms",
                (A, "2024H1", "2024H1", 2, False, "{}"),
                (B, "2025H1", "2025H1", 1, False, "{}"),
            ),
        ),
        "conditions": table("conditions", conditions),
        "condition_results": table("condition_results", results),
        "protocol_interventions": table(
            "protocol_interventions",
            rows_of("hospital_ccn intervention_id is_included", *((ccn, "patient_flow", True) for ccn in (A, B, C))),
        ),
        "intervention_activity": table(
            "intervention_activity",
            rows_of(
                "hospital_ccn npi intervention_id activities",
                *((ccn, npi(number), "patient_flow", 3) for ccn, number in _PARTNERS),
            ),
        ),
        "committee_adjustments": table(
            "committee_adjustments", rows_of("hospital_ccn npi adjustment_amount", (A, npi(3), D("-50.25")))
        ),
        "pfs_cap_notices": table(
            "pfs_cap_notices",
            rows_of(
                "hospital_ccn npi calendar_year approved_amount",
                (A, npi(1), 2025, D("42160.77")),
                (A, npi(2), 2025, D("60000.00")),
                (A, npi(3), 2025, D("9000.01")),
                (B, npi(2), 2025, D("60000.00")),
                (B, npi(4), 2025, D("1345.67")),
                (C, npi(7), 2025, D("50000.00")),
                (C, npi(8), 2025, D("50000.00")),
            ),
        ),
        "pool_notices": table(
            "pool_notices",
            rows_of("hospital_ccn incentive_pool contested", (B, D("917.17"), "N"), (C, D("9000.00"), "Y")),
        ),
        "other_program_amounts": table(
            "other_program_amounts", rows_of("hospital_ccn program kind amount", (A, "CCIP", "incentive", D("9175.01")))
        ),
    }


#: (period, hospital, physician) -> final incentive; (period, hospital, scope) -> internal savings
EARLIER_INCENTIVES = {
    ("2024H1", A, 1): D("610.10"), ("2024H2", A, 1): D("700.00"), ("2025H1", A, 1): D("812.34"),
    ("2024H2", A, 3): D("1.01"), ("2025H1", A, 3): D("99.99"), ("2025H1", B, 4): D("30.03"),
    ("2024H2", B, 4): D("11.11"),
}  # fmt: skip

EARLIER_SAVINGS = {
    ("2024H1", A, "participating"): D("-900.50"), ("2024H1", A, "all"): D("-1900.00"),
    ("2024H2", A, "participating"): D("2100.75"), ("2024H2", A, "all"): D("3100.00"),
    ("2025H1", A, "participating"): D("1800.25"), ("2025H1", A, "all"): D("2800.00"),
    ("2025H1", B, "participating"): D("400.00"), ("2025H1", B, "all"): D("500.00"),
}  # fmt: skip

#: hospital -> the period in which its program began
PROGRAM_STARTS = {A: "2024H1", B: "2025H1"}

EARLIER_OTHER_PROGRAMS = [("2025H1", A, "CCIP", "incentive", D("250.00"))]


def earlier_sources() -> dict[str, pl.DataFrame]:
    return {
        "earlier_incentives": table(
            "earlier_incentives",
            [
                {"hospital_ccn": ccn, "period": period, "npi": npi(number), "final_incentive": amount}
                for (period, ccn, number), amount in EARLIER_INCENTIVES.items()
            ],
        ),
        "earlier_savings": table(
            "earlier_savings",
            [
                {"hospital_ccn": ccn, "period": period, "scope": scope, "internal_savings": amount}
                for (period, ccn, scope), amount in EARLIER_SAVINGS.items()
            ],
        ),
        "earlier_other_program_amounts": table(
            "earlier_other_program_amounts",
            rows_of("period hospital_ccn program kind amount", *EARLIER_OTHER_PROGRAMS),
        ),
        "earlier_payments": table(
            "earlier_payments",
            rows_of(
                "period hospital_ccn npi paid_amount paid_on reference",
                ("2025H1", A, npi(1), D("800.00"), dt.date(2025, 11, 1), "a"),
                ("2025H1", A, npi(1), D("12.34"), dt.date(2025, 11, 2), "b"),
                ("2025H1", A, npi(3), D("90.00"), dt.date(2025, 11, 1), "a"),
                ("2025H1", A, npi(2), D("5.00"), dt.date(2025, 11, 1), "a"),
                ("2024H2", B, npi(4), D("40.00"), dt.date(2025, 5, 1), "a"),
            ),
        ),
        "protocol_findings": table(
            "protocol_findings",
            rows_of(
                "hospital_ccn protocol_year finding_id subject severity message fix",
                (
                    A,
                    2025,
                    "COMMITTEE-NO-CMO",
                    "CMO",
                    "ERROR",
                    "no member of the oversight committee is the CMO",
                    "name",
                ),
            ),
        ),
        "protocol_committee": table(
            "protocol_committee",
            rows_of(
                "hospital_ccn member credentials represents role is_physician",
                (A, "<script>alert(1)</script>", "MD", "physician", "CEO", True),
                (A, "Ann Example", "MBA", "hospital|consumer", "CFO", False),
            ),
        ),
        "committee_meetings": table(
            "committee_meetings",
            rows_of(
                "hospital_ccn met_on members_present physicians_present",
                (A, dt.date(2025, 9, 3), 7, 4),
                (A, dt.date(2025, 12, 3), 6, 2),
            ),
        ),
    }


def reference_sources() -> dict[str, pl.DataFrame]:
    index = {
        "core": ("98.2", "101.7", "104.9"),
        "supply_drug": ("91.5", "97.3", "108.8"),
        "total": ("96.4", "100.6", "105.7"),
    }
    factors = [
        (ccn, "ALL", year, D(markup), D("0.98"), D("0.02"), D("0.03"))
        for ccn, markup in ((A, "1.31"), (B, "1.27"), (C, "1.4"))
        for year in range(2023, 2027)
    ]
    return {
        "cost_index": table(
            "cost_index",
            [
                {"calendar_year": 2023 + offset, "component": component, "index_value": D(value)}
                for component, values in index.items()
                for offset, value in enumerate(values)
            ],
        ),
        "cost_factors": table(
            "cost_factors", rows_of("hospital_ccn rate_center rate_year markup labor_market ime dsh", *factors)
        ),
        "rate_centers": table(
            "rate_centers",
            rows_of(
                "rate_center name group component",
                ("MSG", "Medical surgical", "Room", "core"),
                ("MSS", "Supplies", "Supplies", "supply_drug"),
            ),
        ),
        "revenue_codes": table(
            "revenue_codes",
            rows_of("revenue_code_from revenue_code_to rate_center", ("0120", "0129", "MSG"), ("0270", "0279", "MSS")),
        ),
        "per_diem": table(
            "per_diem",
            rows_of(
                "year severity amount", *((2025, severity, D("66.20") + 10 * int(severity)) for severity in "1234")
            ),
        ),
    }

"""Findings of the audit: caps on claims that may count twice, notes of the run, changes, missing savings."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from hcip_pipeline.audit.finding_rules import RULES
from hcip_pipeline.audit.findings import finding_tables
from hcip_pipeline.contracts import audit, marts
from hcip_pipeline.contracts.catalog import LAKE_SOURCES
from hcip_pipeline.contracts.payment_reasons import PAYMENT_REASONS
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.policy.protocol_checks import UNLOCKING
from hcip_pipeline.release.earlier_half_years import savings_missing, unsettled
from hcip_pipeline.release.notes import Note, NoteRule
from hcip_pipeline.reports.agenda import agenda
from hcip_pipeline.rules.protocols import LATE_FIX
from hcip_pipeline.rules.protocols import RULES as PROTOCOL_RULES

D = Decimal
KEY = {"hospital_ccn": "210001", "npi": "1000000004"}
INPUTS = KEY | {
    "pfs_source": "CLAIMS", "pfs_approved_amount": D("1000.02"), "pfs_amount_in_doubt": D("400.01"),
    "physician_cap_percent": D("25.00000000"), "earlier_period_incentive": D("50.00"),
}  # fmt: skip
INCENTIVES = KEY | {"pfs_cap_amount": D("200.01"), "pfs_cap_adjustment": D("0.00"), "final_incentive": D("180.00")}
_RULES = {"BASELINE_REPLACED": "BASELINE_REPLACED", "BASELINE_RESUBMITTED": "BASELINE_REPLACED"}
NOTHING = {"later": (), "superseded": (), "earlier": (), "notes": (), "inputs": ()}


def cap_findings(inputs: dict[str, Any], incentives: dict[str, Any]) -> list[dict[str, Any]]:
    """The findings about caps of a release with one care partner."""
    return _findings(inputs, incentives).filter(rule="CAP_IN_DOUBT").to_dicts()


def _findings(
    inputs: dict[str, Any], incentives: dict[str, Any], *notes: Note, **others: dict[str, Any]
) -> pl.DataFrame:
    given = {"payment_inputs": inputs, "incentives": {"status": "PAYABLE"} | incentives} | others
    tables = {table.name: table for table in (*LAKE_SOURCES.values(), *audit.TABLES["audit"], *marts.TABLES.values())}

    def table(name: str) -> pl.DataFrame:
        schema = tables[name].schema
        values = [{column: given[name].get(column) for column in schema}] if name in given else []
        return pl.DataFrame(values, schema=schema)

    period = PerformancePeriod.parse("2025H1")
    nothing = NOTHING | {"notes": notes}
    draft = SimpleNamespace(
        period=period, table=table, lake=table, marts=table, has=lambda name: False, certainty={}, **nothing
    )
    (found,) = finding_tables(draft)  # type: ignore[arg-type]
    return found.frame


def test_a_cap_on_doubtful_claims_is_shown_with_and_without_them() -> None:
    (found,) = cap_findings(INPUTS, INCENTIVES)
    # 25% of 600.01 is 150.0025, less 50.00
    assert "the fee-schedule cap of $200.01 counts $400.01" in found["finding"]
    assert "without them it is $100.00, $80.00 less than the incentive" in found["finding"]
    assert (found["amount"], found["severity"], found["npi"]) == (D("80.00"), "medium", KEY["npi"])


def test_a_cap_that_would_still_cover_the_incentive_is_a_low_finding() -> None:
    (found,) = cap_findings(INPUTS, INCENTIVES | {"final_incentive": D("100.00")})
    assert (found["amount"], found["severity"]) == (D("0.00"), "low")
    assert found["finding"].endswith("without them it is $100.00")


def test_a_cap_without_doubtful_claims_is_never_negative() -> None:
    (found,) = cap_findings(INPUTS | {"pfs_amount_in_doubt": D("1000.02")}, INCENTIVES)
    assert (found["amount"], "without them it is $0.00" in found["finding"]) == (D("180.00"), True)


@pytest.mark.parametrize("amount", [None, D("0.00")], ids=["official notice", "no claim in doubt"])
def test_other_caps_are_not_findings(amount: Decimal | None) -> None:
    assert cap_findings(INPUTS | {"pfs_amount_in_doubt": amount}, INCENTIVES) == []


@pytest.mark.parametrize(
    "note",
    [
        Note("no discharges of 2025Q1", hospital_ccn=KEY["hospital_ccn"]),
        Note("2025H1: a file changed", NoteRule.RESTATEMENT_DUE),
        Note("no accepted data from 210043"),
        Note("a restatement is due: the baseline was replaced"),  # the text does not determine the rule
    ],
    ids=str,
)
def test_a_note_of_the_run_is_a_finding_under_its_rule(note: Note) -> None:
    found = _findings(INPUTS, INCENTIVES, note).filter(pl.col("rule").is_in(set(NoteRule))).to_dicts()
    assert [(row["rule"], row["hospital_ccn"], row["finding"]) for row in found] == [
        (note.rule.value, note.hospital_ccn, note.text)
    ]


@pytest.mark.parametrize("code", sorted(code for code, reason in PAYMENT_REASONS.items() if reason.step == "change"))
def test_every_change_listed_on_payments_is_a_finding(code: str) -> None:
    change = KEY | {"reason": code, "detail": "as it happened"}
    (found,) = (
        _findings(INPUTS, INCENTIVES, program_changes=change)
        .filter(rule=_RULES.get(code, "PROGRAM_CHANGED"))[["hospital_ccn", "finding"]]
        .rows()
    )
    assert found == (KEY["hospital_ccn"], f"{PAYMENT_REASONS[code].auditor}: as it happened")


def test_a_short_limit_names_the_missing_savings() -> None:
    program = KEY | {"first_performance_period": "2024H1"}
    limit = KEY | {
        "incentives_before_limit": D("10.00"), "incentives_after_limit": D("0.00"), "distribution_limit": D("0.00"),
        "cumulative_limit": D("0.00"),
    }  # fmt: skip
    missing = "2024H1 and 2024H2 have no release, so their savings and payments count as zero"
    note = Note(missing, NoteRule.SAVINGS_MISSING, KEY["hospital_ccn"])
    found = _findings(INPUTS, INCENTIVES, note, programs=program, distribution_limits=limit)
    (savings,) = found.filter(rule="SAVINGS_MISSING").to_dicts()
    assert (savings["hospital_ccn"], savings["finding"]) == (KEY["hospital_ccn"], missing)
    assert "`hcip run 2024H1 --onward`" in savings["what_to_do"]
    (short,) = found.filter(rule="LIMIT_BOUND").to_dicts()
    assert short["finding"].endswith(missing)
    assert found.filter(rule="DATA_MISSING").is_empty(), "the run's note about it is not a second finding"


def test_late_conditions_have_the_same_advice_everywhere() -> None:
    """In the audit, on the committee's agenda, in the missing information and on the physician's page."""
    assert RULES["CONDITION_RESULTS_MISSING"].what_to_do == PAYMENT_REASONS["CONDITION_RESULTS_MISSING"].advice
    late = PAYMENT_REASONS["CONDITIONS_NOT_LOCKED"]
    assert RULES["CONDITIONS_NOT_LOCKED"].what_to_do == late.advice
    payment = KEY | {"name": None, "final_incentive": D("1.00"), "status": "HELD", "reasons": late.code}
    (item,) = agenda([payment], [], [], {})
    assert item.what_to_do == late.way_out
    assert PROTOCOL_RULES["APPROVED-AFTER-START"].fix == late.advice
    for broken in UNLOCKING - {"APPROVED-AFTER-START"}:
        assert PROTOCOL_RULES[broken].fix.endswith(LATE_FIX), broken


def test_half_years_without_a_release_count_from_the_first_period() -> None:
    programs = [
        {"hospital_ccn": "1", "first_performance_period": "2024H1"},
        {"hospital_ccn": "2", "first_performance_period": "2025H1"},
        {"hospital_ccn": "3", "first_performance_period": None},
    ]
    period = PerformancePeriod.parse("2025H1")
    assert unsettled(programs, period, {"2024H2"}) == {"1": ("2024H1",)}
    assert savings_missing(("2024H1",)) == "2024H1 has no release, so its savings and payments count as zero"
    assert savings_missing(("a", "b", "c")).startswith("a, b and c have no release, so their")

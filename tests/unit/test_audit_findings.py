"""What the audit finds of fee-schedule caps that are taken of claims that may count twice."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from hcip_pipeline.audit.findings import finding_tables
from hcip_pipeline.contracts import audit, marts
from hcip_pipeline.contracts.catalogue import LAKE_SOURCES
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.release.notes import Note, NoteRule

D = Decimal
KEY = {"hospital_ccn": "210001", "npi": "1000000004"}
INPUTS = KEY | {
    "pfs_source": "CLAIMS", "pfs_approved_amount": D("1000.02"), "pfs_amount_in_doubt": D("400.01"),
    "physician_cap_percent": D("25.00000000"), "earlier_period_incentive": D("50.00"),
}  # fmt: skip
INCENTIVES = KEY | {"pfs_cap_amount": D("200.01"), "pfs_cap_adjustment": D("0.00"), "final_incentive": D("180.00")}
NOTHING = {"later": (), "superseded": (), "earlier": (), "notes": (), "inputs": ()}


def cap_findings(inputs: dict[str, Any], incentives: dict[str, Any]) -> list[dict[str, Any]]:
    """The findings on caps of a release with one care partner and nothing else to find."""
    return _findings(inputs, incentives).filter(rule="CAP_IN_DOUBT").to_dicts()


def _findings(inputs: dict[str, Any], incentives: dict[str, Any], *notes: Note) -> pl.DataFrame:
    given = {"payment_inputs": inputs, "incentives": {"status": "PAYABLE"} | incentives}
    tables = {table.name: table for table in (*LAKE_SOURCES.values(), *audit.TABLES["audit"], *marts.TABLES.values())}

    def table(name: str) -> pl.DataFrame:
        schema = {column.name: column.polars_type for column in tables[name].columns}
        values = [{column: given[name].get(column) for column in schema}] if name in given else []
        return pl.DataFrame(values, schema=schema)

    period = PerformancePeriod.parse("2025H1")
    nothing = NOTHING | {"notes": notes}
    draft = SimpleNamespace(
        period=period, table=table, lake=table, marts=table, has=lambda name: False, certainty={}, **nothing
    )
    (found,) = finding_tables(draft)  # type: ignore[arg-type]
    return found.frame


def test_a_cap_on_claims_in_doubt_is_found_with_and_without_them() -> None:
    (found,) = cap_findings(INPUTS, INCENTIVES)
    # 25% of 600.01 is 150.0025, less 50.00
    assert "the fee-schedule cap of $200.01 counts $400.01" in found["finding"]
    assert "without them it is $100.00, $80.00 less than the incentive" in found["finding"]
    assert (found["amount"], found["severity"], found["npi"]) == (D("80.00"), "medium", KEY["npi"])


def test_a_cap_that_would_still_hold_the_incentive_is_a_low_finding() -> None:
    (found,) = cap_findings(INPUTS, INCENTIVES | {"final_incentive": D("100.00")})
    assert (found["amount"], found["severity"]) == (D("0.00"), "low")
    assert found["finding"].endswith("without them it is $100.00")


def test_a_cap_without_its_claims_is_never_below_nothing() -> None:
    (found,) = cap_findings(INPUTS | {"pfs_amount_in_doubt": D("1000.02")}, INCENTIVES)
    assert (found["amount"], "without them it is $0.00" in found["finding"]) == (D("180.00"), True)


@pytest.mark.parametrize("amount", [None, D("0.00")], ids=["official notice", "no claim in doubt"])
def test_other_caps_are_no_findings(amount: Decimal | None) -> None:
    assert cap_findings(INPUTS | {"pfs_amount_in_doubt": amount}, INCENTIVES) == []


@pytest.mark.parametrize(
    "note",
    [
        Note("2024Q3 was sent again", NoteRule.BASELINE_REPLACED, KEY["hospital_ccn"]),
        Note("2025H1: a file changed", NoteRule.RESTATEMENT_DUE),
        Note("no accepted data of 210043"),
        Note("a restatement is due: the baseline was replaced"),  # its words do not make the rule
    ],
    ids=str,
)
def test_a_note_of_the_run_is_a_finding_of_its_rule(note: Note) -> None:
    found = _findings(INPUTS, INCENTIVES, note).filter(pl.col("rule").is_in(set(NoteRule))).to_dicts()
    assert [(row["rule"], row["hospital_ccn"], row["finding"]) for row in found] == [
        (note.rule.value, note.hospital_ccn, note.text)
    ]

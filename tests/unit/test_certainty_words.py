"""The wording of pages about how certain a payment is: no figure without its question, and no contradictions."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest

from hcip_pipeline.reports.certainty import PartnerCertainty, compared, of_partner
from hcip_pipeline.reports.figures import ReportSource

Row = dict[str, Any]
CCN, NPI = "210001", "1234567893"


def ranges(own: str, interval: tuple[str, str], chance: tuple[str, str, str]) -> Row:
    """A row of ``payment_ranges``: calculated, its interval, and mean, low and high by chance."""
    low, high = map(Decimal, interval)
    mean, least, most = map(Decimal, chance)
    return {
        "hospital_ccn": CCN, "npi": NPI, "calculated_incentive": Decimal(own), "interval_low": low,
        "interval_high": high, "chance_mean": mean, "chance_low": least, "chance_high": most,
        "is_above_chance": Decimal(own) > most,
    }  # fmt: skip


def reliable(stream: str, measure: str, reliability: str, needed: int | None, is_comparable: bool | None) -> Row:
    return {
        "stream": stream, "measure": measure, "cases": 12, "reliability": Decimal(reliability), "cases_needed": needed,
        "is_comparable": is_comparable,
    }  # fmt: skip


def shown(row: Row, *reliability: Row) -> PartnerCertainty:
    tables = {"payment_ranges": [row], "reliability": list(reliability)}
    current = SimpleNamespace(has=tables.__contains__, of_partner=lambda table, ccn, npi: tables[table])
    partner = {"npi": NPI, "medical_cases": 12, "surgical_cases": 0}
    found = of_partner(cast(ReportSource, SimpleNamespace(current=current)), CCN, partner)
    assert found is not None
    return found


def test_an_ordinary_payment_shows_its_range_and_what_chance_explains() -> None:
    found = shown(ranges("120.00", ("80.00", "150.00"), ("100.00", "60.00", "140.00")))
    assert found.sentence == (
        "With these cases, between $80.00 and $150.00 was possible; by chance alone, a typical physician would"
        " have earned $100.00 ($60.00 to $140.00)."
    )
    assert "could explain the calculated $120.00" in found.verdict and len(found.bands) == 2


@pytest.mark.parametrize(
    ("chance", "words"),
    [
        (("49.75", "50.00", "50.00"), "$50.00 in at least nine of ten draws ($49.75 on average over all draws)."),
        (
            ("75.00", "0.00", "60.00"),
            "$0.00 to $60.00 in nine of ten draws, and much more in a few ($75.00 on average).",
        ),
        (
            ("5.00", "20.00", "60.00"),
            "$20.00 to $60.00 in nine of ten draws, and much less in a few ($5.00 on average).",
        ),
    ],
)
def test_a_mean_outside_its_range_is_explained(chance: tuple[str, str, str], words: str) -> None:
    assert shown(ranges("30.00", ("10.00", "90.00"), chance)).sentence.endswith(
        f"a typical physician would have earned {words}"
    )


@pytest.mark.parametrize(
    ("own", "verdict", "above"),
    [("60.00", "above", True), ("40.00", "below", False), ("50.00", "untested", False)],
)
def test_a_payment_outside_identical_draws_differs_from_chance(own: str, verdict: str, above: bool) -> None:
    """The list of care partners above chance agrees with their own pages."""
    row = ranges(own, ("10.00", "90.00"), ("50.00", "50.00", "50.00"))
    assert compared(row) == verdict and row["is_above_chance"] is above
    found = shown(row)
    assert ("Chance cannot be tested" in found.verdict) == (verdict == "untested")
    assert ("by chance alone" in found.sentence) == (verdict != "untested")
    assert len(found.bands) == (1 if verdict == "untested" else 2)


def test_samples_that_nearly_all_give_one_amount_are_no_range() -> None:
    found = shown(ranges("5.00", ("5.00", "5.00"), ("5.00", "5.00", "5.00")))
    assert found.sentence == "With these cases, $5.00 was the result in at least nine of ten samples."


def test_a_payment_outside_its_own_samples_is_explained() -> None:
    less = shown(ranges("3.00", ("4.00", "8.00"), ("9.00", "7.00", "11.00"))).sentence
    assert "Nearly every sample gives more than the calculated $3.00" in less and "just above the 75th" in less
    more = shown(ranges("9.00", ("4.00", "8.00"), ("9.00", "7.00", "11.00"))).sentence
    assert "Nearly every sample gives less than the calculated $9.00" in more


def test_notes_give_the_reliability_of_cost_and_days() -> None:
    found = shown(
        ranges("1.00", ("0.00", "2.00"), ("1.00", "0.00", "2.00")),
        reliable("medical", "cost", "0.7512", 9, None),
        reliable("medical", "days", "0.4000", None, False),
    )
    assert found.notes == (
        "Medical, 12 cases: reliability 0.75 for cost (9 cases needed for 0.7) and 0.40 for days (physicians in the"
        " state do not differ measurably, not reliable enough to compare).",
    )
    assert found.meaning.startswith("Reliability, from 0 to 1")

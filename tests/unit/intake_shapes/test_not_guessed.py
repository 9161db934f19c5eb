"""Ambiguous content is refused, with one finding that names the place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from hcip_pipeline.intake.hospital.judging import Judge
from tests.intake_submissions import CCN
from tests.unit.intake_shapes.shapes import (
    NOWHERE,
    Files,
    cells,
    cycle,
    judged,
    lines,
)

pytestmark = pytest.mark.slow

NOT_GUESSED: dict[str, tuple[Callable[[], Files], str, str]] = {
    "a row of totals": (lines("discharges", lambda rows: [*rows, b"Total,120" + b"," * 20 + b",72000.00"]),
                        "F-TOTAL-ROW", "line 122"),
    "a row of totals in the form of the table": (
        lines("charges", lambda rows: [*rows, b"Grand Total,,,,,72000.00"]), "F-TOTAL-ROW", "line 362"),
    "the header twice": (lines("discharges", lambda rows: [*rows[:50], rows[0], *rows[50:]]),
                         "F-HEADER-REPEATED", "line 51"),
    "a title": (lines("charges", lambda rows: [b"Charges of the first quarter", b"", *rows]), "F-TITLE-ROW", "line 3"),
    "account numbers in exponent form": (
        cells("discharges", "account_no", lambda c: pl.lit("2.5E+10")), "F-DIGITS-LOST", "account_no"),
    "NPIs in exponent form": (
        cells("discharges", "attending_npi", lambda c: pl.lit("2.42890E+09")), "F-DIGITS-LOST", "120 rows"),
    "money in exponent form": (
        cells("charges", "charge", lambda c: pl.lit("1E+05")), "F-DIGITS-LOST", "lines 2, 3, 4, …"),
    "identifiers of which some end in .0": (
        cells("discharges", "patient_id", lambda c: cycle("1234.0", "1235")), "F-ID-MIXED", "60 of 120 rows"),
    "an unknown grouper": (
        cells("discharges", "grouper_version", lambda c: pl.lit("43")), "S-ERROR-RATE", "120 of 120"),
    "unmapped revenue codes": (
        cells("charges", "revenue_code", lambda c: pl.when(pl.int_range(pl.len()) > 72).then(c).otherwise(NOWHERE)),
        "S-UNMAPPED-MOST", "73 of 360"),
}  # fmt: skip


@pytest.mark.parametrize("how", NOT_GUESSED)
def test_ambiguous_content_is_refused_with_one_finding(judge: Judge, tmp_path: Path, how: str) -> None:
    make, rule, words = NOT_GUESSED[how]
    receipt = judged(judge, tmp_path / CCN, make())
    (problem,) = receipt.refusals
    assert problem.rule == rule and words in problem.message
    if rule.startswith("F-"):
        assert receipt.rules == ()

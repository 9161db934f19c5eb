"""The table of payment reasons: it covers the models' codes, and is read the same way everywhere."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from hcip_pipeline.checks import release_gate
from hcip_pipeline.contracts.payment_reasons import PAYMENT_REASONS, STEPS, parse_holds, parse_reasons
from hcip_pipeline.warehouse.project import PROJECT

_WATERFALL = PROJECT / "models" / "intermediate" / "waterfall"


def _codes(path: Path) -> set[str]:
    given = re.findall(r"then\s+(?:\{\{ text_list\(\[\")?'([A-Z_0-9]{5,})'", path.read_text(encoding="utf-8"))
    return set(given) - {"PAYABLE", "CLAIMS", "NOTICE"}


def test_the_models_give_exactly_the_declared_codes() -> None:
    given = _codes(PROJECT / "models/marts/incentives/incentives.sql")
    for name in ("int_waterfall_3_standing", "int_holds"):
        given |= _codes(_WATERFALL / f"{name}.sql")
    # Changes since an earlier half-year are found outside the models (settlement.program_changes).
    assert given == {reason.code for reason in PAYMENT_REASONS.values() if reason.step != "change"}


def test_holds_and_standing_are_the_codes_of_their_models() -> None:
    by_step = {step: {reason.code for reason in PAYMENT_REASONS.values() if reason.step == step} for step in STEPS}
    assert by_step["hold"] == _codes(_WATERFALL / "int_holds.sql")
    assert by_step["standing"] == _codes(_WATERFALL / "int_waterfall_3_standing.sql")
    assert sum(map(len, by_step.values())) == len(PAYMENT_REASONS)


@pytest.mark.parametrize("code", sorted(PAYMENT_REASONS))
def test_every_reason_has_a_text_for_each_reader(code: str) -> None:
    reason = PAYMENT_REASONS[code]
    assert reason.auditor and reason.label and reason.physician.endswith(".")
    assert reason.clause.startswith("held: ") == reason.cell.startswith("held: ") == reason.is_hold
    assert reason.way_out or not reason.is_hold, "a hold names who can settle it"


def test_a_cell_of_reasons_is_read_in_its_order() -> None:
    assert [reason.code for reason in parse_reasons("NO_BASELINE|PFS_CAP|NO_PROTOCOL")] == [
        "NO_BASELINE",
        "PFS_CAP",
        "NO_PROTOCOL",
    ]
    assert [hold.code for hold in parse_holds("NO_BASELINE|PFS_CAP|NO_PROTOCOL|POOL_CONTESTED")] == [
        "NO_PROTOCOL",
        "POOL_CONTESTED",
    ]
    assert list(parse_reasons(None)) == list(parse_reasons("")) == []
    with pytest.raises(KeyError):
        list(parse_reasons("UNHEARD_OF"))


def test_holds_of_a_zero_payment_are_worded_as_conditional() -> None:
    codes = "|".join(["NO_CASES", *(code for code, reason in PAYMENT_REASONS.items() if reason.is_hold)])
    for final, is_idle in ((Decimal("0.00"), True), (Decimal("0.01"), False), (None, False)):
        first, *holds = parse_reasons(codes, final)
        assert not first.is_idle and first.sentence == first.physician
        for hold in holds:
            begins = ("would be held: ", "Any amount would be held ") if is_idle else ("held: ", "The amount is held ")
            assert hold.cell.startswith(begins[0]) and hold.clause.startswith(begins[0])
            assert hold.sentence.startswith(begins[1])


def test_the_release_check_counts_every_hold_and_nothing_else(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rows = pl.DataFrame(
        {
            "calculated_incentive": [Decimal("10.00")] * 4,
            "final_incentive": [Decimal("8.00"), Decimal("7.00"), Decimal("6.00"), Decimal("0.00")],
            "status": ["HELD", "HELD", "PAYABLE", "ZERO"],
            "reasons": [
                "NO_BASELINE|PFS_CAP|NO_PROTOCOL",
                "NO_PROTOCOL|SCREENING_NOT_CLEARED|POOL_CONTESTED",
                None,
                "",
            ],
        }
    )
    monkeypatch.setattr("hcip_pipeline.release.reading.released_frame", lambda folder, name: rows)
    paid = release_gate.Paid.read(tmp_path)
    assert paid.hold_reasons == {"NO_PROTOCOL": 2, "SCREENING_NOT_CLEARED": 1, "POOL_CONTESTED": 1}
    assert (paid.held, paid.payable, paid.held_partners) == (Decimal("15.00"), Decimal("6.00"), 2)

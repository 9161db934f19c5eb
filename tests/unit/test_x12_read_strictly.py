"""Names, codes, amounts and days that are almost valid: refused or reported, never read as something else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hcip_pipeline.intake.hospital.preflight import Preflight
from hcip_pipeline.intake.x12 import segments as x12_segments
from tests.bill_checks import bill_preflight, bill_reference, bills, charges, discharges, rules  # noqa: F401 - fixtures
from tests.bills import claim, interchange, patient, write

pytestmark = pytest.mark.slow

ONE = "99887766"
LINE = (("0250", "4.5", "1", "20250103"),)
DAY = "DTP*472*D8*20250103"


@pytest.mark.parametrize(
    ("name", "damaged"),
    [("SV2*", "SV20*"), ("SV2*", "SV2X*"), ("SV2*", "SV2 *"), ("SV2*", "SV2Z9*"), ("DTP*472", "DTPX*472"),
     ("CLM*", "CLM *"), ("HI*", "HI *"), ("LX*", "LX *")],
)  # fmt: skip
def test_a_segment_name_must_match_whole(preflight: Preflight, tmp_path: Path, name: str, damaged: str) -> None:
    content = interchange(patient(), claim(ONE, lines=LINE)).replace(f"\n{name}", f"\n{damaged}", 1)
    result = preflight.check(write(tmp_path, content, ONE))
    (problem,) = [problem for problem in result.receipt.problems if problem.refuses]
    assert problem.rule == "B-ENVELOPE" and problem.row is not None
    assert content.split("~\n")[problem.row - 1].startswith(damaged)


@pytest.mark.parametrize("amount", ["3_00", "3E2", "+300", " 300 ", "300.999", "$300", "$300.00", "30O.00"])
def test_the_amount_of_a_claim_is_read_as_that_of_a_line(preflight: Preflight, tmp_path: Path, amount: str) -> None:
    def read(content: str) -> tuple[bool, set[str]]:
        result = preflight.check(write(tmp_path, content, ONE))
        return result.accepted, {rule[1:] for rule in rules(result)}

    of_line = read(interchange(patient(), claim(ONE, lines=(("0250", amount, "1", ""),), total="300.00")))
    of_claim = read(interchange(patient(), claim(ONE, lines=(("0250", "300.00", "1", ""),), total=amount)))
    assert of_claim[0] == of_line[0]
    assert ("-MONEY-INVALID" in of_claim[1]) == ("-MONEY-INVALID" in of_line[1]) == (not of_line[0])
    late = claim(ONE, frequency="5", lines=LINE)
    both = read(interchange(patient(), claim(ONE, lines=(("0250", "300.00", "1", ""),), total=amount), late))
    assert not both[0] or amount.strip() == "300"


@pytest.mark.parametrize(
    ("codes", "read"),
    [(("01", "MA"), ("3", "01")), (("05", "MA"), ("3", "01")), (("9", "MC"), ("9", "02")), (("", ""), (None, None)),
     (("6", "01"), (None, None)), (("8", "02"), (None, None)), (("0", "99"), (None, None)),
     (("00", "10"), (None, None)), (("10", " MA"), (None, None))],
)  # fmt: skip
def test_a_code_that_bills_do_not_have_is_never_one_of_ours(
    preflight: Preflight, tmp_path: Path, codes: tuple[str, str], read: tuple[str | None, str | None]
) -> None:
    bill = [segment.replace("CL1*3*", f"CL1*{codes[0]}*") for segment in claim(ONE)]
    result = preflight.check(write(tmp_path, interchange(patient(payer=codes[1]), bill), ONE))
    assert result.accepted
    (row,) = discharges(preflight)
    assert (row["nature_of_admission"], row["primary_payer"]) == read
    unknown = sum(count.rows for count in result.receipt.rules if count.rule == "D-CODE-UNKNOWN")
    assert unknown == (2 if codes[0] and read[0] is None else 0), result.summary()


@pytest.mark.parametrize(
    ("facility", "is_known"), [("", False), (" 11", False), ("011", False), ("A", False), ("13", True)]
)
@pytest.mark.parametrize("frequency", ["1", "8"])
def test_an_invalid_facility_code_is_refused_rather_than_passed_over(
    preflight: Preflight, tmp_path: Path, facility: str, is_known: bool, frequency: str
) -> None:
    odd = claim(ONE, facility=facility, frequency=frequency)
    result = preflight.check(write(tmp_path, interchange(patient(), claim(ONE), odd), ONE))
    assert result.accepted == is_known, result.summary()
    assert ("B-FACILITY" in rules(result)) != is_known and ("B-NOT-INPATIENT" in rules(result)) == is_known


@pytest.mark.parametrize("frequency", ["7", "8"])
@pytest.mark.parametrize("other", [{"born": "19500110"}, {"sex": "M"}])
def test_a_replacement_or_void_of_another_patients_bill_is_named(
    preflight: Preflight, tmp_path: Path, frequency: str, other: dict[str, str]
) -> None:
    again = claim(ONE, frequency=frequency)
    content = interchange(patient(), claim(ONE), patient(4, **other), again)  # type: ignore[arg-type]
    result = preflight.check(write(tmp_path, content, ONE))
    assert not result.accepted and "B-OTHER-PATIENT" in rules(result), result.summary()


def test_an_account_may_be_voided_and_used_again(preflight: Preflight, tmp_path: Path) -> None:
    content = interchange(patient(), claim(ONE), claim(ONE, frequency="8"), patient(4, sex="M"), claim(ONE))
    result = preflight.check(write(tmp_path, content, ONE))
    assert result.accepted and rules(result) == {"B-VOIDED"}, result.summary()


@pytest.mark.parametrize("status", ["01", "20"])
def test_a_stay_that_ends_without_its_last_bill_is_named(preflight: Preflight, tmp_path: Path, status: str) -> None:
    parts = (
        claim(ONE, frequency="2", last="20250103", status="30", lines=LINE),
        claim(ONE, frequency="3", first="20250104", status=status, lines=LINE),
    )
    result = preflight.check(write(tmp_path, interchange(patient(), *parts), ONE))
    assert result.accepted and rules(result) == {"B-LAST-MISSING"}, result.summary()


@pytest.mark.parametrize(
    ("late", "is_named"),
    [({"people": ("NM1*71*1*OTHER*ANN****XX*1999999992",)}, True), ({"codes": ("HI*ABK:I10:::::::Y",)}, True),
     ({"people": ("NM1*72*1*OTHER*ANN****XX*1999999992",)}, True), ({"people": (), "codes": ()}, False), ({}, False)],
)  # fmt: skip
@pytest.mark.parametrize("has_operating", [True, False])
def test_late_charges_do_not_change_the_physicians(
    preflight: Preflight, tmp_path: Path, late: dict[str, Any], is_named: bool, has_operating: bool
) -> None:
    base = claim(ONE)
    if not has_operating:
        base = [segment for segment in base if not segment.startswith("NM1*72")]
    content = interchange(patient(), base, claim(ONE, frequency="5", lines=LINE, **late))
    result = preflight.check(write(tmp_path, content, ONE))
    is_named |= late == {} and not has_operating
    assert result.accepted and ("B-LATE-DIFFERS" in rules(result)) == is_named, result.summary()
    (row,) = discharges(preflight)
    assert (row["attending_npi"], row["operating_npi"]) == (
        "1234567893", "1245319599" if has_operating else None
    )  # fmt: skip


@pytest.mark.parametrize(
    ("damaged", "between"),
    [("DTP*4720*D8*20250103", ""), ("DTP**472*20250103", ""), ("DTP*472*D8*", ""), ("DTP*472*D8", "REF*6R*1~\n")],
)
def test_a_day_of_a_line_that_is_not_read_is_named(
    preflight: Preflight, tmp_path: Path, damaged: str, between: str
) -> None:
    content = interchange(patient(), claim(ONE, lines=LINE)).replace(DAY, between + damaged)
    if between:
        count = int(content.partition("\nSE*")[2].partition("*")[0])
        content = content.replace(f"\nSE*{count}*", f"\nSE*{count + 1}*")
    result = preflight.check(write(tmp_path, content, ONE))
    assert result.accepted and rules(result) == {"B-DATE-UNREAD"}, result.summary()
    assert charges(preflight)[0][2] == "2025-01-02"


def test_the_day_on_which_another_payer_decided_is_not_the_day_of_a_line(preflight: Preflight, tmp_path: Path) -> None:
    content = interchange(patient(), claim(ONE, lines=LINE)).replace(DAY, "DTP*573*D8*20250303")
    assert not rules(preflight.check(write(tmp_path, content, ONE)))


def test_another_transaction_is_named_by_its_own_element(preflight: Preflight, tmp_path: Path) -> None:
    content = interchange(patient(), claim(ONE)).replace("ST*837*", "ST*835*")
    assert "segment 3: ST01 is 835, not 837" in preflight.check(write(tmp_path, content, ONE)).summary()


def test_a_loop_that_is_too_long_is_named_with_its_row(
    preflight: Preflight, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(x12_segments, "LONGEST_LINE", 4096)
    notes = tuple(f"NTE*ADD*{'A' * 70}{number}" for number in range(70))
    content = interchange(patient(), claim("1"), claim(ONE, others=notes))
    result = preflight.check(write(tmp_path, {"0.837": interchange(patient(), claim("2")), "a.837": content}, ONE))
    (problem,) = [problem for problem in result.receipt.problems if problem.rule == "F-TOO-LARGE"]
    assert problem.file == "a.837" and problem.row is not None and "4 KiB" in problem.message
    assert content.split("~\n")[problem.row - 1].startswith(f"CLM*{ONE}")

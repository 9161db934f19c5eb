"""Faulty bills with the same cells as a valid one, bills in unknown order, and bills that move a stay's start."""

from __future__ import annotations

from pathlib import Path

import pytest

from hcip_pipeline.intake.hospital.preflight import Preflight
from tests.bill_checks import bill_preflight, bill_reference, bills, discharges, rules  # noqa: F401 - fixtures
from tests.bills import claim, interchange, patient, write

pytestmark = pytest.mark.slow

ONE = "99887766"
BASE = claim(ONE)
LINE = (("0250", "4.5", "1", ""),)


def faulty_copies() -> list[tuple[str, str, list[str]]]:
    """Rule, account and faulty copy, for bills with the same cells as a valid bill."""
    found = [
        ("B-FREQUENCY", account, claim(account, frequency=code))
        for account, code in zip("1234567", ("08", " 8", "9", "0", "H", "", "7 "), strict=True)
    ]
    plain = claim("8")
    found.append(("B-MISPLACED", "8", [*plain[:-1], "CL1*3*1*01", plain[-1]]))
    plain = claim("9")
    found.append(("B-REPEATED", "9", [*plain[:5], "CL1*3*1*02", *plain[5:]]))
    found.append(("B-LINE", "10", [segment for segment in claim("10") if segment != "LX*2"]))
    return found


@pytest.mark.parametrize("in_one_file", [True, False])
def test_a_faulty_copy_of_a_bill_quarantines_the_stay(preflight: Preflight, tmp_path: Path, in_one_file: bool) -> None:
    copies = faulty_copies()
    accounts = [account for _, account, _ in copies]
    first = [segment for account in accounts for segment in claim(account)]
    again = [segment for _, _, copy in copies for segment in copy]
    files: dict[str, str | bytes] = {"a.837": interchange(patient(), first, again)}
    if not in_one_file:
        files = {"a.837": interchange(patient(), first), "b.837": interchange(patient(), again)}
    result = preflight.check(write(tmp_path, files, *accounts))
    count = {rule.rule: rule.rows for rule in result.receipt.rules}
    assert count["B-FREQUENCY"] == 7 and "D-ROW-REPEATED" not in count, result.summary()
    assert count["B-MISPLACED"] == count["B-REPEATED"] == count["B-LINE"] == 1
    assert count["D-KEY-REPEATED"] == 2 * len(copies)
    assert bills(result)["counted"][0] == 2 * len(copies) == result.receipt.rows("discharges", "read")


def test_a_repeated_bill_counts_once(preflight: Preflight, tmp_path: Path) -> None:
    result = preflight.check(write(tmp_path, interchange(patient(), BASE, BASE), ONE))
    assert result.accepted and "D-ROW-REPEATED" in rules(result), result.summary()


MADE = ("250301", "2025-04-02", " 20250401", "99999999", "")


@pytest.mark.parametrize(
    ("made", "frequency"), [*((made, "7") for made in (*MADE, None)), ("250301", "8"), ("250301", "1")]
)
def test_bills_whose_order_cannot_be_known_refuse_the_files(
    preflight: Preflight, tmp_path: Path, made: str | None, frequency: str
) -> None:
    again = claim(ONE, frequency=frequency, lines=LINE)
    late = interchange(patient(), again, made=made or "X")
    if made is None:
        late = late.replace("BHT*0019*00*0001*X*0900*CH~\n", "").replace("SE*", "SE*0", 1)
        count = int(late.partition("SE*0")[2].partition("*")[0])
        late = late.replace(f"SE*0{count}*", f"SE*{count - 1}*")
    result = preflight.check(write(tmp_path, {"a.837": interchange(patient(), BASE), "b.837": late}, ONE))
    (problem,) = [problem for problem in result.receipt.problems if problem.rule == "B-ORDER"]
    assert not result.accepted and problem.file == "b.837" and problem.row is not None
    assert late.split("~\n")[problem.row - 1] == again[0] and f"claim …{ONE[-4:]}" in problem.message


@pytest.mark.parametrize("made", ["250301", ""])
def test_a_date_of_a_transaction_that_nothing_depends_on_is_named(
    preflight: Preflight, tmp_path: Path, made: str
) -> None:
    content = interchange(patient(), claim("1"), BASE, claim(ONE, frequency="7"), made=made)
    result = preflight.check(write(tmp_path, content, ONE, "1"))
    assert result.accepted and rules(result) == {"B-ORDER-UNKNOWN", "B-REPLACED"}, result.summary()


@pytest.mark.parametrize("moved", [{"first": "20241205"}, {"admitted": "202412050815"}])
def test_late_charges_that_move_the_start_are_named(
    preflight: Preflight, tmp_path: Path, moved: dict[str, str]
) -> None:
    late = claim(ONE, frequency="5", lines=LINE, **moved)
    result = preflight.check(write(tmp_path, interchange(patient(), BASE, late), ONE))
    assert result.accepted and "B-LATE-MOVES" in rules(result), result.summary()


def test_an_interim_bill_with_another_admission_is_named(preflight: Preflight, tmp_path: Path) -> None:
    parts = (
        claim(ONE, frequency="2", last="20250103", status="30", lines=LINE),
        claim(ONE, frequency="4", first="20250104", admitted="202412050815", lines=LINE),
    )
    result = preflight.check(write(tmp_path, interchange(patient(), *parts), ONE))
    assert result.accepted and rules(result) == {"B-BILLS-DIFFER"}, result.summary()
    assert str(discharges(preflight)[0]["admit_date"]) == "2024-12-05"

"""Bills that give a fact twice, in the wrong place, or with an impossible status or days: each is reported.

Every segment that is read from a bill is repeated, unchanged and changed, and moved to where it means something else;
if the bill is accepted, it must be read as before, and otherwise it breaks a rule.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hcip_pipeline.intake.hospital.preflight import CheckResult, Preflight
from tests.bill_checks import bill_preflight, bill_reference, bills, charges, discharges, rules  # noqa: F401 - fixtures
from tests.bills import OTHER_PAYER, claim, interchange, patient, write

pytestmark = pytest.mark.slow

ONE = "99887766"
BILL = claim(ONE, others=OTHER_PAYER)
LEVELS = [*patient(child=("20241230", "M", "20901")), *BILL]
LINE = (("0250", "4.5", "1", ""),)


def check(preflight: Preflight, folder: Path, segments: list[str]) -> CheckResult:
    return preflight.check(write(folder, interchange(segments), ONE))


def place_of(begin: str, segments: list[str] = LEVELS) -> int:
    return next(number for number, segment in enumerate(segments) if segment.startswith(begin))


def _claim(value: str) -> str:
    """The last characters of the claim that a finding names."""
    return value.removeprefix("claim …").partition(":")[0]


def named(preflight: Preflight, folder: Path, variants: list[list[str]]) -> list[set[str]]:
    """The rules that each of these claims with its levels breaks, in one file; ``read`` if it is read as LEVELS."""
    body: list[str] = []
    accounts = [f"5{number:07d}" for number in range(len(variants) + 1)]
    for number, variant in enumerate([LEVELS, *variants]):
        first = 2 * number + 2
        numbers = {
            "HL*2*1*": f"HL*{first}*1*",
            "HL*3*2*": f"HL*{first + 1}*{first}*",
            f"CLM*{ONE}": f"CLM*{accounts[number]}",
        }
        for segment in variant:
            begin = next((begin for begin in numbers if segment.startswith(begin)), "")
            body.append(numbers.get(begin, "") + segment.removeprefix(begin))
    result = preflight.check(write(folder, interchange(body), *accounts))
    broken: dict[str, set[str]] = {account: set() for account in accounts}
    for row in result.rows:
        if row.rule.startswith("B-"):
            assert row.file == "a.837" and body[row.row - 14].startswith("CLM*"), row
            broken[next(account for account in accounts if account.endswith(_claim(row.value)))].add(row.rule)
    own = {"row", "account_no", "patient_id"}
    rows = [{name: cell for name, cell in row.items() if name not in own} for row in discharges(preflight)]
    lines: dict[str, list[object]] = {account: [] for account in accounts}
    for account, *line in charges(preflight):
        lines[account].append(line)
    alike = [
        row == rows[0] and lines[account] == lines[accounts[0]] for account, row in zip(accounts, rows, strict=True)
    ]
    assert not broken[accounts[0]]
    return [
        broken[account] | ({"read"} if same else set()) for account, same in zip(accounts[1:], alike[1:], strict=True)
    ]


#: Beginning of a segment that a bill or its level has once -> a change that makes it a different one.
ONCE = {
    "SBR*P": ("*MA", "*BL"), "N4*ANYWHERE*MD*20901": ("20901", "20902"), "DMG*D8*20241230": ("20241230", "20241231"),
    "DTP*434": ("20250105", "20250106"), "DTP*435": ("0102", "0103"), "CL1": ("*01", "*02"), "HI*ABK": ("M1611", "I10"),
    "HI*BBR": ("0SR90JZ", "3E03317"), "NM1*71*1*ATT": ("1234567893", "1999999992"),
    "NM1*72*1*OPE": ("1245319599", "1999999992"), "DTP*472": ("20250102", "20250103"),
}  # fmt: skip


def test_a_segment_that_occurs_once_may_be_repeated_only_unchanged(preflight: Preflight, tmp_path: Path) -> None:
    alike: list[list[str]] = []
    different: list[list[str]] = []
    for begin, (old, new) in ONCE.items():
        at = place_of(begin)
        other = LEVELS[at].replace(old, new)
        assert other != LEVELS[at]
        if not begin.startswith("HI*BBR"):  # a procedure that appears twice was done twice
            alike.append([*LEVELS[:at], LEVELS[at], *LEVELS[at:]])
        different += [[*LEVELS[:at], *pair, *LEVELS[at + 1 :]] for pair in ([LEVELS[at], other], [other, LEVELS[at]])]
    found = named(preflight, tmp_path, [*alike, *different])
    assert found[: len(alike)] == [{"read"}] * len(alike)
    assert all("B-REPEATED" in rules for rules in found[len(alike) :]), found


def moved(begin: str, before: int) -> list[str]:
    at = place_of(begin)
    rest = LEVELS[:at] + LEVELS[at + 1 :]
    to = before - (at < before)
    return [*rest[:to], LEVELS[at], *rest[to:]]


def test_a_segment_where_it_means_something_else_is_named(preflight: Preflight, tmp_path: Path) -> None:
    of_claim = ("DTP*434", "DTP*435", "CL1", "HI*ABK", "HI*ABF", "HI*BBR", "DMG*D8*20241230")
    variants = [moved(begin, place_of(where) + 1) for begin in of_claim for where in ("SBR*S", "SV2*0250")]
    variants += [moved("NM1*71*1*ATT", place_of("SV2*0250") + 1), moved("DTP*472", place_of("CL1"))]
    variants += [moved("DTP*472", place_of("SBR*S") + 1)]
    variants += [moved(begin, place_of("HL*3") + 1) for begin in ("DMG*D8*20241230", "N4*ANYWHERE*MD*20901", "SBR*P")]
    found = named(preflight, tmp_path, variants)
    assert all("B-MISPLACED" in rules for rules in found), found


def test_the_segments_of_a_claim_may_come_in_another_order(preflight: Preflight, tmp_path: Path) -> None:
    """Within their part of the claim, the order of segments does not matter."""
    of_claim = ("DTP*434", "DTP*435", "CL1", "HI*ABK", "HI*ABF", "HI*BBR", "NM1*71*1*ATT", "NM1*72*1*OPE")
    variants = [moved(begin, place_of(where)) for begin in of_claim for where in ("DTP*096", "SBR*S")]
    at = place_of("DTP*472")
    variants.append(
        [*LEVELS[:at], "REF*6R*LINE1", "PWK*OZ*BM***AC*1", *LEVELS[at:]]
    )  # a day that is not next to its line
    variants.append([*LEVELS[:at], "NM1*72*1*LINE*LEVEL****XX*1999999992", *LEVELS[at:]])
    assert named(preflight, tmp_path, variants) == [{"read"}] * len(variants)


@pytest.mark.parametrize("begin", ["CL1", "HI*ABK", "SV2*0120", "DTP*434"])
def test_a_segment_of_a_claim_before_it_refuses_the_file(preflight: Preflight, tmp_path: Path, begin: str) -> None:
    at = place_of(begin)
    rest = LEVELS[:at] + LEVELS[at + 1 :]
    result = check(preflight, tmp_path, [*rest[: place_of("CLM")], LEVELS[at], *rest[place_of("CLM") :]])
    (problem,) = [problem for problem in result.receipt.problems if problem.rule == "B-OUTSIDE-CLAIM"]
    assert begin.partition("*")[0] in problem.message and problem.file == "a.837" and not result.accepted


@pytest.mark.parametrize(
    ("name", "damaged", "rule"),
    [
        ("CLM", "clm", "B-ENVELOPE"), ("SV2*0250", "sv2*0250", "B-ENVELOPE"), ("HI*ABF", "hi*ABF", "B-ENVELOPE"),
        ("CLM", "CLMX", "B-ENVELOPE"), ("CLM*", "C*", "B-ENVELOPE"), ("CLM", "CLN", "B-OUTSIDE-CLAIM"),
        ("HI*ABF", "HIX*ABF", "B-SEGMENT-UNKNOWN"), ("DMG*D8*20241230", "DMQ*D8*20241230", "B-SEGMENT-UNKNOWN"),
    ],
)  # fmt: skip
def test_a_segment_under_another_name_is_not_left_out_silently(
    preflight: Preflight, tmp_path: Path, name: str, damaged: str, rule: str
) -> None:
    at = place_of(name)
    result = check(preflight, tmp_path, [*LEVELS[:at], LEVELS[at].replace(name, damaged, 1), *LEVELS[at + 1 :]])
    (problem,) = [problem for problem in result.receipt.problems if problem.rule == rule]
    assert f"segment {at + (14 if rule != 'B-OUTSIDE-CLAIM' else 16)}" in problem.message and result.accepted == (
        rule == "B-SEGMENT-UNKNOWN"
    )


def test_an_empty_segment_is_named_with_its_number(preflight: Preflight, tmp_path: Path) -> None:
    content = interchange(LEVELS)
    result = preflight.check(write(tmp_path, content.replace("~\nCL1", "~~\nCL1"), ONE))
    assert f"segment {content[: content.index('CL1')].count('~') + 1} is empty" in result.summary()


def test_codes_with_the_separator_of_repetitions_are_codes(preflight: Preflight, tmp_path: Path) -> None:
    codes = ("HI*ABK:M1611", "HI*ABF:E119:::::::Y^ABF:I10:::::::N*ABF:J449", "HI*ABF:D649^ABF:N179")
    result = check(preflight, tmp_path, [*patient(), *claim(ONE, codes=codes)])
    assert not rules(result)
    assert discharges(preflight)[0]["diagnoses"] == "E119:Y|I10:N|J449|D649|N179"


def test_a_repeated_element_is_named(preflight: Preflight, tmp_path: Path) -> None:
    text = "\n".join(LEVELS)
    several = {
        "SV2*0120*": "SV2*0120^0250*", "D8*20250102\n": "D8*20250102^20250103\n", "*MA\n": "*MA^BL\n",
        "DMG*D8*20241230*": "DMG*D8*20241230^20241231*", "MD*20901": "MD*20901^20902", "CL1*3*1*01": "CL1*3*1*01^02",
        "XX*1234567893": "XX*1234567893^1999999992", "11:A:1*": "11:A:1^11:A:7*",
    }  # fmt: skip
    assert all(text.count(one) for one in several)
    found = named(preflight, tmp_path, [text.replace(*pair, 1).split("\n") for pair in several.items()])
    assert all("B-REPEATED" in rules for rules in found), found


def test_races_may_be_several(preflight: Preflight, tmp_path: Path) -> None:
    segments = [s.replace("20241230*M", "20241230*M**:RET:1002-5^:RET:2106-3") for s in LEVELS]
    result = check(preflight, tmp_path, segments)
    assert result.accepted and not rules(result)


def test_codes_of_an_unknown_kind_are_counted(preflight: Preflight, tmp_path: Path) -> None:
    result = check(preflight, tmp_path, [*patient(), *claim(ONE, codes=("HI*ABK:M1611", "HI*abf:I10", "HI*DR:470"))])
    assert result.accepted and rules(result) == {"B-CODE-KIND"}


@pytest.mark.parametrize(("usage", "expected"), [("P", set()), ("T", {"B-TEST"}), ("I", {"B-ENVELOPE"})])
def test_bills_of_a_test_are_named(preflight: Preflight, tmp_path: Path, usage: str, expected: set[str]) -> None:
    result = preflight.check(write(tmp_path, interchange(LEVELS).replace("*0*P*:", f"*0*{usage}*:"), ONE))
    assert rules(result) == expected and result.accepted == (usage != "I")
    assert ("marked as a test" in result.summary() and "marked as a test" in result.html()) == (usage == "T")


FIRST = claim(ONE, frequency="2", last="20250107", status="30")
MIDDLE = claim(ONE, frequency="3", first="20250108", last="20250114", status="30")
LAST = claim(ONE, frequency="4", first="20250115", last="20250120", status="03")


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (2, 0, 1)])
def test_the_last_statement_states_how_the_stay_ended(
    preflight: Preflight, tmp_path: Path, order: tuple[int, ...]
) -> None:
    """Interim bills made on one day may be written in any order."""
    parts = [(FIRST, MIDDLE, LAST)[number] for number in order]
    result = preflight.check(write(tmp_path, interchange(patient(), *parts), ONE))
    assert result.accepted and not rules(result), result.summary()
    (row,) = discharges(preflight)
    assert (str(row["discharge_date"]), row["discharge_disposition"]) == ("2025-01-20", "03")


@pytest.mark.parametrize(
    ("rule", "parts"),
    [
        ("B-SAME-DAYS", (FIRST, MIDDLE, LAST, MIDDLE)),
        ("B-SAME-DAYS", (FIRST, MIDDLE, LAST, FIRST)),
        ("B-DAYS-MISSING", (claim(ONE), claim(ONE, frequency="3", first="20250110", last="20250114"))),
        ("B-DAYS-MISSING", (claim(ONE), claim(ONE, frequency="3", first="20250106", last="20250114", status="30"))),
        ("B-OTHER-PATIENT", (FIRST, *(patient(5, born="19500110"), MIDDLE, LAST))),
        ("B-OTHER-PATIENT", (claim(ONE), patient(5, sex="M"), claim(ONE, frequency="5", lines=LINE))),
        ("B-STATUS", (claim(ONE, status="30"),)),
        ("B-STATUS", (FIRST, MIDDLE, LAST, claim(ONE, frequency="3", first="20250121", last="20250125", status="30"))),
        ("B-STATUS", (claim(ONE, frequency="7"), claim(ONE, frequency="5", status="30", lines=LINE))),
        ("B-STATUS", (FIRST, MIDDLE, claim(ONE, frequency="4", first="20250115", last="20250120", status="30"))),
        ("B-STATUS", (claim(ONE), claim(ONE, frequency="5", status="30", lines=LINE))),
    ],
)
def test_bills_that_contradict_each_other_are_named(
    preflight: Preflight, tmp_path: Path, rule: str, parts: tuple[list[str], ...]
) -> None:
    result = preflight.check(write(tmp_path, interchange(patient(), *parts), ONE))
    assert rule in rules(result), result.summary()
    assert set(bills(result)) == {"counted"}  # no bill waits for another quarter
    if rule == "B-STATUS":  # as a table may have, too: the settlement excludes the stay
        assert result.accepted and discharges(preflight)[0]["discharge_disposition"] == "30"
    else:
        assert not result.accepted
        assert {_claim(row.value) for row in result.rows if row.rule == rule} == {"7766"}


@pytest.mark.parametrize("late", [{"last": "20250107"}, {"status": "02"}])
def test_late_charges_that_move_the_end_are_accepted_and_named(
    preflight: Preflight, tmp_path: Path, late: dict[str, str]
) -> None:
    parts = (claim(ONE), claim(ONE, frequency="5", lines=LINE, **late))  # type: ignore[arg-type]
    result = preflight.check(write(tmp_path, interchange(patient(), *parts), ONE))
    assert result.accepted and rules(result) == {"B-LATE-MOVES"}, result.summary()
    (row,) = discharges(preflight)
    assert (str(row["discharge_date"]), row["discharge_disposition"]) == (
        "2025-01-07" if "last" in late else "2025-01-05", late.get("status", "01"),
    )  # fmt: skip


@pytest.mark.parametrize("where", ["SV2*0250", "DTP*472"])
def test_two_charge_lines_of_one_loop_quarantine_the_bill_with_its_segment(
    preflight: Preflight, tmp_path: Path, where: str
) -> None:
    at = place_of(where) + 1
    doubled = [*LEVELS[:at], "SV2*0360**10*UN*1", *LEVELS[at:]]
    outside = [segment for segment in LEVELS if not segment.startswith("LX*1")]
    found = named(preflight, tmp_path, [doubled, outside])
    assert found[0] == {"B-LINE"} and "B-LINE" in found[1]


OTHER_PEOPLE = ("NM1*71*1*OTHER*ANN****XX*1999999992",)
OTHER_CODES = ("HI*ABK:I10:::::::Y",)


@pytest.mark.parametrize(
    ("changed", "is_named"),
    [({}, False), ({"people": OTHER_PEOPLE}, True), ({"codes": OTHER_CODES}, True), ({"status": "02"}, True),
     ({"people": ()}, False), ({"codes": ()}, False)],
)  # fmt: skip
def test_bills_of_a_stay_that_differ_are_named_and_the_last_one_counts(
    preflight: Preflight, tmp_path: Path, changed: dict[str, Any], is_named: bool
) -> None:
    first = claim(ONE, frequency="2", last="20250103", lines=LINE, **({"status": "30"} | changed))
    going = claim(ONE, frequency="3", first="20250103", last="20250104", lines=LINE, status="30")
    last = claim(ONE, frequency="4", first="20250104", last="20250105", lines=LINE)
    result = preflight.check(write(tmp_path, interchange(patient(), first, going, last), ONE))
    assert result.accepted and ("B-BILLS-DIFFER" in rules(result)) == is_named, result.summary()
    (row,) = discharges(preflight)
    preflight.check(write(tmp_path / "plain", interchange(patient(), claim(ONE)), ONE))
    (expected,) = discharges(preflight)
    for name in ("attending_npi", "principal_diagnosis", "discharge_disposition"):
        assert row[name] == expected[name]
    if is_named:
        assert "a.837" in result.summary() and f"…{ONE[-4:]}" in result.summary()


@pytest.mark.parametrize(
    ("frequency", "changed", "rule"),
    [
        ("8", {}, ""), ("8", {"total": "4.51"}, "B-VOID-DIFFERS"), ("8", {"last": "20250106"}, "B-VOID-DIFFERS"),
        ("8", {"first": "20250103"}, "B-VOID-DIFFERS"), ("7", {}, ""), ("7", {"total": "4.50"}, ""),
        ("7", {"last": "20250104"}, "B-REPLACED-DIFFERS"),
    ],
)  # fmt: skip
def test_a_replacement_or_void_with_other_days_or_dollars_is_named_with_its_segment(
    preflight: Preflight, tmp_path: Path, frequency: str, changed: dict[str, str], rule: str
) -> None:
    again = claim(ONE, frequency=frequency, lines=LINE, **changed)
    bill = interchange(patient(), claim("1", lines=LINE), claim(ONE, lines=LINE), again)
    result = preflight.check(write(tmp_path, bill, "1", *([ONE] if frequency == "7" else [])))
    assert result.accepted, result.summary()
    found = [problem for problem in result.receipt.problems if problem.rule.endswith("-DIFFERS")]
    assert [problem.rule for problem in found] == ([rule] if rule else [])
    for problem in found:
        segments = bill.split("~\n")
        assert problem.file == "a.837" and problem.row is not None
        assert segments[problem.row - 1] == again[0] and f"claim …{ONE[-4:]}, segment {problem.row}" in problem.message


def test_a_void_of_one_of_several_interim_bills_is_named(preflight: Preflight, tmp_path: Path) -> None:
    parts = [
        claim(ONE, frequency="2", last="20250103", status="30", lines=LINE),
        claim(ONE, frequency="4", first="20250103", lines=LINE),
        claim(ONE, frequency="8", first="20250103", lines=LINE),
    ]
    result = preflight.check(write(tmp_path, interchange(patient(), claim("1"), *parts), "1"))
    assert {"B-VOID-DIFFERS", "B-VOIDED"} <= rules(result), result.summary()


HEADER = "account_no,patient_id,grouper_version,apr_drg,severity_of_illness,risk_of_mortality"


@pytest.mark.parametrize(
    ("rows", "refused", "reported"),
    [
        ([f"{ONE},P1,42,301,2,1"], "", ""),
        ([f"{ONE}.0,P1,42,301.0,2.0,1.0"], "", "B-GROUPING-DECIMALS"),
        ([f'="{ONE}",P1,42,301,2,1'], "", ""),
        ([f"{ONE},P1,42,301,2,1", ",,,,,", ",,,", "", " , , , , , "], "", "F-BLANK-ROWS"),
        ([f"{ONE},P1,42,301,2,1", "Total,1,,,,"], "F-TOTAL-ROW", ""),
        ([f"{ONE},P1,42,301,2,1", ",Grand total,,,,1"], "F-TOTAL-ROW", ""),
        ([f"{ONE},P1,42,301,2,1", HEADER], "F-HEADER-REPEATED", ""),
        (["9.98878E+07,P1,42,301,2,1"], "F-DIGITS-LOST", ""),
        ([f"{ONE},P1,42,301,2,1", f"{ONE}.0,P1,42,301,2,2"], "", "B-GROUPING-REPEATED"),
    ],
)
def test_spreadsheet_formats_of_the_grouping_file_are_read_or_refused(
    preflight: Preflight, tmp_path: Path, rows: list[str], refused: str, reported: str
) -> None:
    folder = write(tmp_path, interchange(patient(), claim(ONE)))
    (folder / "grouping.csv").write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    result = preflight.check(folder)
    refusing = {problem.rule for problem in result.receipt.problems if problem.refuses}
    if refused:
        assert refusing == {refused}, result.summary()
        assert all(p.file == "grouping.csv" and p.row for p in result.receipt.problems if p.rule == refused)
        return
    assert not reported or reported in rules(result), result.summary()
    if reported != "B-GROUPING-REPEATED":
        assert result.accepted, result.summary()
        (row,) = discharges(preflight)
        assert (row["patient_id"], row["apr_drg"], row["severity_of_illness"]) == ("P1", "301", "2")
        assert not {"B-NO-BILL", "B-GROUPING-ROW"} & rules(result)

"""Bills that are refused or quarantined: by file, segment and the last four characters of the claim."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import polars as pl
import pytest

from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.hospital.ingest import ingest_quarter
from hcip_pipeline.intake.hospital.preflight import Preflight
from hcip_pipeline.policy.model import Policy
from tests.bill_checks import QUARTER, bill_preflight, bill_reference, rules  # noqa: F401 - fixtures
from tests.bills import claim, interchange, patient, write

pytestmark = pytest.mark.slow

ONE = "250000001"

FRACTION = (("0120", "1.005", "1", ""),)

#: Interim bills of one stay, and its late charges.
WEEKS = [
    claim("99887766", frequency="2", last="20250107", status="30"),
    claim("99887766", frequency="3", first="20250108", last="20250114", status="30"),
    claim("99887766", frequency="4", first="20250115", last="20250120"),
]

LATE = claim("99887766", frequency="5", first="20250115", last="20250120")


@pytest.mark.parametrize(
    ("rule", "content", "accounts"),
    [
        ("B-NOT-GROUPED", interchange(patient(), claim("99887766")), ("1",)),
        ("B-LATE-ALONE", interchange(patient(), claim("99887766", frequency="5")), ("99887766",)),
        ("B-SAME-DAYS", interchange(patient(), *WEEKS, WEEKS[2]), ("99887766",)),
        ("B-SAME-DAYS", interchange(patient(), *WEEKS, claim("99887766", last="20250115")), ("99887766",)),
        ("B-SAME-DAYS", interchange(patient(), *WEEKS, LATE, LATE), ("99887766",)),
        ("B-DAYS-MISSING", interchange(patient(), *WEEKS[1:]), ("99887766",)),
        ("B-DAYS-MISSING", interchange(patient(), WEEKS[0], WEEKS[2]), ("99887766",)),
        ("B-STATEMENT", interchange(patient(), claim("99887766", first="20250109")), ("99887766",)),
        ("B-FREQUENCY", interchange(patient(), claim("99887766", frequency="Q")), ("99887766",)),
        ("B-HIERARCHY", interchange(["HL*2*7*22*0", *patient()[1:]], claim("99887766")), ("99887766",)),
        ("D-KEY-REPEATED", interchange(patient(), claim("99887766"), claim("99887766", status="03")), ("99887766",)),
        ("D-CHARGES-DIFFER", interchange(patient(), claim("99887766", total="7")), ("99887766",)),
        ("D-DISCHARGE-OUTSIDE-QUARTER", interchange(patient(), claim("99887766", last="20250402")), ("99887766",)),
        ("D-DATE-UNREADABLE", interchange(patient(), claim("99887766", admitted="20250230")), ("99887766",)),
        ("C-MONEY-INVALID", interchange(patient(), claim("99887766", lines=FRACTION)), ("99887766",)),
        ("D-KEY-MISSING", interchange(patient(), claim("")), ("1",)),
    ],
)  # fmt: skip
def test_a_rejected_claim_is_named_by_file_segment_and_last_four(
    preflight: Preflight, tmp_path: Path, rule: str, content: str, accounts: tuple[str, ...]
) -> None:
    result = preflight.check(write(tmp_path, content, *accounts))
    assert rule in rules(result), result.summary()
    found = next(finding for finding in result.rows if finding.rule == rule)
    segments = content.split("~\n")
    assert found.file == "a.837"
    assert segments[found.row - 1].startswith(("SV2" if rule.startswith("C-") else "CLM", "CLM"))
    assert found.value.partition(":")[0] == ("claim …" if rule == "D-KEY-MISSING" else "claim …7766")
    assert "99887766" not in result.summary() and "99887766" not in result.html()


def test_a_warning_quarantines_nothing(preflight: Preflight, tmp_path: Path) -> None:
    icd_9 = claim(codes=("HI*BK:3669",))
    result = preflight.check(write(tmp_path, interchange(patient(), icd_9, npi="1234567893"), ONE, "NOBODY"))
    assert result.accepted
    assert rules(result) >= {"B-ICD-9", "B-OTHER-PROVIDER", "B-NO-BILL"}


WHOLE = interchange(patient(), claim())

LEVEL_OUTSIDE = WHOLE.replace("GE*1", "HL*9**20*0~\nGE*1")

WRONG_COUNT = re.sub(r"SE\*\d+", "SE*99", WHOLE)


@pytest.mark.parametrize(
    ("rule", "words", "content"),
    [
        ("B-TRUNCATED", "after 1 claim in ", WHOLE[: WHOLE.index("SE*")]),
        ("B-TRUNCATED", "after 0 claims", WHOLE[:60]),
        ("B-TRUNCATED", "after 1 claim in ", WHOLE[:-5]),
        ("B-ENVELOPE", "not an X12 interchange", "account_no,total\n1,2\n"),
        ("B-ENVELOPE", "not an X12 interchange", "%PDF-1.7 \xff\xfe\x00\x01"),
        ("B-ENVELOPE", "after its end", WHOLE + "HELLO"),
        ("B-ENVELOPE", "fixed width", WHOLE.replace("*00*          *", "*00**", 1)),
        ("B-ENVELOPE", "separators", WHOLE.replace("*P*:~", "*P**~", 1)),
        ("B-ENVELOPE", "outside ST and SE", LEVEL_OUTSIDE),
        ("B-ENVELOPE", "follows", WHOLE.replace("GE*1*1~\n", "")),
        ("B-CONTROL", "SE01 is 99", WRONG_COUNT),
        ("B-CONTROL", "GE02 is not the control number", WHOLE.replace("GE*1*1~", "GE*1*2~")),
        ("B-CONTROL", "IEA01 is 2", WHOLE.replace("IEA*1*", "IEA*2*")),
        ("B-VERSION", "005010X222A1", WHOLE.replace("005010X223A2", "005010X222A1")),
        ("B-VERSION", "00501", WHOLE.replace("*00501*", "*00401*")),
        ("B-CONTROL-CHARACTER", "control characters", WHOLE.replace("ATTENDING", "ATT\x07END")),
        ("B-SEGMENT-ENDLESS", "does not end within 64 KiB", WHOLE.replace("NM1*71", "NM1*" + "A" * 200_000)),
        ("F-EMPTY", "is empty", "\n \n"),
        ("F-NO-ROWS", "no claim", interchange(patient())),
    ],
)
def test_an_invalid_interchange_is_refused_in_one_line(
    preflight: Preflight, tmp_path: Path, rule: str, words: str, content: str
) -> None:
    result = preflight.check(write(tmp_path, content, ONE))
    assert not result.accepted
    stated = [problem for problem in result.receipt.problems if problem.rule == rule]
    assert stated and words in stated[0].message, result.summary()
    assert stated[0].file == "a.837"
    assert all(file.sha256 for file in result.receipt.files)
    assert result.receipt.rows("discharges", "read") == 0


def test_a_huge_file_without_an_end_costs_little(preflight: Preflight, tmp_path: Path) -> None:
    head = interchange(patient(), claim()).split("GS*", maxsplit=1)[0]
    for filling in ("A" * 3_000_000, "IEA*" * 700_000, "\n" * 3_000_000, "IEA\n" * 700_000):
        result = preflight.check(write(tmp_path, head + filling, ONE))
        assert rules(result) & {"B-SEGMENT-ENDLESS", "B-TRUNCATED"}, result.summary()


def test_a_packed_file_that_is_cut_is_refused(preflight: Preflight, tmp_path: Path) -> None:
    packed = gzip.compress(interchange(patient(), claim()).encode())
    result = preflight.check(write(tmp_path, {"a.837.gz": packed[:-20]}, ONE))
    assert "F-COMPRESSION" in rules(result) or "B-TRUNCATED" in rules(result)


def test_bills_and_tables_in_one_folder_are_refused(preflight: Preflight, tmp_path: Path) -> None:
    folder = write(tmp_path, interchange(patient(), claim()), ONE)
    (folder / "charges.csv").write_text("hospital_ccn\n")
    assert "F-AMBIGUOUS" in rules(preflight.check(folder))


def test_bills_without_a_grouping_file_are_refused_until_it_comes(
    reference: dict[str, pl.DataFrame], preflight: Preflight, tmp_path: Path
) -> None:
    folder = write(tmp_path, interchange(patient(), claim()))
    result = preflight.check(folder)
    assert not result.accepted and "there is no grouping file" in result.summary()
    assert rules(result) == {"F-MISSING"}  # but not each cell that the file would have filled
    home, policy = Home(tmp_path), Policy(version="test", base_year=2024)
    (receipt,) = ingest_quarter(home, QUARTER, policy, reference=reference)
    assert receipt.status == "refused"
    write(tmp_path, {}, ONE)
    (receipt,) = ingest_quarter(home, QUARTER, policy, reference=reference)
    assert receipt.status == "accepted" and receipt.earlier


def test_the_share_of_faulty_bills_names_the_first_one_by_its_own_file(preflight: Preflight, tmp_path: Path) -> None:
    """Segments are numbered across all files, but people look for them in one."""
    good, faulty = interchange(patient(), claim("A1")), interchange(patient(), claim("A2", frequency="9"))
    segment = faulty.split("CLM*")[0].count("~") + 1
    found = preflight.check(write(tmp_path, {"a.837": good, "b.837": faulty}, "A1", "A2"))
    (message,) = [problem.message for problem in found.receipt.problems if problem.rule == "S-ERROR-RATE"]
    assert message.startswith("1 of 2 rows breaks an ERROR rule, more than 1%; most often B-FREQUENCY ("), message
    assert message.endswith(f"), 1 row, first in b.837 segment {segment}, claim …2"), message

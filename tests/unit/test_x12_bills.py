"""Bills as a submission: how they are read, how several bills of an account combine, and which are refused."""

from __future__ import annotations

import gzip
import re
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from hcip_pipeline.errors import UsageError
from hcip_pipeline.guides.examples import EXAMPLES
from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.hospital.ingest import ingest_quarter, lake_path, quarantine_path
from hcip_pipeline.intake.hospital.preflight import Preflight
from hcip_pipeline.intake.hospital.receipts import SubmissionReceipt
from hcip_pipeline.policy.model import Policy
from hcip_pipeline.reference.tables import load_reference
from tests.bill_checks import QUARTER, bill_preflight, bill_reference, bills, charges, discharges, rules  # noqa: F401 - fixtures
from tests.bills import ATTENDING, CCN, OPERATING, OTHER_PAYER, Signs, claim, interchange, patient, write
from tests.pyx12_claims import is_valid

pytestmark = pytest.mark.slow

ONE = "250000001"
FRACTION = (("0120", "1.005", "1", ""),)


def test_a_bill_is_a_discharge_with_its_lines(preflight: Preflight, tmp_path: Path) -> None:
    result = preflight.check(write(tmp_path, interchange(patient(), claim()), ONE))
    assert result.accepted, result.summary()
    (row,) = discharges(preflight)
    found = {name: str(row[name]) for name in row if row[name] is not None}
    expected = {
        "account_no": ONE, "patient_id": f"P{ONE}", "birth_date": "1950-01-01", "sex": "F", "zip_code": "21216",
        "admit_date": "2025-01-02", "discharge_date": "2025-01-05", "nature_of_admission": "5",
        "source_of_admission": "01", "discharge_disposition": "01", "primary_payer": "01", "attending_npi": ATTENDING,
        "operating_npi": OPERATING, "principal_diagnosis": "M1611", "diagnoses": "E119:Y|I10:N",
        "procedures": "0SR90JZ:2025-01-02", "grouper_version": "42", "apr_drg": "301", "severity_of_illness": "2",
        "risk_of_mortality": "1", "total_charges": "5000.25",
    }  # fmt: skip
    assert {name: found[name] for name in expected} == expected
    assert charges(preflight) == [
        (ONE, "0120", "2025-01-02", 3, Decimal("4800.00")),
        (ONE, "0250", "2025-01-02", 4, Decimal("200.25")),  # without a day of its own: the statement's first
    ]
    assert result.receipt.shape == "X12 837 institutional"
    assert bills(result) == {"counted": (1, Decimal("5000.25"))}


@pytest.mark.parametrize(
    "signs",
    [
        Signs(after=""),
        Signs(after="\r\n"),
        Signs(segment="\n", after=""),
        Signs(segment="\r", after="\n"),
        Signs("|", ">", "!", "'", "  \n"),
        Signs("\x1d", "\x1f", "\x1e", "\x1c", ""),
        Signs("+", "~", "*", "\\", "\n"),
        Signs("\xa7", "\xb6", "\xa4", "\xac", ""),
    ],
    ids=repr,
)
def test_separators_are_those_of_the_envelope(preflight: Preflight, tmp_path: Path, signs: Signs) -> None:
    preflight.check(write(tmp_path / "plain", interchange(patient(), claim()), ONE))
    plain = discharges(preflight), charges(preflight)
    result = preflight.check(write(tmp_path / "odd", interchange(patient(), claim(), signs=signs), ONE))
    assert result.accepted, result.summary()
    assert (discharges(preflight), charges(preflight)) == plain


def test_interchanges_with_different_separators_may_be_in_one_file(preflight: Preflight, tmp_path: Path) -> None:
    two = interchange(patient(), claim()) + "\n" + interchange(patient(), claim("250000002"), signs=Signs("|", ">"))
    result = preflight.check(write(tmp_path, {"A.EDI.GZ": gzip.compress(two.encode())}, ONE, "250000002"))
    assert result.accepted, result.summary()
    assert [row["account_no"] for row in discharges(preflight)] == [ONE, "250000002"]


def test_the_patient_is_the_patient_loops_and_not_the_payers(preflight: Preflight, tmp_path: Path) -> None:
    child = patient(child=("20241230", "M", "20901"))
    result = preflight.check(
        write(tmp_path, interchange(child, claim(), patient(4), claim("250000002")), ONE, "250000002")
    )
    assert result.accepted, result.summary()
    first, second = discharges(preflight)
    assert (str(first["birth_date"]), first["sex"], first["zip_code"]) == ("2024-12-30", "M", "20901")
    assert (str(second["birth_date"]), second["sex"], second["zip_code"]) == ("1950-01-01", "F", "21216")


def test_other_payers_providers_are_not_the_claims(preflight: Preflight, tmp_path: Path) -> None:
    theirs = (*OTHER_PAYER, "NM1*71*1*THEIRS****XX*1999999992", "NM1*72*1*THEIRS****XX*1999999992")
    people = (f"NM1*71*1*ATTENDING*ANN****XX*{ATTENDING}",)
    result = preflight.check(write(tmp_path, interchange(patient(), claim(people=people, others=theirs)), ONE))
    assert result.accepted
    (row,) = discharges(preflight)
    assert (row["attending_npi"], row["operating_npi"]) == (ATTENDING, None)


def test_the_primary_payer_may_be_one_of_the_claim(preflight: Preflight, tmp_path: Path) -> None:
    other = ("SBR*P*18*******CI", *OTHER_PAYER[1:])
    result = preflight.check(write(tmp_path, interchange(patient(order="S"), claim(others=other)), ONE))
    assert result.accepted
    assert discharges(preflight)[0]["primary_payer"] == "05"


def test_a_license_is_not_an_npi_and_procedures_keep_their_order(preflight: Preflight, tmp_path: Path) -> None:
    codes = (
        "HI*ABK:M1611",
        "HI*BBR:0SR90JZ:D8:20250102",
        "HI*BBQ:3E03317:D8:20250103*BBQ:0W9G3ZZ:D8:20250104",
        "HI*DR:470",
    )
    people = ("NM1*71*1*JONES*JOHN*J", "REF*1G*B99937")
    preflight.check(write(tmp_path, interchange(patient(), claim(codes=codes, people=people)), ONE))
    (row,) = discharges(preflight)
    assert row["procedures"] == "0SR90JZ:2025-01-02|3E03317:2025-01-03|0W9G3ZZ:2025-01-04"
    assert row["attending_npi"] is None and row["diagnoses"] is None


def test_several_bills_of_an_account_are_one_stay(preflight: Preflight, tmp_path: Path) -> None:
    parts = (
        claim(frequency="2", last="20250131", status="30", lines=(("0120", "100", "29", ""),)),
        claim(frequency="3", first="20250201", last="20250228", status="30", lines=(("0120", "200", "28", ""),)),
        claim(frequency="4", first="20250301", last="20250310", status="03", lines=(("0120", "300", "9", ""),)),
        claim(frequency="5", first="20250301", last="20250310", status="", lines=(("0250", "4.5", "1", ""),)),
    )
    result = preflight.check(write(tmp_path, interchange(patient(), *parts), ONE))
    assert result.accepted, result.summary()
    (row,) = discharges(preflight)
    assert [str(row[name]) for name in ("admit_date", "discharge_date", "discharge_disposition", "total_charges")] == [
        "2025-01-02", "2025-03-10", "03", "604.50",
    ]  # fmt: skip
    assert [str(line[4]) for line in charges(preflight)] == ["100.00", "200.00", "300.00", "4.50"]
    assert bills(result) == {"counted": (4, Decimal("604.50"))}


def test_a_bill_replaces_or_voids_earlier_bills(preflight: Preflight, tmp_path: Path) -> None:
    """In the order of BHT04, then of file names, then of positions; files are read by name."""
    line = (("0120", "100", "1", ""),)
    more = (("0120", "111.5", "1", ""),)
    files = {
        "a.837": interchange(patient(), claim(frequency="7", lines=more), made="20250402"),
        "b.837": interchange(
            patient(), claim(lines=line), claim("V", lines=line), claim("W", lines=line), made="20250401",
        ),
        "c.837": interchange(
            patient(), claim("V", frequency="8", lines=line), claim("W", frequency="8", lines=line),
            claim("W", lines=more), made="20250403",
        ),
    }  # fmt: skip
    result = preflight.check(write(tmp_path, files, ONE, "V", "W"))
    assert result.accepted, result.summary()
    assert [(row["account_no"], str(row["total_charges"])) for row in discharges(preflight)] == [
        (ONE, "111.50"), ("W", "111.50"),
    ]  # fmt: skip
    assert bills(result) == {
        "counted": (2, Decimal("223.00")), "replaced": (1, Decimal("100.00")), "void": (2, Decimal("200.00")),
        "voided": (2, Decimal("200.00")),
    }  # fmt: skip
    assert rules(result) == {"B-REPLACED", "B-VOIDED"}
    by_file = {(f.table, f.name): int(f.rows.accepted) for f in result.receipt.files}
    assert by_file["discharges", "a.837"] == by_file["discharges", "c.837"] == 1
    assert by_file["discharges", "b.837"] == by_file["charges", "b.837"] == 0
    assert result.receipt.rows("discharges") == 2
    assert SubmissionReceipt.from_dict(result.receipt.as_dict()) == result.receipt


def test_a_void_without_its_bill_is_named(preflight: Preflight, tmp_path: Path) -> None:
    content = interchange(patient(), claim(), claim("V", frequency="8"))
    result = preflight.check(write(tmp_path, content, ONE))
    assert result.accepted and rules(result) == {"B-VOID-ALONE"}, result.summary()
    assert bills(result)["void of nothing"][0] == bills(result)["counted"][0] == 1


def test_late_charges_decide_the_patient_status(preflight: Preflight, tmp_path: Path) -> None:
    late = claim(frequency="5", first="20250105", last="20250107", status="02", lines=(("0250", "4.5", "1", ""),))
    result = preflight.check(write(tmp_path, interchange(patient(), claim(), late), ONE))
    (row,) = discharges(preflight)
    assert (str(row["discharge_date"]), row["discharge_disposition"]) == ("2025-01-07", "02"), result.summary()


def test_bills_without_a_stay_are_counted_separately(preflight: Preflight, tmp_path: Path) -> None:
    line = (("0120", "100", "1", ""),)
    parts = (
        claim("1", lines=line), claim("2", lines=line, facility="13"),
        claim("3", lines=line, frequency="2", status="30"),
    )  # fmt: skip
    result = preflight.check(write(tmp_path, interchange(patient(), *parts), "1"))
    assert result.accepted, result.summary()
    one = (1, Decimal("100.00"))
    assert bills(result) == {"counted": one, "not inpatient": one, "still a patient": one}
    assert [row["account_no"] for row in discharges(preflight)] == ["1"]


def test_grouping_cells_are_read_as_people_write_them(preflight: Preflight, tmp_path: Path) -> None:
    folder = write(tmp_path, interchange(patient(payer="MC"), claim(), claim("2")))
    (folder / "Grouping.CSV").write_text(
        "Account_No;patient_id;grouper_version;apr_drg;severity_of_illness;risk_of_mortality;nature_of_admission;primary_payer\n"
        f"{ONE};P1;V42;45;2.0;NULL;1;14\n{ONE};P1;V42;45;2.0;NULL;1;14\n2;P2;42;301;1;1;;\n"
    )
    result = preflight.check(folder)
    assert result.accepted, result.summary()
    first = next(row for row in discharges(preflight) if row["account_no"] == ONE)
    reported = [
        first[name]
        for name in ("apr_drg", "grouper_version", "severity_of_illness", "nature_of_admission", "primary_payer")
    ]
    assert reported == ["045", "42", "2", "1", "14"]
    assert rules(result) >= {"D-CODE-PADDED", "D-CODE-SPELLING", "D-PLACEHOLDER"}


def test_the_lake_and_quarantine_name_file_and_segment(reference: dict[str, pl.DataFrame], tmp_path: Path) -> None:
    many = [claim(str(n)) for n in range(1000, 1200)]
    first, second = interchange(patient(), *many[:150]), interchange(patient(), *many[150:], claim("55556666"))
    write(tmp_path, {"a.837": first, "b.837": second}, *(str(n) for n in range(1000, 1200)))
    home = Home(tmp_path)
    (receipt,) = ingest_quarter(home, QUARTER, Policy(version="test", base_year=2024), reference=reference)
    assert receipt.status == "accepted", receipt.problems
    kept = pl.read_parquet(lake_path(home, "charges", QUARTER, receipt.stem))
    text = {"a.837": first.split("~\n"), "b.837": second.split("~\n")}
    assert kept.height == 400
    assert all(
        text[file][row - 1].startswith("SV2") for file, row in kept.select("source_file", "source_row").iter_rows()
    )
    (lost,) = (
        pl.read_parquet(quarantine_path(home, QUARTER, receipt.stem))
        .filter(pl.col("rule") == "B-NOT-GROUPED")
        .to_dicts()
    )
    assert lost["file"] == "b.837" and text["b.837"][lost["row"] - 1].startswith("CLM*55556666")
    assert lost["value"].startswith("claim …6666")
    by_file = {
        (f.table, f.name): (int(f.rows.read), int(f.rows.accepted), f.error_rows) for f in receipt.files if f.table
    }
    assert by_file["discharges", "a.837"] == (150, 150, 0) and by_file["discharges", "b.837"] == (51, 50, 1)
    assert by_file["charges", "b.837"] == (102, 100, 0)


def test_bills_outside_an_inbox_are_known_by_their_provider_or_by_their_folder(
    preflight: Preflight, tmp_path: Path
) -> None:
    inside = write(tmp_path, interchange(patient(), claim()), ONE)
    desk = inside.rename(tmp_path / "desk")
    result = preflight.check(desk)
    assert result.accepted and result.title == f"2025Q1/{CCN}"
    (desk / "a.837").write_text(interchange(patient(), claim(), npi="1234567893"))
    with pytest.raises(UsageError, match="the bills do not identify the hospital"):
        preflight.check(desk)
    with pytest.raises(UsageError, match="together with their grouping file"):
        preflight.check(desk / "a.837")


def test_the_example_of_the_inbox_page_is_the_example_row_of_discharges(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "inbox.md").read_text(encoding="utf-8")
    section = page[page.index("### Bills in place of the tables") : page.index("### Errors in a submission")]
    bill, row = re.findall(r"```\n(.*?\n)```", section, re.S)
    inbox = tmp_path / "inbox"
    folder = inbox / "hospital" / "2025Q1" / EXAMPLES["hospitals"]["ccn"]
    folder.mkdir(parents=True)
    (folder / "bills.837").write_text(bill, encoding="ascii")
    (folder / "grouping.csv").write_text(row, encoding="ascii")
    (inbox / "reference").mkdir()
    for name in ("hospitals", "cost_factors"):
        pl.DataFrame([EXAMPLES[name]]).write_csv(inbox / "reference" / f"{name}.csv")
    assert is_valid(bill)
    with Preflight(load_reference(inbox)) as desk:
        result = desk.check(folder)
        assert result.accepted and not rules(result), result.summary()
        (read,) = discharges(desk)
    expected = {name: cell for name, cell in EXAMPLES["discharges"].items() if name in read and cell}
    assert {name: str(read[name]) for name in expected} == expected


def test_a_file_name_may_hold_a_quotation_mark(reference: dict[str, pl.DataFrame], tmp_path: Path) -> None:
    write(tmp_path, {"o'brien (1).837": interchange(patient(), claim())}, ONE)
    (receipt,) = ingest_quarter(Home(tmp_path), QUARTER, Policy(version="test", base_year=2024), reference=reference)
    assert receipt.status == "accepted"
    kept = pl.read_parquet(lake_path(Home(tmp_path), "discharges", QUARTER, receipt.stem))
    assert kept["source_file"].to_list() == ["o'brien (1).837"]

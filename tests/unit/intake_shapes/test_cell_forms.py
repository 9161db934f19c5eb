"""Cells in other forms: placeholders, identifiers as numbers, lists, dates, credits."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from hcip_pipeline.intake.hospital.judging import Judge
from tests.intake_submissions import CCN, Draft
from tests.unit.intake_shapes.shapes import (
    DAYS,
    US_DATE,
    both,
    cells,
    cycle,
    days,
    files,
    judged,
    rules_met,
)

pytestmark = pytest.mark.slow


def test_identifiers_that_a_data_frame_held_as_numbers_lose_their_decimals(judge: Judge, tmp_path: Path) -> None:
    receipt = judged(judge, tmp_path / CCN, both("account_no", lambda c: c.str.replace("A", "1") + ".0"))
    assert rules_met(receipt) == {"D-ID-FORM account_no": 120, "C-ID-FORM account_no": 360}
    assert judge.con.execute("select min(account_no), count(*) from fate where k is not null").fetchone() == (
        "110000", 120,
    )  # fmt: skip
    people = cells("discharges", "patient_id", lambda c: c.str.replace("P", "1") + ".0")()
    assert rules_met(judged(judge, tmp_path / "p" / CCN, people)) == {"D-ID-FORM patient_id": 120}
    with_gaps = cells("discharges", "patient_id", lambda c: cycle("7.0", "0.0", "nan", ""))()
    assert rules_met(judged(judge, tmp_path / "g" / CCN, with_gaps)) == {
        "D-ID-FORM patient_id": 30, "D-PLACEHOLDER patient_id": 60, "D-PATIENT-ID-MISSING patient_id": 90,
        "S-PATIENT-ID-MISSING": 0,
    }  # fmt: skip
    zips = cells("discharges", "zip_code", lambda c: cycle("21201.0", "2134.0", "601.0"))()
    assert rules_met(judged(judge, tmp_path / "z" / CCN, zips)) == {"D-CODE-PADDED zip_code": 120}
    assert judge.con.execute("select distinct zip_code from d order by 1").fetchall() == [
        ("00601",), ("02134",), ("21201",),
    ]  # fmt: skip


def test_one_patient_id_for_strangers_is_reported(judge: Judge, tmp_path: Path) -> None:
    draft = Draft()
    for row, born in ((3, "1956-03-02"), (4, "1957-03-02"), (5, "1958-03-02")):
        draft.set("discharges", row, "patient_id", "TEST").set("discharges", row, "birth_date", born)
    receipt = judged(judge, tmp_path / CCN, files(draft))
    assert (receipt.status, rules_met(receipt)) == ("accepted", {"D-PATIENT-ID-SHARED patient_id": 3})


def test_a_suffix_with_a_meaning_stays(judge: Judge, tmp_path: Path) -> None:
    visits = {"10000.0": "10000.1"}
    receipt = judged(judge, tmp_path / "v" / CCN, both("account_no", lambda c: (c.str.slice(1) + ".0").replace(visits)))
    assert (receipt.status, rules_met(receipt)) == ("accepted", {})
    assert judge.con.execute("select count(*) from fate where account_no like '%.0'").fetchone() == (119,)


PLACEHOLDERS = ("NULL", "null", "N/A", "NA", "nan", "None", "#N/A", ".", "-", "0", "UNKNOWN", "\\N", "<NA>", "(null)")


def test_a_placeholder_in_a_column_that_may_be_empty_is_read_as_empty(judge: Judge, tmp_path: Path) -> None:
    draft = Draft()
    optional = ("patient_id", "zip_code", "attending_npi", "operating_npi", "principal_diagnosis", "diagnoses",
                "procedures", "hac_flags")  # fmt: skip
    for row, word in enumerate(PLACEHOLDERS):
        for column in optional:
            draft.set("discharges", row, column, word)
    receipt = judged(judge, tmp_path / CCN, files(draft))
    assert (receipt.status, receipt.rows("discharges")) == ("accepted", 120)
    reported = {count.column: 0 for count in receipt.rules}
    for count in receipt.rules:
        reported[count.column] += count.rows * (count.rule in ("D-PLACEHOLDER", "D-LIST-FORM"))
    assert {column: reported[column] for column in optional} == dict.fromkeys(optional, len(PLACEHOLDERS))
    nothing = " and ".join(f"{column} is null" for column in optional)
    assert judge.con.execute(f"select count(*) from d where {nothing}").fetchone() == (len(PLACEHOLDERS),)


def test_a_placeholder_in_place_of_an_account_number_quarantines_the_row(judge: Judge, tmp_path: Path) -> None:
    draft = Draft().set("discharges", 7, "account_no", "NULL")
    for line in (21, 22, 23):
        draft.set("charges", line, "account_no", "NULL")
    receipt = judged(judge, tmp_path / CCN, files(draft))
    assert rules_met(receipt) == {"D-KEY-PLACEHOLDER account_no": 1, "C-DISCHARGE-QUARANTINED": 3}
    assert (receipt.status, receipt.rows("discharges"), receipt.rows("charges")) == ("accepted", 119, 357)
    for row, word in enumerate(PLACEHOLDERS):
        draft.set("discharges", row, "account_no", word)
    refused = judged(judge, tmp_path / "all" / CCN, files(draft))
    assert rules_met(refused)["D-KEY-PLACEHOLDER account_no"] == len(PLACEHOLDERS)


def test_a_placeholder_of_a_revenue_code_quarantines_the_stay(judge: Judge, tmp_path: Path) -> None:
    receipt = judged(judge, tmp_path / CCN, files(Draft().set("charges", 0, "revenue_code", "NULL")))
    assert rules_met(receipt) == {
        "C-CODE-PLACEHOLDER revenue_code": 1, "C-DISCHARGE-QUARANTINED": 2, "D-LINE-QUARANTINED": 1,
    }  # fmt: skip


@pytest.mark.parametrize("cell", ["YES", "Y", "1", "HAC04|TRUE", "HAC04|3"])
def test_a_complication_without_a_name_quarantines_the_stay(judge: Judge, tmp_path: Path, cell: str) -> None:
    receipt = judged(judge, tmp_path / CCN, files(Draft().set("discharges", 0, "hac_flags", cell)))
    assert rules_met(receipt) == {"D-COMPLICATION-UNNAMED hac_flags": 1, "C-DISCHARGE-QUARANTINED": 3}


@pytest.mark.parametrize(
    ("cell", "read"), [("HAC 04; hac07", "HAC04|HAC07"), ("HAC04|NONE", "HAC04"), ("04", "04"), ("PPC-24", "PPC-24")]
)
def test_complications_are_counted_one_by_one(judge: Judge, tmp_path: Path, cell: str, read: str) -> None:
    judged(judge, tmp_path / CCN, files(Draft().set("discharges", 0, "hac_flags", cell)))
    assert judge.con.execute("select hac_flags from d where row = 2").fetchone() == (read,)


@pytest.mark.parametrize(
    ("column", "cell"),
    [("diagnoses", "I10:X"), ("diagnoses", "hypertension"), ("procedures", "0SRC0J9:2025-13-01"),
     ("procedures", "0SRC0J9:14/3/2025"), ("principal_diagnosis", "stroke")],
)  # fmt: skip
def test_a_malformed_code_is_reported_and_kept(judge: Judge, tmp_path: Path, column: str, cell: str) -> None:
    receipt = judged(judge, tmp_path / CCN, files(Draft().set("discharges", 0, column, cell)))
    assert (receipt.status, rules_met(receipt)) == ("accepted", {f"D-CODE-MALFORMED {column}": 1})
    assert judge.con.execute(f"select {column} from d where row = 2").fetchone() == (cell,)


@pytest.mark.parametrize(
    "cell", ["1.230,00", "1.230", "600.000", "600,00", "--600.00", "(-600.00)", "600.00-", "USD 600.00", "60000%"]
)
def test_an_ambiguous_amount_is_not_an_amount(judge: Judge, tmp_path: Path, cell: str) -> None:
    receipt = judged(judge, tmp_path / CCN, files(Draft().set("discharges", 0, "total_charges", cell)))
    assert rules_met(receipt)["D-MONEY-INVALID total_charges"] == 1


def test_an_unknown_grouper_is_reported_with_the_known_versions(judge: Judge, tmp_path: Path) -> None:
    receipt = judged(judge, tmp_path / CCN, cells("discharges", "grouper_version", lambda c: pl.lit("43"))())
    (reported,) = [p for p in receipt.problems if p.rule == "S-GROUPER-VERSION"]
    assert "'43'" in reported.message and reported.message.endswith("has 41")
    assert {count.rule for count in receipt.rules if count.table == "discharges"} == {"D-GROUPER-UNKNOWN"}


def test_unmapped_dollars_alone_refuse(judge: Judge, tmp_path: Path) -> None:
    draft = Draft()
    for n in range(12):  # 3% of the lines
        draft.set("charges", 3 * n, "revenue_code", "0999").set("charges", 3 * n, "charge", "9000.00")
        draft.set("discharges", n, "total_charges", "9300.00")
    receipt = judged(judge, tmp_path / CCN, files(draft))
    assert [problem.rule for problem in receipt.refusals] == ["S-UNMAPPED-MOST"]


def test_a_column_that_mixes_forms_of_dates_is_not_read(judge: Judge, tmp_path: Path) -> None:
    draft = Draft()
    days = pl.col("admit_date").str.to_date().dt.strftime(US_DATE)
    mixed = pl.when(pl.int_range(pl.len()) < 60).then(days).otherwise("admit_date")
    draft.discharges = draft.discharges.with_columns(mixed.alias("admit_date"))
    receipt = judged(judge, tmp_path / CCN, files(draft))
    assert rules_met(receipt)["D-DATE-UNREADABLE admit_date"] == 60


def test_day_first_is_never_read_as_month_first(judge: Judge, tmp_path: Path) -> None:
    receipt = judged(judge, tmp_path / CCN, days("%-d/%-m/%Y", *DAYS)())
    assert receipt.status == "refused"
    assert rules_met(receipt)["D-DATE-UNREADABLE birth_date"] == 120


def test_credits_are_netted_by_account_and_revenue_code(judge: Judge, tmp_path: Path) -> None:
    draft = Draft()
    credit = draft.charges[0].with_columns(charge=pl.lit("-50.00"))
    draft.charges = draft.charges.vstack(credit)
    draft.set("discharges", 0, "total_charges", "550.00")
    receipt = judged(judge, tmp_path / CCN, files(draft))
    assert (receipt.status, receipt.rules) == ("accepted", ())
    charges = receipt.file("charges")
    assert charges is not None and charges.dollars.accepted == Decimal(120 * 600 - 50)


def test_a_net_below_zero_quarantines_the_stay(judge: Judge, tmp_path: Path) -> None:
    draft = Draft()
    credit = draft.charges[0].with_columns(charge=pl.lit("(350.00)"))
    draft.charges = draft.charges.vstack(credit)
    draft.set("discharges", 0, "total_charges", "250.00")
    receipt = judged(judge, tmp_path / CCN, files(draft))
    assert rules_met(receipt) == {
        "C-NET-NEGATIVE charge": 2, "C-DISCHARGE-QUARANTINED": 2, "D-LINE-QUARANTINED": 1, "C-MONEY-FORM charge": 1,
    }  # fmt: skip
    assert receipt.rows("discharges") == 119


def test_rates_are_of_rows_read(judge: Judge, tmp_path: Path) -> None:
    draft = Draft()
    for n in range(3, 120):
        draft.set("discharges", n, "apr_drg", "999").set("discharges", n, "attending_npi", "")
    receipt = judged(judge, tmp_path / CCN, files(draft))
    (reported,) = [problem for problem in receipt.problems if problem.rule == "S-NPI-MISSING"]
    assert reported.message.startswith("117 of 120 discharges")

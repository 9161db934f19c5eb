"""Submissions as text files in the forms that spreadsheets write: read, reported, and never guessed."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from hcip_pipeline.intake.hospital.judging import Judge
from tests.intake_submissions import CCN, Draft, csv_bytes
from tests.unit.intake_shapes.shapes import (
    DAYS,
    US_DATE,
    Files,
    altered,
    cells,
    cycle,
    days,
    files,
    judged,
    lake_rows,
    lines,
    rules_met,
    zipped,
)

pytestmark = pytest.mark.slow

#: name -> (files, rules that report it with their rows); the rows read are those of the plain form
READ_ALIKE: dict[str, tuple[Callable[[], Files], dict[str, int]]] = {
    "revenue codes without zeros": (
        cells("charges", "revenue_code", lambda c: c.str.strip_chars_start("0")), {"C-CODE-PADDED revenue_code": 360}
    ),
    "revenue codes as floats": (
        cells("charges", "revenue_code", lambda c: c.str.strip_chars_start("0") + ".0"),
        {"C-CODE-PADDED revenue_code": 360},
    ),
    "APR-DRGs without zeros": (
        cells("discharges", "apr_drg", lambda c: c.str.strip_chars_start("0")), {"D-CODE-PADDED apr_drg": 60}
    ),
    "dispositions without zeros": (
        cells("discharges", "discharge_disposition", lambda c: c.str.strip_chars_start("0")),
        {"D-CODE-PADDED discharge_disposition": 120},
    ),
    "sources without zeros": (
        cells("discharges", "source_of_admission", lambda c: c.str.strip_chars_start("0")),
        {"D-CODE-PADDED source_of_admission": 120},
    ),
    "payers as floats": (
        cells("discharges", "primary_payer", lambda c: pl.lit("1.0")), {"D-CODE-PADDED primary_payer": 120}
    ),
    "sex in words": (
        cells("discharges", "sex", lambda c: c.replace({"F": "Female", "M": "male"})),
        {"D-CODE-SPELLING sex": 120},
    ),
    "sex in small letters": (cells("discharges", "sex", lambda c: c.str.to_lowercase()), {"D-CODE-SPELLING sex": 120}),
    "grouper as a float": (
        cells("discharges", "grouper_version", lambda c: c + ".0"), {"D-CODE-SPELLING grouper_version": 120}
    ),
    "grouper with a V": (
        cells("discharges", "grouper_version", lambda c: "V" + c), {"D-CODE-SPELLING grouper_version": 120}
    ),
    "grouper with zeros": (
        cells("discharges", "grouper_version", lambda c: "0" + c), {"D-CODE-SPELLING grouper_version": 120}
    ),
    "severity as a float": (
        cells("discharges", "severity_of_illness", lambda c: c + ".0"), {"D-CODE-SPELLING severity_of_illness": 120}
    ),
    "dates month first": (days(US_DATE, *DAYS), dict.fromkeys((f"D-DATE-FORM {day}" for day in DAYS), 120)),
    "dates month first with a time": (days(US_DATE + " 0:00", "admit_date"), {"D-DATE-FORM admit_date": 120}),
    "dates with a time": (days("%Y-%m-%d 00:00:00", "admit_date"), {"D-DATE-FORM admit_date": 120}),
    "money with signs": (
        cells("discharges", "total_charges", lambda c: "$" + c), {"D-MONEY-FORM total_charges": 120}
    ),
    "money without cents": (
        cells("charges", "charge", lambda c: c.str.strip_suffix(".00")), {"C-MONEY-FORM charge": 360}
    ),
    "blanks in NPIs": (
        cells("discharges", "attending_npi", lambda c: c.str.replace(r"(\d{4})(\d{3})", "$1 $2 ")),
        {"D-BLANKS attending_npi": 120},
    ),
    "spreadsheet text, quoted": (
        cells("charges", "revenue_code", lambda c: '="' + c + '"'), {"C-BLANKS revenue_code": 360}
    ),
    "spreadsheet text, bare": (
        lines("charges", lambda rows: [rows[0], *(r.replace(b",0120,", b',="0120",') for r in rows[1:])]),
        {"C-BLANKS": 120},
    ),
    "spreadsheet text by an apostrophe": (
        cells("discharges", "patient_id", lambda c: "'" + c), {"D-BLANKS patient_id": 120}
    ),
    "blanks of the web": (
        cells("discharges", "patient_id", lambda c: "\u00a0" + c + "\u202f"), {"D-BLANKS patient_id": 120}
    ),
    "signs without width": (cells("charges", "revenue_code", lambda c: c + "\u200b"), {"C-BLANKS revenue_code": 360}),
    "complications in words for none": (
        cells("discharges", "hac_flags", lambda c: cycle("NONE", "N/A", "", "-", "nan", "NULL")),
        {"D-PLACEHOLDER hac_flags": 100},
    ),
    "complications as no": (
        cells("discharges", "hac_flags", lambda c: cycle("No", "0", "false")), {"D-LIST-FORM hac_flags": 120}
    ),
    "NPIs with dashes": (
        cells("discharges", "attending_npi", lambda c: c.str.replace(r"(\d{3})(\d{3})", "$1-$2-")),
        {"D-BLANKS attending_npi": 120},
    ),
    "NPIs as placeholders": (
        cells("discharges", "operating_npi", lambda c: c.replace("", "0000000000")),
        {"D-PLACEHOLDER operating_npi": 60},
    ),
    "diagnoses with dots": (
        cells("discharges", "principal_diagnosis", lambda c: pl.lit("i63.9")), {"D-LIST-FORM principal_diagnosis": 120}
    ),
    "diagnoses separated otherwise": (
        cells("discharges", "diagnoses", lambda c: cycle("I10:Y; E11.9 : n", "I10:Y,E119:N", "|I10:Y|E119:N|NULL")),
        {"D-LIST-FORM diagnoses": 120},
    ),
    "procedures with days month first": (
        cells("discharges", "procedures", lambda c: cycle("0SRC0J9:1/2/2025", "0SRC0J9:20250102;")),
        {"D-LIST-FORM procedures": 120},
    ),
    "procedures with a time": (
        cells("discharges", "procedures", lambda c: pl.lit("0SRC0J9:2025-01-02 00:00:00")),
        {"D-LIST-FORM procedures": 120},
    ),
    "rows of commas": (
        lines("discharges", lambda rows: [*rows, b"," * rows[0].count(b",")] * 1 + [b"," * rows[0].count(b",")]),
        {"F-BLANK-ROWS": 0},
    ),
    "repeated rows": (
        lines("discharges", lambda rows: [*rows, *rows[3:8]]), {"D-ROW-REPEATED": 5}
    ),
    "repeated lines": (lines("charges", lambda rows: [*rows, *rows[4:9]]), {"C-ROW-REPEATED": 5}),
    "semicolons": (altered("charges", lambda b: b.replace(b",", b";")), {"F-DELIMITER": 0}),
    "tabs": (altered("discharges", lambda b: b.replace(b",", b"\t")), {"F-DELIMITER": 0}),
    "bars": (altered("charges", lambda b: b.replace(b",", b"|")), {"F-DELIMITER": 0}),
    "headers in capitals": (
        lines("discharges", lambda rows: [rows[0].upper(), *rows[1:]]), {"F-LETTER-CASE": 0}
    ),
    "names in capitals": (
        lambda: {name.upper(): content for name, content in files(Draft()).items()}, {}
    ),
    "byte order mark and CR LF": (
        altered("discharges", lambda b: b"\xef\xbb\xbf" + b.replace(b"\n", b"\r\n")), {}
    ),
}  # fmt: skip


@pytest.mark.parametrize("how", READ_ALIKE)
def test_a_shape_is_read_as_the_plain_file_and_reported(
    judge: Judge, plain: list[list[tuple[object, ...]]], tmp_path: Path, how: str
) -> None:
    make, expected = READ_ALIKE[how]
    receipt = judged(judge, tmp_path / CCN, make())
    assert (receipt.status, rules_met(receipt)) == ("accepted", expected)
    assert lake_rows(judge) == plain
    assert (receipt.rows("discharges", "read"), receipt.rows("charges", "read")) == (120, 360)


def test_windows_1252_is_read_where_utf_8_fails(judge: Judge, tmp_path: Path) -> None:
    draft = Draft()
    noted = draft.discharges.with_columns(comment=pl.lit("Ménière’s"))
    text = csv_bytes(noted).decode().encode("cp1252")
    for name, content in (("discharges.csv", text), ("discharges.csv.gz", gzip.compress(text))):
        receipt = judged(judge, tmp_path / name / CCN, {name: content, "charges.csv": csv_bytes(draft.charges)})
        assert rules_met(receipt) == {"F-WINDOWS-1252": 0, "F-COLUMN-UNKNOWN": 0}
        assert judge.con.execute(
            "select count(*) from raw_discharges where contains(line, 'Ménière’s')"
        ).fetchone() == (120,)
        assert receipt.files[0].name == name and receipt.files[0].bytes == len(content)


def test_zipped_files_are_read(judge: Judge, plain: list[list[tuple[object, ...]]], tmp_path: Path) -> None:
    packed = {f"{name}.zip": zipped(content, tmp_path) for name, content in files(Draft()).items()}
    receipt = judged(judge, tmp_path / CCN, packed)
    assert (receipt.status, rules_met(receipt)) == ("accepted", {})
    assert lake_rows(judge) == plain
    cut = packed["charges.csv.zip"][:-30]
    receipt = judged(judge, tmp_path / "cut" / CCN, packed | {"charges.csv.zip": cut})
    assert [problem.rule for problem in receipt.refusals] == ["F-COMPRESSION"]


def test_a_misspelled_column_is_reported_with_the_similar_name(judge: Judge, tmp_path: Path) -> None:
    receipt = judged(
        judge, tmp_path / CCN, altered("charges", lambda b: b.replace(b"revenue_code", b"Revenue Code", 1))()
    )
    (problem,) = receipt.refusals
    assert problem.message == "the column revenue_code is missing; 'revenue code' is similar"


def test_a_file_under_another_name_is_named_where_one_is_missing(judge: Judge, tmp_path: Path) -> None:
    sent_as = files(Draft())
    sent_as["discharge.csv"] = sent_as.pop("discharges.csv")
    receipt = judged(judge, tmp_path / CCN, sent_as)
    (problem,) = receipt.refusals
    assert problem.rule == "F-MISSING" and "found 'discharge.csv'" in problem.message


def test_a_member_s_id_in_a_file_name_is_in_no_message(judge: Judge, tmp_path: Path) -> None:
    receipt = judged(judge, tmp_path / CCN, files(Draft()) | {"note on 1EG4-TE5-MK73.txt": b"", "P000123456.csv": b""})
    reported = " ".join(problem.message for problem in receipt.problems)
    assert "1EG4" not in reported and "000123456" not in reported and "note on" in reported

"""Submissions in the shapes that spreadsheets and data frames give them: read, told, and never guessed."""

from __future__ import annotations

import datetime as dt
import gzip
import zipfile
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from hcip_pipeline.intake.hospital.folders import submission_at
from hcip_pipeline.intake.hospital.judging import Judge
from hcip_pipeline.intake.hospital.receipts import SubmissionReceipt
from tests.intake_submissions import CCN, QUARTER, Draft, csv_bytes, reference

Files = dict[str, bytes]


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    with Judge(reference()) as judge:
        yield judge


@pytest.fixture(scope="module")
def plain(judge: Judge, tmp_path_factory: pytest.TempPathFactory) -> list[list[tuple[object, ...]]]:
    """What the lake holds of the submission in its plain form."""
    root = tmp_path_factory.mktemp("plain")
    assert judge.judge(submission_at(Draft().write(root / CCN), QUARTER, root)).rules == ()
    return lake_rows(judge)


def lake_rows(judge: Judge) -> list[list[tuple[object, ...]]]:
    """The rows that are kept, without their lines: discharges, then charges."""
    unsaid = "row, broken, shape_ok, is_own, sex__unknown"
    discharges = f"select * exclude ({unsaid}) from d anti join rejected using (row) order by account_no"
    charges = "select c.* exclude (row, broken, shape_ok) from c join fate using (account_no) where k is not null"
    return [judge.con.execute(sql).fetchall() for sql in (discharges, f"{charges} and not broken order by all")]


def sent(judge: Judge, folder: Path, files: Files) -> SubmissionReceipt:
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return judge.judge(submission_at(folder, QUARTER, folder.parent))


def files(draft: Draft) -> Files:
    return {"discharges.csv": csv_bytes(draft.discharges), "charges.csv": csv_bytes(draft.charges)}


def said(receipt: SubmissionReceipt) -> dict[str, int]:
    """Rules by the rows they were met in; a rule about a file by 0."""
    return {f"{c.rule} {c.column}".strip(): c.rows for c in receipt.rules} | {p.rule: 0 for p in receipt.problems}


def _cells(table: str, column: str, how: Callable[[pl.Expr], pl.Expr]) -> Callable[[], Files]:
    def make() -> Files:
        draft = Draft()
        frame = getattr(draft, table)
        setattr(draft, table, frame.with_columns(how(pl.col(column)).alias(column)))
        return files(draft)

    return make


def _bytes(table: str, how: Callable[[bytes], bytes]) -> Callable[[], Files]:
    return lambda: {name: how(b) if name.startswith(table) else b for name, b in files(Draft()).items()}


def _rows(table: str, how: Callable[[list[bytes]], list[bytes]]) -> Callable[[], Files]:
    return _bytes(table, lambda b: b"\n".join(how(b.rstrip(b"\n").split(b"\n"))) + b"\n")


def _zipped(content: bytes, folder: Path) -> bytes:
    with zipfile.ZipFile(folder / "z.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("export.csv", content)
    return (folder / "z.zip").read_bytes()


_NOWHERE = pl.lit("0999")


def _cycle(*cells: str) -> pl.Expr:
    """The cells again and again, down the column."""
    return pl.lit(pl.Series(list(cells))).gather(pl.int_range(pl.len()) % len(cells))


_US = "%-m/%-d/%Y"
_DAYS = ("birth_date", "admit_date", "discharge_date")


def _days(form: str, *columns: str) -> Callable[[], Files]:
    def make() -> Files:
        draft = Draft()
        draft.discharges = draft.discharges.with_columns(pl.col(*columns).str.to_date().dt.strftime(form))
        return files(draft)

    return make


#: name -> (files, rules that tell of it with their rows); what is read is what the plain form gives
READ_ALIKE: dict[str, tuple[Callable[[], Files], dict[str, int]]] = {
    "revenue codes without zeros": (
        _cells("charges", "revenue_code", lambda c: c.str.strip_chars_start("0")), {"C-CODE-PADDED revenue_code": 360}
    ),
    "revenue codes as floats": (
        _cells("charges", "revenue_code", lambda c: c.str.strip_chars_start("0") + ".0"),
        {"C-CODE-PADDED revenue_code": 360},
    ),
    "APR-DRGs without zeros": (
        _cells("discharges", "apr_drg", lambda c: c.str.strip_chars_start("0")), {"D-CODE-PADDED apr_drg": 60}
    ),
    "dispositions without zeros": (
        _cells("discharges", "discharge_disposition", lambda c: c.str.strip_chars_start("0")),
        {"D-CODE-PADDED discharge_disposition": 120},
    ),
    "sources without zeros": (
        _cells("discharges", "source_of_admission", lambda c: c.str.strip_chars_start("0")),
        {"D-CODE-PADDED source_of_admission": 120},
    ),
    "payers as floats": (
        _cells("discharges", "primary_payer", lambda c: pl.lit("1.0")), {"D-CODE-PADDED primary_payer": 120}
    ),
    "sex in words": (
        _cells("discharges", "sex", lambda c: c.replace({"F": "Female", "M": "male"})),
        {"D-CODE-SPELLING sex": 120},
    ),
    "sex in small letters": (_cells("discharges", "sex", lambda c: c.str.to_lowercase()), {"D-CODE-SPELLING sex": 120}),
    "grouper as a float": (
        _cells("discharges", "grouper_version", lambda c: c + ".0"), {"D-CODE-SPELLING grouper_version": 120}
    ),
    "grouper with a V": (
        _cells("discharges", "grouper_version", lambda c: "V" + c), {"D-CODE-SPELLING grouper_version": 120}
    ),
    "grouper with zeros": (
        _cells("discharges", "grouper_version", lambda c: "0" + c), {"D-CODE-SPELLING grouper_version": 120}
    ),
    "severity as a float": (
        _cells("discharges", "severity_of_illness", lambda c: c + ".0"), {"D-CODE-SPELLING severity_of_illness": 120}
    ),
    "dates month first": (_days(_US, *_DAYS), dict.fromkeys((f"D-DATE-FORM {day}" for day in _DAYS), 120)),
    "dates month first with a time": (_days(_US + " 0:00", "admit_date"), {"D-DATE-FORM admit_date": 120}),
    "dates with a time": (_days("%Y-%m-%d 00:00:00", "admit_date"), {"D-DATE-FORM admit_date": 120}),
    "money with signs": (
        _cells("discharges", "total_charges", lambda c: "$" + c), {"D-MONEY-FORM total_charges": 120}
    ),
    "money without cents": (
        _cells("charges", "charge", lambda c: c.str.strip_suffix(".00")), {"C-MONEY-FORM charge": 360}
    ),
    "blanks in NPIs": (
        _cells("discharges", "attending_npi", lambda c: c.str.replace(r"(\d{4})(\d{3})", "$1 $2 ")),
        {"D-BLANKS attending_npi": 120},
    ),
    "spreadsheet text, quoted": (
        _cells("charges", "revenue_code", lambda c: '="' + c + '"'), {"C-BLANKS revenue_code": 360}
    ),
    "spreadsheet text, bare": (
        _rows("charges", lambda rows: [rows[0], *(r.replace(b",0120,", b',="0120",') for r in rows[1:])]),
        {"C-BLANKS": 120},
    ),
    "spreadsheet text by an apostrophe": (
        _cells("discharges", "patient_id", lambda c: "'" + c), {"D-BLANKS patient_id": 120}
    ),
    "blanks of the web": (
        _cells("discharges", "patient_id", lambda c: "\u00a0" + c + "\u202f"), {"D-BLANKS patient_id": 120}
    ),
    "signs without width": (_cells("charges", "revenue_code", lambda c: c + "\u200b"), {"C-BLANKS revenue_code": 360}),
    "complications in words for none": (
        _cells("discharges", "hac_flags", lambda c: _cycle("NONE", "N/A", "", "-", "nan", "NULL")),
        {"D-PLACEHOLDER hac_flags": 100},
    ),
    "complications as no": (
        _cells("discharges", "hac_flags", lambda c: _cycle("No", "0", "false")), {"D-LIST-FORM hac_flags": 120}
    ),
    "NPIs with dashes": (
        _cells("discharges", "attending_npi", lambda c: c.str.replace(r"(\d{3})(\d{3})", "$1-$2-")),
        {"D-BLANKS attending_npi": 120},
    ),
    "NPIs as placeholders": (
        _cells("discharges", "operating_npi", lambda c: c.replace("", "0000000000")),
        {"D-PLACEHOLDER operating_npi": 60},
    ),
    "diagnoses with dots": (
        _cells("discharges", "principal_diagnosis", lambda c: pl.lit("i63.9")), {"D-LIST-FORM principal_diagnosis": 120}
    ),
    "diagnoses separated otherwise": (
        _cells("discharges", "diagnoses", lambda c: _cycle("I10:Y; E11.9 : n", "I10:Y,E119:N", "|I10:Y|E119:N|NULL")),
        {"D-LIST-FORM diagnoses": 120},
    ),
    "procedures with days month first": (
        _cells("discharges", "procedures", lambda c: _cycle("0SRC0J9:1/2/2025", "0SRC0J9:20250102;")),
        {"D-LIST-FORM procedures": 120},
    ),
    "procedures with a time": (
        _cells("discharges", "procedures", lambda c: pl.lit("0SRC0J9:2025-01-02 00:00:00")),
        {"D-LIST-FORM procedures": 120},
    ),
    "rows of commas": (
        _rows("discharges", lambda rows: [*rows, b"," * rows[0].count(b",")] * 1 + [b"," * rows[0].count(b",")]),
        {"F-BLANK-ROWS": 0},
    ),
    "repeated rows": (
        _rows("discharges", lambda rows: [*rows, *rows[3:8]]), {"D-ROW-REPEATED": 5}
    ),
    "repeated lines": (_rows("charges", lambda rows: [*rows, *rows[4:9]]), {"C-ROW-REPEATED": 5}),
    "semicolons": (_bytes("charges", lambda b: b.replace(b",", b";")), {"F-DELIMITER": 0}),
    "tabs": (_bytes("discharges", lambda b: b.replace(b",", b"\t")), {"F-DELIMITER": 0}),
    "bars": (_bytes("charges", lambda b: b.replace(b",", b"|")), {"F-DELIMITER": 0}),
    "headers in capitals": (
        _rows("discharges", lambda rows: [rows[0].upper(), *rows[1:]]), {"F-LETTER-CASE": 0}
    ),
    "names in capitals": (
        lambda: {name.upper(): content for name, content in files(Draft()).items()}, {}
    ),
    "byte order mark and CR LF": (
        _bytes("discharges", lambda b: b"\xef\xbb\xbf" + b.replace(b"\n", b"\r\n")), {}
    ),
}  # fmt: skip


@pytest.mark.parametrize("how", READ_ALIKE)
def test_a_shape_is_read_as_the_plain_file_and_told(
    judge: Judge, plain: list[list[tuple[object, ...]]], tmp_path: Path, how: str
) -> None:
    make, expected = READ_ALIKE[how]
    receipt = sent(judge, tmp_path / CCN, make())
    assert (receipt.status, said(receipt)) == ("accepted", expected)
    assert lake_rows(judge) == plain
    assert (receipt.rows("discharges", "read"), receipt.rows("charges", "read")) == (120, 360)


def test_windows_1252_is_read_where_utf_8_fails(judge: Judge, tmp_path: Path) -> None:
    draft = Draft()
    noted = draft.discharges.with_columns(comment=pl.lit("Ménière’s"))
    text = csv_bytes(noted).decode().encode("cp1252")
    for name, content in (("discharges.csv", text), ("discharges.csv.gz", gzip.compress(text))):
        receipt = sent(judge, tmp_path / name / CCN, {name: content, "charges.csv": csv_bytes(draft.charges)})
        assert said(receipt) == {"F-WINDOWS-1252": 0, "F-COLUMN-UNKNOWN": 0}
        assert judge.con.execute(
            "select count(*) from raw_discharges where contains(line, 'Ménière’s')"
        ).fetchone() == (120,)
        assert receipt.files[0].name == name and receipt.files[0].bytes == len(content)


def test_zipped_files_are_read(judge: Judge, plain: list[list[tuple[object, ...]]], tmp_path: Path) -> None:
    packed = {f"{name}.zip": _zipped(content, tmp_path) for name, content in files(Draft()).items()}
    receipt = sent(judge, tmp_path / CCN, packed)
    assert (receipt.status, said(receipt)) == ("accepted", {})
    assert lake_rows(judge) == plain
    cut = packed["charges.csv.zip"][:-30]
    receipt = sent(judge, tmp_path / "cut" / CCN, packed | {"charges.csv.zip": cut})
    assert [problem.rule for problem in receipt.refusals] == ["F-COMPRESSION"]


def workbook(path: Path, sheets: dict[str, pl.DataFrame], *, skipped: int = 0, as_numbers: bool = True) -> bytes:
    """A workbook as a person makes it: dates as dates, whatever looks like a number as a number."""
    with xlsxwriter.Workbook(path) as book:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for name, frame in sheets.items():
            sheet = book.add_worksheet(name)
            sheet.write_row(skipped, 0, frame.columns)
            for n, row in enumerate(frame.rows(), start=skipped + 1):
                for place, (column, cell) in enumerate(zip(frame.columns, row, strict=True)):
                    if cell in (None, ""):
                        continue
                    if column.endswith("_date"):
                        sheet.write_datetime(n, place, dt.datetime.fromisoformat(cell), day)
                    elif as_numbers and cell.replace(".", "", 1).isdigit() and column not in ("patient_id", "zip_code"):
                        sheet.write_number(n, place, float(cell))
                    else:
                        sheet.write_string(n, place, cell)
    return path.read_bytes()


@pytest.mark.parametrize("layout", ["one workbook", "a workbook each", "both sheets in discharges.xlsx"])
def test_a_workbook_is_read_as_the_plain_file(
    judge: Judge, plain: list[list[tuple[object, ...]]], tmp_path: Path, layout: str
) -> None:
    draft = Draft()
    both = {"Discharges": draft.discharges, "charges": draft.charges}
    whole = workbook(tmp_path / "w.xlsx", both, skipped=2)
    sent_as = {
        "one workbook": {"Hospital 1 Q1.xlsx": whole},
        "both sheets in discharges.xlsx": {"discharges.xlsx": whole},
        "a workbook each": {
            f"{name}.xlsx": workbook(tmp_path / f"{name}.xlsx", {"Sheet1": frame}) for name, frame in both.items()
        },
    }[layout]
    receipt = sent(judge, tmp_path / CCN, sent_as)
    assert receipt.status == "accepted", receipt.problems
    padded = {"D-CODE-PADDED apr_drg", "D-CODE-PADDED discharge_disposition", "D-CODE-PADDED source_of_admission",
              "D-CODE-PADDED primary_payer", "C-CODE-PADDED revenue_code"}  # fmt: skip
    assert set(said(receipt)) == padded
    assert lake_rows(judge) == plain


def test_sheets_that_are_no_tables_are_told_once(judge: Judge, tmp_path: Path) -> None:
    draft = Draft()
    notes = pl.DataFrame({"made by": ["K"], "on": ["Monday"]})
    sheets = {"discharges": draft.discharges, "Notes": notes, "charges": draft.charges, "Q1-123-45-6789": notes}
    receipt = sent(judge, tmp_path / CCN, {"w.xlsx": workbook(tmp_path / "w.xlsx", sheets, as_numbers=False)})
    (reported,) = receipt.problems
    assert (receipt.status, reported.rule) == ("accepted", "F-SHEETS-IGNORED")
    assert reported.message.endswith("'Notes', 'A9-999-99-9999'")


def _books(folder: Path) -> dict[str, bytes]:
    draft = Draft()
    both = {"discharges": draft.discharges, "charges": draft.charges}
    return {
        "both": workbook(folder / "both.xlsx", both),
        "discharges": workbook(folder / "d.xlsx", {"Discharges ": draft.discharges}),
        "charges": workbook(folder / "c.xlsx", {"charges": draft.charges}),
        "else": workbook(folder / "e.xlsx", {"Sheet1": draft.discharges}),
    }


#: which workbooks lie under which names, beside the CSV files of which tables -> rules that refuse
SEVERAL: dict[str, tuple[dict[str, str], list[str], list[str]]] = {
    "two workbooks of both tables": ({"a.xlsx": "both", "b.xlsx": "both"}, [], ["F-AMBIGUOUS"] * 2),
    "two workbooks without a table's name": ({"a.xlsx": "else", "b.xlsx": "else"}, [], ["F-AMBIGUOUS"] * 2),
    "a workbook beside a CSV file of a table": ({"a.xlsx": "both"}, ["charges"], ["F-AMBIGUOUS"]),
    "a sheet of the other table beside its file": ({"discharges.xlsx": "both"}, ["charges"], ["F-AMBIGUOUS"]),
    "a workbook each under other names": ({"a.xlsx": "discharges", "b.xlsx": "charges"}, [], []),
    "a workbook and a CSV file": ({"a.xlsx": "discharges"}, ["charges"], []),
}


@pytest.mark.parametrize("how", SEVERAL)
def test_a_table_that_is_there_twice_is_refused(judge: Judge, tmp_path: Path, how: str) -> None:
    books, tables, expected = SEVERAL[how]
    made = _books(tmp_path)
    plainly = {f"{table}.csv": content for table in tables for content in [files(Draft())[f"{table}.csv"]]}
    receipt = sent(judge, tmp_path / CCN, plainly | {name: made[which] for name, which in books.items()})
    assert [problem.rule for problem in receipt.refusals] == expected
    assert not expected or all(name in receipt.refusals[0].message for name in books)


def test_a_workbook_s_rows_are_named_as_the_sheet_numbers_them(judge: Judge, tmp_path: Path) -> None:
    draft = Draft().set("discharges", 7, "apr_drg", "999")
    book = workbook(tmp_path / "w.xlsx", {"discharges": draft.discharges, "charges": draft.charges}, skipped=3)
    receipt = sent(judge, tmp_path / CCN, {"w.xlsx": book})
    (count,) = [c for c in receipt.rules if c.rule == "D-APR-DRG-UNKNOWN"]
    assert count.lines == (12,)  # three empty rows, the header, seven rows


def test_a_formula_is_read_by_its_stored_value_and_refused_without_one(judge: Judge, tmp_path: Path) -> None:
    draft = Draft()
    for value, name in ((draft.charges["charge"][0], "stored"), ("", "none")):
        path = tmp_path / f"{name}.xlsx"
        with xlsxwriter.Workbook(path) as book:
            for table in ("discharges", "charges"):
                sheet = book.add_worksheet(table)
                frame: pl.DataFrame = getattr(draft, table)
                sheet.write_row(0, 0, frame.columns)
                for n, row in enumerate(frame.rows(), start=1):
                    sheet.write_row(n, 0, ["" if cell is None else cell for cell in row])
                if table == "charges":
                    sheet.write_formula(1, 5, "=100*2", value=float(value) if value else "")
        receipt = sent(judge, tmp_path / name / CCN, {"w.xlsx": path.read_bytes()})
        if value:
            assert receipt.status == "accepted"
        else:
            (problem,) = receipt.refusals
            assert problem.rule == "F-FORMULA" and "F2" in problem.message


NOT_GUESSED: dict[str, tuple[Callable[[], Files], str, str]] = {
    "a row of totals": (_rows("discharges", lambda rows: [*rows, b"Total,120" + b"," * 20 + b",72000.00"]),
                        "F-TOTAL-ROW", "line 122"),
    "a row of totals in the form of the table": (
        _rows("charges", lambda rows: [*rows, b"Grand Total,,,,,72000.00"]), "F-TOTAL-ROW", "line 362"),
    "the header twice": (_rows("discharges", lambda rows: [*rows[:50], rows[0], *rows[50:]]),
                         "F-HEADER-REPEATED", "line 51"),
    "a title": (_rows("charges", lambda rows: [b"Charges of the first quarter", b"", *rows]), "F-TITLE-ROW", "line 3"),
    "account numbers in exponent form": (
        _cells("discharges", "account_no", lambda c: pl.lit("2.5E+10")), "F-DIGITS-LOST", "account_no"),
    "NPIs in exponent form": (
        _cells("discharges", "attending_npi", lambda c: pl.lit("2.42890E+09")), "F-DIGITS-LOST", "120 rows"),
    "money in exponent form": (
        _cells("charges", "charge", lambda c: pl.lit("1E+05")), "F-DIGITS-LOST", "lines 2, 3, 4, …"),
    "identifiers of which some end in .0": (
        _cells("discharges", "patient_id", lambda c: _cycle("1234.0", "1235")), "F-ID-MIXED", "60 of 120 rows"),
    "an unknown grouper": (
        _cells("discharges", "grouper_version", lambda c: pl.lit("43")), "S-ERROR-RATE", "120 of 120"),
    "unmapped revenue codes": (
        _cells("charges", "revenue_code", lambda c: pl.when(pl.int_range(pl.len()) > 72).then(c).otherwise(_NOWHERE)),
        "S-UNMAPPED-MOST", "73 of 360"),
}  # fmt: skip


@pytest.mark.parametrize("how", NOT_GUESSED)
def test_what_would_be_a_guess_is_refused_with_one_finding(judge: Judge, tmp_path: Path, how: str) -> None:
    make, rule, words = NOT_GUESSED[how]
    receipt = sent(judge, tmp_path / CCN, make())
    (problem,) = receipt.refusals
    assert problem.rule == rule and words in problem.message
    if rule.startswith("F-"):
        assert receipt.rules == ()


def _both(column: str, how: Callable[[pl.Expr], pl.Expr]) -> Files:
    draft = Draft()
    draft.discharges, draft.charges = (
        frame.with_columns(how(pl.col(column)).alias(column)) for frame in (draft.discharges, draft.charges)
    )
    return files(draft)


def test_identifiers_that_a_data_frame_held_as_numbers_lose_their_decimals(judge: Judge, tmp_path: Path) -> None:
    receipt = sent(judge, tmp_path / CCN, _both("account_no", lambda c: c.str.replace("A", "1") + ".0"))
    assert said(receipt) == {"D-ID-FORM account_no": 120, "C-ID-FORM account_no": 360}
    assert judge.con.execute("select min(account_no), count(*) from fate where k is not null").fetchone() == (
        "100000", 120,
    )  # fmt: skip
    people = _cells("discharges", "patient_id", lambda c: c.str.replace("P", "1") + ".0")()
    assert said(sent(judge, tmp_path / "p" / CCN, people)) == {"D-ID-FORM patient_id": 120}
    with_gaps = _cells("discharges", "patient_id", lambda c: _cycle("7.0", "0.0", "nan", ""))()
    assert said(sent(judge, tmp_path / "g" / CCN, with_gaps)) == {
        "D-ID-FORM patient_id": 30, "D-PLACEHOLDER patient_id": 60, "D-PATIENT-ID-MISSING patient_id": 90,
        "S-PATIENT-ID-MISSING": 0,
    }  # fmt: skip
    zips = _cells("discharges", "zip_code", lambda c: _cycle("21201.0", "2134.0", "601.0"))()
    assert said(sent(judge, tmp_path / "z" / CCN, zips)) == {"D-CODE-PADDED zip_code": 120}
    assert judge.con.execute("select distinct zip_code from d order by 1").fetchall() == [
        ("00601",), ("02134",), ("21201",),
    ]  # fmt: skip


def test_one_patient_id_for_strangers_is_told(judge: Judge, tmp_path: Path) -> None:
    draft = Draft()
    for row, born in ((3, "1956-03-02"), (4, "1957-03-02"), (5, "1958-03-02")):
        draft.set("discharges", row, "patient_id", "TEST").set("discharges", row, "birth_date", born)
    receipt = sent(judge, tmp_path / CCN, files(draft))
    assert (receipt.status, said(receipt)) == ("accepted", {"D-PATIENT-ID-SHARED patient_id": 3})


def test_a_suffix_with_a_meaning_stays(judge: Judge, tmp_path: Path) -> None:
    visits = {"00000.0": "00000.1"}
    receipt = sent(judge, tmp_path / "v" / CCN, _both("account_no", lambda c: (c.str.slice(1) + ".0").replace(visits)))
    assert (receipt.status, said(receipt)) == ("accepted", {})
    assert judge.con.execute("select count(*) from fate where account_no like '%.0'").fetchone() == (119,)


PLACEHOLDERS = ("NULL", "null", "N/A", "NA", "nan", "None", "#N/A", ".", "-", "0", "UNKNOWN", "\\N", "<NA>", "(null)")


def test_a_placeholder_in_a_column_that_may_be_empty_is_no_value(judge: Judge, tmp_path: Path) -> None:
    draft = Draft()
    optional = ("patient_id", "zip_code", "attending_npi", "operating_npi", "principal_diagnosis", "diagnoses",
                "procedures", "hac_flags")  # fmt: skip
    for row, word in enumerate(PLACEHOLDERS):
        for column in optional:
            draft.set("discharges", row, column, word)
    receipt = sent(judge, tmp_path / CCN, files(draft))
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
    receipt = sent(judge, tmp_path / CCN, files(draft))
    assert said(receipt) == {"D-KEY-PLACEHOLDER account_no": 1, "C-DISCHARGE-QUARANTINED": 3}
    assert (receipt.status, receipt.rows("discharges"), receipt.rows("charges")) == ("accepted", 119, 357)
    for row, word in enumerate(PLACEHOLDERS):
        draft.set("discharges", row, "account_no", word)
    refused = sent(judge, tmp_path / "all" / CCN, files(draft))
    assert said(refused)["D-KEY-PLACEHOLDER account_no"] == len(PLACEHOLDERS)


def test_a_placeholder_of_a_revenue_code_quarantines_the_stay(judge: Judge, tmp_path: Path) -> None:
    receipt = sent(judge, tmp_path / CCN, files(Draft().set("charges", 0, "revenue_code", "NULL")))
    assert said(receipt) == {
        "C-CODE-PLACEHOLDER revenue_code": 1, "C-DISCHARGE-QUARANTINED": 2, "D-LINE-QUARANTINED": 1,
    }  # fmt: skip


@pytest.mark.parametrize("cell", ["YES", "Y", "1", "HAC04|TRUE", "HAC04|3"])
def test_a_complication_without_a_name_quarantines_the_stay(judge: Judge, tmp_path: Path, cell: str) -> None:
    receipt = sent(judge, tmp_path / CCN, files(Draft().set("discharges", 0, "hac_flags", cell)))
    assert said(receipt) == {"D-COMPLICATION-UNNAMED hac_flags": 1, "C-DISCHARGE-QUARANTINED": 3}


@pytest.mark.parametrize(
    ("cell", "read"), [("HAC 04; hac07", "HAC04|HAC07"), ("HAC04|NONE", "HAC04"), ("04", "04"), ("PPC-24", "PPC-24")]
)
def test_complications_are_counted_one_by_one(judge: Judge, tmp_path: Path, cell: str, read: str) -> None:
    sent(judge, tmp_path / CCN, files(Draft().set("discharges", 0, "hac_flags", cell)))
    assert judge.con.execute("select hac_flags from d where row = 2").fetchone() == (read,)


@pytest.mark.parametrize(
    ("column", "cell"),
    [("diagnoses", "I10:X"), ("diagnoses", "hypertension"), ("procedures", "0SRC0J9:2025-13-01"),
     ("procedures", "0SRC0J9:14/3/2025"), ("principal_diagnosis", "stroke")],
)  # fmt: skip
def test_a_code_that_is_none_is_told_and_kept(judge: Judge, tmp_path: Path, column: str, cell: str) -> None:
    receipt = sent(judge, tmp_path / CCN, files(Draft().set("discharges", 0, column, cell)))
    assert (receipt.status, said(receipt)) == ("accepted", {f"D-CODE-MALFORMED {column}": 1})
    assert judge.con.execute(f"select {column} from d where row = 2").fetchone() == (cell,)


@pytest.mark.parametrize(
    "cell", ["1.230,00", "1.230", "600.000", "600,00", "--600.00", "(-600.00)", "600.00-", "USD 600.00", "60000%"]
)
def test_an_amount_that_may_be_another_is_no_amount(judge: Judge, tmp_path: Path, cell: str) -> None:
    receipt = sent(judge, tmp_path / CCN, files(Draft().set("discharges", 0, "total_charges", cell)))
    assert said(receipt)["D-MONEY-INVALID total_charges"] == 1


def test_an_unknown_grouper_is_told_with_the_versions_that_are_there(judge: Judge, tmp_path: Path) -> None:
    receipt = sent(judge, tmp_path / CCN, NOT_GUESSED["an unknown grouper"][0]())
    (reported,) = [p for p in receipt.problems if p.rule == "S-GROUPER-VERSION"]
    assert "'43'" in reported.message and reported.message.endswith("has 41")
    assert {count.rule for count in receipt.rules if count.table == "discharges"} == {"D-GROUPER-UNKNOWN"}


def test_unmapped_dollars_alone_refuse(judge: Judge, tmp_path: Path) -> None:
    draft = Draft()
    for n in range(12):  # 3% of the lines
        draft.set("charges", 3 * n, "revenue_code", "0999").set("charges", 3 * n, "charge", "9000.00")
        draft.set("discharges", n, "total_charges", "9300.00")
    receipt = sent(judge, tmp_path / CCN, files(draft))
    assert [problem.rule for problem in receipt.refusals] == ["S-UNMAPPED-MOST"]


def test_a_column_that_mixes_forms_of_dates_is_not_read(judge: Judge, tmp_path: Path) -> None:
    draft = Draft()
    days = pl.col("admit_date").str.to_date().dt.strftime(_US)
    mixed = pl.when(pl.int_range(pl.len()) < 60).then(days).otherwise("admit_date")
    draft.discharges = draft.discharges.with_columns(mixed.alias("admit_date"))
    receipt = sent(judge, tmp_path / CCN, files(draft))
    assert said(receipt)["D-DATE-UNREADABLE admit_date"] == 60


def test_day_first_is_never_read_as_month_first(judge: Judge, tmp_path: Path) -> None:
    receipt = sent(judge, tmp_path / CCN, _days("%-d/%-m/%Y", *_DAYS)())
    assert receipt.status == "refused"
    assert said(receipt)["D-DATE-UNREADABLE birth_date"] == 120


def test_credits_are_netted_by_account_and_revenue_code(judge: Judge, tmp_path: Path) -> None:
    draft = Draft()
    credit = draft.charges[0].with_columns(charge=pl.lit("-50.00"))
    draft.charges = draft.charges.vstack(credit)
    draft.set("discharges", 0, "total_charges", "550.00")
    receipt = sent(judge, tmp_path / CCN, files(draft))
    assert (receipt.status, receipt.rules) == ("accepted", ())
    charges = receipt.file("charges")
    assert charges is not None and charges.dollars.accepted == Decimal(120 * 600 - 50)


def test_a_net_below_zero_quarantines_the_stay(judge: Judge, tmp_path: Path) -> None:
    draft = Draft()
    credit = draft.charges[0].with_columns(charge=pl.lit("(350.00)"))
    draft.charges = draft.charges.vstack(credit)
    draft.set("discharges", 0, "total_charges", "250.00")
    receipt = sent(judge, tmp_path / CCN, files(draft))
    assert said(receipt) == {
        "C-NET-NEGATIVE charge": 2, "C-DISCHARGE-QUARANTINED": 2, "D-LINE-QUARANTINED": 1, "C-MONEY-FORM charge": 1,
    }  # fmt: skip
    assert receipt.rows("discharges") == 119


def _frame(table: str, change: dict[str, pa.Array]) -> pa.Table:
    frame: pa.Table = getattr(Draft(), table).with_columns(pl.all().replace("", None)).to_arrow()
    for name, values in change.items():
        frame = frame.set_column(frame.schema.get_field_index(name), name, values)
    return frame


def _times(zone: str | None, unit: str = "ns", hour: int = 0) -> pa.Array:
    """Local times of the days of admission."""
    days = Draft().discharges["admit_date"].str.to_datetime() + dt.timedelta(hours=hour)
    local = pa.array(days.to_list(), pa.timestamp(unit))
    return pc.assume_timezone(local, zone) if zone else local


PARQUET: dict[str, tuple[str, dict[str, Callable[[], pa.Array]], bool]] = {
    "datetime64": ("discharges", {"admit_date": lambda: _times(None)}, True),
    "times with a zone": ("discharges", {"admit_date": lambda: _times("America/New_York", "us")}, True),
    "times with an offset": ("discharges", {"admit_date": lambda: _times("+05:30", "us")}, True),
    "times with an offset to the west": ("discharges", {"admit_date": lambda: _times("-03:30")}, True),
    "times in a zone with a sign in its name": ("discharges", {"admit_date": lambda: _times("Etc/GMT+5", "ns")}, True),
    "times at midnight of another zone": (
        "discharges", {"admit_date": lambda: _times("UTC", "us", 5).cast(pa.timestamp("us", "+05:30"))}, False),
    "times in UTC": ("discharges", {"admit_date": lambda: _times("UTC", "ms")}, True),
    "times of day": ("discharges", {"admit_date": lambda: _times(None, "us", 9)}, False),
    "money as doubles": ("discharges", {"total_charges": lambda: pa.array([600.0000000001] * 120)}, True),
    "money with broken cents": ("discharges", {"total_charges": lambda: pa.array([600.001] * 120)}, False),
    "decimals of another scale": (
        "discharges", {"total_charges": lambda: pa.array([Decimal("600.0000")] * 120, pa.decimal128(20, 4))}, True),
    "decimals that would lose": (
        "discharges", {"total_charges": lambda: pa.array([Decimal("600.0010")] * 120, pa.decimal128(20, 4))}, False),
    "levels as integers": ("discharges", {"severity_of_illness": lambda: pa.array([2] * 120, pa.int8())}, True),
    "units as doubles": ("charges", {"units": lambda: pa.array([1.0] * 360)}, True),
    "units as decimals": ("charges", {"units": lambda: pa.array([Decimal("1.00")] * 360, pa.decimal128(9, 2))}, True),
    "nothing but nulls": ("discharges", {"hac_flags": lambda: pa.nulls(120)}, True),
    "a dictionary": (
        "discharges", {"apr_drg": lambda: pa.array(Draft().discharges["apr_drg"].to_list()).dictionary_encode()}, True),
    "codes as integers": ("charges", {"revenue_code": lambda: pa.array([120] * 360)}, False),
}  # fmt: skip


@pytest.mark.parametrize("how", PARQUET)
def test_parquet_types_are_read_where_nothing_is_lost(
    judge: Judge, tmp_path: Path, how: str, plain: list[list[tuple[object, ...]]]
) -> None:
    table, change, is_read = PARQUET[how]
    folder = Draft().write(tmp_path / CCN)
    (folder / f"{table}.csv").unlink()
    pq.write_table(_frame(table, {name: make() for name, make in change.items()}), folder / f"{table}.parquet")
    receipt = judge.judge(submission_at(folder, QUARTER, tmp_path))
    if not is_read:
        (problem,) = receipt.refusals
        assert problem.rule == "F-COLUMN-TYPE" and next(iter(change)) in problem.message
    else:
        assert receipt.status == "accepted", receipt.refusals
        rows = lake_rows(judge)
        if how == "levels as integers":
            assert judge.con.execute("select distinct severity_of_illness from d").fetchall() == [("2",)]
        else:
            assert rows == plain


def test_an_unknown_time_zone_is_refused_by_its_name(judge: Judge, tmp_path: Path) -> None:
    folder = Draft().write(tmp_path / CCN)
    (folder / "discharges.csv").unlink()
    days = _times(None, "us").cast(pa.timestamp("us", "Mars/Olympus"))
    pq.write_table(_frame("discharges", {"admit_date": days}), folder / "discharges.parquet")
    (problem,) = judge.judge(submission_at(folder, QUARTER, tmp_path)).refusals
    assert problem.rule == "F-COLUMN-TYPE" and "admit_date has times in the unknown time zone 'Mars/Olympus'" in str(
        problem.message
    )


def test_a_misspelled_column_is_offered_what_it_resembles(judge: Judge, tmp_path: Path) -> None:
    receipt = sent(judge, tmp_path / CCN, _bytes("charges", lambda b: b.replace(b"revenue_code", b"Revenue Code", 1))())
    (problem,) = receipt.refusals
    assert problem.message == "the column revenue_code is missing; 'revenue code' resembles it"


def test_a_file_under_another_name_is_named_where_one_is_missing(judge: Judge, tmp_path: Path) -> None:
    sent_as = files(Draft())
    sent_as["discharge.csv"] = sent_as.pop("discharges.csv")
    receipt = sent(judge, tmp_path / CCN, sent_as)
    (problem,) = receipt.refusals
    assert problem.rule == "F-MISSING" and "found 'discharge.csv'" in problem.message


def test_a_member_s_id_in_a_file_name_is_in_no_message(judge: Judge, tmp_path: Path) -> None:
    receipt = sent(judge, tmp_path / CCN, files(Draft()) | {"note on 1EG4-TE5-MK73.txt": b"", "P000123456.csv": b""})
    reported = " ".join(problem.message for problem in receipt.problems)
    assert "1EG4" not in reported and "000123456" not in reported and "note on" in reported


def test_rates_are_of_rows_read(judge: Judge, tmp_path: Path) -> None:
    draft = Draft()
    for n in range(3, 120):
        draft.set("discharges", n, "apr_drg", "999").set("discharges", n, "attending_npi", "")
    receipt = sent(judge, tmp_path / CCN, files(draft))
    (reported,) = [problem for problem in receipt.problems if problem.rule == "S-NPI-MISSING"]
    assert reported.message.startswith("117 of 120 discharges")

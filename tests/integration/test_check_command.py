"""``hcip check`` as a hospital's analyst uses it: the verdict as text, JSON and a page, and the exit code."""

from __future__ import annotations

import json
import re
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter

from hcip_pipeline import cli
from tests.intake_submissions import Draft

#: a hospital of the shipped table
CCN = "210043"


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as done:
        cli.main(["check", *arguments])
    captured = capsys.readouterr()
    return int(done.value.code or 0), captured.out, captured.err


@pytest.fixture
def refused(tmp_path: Path) -> Path:
    draft = (
        Draft(ccn=CCN, count=100).set("discharges", 4, "apr_drg", "9Z9").set("discharges", 5, "account_no", "SECRET-77")
    )
    return draft.write(tmp_path / "2025Q1" / CCN, control={"discharges": 101})


def test_a_refusal_states_why_where_and_what_to_do(capsys: pytest.CaptureFixture[str], refused: Path) -> None:
    page = refused.parent / "page.html"
    code, out, err = run(capsys, str(refused), "--html", str(page))
    assert (code, err) == (1, "")
    assert out.startswith(f"REFUSED: 2025Q1/{CCN}")
    for words in (
        "discharges: 101 stated, 100 read",
        "2 of 100 rows break an ERROR rule, more than 1%",
        "D-APR-DRG-UNKNOWN · apr_drg: 1 row of discharges",
        "line 6\n      Found: 9Z9",
        "C-NO-DISCHARGE · account_no: 3 rows of charges",
        "Looks like: A99999 (9 is any digit, A any letter)",
        "What to do: ",
    ):
        assert words in out
    text = page.read_text(encoding="utf-8")
    assert "would be refused" in text and "S-CONTROL-DIFFERS" in text and "://" not in text
    assert "SECRET" not in out + text and "A10005" not in out + text


def test_json_has_the_same_facts(capsys: pytest.CaptureFixture[str], refused: Path) -> None:
    code, out, _ = run(capsys, str(refused), "--json")
    reported = json.loads(out)
    assert code == 1 and reported["accepted"] is False and reported["ccn"] == CCN
    assert {problem["rule"] for problem in reported["problems"]} == {"S-CONTROL-DIFFERS", "S-ERROR-RATE"}
    assert [file["rows"]["read"] for file in reported["files"] if file["table"]] == [100, 300]
    assert {(f["rule"], f["row"], f["value"]) for f in reported["findings"]} >= {("D-APR-DRG-UNKNOWN", 6, "9Z9")}


def test_a_valid_submission_is_accepted_in_any_folder(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = Draft(ccn=CCN, count=30).write(tmp_path / "to send")
    code, out, _ = run(capsys, str(folder))
    assert code == 0 and out.startswith(f"ACCEPTED: 2025Q1/{CCN}") and "No rule is broken." in out
    assert "the hospital of most rows" in out and "the quarter of most discharges" in out


def test_a_folder_without_a_submission_is_a_usage_error(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, _, err = run(capsys, str(tmp_path))
    assert code == 2 and "the folder contains no submission" in err and "What to do" in err
    Draft(ccn=CCN, count=2).write(tmp_path / CCN)
    code, _, err = run(capsys, str(tmp_path))
    assert code == 2 and "the folder contains 1 submission" in err


def test_each_finding_is_reported_once_within_80_columns(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    draft = Draft(ccn=CCN, count=200)
    short = pl.col("revenue_code").str.strip_chars_start("0")
    draft.charges = draft.charges.with_columns(short.alias("revenue_code"))
    for row in range(5):
        draft.set("discharges", 3 * row, "severity_of_illness", "7").set("discharges", row, "patient_id", "")
    folder = draft.write(tmp_path / "2025Q1" / CCN)
    (folder / "note 1EG4-TE5-MK73.txt").write_text("")
    code, out, _ = run(capsys, str(folder))
    assert code == 1 and max(map(len, out.splitlines())) <= 80
    rules = [line.split()[0].rstrip(":") for line in out.splitlines() if re.match(r"  [A-Z]-[A-Z]", line)]
    assert len(rules) == len(set(rules)) and "S-PATIENT-ID-MISSING" not in rules  # reported with the rows it counts
    assert rules.index("S-ERROR-RATE") < rules.index("D-SEVERITY-INVALID") < rules.index("C-CODE-PADDED")
    assert (
        "5 rows of discharges" in out and "lines 2, 5, 8, …" in out and "5 of 200 discharges have no patient_id" in out
    )
    assert "1EG4" not in out


def test_large_amounts_are_never_cut(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    draft = Draft(ccn=CCN, count=110)
    million = pl.lit("4111222.33")
    draft.charges = draft.charges.filter(pl.col("revenue_code") == "0120").with_columns(charge=million)
    draft.discharges = draft.discharges.with_columns(total_charges=million)
    folder = draft.write(tmp_path / "2025Q1" / CCN, ".parquet")
    code, out, _ = run(capsys, str(folder))
    assert code == 0 and max(map(len, out.splitlines())) <= 80
    assert out.count("452,234,456.30") == 2 and "…" not in out.split("Rows accepted")[0]


def test_a_column_of_mixed_dates_is_reported_with_its_forms(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    draft = Draft(ccn=CCN).set("discharges", 5, "admit_date", "1/6/2025")
    code, out, _ = run(capsys, str(draft.write(tmp_path / "2025Q1" / CCN)))
    text = " ".join(out.split())
    assert code == 0 and out.count("D-DATE-UNREADABLE") == 1 and "F-DATE-FORMS" not in out
    assert "admit_date is written in several forms, as in 2025-03-14 (119 rows), 3/14/2025 (1 row)" in text


def test_a_workbook_under_any_name_is_checked(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    draft = Draft(ccn=CCN)
    with xlsxwriter.Workbook(tmp_path / "Export Q1.xlsx") as book:
        draft.discharges.write_excel(book, "discharges")
        draft.charges.write_excel(book, "charges")
    (tmp_path / "charges.csv").write_text("nothing to do with it")
    code, out, _ = run(capsys, str(tmp_path / "Export Q1.xlsx"))
    assert code == 0 and out.startswith(f"ACCEPTED: 2025Q1/{CCN}")


def test_a_folder_without_a_submission_is_refused_with_the_files_found(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "discharge.csv").write_text("x")
    (tmp_path / "P000123456.txt").write_text("x")
    code, _, err = run(capsys, str(tmp_path))
    assert code == 2 and "found 'A999999999.txt', 'discharge.csv': none is named discharges or charges" in err


def test_the_page_folds_its_rows_and_has_a_dark_style(capsys: pytest.CaptureFixture[str], refused: Path) -> None:
    page = refused.parent / "page.html"
    run(capsys, str(refused), "--html", str(page))
    text = page.read_text(encoding="utf-8")
    assert "<details><summary>Row by row (1)</summary>" in text
    assert "prefers-color-scheme: dark" in text and 'name="viewport"' in text

"""Codes and numbers are ASCII: a digit or letter of another script looks right, matches nobody, and is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import polars as pl
import pytest

from hcip_pipeline.contracts import hospital, patterns, program, reference
from hcip_pipeline.contracts.table import Column, Table
from hcip_pipeline.errors import HcipError
from hcip_pipeline.intake.cclf.names import CclfName
from hcip_pipeline.intake.hospital.folders import submission_at
from hcip_pipeline.intake.hospital.judging import Judge
from hcip_pipeline.intake.sparcs.edits import READINGS
from hcip_pipeline.periods import Month, PerformancePeriod, Quarter
from hcip_pipeline.policy.measured_conditions import MEASURES_OF_CONDITIONS, parse_threshold
from hcip_pipeline.reference.dispositions import DISCHARGE_DISPOSITIONS
from hcip_pipeline.tables.contract_columns import check_contract_table, npi_fails_check_digit
from hcip_pipeline.tables.refusals import TableRefusedError
from hcip_pipeline.tables.tabular import parse_text_table
from tests.intake_submissions import CCN, QUARTER, Draft
from tests.intake_submissions import reference as reference_tables

ROOT = Path(__file__).parents[2]
#: zeros of other scripts; the nine digits after each follow it
_ZEROS = "٠۰०০੦०๐０𝟎𝟘"
#: letters that look like ASCII letters
_LETTERS = {"A": "АΑＡ𝐀", "C": "СϹＣ", "H": "НΗＨ", "P": "РΡＰ", "Q": "Ｑ", "D": "Ｄ", "Y": "ΥＹ", "T": "ТΤＴ"}


def look_alikes(cell: str) -> list[str]:
    """The cell with one character in another script, for every character that has look-alikes."""
    found = []
    for place, sign in enumerate(cell):
        others = _LETTERS.get(sign, "")
        if sign.isdigit():
            others = "".join(chr(ord(zero) + int(sign)) for zero in _ZEROS)
        found += [cell[:place] + other + cell[place + 1 :] for other in others]
    return found


def sound_cell(column: Column) -> str:
    codes = {
        "ccn": "210003", "hospital_ccn": "210003", "npi": "1234567893", "apr_drg": "045", "mdc": "01",
        "revenue_code_from": "0120", "revenue_code_to": "0120", "disposition_code": "01",
    }  # fmt: skip
    if column.allowed:
        return column.allowed[0]
    if column.name in codes:
        return codes[column.name]
    number = column.bounds[1] if column.bounds else "1"
    return {"date": "2025-01-01", "integer": number, "money": "1.00", "ratio": number, "text": "AC12"}[column.type]


def table_of(table: Table, changed: str = "", cell: str = "") -> bytes:
    cells = {column.name: sound_cell(column) for column in table.columns} | ({changed: cell} if changed else {})
    return f"{','.join(cells)}\n{','.join(cells.values())}\n".encode()


TABLES = [*program.TABLES.values(), *reference.TABLES.values(), DISCHARGE_DISPOSITIONS]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_no_cell_of_another_script_passes_a_contract(table: Table) -> None:
    path = Path(f"{table.name}.csv")
    check_contract_table(parse_text_table(table_of(table), path), path, table)
    for column in table.columns:
        if column.is_words:
            continue
        variants = look_alikes(sound_cell(column))
        assert variants or column.allowed, column.name
        for cell in variants[:: max(1, len(variants) // 2)]:
            with pytest.raises(TableRefusedError) as caught:
                check_contract_table(parse_text_table(table_of(table, column.name, cell), path), path, table)
            assert column.name in {problem.column for problem in caught.value.problems}


def test_an_error_of_one_column_is_counted_where_the_next_column_has_none() -> None:
    table = program.TABLES["condition_results"]
    path = Path("condition_results.csv")
    with pytest.raises(TableRefusedError) as caught:
        check_contract_table(parse_text_table(table_of(table, "hospital_ccn", "2.1E+05"), path), path, table)
    assert caught.value.counts == {"DIGITS-LOST": 1} and "0 errors" not in str(caught.value)


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    with Judge(reference_tables()) as judge:
        yield judge


def test_no_row_of_a_hospital_with_another_script_passes(judge: Judge, tmp_path: Path) -> None:
    draft = Draft(count=400)
    planted = {"discharges": set(), "charges": set()}
    for table, contract in (("discharges", hospital.DISCHARGES), ("charges", hospital.CHARGES)):
        frame: pl.DataFrame = getattr(draft, table)
        row = 0
        for column in contract.columns:
            if column.name not in frame.columns or (column.nullable and column.allowed):
                continue  # an unknown code of a list is stored as empty, and reported
            sound = next((cell for cell in frame.get_column(column.name) if cell), "")
            for cell in look_alikes(sound)[:12]:
                draft.set(table, row, column.name, cell)
                if table == "charges" and column.name == "units":
                    continue
                planted[table].add(row + 2)
                row += 3 if table == "charges" else 1
    folder = draft.write(tmp_path / CCN)
    judge.judge(submission_at(folder, QUARTER, tmp_path))
    reported = judge.con.execute("select file, row from findings").fetchall()
    for table, rows in planted.items():
        assert len(rows) > 20 and rows <= {row for file, row in reported if file == table}


def test_a_check_digit_that_cannot_be_computed_has_failed() -> None:
    npis = ["1234567893", "1234567890", "١٢٣٤٥٦٧٨٩٣", "１２３４５６７８９３", "12345", "", None]
    failed = pl.DataFrame({"npi": npis}).select(npi_fails_check_digit(pl.col("npi"))).to_series().to_list()
    assert failed == [False, True, True, True, True, True, True]


def test_no_pattern_matches_another_script() -> None:
    for written in chain(patterns.TYPE_PATTERNS.values(), patterns.CODES.values(), [patterns.ASCII]):
        for sound in ("2025-01-01", "1", "1.25", "210003", "1234567893", "045", "01", "0120", "AC12"):
            if not re.search(written.pattern, sound):
                continue
            others = look_alikes(sound)
            assert not any(re.search(written.pattern, other) for other in others)
            assert not pl.Series(others).str.contains(written.pattern).any()


@pytest.mark.parametrize(
    ("parse", "sound"),
    [(Quarter.parse, "2025Q1"), (Month.parse, "2025-04"), (PerformancePeriod.parse, "2025H1")],
    ids=["quarter", "month", "half-year"],
)
def test_no_name_of_a_period_is_in_another_script(parse: object, sound: str) -> None:
    assert callable(parse) and str(parse(sound)) == sound
    for other in look_alikes(sound):
        with pytest.raises(HcipError):
            parse(other)


def test_names_of_claim_files_and_thresholds_are_ascii() -> None:
    name = "P.A1234.ACO.ZCY25.D250415.T1234567"
    assert CclfName.parse(name) and not any(CclfName.parse(other) for other in look_alikes(name))
    measure = next(iter(MEASURES_OF_CONDITIONS))
    for other in look_alikes("at least 5%"):
        with pytest.raises(ValueError):
            parse_threshold(measure, other)


def test_no_figure_of_a_sparcs_file_is_in_another_script(judge: Judge) -> None:
    columns = {
        "facility": ("facility_id", "1234"), "year": ("discharge_year", "2022"), "days": ("length_of_stay", "12"),
        "drg": ("apr_drg", "045"), "mdc_code": ("mdc", "01"), "charges": ("total_charges", "$1,234.50"),
        "costs": ("total_costs", "1234"), "attending_license": ("attending", "001234"),
    }  # fmt: skip
    for reading, (column, sound) in columns.items():
        cells = pl.DataFrame({column: [sound, *look_alikes(sound)]})  # noqa: F841 (DuckDB reads it by name)
        read = judge.con.execute(f"select {READINGS[reading]} from cells").fetchall()
        assert read[0][0] is not None and all(cell is None for (cell,) in read[1:]), reading


def test_no_pattern_accepts_digits_or_letters_of_every_script() -> None:
    """No digit or letter class in a pattern for received files; the exceptions read the project's own files."""
    own = {
        "hcip_pipeline/files/scratch.py",
        "hcip_pipeline/synthetic/resubmissions.py",
        "hcip_pipeline/warehouse/rendering.py",
    }
    found = [
        str(path.relative_to(ROOT))
        for path in chain((ROOT / "hcip_pipeline").rglob("*.py"), (ROOT / "dbt_project/macros").rglob("*.sql"))
        if re.search(r"\\[dw][{+*?\])(]|\\[dw]\\[dw]|isnumeric\(|isdecimal\(", path.read_text(encoding="utf-8"))
    ]
    assert set(found) <= own

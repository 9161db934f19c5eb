"""Files of a quarter that do not belong together or are incomplete: refused or left out, never read as complete."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from hcip_pipeline.errors import HcipError
from hcip_pipeline.intake.texas.reading import TexasReceipt, read_texas
from hcip_pipeline.periods import Quarter
from hcip_pipeline.reference.tables import load_tables_for_other_states
from hcip_pipeline.synthetic.texas_pudf import write_texas_pudf
from tests.texas_files import DISCHARGES, Q1, cell, file_of, spoil
from tests.texas_files import folder as folder
from tests.texas_files import published as published

pytestmark = pytest.mark.slow


def _read(folder: Path) -> TexasReceipt:
    return read_texas(folder, [Q1], folder / "out", load_tables_for_other_states(None)["apr_drg"])


def _refused(folder: Path) -> HcipError:
    with pytest.raises(HcipError) as caught:
        _read(folder)
    assert caught.value.fix
    return caught.value


def _change(folder: Path, table: str, change: Callable[[list[str]], list[str]]) -> None:
    path = file_of(folder, table)
    path.write_text("".join(f"{line}\n" for line in change(path.read_text().splitlines())))


def _problems(receipt: TexasReceipt) -> dict[str, int]:
    return {problem.rule: problem.rows or 0 for problem in receipt.problems}


def test_a_few_records_of_other_quarters_are_late_discharges_and_many_are_refused(folder: Path) -> None:
    late = DISCHARGES // 10 - 5
    for row in range(1, late + 1):
        spoil(folder, "base1", row, {"DISCHARGE": "2018Q3"})
    assert _problems(_read(folder))["TEXAS-LATE-DISCHARGE"] >= late
    for row in range(1, 3 * late):
        spoil(folder, "base1", row, {"DISCHARGE": "2018Q3"})
    error = _refused(folder)
    assert (error.rule, error.row) == ("TEXAS-OTHER-QUARTER", 1) and "2018Q3" in error.message


@pytest.mark.parametrize("change", [lambda rows: rows[:1], lambda rows: ["777777" + row[6:] for row in rows]])
def test_a_facility_file_of_other_hospitals_is_refused(folder: Path, change: Callable[[list[str]], list[str]]) -> None:
    _change(folder, "facility", change)
    assert _refused(folder).rule == "TEXAS-OTHER-FACILITIES"


def test_records_without_charge_lines_are_left_out(folder: Path) -> None:
    _change(folder, "charges", lambda rows: rows[: len(rows) // 2])
    receipt = _read(folder)
    base1, charges = (next(f for f in receipt.files if f.table == table) for table in ("base1", "charges"))
    assert base1.error_rows == base1.quarantined == _problems(receipt)["TEXAS-NO-CHARGES"] > DISCHARGES // 3
    assert charges.quarantined == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: [*rows, *rows],
        lambda rows: [row[:52] + row[52:66].replace(".", "").rjust(14) + row[66:] for row in rows],
    ],
    ids=["twice", "cents"],
)
def test_lines_that_do_not_add_up_to_the_totals_are_refused(
    folder: Path, change: Callable[[list[str]], list[str]]
) -> None:
    _change(folder, "charges", change)
    error = _refused(folder)
    assert error.rule == "TEXAS-OTHER-CHARGES" and f"{DISCHARGES} of the {DISCHARGES} records" in error.message


def test_a_stay_with_negative_charges_is_left_out_and_one_without_charges_is_counted(folder: Path) -> None:
    first, free = cell(folder, "base1", 1, "RECORD_ID"), cell(folder, "base1", 3, "RECORD_ID")
    spoil(folder, "base1", 3, {"TOTAL_CHARGES": "0.00"})
    credit = "-9999999.00".rjust(14)
    _change(
        folder,
        "charges",
        lambda rows: [row for row in rows if not row.startswith(free)] + [rows[0][:52] + credit + rows[0][66:]],
    )
    receipt = _read(folder)
    assert file_of(folder, "charges").read_text().startswith(first)
    found = {problem.rule: (problem.row, problem.rows) for problem in receipt.problems}
    assert found["TEXAS-NET-NEGATIVE"] == (1, 1) and found["TEXAS-ZERO-CHARGES"] == (3, 1)


def test_amounts_without_any_cents_are_reported(folder: Path) -> None:
    for table, start, end in (("base1", 64, 76), ("charges", 52, 66)):

        def in_cents(rows: list[str], start: int = start, end: int = end) -> list[str]:
            return [row[:start] + row[start:end].replace(".", "").rjust(end - start) + row[end:] for row in rows]

        _change(folder, table, in_cents)
    assert _problems(_read(folder))["TEXAS-NO-CENTS"] == DISCHARGES


@pytest.mark.parametrize("sign", [b"\x00", b"\x01"])
def test_a_character_that_no_text_has_is_reported_with_its_row(folder: Path, sign: bytes) -> None:
    path = file_of(folder, "charges")
    content = path.read_bytes()
    path.write_bytes(content[:3000] + sign + content[3001:])
    error = _refused(folder)
    assert (error.rule, error.row) == ("TEXAS-UNREADABLE", content[:3000].count(b"\n") + 1)


def test_a_late_discharge_that_was_in_an_earlier_file_counts_once(published: Path, tmp_path: Path) -> None:
    second = Quarter(2019, 2)
    folder = Path(shutil.copytree(published, tmp_path / "pudf"))
    write_texas_pudf(folder, [second], discharges=DISCHARGES, hospitals=3)
    twice = cell(folder, "base1", 1, "RECORD_ID")
    for table in ("base1", "charges"):
        rows = [row for row in file_of(folder, table).read_text().splitlines() if row.startswith(twice)]
        with file_of(folder, table, "2q2019").open("a") as file:
            file.writelines(f"{row}\n" for row in rows)
    receipt = read_texas(folder, [Q1, second], folder / "out", load_tables_for_other_states(None)["apr_drg"])
    found = [(p.file, p.row, p.rows) for p in receipt.problems if p.rule == "TEXAS-RECORD-TWICE"]
    assert found == [(file_of(folder, "base1", "2q2019").name, DISCHARGES + 1, 1)]
    assert sum(file.accepted for file in receipt.files if file.table == "base1") == 2 * DISCHARGES

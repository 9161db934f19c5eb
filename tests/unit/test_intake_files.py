"""Files that are not tables of cells: each kind is refused by its rule, never with a stack trace."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pytest

from hcip_pipeline.errors import HcipError
from hcip_pipeline.files.received import HOSPITAL, MAX_COLUMNS
from hcip_pipeline.intake.hospital import edits, outcomes
from hcip_pipeline.intake.hospital.edits import Check
from hcip_pipeline.intake.hospital.file_scan import scan_file
from hcip_pipeline.intake.hospital.judging import Judge
from tests.intake_submissions import CCN, Draft, csv_bytes, judged, reference, rules

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    with Judge(reference()) as judge:
        yield judge


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Draft(count=30).write(tmp_path / CCN)


def _rewrite(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(change((folder / name).read_bytes()))


def _as(name: str, content: bytes) -> Callable[[Path], object]:
    def write(folder: Path) -> None:
        table = name.split(".")[0]
        (folder / f"{table}.csv").unlink()
        (folder / name).write_bytes(content)

    return write


PACKED = gzip.compress(csv_bytes(Draft(count=30).discharges), mtime=0)
REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "no charges": (lambda folder: (folder / "charges.csv").unlink(), "F-MISSING"),
    "empty": (_rewrite("charges.csv", lambda b: b""), "F-EMPTY"),
    "a byte order mark alone": (_rewrite("charges.csv", lambda b: b"\xef\xbb\xbf"), "F-EMPTY"),
    "blank lines alone": (_rewrite("charges.csv", lambda b: b"\n\n \n"), "F-EMPTY"),
    "header alone": (_rewrite("discharges.csv", lambda b: b.split(b"\n")[0] + b"\n"), "F-NO-ROWS"),
    "header and blank lines": (_rewrite("discharges.csv", lambda b: b.split(b"\n")[0] + b"\n\n  \n\n"), "F-NO-ROWS"),
    "twice, in two formats": (lambda folder: (folder / "charges.csv.gz").write_bytes(b""), "F-AMBIGUOUS"),
    "a folder for a file": (
        lambda folder: ((folder / "charges.csv").unlink(), (folder / "charges.csv").mkdir()),
        "F-NOT-A-FILE",
    ),
    "UTF-16": (_rewrite("discharges.csv", lambda b: b.decode().encode("utf-16")), "F-ENCODING"),
    "UTF-16 without a mark": (_rewrite("discharges.csv", lambda b: b.decode().encode("utf-16-le")), "F-NUL"),
    "no text": (_rewrite("discharges.csv", lambda b: b.replace(b"I639", b"\x81\x8d")), "F-ENCODING"),
    "cut inside a character": (_rewrite("discharges.csv", lambda b: b + "é".encode()[:1]), "F-ENCODING"),
    "NUL bytes": (_rewrite("charges.csv", lambda b: b.replace(b"0120", b"0\x0020", 1)), "F-NUL"),
    "bare carriage returns": (_rewrite("charges.csv", lambda b: b.replace(b"\n", b"\r")), "F-LINE-ENDS"),
    "mixed line ends": (_rewrite("charges.csv", lambda b: b.replace(b"\n", b"\r\n", 5)), "F-LINE-ENDS"),
    "a workbook": (_rewrite("charges.csv", lambda b: b"PK\x03\x04" + b), "F-ENCODING"),
    "compressed, not named so": (_rewrite("discharges.csv", lambda b: PACKED), "F-ENCODING"),
    "gzip cut off": (_as("discharges.csv.gz", PACKED[: len(PACKED) // 2]), "F-COMPRESSION"),
    "gzip without its check sum": (_as("discharges.csv.gz", PACKED[:-8]), "F-COMPRESSION"),
    "gzip with a flipped bit": (_as("discharges.csv.gz", PACKED[:-5] + b"\x00" + PACKED[-4:]), "F-COMPRESSION"),
    "no gzip at all": (_as("discharges.csv.gz", csv_bytes(Draft(count=30).discharges)), "F-COMPRESSION"),
    "gzip of nothing": (_as("discharges.csv.gz", gzip.compress(b"", mtime=0)), "F-EMPTY"),
    "no Parquet at all": (_as("discharges.parquet", b"PAR1 and no more"), "F-UNREADABLE"),
    "no header": (_rewrite("discharges.csv", lambda b: b.split(b"\n", 1)[1]), "F-COLUMN-MISSING"),
    "a missing column": (_rewrite("discharges.csv", lambda b: b.replace(b"apr_drg", b"drg", 1)), "F-COLUMN-MISSING"),
    "a column twice": (_rewrite("charges.csv", lambda b: b.replace(b"units", b"charge", 1)), "F-COLUMN-REPEATED"),
    "an open quote in the header": (_rewrite("charges.csv", lambda b: b'"' + b), "F-HEADER"),
    "a line without end": (_rewrite("charges.csv", lambda b: b + b"x" * 3_000_000), "F-UNREADABLE"),
    "a header without end": (_rewrite("charges.csv", lambda b: b.replace(b"\n", b" ") * 30), "F-HEADER"),
}


@pytest.mark.parametrize("how", REFUSED)
def test_a_file_that_cannot_be_read_refuses_the_submission(judge: Judge, folder: Path, how: str) -> None:
    spoil, rule = REFUSED[how]
    spoil(folder)
    receipt = judged(judge, folder)
    assert receipt.status == "refused"
    assert rule in rules(receipt)
    for problem in receipt.problems:
        assert "I639" not in problem.message and "A10001" not in problem.message  # no cell of a row


ACCEPTED: dict[str, Callable[[bytes], bytes]] = {
    "a byte order mark": lambda b: b"\xef\xbb\xbf" + b,
    "CR LF": lambda b: b.replace(b"\n", b"\r\n"),
    "no last line end": lambda b: b.rstrip(b"\n"),
    "blank lines": lambda b: b.replace(b"\n", b"\n\n", 4) + b"\n \n",
    "every cell quoted": lambda b: b"".join(b'"' + row.replace(b",", b'","') + b'"\n' for row in b.splitlines()),
    "empty cells quoted": lambda b: b.replace(b",,", b',"",'),
    "blanks round cells": lambda b: b.replace(b",", b" , "),
}


@pytest.mark.parametrize("how", ACCEPTED)
def test_harmless_file_formats_make_no_difference(judge: Judge, folder: Path, how: str) -> None:
    plain = judged(judge, folder)
    for name in ("discharges.csv", "charges.csv"):
        _rewrite(name, ACCEPTED[how])(folder)
    receipt = judged(judge, folder)
    assert receipt.status == "accepted"
    assert receipt.rules == plain.rules == ()
    assert [file.rows for file in receipt.files] == [file.rows for file in plain.files]
    assert [file.dollars for file in receipt.files] == [file.dollars for file in plain.files]


def test_a_plain_submission_is_read_only_once(judge: Judge, folder: Path) -> None:
    """It has no odd rows, so no habits are looked for: that would cost more than the first pass."""
    assert judged(judge, folder).status == "accepted"
    looked_at = judge.con.execute("select table_name from duckdb_tables() where table_name like 'odd!_%' escape '!'")
    assert looked_at.fetchall() == []


def test_a_blank_at_the_very_end_makes_no_difference(judge: Judge, folder: Path) -> None:
    _rewrite("charges.csv", lambda b: b.rstrip(b"\n") + b" ")(folder)
    assert judged(judge, folder).rows("charges", "quarantined") == 0


def test_a_file_that_unpacks_to_far_more_than_it_is_refused_unread(
    judge: Judge, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ceiling = replace(HOSPITAL, harmless=1_000_000)
    monkeypatch.setattr("hcip_pipeline.intake.hospital.file_scan.HOSPITAL", ceiling)
    header, row = csv_bytes(Draft(count=30).charges).split(b"\n")[:2]
    _as("charges.csv.gz", gzip.compress(header + b"\n" + (row + b"\n") * 100_000, mtime=0))(folder)
    receipt = judged(judge, folder)
    assert "F-TOO-LARGE" in rules(receipt) and receipt.rows("charges", "read") == 0


def test_a_submission_larger_than_memory_is_refused_and_the_next_is_judged(folder: Path) -> None:
    with Judge(reference()) as small:
        small.con.execute("set memory_limit = '1MB'; set temp_directory = ''")
        assert "F-TOO-LARGE" in rules(judged(small, folder))
        small.con.execute("reset memory_limit")
        assert judged(small, folder).status == "accepted"


def test_a_quoted_cell_may_hold_commas_and_quotes(judge: Judge, folder: Path) -> None:
    _rewrite("discharges.csv", lambda b: b.replace(b"I10:Y|E119:N", b'"I10:Y,""x"""', 3))(folder)
    assert [(count.rule, count.rows) for count in judged(judge, folder).rules] == [("D-CODE-MALFORMED", 3)]
    cells = judge.con.execute("select distinct diagnoses from d order by 1").fetchall()
    assert cells == [('I10:Y,"x"',), ("I10:Y|E119:N",)]


def test_the_order_of_columns_is_free_and_an_unknown_one_is_reported(judge: Judge, tmp_path: Path) -> None:
    draft = Draft(count=30)
    plain = judged(judge, draft.write(tmp_path / "plain" / CCN))
    draft.discharges = draft.discharges.select(reversed(draft.discharges.columns)).with_columns(extra=pl.lit("x"))
    receipt = judged(judge, draft.write(tmp_path / "other" / CCN))
    assert [file.rows for file in receipt.files] == [file.rows for file in plain.files]
    assert [(p.rule, p.message) for p in receipt.problems] == [
        ("F-COLUMN-UNKNOWN", "the column 'extra' is unknown and ignored")
    ]


def test_an_unknown_file_is_reported_and_ignored(judge: Judge, folder: Path) -> None:
    (folder / "notes\x1b[31m.txt").write_text("hello")
    receipt = judged(judge, folder)
    assert receipt.status == "accepted"
    assert [problem.message for problem in receipt.problems] == [r"'notes\x1b[31m.txt' is unknown and ignored"]


def test_a_line_is_named_as_it_is_in_the_file(judge: Judge, folder: Path) -> None:
    _rewrite("charges.csv", lambda b: b.replace(b"\n", b"\n\n\n", 2) + b"\n\n" + b"210001,A10000,0120,x,1,1.00\n")(
        folder
    )
    lines = (folder / "charges.csv").read_bytes().splitlines()
    judged(judge, folder)
    row = judge.con.execute("select row from findings where rule = 'C-DATE-UNREADABLE'").fetchone()
    assert row is not None
    assert lines[row[0] - 1].endswith(b",x,1,1.00")


def test_a_scan_has_size_and_hash_and_reads_no_clock(folder: Path) -> None:
    import hashlib
    import os

    path = folder / "charges.csv"
    before = scan_file(path)
    os.utime(path, (0, 0))
    assert before.sha256 == hashlib.sha256(path.read_bytes()).hexdigest() == scan_file(path).sha256
    assert before.size == path.stat().st_size
    assert before.lines == 91


CONTROL = {"discharges": 30, "charge_lines": 90, "total_charges": "18000.00"}


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (CONTROL, None),
        (CONTROL | {"prepared_at": "2025-04-20T10:00:00"}, None),
        ({"discharges": 30}, None),
        (CONTROL | {"total_charges": 18000}, None),
        (CONTROL | {"discharges": 29}, "S-CONTROL-DIFFERS"),
        (CONTROL | {"charge_lines": 91}, "S-CONTROL-DIFFERS"),
        (CONTROL | {"total_charges": "18000.01"}, "S-CONTROL-DIFFERS"),
        (CONTROL | {"discharges": "30"}, "S-CONTROL-UNREADABLE"),
        (CONTROL | {"discharges": True}, "S-CONTROL-UNREADABLE"),
        (CONTROL | {"total_charges": "18,000.00"}, "S-CONTROL-UNREADABLE"),
        (CONTROL | {"total_charges": "NaN"}, "S-CONTROL-UNREADABLE"),
        (CONTROL | {"wards": 3}, "S-CONTROL-KEY-UNKNOWN"),
        ([30, 90], "S-CONTROL-UNREADABLE"),
        ({}, "S-CONTROL-UNREADABLE"),
    ],
)
def test_control_totals_are_compared(judge: Judge, folder: Path, content: object, rule: str | None) -> None:
    (folder / "control_totals.json").write_text(json.dumps(content))
    receipt = judged(judge, folder)
    assert rules(receipt) == ({rule} if rule else set())
    assert receipt.status == ("accepted" if rule in (None, "S-CONTROL-KEY-UNKNOWN") else "refused")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 20_000,
        b'{"discharges": 1, "discharges": 1}',
        b'{"discharges": 1e999999999}',
        b" " * 70_000,
    ],
)
def test_control_totals_that_cannot_be_read_refuse(judge: Judge, folder: Path, content: bytes) -> None:
    (folder / "control_totals.json").write_bytes(content)
    assert rules(judged(judge, folder)) == {"S-CONTROL-UNREADABLE"}


def test_a_link_that_leads_out_of_the_inbox_is_refused(
    judge: Judge, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "charges.csv"
    (folder / "charges.csv").rename(outside)
    (folder / "charges.csv").symlink_to(outside)
    receipt = judged(judge, folder)
    assert "S-OUTSIDE-INBOX" in rules(receipt)
    assert all(file.table != "charges" for file in receipt.files)  # it was not even read


def test_a_link_that_leads_nowhere_is_refused(judge: Judge, folder: Path) -> None:
    (folder / "charges.csv").unlink()
    (folder / "charges.csv").symlink_to(folder / "charges.csv")
    assert "S-OUTSIDE-INBOX" in rules(judged(judge, folder))


@pytest.mark.parametrize(
    "name", ["21000", "2100011", "210001.r1", "210001.r02", "210001.rx", "210001 ", "..x", "*", "a'b"]
)
def test_a_folder_that_names_no_hospital_and_version_is_refused(judge: Judge, tmp_path: Path, name: str) -> None:
    receipt = judged(judge, Draft(count=30).write(tmp_path / name))
    assert rules(receipt) == {"S-FOLDER-NAME"}
    assert receipt.stem.startswith("unrecognized-")


def test_a_hospital_that_is_not_in_the_table_is_refused(judge: Judge, tmp_path: Path) -> None:
    receipt = judged(judge, Draft(ccn="210099", count=30).write(tmp_path / "210099"))
    # Its rates are missing too: both are reported at once, so that both can be corrected at once.
    assert [problem.rule for problem in receipt.refusals] == ["S-HOSPITAL-UNKNOWN", "S-COST-FACTOR-MISSING"]
    assert receipt.rules == ()


@pytest.mark.parametrize("place", ["it's", "a*b", "q=1 [x]", "{a,b}", "ünï"])
def test_a_submission_is_read_whatever_its_parent_folder(judge: Judge, tmp_path: Path, place: str) -> None:
    for ending in (".csv", ".csv.gz", ".parquet"):
        folder = Draft(count=30).write(tmp_path / place / ending / CCN, ending)
        assert judged(judge, folder).status == "accepted"


@pytest.mark.parametrize("table", ["discharges", "charges"])
def test_an_engine_failure_refuses_only_its_submission_and_names_the_row(
    tmp_path: Path, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    column, broken = (
        ("charge", "charge = 299.99") if table == "charges" else ("total_charges", "total_charges = 599.99")
    )
    check = Check("C-MONEY-INVALID", column, f"case when {broken} then error('overflow') = 'x' end")
    name = f"{table.removesuffix('s')}_errors"
    as_before = getattr(edits, name)
    monkeypatch.setattr(edits, name, lambda **options: [*as_before(**options), check])
    draft = Draft(count=40)
    sound = draft.write(tmp_path / "sound" / CCN)
    spoiled = draft.set(table, 30, column, broken[-6:]).write(tmp_path / "spoiled" / CCN)
    with Judge(reference()) as judge:
        receipt = judged(judge, spoiled)
        (problem,) = (problem for problem in receipt.problems if problem.refuses)
        assert (problem.rule, problem.file, problem.row) == ("F-UNREADABLE", f"{table}.csv", 32)
        assert judged(judge, sound).status == "accepted"


def test_a_full_disk_under_the_engine_is_not_the_hospitals_fault(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise duckdb.IOException("Could not write file: No space left on device")

    with Judge(reference()) as judge:
        monkeypatch.setattr(outcomes, "load", full)
        with pytest.raises(HcipError) as caught:
            judged(judge, folder)
    assert caught.value.rule == "DISK-FULL"


def test_amounts_at_the_ceiling_are_judged_exactly(tmp_path: Path) -> None:
    draft = Draft(count=150).set("charges", 0, "charge", "99999999999.99").set("charges", 1, "charge", "0.01")
    draft.set("charges", 2, "charge", "0.00").set("discharges", 0, "total_charges", "100000000000.00")
    draft.set("discharges", 1, "total_charges", "100000000000.01").set("charges", 6, "charge", "9999999999999999.99")
    rates = reference()
    low = pl.lit(Decimal("0.1"), pl.Decimal(18, 8)).alias("markup")
    rates["cost_factors"] = rates["cost_factors"].with_columns(low)
    with Judge(rates) as judge:
        receipt = judged(judge, draft.write(tmp_path / CCN))
    reported = {(rule.rule, rule.lines) for rule in receipt.rules}
    assert ("D-MONEY-INVALID", (3,)) in reported and ("C-MONEY-INVALID", (8,)) in reported
    read = receipt.file("discharges")
    assert read is not None and read.dollars.read == Decimal("100000000000.00") + 148 * 600


def test_more_columns_than_any_table_has_are_refused_at_once(judge: Judge, folder: Path, tmp_path: Path) -> None:
    wide = pl.DataFrame({f"c{n}": ["1"] for n in range(MAX_COLUMNS + 1)})
    wide.write_parquet(folder / "discharges.parquet")
    (folder / "discharges.csv").unlink()
    header = ",".join(f"c{n}" for n in range(MAX_COLUMNS + 1))
    (folder / "charges.csv").write_text(header + "\n" + "," * MAX_COLUMNS + "\n")
    problems = {(problem.rule, problem.file) for problem in judged(judge, folder).problems if problem.refuses}
    assert problems == {("F-TOO-LARGE", "discharges.parquet"), ("F-TOO-LARGE", "charges.csv")}


def test_a_header_of_more_than_a_thousand_columns_may_have_quoted_cells(judge: Judge, folder: Path) -> None:
    path = folder / "discharges.csv"
    header, *rows = path.read_text().splitlines()
    more = ",".join(f"x{n}" for n in range(1500))
    quoted = [row + "," + ",".join(['"a, b"'] * 1500) for row in rows]
    path.write_text("\n".join([f"{header},{more}", *quoted]) + "\n")
    assert judged(judge, folder).status == "accepted"

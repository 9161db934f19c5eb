"""Corrupted submissions: preflight and intake agree on each, nothing is lost, and nothing breaks.

Every run of the tests tries one batch; `make mutations` tries 22 batches, more than a thousand corrupted submissions.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.hospital.ingest import files_in_force, ingest_quarter
from hcip_pipeline.intake.hospital.preflight import CheckResult, Preflight
from hcip_pipeline.intake.hospital.receipts import SubmissionReceipt
from tests.intake_submissions import CCN, POLICY, QUARTER, Draft, csv_bytes, reference

#: Each batch corrupts a submission in every way, alone or combined with another, with its own seed.
BATCHES = int(os.environ.get("HCIP_MUTATION_BATCHES", "1"))

Random = random.Random
Bytes = Callable[[Random, bytes], bytes]


def _lines(change: Callable[[Random, list[bytes]], list[bytes]]) -> Bytes:
    """A mutation of a file's lines, header included."""
    return lambda rng, content: b"\n".join(change(rng, content.rstrip(b"\n").split(b"\n"))) + b"\n"


def _some(rng: Random, rows: list[bytes], share: float = 0.0) -> list[int]:
    """Positions of one data row, or of a share of them."""
    data = range(1, len(rows))
    return rng.sample(data, min(len(data), max(1, int(share * len(data)))))


def _each(rng: Random, rows: list[bytes], change: Callable[[bytes], bytes], share: float = 0.0) -> list[bytes]:
    chosen = set(_some(rng, rows, share))
    return [change(row) if n in chosen else row for n, row in enumerate(rows)]


def _cell(rng: Random, rows: list[bytes], value: bytes, share: float = 0.0) -> list[bytes]:
    place = rng.randrange(rows[0].count(b",") + 1)  # mostly one column in every row

    def put(row: bytes) -> bytes:
        cells = row.split(b",")
        cells[min(place, len(cells) - 1)] = value
        return b",".join(cells)

    return _each(rng, rows, put, share)


def _shifted(row: bytes) -> bytes:
    cells = row.split(b",")
    return b",".join(cells[-1:] + cells[:-1])


def _column_order(rng: Random, rows: list[bytes]) -> list[bytes]:
    order = list(range(rows[0].count(b",") + 1))
    rng.shuffle(order)
    cells = [row.split(b",") for row in rows]
    return [b",".join(row[n] for n in order if n < len(row)) for row in cells]


def _without_column(rng: Random, rows: list[bytes]) -> list[bytes]:
    gone = rng.randrange(rows[0].count(b",") + 1)
    return [b",".join(cell for n, cell in enumerate(row.split(b",")) if n != gone) for row in rows]


def _flip(rng: Random, content: bytes) -> bytes:
    corrupted = bytearray(content)
    for _ in range(rng.randrange(1, 4)):
        corrupted[rng.randrange(len(corrupted))] ^= 1 << rng.randrange(8)
    return bytes(corrupted)


_FORMULA = (b"=1+1", b"+cmd|'/c calc'!A0", b"@SUM(A1)", b"-2+3")
MUTATIONS: dict[str, Bytes] = {
    "truncated": lambda rng, b: b[: rng.randrange(len(b))],
    "truncated rows": _lines(lambda rng, rows: rows[: rng.randrange(1, len(rows))]),
    "rows in another order": _lines(lambda rng, rows: [rows[0], *rng.sample(rows[1:], len(rows) - 1)]),
    "columns in another order": _lines(_column_order),
    "a column missing": _lines(_without_column),
    "a column more": _lines(lambda rng, rows: [rows[0] + b",extra", *(row + b",x" for row in rows[1:])]),
    "a column twice": _lines(lambda rng, rows: [row + b"," + row.split(b",")[0] for row in rows]),
    "no header": _lines(lambda rng, rows: rows[1:]),
    "header alone": _lines(lambda rng, rows: rows[:1]),
    "header twice": _lines(lambda rng, rows: [rows[0], *rows]),
    "Latin-1": lambda rng, b: b.replace(b"01", "é".encode("latin-1"), rng.randrange(1, 9)),
    "UTF-16": lambda rng, b: b.decode(errors="replace").encode(rng.choice(["utf-16", "utf-16-le", "utf-16-be"])),
    "other letters in UTF-8": lambda rng, b: b.replace(b"I10", "Ⅰ①𝟘".encode(), rng.randrange(1, 3)),
    "semicolons": lambda rng, b: b.replace(b",", b";"),
    "tabs": lambda rng, b: b.replace(b",", b"\t", rng.choice([-1, 60])),
    "commas as bars": lambda rng, b: b.replace(b",", b"|"),
    "a quote that never closes": _lines(lambda rng, rows: _each(rng, rows, lambda row: row.replace(b",", b',"', 1))),
    "a quote inside a cell": _lines(lambda rng, rows: _each(rng, rows, lambda row: row.replace(b"0", b'0"', 2))),
    "every cell quoted": _lines(lambda rng, rows: [b'"' + row.replace(b",", b'","') + b'"' for row in rows]),
    "a line break inside quotes": _lines(
        lambda rng, rows: _each(rng, rows, lambda row: b'"' + row.replace(b",", b'\n",', 1))
    ),
    "byte order mark": lambda rng, b: b"\xef\xbb\xbf" * rng.randrange(1, 3) + b,
    "CR LF": lambda rng, b: b.replace(b"\n", b"\r\n"),
    "some CR LF": lambda rng, b: b.replace(b"\n", b"\r\n", rng.randrange(1, 20)),
    "bare CR": lambda rng, b: b.replace(b"\n", b"\r", rng.choice([-1, 1, 3])),
    "NUL bytes": lambda rng, b: b.replace(b"0", b"\x00", rng.randrange(1, 5)),
    "control characters": lambda rng, b: b.replace(b"0", bytes([rng.randrange(1, 32)]), rng.randrange(1, 3)),
    "end-of-file sign": lambda rng, b: b + b"\x1a",
    "a cell more": _lines(lambda rng, rows: _each(rng, rows, lambda row: row + b",", rng.choice([0, 0.5]))),
    "a cell less": _lines(lambda rng, rows: _each(rng, rows, lambda row: row.rpartition(b",")[0])),
    "commas alone": _lines(lambda rng, rows: [*rows, b"," * rows[0].count(b",")]),
    "blank lines": _lines(lambda rng, rows: [rows[0], b"", *rows[1:], b"", b"   "]),
    "a huge cell": _lines(lambda rng, rows: _cell(rng, rows, b"9" * rng.choice([5_000, 2_100_000]))),
    "a formula": _lines(lambda rng, rows: _cell(rng, rows, rng.choice(_FORMULA), rng.choice([0, 0.02]))),
    "an empty cell": _lines(lambda rng, rows: _cell(rng, rows, b"", rng.choice([0, 0.02, 1]))),
    "a strange cell": _lines(
        lambda rng, rows: _cell(
            rng, rows, rng.choice([b"NULL", b"\\N", b"nan", b"infinity", b"1e9", b"0x1F", b"%s", b"';--"])
        )
    ),
    "a placeholder": _lines(
        lambda rng, rows: _cell(rng, rows, rng.choice([b"N/A", b"None", b".", b"0", b"UNKNOWN"]), rng.choice([0, 0.3]))
    ),
    "identifiers as floats": lambda rng, b: re.sub(rb",[AP](\d{5}),", rb",1\1.0,", b, count=rng.choice([0, 0, 9])),
    "lists separated otherwise": lambda rng, b: b.replace(
        b"I10:Y|E119:N", rng.choice([b"I10:Y; E11.9:N", b"I10 E119"])
    ),
    "complications in words": lambda rng, b: b.replace(b",,600.00", rng.choice([b",NONE,600.00", b",YES,600.00"])),
    "blanks of the web": _lines(lambda rng, rows: _each(rng, rows, lambda row: row.replace(b",", b"\xc2\xa0,"), 0.5)),
    "marks of text": _lines(lambda rng, rows: _each(rng, rows, lambda row: row.replace(b",", b",'"), 0.5)),
    "a repeated row": _lines(lambda rng, rows: [*rows, rows[rng.randrange(len(rows))]]),
    "a shifted row": _lines(lambda rng, rows: _each(rng, rows, _shifted)),
    "all rows shifted": _lines(lambda rng, rows: [rows[0], *map(_shifted, rows[1:])]),
    "another hospital": lambda rng, b: b.replace(b"\n21", b"\n99", rng.choice([1, -1])),
    "blanks": lambda rng, b: b.replace(b",", rng.choice([b", ", b" ,", b"  ,  "]), rng.choice([7, -1])),
    "codes without zeros": lambda rng, b: b.replace(b",0", b","),
    "codes as floats": lambda rng, b: b.replace(b",01,", b",1.0,").replace(b",0120,", b",120.0,"),
    "month first": lambda rng, b: re.sub(rb"(\d{4})-(\d\d)-(\d\d)", rb"\2/\3/\1", b, count=rng.choice([0, 0, 5])),
    "a time in dates": lambda rng, b: re.sub(rb"(\d{4}-\d\d-\d\d)", rb"\1 00:00:00", b),
    "money with signs": lambda rng, b: re.sub(rb",(\d+)\.00\b", rb",$\1", b),
    "credits": lambda rng, b: re.sub(rb",(\d+)\.00\b", rb",(\1.00)", b, count=rng.randrange(1, 4)),
    "spreadsheet text": lambda rng, b: b.replace(b",0120,", b',="0120",').replace(b",01,", b',"=""01""",'),
    "exponents": lambda rng, b: re.sub(rb"\b1\d{9}\b|\bA0\d+", b"2.5E+10", b, count=rng.choice([0, 1])),
    "a row of totals": _lines(lambda rng, rows: [*rows, b"Total" + b"," * rows[0].count(b",")]),
    "a title": _lines(lambda rng, rows: [b"Export of the quarter", *rows]),
    "repeated rows": _lines(lambda rng, rows: [*rows, *rows[3:8]]),
    "capitals": _lines(lambda rng, rows: [rows[0].upper(), *rows[1:]]),
    "sex in words": lambda rng, b: b.replace(b",F,", b",Female,").replace(b",M,", b",m,"),
    "another grouper": lambda rng, b: b.replace(b",41,", rng.choice([b",V41,", b",41.0,", b",99,"])),
    "nothing": lambda rng, b: b"",
    "a flipped bit": _flip,
    "unchanged": lambda rng, b: b,
}


#: Mutations of the bytes of files in formats other than text.
PACKED: dict[str, tuple[str, Bytes]] = {
    "gzip cut off": (".csv.gz", lambda rng, b: b[: rng.randrange(len(b))]),
    "gzip with a flipped bit": (".csv.gz", _flip),
    "gzip, unchanged": (".csv.gz", lambda rng, b: b),
    "Parquet cut off": (".parquet", lambda rng, b: b[: rng.randrange(len(b))]),
    "Parquet with a flipped bit": (".parquet", _flip),
    "Parquet, unchanged": (".parquet", lambda rng, b: b),
}
CONTROL = ['{"discharges": 110}', '{"discharges": 1}', "{", '{"total_charges": "66000.00"}']


def _corrupt(rng: Random, draft: Draft, folder: Path, name: str) -> str:
    """Write a submission with one corrupted file; returns a description of the change."""
    folder.mkdir(parents=True)
    ccn = folder.name.encode()
    contents = {name: csv_bytes(getattr(draft, name)).replace(CCN.encode(), ccn) for name in ("discharges", "charges")}
    table = rng.choice(list(contents))
    ending, change = PACKED.get(name, (".csv", None))
    names = [name] if change else [name, *rng.sample(list(MUTATIONS), rng.choice([0, 0, 1]))]
    if ending == ".parquet":
        path = folder / f"{table}.parquet"
        getattr(draft, table).with_columns(hospital_ccn=pl.lit(folder.name)).write_parquet(path)
        contents[table] = path.read_bytes()
    elif ending == ".csv.gz":
        contents[table] = gzip.compress(contents[table], mtime=0)
    for mutation in [change] if change else [MUTATIONS[each] for each in names]:
        contents[table] = mutation(rng, contents[table]) if contents[table] else b""
    for each, content in contents.items():
        (folder / f"{each}{ending if each == table else '.csv'}").write_bytes(content)
    if rng.random() < 0.2:
        (folder / "control_totals.json").write_text(rng.choice(CONTROL))
    return f"{table}{ending}: {', '.join(names)}"


@dataclass(frozen=True)
class CorruptedSubmission:
    """A corrupted submission: its changes, and the verdicts of preflight and intake."""

    change: str
    checked: CheckResult
    ingested: SubmissionReceipt


Batch = tuple[Home, list[CorruptedSubmission]]


@pytest.fixture(scope="module", params=range(BATCHES))
def batch(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Batch:
    home = Home(tmp_path_factory.mktemp("home"))
    place = home.inbox / "hospital" / str(QUARTER)
    rng = Random(20250401 + request.param)
    draft = Draft(count=110)
    done = {f"21{n:04d}": name for n, name in enumerate([*MUTATIONS, *PACKED])}
    ccns = list(done)
    for ccn in ccns:
        done[ccn] = _corrupt(rng, draft, place / ccn, done[ccn])
    tables = reference(ccns=tuple(ccns))
    with Preflight(tables, POLICY) as preflight:
        checked = {ccn: preflight.check(place / ccn) for ccn in ccns}
    ingested = {receipt.ccn: receipt for receipt in ingest_quarter(home, QUARTER, POLICY, reference=tables)}
    return home, [CorruptedSubmission(f"{ccn}: {done[ccn]}", checked[ccn], ingested[ccn]) for ccn in ccns]


pytestmark = pytest.mark.slow


def test_preflight_and_intake_give_the_same_verdict(batch: Batch) -> None:
    for corrupted in batch[1]:
        checked, ingested = corrupted.checked.receipt, corrupted.ingested
        assert checked.status == ingested.status, corrupted.change
        assert checked.rules == ingested.rules, corrupted.change
        # only the intake knows earlier submissions
        assert checked.problems == tuple(p for p in ingested.problems if p.rule != "S-REPEATED"), corrupted.change
        assert [f.rows for f in checked.files] == [f.rows for f in ingested.files], corrupted.change
        assert [f.dollars for f in checked.files] == [f.dollars for f in ingested.files], corrupted.change


def test_there_are_verdicts_of_both_kinds_for_many_reasons(batch: Batch) -> None:
    accepted = sum(corrupted.checked.accepted for corrupted in batch[1])
    assert len(batch[1]) / 5 < accepted < len(batch[1]) * 3 / 4
    reasons = {problem.rule for corrupted in batch[1] for problem in corrupted.checked.receipt.refusals}
    expected = {
        "F-EMPTY", "F-NO-ROWS", "F-ENCODING", "F-NUL", "F-LINE-ENDS", "F-COLUMN-MISSING", "F-COLUMN-REPEATED",
        "F-COMPRESSION", "F-UNREADABLE", "S-ERROR-RATE",
    }  # fmt: skip
    assert len(reasons & expected) >= 8  # one mutation may undo another


def test_every_row_and_dollar_is_accounted_for(batch: Batch) -> None:
    home, submissions = batch
    for corrupted in submissions:
        for file in corrupted.ingested.files:
            assert file.rows.reconciles and file.dollars.reconciles, corrupted.change
    for table in ("discharges", "charges"):
        lake = pl.read_parquet(files_in_force(home, table, QUARTER))  # type: ignore[arg-type]
        assert lake.height == sum(corrupted.ingested.rows(table) for corrupted in submissions)
        amounts = (
            lake.filter(pl.col("revenue_code") != "0001")["charge"] if table == "charges" else lake["total_charges"]
        )
        files = [file for corrupted in submissions if (file := corrupted.ingested.file(table)) is not None]
        assert amounts.sum() == sum(file.dollars.accepted for file in files)


def test_no_cell_of_a_patient_is_in_a_message(batch: Batch) -> None:
    for corrupted in batch[1]:
        messages = " ".join(problem.message for problem in corrupted.checked.receipt.problems)
        assert "P100" not in messages and "1956-03" not in messages and "I639" not in messages, corrupted.change


def test_a_verdict_can_be_read_in_every_form(batch: Batch) -> None:
    for corrupted in batch[1][::10]:
        assert ("ACCEPTED" if corrupted.checked.accepted else "REFUSED") in corrupted.checked.summary()
        assert json.loads(json.dumps(corrupted.checked.as_dict()))["accepted"] == corrupted.checked.accepted
        page = corrupted.checked.html()
        assert "<script" not in page and "=cmd" not in page and "http:" not in page, corrupted.change


def test_accepted_totals_are_the_sums_of_their_charge_lines(batch: Batch) -> None:
    home, _ = batch
    discharges = pl.read_parquet(files_in_force(home, "discharges", QUARTER))
    charges = pl.read_parquet(files_in_force(home, "charges", QUARTER))
    sums = charges.filter(pl.col("revenue_code") != "0001").group_by("hospital_ccn", "account_no").agg(pl.sum("charge"))
    joined = discharges.join(sums, on=["hospital_ccn", "account_no"], how="full", coalesce=True)
    assert joined.select((pl.col("total_charges") - pl.col("charge")).abs().max()).item() <= 1
    assert joined.null_count().select("total_charges", "charge").row(0) == (0, 0)
    assert discharges.select("hospital_ccn", "account_no").is_duplicated().sum() == 0

"""Submissions in various shapes: files as bytes, the verdict on them, and the rows that the lake would have."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import polars as pl

from hcip_pipeline.intake.hospital.folders import submission_at
from hcip_pipeline.intake.hospital.judging import Judge
from hcip_pipeline.intake.hospital.receipts import SubmissionReceipt
from tests.intake_submissions import QUARTER, Draft, csv_bytes

Files = dict[str, bytes]


def lake_rows(judge: Judge) -> list[list[tuple[object, ...]]]:
    """The accepted rows, without their line numbers: discharges, then charges."""
    working = "row, broken, shape_ok, is_own, sex__unknown"
    discharges = f"select * exclude ({working}) from d anti join rejected using (row) order by account_no"
    charges = "select c.* exclude (row, broken, shape_ok) from c join fate using (account_no) where k is not null"
    return [judge.con.execute(sql).fetchall() for sql in (discharges, f"{charges} and not broken order by all")]


def judged(judge: Judge, folder: Path, files: Files) -> SubmissionReceipt:
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return judge.judge(submission_at(folder, QUARTER, folder.parent))


def files(draft: Draft) -> Files:
    return {"discharges.csv": csv_bytes(draft.discharges), "charges.csv": csv_bytes(draft.charges)}


def rules_met(receipt: SubmissionReceipt) -> dict[str, int]:
    """Rule and column -> number of rows that break it; 0 for a rule on a file."""
    return {f"{c.rule} {c.column}".strip(): c.rows for c in receipt.rules} | {p.rule: 0 for p in receipt.problems}


def cells(table: str, column: str, how: Callable[[pl.Expr], pl.Expr]) -> Callable[[], Files]:
    def make() -> Files:
        draft = Draft()
        frame = getattr(draft, table)
        setattr(draft, table, frame.with_columns(how(pl.col(column)).alias(column)))
        return files(draft)

    return make


def altered(table: str, how: Callable[[bytes], bytes]) -> Callable[[], Files]:
    return lambda: {name: how(b) if name.startswith(table) else b for name, b in files(Draft()).items()}


def lines(table: str, how: Callable[[list[bytes]], list[bytes]]) -> Callable[[], Files]:
    return altered(table, lambda b: b"\n".join(how(b.rstrip(b"\n").split(b"\n"))) + b"\n")


def zipped(content: bytes, folder: Path) -> bytes:
    with zipfile.ZipFile(folder / "z.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("export.csv", content)
    return (folder / "z.zip").read_bytes()


NOWHERE = pl.lit("0999")


def cycle(*cells: str) -> pl.Expr:
    """The cells, repeated down the column."""
    return pl.lit(pl.Series(list(cells))).gather(pl.int_range(pl.len()) % len(cells))


US_DATE = "%-m/%-d/%Y"
DAYS = ("birth_date", "admit_date", "discharge_date")


def days(form: str, *columns: str) -> Callable[[], Files]:
    def make() -> Files:
        draft = Draft()
        draft.discharges = draft.discharges.with_columns(pl.col(*columns).str.to_date().dt.strftime(form))
        return files(draft)

    return make


def both(column: str, how: Callable[[pl.Expr], pl.Expr]) -> Files:
    draft = Draft()
    draft.discharges, draft.charges = (
        frame.with_columns(how(pl.col(column)).alias(column)) for frame in (draft.discharges, draft.charges)
    )
    return files(draft)

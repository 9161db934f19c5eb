"""Submissions as Parquet: types that lose nothing are read, others refused."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from hcip_pipeline.intake.hospital.folders import submission_at
from hcip_pipeline.intake.hospital.judging import Judge
from tests.intake_submissions import CCN, QUARTER, Draft
from tests.unit.intake_shapes.shapes import (
    lake_rows,
)

pytestmark = pytest.mark.slow


def _frame(table: str, change: dict[str, pa.Array]) -> pa.Table:
    frame: pa.Table = getattr(Draft(), table).with_columns(pl.all().replace("", None)).to_arrow()
    for name, values in change.items():
        frame = frame.set_column(frame.schema.get_field_index(name), name, values)
    return frame


def _times(zone: str | None, unit: str = "ns", hour: int = 0) -> pa.Array:
    """The admission dates as local times."""
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

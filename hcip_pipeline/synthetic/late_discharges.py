"""Discharges that come late: one hospital's first submission lacks some, and the whole one comes as its next version.

Belongs here: keeping them back and delivering them. Does not belong here: settling what was released meanwhile.
"""

from __future__ import annotations

import shutil
from decimal import Decimal
from pathlib import Path

import polars as pl

from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.synthetic.files import as_csv, write_control_totals

_LATE_FOLDER = "late"
#: How many of the last discharges of the quarter are late.
_LATE = 40


def keep_back(inbox: Path, period: PerformancePeriod) -> None:
    """Take the last discharges of a hospital's last quarter out of its first submission; once an inbox."""
    quarter = period.quarters[-1]
    first = sorted(path for path in (inbox / "hospital" / str(quarter)).iterdir() if "." not in path.name)[0]
    late = inbox.parent / _LATE_FOLDER / str(quarter) / f"{first.name}.r2"
    if late.exists() or first.with_name(late.name).exists():
        return
    late.parent.mkdir(parents=True)
    shutil.copytree(first, late)
    discharges, charges = (pl.read_csv(first / f"{name}.csv", infer_schema=False) for name in ("discharges", "charges"))
    last = discharges.sort("discharge_date", "account_no")["account_no"].tail(_LATE).to_list()
    kept = {
        name: frame.filter(~pl.col("account_no").is_in(last))
        for name, frame in (("discharges", discharges), ("charges", charges))
    }
    for name, frame in kept.items():
        (first / f"{name}.csv").write_bytes(as_csv(frame))
    total = sum((Decimal(amount) for amount in kept["discharges"]["total_charges"]), Decimal(0))
    write_control_totals(first, kept["discharges"].height, kept["charges"].height, total, str(quarter.next().start))


def deliver_late(inbox: Path) -> list[str]:
    """Put what was kept back into the inbox; gives the submissions, ``2025Q2/210004.r2``."""
    waiting = sorted((inbox.parent / _LATE_FOLDER).glob("*/*.r2"))
    for folder in waiting:
        folder.rename(inbox / "hospital" / folder.parent.name / folder.name)
    shutil.rmtree(inbox.parent / _LATE_FOLDER, ignore_errors=True)
    return [f"{folder.parent.name}/{folder.name}" for folder in waiting]

"""Events in the demo besides the state itself: late discharges and pending screenings.

Belongs here: changing the inbox accordingly. Does not belong here: the settlements in between.
"""

from __future__ import annotations

import shutil
from decimal import Decimal
from pathlib import Path

import polars as pl

from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.synthetic.files import as_csv, write_control_totals

_LATE_FOLDER = "late"
#: The number of the quarter's last discharges that are late.
_LATE = 40
#: Care partners of the hospital whose screening is pending.
_PENDING = 2


def keep_back(inbox: Path, period: PerformancePeriod) -> None:
    """Take the last discharges out of the largest submission of the period's last quarter; once per inbox.

    The next version contains them (:func:`deliver_late`). The screenings of the hospital's two busiest care partners
    are pending in this half-year.
    """
    quarter = period.quarters[-1]
    folders = sorted(path for path in (inbox / "hospital" / str(quarter)).iterdir() if "." not in path.name)
    first = max(folders, key=lambda folder: (folder / "discharges.csv").stat().st_size)
    late = inbox.parent / _LATE_FOLDER / str(quarter) / f"{first.name}.r2"
    if late.exists() or first.with_name(late.name).exists():
        return
    late.parent.mkdir(parents=True)
    shutil.copytree(first, late)
    discharges, charges = (pl.read_csv(first / f"{name}.csv", infer_schema=False) for name in ("discharges", "charges"))
    _leave_pending(inbox / "program" / str(period) / "care_partners.csv", first.name, discharges)
    last = discharges.sort("discharge_date", "account_no")["account_no"].tail(_LATE).to_list()
    kept = {
        name: frame.filter(~pl.col("account_no").is_in(last))
        for name, frame in (("discharges", discharges), ("charges", charges))
    }
    for name, frame in kept.items():
        (first / f"{name}.csv").write_bytes(as_csv(frame))
    total = sum((Decimal(amount) for amount in kept["discharges"]["total_charges"]), Decimal(0))
    write_control_totals(first, kept["discharges"].height, kept["charges"].height, total, str(quarter.next().start))


def _leave_pending(file: Path, ccn: str, discharges: pl.DataFrame) -> None:
    """Set ``screening_status`` of the busiest cleared care partners of a hospital to pending."""
    partners = pl.read_csv(file, infer_schema=False)
    is_cleared = (pl.col("hospital_ccn") == ccn) & (pl.col("screening_status") == "cleared")
    doctors = pl.concat([discharges["attending_npi"], discharges["operating_npi"]]).drop_nulls().alias("npi")
    busiest = (
        doctors.value_counts()
        .join(partners.filter(is_cleared), on="npi", how="semi")
        .sort("count", "npi", descending=[True, False])
        .head(_PENDING)
    )
    pending = is_cleared & pl.col("npi").is_in(busiest["npi"].to_list())
    status = pl.when(pending).then(pl.lit("pending")).otherwise("screening_status").alias("screening_status")
    file.write_bytes(as_csv(partners.with_columns(status)))


def deliver_late(inbox: Path) -> list[str]:
    """Put the submissions that were kept back into the inbox; returns their names, such as ``2025Q2/210804.r2``."""
    waiting = sorted((inbox.parent / _LATE_FOLDER).glob("*/*.r2"))
    for folder in waiting:
        folder.rename(inbox / "hospital" / folder.parent.name / folder.name)
    shutil.rmtree(inbox.parent / _LATE_FOLDER, ignore_errors=True)
    return [f"{folder.parent.name}/{folder.name}" for folder in waiting]

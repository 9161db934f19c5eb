"""The files that a half-year is built from, which must be intact and must not change while it is built.

Belongs here: which files and which partitions. Does not belong here: what is computed from them (``period``).
"""

from __future__ import annotations

from pathlib import Path

from hcip_pipeline.contracts import cms
from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.cclf.receipts import files_in_force as claim_files_in_force
from hcip_pipeline.intake.cclf.receipts import in_force as archives_in_force
from hcip_pipeline.intake.hospital.ingest import HospitalTable, files_in_force
from hcip_pipeline.periods import Month, PerformancePeriod, base_year_window
from hcip_pipeline.policy.model import Policy
from hcip_pipeline.release.reading import releases_of
from hcip_pipeline.settlement.norm_tables import norm_key
from hcip_pipeline.settlement.period import quarters_needed, quarters_of, windows_of

_HOSPITAL: tuple[HospitalTable, ...] = ("discharges", "charges")


def norm_folder(home: Home, policy: Policy) -> Path:
    """The folder of the policy's frozen norm table, even if it does not exist yet."""
    return home.lake / "norms" / norm_key(policy)


def partitions_read(home: Home, period: PerformancePeriod, policy: Policy) -> list[str]:
    """Quarters and months whose files the build reads, and the reference tables."""
    quarters = [str(quarter) for quarter in quarters_needed(period, policy)]
    return ["reference", *quarters, *_months(home, period)]


def earlier_periods(home: Home, period: PerformancePeriod) -> list[str]:
    """Every earlier half-year of this home; their releases are read."""
    names = {path.name for path in home.releases.glob("*H[12]")}
    names |= {path.stem for path in (home.root / "locks").glob("*H[12].lock")}
    return sorted(name for name in names if PerformancePeriod.parse(name) < period)


def sealed_files(home: Home, period: PerformancePeriod, policy: Policy) -> list[Path]:
    """Files of the lake that the build reads and that were sealed when they were accepted.

    Raises:
        HcipError: a file named in a receipt is missing.
    """
    norms = sorted(norm_folder(home, policy).glob("*.parquet"))
    windows = (
        [*windows_of(period, policy)] if norms else [*windows_of(period, policy), base_year_window(policy.base_year)]
    )
    quarters = quarters_of(windows)
    months = _months(home, period)
    return [
        *(path for table in _HOSPITAL for quarter in quarters for path in files_in_force(home, table, quarter)),
        *(path for table in cms.TABLES for path in claim_files_in_force(home, table, months)),
        *sorted(home.lake_reference.glob("*.parquet")),
        *norms,
    ]


def files_read(home: Home, period: PerformancePeriod, policy: Policy) -> list[Path]:
    """Every Parquet file that the build reads, including earlier releases'."""
    newest = [releases_of(home, PerformancePeriod.parse(name))[-1:] for name in earlier_periods(home, period)]
    released = [path for found in newest for folder in found for path in sorted(folder.rglob("*.parquet"))]
    program = sorted((home.lake / "program").glob("period=*/*.parquet"))
    return [*sealed_files(home, period, policy), *program, *released]


def _months(home: Home, period: PerformancePeriod) -> list[str]:
    return sorted({r.month for r in archives_in_force(home) if Month.parse(r.month).start < period.run_date})

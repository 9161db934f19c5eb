"""Preconditions of settling a half-year, checked before anything is recorded as a run.

The build checks the lake again (``period.check_period``); these checks come before intake, so they include the inbox.
"""

from __future__ import annotations

import errno
import os

from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.home.storage_faults import storage_fault
from hcip_pipeline.intake.hospital.ingest import receipts
from hcip_pipeline.intake.program.receipts import receipt_in_force
from hcip_pipeline.periods import PerformancePeriod, Quarter, base_year_window
from hcip_pipeline.policy.model import Policy
from hcip_pipeline.tables.file_names import is_left_alone


def check_can_start(home: Home, period: PerformancePeriod, policy: Policy) -> None:
    """Refuse a half-year for which files are missing, or that could not be released once it is built.

    Raises:
        HcipError: inbox and lake have no submission of the half-year, none of the base year, or no list of care
            partners; or the folder of releases is not writable.
    """
    _check_releases(home)
    quarters = period.quarters
    if not any(_has_submissions(home, quarter) for quarter in quarters):
        raise HcipError(
            f"no hospital's data for {period} are in the inbox or the lake",
            file=home.inbox / "hospital",
            rule="PERIOD-MISSING",
            fix=f"put the submissions into inbox/hospital/{quarters[0]} and {quarters[1]}",
        )
    if not any(_has_submissions(home, quarter) for quarter in base_year_window(policy.base_year).quarters):
        raise base_year_missing(home, policy, "in the inbox or the lake, so there can be no norms")
    folder = home.inbox / "program" / str(period)
    is_there = any(folder.glob("care_partners.*")) if folder.is_dir() else False
    if not is_there and receipt_in_force("care_partners", home.lake_program(period)) is None:
        raise HcipError(
            "there is no certified list of care partners, so no one could be paid",
            file=folder / "care_partners.csv",
            rule="CARE-PARTNERS-MISSING",
            fix="add the list; a file with only its header means that no one takes part",
        )


def base_year_missing(home: Home, policy: Policy, where: str) -> HcipError:
    """The error for a base year without data; ``where`` says where there are none and ends the message."""
    year = policy.base_year
    return HcipError(
        f"no hospital's data for the base year {year} are {where}",
        file=home.inbox / "hospital",
        rule="BASE-YEAR-MISSING",
        fix=f"put the submissions of {year} into inbox/hospital/{year}Q1 to Q4, "
        "or name the right base_year in the policy",
    )


def _check_releases(home: Home) -> None:
    """Check that a release can be written, before a build that may take an hour."""
    if home.releases.is_dir() and not os.access(home.releases, os.W_OK):
        refused = OSError(errno.EROFS, os.strerror(errno.EROFS), str(home.releases))
        fault = storage_fault(refused, home.releases)
        assert fault is not None
        raise fault from refused


def _has_submissions(home: Home, quarter: Quarter) -> bool:
    folder = home.inbox / "hospital" / str(quarter)
    sent = folder.is_dir() and any(not is_left_alone(path.name) for path in folder.iterdir())
    return sent or bool(receipts(home, quarter))

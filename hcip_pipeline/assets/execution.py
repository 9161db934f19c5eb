"""Materializing the assets in this process, on the home's own Dagster instance: ``hcip ingest`` and ``hcip run``.

Belongs here: which partitions, in which order. Does not belong here: a run (``runs``), what an asset does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hcip_pipeline.assets.jobs import cms_job, hospital_job, program_job, settlement_job
from hcip_pipeline.assets.partitions import Key, parse_key
from hcip_pipeline.assets.runs import Progress, runs_on
from hcip_pipeline.assets.side_by_side import take_in
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home import Home
from hcip_pipeline.periods import Month, PerformancePeriod, Quarter

if TYPE_CHECKING:
    from hcip_pipeline.intake.cclf.receipts import ArchiveReceipt
    from hcip_pipeline.intake.hospital.receipts import SubmissionReceipt
    from hcip_pipeline.intake.period_intake import PeriodIntake
    from hcip_pipeline.release.writer import Release

_JOBS = {Quarter: hospital_job, Month: cms_job, PerformancePeriod: program_job}
_INBOX_FOLDERS: dict[type[Key], str] = {Quarter: "hospital", Month: "cms", PerformancePeriod: "program"}


@dataclass(frozen=True)
class IngestReport:
    """What was taken in, by partition; ``unknown_folders`` lie in the inbox and name no partition."""

    submissions: "dict[str, list[SubmissionReceipt]]"
    archives: "dict[str, list[ArchiveReceipt]]"
    periods: "dict[str, PeriodIntake]"
    unknown_folders: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "hospital": {key: [r.as_dict() for r in receipts] for key, receipts in self.submissions.items()},
            "cms": {key: [r.as_dict() for r in receipts] for key, receipts in self.archives.items()},
            "program": {
                key: {
                    "files": [
                        {"table": r.table, "status": r.status, "rows_in_force": r.rows_in_force}
                        for r in taken_in.program.receipts
                    ],
                    "protocols": [
                        {"hospital_ccn": p.ccn, "year": p.year, "findings": [finding.id for finding in p.findings]}
                        for p in taken_in.protocols
                    ],
                }
                for key, taken_in in self.periods.items()
            },
            "unknown_folders": list(self.unknown_folders),
        }


def ingest(
    home: Home,
    partitions: Sequence[str] = (),
    policy_path: Path | None = None,
    *,
    progress: Progress | None = None,
) -> IngestReport:
    """Take in what lies in the inbox and is not yet in the lake.

    Args:
        partitions: keys of quarters, months or half-years; none means all that the inbox holds.

    Raises:
        UsageError: a key that is no partition.
        HcipError: as the assets raise.
    """
    if partitions:
        keys = [parse_key(text) for text in partitions]
        unknown: list[str] = []
    else:
        keys, unknown = _in_inbox(home)
    with runs_on(home, policy_path, progress=progress) as runs:
        for kind, job in _JOBS.items():
            for key in sorted({key for key in keys if isinstance(key, kind)}, key=str):
                runs.run(job.name, key)
    found = runs.handover
    return IngestReport(found.submissions, found.archives, found.periods, tuple(unknown))


def _in_inbox(home: Home) -> tuple[list[Key], list[str]]:
    """The partitions that the inbox has folders for, and the folders that name none."""
    keys: list[Key] = []
    unknown: list[str] = []
    for kind, name in _INBOX_FOLDERS.items():
        folder = home.inbox / name
        entries = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
        for entry in entries:
            try:
                keys.append(parse_key(entry, kind))
            except HcipError:
                if not entry.startswith("."):
                    unknown.append(f"{name}/{entry}")
    return keys, unknown


def settle(
    home: Home,
    period: PerformancePeriod,
    policy_path: Path | None = None,
    *,
    progress: Progress | None = None,
    threads: int | None = None,
) -> "Release":
    """Ingest what a half-year needs, build it, check it, release it.

    Raises:
        UsageError: the period lies outside the program's calendar.
        HcipError: as the assets raise; nothing was released then.
    """
    return settle_each(home, [period], policy_path, progress=progress, threads=threads)[0]


def settle_each(
    home: Home,
    periods: Sequence[PerformancePeriod],
    policy_path: Path | None = None,
    *,
    progress: Progress | None = None,
    threads: int | None = None,
) -> "list[Release]":
    """:func:`settle` for periods one after another; a quarter or month that several need is taken in once."""
    from hcip_pipeline.policy.loader import load_policy
    from hcip_pipeline.release.reading import released_before
    from hcip_pipeline.settlement.period import months_needed, quarters_needed
    from hcip_pipeline.warehouse.build import load_dbt

    for period in periods:
        parse_key(str(period))
    policy = load_policy(policy_path or home.policy).policy
    with runs_on(home, policy_path, threads=threads, progress=progress) as runs:
        for period in periods:
            runs.hold(period)
        quarters = sorted({quarter for period in periods for quarter in quarters_needed(period, policy)})
        months = sorted({month for period in periods for month in months_needed(home, period)})
        submitted = [quarter for quarter in quarters if (home.inbox / "hospital" / str(quarter)).is_dir()]
        failed = [error for _, error in take_in(runs, [*submitted, *months], meanwhile=load_dbt) if error]
        if failed:
            raise failed[0]
        for period in periods:
            for earlier in released_before(home, period):
                if (home.inbox / "program" / str(earlier)).is_dir():
                    runs.run(program_job.name, earlier)  # what was paid for it is audited in this cycle
            runs.run(settlement_job.name, period)
            runs.let_go(period)
    return [runs.handover.releases[str(period)] for period in periods]

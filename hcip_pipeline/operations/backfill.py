"""Many partitions with one command: a range of quarters or months in one run, half-years one after another.

Belongs here: which partitions are run, in which order, and which are already done. Does not belong here: running them
(``assets.runs``).

A half-year reads earlier releases (the fee-schedule cap of a year's second half, the distribution limit), so its result
depends on the order; quarters and months do not depend on each other.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from hcip_pipeline.alerting.settings import check_settings, chosen_engine
from hcip_pipeline.assets.cms_intake import CLAIM_FILES
from hcip_pipeline.assets.execution import ingest_partitions, was_sent, with_partitions
from hcip_pipeline.assets.hospital_intake import SUBMISSIONS
from hcip_pipeline.assets.instance import home_instance
from hcip_pipeline.assets.jobs import settlement_job
from hcip_pipeline.assets.partitions import HALVES, MONTHS, QUARTERS, Key, parse_key
from hcip_pipeline.assets.release import RELEASE
from hcip_pipeline.assets.runs import RunOptions, runs_on
from hcip_pipeline.errors import HcipError, RefusedFileError, UsageError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.periods import Month, PerformancePeriod, Quarter

if TYPE_CHECKING:
    from hcip_pipeline.publishing.writer import Release

_RANGE, _ID = "hcip/backfill", "hcip/backfill_id"
_CALENDAR: tuple[tuple[type[Key], dg.StaticPartitionsDefinition], ...] = (
    (Quarter, QUARTERS),
    (Month, MONTHS),
    (PerformancePeriod, HALVES),
)


@dataclass
class BackfillReport:
    """The result of each partition.

    Attributes:
        ingested: quarters and months that were ingested.
        absent: quarters and months without files in the inbox.
        done_before: partitions that the resumed backfill had finished, and that were not repeated.
        refused: quarter or month -> what of it was refused; the rest was accepted.
        failed: partition -> what went wrong.
        not_started: half-years after the one that failed, whose release they would have read.
    """

    name: str
    ingested: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    done_before: list[str] = field(default_factory=list)
    releases: list[Release] = field(default_factory=list)
    refused: dict[str, HcipError] = field(default_factory=dict)
    failed: dict[str, HcipError] = field(default_factory=dict)
    not_started: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing failed or was refused."""
        return not self.failed and not self.refused

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "backfill": self.name,
            "ingested": self.ingested,
            "absent": self.absent,
            "done_before": self.done_before,
            "releases": [
                {"period": r.period, "release": r.name, "is_new": r.is_new, "folder": str(r.folder)}
                for r in self.releases
            ],
            "refused": {key: error.as_dict() for key, error in self.refused.items()},
            "failed": {key: error.as_dict() for key, error in self.failed.items()},
            "not_started": self.not_started,
        }


def partitions_between(first: str, last: str) -> list[Key]:
    """Every partition from ``first`` to ``last``, both included.

    Raises:
        UsageError: a key is invalid, the two are of different cadences, or the last is before the first.
    """
    start, end = parse_key(first), parse_key(last)
    if type(start) is not type(end):
        raise UsageError(
            f"{first} and {last} are not the same kind of partition",
            fix="name two quarters, two months or two half-years",
        )
    for kind, calendar in _CALENDAR:
        if isinstance(start, kind):
            keys = list(calendar.get_partition_keys())
            between = keys[keys.index(str(start)) : keys.index(str(end)) + 1]
            if between:
                return [kind.parse(key) for key in between]
    raise UsageError(f"{last} is before {first}", fix="name the earlier one first")


def backfill(
    home: Home,
    first: str,
    last: str,
    options: RunOptions | None = None,
    *,
    resume: bool = False,
) -> BackfillReport:
    """Ingest, or settle, every partition from ``first`` to ``last``.

    Args:
        options: options of the runs; the backfill sets their command and tags.
        resume: leave out what the newest backfill of the same range has finished.

    Returns:
        The result of each partition. A failure does not stop other quarters and months, but all later half-years.

    Raises:
        UsageError: as :func:`partitions_between` raises it, or the engine is not installed.
        HcipError: the policy or the settings are wrong, or there is no backfill to resume.
    """
    from hcip_pipeline.ledger.comparison import check_home

    options = options or RunOptions()
    engine = chosen_engine(home, options.engine) if options.engine else chosen_engine(home)
    keys = partitions_between(first, last)
    name = f"{first}..{last}"
    report = BackfillReport(name)
    periods = [key for key in keys if isinstance(key, PerformancePeriod)]
    check_settings(home, lambda _: None, signs=bool(periods))  # the runs themselves report alerts that reach no one
    identity, done = _identity(home, name, resume)
    command = f"hcip backfill {first} {last}"
    options = replace(options, engine=engine, command=command, tags={_RANGE: name, _ID: identity})
    if periods:
        intake = _needed(home, periods, options.policy_path)
    else:
        intake = [key for key in keys if not isinstance(key, PerformancePeriod)]
    intake = [key for key in intake if _is_to_do(key, done, report)]
    intake = with_partitions(intake, check_home(home, (), options.progress))
    _ingest(home, intake, options, report)
    if not report.failed:
        wanted = [period for period in periods if _is_to_do(period, done, report)]
        _settle(home, wanted, options, report)
    else:
        report.not_started += [str(period) for period in periods]
    return report


def _is_to_do(key: Key, done: set[str], report: BackfillReport) -> bool:
    """Whether a partition is still to do. If not, the report says so."""
    if str(key) in done:
        report.done_before.append(str(key))
    return str(key) not in done


def _identity(home: Home, name: str, resume: bool) -> tuple[str, set[str]]:
    """The backfill's id, and the partitions that it has already finished."""
    if not resume:
        return uuid.uuid4().hex[:8], set()
    with home_instance(home) as instance:
        newest = instance.get_runs(dg.RunsFilter(tags={_RANGE: name}), limit=1)
        if not newest:
            raise HcipError(f"there is no backfill {name} to resume", file=home.root, fix="run it without --resume")
        identity = newest[0].tags[_ID]
        runs = instance.get_runs(dg.RunsFilter(tags={_ID: identity}))
        return identity, {key for run in runs for key in _materialized(instance, run.run_id)}


def _materialized(instance: dg.DagsterInstance, run_id: str) -> Iterator[str]:
    """The quarters, months and half-years that a run has finished."""
    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION):
        made = entry.asset_materialization
        if made is not None and made.partition and made.asset_key in (SUBMISSIONS, CLAIM_FILES, RELEASE):
            yield made.partition


def _needed(home: Home, periods: Sequence[PerformancePeriod], policy_path: Path | None) -> list[Key]:
    """The quarters and months that half-years read, each once."""
    from hcip_pipeline.policy.loader import load_policy
    from hcip_pipeline.settlement.period import months_needed, quarters_needed

    policy = load_policy(policy_path or home.policy).policy
    quarters = sorted({quarter for period in periods for quarter in quarters_needed(period, policy)})
    months = sorted({month for period in periods for month in months_needed(home, period)})
    return [*quarters, *months]


def _ingest(
    home: Home,
    keys: Sequence[Key],
    options: RunOptions,
    report: BackfillReport,
) -> None:
    sent = [key for key in keys if was_sent(home, key)]
    report.absent += [str(key) for key in keys if key not in sent]
    if not sent:
        return
    with runs_on(home, replace(options, engine=None, threads=None)) as runs:
        problems = ingest_partitions(runs, sent)
    for key in map(str, sent):
        if key not in problems:
            report.ingested.append(key)
        elif isinstance(problems[key], RefusedFileError):
            report.refused[key] = problems[key]
        else:
            report.failed[key] = problems[key]
    report.ingested.sort()


def _settle(
    home: Home,
    periods: Sequence[PerformancePeriod],
    options: RunOptions,
    report: BackfillReport,
) -> None:
    from hcip_pipeline.policy.loader import load_policy
    from hcip_pipeline.settlement.preconditions import check_can_start

    if not periods:
        return
    policy = load_policy(options.policy_path or home.policy).policy
    with runs_on(home, replace(options, processes=None)) as runs:
        for number, period in enumerate(periods):
            try:
                check_can_start(home, period, policy)
                runs.run(settlement_job.name, period)
                report.releases.append(runs.session.releases[str(period)])
            except HcipError as error:
                report.failed[str(period)] = error
                report.not_started += [str(later) for later in periods[number + 1 :]]
                return

"""Materializing the assets in this process, on the home's own Dagster instance: ``hcip ingest`` and ``hcip run``.

Belongs here: which partitions are run, in which order. Does not belong here: a run (``runs``), or what an asset does.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hcip_pipeline.assets.jobs import cms_job, hospital_job, program_job, settlement_job
from hcip_pipeline.assets.partitions import Key, parse_key, spans
from hcip_pipeline.assets.runs import RunOptions, Runs, runs_on
from hcip_pipeline.errors import HcipError, PartitionsFailedError, ProgramRefusedError, RefusedFileError, UsageError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.messages import Progress
from hcip_pipeline.periods import Month, PerformancePeriod, Quarter
from hcip_pipeline.tables.file_names import is_left_alone, shown_path

if TYPE_CHECKING:
    from hcip_pipeline.intake.cclf.receipts import ArchiveReceipt
    from hcip_pipeline.intake.hospital.receipts import SubmissionReceipt
    from hcip_pipeline.intake.period_intake import PeriodIntake
    from hcip_pipeline.publishing.writer import Release
    from hcip_pipeline.settlement.recognition import Outlook
    from hcip_pipeline.warehouse.engine_choice import EngineChoice

_JOBS: dict[type[Key], str] = {Quarter: hospital_job.name, Month: cms_job.name, PerformancePeriod: program_job.name}
INBOX_FOLDERS: dict[type[Key], str] = {Quarter: "hospital", Month: "cms", PerformancePeriod: "program"}


@dataclass(frozen=True)
class IngestReport:
    """The result of an intake, by partition.

    Attributes:
        unknown_folders: inbox folders whose names are not partitions.
        problems: partition -> what was refused of it, or why it could not be accepted.
    """

    submissions: "dict[str, list[SubmissionReceipt]]"
    archives: "dict[str, list[ArchiveReceipt]]"
    periods: "dict[str, PeriodIntake]"
    unknown_folders: tuple[str, ...] = ()
    problems: dict[str, HcipError] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether nothing was refused: no submission, archive, program file or protocol.

        A refused submission counts once even if a later version corrected it: its sender must be notified.
        """
        program = any(ingested.program.refused or ingested.refused_protocols for ingested in self.periods.values())
        submissions = (receipt for receipts in self.submissions.values() for receipt in receipts)
        refused = any(receipt.is_new and receipt.status == "refused" for receipt in submissions)
        return not (self.problems or program or refused)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "hospital": {key: [r.as_dict() for r in receipts] for key, receipts in self.submissions.items()},
            "cms": {key: [r.as_dict() for r in receipts] for key, receipts in self.archives.items()},
            "program": {
                key: {
                    "files": [
                        {"table": r.table, "status": r.status, "rows_in_force": r.rows_in_force}
                        for r in ingested.program.receipts
                    ],
                    "protocols": [
                        {"hospital_ccn": p.ccn, "year": p.year, "problems": [problem.rule for problem in p.problems]}
                        for p in ingested.protocols
                    ],
                }
                for key, ingested in self.periods.items()
            },
            "unknown_folders": list(self.unknown_folders),
            "refused": {key: error.as_dict() for key, error in self.problems.items()},
        }


def ingest(
    home: Home,
    partitions: Sequence[str] = (),
    policy_path: Path | None = None,
    *,
    progress: Progress | None = None,
    join: bool = False,
) -> IngestReport:
    """Ingest the files of the inbox that are not yet in the lake.

    Args:
        partitions: keys of quarters, months or half-years; none means everything in the inbox.
        join: share quarters with other processes that join, on any machine with access to the home.

    Returns:
        The result of each partition; a refusal in one does not stop the others.

    Raises:
        UsageError: a key is not a partition, or ``join`` is set and a key is not a quarter.
        HcipError: an asset of a half-year failed.
    """
    if partitions:
        keys = [parse_key(text) for text in partitions]
        unknown: list[str] = []
    else:
        keys, unknown = _in_inbox(home)
    if join and not (partitions and all(isinstance(key, Quarter) for key in keys)):
        raise UsageError(
            "only quarters can be ingested by several processes together",
            fix="name the quarters: hcip ingest 2025Q1 2025Q2 --join",
        )
    from hcip_pipeline.ledger.comparison import check_home

    command = " ".join(["hcip ingest", *partitions, *(["--join"] if join else [])])
    options = RunOptions(policy_path, progress=progress or (lambda _: None), command=command)
    with runs_on(home, options, join=join) as runs:
        again = check_home(home, (), runs.session.progress)
        problems = ingest_partitions(
            runs, with_partitions([key for key in keys if not isinstance(key, PerformancePeriod)], again)
        )
        for period in sorted({key for key in keys if isinstance(key, PerformancePeriod)}):
            try:
                runs.run(program_job.name, period)
            except ProgramRefusedError as error:
                problems[str(period)] = error
    found = runs.session
    return IngestReport(found.submissions, found.archives, found.periods, tuple(unknown), problems)


def ingest_partitions(runs: Runs, keys: Sequence[Key]) -> dict[str, HcipError]:
    """Ingest quarters and months; consecutive partitions of a cadence are one run.

    Returns:
        Partition -> what was refused of it, or why it could not be accepted.
    """
    problems: dict[str, HcipError] = {}
    for kind in (Quarter, Month):
        for span in spans(key for key in keys if isinstance(key, kind)):
            try:
                runs.run(_JOBS[kind], *span)
            except PartitionsFailedError as error:
                problems |= error.problems
    return problems


def _in_inbox(home: Home) -> tuple[list[Key], list[str]]:
    """The partitions that have folders in the inbox, and the folders that are not named for a partition."""
    keys: list[Key] = []
    unknown: list[str] = []
    for kind, name in INBOX_FOLDERS.items():
        folder = home.inbox / name
        entries = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
        for entry in entries:
            try:
                keys.append(parse_key(entry, kind))
            except HcipError:
                if not entry.startswith("."):
                    unknown.append(f"{name}/{shown_path(entry)}")
    return keys, unknown


def settle(
    home: Home,
    period: PerformancePeriod,
    policy_path: Path | None = None,
    *,
    progress: Progress | None = None,
    threads: int | None = None,
    seen: "Outlook | None" = None,
    engine: "EngineChoice | None" = None,
) -> "Release":
    """Ingest what a half-year needs, build it, check it, release it.

    Args:
        seen: the period's outlook, if it was just determined.
        engine: computes the builds; None means the engine of the settings.

    Raises:
        UsageError: the period is outside the program's calendar, or the engine is not installed.
        HcipError: an asset failed, and nothing was released.
    """
    options = RunOptions(policy_path, threads, progress=progress or (lambda _: None), engine=engine)
    return settle_each(home, [period], options, [seen] if seen else [])[0]


def settle_each(
    home: Home,
    periods: Sequence[PerformancePeriod],
    options: RunOptions,
    seen: "Sequence[Outlook]" = (),
) -> "list[Release]":
    """:func:`settle` several periods, one after another; a quarter or month that several need is ingested once."""
    from hcip_pipeline.alerting.settings import chosen_engine
    from hcip_pipeline.ledger.comparison import check_home
    from hcip_pipeline.policy.loader import load_policy
    from hcip_pipeline.settlement.period import months_needed, quarters_needed
    from hcip_pipeline.settlement.preconditions import check_can_start
    from hcip_pipeline.settlement.recognition import outlook

    for period in periods:
        parse_key(str(period))
    policy_path = options.policy_path
    policy = load_policy(policy_path or home.policy).policy
    for period in periods:
        check_can_start(home, period, policy)
    options = replace(
        options,
        engine=chosen_engine(home, options.engine) if options.engine else chosen_engine(home),
        command=options.command or " ".join(["hcip run", *map(str, periods)]),
    )
    looked_at = {str(each.period): each for each in seen}
    with runs_on(home, options, signs=True) as runs:
        for period in periods:
            runs.hold(period)
            runs.session.outlooks[str(period)] = looked_at.get(str(period)) or outlook(home, period, policy_path)
        has_history = bool(runs.instance.get_runs(limit=1))
        again = check_home(home, periods, runs.session.progress, has_history=has_history)
        quarters = sorted({quarter for period in periods for quarter in quarters_needed(period, policy)})
        months = sorted({month for period in periods for month in months_needed(home, period)})
        needed = with_partitions([*quarters, *months], again)
        sent = [key for key in needed if was_sent(home, key)]
        stop_unless_refused(ingest_partitions(runs, sent), runs.session.progress)
        for period in periods:
            runs.run(settlement_job.name, period)
            runs.let_go(period)
    return [runs.session.releases[str(period)] for period in periods]


def with_partitions(keys: Iterable[Key], names: Iterable[str]) -> list[Key]:
    """``keys`` and the partitions with these names, each once, sorted by name."""
    return sorted({*keys, *map(parse_key, names)}, key=str)


def was_sent(home: Home, key: Key) -> bool:
    """Whether the inbox has any file of a partition."""
    folder = home.inbox / INBOX_FOLDERS[type(key)] / str(key)
    return folder.is_dir() and any(not is_left_alone(path.name) for path in folder.iterdir())


def stop_unless_refused(problems: dict[str, HcipError], progress: Progress) -> None:
    """Report refusals and go on: the earlier version stays in force, and the policy decides whether that is enough.

    Raises:
        HcipError: a partition could not be ingested at all.
    """
    for key, error in problems.items():
        if not isinstance(error, RefusedFileError):
            raise error
        progress(f"{key}: {error}")

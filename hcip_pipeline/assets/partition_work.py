"""The context of an asset's work on a home: its locks, the seals of its files, and disk errors in plain words.

Belongs here: which locks a piece of work takes, and in which order (the period's, then ``reference``, quarters and
months, then the norm table's, so that there is no deadlock). Does not belong here: how a lock or a seal works.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from hcip_pipeline.assets.resources import Session
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.home.locks import BusyError
from hcip_pipeline.home.storage_faults import explain_storage_errors
from hcip_pipeline.periods import PerformancePeriod

#: how often an unattended run tries again while another run is in its way, and the seconds between two tries
_TRIES, _SECONDS = 120, 30

_BACKFILL = "dagster/backfill"


@contextmanager
def intake_lock(
    session: Session, home: Home, name: str, doing: str, *folders: Path, wait: bool = False
) -> Iterator[None]:
    """Lock a partition while it is ingested, sweep what a killed run left, and seal and record the new files.

    Args:
        name: the partition: ``2025Q1``, ``2025-04``, ``reference``.
        folders: lake folders that only this partition's intake writes to.

    Raises:
        HcipError: files of the partition are not what was accepted (:func:`ledger.acceptances.check_partition`).
    """
    from hcip_pipeline.home.lake_seals import changed_since, seal, snapshot, sweep
    from hcip_pipeline.ledger.acceptances import check_partition
    from hcip_pipeline.ledger.comparison import forget_unrecorded
    from hcip_pipeline.ledger.recording import record_acceptances
    from hcip_pipeline.sharing import share

    with explain_storage_errors(home):
        session.locks.take(home, name, doing, wait=wait)
        sweep(folders)
        check_partition(home, name)
        for folder in folders:
            if folder.parent.name == "receipts":
                forget_unrecorded(home, folder, session.progress)
        before = snapshot(folders)
        yield
        written = list(changed_since(before, folders))
        seal(home, (path for path in written if path.suffix == ".parquet"))
        record_acceptances(home, name, written)
        share(home, session.progress, held=[name])
    session.locks.drop(home, name)


@contextmanager
def period_lock(
    session: Session, home: Home, period: object, read: Callable[[], Iterable[Path]] = tuple
) -> Iterator[None]:
    """Lock a half-year until the run's process ends.

    Args:
        read: returns the files that the work reads, in case one turns out to be damaged.
    """
    with explain_storage_errors(home, read), retry_when_busy(session):
        session.locks.take(home, str(period), f"settling {period}")
        yield


def read_undisturbed(session: Session, home: Home, period: object, names: Iterable[object]) -> None:
    """Keep anyone from ingesting these partitions while the run's process reads them."""
    for name in names:
        session.locks.take(home, str(name), f"settling {period}, which reads {name}", "shared", wait=True)


def after_earlier_ones(context: dg.AssetExecutionContext, period: PerformancePeriod) -> None:
    """In a backfill from the UI, wait for the earlier half-years, whose releases this one reads (methodology §9).

    Raises:
        HcipError: an earlier half-year failed; without its release, this one's limits would be wrong.
        RetryRequested: an earlier half-year has not finished.
    """
    backfill = context.run.tags.get(_BACKFILL)
    if not backfill:
        return
    newest: dict[str, dg.DagsterRun] = {}
    for run in context.instance.get_runs(dg.RunsFilter(tags={_BACKFILL: backfill})):  # the newest comes first
        newest.setdefault(run.tags.get("dagster/partition", ""), run)
    asked = context.instance.get_backfill(backfill)
    keys = {*newest, *((asked.partition_names or ()) if asked else ())}
    for key in sorted(key for key in keys if key[4:5] == "H" and PerformancePeriod.parse(key) < period):
        status = newest[key].status if key in newest else dg.DagsterRunStatus.NOT_STARTED
        if status in (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED):
            raise HcipError(
                f"{period} is not settled: {key} of the same backfill was not released, and {period} reads its release",
                rule="BACKFILL-ORDER",
                fix=f"correct what stopped {key}, then re-execute the backfill's failed runs",
            )
        if status is not dg.DagsterRunStatus.SUCCESS:
            context.log.info(f"{period}: waiting for {key} of the same backfill")
            raise dg.RetryRequested(max_retries=_TRIES, seconds_to_wait=_SECONDS)


@contextmanager
def retry_when_busy(session: Session) -> Iterator[None]:
    """Let an unattended run try again later if another run is in its way, the one error that goes away by itself."""
    try:
        yield
    except BusyError as busy:
        if session.attended:
            raise
        raise dg.RetryRequested(max_retries=_TRIES, seconds_to_wait=_SECONDS) from busy

"""What surrounds the work of an asset on a home: its locks, the seals of what it writes, disk errors in plain words.

Belongs here: which locks a piece of work takes, and in which order (a period's own, then ``reference`` and quarters and
months, then the norm table's: no one waits in a circle). Does not belong here: how a lock or a seal works.
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

#: a run that no one waits for tries again this often, this many seconds apart, while another run is in its way
_TRIES, _SECONDS = 120, 30

_BACKFILL = "dagster/backfill"


@contextmanager
def intake_lock(
    session: Session, home: Home, name: str, doing: str, *folders: Path, wait: bool = False
) -> Iterator[None]:
    """Ingest a partition: alone on it; what a killed run left is swept away, what is written is sealed.

    Args:
        name: the partition: ``2025Q1``, ``2025-04``, ``reference``.
        folders: of the lake, that no one but this partition's intake writes to.

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
    """Work on a half-year: alone on it until the process of the run ends.

    Args:
        read: the files it reads, for when one turns out to be damaged.
    """
    with explain_storage_errors(home, read), retry_when_busy(session):
        session.locks.take(home, str(period), f"settling {period}")
        yield


def read_undisturbed(session: Session, home: Home, period: object, names: Iterable[object]) -> None:
    """No one ingests these partitions while the process of the run reads them."""
    for name in names:
        session.locks.take(home, str(name), f"settling {period}, which reads {name}", "shared", wait=True)


def after_earlier_ones(context: dg.AssetExecutionContext, period: PerformancePeriod) -> None:
    """In a backfill from the UI a half-year waits for the ones before it, whose releases it reads (methodology §9).

    Raises:
        HcipError: one of them failed: without its release this one's limits would be wrong.
        RetryRequested: one of them has not ended.
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
                fix=f"resolve what stopped {key}, then re-execute the backfill's failed runs",
            )
        if status is not dg.DagsterRunStatus.SUCCESS:
            context.log.info(f"{period}: waiting for {key} of the same backfill")
            raise dg.RetryRequested(max_retries=_TRIES, seconds_to_wait=_SECONDS)


@contextmanager
def retry_when_busy(session: Session) -> Iterator[None]:
    """An unattended run tries again later when another is in its way: the one fault that time alone mends."""
    try:
        yield
    except BusyError as busy:
        if session.attended:
            raise
        raise dg.RetryRequested(max_retries=_TRIES, seconds_to_wait=_SECONDS) from busy

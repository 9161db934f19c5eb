"""An intake run over one partition or a range: each partition is ingested by itself and has its own events.

Belongs here: sharing partitions among processes, and the report to Dagster. Does not belong here: ingesting one.

In a range, Dagster would give all partitions the same result, so each gets its own materialization and checks. A
partition with a refusal gets no materialization: it stays red until it is corrected, and the run fails once the others
are done.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import dagster as dg

from hcip_pipeline.assets.partition_work import retry_when_busy
from hcip_pipeline.assets.resources import HomeResource, Session
from hcip_pipeline.background import BackgroundCall
from hcip_pipeline.errors import HcipError, PartitionsFailedError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.home.locks import BusyError, HomeLocks
from hcip_pipeline.tables.file_names import is_left_alone

R = TypeVar("R")
#: ingests one partition; must be a module-level function, so that another process can import it
Ingest = Callable[[Session, HomeResource, str], R]
Event = (
    dg.MaterializeResult | dg.AssetMaterialization | dg.AssetObservation | dg.AssetCheckResult | dg.AssetCheckEvaluation
)

#: with fewer partitions than this, starting another process takes longer than it saves
_WORTH_A_PROCESS = 4


@dataclass(frozen=True)
class PartitionIntake(Generic[R]):
    """A partition with its receipts, or with the error that prevented them."""

    key: str
    receipts: R | None = None
    error: HcipError | None = None


@dataclass(frozen=True)
class Reported:
    """The report to Dagster about a partition.

    Attributes:
        problem: why the partition counts as failed, although it may have accepted data.
    """

    key: str
    metadata: Mapping[str, dg.MetadataValue]
    checks: Sequence[dg.AssetCheckResult]
    problem: HcipError | None = None


def ingest_each(
    session: Session, home: HomeResource, keys: Sequence[str], ingest: Ingest[R]
) -> list[PartitionIntake[R]]:
    """Ingest partitions, in several processes if that is worthwhile. The results are in the order of ``keys``.

    Raises:
        RetryRequested: the run is unattended, and another run is working on one of the partitions.
    """
    shares = _shares(keys, session.processes)
    with ExitStack() as running:
        others = [
            running.enter_context(BackgroundCall(_ingest_share, home.model_dump(), share, ingest))
            for share in shares[1:]
        ]
        found = _one_by_one(session, home, shares[0], ingest)
        for other in others:
            found += other.result()
    for intake in found:
        if isinstance(intake.error, BusyError):
            with retry_when_busy(session):
                raise intake.error
    return found


def _shares(keys: Sequence[str], processes: int | None) -> list[list[str]]:
    """The partitions of each process, in order; this process takes the first share."""
    workers = min(processes or os.cpu_count() or 1, len(keys) if processes else len(keys) // _WORTH_A_PROCESS)
    if workers < 2:
        return [list(keys)]
    each = len(keys) // workers
    own = len(keys) - each * (workers - 1)
    return [list(keys[:own])] + [list(keys[at : at + each]) for at in range(own, len(keys), each)]


def _ingest_share(home: Mapping[str, Any], keys: Sequence[str], ingest: Ingest[R]) -> list[PartitionIntake[R]]:
    with HomeLocks() as locks:
        return _one_by_one(Session(attended=True, locks=locks), HomeResource(**home), keys, ingest)


def _one_by_one(
    session: Session, home: HomeResource, keys: Sequence[str], ingest: Ingest[R]
) -> list[PartitionIntake[R]]:
    found: list[PartitionIntake[R]] = []
    for key in keys:
        try:
            found.append(PartitionIntake(key, ingest(session, home, key)))
        except HcipError as error:
            session.locks.drop(home.home(), key)
            found.append(PartitionIntake(key, error=error))
    return found


def require_files(home: Home, source: str, key: str, what: str, lake: Path) -> None:
    """Refuse a partition for which nothing was ever sent.

    Args:
        source: the folder of the inbox, ``hospital`` or ``cms``.
        what: what is missing, for the message: ``archive``.
        lake: the folder of the partition's receipts; a partition that has some needs no files.

    Raises:
        HcipError: there is neither a file nor a receipt.
    """
    folder = home.inbox / source / key
    sent = folder.is_dir() and any(not is_left_alone(path.name) for path in folder.iterdir())
    if not sent and not any(lake.glob("*.json")):
        raise HcipError(
            f"no {what} for {key} in the inbox",
            file=folder,
            rule="NOTHING-SENT",
            fix=f"put it into inbox/{source}/{key}, or leave {key} out",
        )


def report(
    context: dg.AssetExecutionContext, asset: dg.AssetKey, reports: Sequence[Reported], blocking: frozenset[str]
) -> Iterator[Event]:
    """Yield the events of every partition.

    Args:
        blocking: names of the checks that block downstream assets.

    Raises:
        PartitionsFailedError: some partitions have refusals or could not be ingested.
    """
    is_range = len(context.partition_keys) > 1
    for each in reports:
        yield from _events_in_range(asset, each, blocking) if is_range else _events_of_one(asset, each)
    problems = {each.key: each.problem for each in reports if each.problem is not None}
    if problems:
        raise PartitionsFailedError(problems)


def _events_of_one(asset: dg.AssetKey, each: Reported) -> Iterator[Event]:
    if each.problem is None:
        yield dg.MaterializeResult(asset_key=asset, metadata=each.metadata, check_results=each.checks)
        return
    if each.metadata:
        yield dg.AssetObservation(asset, partition=each.key, metadata=each.metadata)
    yield from each.checks


def _events_in_range(asset: dg.AssetKey, each: Reported, blocking: frozenset[str]) -> Iterator[Event]:
    if each.problem is None:
        yield dg.AssetMaterialization(asset, partition=each.key, metadata=each.metadata)
    elif each.metadata:
        yield dg.AssetObservation(asset, partition=each.key, metadata=each.metadata)
    for check in each.checks:
        assert check.check_name is not None
        yield dg.AssetCheckEvaluation(
            asset_key=asset,
            check_name=check.check_name,
            passed=check.passed,
            metadata=check.metadata,
            severity=check.severity,
            blocking=check.check_name in blocking,
            partition=each.key,
        )

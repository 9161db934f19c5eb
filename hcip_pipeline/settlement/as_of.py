"""What was known when a release was made, so that it can be made again: the lake as of then.

Belongs here: keeping the very files of the lake that a release came from, and finding them again. Does not belong here:
what changed since (``restatement``).

The lake's tables are replaced as new versions arrive. A release therefore keeps its sources under their sha256 in
``lake/known/``; ``lake/known/<period>_r<n>.json`` lists which. They are copies: what rots in the lake does not rot
here.
Where the file system can share blocks until one of them changes (reflink), a copy takes no room. A copy that rotted
is put back from the lake, or from the inbox, whenever the hash agrees.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from hcip_pipeline.contracts import reference
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home import Home
from hcip_pipeline.intake.atomic_files import write_bytes, write_json
from hcip_pipeline.intake.hospital.ingest import receipts
from hcip_pipeline.intake.hospital.receipts import SubmissionReceipt
from hcip_pipeline.periods import PerformancePeriod, Quarter
from hcip_pipeline.policy.loader import PolicyFile, load_policy
from hcip_pipeline.records import read_record
from hcip_pipeline.release.reading import releases_of
from hcip_pipeline.release.tables import write_parquet
from hcip_pipeline.settlement.period import elections_in_force, windows_of
from hcip_pipeline.warehouse.project import project_digest
from hcip_pipeline.warehouse.spec import BuildSpec, Source


@dataclass(frozen=True)
class Known:
    """What a release was made from.

    Attributes:
        policy: as it was.
        program_version: hash of the models that computed it.
        sources: table of the lake -> sha256 of its files, in order.
        receipts: quarter -> receipts of what hospitals had sent; None where they were not kept.
    """

    period: PerformancePeriod
    policy: PolicyFile
    program_version: str
    sources: Mapping[str, tuple[str, ...]]
    receipts: Mapping[str, tuple[SubmissionReceipt, ...]] | None = None

    def received(self, quarter: Quarter) -> Sequence[SubmissionReceipt]:
        """The receipts of a quarter as they were."""
        return (self.receipts or {}).get(str(quarter), ())


def _folder(home: Home) -> Path:
    return home.lake / "known"


def record_path(home: Home, period: PerformancePeriod, number: int) -> Path:
    """Where it is written what ``<period>/r<number>`` was made from."""
    return _folder(home) / f"{period}_r{number}.json"


def kept_file(home: Home, sha256: str) -> Path:
    """A file of the lake as it was."""
    return _folder(home) / sha256[:2] / f"{sha256}.parquet"


def keep(home: Home, spec: BuildSpec) -> dict[str, tuple[str, ...]]:
    """Keep the sources of a build; gives table -> sha256 of its files."""
    return {name: tuple(_keep(home, each) for each in _pieces(source)) for name, source in sorted(spec.sources.items())}


def _pieces(source: Source) -> Sequence[Path | pl.DataFrame]:
    return [source] if isinstance(source, pl.DataFrame) else source


def _keep(home: Home, piece: Path | pl.DataFrame) -> str:
    if isinstance(piece, Path):
        with piece.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        _copy(piece, kept_file(home, sha256))
        return sha256
    _folder(home).mkdir(parents=True, exist_ok=True)
    beside = _folder(home) / f".frame.{os.getpid()}.tmp"
    try:
        write_parquet(piece, beside)
        sha256 = hashlib.sha256(beside.read_bytes()).hexdigest()
        _copy(beside, kept_file(home, sha256))
    finally:
        beside.unlink(missing_ok=True)
    return sha256


def _copy(file: Path, kept: Path) -> None:
    if kept.exists() and not kept.samefile(file):  # an earlier version kept a second name of the same file
        return
    kept.parent.mkdir(parents=True, exist_ok=True)
    beside = kept.with_name(f".{kept.name}.{os.getpid()}.tmp")
    try:
        _copy_content(file, beside)
        beside.replace(kept)
    finally:
        beside.unlink(missing_ok=True)


def _copy_content(file: Path, target: Path) -> None:
    """Copy a file; the file system shares the blocks where it can (``copy_file_range``)."""
    with file.open("rb") as source, target.open("wb") as copy:
        left = os.fstat(source.fileno()).st_size
        try:
            while left and (moved := os.copy_file_range(source.fileno(), copy.fileno(), left)):
                left -= moved
        except (OSError, AttributeError):  # across file systems, or not on this one
            source.seek(0)
            copy.seek(0)
            copy.truncate()
            shutil.copyfileobj(source, copy)


@contextmanager
def remembered(
    home: Home, period: PerformancePeriod, policy: PolicyFile, spec: BuildSpec
) -> Iterator[Callable[[bool], None]]:
    """Write down what the period's next release is made from while it is being written, so that none is without.

    Gives a function to be told whether a new release came to be; without that the record is taken back.
    """
    folders = releases_of(home, period)
    path = record_path(home, period, int(folders[-1].name[1:]) + 1 if folders else 1)
    sources = keep(home, spec)
    write_bytes(policy.text.encode(), _folder(home) / "policies" / f"{policy.sha256}.yaml")
    record = {
        "policy_sha256": policy.sha256,
        "program_version": project_digest(),
        "sources": {name: list(files) for name, files in sources.items()},
        "receipts": {
            str(quarter): [receipt.as_dict() for receipt in receipts(home, quarter)]
            for own in period.quarters
            for quarter in (own, own.year_before())  # what data quality is told of
        },
    }
    write_json(record, path)
    made: list[bool] = []
    try:
        yield made.append
    finally:
        if not any(made):
            path.unlink(missing_ok=True)


def recall(home: Home, period: PerformancePeriod, number: int) -> Known | None:
    """What ``<period>/r<number>`` was made from; None where it was not written down."""
    path = record_path(home, period, number)
    if not path.is_file():
        return None
    record = read_record(path, "policy_sha256", "program_version", "sources")
    return Known(
        period,
        load_policy(_folder(home) / "policies" / f"{record['policy_sha256']}.yaml"),
        record["program_version"],
        {name: tuple(files) for name, files in record["sources"].items()},
        {key: tuple(map(SubmissionReceipt.from_dict, known)) for key, known in record["receipts"].items()}
        if "receipts" in record
        else None,
    )


def sources_of(home: Home, known: Known) -> dict[str, list[Path]]:
    """The lake as of then. A file that is gone or was changed is put back where the hash agrees.

    Raises:
        HcipError: a file is gone or was changed, and neither lake nor inbox gives it again.
    """
    return {name: [_as_it_was(home, known, name, each) for each in hashes] for name, hashes in known.sources.items()}


def _as_it_was(home: Home, known: Known, name: str, sha256: str) -> Path:
    file = kept_file(home, sha256)
    if file.is_file() and _sha256(file) == sha256:
        return file
    if _put_back(home, known, name, sha256):
        return file
    raise HcipError(
        f"what {known.period} was made from cannot be read: a file of {name} is gone or was changed",
        file=file,
        rule="LAKE-AS-OF-THEN",
        fix="restore lake/known from its backup; neither the lake nor the inbox gives this file again",
    )


def _put_back(home: Home, known: Known, name: str, sha256: str) -> bool:
    """Put a kept file back from the lake, or else from the inbox; gives whether one of them has it."""
    from hcip_pipeline.settlement.from_inbox import lake_files_like, taken_in_again

    kept = kept_file(home, sha256)
    for file in lake_files_like(home, sha256):
        kept.unlink(missing_ok=True)
        _copy(file, kept)
        return True
    with taken_in_again(home, known, [name], home.warehouse / f".{known.period}-{sha256[:12]}") as again:
        if sha256 not in again:
            return False
        kept.unlink(missing_ok=True)
        _copy(again[sha256], kept)
        return True


@contextmanager
def home_as_of(home: Home, known: Known, folder: Path) -> Iterator[Home]:
    """What a release looks at beside its build: reference tables as they were, receipts, the releases before it.

    Args:
        folder: is made for it, and removed in the end.

    Raises:
        HcipError: a file is gone or is not what it was.
    """
    then = Home(folder)
    shutil.rmtree(folder, ignore_errors=True)  # what a killed run has left
    try:
        for name in reference.TABLES:
            for sha256 in known.sources.get(name, ()):
                _copy(_as_it_was(home, known, name, sha256), then.lake_reference / f"{name}.parquet")
        then.lake.mkdir(parents=True, exist_ok=True)
        for there, here in ((home.lake / "hospital", then.lake / "hospital"), (home.releases, then.releases)):
            here.symlink_to(there.resolve(), target_is_directory=True)
        yield then
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def spec_of(known: Known, sources: Mapping[str, Source], policy: PolicyFile | None = None) -> BuildSpec:
    """The build of the release's period from ``sources``, by its own policy or another."""
    chosen = (policy or known.policy).policy
    return BuildSpec(
        name=str(known.period),
        kind="period",
        windows=windows_of(known.period, chosen),
        policy=chosen,
        elections=elections_in_force(_frame(sources["hospitals"]), _frame(sources["protocols"]), chosen),
        sources=sources,
    )


def _frame(source: Source) -> pl.DataFrame:
    return source if isinstance(source, pl.DataFrame) else pl.read_parquet(list(source))


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

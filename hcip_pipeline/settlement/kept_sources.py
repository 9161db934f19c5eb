"""The kept sources of each release: files in ``lake/known/`` by sha256, and a record for each release.

Belongs here: keeping files and reading the record back. Does not belong here: building from them (``as_of``).

The lake's tables are replaced as new versions arrive. A release therefore keeps its sources under their sha256 in
``lake/known/``; ``lake/known/<period>_r<n>.json`` lists them. They are copies, so damage in the lake does not reach
them. If the file system can share blocks until one of two files changes (reflink), a copy takes no space.
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

from hcip_pipeline.errors import HcipError
from hcip_pipeline.files.atomic import write_bytes, write_json
from hcip_pipeline.files.hashes import file_sha256
from hcip_pipeline.home.folders import Home
from hcip_pipeline.home.records import read_record
from hcip_pipeline.intake.hospital.ingest import receipts
from hcip_pipeline.intake.hospital.receipts import SubmissionReceipt
from hcip_pipeline.periods import PerformancePeriod, Quarter
from hcip_pipeline.policy.loader import PolicyFile, load_policy
from hcip_pipeline.release.layouts import MANIFEST
from hcip_pipeline.release.reading import releases_of
from hcip_pipeline.release.tables import write_parquet
from hcip_pipeline.warehouse.project import project_digest
from hcip_pipeline.warehouse.spec import BuildSpec, Source


@dataclass(frozen=True)
class Known:
    """What a release was made from.

    Attributes:
        policy: the policy it was made under.
        program_version: hash of the models that computed it.
        sources: table of the lake -> sha256 of its files, in order.
        receipts: quarter -> receipts of the hospitals' submissions; None if they were not kept.
    """

    period: PerformancePeriod
    policy: PolicyFile
    program_version: str
    sources: Mapping[str, tuple[str, ...]]
    receipts: Mapping[str, tuple[SubmissionReceipt, ...]] | None = None

    def received(self, quarter: Quarter) -> Sequence[SubmissionReceipt]:
        """The kept receipts of a quarter."""
        return (self.receipts or {}).get(str(quarter), ())


def _folder(home: Home) -> Path:
    return home.lake / "known"


def record_path(home: Home, period: PerformancePeriod, number: int) -> Path:
    """The path of the record of what ``<period>/r<number>`` was made from."""
    return _folder(home) / f"{period}_r{number}.json"


def kept_file(home: Home, sha256: str) -> Path:
    """The path of a kept file of the lake."""
    return _folder(home) / sha256[:2] / f"{sha256}.parquet"


def keep(home: Home, spec: BuildSpec) -> dict[str, tuple[str, ...]]:
    """Keep the sources of a build; return table -> sha256 of its files."""
    return {name: tuple(_keep(home, each) for each in _pieces(source)) for name, source in sorted(spec.sources.items())}


def _pieces(source: Source) -> Sequence[Path | pl.DataFrame]:
    return [source] if isinstance(source, pl.DataFrame) else source


def _keep(home: Home, piece: Path | pl.DataFrame) -> str:
    if isinstance(piece, Path):
        sha256 = file_sha256(piece)
        copy_file(piece, kept_file(home, sha256))
        return sha256
    _folder(home).mkdir(parents=True, exist_ok=True)
    temporary = _folder(home) / f".frame.{os.getpid()}.tmp"
    try:
        write_parquet(piece, temporary)
        sha256 = file_sha256(temporary)
        copy_file(temporary, kept_file(home, sha256))
    finally:
        temporary.unlink(missing_ok=True)
    return sha256


def copy_file(file: Path, kept: Path) -> None:
    """Copy ``file`` to ``kept`` in one step; an existing copy stays."""
    if kept.exists() and not kept.samefile(file):  # earlier versions of the program kept a hard link
        return
    kept.parent.mkdir(parents=True, exist_ok=True)
    temporary = kept.with_name(f".{kept.name}.{os.getpid()}.tmp")
    try:
        _copy_content(file, temporary)
        temporary.replace(kept)
    finally:
        temporary.unlink(missing_ok=True)


def _copy_content(file: Path, target: Path) -> None:
    """Copy a file; the file system shares the blocks if it can (``copy_file_range``)."""
    with file.open("rb") as source, target.open("wb") as copy:
        left = os.fstat(source.fileno()).st_size
        try:
            while left and (moved := os.copy_file_range(source.fileno(), copy.fileno(), left)):
                left -= moved
        except (OSError, AttributeError):  # across file systems, or not supported by this one
            source.seek(0)
            copy.seek(0)
            copy.truncate()
            shutil.copyfileobj(source, copy)


@contextmanager
def keep_sources(
    home: Home, period: PerformancePeriod, policy: PolicyFile, spec: BuildSpec
) -> Iterator[Callable[[bool], None]]:
    """Record what the period's next release is made from before it is written, so that no release lacks its record.

    Yields a function to call with whether a new release was made; if none was, the record is removed.
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
            for quarter in (own, own.year_before())  # the quarters of the data quality report
        },
    }
    write_json(record, path)
    made: list[bool] = []
    try:
        yield made.append
    finally:
        if not any(made):
            path.unlink(missing_ok=True)


def _kept_policy(home: Home, period: PerformancePeriod, number: int, sha256: str) -> PolicyFile:
    """The kept policy of a release; if it is missing or was changed, it is restored from the release's manifest.

    Raises:
        HcipError: neither has the original text.
    """
    path = _folder(home) / "policies" / f"{sha256}.yaml"
    if path.is_file() and file_sha256(path) == sha256:
        return load_policy(path)
    manifest = read_record(home.releases / str(period) / f"r{number}" / MANIFEST, "policy")
    text = str(manifest["policy"].get("text", "")).encode()
    if hashlib.sha256(text).hexdigest() != sha256:
        raise HcipError(
            "the stored policy is not the one that the release was made under",
            file=path,
            rule="LAKE-AS-OF-THEN",
            fix="put it back from a backup; `hcip verify` checks whether the release still contains its text",
        )
    write_bytes(text, path)
    return load_policy(path)


def recall(home: Home, period: PerformancePeriod, number: int) -> Known | None:
    """What ``<period>/r<number>`` was made from; None if there is no record."""
    path = record_path(home, period, number)
    if not path.is_file():
        return None
    record = read_record(path, "policy_sha256", "program_version", "sources")
    return Known(
        period,
        _kept_policy(home, period, number, str(record["policy_sha256"])),
        record["program_version"],
        {name: tuple(files) for name, files in record["sources"].items()},
        {key: tuple(map(SubmissionReceipt.from_dict, known)) for key, known in record["receipts"].items()}
        if "receipts" in record
        else None,
    )

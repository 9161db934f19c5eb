"""Building from what was known when a release was made: the lake of that time.

Belongs here: finding the kept sources of a release again and building from them. Does not belong here: keeping them
(``kept_sources``) and what has changed since (``restatement``).

A kept file that was damaged is restored from the lake, or from the inbox, whenever the hash agrees.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from hcip_pipeline.contracts import reference
from hcip_pipeline.errors import HcipError
from hcip_pipeline.files.hashes import file_sha256
from hcip_pipeline.home.folders import Home
from hcip_pipeline.policy.loader import PolicyFile
from hcip_pipeline.settlement.from_inbox import ingested_again, lake_files_like
from hcip_pipeline.settlement.kept_sources import Known, copy_file, kept_file
from hcip_pipeline.settlement.period import elections_in_force, windows_of
from hcip_pipeline.warehouse.spec import BuildSpec, Source


def sources_of(home: Home, known: Known) -> dict[str, list[Path]]:
    """The lake of that time. A file that is gone or was changed is put back where the hash agrees.

    Raises:
        HcipError: a file is gone or was changed, and neither lake nor inbox gives it again.
    """
    return {name: [_as_it_was(home, known, name, each) for each in hashes] for name, hashes in known.sources.items()}


def _as_it_was(home: Home, known: Known, name: str, sha256: str) -> Path:
    file = kept_file(home, sha256)
    if file.is_file() and file_sha256(file) == sha256:
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
    kept = kept_file(home, sha256)
    for file in lake_files_like(home, sha256):
        kept.unlink(missing_ok=True)
        copy_file(file, kept)
        return True
    with ingested_again(home, known, [name], home.warehouse / f".{known.period}-{sha256[:12]}") as again:
        if sha256 not in again:
            return False
        kept.unlink(missing_ok=True)
        copy_file(again[sha256], kept)
        return True


@contextmanager
def home_as_of(home: Home, known: Known, folder: Path) -> Iterator[Home]:
    """What a release needs besides its build: reference tables as they were, receipts, the releases before it.

    Args:
        folder: made for it, and removed at the end.

    Raises:
        HcipError: a file is gone or is not what it was.
    """
    then = Home(folder)
    shutil.rmtree(folder, ignore_errors=True)  # what a killed run has left
    try:
        for name in reference.TABLES:
            for sha256 in known.sources.get(name, ()):
                copy_file(_as_it_was(home, known, name, sha256), then.lake_reference / f"{name}.parquet")
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

"""Builds from the lake as it was when a release was made.

Belongs here: finding a release's kept sources and building from them. Does not belong here: keeping them
(``kept_sources``) and what has changed since (``restatement``).

A damaged kept file is restored from the lake, or else from the inbox, if a file there has the same hash.
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
from hcip_pipeline.settlement.from_inbox import ingested_again, lake_files_with
from hcip_pipeline.settlement.kept_sources import Known, copy_file, kept_file
from hcip_pipeline.settlement.period import elections_in_force, windows_of
from hcip_pipeline.warehouse.spec import BuildSpec, Source


def sources_of(home: Home, known: Known) -> dict[str, list[Path]]:
    """Table of the lake -> its files as the release used them; a missing or changed file is restored first.

    Raises:
        HcipError: a file is missing or was changed, and can be restored from neither the lake nor the inbox.
    """
    return {name: [_original(home, known, name, each) for each in hashes] for name, hashes in known.sources.items()}


def _original(home: Home, known: Known, name: str, sha256: str) -> Path:
    file = kept_file(home, sha256)
    if file.is_file() and file_sha256(file) == sha256:
        return file
    if _restore(home, known, name, sha256):
        return file
    raise HcipError(
        f"a file of {name} that {known.period} was made from is missing or was changed",
        file=file,
        rule="LAKE-AS-OF-THEN",
        fix="restore lake/known from a backup; this file cannot be restored from the lake or the inbox",
    )


def _restore(home: Home, known: Known, name: str, sha256: str) -> bool:
    """Restore a kept file from the lake, or else from the inbox; return whether one of them has it."""
    kept = kept_file(home, sha256)
    for file in lake_files_with(home, sha256):
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
    """A temporary home with what a release needs besides its build: its reference tables, receipts, other releases.

    Args:
        folder: the temporary home's folder, removed at the end.

    Raises:
        HcipError: a file is missing or was changed.
    """
    temporary = Home(folder)
    shutil.rmtree(folder, ignore_errors=True)  # left over from a killed run
    try:
        for name in reference.TABLES:
            for sha256 in known.sources.get(name, ()):
                copy_file(_original(home, known, name, sha256), temporary.lake_reference / f"{name}.parquet")
        temporary.lake.mkdir(parents=True, exist_ok=True)
        for target, link in (
            (home.lake / "hospital", temporary.lake / "hospital"),
            (home.releases, temporary.releases),
        ):
            link.symlink_to(target.resolve(), target_is_directory=True)
        yield temporary
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def spec_of(known: Known, sources: Mapping[str, Source], policy: PolicyFile | None = None) -> BuildSpec:
    """The build of the release's period from ``sources``, under its own policy or another."""
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

"""Rebuilds a release's lake from the inbox: ingests the accepted files again and compares the result.

Belongs here: ingesting into a temporary home, and comparing hashes. Does not belong here: building and comparing a
release (``publishing.reproduction``), and restoring its kept files (``as_of``).
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import polars as pl

from hcip_pipeline.contracts import cms, program, protocol, reference
from hcip_pipeline.errors import HcipError
from hcip_pipeline.files.hashes import file_sha256
from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.claims.months import ingest_claims
from hcip_pipeline.intake.hospital.ingest import ingest_quarter
from hcip_pipeline.intake.period_intake import ingest_period
from hcip_pipeline.periods import Month, Quarter
from hcip_pipeline.reference.tables import write_lake_reference
from hcip_pipeline.settlement.kept_sources import Known, kept_file
from hcip_pipeline.settlement.norms_from_inbox import norm_differences
from hcip_pipeline.settlement.period import quarters_of, windows_of

_HOSPITAL = ("discharges", "charges")
_FOLDERS = ("hospital", "cms", "program", "protocols", "reference")


def lake_files_with(home: Home, sha256: str) -> Iterator[Path]:
    """Files of the lake with this hash: those whose seal has it, then any program file or reference table."""
    seals = home.lake / "seals"
    for seal in sorted(seals.rglob("*.parquet.json")):
        with suppress(OSError, ValueError, KeyError, TypeError):
            if json.loads(seal.read_text(encoding="utf-8"))["sha256"] == sha256:
                file = home.lake / seal.relative_to(seals).with_suffix("")
                if file.is_file() and file_sha256(file) == sha256:
                    yield file
    for kind in ("program", "reference"):
        for file in sorted((home.lake / kind).rglob("*.parquet")):
            if file_sha256(file) == sha256:
                yield file


@contextmanager
def ingested_again(home: Home, known: Known, tables: Collection[str], folder: Path) -> Iterator[dict[str, Path]]:
    """Ingest lake tables again from the inbox, under the release's policy and reference tables.

    Args:
        tables: names of the lake tables that are needed.
        folder: a temporary folder, removed at the end.

    Returns:
        sha256 -> file, for every file of the resulting lake.
    """
    temporary = Home(folder)
    shutil.rmtree(folder, ignore_errors=True)  # left over from a killed run
    folder.mkdir(parents=True)
    try:
        temporary.inbox.symlink_to(home.inbox.resolve(), target_is_directory=True)
        if set(tables) & {*reference.TABLES, *program.TABLES, *protocol.TABLES}:
            with suppress(HcipError):  # a file that is refused now is missing from the result
                write_lake_reference(temporary.inbox, temporary.lake_reference)
                ingest_period(temporary, known.period, known.policy.policy)
        if set(tables) & set(_HOSPITAL):
            frames = {name: _frame(home, known, name) for name in reference.TABLES}
            for quarter in _quarters(home, known):
                ingest_quarter(temporary, quarter, known.policy.policy, reference=frames)
        if set(tables) & set(cms.TABLES):
            for month in _months(home, known):
                ingest_claims(temporary, month)
        yield {file_sha256(file): file for file in sorted(temporary.lake.rglob("*.parquet"))}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _frame(home: Home, known: Known, name: str) -> pl.DataFrame:
    return pl.read_parquet([kept_file(home, sha256) for sha256 in known.sources[name]])


def _quarters(home: Home, known: Known) -> list[Quarter]:
    wanted = quarters_of(windows_of(known.period, known.policy.policy))
    return [quarter for quarter in wanted if (home.inbox / "hospital" / str(quarter)).is_dir()]


def _months(home: Home, known: Known) -> list[Month]:
    folder = home.inbox / "cms"
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    months = [Month.parse(name) for name in names if re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", name, re.ASCII)]
    return [month for month in months if month.start < known.period.run_date]


def differences_from_inbox(home: Home, known: Known, manifest: Mapping[str, Any], folder: Path) -> list[str]:
    """Inputs of a release that the inbox no longer has, and tables of its lake that the inbox cannot rebuild.

    The norm table is recomputed too, from the submissions that it was frozen from. Data from earlier releases are not
    compared: those releases are verified themselves.

    Args:
        manifest: the release's manifest.
        folder: a temporary folder, removed at the end.
    """
    found = []
    for item in manifest["inputs"]:
        name = str(item["file"])
        path = home.inbox / name
        if name.split("/")[0] not in _FOLDERS or not item["sha256"] or (path.parent.is_dir() and path.is_dir()):
            continue
        if not path.is_file():
            if not (name.startswith("cms/") and path.parent.is_dir()):  # an archive may have been delivered unzipped
                found.append(f"inbox/{name}: gone")
        elif file_sha256(path) != item["sha256"]:
            found.append(f"inbox/{name}: not what was accepted")
    tables = [*_HOSPITAL, *cms.TABLES, *program.TABLES, *protocol.TABLES, *reference.TABLES]
    with ingested_again(home, known, tables, folder) as again:
        for name in tables:
            missing = sum(sha256 not in again for sha256 in known.sources.get(name, ()))
            if missing:
                files = "1 file" if missing == 1 else f"{missing} files"
                found.append(f"lake, {name}: {files} cannot be rebuilt from the inbox")
    return list(dict.fromkeys([*found, *norm_differences(home, known, folder)]))

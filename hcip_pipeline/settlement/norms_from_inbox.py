"""Recomputes a frozen norm table from the inbox files that it was made from.

Belongs here: ingesting a base year again into a temporary home, and comparing the tables' bytes. Does not belong here:
freezing (``norm_tables``), and the same check of the period's own files (``from_inbox``).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from hcip_pipeline.contracts import reference, run
from hcip_pipeline.errors import HcipError
from hcip_pipeline.files.hashes import file_sha256
from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.hospital.ingest import ingest_quarter
from hcip_pipeline.periods import base_year_window
from hcip_pipeline.release.tables import write_parquet
from hcip_pipeline.settlement.kept_sources import Known, kept_file
from hcip_pipeline.settlement.norm_tables import NormTable, frozen_norm_table, norm_build, norm_frames
from hcip_pipeline.settlement.period import base_year_spec

_OTHER_RATES = "it cannot be recomputed if it was frozen under other reference tables than this release's"


def norm_differences(home: Home, known: Known, folder: Path) -> list[str]:
    """Differences between a release's norm table and the table recomputed from the inbox.

    Args:
        folder: a temporary folder, removed at the end.
    """
    policy = known.policy.policy
    frozen = frozen_norm_table(home, policy)
    if frozen is None:
        return [f"lake, norms: the norm table of {policy.base_year} is gone"]
    found = []
    for item in frozen.inputs:
        path = home.inbox / str(item["file"])
        if not path.is_file():
            found.append(f"inbox/{item['file']}: gone")
        elif file_sha256(path) != item["sha256"]:
            found.append(f"inbox/{item['file']}: not what was accepted")
    shutil.rmtree(folder, ignore_errors=True)  # left over from a killed run
    try:
        recomputed = _recomputed(home, known, frozen, folder)
    except HcipError as error:
        return [*found, f"norms: the table of {policy.base_year} cannot be recomputed: {error.message}"]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    differing = [name for name in run.FROZEN if (recomputed[name],) != known.sources.get(name)]
    return [
        *found,
        *(f"norms, {name}: recomputed from the inbox, the table differs ({_OTHER_RATES})" for name in differing),
    ]


def _recomputed(home: Home, known: Known, frozen: NormTable, folder: Path) -> Mapping[str, str]:
    """Frozen table -> sha256 of its file, recomputed from the submissions that it was made from, not later ones."""
    temporary, policy = Home(folder), known.policy.policy
    for submission in sorted({Path(str(item["file"])).parent for item in frozen.inputs}):
        if (home.inbox / submission).is_dir():
            _copy(home.inbox / submission, temporary.inbox / submission)
    frames: dict[str, pl.DataFrame] = {}
    temporary.lake_reference.mkdir(parents=True)
    for name in reference.TABLES:
        files = [kept_file(home, sha256) for sha256 in known.sources[name]]
        frames[name] = pl.read_parquet(files)
        for file in files:
            shutil.copyfile(file, temporary.lake_reference / f"{name}.parquet")
    for quarter in base_year_window(policy.base_year).quarters:
        ingest_quarter(temporary, quarter, policy, reference=frames)
    built = norm_build(temporary, policy, base_year_spec(temporary, policy))
    hashes = {}
    for name, frame in norm_frames(built).items():
        write_parquet(frame, folder / f"{name}.parquet")
        hashes[name] = file_sha256(folder / f"{name}.parquet")
    return hashes


def _copy(source: Path, target: Path) -> None:
    def link(file: Any, to: Any) -> None:
        try:
            os.link(file, to, follow_symlinks=False)
        except OSError:  # another file system, or one without links
            shutil.copyfile(file, to, follow_symlinks=False)

    shutil.copytree(source, target, symlinks=True, copy_function=link, ignore_dangling_symlinks=True)

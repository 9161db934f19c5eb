"""Recomputing a frozen norm table from the files of the inbox that it was made from.

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

_OTHER_RATES = (
    "a table that was frozen under other reference tables than those of this release cannot be computed again from here"
)


def norm_differences(home: Home, known: Known, folder: Path) -> list[str]:
    """Differences between a release's norm table and what the inbox gives now.

    Args:
        folder: made for ingesting again, and removed at the end.
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
    shutil.rmtree(folder, ignore_errors=True)  # what a killed run has left
    try:
        made = _computed_again(home, known, frozen, folder)
    except HcipError as error:
        return [*found, f"norms: the table of {policy.base_year} cannot be computed again: {error.message}"]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    differing = [name for name in run.FROZEN if (made[name],) != known.sources.get(name)]
    return [
        *found,
        *(f"norms, {name}: what the inbox gives is not the table of that time ({_OTHER_RATES})" for name in differing),
    ]


def _computed_again(home: Home, known: Known, frozen: NormTable, folder: Path) -> Mapping[str, str]:
    """Frozen table -> sha256 of its file, made from the submissions that it was made from, and no later ones."""
    then, policy = Home(folder), known.policy.policy
    for submission in sorted({Path(str(item["file"])).parent for item in frozen.inputs}):
        if (home.inbox / submission).is_dir():
            _copied(home.inbox / submission, then.inbox / submission)
    frames: dict[str, pl.DataFrame] = {}
    then.lake_reference.mkdir(parents=True)
    for name in reference.TABLES:
        files = [kept_file(home, sha256) for sha256 in known.sources[name]]
        frames[name] = pl.read_parquet(files)
        for file in files:
            shutil.copyfile(file, then.lake_reference / f"{name}.parquet")
    for quarter in base_year_window(policy.base_year).quarters:
        ingest_quarter(then, quarter, policy, reference=frames)
    built = norm_build(then, policy, base_year_spec(then, policy))
    made = {}
    for name, frame in norm_frames(built).items():
        write_parquet(frame, folder / f"{name}.parquet")
        made[name] = file_sha256(folder / f"{name}.parquet")
    return made


def _copied(source: Path, target: Path) -> None:
    def linked(file: Any, to: Any) -> None:
        try:
            os.link(file, to, follow_symlinks=False)
        except OSError:  # another file system, or one without links
            shutil.copyfile(file, to, follow_symlinks=False)

    shutil.copytree(source, target, symlinks=True, copy_function=linked, ignore_dangling_symlinks=True)

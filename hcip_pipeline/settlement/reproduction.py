"""Making a release again as of then: from the lake's files that it was made from, into nothing but a comparison.

Belongs here: rebuilding and comparing file by file. Does not belong here: keeping those files (``as_of``), and proving
the payments (``release.verification``).
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass

from hcip_pipeline.errors import HcipError
from hcip_pipeline.home import Home
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.release.documents import private_folder
from hcip_pipeline.release.reading import ReleaseFiles
from hcip_pipeline.release.writer import write_files
from hcip_pipeline.settlement.as_of import recall, sources_of, spec_of
from hcip_pipeline.warehouse.build import Progress, build


@dataclass(frozen=True)
class Reproduction:
    """A release made again: how many files it has, and the paths of those that came out with other bytes."""

    release: str
    files: int
    differing: tuple[str, ...]


def reproduce(
    home: Home,
    period: PerformancePeriod,
    number: int,
    *,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Reproduction:
    """Make ``<period>/r<number>`` again and compare every file with the one that was released.

    Raises:
        HcipError: what it was made from was not kept or was changed, or a check of the build does not pass.
    """
    released = ReleaseFiles.at(home.releases / str(period) / f"r{number}")
    known = recall(home, period, number)
    if known is None:
        raise HcipError(
            f"what {released.name} was made from was not kept",
            file=home.lake / "known",
            rule="LAKE-AS-OF-THEN",
            fix="restore lake/known from its backup",
        )
    folder = home.warehouse / f"{period}-r{number}-again"
    work = home.releases / str(period) / f".again{number}.{os.getpid()}"  # beside those that it is compared with
    try:
        built = build(spec_of(known, dict(sources_of(home, known))), folder, threads=threads, progress=progress)
        private_folder(work)
        before = released.manifest
        written = write_files(
            home,
            period,
            number,
            built,
            known.policy,
            before["inputs"],
            work,
            notes=before.get("notes", ()),
            restatement=released.table("restatement") if released.has("restatement") else None,
            supersedes=before["supersedes"],
        )
        made = {resource["path"]: _hashes(resource) for resource in written["resources"]}
        were = {resource["path"]: _hashes(resource) for resource in before["resources"]}
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(work, ignore_errors=True)
    differing = sorted(path for path in made.keys() | were.keys() if made.get(path) != were.get(path))
    return Reproduction(released.name, len(were), tuple(differing))


def _hashes(resource: dict[str, object]) -> tuple[object, object]:
    twin = resource.get("parquet")
    return resource["hash"], twin["hash"] if isinstance(twin, dict) else None

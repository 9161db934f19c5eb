"""Reproducing a release: rebuilding it from the lake's files that it was made from, and comparing every file.

Belongs here: rebuilding and comparing file by file. Does not belong here: keeping those files (``settlement.as_of``),
and verifying the payments (``release.verification``).
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import duckdb

from hcip_pipeline.certainty.assessment import Assessed, own_tables
from hcip_pipeline.contracts import certainty
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.publishing.content import Content
from hcip_pipeline.publishing.files import write_files
from hcip_pipeline.publishing.writer import only_writer
from hcip_pipeline.release.manifest import write_manifest
from hcip_pipeline.release.notes import released_notes
from hcip_pipeline.release.private_files import make_private, private_folder
from hcip_pipeline.release.reading import ReleaseFiles, releases_of
from hcip_pipeline.release.rests_on import Named
from hcip_pipeline.settlement.as_of import home_as_of, sources_of, spec_of
from hcip_pipeline.settlement.from_inbox import differences_from_inbox
from hcip_pipeline.settlement.kept_sources import recall
from hcip_pipeline.warehouse.build import BuildResult, Progress, build
from hcip_pipeline.warehouse.project import project_digest

#: at most this many of the differing files are listed
_LISTED = 10


@dataclass(frozen=True)
class Reproduction:
    """The result of reproducing a release.

    Attributes:
        files: number of tables and documents.
        differing: paths of those that differ; for a table, the path of its CSV file.
        same_program: whether the release was made by the same models.
        from_inbox: what cannot be rebuilt from the inbox; None: not checked.
    """

    release: str
    files: int
    differing: tuple[str, ...]
    same_program: bool
    from_inbox: tuple[str, ...] | None = None

    @property
    def ok(self) -> bool:
        """Whether everything was reproduced byte for byte."""
        return not self.differing and not self.from_inbox

    def lines(self) -> list[str]:
        """The result as text."""
        return [*self._of_release(), *self._of_inbox()]

    def _of_inbox(self) -> list[str]:
        if self.from_inbox is None:
            return []
        if not self.from_inbox:
            return [f"{self.release}: the original lake and norm table were rebuilt from the inbox, byte for byte"]
        return [
            f"{self.release}: the original lake cannot be rebuilt from the inbox:",
            *(f"  {each}" for each in self.from_inbox),
            "Restore the inbox from its backup. Later files belong in a new version and must not replace earlier ones.",
        ]

    def _of_release(self) -> list[str]:
        if not self.differing:
            return [f"{self.release}: reproduced from the original lake, all {self.files} files byte for byte"]
        some = self.differing[:_LISTED]
        lines = [f"{self.release}: {len(self.differing)} of {self.files} files differ", ""]
        lines += [f"  {path}" for path in some]
        if len(self.differing) > len(some):
            lines.append(f"  and {len(self.differing) - len(some)} more")
        why = (
            "The release was made by the same models, but with different dependencies or texts. Its dependencies are "
            "listed in the requirements.lock of the version that the manifest names as code_version."
            if self.same_program
            else "The release was made by different models. Install the version that the manifest names as "
            "code_version and try again. To settle the period with the current models, make a new release: `hcip run`."
        )
        return [*lines, "", why]

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "release": self.release,
            "ok": self.ok,
            "files": self.files,
            "differing": list(self.differing),
            "same_program": self.same_program,
            "from_inbox": None if self.from_inbox is None else list(self.from_inbox),
        }


def reproduce(
    home: Home,
    period: PerformancePeriod,
    number: int | None = None,
    *,
    to: Path | None = None,
    from_inbox: bool = False,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Reproduction:
    """Rebuild ``<period>/r<number>`` and compare every file with the released one.

    Args:
        number: None: the newest.
        to: a new folder in which to keep the result; None: only the comparison is kept.
        from_inbox: also rebuild the original lake from the inbox.

    Raises:
        HcipError: there is no such release, the folder exists already, the release's sources were not kept or were
            changed, or a check of the build does not pass.
    """
    if number is None:
        folders = releases_of(home, period)
        if not folders:
            raise HcipError(
                f"{period} has no release", file=home.releases / str(period), fix=f"settle it: `hcip run {period}`"
            )
        number = int(folders[-1].name[1:])
    if to is not None and to.exists():
        raise HcipError("the folder exists already", file=to, fix="name a folder that does not exist yet")
    released = ReleaseFiles.at(home.releases / str(period) / f"r{number}")
    known = recall(home, period, number)
    if known is None:
        raise HcipError(
            f"the sources of {released.name} were not kept",
            file=home.lake / "known",
            rule="LAKE-AS-OF-THEN",
            fix="restore lake/known from its backup",
        )
    folder = home.warehouse / f"{period}-r{number}-again"
    work = home.releases / str(period) / f".again{number}.{os.getpid()}"  # next to the releases it is compared with
    try:
        with (
            only_writer(work.parent, ".reproducing", ".again*.*"),
            home_as_of(home, known, folder / "home") as then,
        ):
            try:
                built = build(spec_of(known, dict(sources_of(home, known))), folder, threads=threads, progress=progress)
                private_folder(work)
                before = released.manifest
                written = write_files(
                    then,
                    period,
                    number,
                    built,
                    Content(
                        known.policy,
                        before["inputs"],
                        released_notes(released),
                        restatement=released.table("restatement") if released.has("restatement") else None,
                        certainty=_certainty(released, built),
                        supersedes=before["supersedes"],
                        later=[Named(**named) for named in before.get("makes_stale", ())],
                        received=known.received if known.receipts is not None else None,
                        signed_by=before.get("signed_by"),
                        stamped_by=before.get("stamped_by"),
                    ),
                    work,
                )
                made = {resource["path"]: _hashes(resource) for resource in written["resources"]}
                were = {resource["path"]: _hashes(resource) for resource in before["resources"]}
                make_private(write_manifest(written, work))
                received = differences_from_inbox(home, known, before, folder / "inbox") if from_inbox else None
                if to is not None:
                    private_folder(to.absolute().parent)
                    shutil.move(work, to)
            finally:
                shutil.rmtree(folder, ignore_errors=True)
                shutil.rmtree(work, ignore_errors=True)
    except OSError as error:
        raise HcipError(
            f"the release could not be reproduced: {error.strerror}",
            file=error.filename or work.parent,
            fix="free disk space or grant write permission; nothing in the home was changed",
        ) from error
    differing = sorted(path for path in made.keys() | were.keys() if made.get(path) != were.get(path))
    return Reproduction(
        released.name,
        len(were),
        tuple(differing),
        known.program_version == project_digest(),
        None if received is None else tuple(received),
    )


def _certainty(released: ReleaseFiles, built: BuildResult) -> Assessed:
    """The certainty tables, from the build; other readings are copied, because the base year's cases are not kept.

    A release made before these tables existed has none.
    """
    if not released.has(certainty.PAYMENT_RANGES.name):
        return {}
    with duckdb.connect(built.file, read_only=True) as connection:
        found = dict(own_tables(connection, str(released.period), built.spec.policy))
    for folder, tables in certainty.TABLES.items():
        for table in tables:
            if table.name not in found and released.has(table.name, folder=folder):
                found[table.name] = released.table(table.name, folder=folder)
    return found


def _hashes(resource: dict[str, object]) -> tuple[object, object]:
    twin = resource.get("parquet")
    return resource["hash"], twin["hash"] if isinstance(twin, dict) else None

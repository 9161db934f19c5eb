"""Write a release in a temporary folder and rename it into place; a release that exists is never changed.

Belongs here: the release gate, the release's number, and that one process writes at a time. Does not belong here: its
files (``files``).
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.ledger.signing import Signer, sign_file
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.publishing.content import Content
from hcip_pipeline.publishing.files import write_files
from hcip_pipeline.release.layouts import LAYOUTS
from hcip_pipeline.release.manifest import FILE_NAME, manifest_sha256, write_manifest
from hcip_pipeline.release.private_files import make_private, private_folder
from hcip_pipeline.release.reading import ReleaseFiles, releases_of
from hcip_pipeline.release.rests_on import resting_on
from hcip_pipeline.warehouse.build import BuildResult, fingerprints


@dataclass(frozen=True)
class Release:
    """A release on disk. ``is_new`` is false where the build gave the newest release again."""

    period: str
    number: int
    folder: Path
    files: int
    is_new: bool

    @property
    def name(self) -> str:
        """The release's number as in its folder: ``r1``."""
        return f"r{self.number}"


def write_release(
    home: Home, period: PerformancePeriod, build: BuildResult, content: Content, *, signer: Signer | None = None
) -> Release:
    """Release what ``build`` computed.

    Args:
        content: what goes into it besides; which release it supersedes, what it makes stale and who signs it is filled
            in here.
        signer: signs the manifest; None: the release is not signed.

    Returns:
        The new release, or the newest one where the same inputs and policy gave the same figures again.

    Raises:
        HcipError: a check of this build did not pass or did not run, or the folder cannot be written.
    """
    check_gate(build)
    folder = home.releases / str(period)
    try:
        private_folder(folder)
        with only_writer(folder):
            earlier = releases_of(home, period)
            number = int(earlier[-1].name[1:]) + 1 if earlier else 1
            content = replace(
                content,
                supersedes=manifest_sha256(earlier[-1]) if earlier else None,
                later=resting_on(home, period),
                signed_by=signer.identity if signer else None,
            )
            work = folder / f".r{number}.{os.getpid()}"
            try:
                private_folder(work)
                stated = write_files(home, period, number, build, content, work)
                make_private(write_manifest(stated, work))
                files = _number_of_files(stated)
                if earlier and _has_the_same_figures(earlier[-1], stated):
                    return Release(str(period), number - 1, earlier[-1], files, is_new=False)
                if signer is not None:
                    sign_file(signer, work / FILE_NAME, folder / f"r{number}.sig")
                os.rename(work, folder / f"r{number}")  # noqa: PTH104 - Path.rename would replace an empty folder
                return Release(str(period), number, folder / f"r{number}", files, is_new=True)
            finally:
                shutil.rmtree(work, ignore_errors=True)
    except OSError as error:
        raise HcipError(
            f"the release could not be written: {error.strerror or error}",
            file=error.filename or folder,
            fix="free disk space or grant write permission, and run the period again; nothing was released",
        ) from error


def existing_release(folder: Path) -> Release:
    """A release that is there already, as what a run has found to hold the same."""
    files = ReleaseFiles.at(folder)
    return Release(str(files.period), files.number, folder, _number_of_files(files.manifest), is_new=False)


def _number_of_files(content: dict[str, Any]) -> int:
    return sum(2 if "parquet" in resource else 1 for resource in content["resources"])


def check_gate(build: BuildResult) -> None:
    """Refuse to release a build of which any model or check did not pass, or a table that is not what was checked.

    Skipped counts as not passed.

    Raises:
        HcipError: names the first ones.
    """
    failed = [node for node in build.nodes if node.status not in ("success", "pass")]
    if failed or not build.nodes:
        names = ", ".join(node.unique_id.split(".")[2] for node in failed[:5]) or "nothing was built"
        raise HcipError(
            f"nothing is released: {len(failed)} checks or models did not pass ({names})",
            file=build.file,
            rule="RELEASE-GATE",
            fix="correct what they name and run the period again",
        )
    now = fingerprints(build.file) if build.file.is_file() else {}
    leaving = {layout.table.name for layout in LAYOUTS}
    changed = sorted(
        name
        for name in leaving | build.fingerprints.keys()
        if name not in build.fingerprints or build.fingerprints[name] != now.get(name)
    )
    if changed:
        raise HcipError(
            f"nothing is released: {len(changed)} tables differ from what the checks of this build tested "
            f"({', '.join(changed[:5])})",
            file=build.file,
            rule="RELEASE-GATE",
            fix="only the run may write to the warehouse; run the period again",
        )


@contextmanager
def only_writer(folder: Path, lock_name: str = ".writing", unfinished: str = ".r*.*") -> Iterator[None]:
    """Only one process writes a period's release: anything unfinished next to it belongs to a run that was killed.

    Args:
        lock_name: name of the lock file.
        unfinished: pattern of folders that are swept away.

    Raises:
        HcipError: another run is writing one.
    """
    lock = folder / lock_name
    with lock.open("a") as stream:
        make_private(lock)
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise HcipError(
                f"another run is writing a release of {folder.name}",
                file=folder,
                fix="wait until it has ended, then run the period again if needed",
            ) from error
        for path in folder.glob(unfinished):
            shutil.rmtree(path, ignore_errors=True)
        yield


def _has_the_same_figures(folder: Path, content: dict[str, Any]) -> bool:
    """Whether a release holds the same figures from the same inputs and policy, whatever its number.

    Derived files also state what the release supersedes, so only the marts are compared.
    """
    before = json.loads((folder / FILE_NAME).read_text(encoding="utf-8"))
    compared = {(layout.folder, layout.table.name) for layout in LAYOUTS}

    def facts(package: dict[str, Any]) -> dict[str, Any]:
        release = package["name"].removeprefix("hcip-").replace("-", "_")
        kept = {key: package[key] for key in ("code_version", "policy", "inputs", "grouper_versions")}
        kept["privacy"] = package.get("privacy")  # one from before the rule is followed by one that hides what it must
        kept["resources"] = {
            path.replace(release, ""): resource["hash"]
            for resource in package["resources"]
            if _table_of(path := resource["path"].lower(), release) in compared
        }
        return kept

    return facts(before) == facts(content)


def _table_of(path: str, release: str) -> tuple[str, str]:
    """Folder and table of a file, as ``("audit", "norm_cases")``."""
    folder, _, name = path.rpartition("/")
    return folder, name.removesuffix(f"_{release}.csv").split("_", 2)[-1]

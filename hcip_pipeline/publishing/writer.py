"""Write a release in a temporary folder and rename it into place; an existing release is never changed.

Belongs here: the release gate, the release's number, and the lock that lets only one process write. Does not belong
here: its files (``files``).
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
from hcip_pipeline.reports import words
from hcip_pipeline.warehouse.build import BuildResult, fingerprints


@dataclass(frozen=True)
class Release:
    """A release on disk. ``is_new`` is false if the build reproduced the newest release."""

    period: str
    number: int
    folder: Path
    files: int
    is_new: bool

    @property
    def name(self) -> str:
        """The name of the release's folder: ``r1``."""
        return f"r{self.number}"


def write_release(
    home: Home, period: PerformancePeriod, build: BuildResult, content: Content, *, signer: Signer | None = None
) -> Release:
    """Write a release of ``build``.

    Args:
        content: the rest of its content; ``supersedes``, ``later`` and ``signed_by`` are filled in here.
        signer: signs the manifest; None: the release is not signed.

    Returns:
        The new release, or the newest one if the same inputs and policy gave the same figures.

    Raises:
        HcipError: a check of this build failed or did not run, or the folder cannot be written.
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
    """An existing release, for a run that found nothing changed."""
    files = ReleaseFiles.at(folder)
    return Release(str(files.period), files.number, folder, _number_of_files(files.manifest), is_new=False)


def _number_of_files(content: dict[str, Any]) -> int:
    return sum(2 if "parquet" in resource else 1 for resource in content["resources"])


def check_gate(build: BuildResult) -> None:
    """Refuse a build if a model or check did not pass, or if a table changed after it was checked.

    Skipped counts as not passed.

    Raises:
        HcipError: names the first few.
    """
    failed = [node for node in build.nodes if node.status not in ("success", "pass")]
    if failed or not build.nodes:
        names = ", ".join(node.unique_id.split(".")[2] for node in failed[:5]) or "nothing was built"
        failures = words.plural(len(failed), "check or model", "checks or models")
        raise HcipError(
            f"nothing is released: {failures} did not pass ({names})",
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
    """Let only one process write a period's releases, and remove unfinished folders that killed runs left.

    Args:
        lock_name: name of the lock file.
        unfinished: pattern of the folders to remove.

    Raises:
        HcipError: another run is writing a release.
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
                fix="wait for it to finish, then run the period again if needed",
            ) from error
        for path in folder.glob(unfinished):
            shutil.rmtree(path, ignore_errors=True)
        yield


def _has_the_same_figures(folder: Path, content: dict[str, Any]) -> bool:
    """Whether a release has the same figures from the same inputs and policy.

    Derived files depend on the superseded release too, so only the marts are compared.
    """
    before = json.loads((folder / FILE_NAME).read_text(encoding="utf-8"))
    compared = {(layout.folder, layout.table.name) for layout in LAYOUTS}

    def facts(package: dict[str, Any]) -> dict[str, Any]:
        release = package["name"].removeprefix("hcip-").replace("-", "_")
        kept = {key: package[key] for key in ("code_version", "policy", "inputs", "grouper_versions")}
        kept["privacy"] = package.get("privacy")  # a release made before the current rule is superseded by one under it
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

"""Releases in object storage (``s3://bucket/prefix``), or at another address that fsspec supports.

Belongs here: copying a release there and fetching it back. Does not belong here: making a release (``writer``), and
whether its figures are right (``release.verification``).

Object storage cannot rename a folder into place, so the manifest marks a release as published: it is written last,
after every other file was read back and compared with it. Readers ignore a release without a manifest. A file is
written only if none exists (by a conditional put, if the storage supports it). So two processes that publish at once,
or one that publishes a different release under the same name, cannot mix files: the later one is refused, and a release
is never replaced. Publishing again completes an interrupted upload.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from hcip_pipeline.errors import HcipError, UsageError
from hcip_pipeline.release.layouts import MANIFEST
from hcip_pipeline.release.reading import ReleaseFiles
from hcip_pipeline.shared_home.address import Storage, open_storage

_PROGRESS = Callable[[str], None]
_AT_A_TIME = 16
_RELEASE = re.compile(r"(?:.*/)?(?P<period>[0-9]{4}H[12])/(?P<number>r[0-9]+)")
_NAMED = re.compile(r"releases/(?P<release>[0-9]{4}H[12]/r[0-9]+)/" + re.escape(MANIFEST))


@dataclass(frozen=True)
class PublishedRelease:
    """A published release.

    Attributes:
        release: ``2025H1/r1``.
        files: number of its files, including its manifest and signature.
        written: number of files written now; zero if the release was already published.
    """

    release: str
    address: str
    files: int
    written: int

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {"release": self.release, "address": self.address, "files": self.files, "written": self.written}


def publish(release: Path, address: str, progress: _PROGRESS = lambda _: None) -> PublishedRelease:
    """Copy a release to ``<address>/<period>/r<n>``, its signature next to it.

    Args:
        progress: called with the name of each file before it is written.

    Raises:
        UsageError: the address is invalid, or support for its kind of storage is not installed.
        HcipError: a file of the release does not match its manifest, a different file is in its place, or the storage
            cannot be reached.
    """
    files = ReleaseFiles.at(release)
    name = f"{files.period}/r{files.number}"
    *others, manifest = _files_of(files)
    with open_storage(address) as storage, ThreadPoolExecutor(_AT_A_TIME) as pool:
        running = []
        for file in others:
            progress(file.place)
            running.append(pool.submit(_write, storage, file))
        written = sum(future.result() for future in running)
        progress(manifest.place)
        list(pool.map(partial(_compare, storage), others))
        written += _write(storage, manifest)
        _compare(storage, manifest)
    return PublishedRelease(name, f"{address.rstrip('/')}/{name}", len(others) + 1, written)


def is_published(release: Path, address: str) -> bool:
    """Whether a release is completely published at an address. Raises as :func:`publish`."""
    files = ReleaseFiles.at(release)
    with open_storage(address) as storage:
        there = storage.read(f"{files.period}/r{files.number}/{MANIFEST}")
    return there == (files.folder / MANIFEST).read_bytes()


def fetch(address: str, folder: Path, progress: _PROGRESS = lambda _: None) -> Path:
    """Copy the release at ``<…>/<period>/r<n>`` into ``folder``, with every release published next to it that it names.

    Returns:
        The folder of the release.

    Raises:
        UsageError: the address is not that of a release, or support for its kind of storage is not installed.
        HcipError: there is no release, or the storage cannot be reached.
    """
    named = _RELEASE.fullmatch(address.rstrip("/"))
    if named is None:
        raise UsageError(
            f"{address} is not the address of a release", fix="give one such as s3://bucket/prefix/2025H1/r1"
        )
    first = f"{named['period']}/{named['number']}"
    waiting, fetched = [first], set[str]()
    with open_storage(address.rstrip("/").removesuffix(first)) as storage:
        while waiting:
            release = waiting.pop()
            content = storage.read(f"{release}/{MANIFEST}")
            if content is None and release == first:
                raise HcipError(
                    "no release is published there",
                    file=address,
                    fix="publish it with `hcip publish`, which also completes an interrupted upload",
                )
            if content is None or release in fetched:
                continue
            fetched.add(release)
            progress(release)
            manifest = _parsed(content, f"{release}/{MANIFEST}")
            paths = [f"{release}/{entry['path']}" for entry in _entries(manifest)]
            paths += [f"{release}.sig", f"{release}.tsr", f"{release}/{MANIFEST}"]
            with ThreadPoolExecutor(_AT_A_TIME) as pool:
                list(pool.map(lambda path: _put(folder, path, storage.read(path)), paths))
            waiting += _names(release, manifest)
    return folder / first


@dataclass(frozen=True)
class _File:
    """A file of a release, and its place below the address."""

    path: Path
    place: str
    sha256: str

    def content(self) -> bytes:
        """Its bytes. Raises HcipError if they do not match the release's manifest."""
        content = self.path.read_bytes() if self.path.is_file() else None
        if content is None or _sha256(content) != self.sha256:
            raise HcipError(
                "the file does not match the release's manifest" if content is not None else "the file is missing",
                file=self.path,
                rule="PUBLISH",
                fix="`hcip verify` lists every changed file; restore them from a backup",
            )
        return content


def _sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _files_of(files: ReleaseFiles) -> Iterator[_File]:
    """Every file of a release, including its signature and time stamp, the manifest last."""
    name = f"{files.period}/r{files.number}"
    for entry in sorted(_entries(files.manifest), key=lambda entry: str(entry["path"])):
        yield _File(files.folder / entry["path"], f"{name}/{entry['path']}", entry["hash"])
    for ending in (".sig", ".tsr"):
        proof = files.folder.with_name(f"r{files.number}{ending}")
        if proof.is_file():
            yield _File(proof, f"{name}{ending}", _sha256(proof.read_bytes()))
    manifest = files.folder / MANIFEST
    yield _File(manifest, f"{name}/{MANIFEST}", _sha256(manifest.read_bytes()))


def _entries(manifest: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for resource in manifest["resources"]:
        yield resource
        if resource.get("parquet"):
            yield resource["parquet"]


def _names(release: str, manifest: Mapping[str, Any]) -> Iterator[str]:
    """The releases that a release supersedes or was made from."""
    period, number = release.split("/")
    if manifest.get("supersedes"):
        yield f"{period}/r{int(number[1:]) - 1}"
    for item in manifest.get("inputs", ()):
        if match := _NAMED.fullmatch(str(item.get("file"))):
            yield match["release"]


def _parsed(content: bytes, path: str) -> Mapping[str, Any]:
    from hcip_pipeline.release.verification.manifest_shape import check_shape

    try:
        manifest: Mapping[str, Any] = json.loads(content)
        check_shape(manifest)
    except (ValueError, RecursionError) as error:
        raise HcipError(f"the manifest cannot be read: {error}", file=path, fix="publish the release again") from error
    return manifest


def _put(folder: Path, path: str, content: bytes | None) -> None:
    if content is not None:  # `hcip verify` reports missing files
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)


def _write(storage: Storage, file: _File) -> bool:
    """Write a file if there is none; returns whether it was written now.

    Raises:
        HcipError: a different file is there, or the release's file does not match its manifest.
    """
    content = file.content()
    if storage.create(file.place, content):
        return True
    there = storage.read(file.place)
    if there == content:
        return False
    if not storage.has_objects and there is not None and content.startswith(there):  # an interrupted write
        storage.remove(file.place)
        if storage.create(file.place, content):
            return True
    raise HcipError(
        "a different file is at this address",
        file=storage.address_of(file.place),
        rule="PUBLISH",
        fix="a release is never replaced: publish to another address, and find out who published there",
    )


def _compare(storage: Storage, file: _File) -> None:
    """Make sure that a file is stored, byte for byte.

    Raises:
        HcipError: it is not: another program wrote there, or the storage lost it.
    """
    content = storage.read(file.place)
    if content is None or _sha256(content) != file.sha256:
        raise HcipError(
            "the stored file differs from the one that was written",
            file=storage.address_of(file.place),
            rule="PUBLISH",
            fix="the release is not published; make sure that nothing else writes there, and publish it again",
        )

"""The files of a shared home in its storage: objects named after their sha256, and commits that refer to objects.

    objects/ab/<sha256>      the bytes of a file of the lake, the inbox or a release; written once
    commits/00000001.json    the files that the first acceptance added or replaced, and its lines of the ledger

A commit never overwrites another: if two machines write the same number, the storage refuses one of them, which then
reads the other's commit and writes the next number. So all changes of an acceptance take effect at once, and the
ledger has one order. Each commit names the sha256 of the previous one. A process that is killed before its commit
leaves objects to which nothing refers.

Belongs here: the format, reading and writing. Does not belong here: which files are committed (``scope``), and what
happens if two machines disagree (``synchronizing``).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hcip_pipeline.errors import HcipError
from hcip_pipeline.files.atomic import write_bytes
from hcip_pipeline.shared_home.address import Storage

FORMAT = 1
AT_A_TIME = 8
_NOTHING_BEFORE = "0" * 64
_NAME = re.compile(r"[0-9]{8}\.json")
_SHA256 = re.compile(r"[0-9a-f]{64}")
#: a path in a shared home: below one of these folders and never outside them
_PATH = re.compile(r"(lake|releases|inbox)(/(?!\.{1,2}(/|$))[^/\0]+)+")
_PROBE = "conditional-write"


@dataclass(frozen=True)
class Commit:
    """One acceptance, norm table, release or destruction.

    Attributes:
        files: path within the home -> sha256 of the file from this commit on.
        removed: paths that do not exist from this commit on.
        lines: the ledger lines that it appends, without line ends.
        hash: sha256 of the commit's own bytes.
    """

    number: int
    previous: str
    files: Mapping[str, str]
    removed: Sequence[str]
    lines: Sequence[str]
    hash: str = ""

    def content(self) -> bytes:
        """Its bytes."""
        stated = {
            "format": FORMAT,
            "commit": self.number,
            "previous": self.previous,
            "files": dict(self.files),
            "removed": sorted(self.removed),
            "lines": list(self.lines),
        }
        return (json.dumps(stated, sort_keys=True, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


def object_place(sha256: str) -> str:
    """Where the bytes with a hash are stored."""
    return f"objects/{sha256[:2]}/{sha256}"


def _commit_place(number: int) -> str:
    return f"commits/{number:08d}.json"


def read_commits(storage: Storage, cache: Path) -> list[Commit]:
    """Every commit, oldest first; those in the folder ``cache`` are not fetched again.

    Raises:
        HcipError: a commit is missing, cannot be read, or does not follow the previous one.
    """
    numbers = sorted(int(name.partition(".")[0]) for name in storage.names("commits") if _NAME.fullmatch(name))
    if not numbers:
        storage.check_bucket()
    if numbers != list(range(1, len(numbers) + 1)):
        missing = next(n for n in range(1, len(numbers) + 2) if n not in numbers)
        raise _damaged(storage, _commit_place(missing), "is missing")

    def content(number: int) -> bytes:
        kept = cache / f"{number:08d}.json"
        if kept.is_file():
            return kept.read_bytes()
        fetched = storage.read(_commit_place(number))
        if fetched is None:
            raise _damaged(storage, _commit_place(number), "is missing")
        return fetched

    with ThreadPoolExecutor(AT_A_TIME) as pool:
        contents = list(pool.map(content, numbers))
    commits: list[Commit] = []
    for number, raw in zip(numbers, contents, strict=True):
        commit = _parsed(storage, number, raw)
        if commit.previous != (commits[-1].hash if commits else _NOTHING_BEFORE):
            raise _damaged(
                storage, _commit_place(number), f"does not follow the previous one, of which {cache} may have a copy"
            )
        commits.append(commit)
    for commit, raw in zip(commits, contents, strict=True):
        kept = cache / f"{commit.number:08d}.json"
        if not kept.is_file():
            write_bytes(raw, kept)
    return commits


def next_commit(
    commits: Sequence[Commit], files: Mapping[str, str], removed: Iterable[str], lines: Iterable[str]
) -> Commit:
    """The commit that follows ``commits``."""
    previous = commits[-1].hash if commits else _NOTHING_BEFORE
    return Commit(len(commits) + 1, previous, files, sorted(removed), list(lines))


def write_commit(storage: Storage, commit: Commit) -> bool:
    """Write a commit under its number; False if another machine was first.

    Raises:
        HcipError: the storage overwrites files, so that a commit could be lost unnoticed.
    """
    if commit.number == 1:
        _check_conditions(storage)
    content = commit.content()
    return (
        storage.create(_commit_place(commit.number), content) or storage.read(_commit_place(commit.number)) == content
    )


def _check_conditions(storage: Storage) -> None:
    """Make sure that the storage refuses to overwrite a file."""
    storage.create(_PROBE, b"first")
    if storage.create(_PROBE, b"second"):
        raise HcipError(
            "the storage has no conditional writes, so two machines could overwrite each other's acceptances",
            file=storage.address_of(""),
            rule="STORAGE",
            fix="use storage that has them (S3's If-None-Match); `hcip publish` does not need them",
        )


def snapshot(commits: Iterable[Commit]) -> dict[str, str]:
    """Path -> sha256 of every shared file after these commits."""
    found: dict[str, str] = {}
    for commit in commits:
        found |= commit.files
        for path in commit.removed:
            found.pop(path, None)
    return found


def ledger_lines(commits: Iterable[Commit]) -> list[bytes]:
    """The shared ledger's lines, without line ends."""
    return [line.encode() for commit in commits for line in commit.lines]


def paths_by_hash(files: Mapping[str, str]) -> dict[str, list[str]]:
    """Group paths by hash, so that identical files are sent and fetched only once."""
    paths: dict[str, list[str]] = {}
    for path, sha256 in files.items():
        paths.setdefault(sha256, []).append(path)
    return paths


def put_object(storage: Storage, sha256: str, files: Sequence[Path], *, is_expected: bool) -> None:
    """Store the bytes of one or more identical files, unless they are stored already.

    Args:
        is_expected: an earlier commit refers to the same bytes, as for a release's sources: they are sent only if they
            are missing.

    Raises:
        HcipError: a file has changed since it was hashed, or the stored object is damaged.
    """
    for file in files:
        content = file.read_bytes()
        if _sha256(content) != sha256:
            raise HcipError(
                "the file changed while it was being shared",
                file=file,
                rule="STORAGE",
                fix="make sure that nothing else writes to the home, and run this again",
            )
    size = storage.size(object_place(sha256)) if is_expected else None
    if size is None and not storage.create(object_place(sha256), content):
        size = storage.size(object_place(sha256))
    if size not in (None, len(content)):
        raise _damaged(storage, object_place(sha256), "does not match its hash")


def get_object(storage: Storage, sha256: str) -> bytes:
    """The bytes with a hash.

    Raises:
        HcipError: they are missing or damaged.
    """
    content = storage.read(object_place(sha256))
    if content is None:
        raise _damaged(storage, object_place(sha256), "is missing")
    if hashlib.sha256(content).hexdigest() != sha256:
        raise _damaged(storage, object_place(sha256), "does not match its hash")
    return content


def _parsed(storage: Storage, number: int, raw: bytes) -> Commit:
    place = _commit_place(number)
    try:
        stated: dict[str, Any] = json.loads(raw)
        if stated["format"] != FORMAT:
            raise HcipError(
                f"the commit has format {stated['format']}, which this version cannot read",
                file=storage.address_of(place),
                rule="STORAGE",
                fix="install the version that the other machines use",
            )
        files = {str(path): str(sha256) for path, sha256 in stated["files"].items()}
        removed, lines = [str(path) for path in stated["removed"]], [str(line) for line in stated["lines"]]
        commit = Commit(int(stated["commit"]), str(stated["previous"]), files, removed, lines, _sha256(raw))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _damaged(storage, place, "cannot be read") from error
    paths = [*files, *removed]
    if (
        commit.number != number
        or not all(map(_PATH.fullmatch, paths))
        or not all(map(_SHA256.fullmatch, files.values()))
    ):
        raise _damaged(storage, place, "cannot be read")
    return commit


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _damaged(storage: Storage, place: str, what: str) -> HcipError:
    return HcipError(
        f"the shared home is damaged: {place} {what}",
        file=storage.address_of(place),
        rule="STORAGE-DAMAGED",
        fix="restore it from the bucket's versions or a backup; only `hcip` may write there",
    )

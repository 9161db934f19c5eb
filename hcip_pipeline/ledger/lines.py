"""``ledger.jsonl``: its lines, their chain of hashes, and appending to it.

Belongs here: the file. Does not belong here: which files a line covers (``leaves``), and what happens if the home
differs from it (``comparison``).

A line is one JSON object with sorted keys. ``sha256`` is the Merkle root over ``files`` (path -> sha256), ``previous``
the sha256 of the previous line's bytes without its line end; in the first line it is 64 zeros. The *head* of a ledger
is ``<sequence>:<sha256 of its last line>``. Lines contain no times, so equal homes have equal ledgers.

Several processes may append: each holds a lock on the file while it reads the last line and writes the next. A process
that is killed while writing leaves a line without its end, which the next process removes. Whatever that line recorded
then has no line, and is ingested again or recorded as found.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal

from hcip_pipeline.errors import HcipError
from hcip_pipeline.files.merkle import merkle_root
from hcip_pipeline.home.folders import Home
from hcip_pipeline.home.storage_faults import storage_fault

Kind = Literal["start", "acceptance", "refusal", "norms", "release", "found", "destruction"]

NAME = "ledger.jsonl"
_NOTHING_BEFORE = "0" * 64
_RESTORE = "restore ledger.jsonl from a backup; `hcip verify RELEASE --head HEAD` shows which copy is the right one"


@dataclass(frozen=True)
class Entry:
    """The content of a line.

    Attributes:
        name: its subject: ``hospital/2025Q1/210001.r1``, ``2025H1/r1``.
        files: path within the home -> sha256; ``program`` is the digest of the program's models.
    """

    kind: Kind
    name: str
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Line:
    """One line of the file; ``hash`` is the sha256 of its bytes."""

    sequence: int
    entry: Entry
    sha256: str
    previous: str
    hash: str

    @property
    def head(self) -> str:
        """The head of a ledger that ends with this line."""
        return f"{self.sequence}:{self.hash}"


def ledger_path(home: Home) -> Path:
    """Path of the home's ledger."""
    return home.root / NAME


def read_ledger(home: Home) -> list[Line]:
    """Every complete line, oldest first; empty if there is no ledger yet.

    Raises:
        HcipError: a line cannot be read, or does not match the hash in the next line.
    """
    path = ledger_path(home)
    if not path.is_file():
        return []
    content = path.read_bytes()
    return list(_parse(content[: content.rfind(b"\n") + 1], path))


def head_of(home: Home) -> str:
    """The ledger's head; empty if there is no ledger. Raises HcipError as :func:`read_ledger`."""
    lines = read_ledger(home)
    return lines[-1].head if lines else ""


def append(home: Home, entries: Callable[[Sequence[Line]], Iterable[Entry]]) -> list[Line]:
    """Append the entries that ``entries`` returns for the current lines.

    Args:
        entries: called while no other process can append.

    Raises:
        HcipError: as :func:`read_ledger`, or the file cannot be written.
    """
    path = ledger_path(home)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _alone(path) as file:
            content = file.read()
            whole = content.rfind(b"\n") + 1
            lines = list(_parse(content[:whole], path))
            new = _continue(lines, entries(lines))
            if not new and whole == len(content):
                return []
            file.truncate(whole)
            file.seek(whole)
            file.write(b"".join(raw + b"\n" for _, raw in new))
            file.flush()
            os.fsync(file.fileno())
            return [line for line, _ in new]
    except OSError as error:
        raise storage_fault(error, path) or HcipError(
            f"the ledger cannot be written: {error.strerror}",
            file=path,
            rule="LEDGER-WRITE",
            fix="free disk space or grant write permission, and run this again",
        ) from error


def raw_lines(home: Home) -> list[bytes]:
    """The bytes of every complete line, without line ends. Raises HcipError as :func:`read_ledger`."""
    path = ledger_path(home)
    content = path.read_bytes() if path.is_file() else b""
    whole = content[: content.rfind(b"\n") + 1]
    list(_parse(whole, path))
    return whole.split(b"\n")[:-1]


def parsed(raw: Sequence[bytes], where: Path) -> list[Line]:
    """Lines from their bytes.

    Args:
        where: the file or address they come from, for messages.

    Raises:
        HcipError: as :func:`read_ledger`.
    """
    return list(_parse(b"".join(line + b"\n" for line in raw), where))


def continued(lines: Sequence[Line], entries: Iterable[Entry]) -> list[bytes]:
    """The bytes of the lines that continue a ledger with ``entries``."""
    return [raw for _, raw in _continue(lines, entries)]


def rebase(home: Home, onto: Callable[[Sequence[bytes]], Sequence[bytes]]) -> None:
    """Replace the end of the ledger, because other machines have appended to the shared one (``shared_home``).

    Args:
        onto: returns the whole ledger's lines, given the current ones; called while no other process can append.

    Raises:
        HcipError: the lines are not a ledger, or the file cannot be written.
    """
    path = ledger_path(home)
    path.parent.mkdir(parents=True, exist_ok=True)
    with _alone(path) as file:
        content = file.read()
        before = content[: content.rfind(b"\n") + 1].split(b"\n")[:-1]
        after = onto(before)
        parsed(after, path)
        same = next((n for n, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1]), None)
        same = min(len(before), len(after)) if same is None else same
        start = sum(len(line) + 1 for line in before[:same])
        file.truncate(start)
        file.seek(start)
        file.write(b"".join(line + b"\n" for line in after[same:]))
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _alone(path: Path) -> Iterator[IO[bytes]]:
    with path.open("a+b") as created:  # never truncated, so that two processes may create it at once
        created.flush()
    with path.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def _continue(lines: Sequence[Line], entries: Iterable[Entry]) -> list[tuple[Line, bytes]]:
    sequence, previous = (lines[-1].sequence, lines[-1].hash) if lines else (0, _NOTHING_BEFORE)
    new: list[tuple[Line, bytes]] = []
    for entry in entries:
        sequence += 1
        stated = {
            "sequence": sequence,
            "kind": entry.kind,
            "name": entry.name,
            "sha256": merkle_root(entry.files),
            "files": dict(entry.files),
            "previous": previous,
        }
        raw = json.dumps(stated, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        line = Line(sequence, entry, str(stated["sha256"]), previous, hashlib.sha256(raw).hexdigest())
        new.append((line, raw))
        previous = line.hash
    return new


def _parse(content: bytes, path: Path) -> Iterator[Line]:
    previous = _NOTHING_BEFORE
    for number, raw in enumerate(content.split(b"\n")[:-1], start=1):
        try:
            stated: dict[str, Any] = json.loads(raw)
            entry = Entry(stated["kind"], str(stated["name"]), {str(k): str(v) for k, v in stated["files"].items()})
            line = Line(int(stated["sequence"]), entry, str(stated["sha256"]), str(stated["previous"]), _sha256(raw))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise _broken(path, number, "cannot be read") from error
        if line.previous != previous or line.sequence != number:
            raise _broken(path, number, "does not follow the previous one: a line was changed, removed or added")
        if line.sha256 != merkle_root(entry.files):
            raise _broken(path, number, "has a root that does not match its files")
        previous = line.hash
        yield line


def _sha256(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def _broken(path: Path, number: int, what: str) -> HcipError:
    return HcipError(f"the line {what}", file=path, row=number, rule="LEDGER-BROKEN", fix=_RESTORE)

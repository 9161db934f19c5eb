"""Which inbox folders contain something new and complete. Pure, except that it looks at file names and times.

Belongs here: when files count as arrived. Does not belong here: starting runs (``assets.sensors``), reading any file.

A folder that is being written to looks different each time. It counts as complete once it looks the same twice, nothing
in it has changed for a while, and no file has a name that copying programs give to unfinished files.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

#: How browsers, scp, rsync and FTP servers name unfinished files.
_UNFINISHED = (".part", ".partial", ".filepart", ".tmp", ".crdownload", ".download", ".upload")


@dataclass(frozen=True)
class Appearance:
    """How a folder looks.

    Args:
        digest: over the names, sizes and times of its files.
        changed: when something in it last changed, in seconds since the epoch; 0 if it is empty.
    """

    digest: str
    changed: float
    is_unfinished: bool


def appearance(folder: Path) -> Appearance:
    """How a folder of the inbox looks now; a file that disappears during the look makes it unfinished."""
    seen: list[str] = []
    changed, unfinished = 0.0, False
    for path in sorted(folder.rglob("*")):
        try:
            stat = path.lstat()
        except OSError:
            return Appearance("", 0.0, True)
        # A copy that preserves the modification time still has a new ctime.
        changed = max(changed, stat.st_mtime, stat.st_ctime)
        if path.is_dir() and not path.is_symlink():
            continue
        unfinished |= path.name.startswith(".") or path.name.lower().endswith(_UNFINISHED)
        seen.append(f"{path.relative_to(folder)}\0{stat.st_size}\0{stat.st_mtime_ns}")
    digest = hashlib.sha256("\n".join(seen).encode("utf-8", "surrogateescape")).hexdigest()[:16] if seen else ""
    return Appearance(digest, changed, unfinished)


@dataclass
class Cursor:
    """What was seen and what was started, from one look to the next; survives a restart as JSON.

    Args:
        seen: partition -> digest at the last look.
        started: partition -> digest that a run was started for.
    """

    seen: dict[str, str] = field(default_factory=dict)
    started: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str | None) -> Cursor:
        """Read a cursor from the text that the sensor stored."""
        content = json.loads(text) if text else {}
        return cls(content.get("seen", {}), content.get("started", {}))

    def text(self) -> str:
        """The cursor as text for the sensor."""
        return json.dumps({"seen": self.seen, "started": self.started}, sort_keys=True)


@dataclass(frozen=True)
class Arrival:
    """Something new in a partition's folder; the same arrival always has the same ``run_key``."""

    partition: str
    digest: str

    @property
    def run_key(self) -> str:
        """Identifies the run that this arrival requests."""
        return f"{self.partition}:{self.digest}"


def arrivals(
    folders: Iterable[tuple[str, Path]],
    cursor: Cursor,
    now: float,
    settle_seconds: float,
    last_ingested: Callable[[str], float],
) -> tuple[list[Arrival], list[str], Cursor]:
    """Find what has arrived since the last look.

    Args:
        folders: partition -> its folder in the inbox.
        now: seconds since the epoch.
        settle_seconds: how long nothing must have changed.
        last_ingested: when a partition was last ingested, in seconds since the epoch (0: never); files from before
            then need no run.

    Returns:
        The arrivals, one per partition; the partitions that are still being written; and the cursor for the next look.
    """
    found: list[Arrival] = []
    waiting: list[str] = []
    following = Cursor({}, {})
    for partition, folder in folders:
        looks = appearance(folder)
        if partition in cursor.started:
            following.started[partition] = cursor.started[partition]
        if not looks.digest and not looks.is_unfinished:
            continue
        following.seen[partition] = looks.digest
        if cursor.started.get(partition) == looks.digest:
            continue
        # A time in the future was written by a wrong clock: its distance counts like that of a time in the past.
        is_settled = cursor.seen.get(partition) == looks.digest and abs(now - looks.changed) >= settle_seconds
        if looks.is_unfinished or not is_settled:
            waiting.append(partition)
            continue
        following.started[partition] = looks.digest
        last = last_ingested(partition)
        if last <= looks.changed or last > now:  # > now: the clock was set back; a needless intake does nothing
            found.append(Arrival(partition, looks.digest))
    return found, waiting, following

"""sha256 of files; a file that was hashed before and looks unchanged is not read again.

A file looks unchanged if its device, inode, size and both times are the same; no one can set back the time of the last
change (``ctime``). A file that was changed just before it was hashed is always read again.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

#: a change this shortly before a file was hashed may not show in its times
_COARSE_NS = 2_000_000_000


def file_sha256(path: Path) -> str:
    """sha256 of one of this program's own files, read in chunks. For received files: ``received.sha256_of``.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class FileHashes:
    """Hashes by path.

    Args:
        known: an earlier result of :meth:`as_dict`.
    """

    def __init__(self, known: Mapping[str, Any] | None = None) -> None:
        self._known: dict[str, list[Any]] = dict(known or {})
        self._used: dict[str, list[Any]] = {}

    def sha256(self, path: Path) -> str:
        """sha256 of a regular file. Raises OSError if it cannot be read."""
        key, looks = str(path), _looks(path.stat())
        for known in (self._used.get(key), self._known.get(key)):
            if known and known[0] == looks and max(looks[3:]) < known[1] - _COARSE_NS:
                self._used[key] = known
                return str(known[2])
        moment = time.time_ns()
        with path.open("rb") as stream:
            looks = _looks(os.fstat(stream.fileno()))
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        self._used[key] = [looks, moment, sha256]
        return sha256

    def prepare(self, paths: Iterable[Path]) -> None:
        """Hash many files in parallel; errors are left to :meth:`sha256`."""
        with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
            list(pool.map(self._try, paths))

    def _try(self, path: Path) -> None:
        try:
            self.sha256(path)
        except OSError:
            return

    def as_dict(self) -> dict[str, Any]:
        """The hashes of all files that were asked for, for JSON."""
        return dict(sorted(self._used.items()))


def _looks(stat: os.stat_result) -> list[int]:
    return [stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns]

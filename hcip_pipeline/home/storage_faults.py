"""Errors for a disk that is full, read-only or broken.

Belongs here: recognizing such faults, and what to do about them. Does not belong here: faults of the files that people
send (``intake``), and damage to the lake itself (``lake_seals``).
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hcip_pipeline.errors import ComputationError, HcipError
from hcip_pipeline.home.folders import Home

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FORBIDDEN = (errno.EROFS, errno.EACCES, errno.EPERM)
#: the wording of DuckDB, SQLite, Arrow and polars
_FULL_WORDS = ("no space left on device", "disk is full", "file too large", "disk quota exceeded", "out of disk space")
_BROKEN_WORDS = ("disk i/o error",)
_FORBIDDEN_WORDS = ("read-only file system", "readonly database", "read-only database", "permission denied")
#: modules whose errors mean that a file could not be read or written
_ENGINES = ("duckdb", "_duckdb", "polars", "pyarrow", "sqlite3", "sqlalchemy")
#: how many causes of an error are followed
_MOST_LINKS = 20
#: rules of errors that need no further explanation
_EXPLAINED = ("DISK-FULL", "DISK-ERROR", "READ-ONLY", "LAKE-DAMAGED", "IN-USE")


def storage_fault(error: BaseException, where: Path | str) -> HcipError | None:
    """The error to report if the disk is at fault; None if it is not.

    Args:
        where: the folder it concerns, if the error names no file.
    """
    number = error.errno if isinstance(error, OSError) else None
    stated = str(error).lower()
    file = (isinstance(error, OSError) and error.filename) or where
    if number in _FULL or any(words in stated for words in _FULL_WORDS):
        return HcipError(
            "the disk is full",
            file=file,
            rule="DISK-FULL",
            fix="free disk space (everything below warehouse/ can be removed) and run it again; nothing was released",
        )
    if number == errno.EIO or any(words in stated for words in _BROKEN_WORDS):
        return HcipError(
            "the disk cannot be read or written",
            file=file,
            rule="DISK-ERROR",
            fix="check the disk's health and free space, and run it again; nothing was released",
        )
    if number in _FORBIDDEN or any(words in stated for words in _FORBIDDEN_WORDS):
        return HcipError(
            "permission denied: it is read-only, or belongs to another user",
            file=file,
            rule="READ-ONLY",
            fix="mount it read-write or grant write permission, and run it again; nothing was released",
        )
    return None


def storage_fault_behind(error: BaseException, where: Path | str) -> HcipError | None:
    """As :func:`storage_fault`, for the error or any of its causes (if an orchestrator or a database wrapped it)."""
    seen: BaseException | None = error
    for _ in range(_MOST_LINKS):
        if seen is None:
            return None
        if isinstance(seen, OSError) or type(seen).__module__.split(".")[0] in _ENGINES:
            found = storage_fault(seen, where)
            if found is not None:
                return found
        seen = seen.__cause__ or seen.__context__
    return None


@contextmanager
def explain_storage_errors(home: Home, read: Callable[[], Iterable[Path]] = tuple) -> Iterator[None]:
    """Turn disk faults into errors that name the file and what to do; other errors pass unchanged.

    Args:
        read: returns the Parquet files that were being read; they are examined if an engine fails to read one.

    Raises:
        HcipError: as described.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, HcipError) and error.rule in _EXPLAINED:
            raise
        found = storage_fault(error, home.root) or storage_fault_behind(error, home.root)
        if found is None and _could_be_damage(error):
            found = _damage(home, read())
        if found is None:
            raise
        raise found from error


def _could_be_damage(error: BaseException) -> bool:
    """Whether it is an engine's own error, or a build that stopped for a reason other than a check."""
    return isinstance(error, ComputationError) or type(error).__module__.split(".")[0] in _ENGINES


def _damage(home: Home, read: Iterable[Path]) -> HcipError | None:
    from hcip_pipeline.home.lake_seals import damage, unreadable

    broken = unreadable(read)
    if not broken:
        return None
    if all(path.is_relative_to(home.lake) for path in broken):
        return damage(home, broken)
    return HcipError(
        "the file is damaged: it cannot be read",
        file=broken[0],
        rule="RELEASE-DAMAGED",
        fix="restore the release from a backup (`hcip verify` checks whether it is complete), and run it again",
    )

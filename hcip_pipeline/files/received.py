"""The one way to open a file that others sent, and the size limits (ceilings) of every kind of file.

Belongs here: which files may be opened at all (regular ones, not over their ceiling, reached without leaving the
inbox), and the ceilings themselves. Does not belong here: the content of files; readers name the ceiling that applies.

A pipe, a device or a socket in place of a file would block the run or feed it data forever; a link could lead out of
the inbox, or change unnoticed.
"""

from __future__ import annotations

import errno
import hashlib
import lzma
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from hcip_pipeline.errors import HcipError

_MIB = 1024 * 1024
_GIB = 1024 * _MIB

#: Columns of a header; a file with more is not one of this program's tables, in any format.
MAX_COLUMNS = 2_000


@dataclass(frozen=True)
class Ceiling:
    """The size limits of one kind of file.

    Args:
        bytes: of the file on disk.
        unpacked: of the content of a compressed file, in bytes.
        times: how many times its own size a compressed file may unpack to.
        harmless: unpacked bytes up to which ``times`` does not apply.
        rows: of one table, without the header.
        columns: of one table.
    """

    bytes: int
    unpacked: int = 0
    times: int = 0
    harmless: int = 0
    rows: int = 0
    columns: int = MAX_COLUMNS

    def max_unpacked(self, size: int) -> int:
        """The most bytes that a compressed file of ``size`` bytes may unpack to."""
        return min(self.unpacked, max(self.harmless, self.times * size))


#: A hospital's quarter; the largest hospitals have some 4 million charge lines, 400 MB of them.
HOSPITAL = Ceiling(8 * _GIB, unpacked=16 * _GIB, times=100, harmless=32 * _MIB, rows=50_000_000)
#: Discharges of a hospital's quarter; the largest have some 20,000.
DISCHARGES = Ceiling(HOSPITAL.bytes, rows=2_000_000)
#: A hospital's own count of what it sent: a few lines.
CONTROL_TOTALS = Ceiling(64 * 1024)
#: Tables that people maintain by hand.
TABLE = Ceiling(64 * _MIB, rows=1_000_000)
#: A national list: NPPES has 330 columns and 9 million rows, 9 GB.
WIDE_LIST = Ceiling(32 * _GIB, rows=50_000_000)
#: A protocol, a policy, settings, a list of agreements: a few pages.
YAML = Ceiling(_MIB)
#: A completed form; a large hospital's has a few thousand rows.
SURVEY = Ceiling(8 * _MIB, unpacked=80 * _MIB, times=1_000_000, rows=50_000)
#: A hospital's quarter, or a table, as a workbook: a sheet has at most 1,048,576 rows.
WORKBOOK = Ceiling(256 * _MIB, unpacked=2 * _GIB, times=100, harmless=32 * _MIB, rows=1_048_576)
#: A CMS archive or one of its files; a state's month is under 10 GB.
CLAIMS = Ceiling(32 * _GIB, unpacked=128 * _GIB, times=250, harmless=50_000_000, rows=500_000_000)
#: A state's year is 2.5 million discharges, 1 GB.
SPARCS = Ceiling(8 * _GIB, unpacked=16 * _GIB, times=100, harmless=32 * _MIB, rows=20_000_000)
#: A quarter of Texas is 0.8 million discharges and 15 million charge lines, 1.2 GB of them.
TEXAS = Ceiling(32 * _GIB, rows=200_000_000)

_RESEND = "check that this is the right file"


#: raised by the unpacking modules for a truncated or damaged archive, or member of an archive
DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
    OSError,
    RuntimeError,
    struct.error,
)
#: the same, and what opening an archive raises if its own sizes and offsets contradict each other
ARCHIVE_DAMAGE = (*DAMAGE, ValueError)


class NotReceivedError(HcipError):
    """A file that must not be opened; ``rule`` is one of the FILE- rules of :mod:`hcip_pipeline.rules.files`."""

    @property
    def reason(self) -> str:
        """The message without its subject, for a problem that names the file itself."""
        return self.message.removeprefix("the file ").removeprefix("this ")


def bytes_in_words(size: int) -> str:
    """A ceiling as text, such as ``8 GiB``."""
    for unit, name in ((_GIB, "GiB"), (_MIB, "MiB"), (1024, "KiB")):
        if size >= unit:
            return f"{size // unit} {name}"
    return f"{size} bytes"


def require_file(path: Path, ceiling: Ceiling, *, within: Path | None = None, links: bool = True) -> os.stat_result:
    """Check that a file may be opened, without opening it; returns its ``stat``.

    Args:
        path: the file.
        ceiling: of its kind.
        within: the folder that no link may lead out of; None if the user named the path.
        links: whether a link is accepted.

    Raises:
        NotReceivedError: FILE-IS-LINK, FILE-OUTSIDE-INBOX, FILE-ABSENT, FILE-UNREADABLE, FILE-NOT-REGULAR,
            FILE-TOO-LARGE.
    """
    try:
        if not links and path.is_symlink():
            raise _refused(path, "FILE-IS-LINK", "the file is a link, and its target may change unnoticed")
        if within is not None and not path.resolve(strict=True).is_relative_to(within.resolve(strict=True)):
            raise _refused(path, "FILE-OUTSIDE-INBOX", "a link points outside the inbox")
        found = path.stat()
    except (OSError, RuntimeError) as error:  # a loop of links is a RuntimeError up to Python 3.12
        raise _unreadable(path, error) from error
    _check(path, found, ceiling)
    return found


@contextmanager
def open_file(path: Path, ceiling: Ceiling, *, within: Path | None = None, links: bool = True) -> Iterator[BinaryIO]:
    """The file's bytes. Arguments and errors as :func:`require_file`; the file opened is the one that was checked."""
    before = require_file(path, ceiling, within=within, links=links)
    try:
        # Non-blocking: a pipe that has replaced the file in the meantime must not hang the run.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    except OSError as error:
        raise _unreadable(path, error) from error
    with os.fdopen(descriptor, "rb") as stream:
        now = os.fstat(descriptor)
        _check(path, now, ceiling)
        if (before.st_dev, before.st_ino) != (now.st_dev, now.st_ino):
            raise _refused(path, "FILE-UNREADABLE", "the file was replaced while it was being opened", "run it again")
        yield stream


def read_file(path: Path, ceiling: Ceiling, *, within: Path | None = None, links: bool = True) -> bytes:
    """All of a file. Arguments and errors as :func:`require_file`."""
    with open_file(path, ceiling, within=within, links=links) as stream:
        try:
            content = stream.read(ceiling.bytes + 1)
        except OSError as error:
            raise _unreadable(path, error) from error
    if len(content) > ceiling.bytes:  # it grows while it is read
        raise _too_large(path, ceiling)
    return content


def sha256_of(path: Path, ceiling: Ceiling, *, within: Path | None = None, links: bool = True) -> str:
    """The file's hash. Arguments and errors as :func:`require_file`."""
    with open_file(path, ceiling, within=within, links=links) as stream:
        digest = hashlib.sha256()
        while chunk := stream.read(_MIB):
            digest.update(chunk)
        return digest.hexdigest()


def _check(path: Path, found: os.stat_result, ceiling: Ceiling) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise _refused(path, "FILE-NOT-REGULAR", f"this is {_kind(found.st_mode)}, not a regular file")
    if found.st_size > ceiling.bytes:
        raise _too_large(path, ceiling)


def _kind(mode: int) -> str:
    for is_kind, name in (
        (stat.S_ISDIR, "a folder"),
        (stat.S_ISFIFO, "a pipe"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a device"),
        (stat.S_ISBLK, "a device"),
    ):
        if is_kind(mode):
            return name
    return "something else"


def _unreadable(path: Path, error: OSError | RuntimeError) -> NotReceivedError:
    number = error.errno if isinstance(error, OSError) else errno.ELOOP
    is_link = False
    with suppress(OSError):
        is_link = path.is_symlink()
    if number == errno.ENOENT and not is_link:
        return _refused(path, "FILE-ABSENT", "there is no such file", "check its name")
    reason = os.strerror(number) if number else "input/output error"
    message = "the file cannot be opened: " + ("the link is broken" if number == errno.ENOENT else reason)
    return _refused(path, "FILE-UNREADABLE", message, "put a readable file there")


def _too_large(path: Path, ceiling: Ceiling) -> NotReceivedError:
    return _refused(path, "FILE-TOO-LARGE", f"the file is larger than {bytes_in_words(ceiling.bytes)}", _RESEND)


def _refused(path: Path, rule: str, message: str, fix: str = "put the file itself there") -> NotReceivedError:
    return NotReceivedError(message, file=path, rule=rule, fix=fix)

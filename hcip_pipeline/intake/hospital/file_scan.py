"""A file's bytes: size, sha256, encoding, line endings. One pass in large chunks, before any row is read.

Belongs here: everything that can be known about a file without knowing its table, so that the reader gets only clean
UTF-8 lines. Does not belong here: headers and cells (``reading``).
"""

from __future__ import annotations

import codecs
import gzip
import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hcip_pipeline.files.received import HOSPITAL, NotReceivedError, bytes_in_words, open_file, require_file
from hcip_pipeline.rules.problem import Problem

_CHUNK = 1 << 20
_MAX_HEADER = 1 << 16
#: Rule that refuses a file before it is opened -> the corresponding rule of a submission.
_RULES = {
    "FILE-NOT-REGULAR": "F-NOT-A-FILE",
    "FILE-TOO-LARGE": "F-TOO-LARGE",
    "FILE-OUTSIDE-INBOX": "S-OUTSIDE-INBOX",
}
_PRINTABLE = bytes(byte for byte in range(256) if byte >= 32 and byte != 127) + b"\r\n"
_PADDING = (b" ,", b", ", b" \n", b"\n ", b" \r", b'" ', b' "')


@dataclass
class FileScan:
    """The facts about one file, and the problem if it cannot be read.

    Attributes:
        lines: number of lines of text, including the header and blank lines.
        header: the first line, without its line end and byte order mark.
        has_quotes, has_padding: whether any cell may be quoted, or have blanks around it.
        controls: control characters that occur, except line ends.
        problem: why the file is refused.
        head: the beginning of the text, in which the header may come below a title.
        arrived: the original file, if ``path`` is a copy of its text in another shape.
        noted: problems to report for a file that was not plain CSV.
        is_other_text: whether the bytes are not UTF-8 but may be text in another encoding.
    """

    path: Path
    size: int = 0
    sha256: str = ""
    lines: int = 0
    header: bytes = b""
    has_quotes: bool = False
    has_padding: bool = False
    controls: set[int] = field(default_factory=set)
    problem: Problem | None = None
    head: bytes = b""
    arrived: Path | None = None
    noted: tuple[Problem, ...] = ()
    is_other_text: bool = False

    @property
    def name(self) -> str:
        """Name of the file."""
        return (self.arrived or self.path).name

    @property
    def is_parquet(self) -> bool:
        """Whether the file is Parquet rather than text."""
        return self.path.suffix.lower() == ".parquet"


def scan_file(path: Path) -> FileScan:
    """Scan a file; never raises because of the file's contents.

    Args:
        path: a name ending in ``.csv``, ``.csv.gz`` or ``.parquet``, in any letter case (other names are scanned as
            bytes only).
    """
    found = FileScan(path)
    try:
        found.size = require_file(path, HOSPITAL).st_size
        if path.suffix.lower() == ".csv":
            _scan_text(found, _chunks(path, found))
        else:
            for _ in _chunks(path, found):
                pass
            if path.suffix.lower() == ".gz":
                _scan_text(found, _unpacked(found))
    except NotReceivedError as error:
        found.problem = Problem(_RULES.get(error.rule, "F-UNREADABLE"), error.reason, file=found.name)
        return found
    except OSError as error:
        found.problem = Problem(
            "F-UNREADABLE", f"cannot be opened ({error.strerror or 'input/output error'})", file=found.name
        )
    if found.size == 0 and found.problem is None:
        found.problem = Problem("F-EMPTY", "is empty", file=found.name)
    return found


def _chunks(path: Path, found: FileScan) -> Iterator[bytes]:
    digest = hashlib.sha256()
    with open_file(path, HOSPITAL) as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            yield chunk
    found.sha256 = digest.hexdigest()


def _unpacked(found: FileScan) -> Iterator[bytes]:
    unpacked, most = 0, HOSPITAL.max_unpacked(found.size)
    with open_file(found.path, HOSPITAL) as packed, gzip.open(packed, "rb") as stream:
        while found.problem is None and (chunk := stream.read(_CHUNK)):
            unpacked += len(chunk)
            if unpacked > most:
                message = f"unpacks to more than {bytes_in_words(most)}, {most // found.size} times its size"
                found.problem = Problem("F-TOO-LARGE", message, file=found.name)
                return
            yield chunk


def _scan_text(found: FileScan, chunks: Iterator[bytes]) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    newlines = returns = pairs = 0
    head = b""
    last = b""
    try:
        for chunk in chunks:
            if found.problem is not None:
                continue  # the rest is read only for the hash
            if len(head) < _MAX_HEADER:
                head += chunk[: _MAX_HEADER - len(head)]
                found.problem = _foreign(head, found)
                if found.problem is not None:
                    continue
            if not chunk.isascii() or decoder.getstate()[0]:
                try:
                    decoder.decode(chunk)
                except UnicodeDecodeError as error:
                    row = newlines + error.object[: error.start].count(b"\n") + 1
                    found.problem = Problem("F-ENCODING", "is not UTF-8 text", file=found.name, row=row)
                    found.is_other_text = True
                    continue
            newlines += chunk.count(b"\n")
            if newlines > HOSPITAL.rows:
                found.problem = Problem("F-TOO-LARGE", f"contains more than {HOSPITAL.rows:,} lines", file=found.name)
                continue
            if b"\r" in chunk:
                returns += chunk.count(b"\r")
                pairs += chunk.count(b"\r\n")
            pairs += last == b"\r" and chunk[:1] == b"\n"
            found.has_quotes = found.has_quotes or b'"' in chunk
            if not found.has_padding and (b" " in chunk or last == b" "):
                joined = last + chunk
                found.has_padding = any(pattern in joined for pattern in _PADDING)
            if strange := chunk.translate(None, _PRINTABLE):
                found.controls.update(strange)
                if 0 in found.controls:
                    found.problem = Problem("F-NUL", "contains NUL bytes", file=found.name)
            last = chunk[-1:]
    except (EOFError, zlib.error, gzip.BadGzipFile):
        found.problem = found.problem or Problem("F-COMPRESSION", "is truncated or not a gzip file", file=found.name)
        return
    if found.problem is not None:
        return
    found.problem = _whole_text_problem(found, decoder, newlines, returns, pairs)
    found.lines = newlines + (last not in (b"", b"\n"))
    found.has_padding = found.has_padding or last == b" "
    found.head = head.removeprefix(codecs.BOM_UTF8)
    found.header = found.head.split(b"\n", 1)[0].rstrip(b"\r")
    if found.problem is None and not found.head.strip():
        found.problem = Problem("F-EMPTY", "is empty", file=found.name)
    if found.problem is None and len(found.header) >= _MAX_HEADER - len(codecs.BOM_UTF8) - 1:
        found.problem = Problem("F-HEADER", "the first line is too long to be a header", file=found.name, row=1)


def _foreign(head: bytes, found: FileScan) -> Problem | None:
    """Formats that people send by mistake, named so that the fix is obvious."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return Problem("F-ENCODING", "is UTF-16 text, not UTF-8", file=found.name, row=1)
    if head.startswith(b"\x1f\x8b"):
        return Problem("F-ENCODING", "is compressed: its name should end in .csv.gz", file=found.name)
    if head.startswith(b"PAR1"):
        return Problem("F-ENCODING", "is a Parquet file: its name should end in .parquet", file=found.name)
    if head.startswith(b"PK\x03\x04"):
        return Problem("F-ENCODING", "is a workbook or an archive, not CSV", file=found.name)
    return None


def _whole_text_problem(
    found: FileScan, decoder: codecs.IncrementalDecoder, newlines: int, returns: int, pairs: int
) -> Problem | None:
    if decoder.getstate()[0]:
        return Problem("F-ENCODING", "ends in the middle of a character", file=found.name, row=newlines + 1)
    if returns != pairs:
        return Problem("F-LINE-ENDS", "contains carriage returns that do not end a line", file=found.name)
    if 0 < pairs < newlines:
        return Problem("F-LINE-ENDS", "some lines end in CR LF and some in LF", file=found.name)
    return None

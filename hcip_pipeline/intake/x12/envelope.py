"""The interchange around the bills: its separators, where it ends, and its loops as lines of text.

Belongs here: bytes, in large chunks. Does not belong here: what a segment means (``segments``).

Each interchange defines its separators at fixed positions of its first segment, ISA. The copy has them all replaced, so
that later steps see only one kind of file. A line of the copy is a segment that opens a loop or a section (``OPENERS``)
with the segments that follow it: a claim, another payer's part of it, a charge line.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import string
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from hcip_pipeline.files.received import HOSPITAL, NotReceivedError, bytes_in_words, open_file, require_file
from hcip_pipeline.rules.problem import Problem

#: Separators of elements, components and repetitions in the copy, and of segments within a line of it.
ELEMENT, COMPONENT, REPETITION, SEGMENT = b"\x1f", b"\x1e", b"\x1d", b"\x1c"
#: Segments that begin a line of the copy.
OPENERS = ("ISA", "GS", "ST", "SE", "GE", "IEA", "HL", "CLM", "SBR", "LX")
#: A segment longer than this counts as unterminated.
MAX_SEGMENT = 64 * 1024

_CHUNK = 1 << 20
_ISA = 106
#: Positions of the element separator in ISA.
_ELEMENTS = (3, 6, 17, 20, 31, 34, 50, 53, 69, 76, 81, 83, 89, 99, 101, 103)
_REPETITION_AT, _USAGE_AT, _COMPONENT_AT, _SEGMENT_AT = 82, 102, 104, 105
_NO_SEPARATOR = string.ascii_letters.encode() + string.digits.encode() + b" "
_BLANK = b" \t\r\n"
_MOST_BLANKS = 64
_BOM = b"\xef\xbb\xbf"
_CONTROLS = bytes(byte for byte in range(32) if byte not in b"\r\n") + b"\x7f"
_TEXT = bytes(byte for byte in range(256) if byte not in _CONTROLS)
_LINE_END = ord("\n")
_INDENTS = np.frombuffer(b" \t", dtype=np.uint8)


def _number(name: str) -> int:
    """The name of a segment and the separator after it as one number of three or four bytes."""
    return int.from_bytes(name.encode() + ELEMENT, "big")


_SHORT_OPENERS = np.array([_number(name) for name in OPENERS if len(name) == 2], dtype=np.uint32)
_LONG_OPENERS = np.array([_number(name) for name in OPENERS if len(name) == 3], dtype=np.uint32)
_CLAIM = _number("CLM")


class EnvelopeError(Exception):
    """The file is refused."""

    def __init__(self, rule: str, message: str, segment: int | None = None) -> None:
        super().__init__(message)
        self.rule, self.segment = rule, segment


@dataclass
class BillFile:
    """One file of bills as it arrived.

    Attributes:
        first: the number of segments before it in the copy of all files.
        segments: the number of its segments.
        problem: why it is refused.
        is_test: whether an interchange in it is marked as a test (ISA15).
        has_repetitions: whether the repetition separator is used anywhere.
    """

    name: str
    size: int = 0
    sha256: str = ""
    first: int = 0
    segments: int = 0
    problem: Problem | None = None
    is_test: bool = False
    has_repetitions: bool = False


def copy_segments(path: Path, target: BinaryIO, first: int) -> BillFile:
    """Add a file's segments to the copy, one loop per line; never raises because of the file's contents.

    Args:
        path: a file with the name of a bill file.
        target: the copy, in which elements, components and repetitions have the separators of this module.
        first: how many segments the copy already contains.
    """
    found = BillFile(path.name, first=first)
    feed = _Feed()
    try:
        found.size = require_file(path, HOSPITAL).st_size
        with open_file(path, HOSPITAL) as stream:
            digest = hashlib.sha256()
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
            found.sha256 = digest.hexdigest()
            stream.seek(0)
            is_packed = path.name.lower().endswith(".gz")
            feed.chunks = _unpacked(stream, found) if is_packed else iter(lambda: stream.read(_CHUNK), b"")
            _copy(feed, target)
    except EnvelopeError as error:
        found.problem = Problem(error.rule, str(error), file=found.name, row=error.segment)
    except NotReceivedError as error:
        rule = {"FILE_TOO_LARGE": "F-TOO-LARGE", "FILE_UNREADABLE": "F-UNREADABLE"}.get(
            error.rule.replace("-", "_"), "F-NOT-A-FILE"
        )
        found.problem = Problem(rule, error.reason, file=found.name)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        found.problem = Problem("F-COMPRESSION", "is truncated or not a gzip file", file=found.name)
    except OSError as error:
        words = f"cannot be opened ({error.strerror or 'input/output error'})"
        found.problem = Problem("F-UNREADABLE", words, file=found.name)
    found.segments, found.is_test, found.has_repetitions = feed.segments, feed.is_test, feed.repetitions > 0
    return found


def _unpacked(stream: BinaryIO, found: BillFile) -> Iterator[bytes]:
    unpacked, most = 0, HOSPITAL.max_unpacked(found.size)
    with gzip.open(stream, "rb") as text:
        while chunk := text.read(_CHUNK):
            unpacked += len(chunk)
            if unpacked > most:
                raise EnvelopeError("F-TOO-LARGE", f"unpacks to more than {bytes_in_words(most)}")
            yield chunk


class _Feed:
    """The bytes of a file, and how much of them was copied."""

    def __init__(self) -> None:
        self.chunks: Iterator[bytes] = iter(())
        self.waiting = b""
        self.segments = 0
        self.claims = 0
        self.repetitions = 0
        self.is_test = False

    def more(self) -> bool:
        """Read another chunk; return whether there was one."""
        chunk = next(self.chunks, b"")
        self.waiting += chunk
        return bool(chunk)

    def has(self, count: int) -> bool:
        """Whether this many bytes are waiting or can be read."""
        while len(self.waiting) < count:
            if not self.more():
                return False
        return True

    def skip_blanks(self) -> bool:
        """Skip blanks and line ends; return whether anything comes after them."""
        while True:
            self.waiting = self.waiting.lstrip(_BLANK)
            if self.waiting:
                return True
            if not self.more():
                return False


@dataclass(frozen=True)
class _Separators:
    element: bytes
    component: bytes
    repetition: bytes
    segment: bytes

    def translation(self) -> bytes:
        """The translation of each separator to that of the copy."""
        return bytes.maketrans(
            self.element + self.component + self.repetition + self.segment, ELEMENT + COMPONENT + REPETITION + b"\n"
        )

    def dropped(self) -> bytes:
        """Line ends that are not separators: they only make the file readable."""
        return bytes(byte for byte in b"\r\n" if byte not in self.all)

    @property
    def all(self) -> bytes:
        """All four."""
        return self.element + self.component + self.repetition + self.segment


def _copy(feed: _Feed, target: BinaryIO) -> None:
    feed.has(len(_BOM))
    feed.waiting = feed.waiting.removeprefix(_BOM)
    if not feed.skip_blanks():
        raise EnvelopeError("F-EMPTY", "is empty")
    while feed.skip_blanks():
        _interchange(feed, target)


def _separators(feed: _Feed) -> _Separators:
    """The separators of the interchange that begins here.

    Raises:
        EnvelopeError: no interchange begins here, or its first segment is malformed.
    """
    is_first = feed.segments == 0
    if not feed.has(3) or feed.waiting[:3] != b"ISA":
        if is_first:
            raise EnvelopeError("B-ENVELOPE", "does not begin with ISA: it is not an X12 interchange")
        raise EnvelopeError("B-ENVELOPE", f"has text after its end, segment {feed.segments}", feed.segments)
    if not feed.has(_ISA):
        raise EnvelopeError("B-TRUNCATED", _truncated(feed), feed.segments or None)
    isa = feed.waiting[:_ISA]
    element = isa[3:4]
    if any(isa[at : at + 1] != element for at in _ELEMENTS):
        raise EnvelopeError(
            "B-ENVELOPE", "its ISA segment does not have the fixed width of 106 characters", feed.segments + 1
        )
    version = isa[84:89].decode("latin-1")
    if version != "00501":
        raise EnvelopeError("B-VERSION", "its interchange is not version 00501 (ISA12)", feed.segments + 1)
    found = _Separators(
        element,
        isa[_COMPONENT_AT:_SEGMENT_AT],
        isa[_REPETITION_AT : _REPETITION_AT + 1],
        isa[_SEGMENT_AT : _SEGMENT_AT + 1],
    )
    if len(set(found.all)) < len(found.all) or any(byte in _NO_SEPARATOR for byte in found.all):
        words = "its separators (ISA11, ISA16, and the characters after ISA and at its end) are not four different ones"
        raise EnvelopeError("B-ENVELOPE", words, feed.segments + 1)
    usage = isa[_USAGE_AT : _USAGE_AT + 1]
    if usage not in (b"P", b"T"):
        raise EnvelopeError("B-ENVELOPE", "its ISA15 is neither P (production) nor T (test)", feed.segments + 1)
    feed.is_test |= usage == b"T"
    feed.repetitions -= 1  # ISA11 itself
    return found


def _interchange(feed: _Feed, target: BinaryIO) -> None:
    """Copy one interchange, up to the end of its IEA segment; the waiting bytes always begin a segment."""
    separators = _separators(feed)
    end, sign = b"IEA" + separators.element, separators.segment
    copied = _Copied(separators, feed, target)
    looked_at = 0
    while True:
        at = feed.waiting.find(end, looked_at)
        if at >= 0 and not _begins(feed.waiting, at, sign):
            looked_at = at + 1
            continue
        close = feed.waiting.find(sign, at) if at >= 0 else -1
        whole = close + 1 if close >= 0 else feed.waiting.rfind(sign) + 1
        copied.add(feed.waiting[:whole])
        feed.waiting = feed.waiting[whole:]
        if close >= 0:
            return
        if len(feed.waiting) > MAX_SEGMENT:
            raise _endless(feed.segments + 1)
        looked_at = 0
        if not feed.more():
            raise EnvelopeError("B-TRUNCATED", _truncated(feed), feed.segments)


def _endless(segment: int) -> EnvelopeError:
    words = f"segment {segment} does not end within {bytes_in_words(MAX_SEGMENT)}"
    return EnvelopeError("B-SEGMENT-ENDLESS", words, segment)


def _begins(waiting: bytes, at: int, sign: bytes) -> bool:
    """Whether a segment begins there: a separator comes before it, ignoring blanks and line ends."""
    before = waiting[max(0, at - _MOST_BLANKS) : at].rstrip(_BLANK.translate(None, sign))
    return not before or before.endswith(sign)


def _truncated(feed: _Feed) -> str:
    claims = f"{feed.claims:,} claim{'s' * (feed.claims != 1)}"
    return f"ends before its IEA segment, after {claims} in {feed.segments:,} segments"


class _Copied:
    """Whole segments of one interchange, on their way into the copy."""

    def __init__(self, separators: _Separators, feed: _Feed, target: BinaryIO) -> None:
        self._table = separators.translation()
        self._dropped = separators.dropped()
        self._separators = separators
        self._feed = feed
        self._target = target

    def add(self, part: bytes) -> None:
        if not part:
            return
        strange = set(part.translate(None, _TEXT)) - set(self._separators.all)
        if strange:
            words = f"contains control characters, or is binary, after segment {self._feed.segments}"
            raise EnvelopeError("B-CONTROL-CHARACTER", words, self._feed.segments)
        text = part.translate(self._table, self._dropped)
        if not text.isascii():  # names and addresses; each byte becomes one character
            text = text.decode("latin-1").encode("utf-8")
        self._feed.repetitions += text.count(REPETITION)
        lines = self._as_lines(text)
        self._target.write(lines if self._target.tell() else lines[1:])

    def _as_lines(self, text: bytes) -> bytes:
        """Segments with a line end before each that opens a line, and the segment separator before the others.

        Args:
            text: whole segments, one per line; blanks before a segment are dropped.

        Raises:
            EnvelopeError: a segment is empty or too long, or there are too many.
        """
        signs = np.frombuffer(b"\n" + text + bytes(4), dtype=np.uint8).copy()  # padding after the last segment
        ends = np.flatnonzero(signs == _LINE_END)
        if np.isin(signs[ends[:-1] + 1], _INDENTS).any():
            return self._as_lines(re.sub(rb"\n[ \t]+", b"\n", text.lstrip(b" \t")))
        lengths = np.diff(ends) - 1
        before = self._feed.segments
        if lengths.max() > MAX_SEGMENT:
            raise _endless(before + int(lengths.argmax()) + 1)
        if not lengths.all():
            number = before + int(lengths.argmin()) + 1
            raise EnvelopeError("B-ENVELOPE", f"segment {number} is empty: its terminator appears twice", number)
        starts = ends[:-1]
        names = np.zeros(len(starts), dtype=np.uint32)
        for place in range(1, 5):
            names <<= 8
            names |= signs[starts + place]
        opens = np.isin(names, _LONG_OPENERS) | np.isin(names >> 8, _SHORT_OPENERS)
        signs[starts[~opens]] = SEGMENT[0]
        self._feed.claims += int(np.count_nonzero(names == _CLAIM))
        self._feed.segments += len(starts)
        if self._feed.segments > HOSPITAL.rows:
            raise EnvelopeError("F-TOO-LARGE", f"contains more than {HOSPITAL.rows:,} segments")
        return signs[: ends[-1]].tobytes()  # the line end after the last segment comes before the next one

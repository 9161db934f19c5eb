"""From fixed-width records to typed columns, by byte position, in pieces of bounded size.

Belongs here: where records begin and end, and errors for records of a wrong length. Does not belong here: what the
bytes of a field mean (``record_columns``), which files there are, and their totals.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import BinaryIO

import numpy as np
import polars as pl
import pyarrow as pa

from hcip_pipeline.contracts.cms import CmsLayout
from hcip_pipeline.errors import HcipError
from hcip_pipeline.intake.cclf.record_columns import RecordPiece, UnreadableError, read_field, require_known_codes

#: Bytes of records cut at a time: small enough to stay in the processor's cache while each field is cut from them.
PIECE_BYTES = 2_000_000
#: Pieces cut in parallel. The work runs outside the interpreter's lock; more threads would only use more memory.
_THREADS = 2
_LINE_FEED = 10
_CARRIAGE_RETURN = 13
_RESEND = "ask CMS for the archive again"
#: Part D: its events are stored, but no payment depends on them.
_NOT_SETTLED_ON = ("cclf7",)


@dataclass(frozen=True)
class _RawPiece:
    """Whole records as in the file; the first one is record ``first_row`` of the file."""

    content: bytes
    first_row: int
    length: int
    separator: int


@dataclass(frozen=True)
class _CutPiece:
    rows: pa.RecordBatch
    recoded: int
    rounded: int
    widened: int


class RecordReader:
    """Reads one file of records; the counts are complete after iteration.

    Args:
        stream: the file's bytes, read once from the start.
        layout: the record's layout.
        file: name for messages.
        piece_bytes: bytes cut at a time.
    """

    def __init__(self, stream: BinaryIO, layout: CmsLayout, file: str, piece_bytes: int = PIECE_BYTES) -> None:
        self._stream = stream
        self._layout = layout
        self._file = file
        self._piece_bytes = piece_bytes
        self.schema = record_schema(layout)
        self.records = 0
        self.record_length: int | None = None
        self.recoded_values = 0
        self.rounded_values = 0
        self.widened_values = 0

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Every column of the layout, and ``source_row`` counted from 1, in the file's order.

        Raises:
            HcipError: ``CCLF-TRUNCATED``, ``CCLF-RECORD-LENGTH`` or ``CCLF-VALUE``; of several, the first in the file.
        """
        with ThreadPoolExecutor(_THREADS) as threads:
            waiting: deque[Future[_CutPiece]] = deque()
            fault: HcipError | None = None
            for piece in self._pieces():
                if isinstance(piece, HcipError):
                    fault = piece  # a fault in an earlier piece comes first
                    break
                waiting.append(threads.submit(self._cut, piece))
                if len(waiting) > _THREADS:
                    yield self._counted(waiting.popleft().result())
            while waiting:
                yield self._counted(waiting.popleft().result())
            if fault is not None:
                raise fault

    def _counted(self, piece: _CutPiece) -> pa.RecordBatch:
        self.records += piece.rows.num_rows
        self.recoded_values += piece.recoded
        self.rounded_values += piece.rounded
        self.widened_values += piece.widened
        return piece.rows

    def _pieces(self) -> Iterator[_RawPiece | HcipError]:
        """The file's records, piece by piece, and finally an error if the file does not end well."""
        head = self._read(max(self._layout.record_lengths) + 2)
        if not head.rstrip(b"\r\n\x1a"):
            return
        end = head.find(b"\n")
        separator = 2 if end > 0 and head[end - 1] == _CARRIAGE_RETURN else 1
        length = (end if end >= 0 else len(head)) - (separator - 1)
        if end < 0:
            length = len(head.rstrip(b"\r\x1a"))
        if length not in self._layout.record_lengths:
            yield self._wrong_length(length, 1, last=end < 0 and len(head) < max(self._layout.record_lengths))
            return
        self.record_length = length
        step = length + separator
        piece_bytes = max(1, self._piece_bytes // step) * step
        row, pending = 1, head
        while True:
            pending += self._read(piece_bytes - len(pending))
            is_last = len(pending) < piece_bytes
            whole = len(pending) // step * step
            content, pending = pending[:whole], pending[whole:]
            if is_last:
                rest = pending.rstrip(b"\x1a").rstrip(b"\r\n")
                if len(rest) == length:
                    content, rest = content + rest + b"\r\n"[-separator:], b""
            if content:
                yield _RawPiece(content, row, length, separator)
            row += len(content) // step
            if is_last:
                if rest:
                    yield self._wrong_length(len(rest), row, last=b"\n" not in rest)
                return

    def _read(self, size: int) -> bytes:
        parts = []
        while size > 0 and (part := self._stream.read(size)):
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def _cut(self, piece: _RawPiece) -> _CutPiece:
        step = piece.length + piece.separator
        count = len(piece.content) // step
        grid = np.frombuffer(piece.content, dtype=np.uint8).reshape(count, step)
        ends_well = bool((grid[:, -1] == _LINE_FEED).all()) and piece.content.count(b"\n") == count
        if not ends_well or (piece.separator == 2 and not (grid[:, piece.length] == _CARRIAGE_RETURN).all()):
            raise self._first_odd_line(piece)
        records = RecordPiece(grid, piece.length)
        columns: list[pa.Array] = []
        recoded = rounded = widened = 0
        for field in self._layout.fields:
            if field.end > piece.length:
                columns.append(pa.nulls(count, self.schema.field(field.name).type))
                continue
            try:
                column = read_field(records, field)
                if self._layout.file not in _NOT_SETTLED_ON:
                    require_known_codes(field, column.values)
            except UnreadableError as error:
                raise self._unreadable_value(error, piece.first_row) from error
            recoded += column.recoded
            rounded += column.rounded
            widened += column.widened
            columns.append(column.values)
        numbers = pa.py_buffer(np.arange(piece.first_row, piece.first_row + count))
        columns.append(pa.Array.from_buffers(pa.int64(), count, [None, numbers]))
        return _CutPiece(pa.RecordBatch.from_arrays(columns, schema=self.schema), recoded, rounded, widened)

    def _unreadable_value(self, error: UnreadableError, first_row: int) -> HcipError:
        field = error.field
        return HcipError(
            f"{field.name.upper()} (bytes {field.offset + 1}–{field.end}) is not {error.expected} "
            f"in {error.values} record{'s' if error.values > 1 else ''}, first in this one",
            fix=_RESEND + "; a value that cannot be read may mean that the record is shifted",
            file=self._file, row=first_row + error.first_record, rule="CCLF-VALUE",
        )  # fmt: skip

    def _first_odd_line(self, piece: _RawPiece) -> HcipError:
        ends = np.flatnonzero(np.frombuffer(piece.content, dtype=np.uint8) == _LINE_FEED)
        sizes = np.diff(ends, prepend=-1) - piece.separator
        odd = np.flatnonzero(sizes != piece.length)
        size, row = (int(sizes[odd[0]]), int(odd[0])) if odd.size else (piece.length + 1, int(ends.size))
        return self._wrong_length(size, piece.first_row + row, last=False)

    def _wrong_length(self, length: int, row: int, *, last: bool) -> HcipError:
        expected = (self.record_length,) if self.record_length else self._layout.record_lengths
        wanted = " or ".join(map(str, expected))
        if last:
            return HcipError(
                f"the file is truncated: its last record has {length} bytes of {wanted}",
                fix=_RESEND, file=self._file, row=row, rule="CCLF-TRUNCATED",
            )  # fmt: skip
        return HcipError(
            f"a record is {length} bytes long; records of {self._layout.file.upper()} have {wanted}",
            fix=_RESEND + ", and check that no transfer changed its encoding or line ends",
            file=self._file, row=row, rule="CCLF-RECORD-LENGTH",
        )  # fmt: skip


@cache
def record_schema(layout: CmsLayout) -> pa.Schema:
    """Columns of a file's records in every generation of its layout, and ``source_row``."""
    types = {field.name: field.polars_type for field in layout.fields}
    return pl.DataFrame(schema={**types, "source_row": pl.Int64}).to_arrow().schema

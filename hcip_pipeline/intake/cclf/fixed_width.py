"""Fixed-width records to typed columns, by byte position, a bounded piece at a time.

Belongs here: cutting, trimming, nulls and types. Does not belong here: which files there are, and their totals.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from hcip_pipeline.contracts.cms import Field, Layout
from hcip_pipeline.errors import HcipError

#: Bytes of records cut at a time: small enough to stay in the processor's cache while each field is cut from them.
PIECE_BYTES = 4_000_000
_NULL_DATES = ("1000-01-01", "9999-12-31", " " * 10, "~".ljust(10))
_LINE_FEED = 10
_BLANK = 32
_CARRIAGE_RETURN = 13
_DECIMALS = {"money": 2, "quantity": 4}
_RESEND = "ask CMS for the archive again"


class RecordReader:
    """Reads one file of records; after iteration the counts say what was there.

    Args:
        stream: the file's bytes, read once from the start.
        layout: the record's layout.
        file: name for messages.
        piece_bytes: bytes held at a time.
    """

    def __init__(self, stream: BinaryIO, layout: Layout, file: str, piece_bytes: int = PIECE_BYTES) -> None:
        self._stream = stream
        self._layout = layout
        self._file = file
        self._piece_bytes = piece_bytes
        self.records = 0
        self.record_length: int | None = None
        self.recoded_values = 0
        self.rounded_values = 0

    def __iter__(self) -> Iterator[pl.DataFrame]:
        """Frames of every column of the layout, and ``source_row`` counted from 1, in the file's order.

        Raises:
            HcipError: ``CCLF_TRUNCATED``, ``CCLF_RECORD_LENGTH`` or ``CCLF_VALUE``.
        """
        head = self._read(max(self._layout.record_lengths) + 2)
        if not head.rstrip(b"\r\n\x1a"):
            return
        end = head.find(b"\n")
        separator = 2 if end > 0 and head[end - 1] == _CARRIAGE_RETURN else 1
        length = (end if end >= 0 else len(head)) - (separator - 1)
        if end < 0:
            length = len(head.rstrip(b"\r\x1a"))
        if length not in self._layout.record_lengths:
            raise self._wrong_length(length, 1, last=end < 0 and len(head) < max(self._layout.record_lengths))
        self.record_length = length
        step = length + separator
        records_a_piece = max(1, self._piece_bytes // step)
        pending = head
        while True:
            pending += self._read(records_a_piece * step - len(pending))
            whole = len(pending) // step
            piece, rest = pending[: whole * step], pending[whole * step :]
            if len(pending) < records_a_piece * step:  # the end of the file
                last = rest.rstrip(b"\x1a").rstrip(b"\r\n")
                if len(last) == length:
                    piece, rest = piece + last + b"\r\n"[-separator:], b""
                yield from self._cut(piece, length, separator)
                if last and len(last) != length:
                    raise self._wrong_length(len(last), self.records + 1, last=b"\n" not in last)
                return
            yield from self._cut(piece, length, separator)
            pending = rest

    def _read(self, size: int) -> bytes:
        parts = []
        while size > 0 and (part := self._stream.read(size)):
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def _cut(self, piece: bytes, length: int, separator: int) -> Iterator[pl.DataFrame]:
        step = length + separator
        count = len(piece) // step
        if not count:
            return
        grid = np.frombuffer(piece, dtype=np.uint8).reshape(count, step)
        ends_well = bool((grid[:, -1] == _LINE_FEED).all()) and piece.count(b"\n") == count
        if not ends_well or (separator == 2 and not (grid[:, length] == _CARRIAGE_RETURN).all()):
            raise self._first_odd_line(piece, length, separator)
        records = _records(piece, count, step)
        fields = self._layout.fields_within(length)
        try:
            known = _without_blanks(records.lazy().select(_seen(field, grid) for field in fields), fields).collect()
        except pl.exceptions.ComputeError:  # bytes that are not UTF-8
            known = _without_blanks(self._recoded(records, length).lazy(), fields).collect()
        yield self._typed(known, fields).with_columns(
            pl.int_range(self.records + 1, self.records + count + 1, dtype=pl.Int64, eager=True).alias("source_row"),
            *(pl.lit(None, dtype=f.polars_type).alias(f.name) for f in self._layout.fields if f.end > length),
        )
        self.records += count

    def _typed(self, known: pl.DataFrame, fields: tuple[Field, ...]) -> pl.DataFrame:
        numbers = {field.name: field for field in fields if field.kind in _DECIMALS}
        odd = known.lazy().select(_is_oddly_written(field) for field in numbers.values()).collect()
        oddly_written = [name for name in numbers if odd[name].item()]
        if oddly_written:
            # The sign may stand apart from the number, in the first byte of the field.
            known = known.with_columns(pl.col(oddly_written).str.replace(r"^-\s+", "-"))
        typed = known.lazy().with_columns(_parsed(field) for field in fields if field.kind != "text").collect()
        for field in fields:
            if field.name in oddly_written:
                typed = self._with_few_places(typed, known[field.name], field)
            if typed[field.name].null_count() != known[field.name].null_count():
                raise self._unreadable_value(known[field.name], typed[field.name], field)
        return typed

    def _with_few_places(self, typed: pl.DataFrame, text: pl.Series, field: Field) -> pl.DataFrame:
        """Numbers with more places than their format are rounded half away from zero, and counted."""
        places = _DECIMALS[field.kind]
        plain = text.str.contains(r"^[-+]?\d+(\.\d{0,8})?$")
        self.rounded_values += int((text.str.contains(rf"\.\d{{{places + 1},}}$") & plain).sum())
        exact = text.set(~plain, None).cast(pl.Decimal(38, 8), strict=False)
        return typed.with_columns(
            exact.round(places, mode="half_away_from_zero").cast(field.polars_type, strict=False).alias(field.name)
        )

    def _recoded(self, records: pl.DataFrame, length: int) -> pl.DataFrame:
        """The slow way, for a piece that holds text in a single-byte encoding."""
        columns = []
        for field in self._layout.fields_within(length):
            try:
                columns.append(records.select(_text(field)).to_series())
            except pl.exceptions.ComputeError:
                raw = records.select(pl.col("record").bin.slice(field.offset, field.width)).to_series()
                values, recoded = _decode_each(raw, field.width)
                self.recoded_values += recoded
                columns.append(values.alias(field.name))
        return pl.DataFrame(columns)

    def _unreadable_value(self, text: pl.Series, typed: pl.Series, field: Field) -> HcipError:
        bad = (text.is_not_null() & typed.is_null()).arg_true()
        return HcipError(
            f"{field.name.upper()} (bytes {field.offset + 1}–{field.end}) is not a {field.kind} "
            f"in {len(bad)} record{'s' if len(bad) > 1 else ''}, this one first",
            fix=_RESEND + "; a value that cannot be read may mean that the record is shifted",
            file=self._file, row=self.records + int(bad[0]) + 1, rule="CCLF_VALUE",
        )  # fmt: skip

    def _first_odd_line(self, piece: bytes, length: int, separator: int) -> HcipError:
        ends = np.flatnonzero(np.frombuffer(piece, dtype=np.uint8) == _LINE_FEED)
        sizes = np.diff(ends, prepend=-1) - separator
        odd = np.flatnonzero(sizes != length)
        size, row = (int(sizes[odd[0]]), int(odd[0])) if odd.size else (length + 1, int(ends.size))
        return self._wrong_length(size, self.records + row + 1, last=False)

    def _wrong_length(self, length: int, row: int, *, last: bool) -> HcipError:
        expected = (self.record_length,) if self.record_length else self._layout.record_lengths
        wanted = " or ".join(map(str, expected))
        if last:
            return HcipError(
                f"the file is truncated: its last record has {length} bytes of {wanted}",
                fix=_RESEND, file=self._file, row=row, rule="CCLF_TRUNCATED",
            )  # fmt: skip
        return HcipError(
            f"a record is {length} bytes long; {self._layout.file.upper()} has records of {wanted}",
            fix=_RESEND + ", and check that no transfer changed its encoding or line ends",
            file=self._file, row=row, rule="CCLF_RECORD_LENGTH",
        )  # fmt: skip


def _records(piece: bytes, count: int, step: int) -> pl.DataFrame:
    """One binary column over the bytes as they are, without copying them."""
    offsets = pa.py_buffer(np.arange(0, (count + 1) * step, step, dtype=np.int64))
    array = pa.Array.from_buffers(pa.large_binary(), count, [None, offsets, pa.py_buffer(piece)])
    return pl.DataFrame({"record": pl.from_arrow(array)})


def _text(field: Field, *, is_full: bool = False) -> pl.Expr:
    cut = pl.col("record").bin.slice(field.offset, field.width).cast(pl.String)
    # A single character or a date fills its field or is null: trimming those would only cost time.
    is_full = is_full or field.width == 1 or field.kind == "date"
    return (cut if is_full else cut.str.strip_chars(" ")).alias(field.name)


def _seen(field: Field, grid: NDArray[np.uint8]) -> pl.Expr:
    """The field's text, sparing the work for a field that no record uses, or that every record fills."""
    blank_at_first, blank_at_last = grid[:, field.offset] == _BLANK, grid[:, field.end - 1] == _BLANK
    if blank_at_first[0] and blank_at_first.all() and (grid[:, field.offset : field.end] == _BLANK).all():
        return pl.repeat(None, len(grid), dtype=pl.String).alias(field.name)
    return _text(field, is_full=not (blank_at_first.any() or blank_at_last.any()))


def _without_blanks(texts: pl.LazyFrame, fields: tuple[Field, ...]) -> pl.LazyFrame:
    """Blanks, ``~`` and the dates that stand for none are null."""
    dates = [field.name for field in fields if field.kind == "date"]
    others = [field.name for field in fields if field.kind != "date"]
    return texts.with_columns(
        pl.when(~pl.col(others).is_in(["", " ", "~"])).then(pl.col(others)),
        pl.when(~pl.col(dates).is_in(_NULL_DATES)).then(pl.col(dates)),
    )


def _is_oddly_written(field: Field) -> pl.Expr:
    """Whether any number has a sign apart, an exponent, or another number of places than its format."""
    text = pl.col(field.name)
    point = text.str.slice(-_DECIMALS[field.kind] - 1, 1) == "."
    return (~point | text.str.contains("[ eE]")).any()


def _parsed(field: Field) -> pl.Expr:
    column = pl.col(field.name)
    if field.kind == "date":
        return column.str.to_date("%Y-%m-%d", strict=False)
    return column.cast(field.polars_type, strict=False)


def _decode_each(raw: pl.Series, width: int) -> tuple[pl.Series, int]:
    """Each value as UTF-8 if it is that, else as Windows-1252, where a byte is a character."""
    is_utf8 = raw.to_frame("raw").select(_is_utf8(pl.col("raw"))).to_series()
    odd = raw.filter(~is_utf8)
    joined = odd.to_frame("raw").select(pl.col("raw").bin.encode("hex").str.join("")).item()
    characters = bytes.fromhex(joined).decode("cp1252", errors="replace").encode("utf-32-le")
    decoded = pl.Series(np.frombuffer(characters, dtype=f"<U{width}"))
    texts = raw.set(~is_utf8, b"").cast(pl.String).scatter(is_utf8.not_().arg_true(), decoded)
    return texts.str.strip_chars(" "), odd.len()


def _is_utf8(raw: pl.Expr) -> pl.Expr:
    """Whether bytes, written in hexadecimal, are UTF-8 as RFC 3629 §4 has it."""
    byte = "[89ab][0-9a-f]"
    sequences = (
        "[0-7][0-9a-f]",
        f"(?:c[2-9a-f]|d[0-9a-f]){byte}",
        f"(?:e0[ab][0-9a-f]|e[1-9a-cef]{byte}|ed[89][0-9a-f]){byte}",
        f"(?:f0[9ab][0-9a-f]|f[1-3]{byte}|f48[0-9a-f])(?:{byte}){{2}}",
    )
    return raw.bin.encode("hex").str.contains(f"^(?:{'|'.join(sequences)})*$")

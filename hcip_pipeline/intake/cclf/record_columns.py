"""One field of many records, from its bytes to a typed Arrow column: cutting, trimming, nulls and types.

Belongs here: what the bytes of a field mean, computed for all records of a piece at once. Does not belong here: where
records begin and end, which files there are, and their totals (``fixed_width``, ``month``).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from hcip_pipeline.contracts.cclf_codes import CODE_WIDTHS, CODES, at_width
from hcip_pipeline.contracts.cms import CmsField

Bytes = NDArray[np.uint8]
Flags = NDArray[np.bool_]

_DECIMALS = {"money": 2, "quantity": 4}
_BLANK, _TILDE, _MINUS, _POINT, _ZERO = b" ~-.0"
_NULL_DATES = ("1000-01-01", "9999-12-31")
#: Digits that always fit into an unsigned 32-bit number.
_DIGITS_PER_WORD = 9


class UnreadableError(Exception):
    """Values of a field that are not of its kind: how many, and the first record of the piece that has one.

    Args:
        expected: what each value should be, for messages.
    """

    def __init__(self, field: CmsField, bad: Flags, expected: str = "") -> None:
        super().__init__(field.name)
        self.field = field
        self.expected = expected or f"a {field.kind}"
        self.values = int(bad.sum())
        self.first_record = int(bad.argmax())


class RecordPiece:
    """``count`` records of one length, accessible both record by record and byte by byte.

    Args:
        records: count × step bytes, line ends included.
        length: bytes of a record without its line end.
    """

    def __init__(self, records: Bytes, length: int) -> None:
        self._records = records
        self._step = records.shape[1]
        # A copy in which the bytes of all records at one position are adjacent, as the computations need them.
        self._positions = np.ascontiguousarray(records[:, :length].T)
        self.count = len(records)
        self.is_ascii = bool((self._positions < 128).all())

    def cells(self, field: CmsField) -> pa.Buffer:
        """The field's bytes of every record, one after the other: count × width."""
        one = np.dtype(
            {"names": ["cell"], "formats": [f"V{field.width}"], "offsets": [field.offset], "itemsize": self._step}
        )
        return pa.py_buffer(np.ascontiguousarray(self._records.reshape(-1).view(one)["cell"]))

    def positions(self, field: CmsField) -> Bytes:
        """width × count bytes."""
        return self._positions[field.offset : field.end]


@dataclass(frozen=True)
class FieldColumn:
    """A field's values.

    Attributes:
        recoded: texts that were not UTF-8.
        rounded: numbers with too many places.
        widened: codes with more or fewer leading zeros than their domain has.
    """

    values: pa.Array
    recoded: int = 0
    rounded: int = 0
    widened: int = 0


def _most(field: CmsField) -> int:
    """The largest absolute value that the field may have."""
    limits = field.column.limits
    assert limits is not None  # every number has them
    return int(limits[1])


def read_field(piece: RecordPiece, field: CmsField) -> FieldColumn:
    """The field's value in every record of the piece; null if it is empty.

    Raises:
        UnreadableError: a value is not of the field's kind, or is beyond its limits.
    """
    if field.kind == "text":
        width = CODE_WIDTHS.get(field.name)
        return _text(piece, field) if width is None else _at_width(_text(piece, field), width)
    if field.kind == "date":
        return FieldColumn(_dates(piece, field))
    places = _DECIMALS.get(field.kind, 0)
    numbers = _plain_numbers(piece.positions(field), places)
    if numbers is None:
        return _odd_numbers(piece, field, places)
    values, nulls = numbers
    most = _most(field) * 10**places
    if values.max(initial=0) > most or values.min(initial=0) < -most:
        raise UnreadableError(field, (values > most) | (values < -most))
    if field.kind == "integer":
        return FieldColumn(pa.Array.from_buffers(pa.int64(), piece.count, [_validity(nulls), pa.py_buffer(values)]))
    return FieldColumn(_decimals(values, nulls, places))


def require_known_codes(field: CmsField, values: pa.Array) -> None:
    """Check a field of codes against its domain; empty values are allowed.

    Raises:
        UnreadableError: a value is not one of the field's codes.
    """
    known = CODES.get(field.name)
    if known is None:
        return
    bad = pc.and_(pc.is_valid(values), pc.invert(pc.is_in(values, pa.array(known, values.type))))
    if pc.any(bad).as_py():
        raise UnreadableError(field, bad.to_numpy(zero_copy_only=False), f"one of {', '.join(known)}")


def _is_filler(positions: Bytes, blank: Flags) -> Flags:
    """Whether each record's field is blank except for at most one ``~``."""
    nothing: Flags = np.logical_and.reduce(blank, axis=0)
    tilde = positions == _TILDE
    if tilde.any():
        nothing |= (tilde | blank).all(axis=0) & (tilde.sum(axis=0) == 1)
    return nothing


def _text(piece: RecordPiece, field: CmsField) -> FieldColumn:
    positions = piece.positions(field)
    blank = positions == _BLANK
    if blank.all():
        return FieldColumn(pa.nulls(piece.count, pa.large_string()))
    offsets = pa.py_buffer(np.arange(0, (piece.count + 1) * field.width, field.width))
    texts = pa.Array.from_buffers(pa.large_string(), piece.count, [None, offsets, piece.cells(field)])
    if blank[0].any() or blank[-1].any():
        texts = pc.ascii_trim(texts, characters=" ")  # a blank is never part of a longer UTF-8 sequence
    nothing = _is_filler(positions, blank)
    _, offsets, content = texts.buffers()
    buffers = [_validity(nothing), offsets, content]
    if not piece.is_ascii and (positions >= 128).any():
        return _decoded(pa.Array.from_buffers(pa.large_binary(), piece.count, buffers))
    return FieldColumn(pa.Array.from_buffers(pa.large_string(), piece.count, buffers))


def _at_width(column: FieldColumn, width: int) -> FieldColumn:
    """Codes padded or trimmed to the width of their domain; usually nothing has to be done."""
    if pc.all(pc.equal(pc.binary_length(column.values), width)).as_py() is not False:
        return column
    codes = column.values.dictionary_encode()
    known = codes.dictionary.to_pylist()  # a field has only a few different codes
    wide = [at_width(code, width) for code in known]
    if wide == known:
        return column
    values = pa.array(wide, pa.large_string()).take(codes.indices)
    widened = pc.sum(pc.not_equal(values, column.values)).as_py() or 0
    return replace(column, values=values, widened=widened)


def _validity(nulls: Flags) -> pa.Buffer | None:
    return pa.py_buffer(np.packbits(~nulls, bitorder="little")) if nulls.any() else None


def _decoded(binary: pa.Array) -> FieldColumn:
    """Each value decoded as UTF-8 if it is valid, else as Windows-1252, where every byte is a character."""
    texts = binary.view(pa.large_string())
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid:
        raw = pl.Series(binary)
        is_utf8 = raw.to_frame("raw").select(_is_utf8(pl.col("raw"))).to_series().fill_null(value=True)
        odd = raw.filter(~is_utf8)
        known = {value: value.decode("cp1252", errors="replace") for value in odd.unique()}
        values = raw.set(~is_utf8, b"").cast(pl.String)
        values = values.scatter(is_utf8.not_().arg_true(), [known[value] for value in odd])
        return FieldColumn(values.to_arrow(), recoded=odd.len())
    return FieldColumn(texts)


@functools.cache
def _months() -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Days from 1970-01-01 to the first of each month since the year 0, and the month's length."""
    months = np.arange("0000-01", "10000-02", dtype="datetime64[M]").astype("datetime64[D]").astype(np.int32)
    return months[:-1], np.diff(months)


@functools.cache
def _null_days() -> NDArray[np.int32]:
    return np.array(_NULL_DATES, dtype="datetime64[D]").astype(np.int32)


def _dates(piece: RecordPiece, field: CmsField) -> pa.Array:
    """``YYYY-MM-DD``; placeholder dates are null."""
    positions = piece.positions(field)
    nothing = _is_filler(positions, positions == _BLANK)
    if nothing.all():
        return pa.nulls(piece.count, pa.date32())
    digits = positions - np.uint8(_ZERO)  # a byte that is not a digit gives more than 9
    is_date = (positions[4] == _MINUS) & (positions[7] == _MINUS)
    for position in (0, 1, 2, 3, 5, 6, 8, 9):
        is_date &= digits[position] <= 9
    wide = np.where(is_date, digits, np.uint8(0)).astype(np.int32)
    year = wide[0] * 1000 + wide[1] * 100 + wide[2] * 10 + wide[3]
    month = wide[5] * 10 + wide[6]
    day = wide[8] * 10 + wide[9]
    first_days, lengths = _months()
    is_date &= (month >= 1) & (month <= 12)
    index = np.where(is_date, year * 12 + month - 1, 0)
    is_date &= (day >= 1) & (day <= lengths[index])
    if not (is_date | nothing).all():
        raise UnreadableError(field, ~(is_date | nothing))
    days = first_days[index] + day - 1
    for none in _null_days():
        nothing |= days == none
    return pa.Array.from_buffers(pa.date32(), piece.count, [_validity(nothing), pa.py_buffer(days)])


def _plain_numbers(positions: Bytes, places: int) -> tuple[NDArray[np.int64], Flags] | None:
    """Numbers in units of their last place, and which are null; None if any is not in CMS's format.

    The format is right-justified digits with exactly ``places`` decimal places, and a minus sign anywhere before them.
    """
    width, count = positions.shape
    blank = positions == _BLANK
    nulls = _is_filler(positions, blank)
    values = np.zeros(count, dtype=np.int64)
    if nulls.all():
        return values, nulls
    if places and not (nulls | (positions[-places - 1] == _POINT)).all():
        return None
    whole = positions[: -places - 1] if places else positions
    used = np.flatnonzero(~blank[: len(whole)].all(axis=1))
    if not used.size or width - used[0] - bool(places) > 18:  # more digits than fit into 64 bits: for _odd_numbers
        return None
    started, is_negative = np.zeros(count, dtype=bool), np.zeros(count, dtype=bool)
    plain = np.ones(count, dtype=bool)
    digits: list[Bytes] = []
    for row in whole[used[0] :]:
        digit = row - np.uint8(_ZERO)
        is_digit = digit <= 9
        is_minus = row == _MINUS
        plain &= is_digit | (~started & ((row == _BLANK) | (is_minus & ~is_negative)))
        is_negative |= is_minus
        started |= is_digit
        digits.append(digit * is_digit)
    for row in positions[width - places :]:
        digit = row - np.uint8(_ZERO)
        plain &= digit <= 9
        digits.append(digit * (digit <= 9))
    if not (nulls | (plain & started)).all():
        return None
    for start in range(0, len(digits), _DIGITS_PER_WORD):
        word = np.zeros(count, dtype=np.uint32)
        group = digits[start : start + _DIGITS_PER_WORD]
        for digit in group:
            word *= np.uint32(10)
            word += digit
        values *= 10 ** len(group)
        values += word
    np.negative(values, out=values, where=is_negative)
    values[nulls] = 0
    return values, nulls


def _decimals(units: NDArray[np.int64], nulls: Flags, places: int) -> pa.Array:
    words = np.empty((len(units), 2), dtype=np.int64)
    words[:, 0] = units
    words[:, 1] = units >> 63  # the sign, in the upper half
    return pa.Array.from_buffers(pa.decimal128(18, places), len(units), [_validity(nulls), pa.py_buffer(words)])


def _odd_numbers(piece: RecordPiece, field: CmsField, places: int) -> FieldColumn:
    """Numbers not all in CMS's format: with a detached sign, or with other decimal places, which are rounded."""
    text = pl.Series(_text(piece, field).values).str.replace(r"^-\s+", "-")
    plain = text.str.contains(r"^[-+]?([0-9]+(\.[0-9]{0,8})?|\.[0-9]{1,8})$").fill_null(value=True)
    exact = text.set(~plain, None).cast(pl.Decimal(38, 8), strict=False)
    whole = exact.round(places, mode="half_away_from_zero")
    values = (
        text.set(~plain, None).cast(pl.Int64, strict=False)
        if field.kind == "integer"
        else whole.cast(field.polars_type, strict=False)
    )
    bad = text.is_not_null() & (values.is_null() | (values.abs() > _most(field)).fill_null(value=False))
    if bad.any():
        raise UnreadableError(field, bad.to_numpy())
    rounded = 0 if field.kind == "integer" else int((exact != whole).sum())
    return FieldColumn(values.to_arrow(), rounded=rounded)


def _is_utf8(raw: pl.Expr) -> pl.Expr:
    """Whether bytes are valid UTF-8 (RFC 3629 §4), tested on their hexadecimal form."""
    byte = "[89ab][0-9a-f]"
    sequences = (
        "[0-7][0-9a-f]",
        f"(?:c[2-9a-f]|d[0-9a-f]){byte}",
        f"(?:e0[ab][0-9a-f]|e[1-9a-cef]{byte}|ed[89][0-9a-f]){byte}",
        f"(?:f0[9ab][0-9a-f]|f[1-3]{byte}|f48[0-9a-f])(?:{byte}){{2}}",
    )
    return raw.bin.encode("hex").str.contains(f"^(?:{'|'.join(sequences)})*$")

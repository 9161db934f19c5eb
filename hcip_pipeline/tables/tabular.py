"""A CSV file as text, read strictly, cell by cell, with each row's line number.

Belongs here: encoding, quoting, line endings, ragged rows, the header. Does not belong here: what the cells mean
(``contract_columns``) and patient-level files (the hospital intake).
"""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np
import polars as pl

from hcip_pipeline.files.received import TABLE, NotReceivedError, read_file
from hcip_pipeline.rules.problem import Problem, tally
from hcip_pipeline.tables.refusals import LISTED_PER_RULE, TableRefusedError
from hcip_pipeline.tables.table_shapes import OTHER_DELIMITERS, as_csv, delimiter_of

#: Name of the column with the line number; no file can have such a column because of the blank in the name.
LINE = "file line"

_QUOTE, _LF, _CR = (ord(sign) for sign in '"\n\r')
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class TextTable:
    """A CSV file's cells, stripped of surrounding blanks; empty cells are null.

    Attributes:
        frame: one text column for each column of the header, and ``LINE``, the line on which a row starts.
        header: the column names, in order.
        blank_rows: the number of empty rows, which are left out.
        bytes, sha256: of the file on disk.
        notes: remarks on the file's shape.
    """

    frame: pl.DataFrame
    header: tuple[str, ...]
    blank_rows: int
    bytes: int
    sha256: str
    notes: tuple[Problem, ...] = ()


def read_text_table(path: Path, within: Path | None = None) -> TextTable:
    """The cells of a table's file: CSV (RFC 4180, LF or CRLF), or a shape that ``table_shapes`` reads.

    Args:
        within: the folder that links may not lead out of (the inbox).

    Raises:
        TableRefusedError: a link, unreadable, empty, too large, not UTF-8, NUL bytes, bad quoting, ragged rows,
            repeated columns.
    """
    try:
        raw = read_file(path, TABLE, within=within, links=False)  # a workbook has the same ceiling
    except NotReceivedError as error:
        _refuse(path, [Problem(error.rule, error.message)])
    return parse_text_table(raw, path)


def parse_text_table(raw: bytes, path: Path) -> TextTable:
    """The cells of a file's bytes; ``path`` determines their shape and is named in errors.

    Raises the same errors as :func:`read_text_table`.
    """
    data, notes = as_csv(raw, path)
    data = data.removeprefix(_BOM)
    _check_text(data, path)
    sign = delimiter_of(data)
    if sign != ",":
        notes = (*notes, Problem("FILE-DELIMITER", f"cells are separated by {OTHER_DELIMITERS[sign]}", 1))
    text = np.frombuffer(data, dtype=np.uint8)
    # Parity of the quotation marks so far: 1 inside a quoted cell. Wrapping at 256 does not change it.
    quoted = np.cumsum(text == _QUOTE, dtype=np.uint8) & 1
    _check_quotes(text, quoted, path, ord(sign))

    line_ends = np.flatnonzero(text == _LF)
    record_ends = np.flatnonzero((text == _LF) & (quoted == 0)) + 1
    if record_ends.size == 0 or record_ends[-1] != text.size:
        record_ends = np.append(record_ends, text.size)
    record_starts = np.concatenate(([0], record_ends[:-1]))
    dropped = ((text == _CR) & (quoted == 0)) | ((text == _LF) & (quoted == 0))
    filled = np.diff(np.concatenate(([0], np.cumsum(~dropped)))[np.concatenate(([0], record_ends))]) > 0
    lines = 1 + np.searchsorted(line_ends, record_starts)
    if not filled.any():
        _refuse(path, [Problem("FILE-EMPTY", "the file contains only line breaks")])

    commas = np.concatenate(([0], np.cumsum((text == ord(sign)) & (quoted == 0))))
    cells = commas[record_ends] - commas[record_starts] + 1
    first = int(np.argmax(filled))
    if cells[first] > TABLE.columns:
        _refuse(path, [Problem("FILE-TOO-LARGE", f"the header has more than {TABLE.columns:,} columns", 1)])
    if int(filled.sum()) > TABLE.rows:
        _refuse(path, [Problem("FILE-TOO-LARGE", f"the file has more than {TABLE.rows:,} rows")])
    ragged = np.flatnonzero(filled & (cells != cells[first]))
    if (
        ragged.size
        and cells[first] == 1
        and filled[first + 1 :].any()
        and (cells[first + 1 :][filled[first + 1 :]] > 1).all()
    ):
        _refuse(path, [Problem("TITLE-ROW", "the first line is a title, not the header", int(lines[first]))])
    if ragged.size:
        problems = [
            Problem("ROW-RAGGED", f"{cells[i]} cells; the header has {cells[first]}", int(lines[i]))
            for i in ragged[:LISTED_PER_RULE]
        ]
        raise TableRefusedError(path, problems, Counter({"ROW-RAGGED": int(ragged.size)}))

    # Carriage returns and blank lines are removed before parsing, so that the file can be read only one way.
    keep = np.repeat(filled, record_ends - record_starts) & ~((text == _CR) & (quoted == 0))
    head = text[record_starts[first] : record_ends[first]][keep[record_starts[first] : record_ends[first]]].tobytes()
    body = text[record_ends[first] :][keep[record_ends[first] :]].tobytes()
    header = _header(head, path, sign)
    frame = _parse(body, header, sign).with_columns(pl.Series(LINE, lines[filled][1:], dtype=pl.Int64))
    blank = pl.all_horizontal(pl.col(name).is_null() for name in header)
    kept = frame.filter(~blank)
    _check_rows(kept, header, path)
    return TextTable(kept, header, frame.height - kept.height, len(raw), hashlib.sha256(raw).hexdigest(), notes)


def _check_rows(frame: pl.DataFrame, header: tuple[str, ...], path: Path) -> None:
    """Refuse rows that do not belong to the table, with one problem for each kind."""
    if frame.is_empty() or not header:
        return
    same = pl.all_horizontal(pl.col(name).str.to_lowercase().eq_missing(name or None) for name in header)
    total = pl.col(header[0]).str.to_lowercase().str.contains(r"^(grand |sub)?totals?:?$")
    for rule, rows, words in (
        ("HEADER-REPEATED", frame.filter(same), "the header is repeated"),
        ("TOTAL-ROW", frame.tail(3).filter(total), "this is a totals row"),
    ):
        if rows.height:
            _refuse(path, [Problem(rule, words, rows.get_column(LINE)[0])])


def _check_text(data: bytes, path: Path) -> None:
    if not data.strip():
        _refuse(path, [Problem("FILE-EMPTY", "the file is empty")])
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or data.count(0) > len(data) // 4:
        _refuse(path, [Problem("FILE-ENCODING", "the file is UTF-16 text, not UTF-8")])
    if (at := data.find(0)) >= 0:
        _refuse(path, [Problem("FILE-NUL", "the line contains a NUL byte", 1 + data.count(b"\n", 0, at))])
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        row = 1 + data.count(b"\n", 0, error.start)
        _refuse(path, [Problem("FILE-ENCODING", f"the line is not UTF-8 text (byte {data[error.start]:#04x})", row)])


def _check_quotes(text: np.ndarray, quoted: np.ndarray, path: Path, sign: int) -> None:
    """Refuse quotation marks that neither enclose whole cells nor come in pairs inside them."""
    before = np.concatenate(([_LF], text[:-1]))
    after = np.concatenate((text[1:], [_LF]))
    mark = text == _QUOTE
    opens = mark & (quoted == 1) & ~np.isin(before, (sign, _LF, _QUOTE))
    closes = mark & (quoted == 0) & ~np.isin(after, (sign, _LF, _CR, _QUOTE))
    problems = []
    if (bare := np.flatnonzero(opens | closes)).size:
        row = 1 + int(np.count_nonzero(text[: bare[0]] == _LF))
        problems.append(Problem("QUOTE-BARE", "a quotation mark is not allowed here", row))
    elif quoted[-1]:
        start = int(np.flatnonzero(mark)[-1])
        row = 1 + int(np.count_nonzero(text[:start] == _LF))
        problems.append(Problem("QUOTE-OPEN", "the last quotation mark opens a cell that is never closed", row))
    elif (alone := np.flatnonzero((text == _CR) & (quoted == 0) & (after != _LF))).size:
        row = 1 + int(np.count_nonzero(text[: alone[0]] == _LF))
        problems.append(Problem("FILE-LINE-ENDS", "the line contains a carriage return that does not end it", row))
    if problems:
        _refuse(path, problems)


def _header(head: bytes, path: Path, sign: str) -> tuple[str, ...]:
    row = pl.read_csv(io.BytesIO(head), has_header=False, infer_schema=False, separator=sign).row(0)
    names = tuple((name or "").strip().lower() for name in row)
    repeated = sorted(name for name, times in Counter(names).items() if times > 1)
    if repeated:
        shown = ", ".join(repr(name[:60]) for name in repeated[:LISTED_PER_RULE])
        _refuse(path, [Problem("COLUMN-REPEATED", f"the header repeats: {shown}", 1)])
    return names


def _parse(body: bytes, header: tuple[str, ...], sign: str) -> pl.DataFrame:
    schema = dict.fromkeys(header, pl.String)
    if not body:
        return pl.DataFrame(schema=schema)
    frame = pl.read_csv(io.BytesIO(body), has_header=False, schema=schema, separator=sign)
    stripped = pl.all().str.strip_chars()
    return frame.with_columns(pl.when(stripped != "").then(stripped))


def _refuse(path: Path, problems: list[Problem]) -> NoReturn:
    raise TableRefusedError(path, problems, tally(problems))

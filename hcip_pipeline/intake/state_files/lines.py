"""The lines of a public file as a table of cells, and the file's hash, size check and encoding.

Belongs here: one pass over the bytes, one over the lines. Does not belong here: the form of a file (``layouts``).
"""

from __future__ import annotations

import codecs
import hashlib
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from hcip_pipeline.errors import HcipError
from hcip_pipeline.files.received import Ceiling, open_file
from hcip_pipeline.intake.state_files.edits import number
from hcip_pipeline.intake.state_files.layouts import Form

_CHUNK = 1 << 20
#: Encoding -> DuckDB's name for it.
_ENGINES = {"utf-8": "utf-8", "latin-1": "latin-1"}
#: Errors in the SQL of readings, not in the file.
_OF_READINGS = (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException)
#: A character that no published file has: DuckDB must not separate anything.
_NO_SEPARATOR = "\x01"
_NO_TEXT = (b"\x00", b"\x01")
#: Characters of Windows-1252 that Latin-1 lacks, such as the curly apostrophe that word processors put in St. David's.
_ONLY_WINDOWS = re.compile(rb"[\x80-\x9f]")


@dataclass(frozen=True)
class ScannedFile:
    """A scanned file; ``encoding`` is Python's name, utf-8, latin-1 or windows-1252."""

    path: Path
    sha256: str
    encoding: str


def scan(file: Path, ceiling: Ceiling, rule: str, *, unreadable: str = "") -> ScannedFile:
    """Hash a file, check that it is not over its ceiling, and find its encoding.

    Args:
        rule: the id of the rule for a file with too many lines.
        unreadable: the id of the rule for a file with characters that no text has; empty to skip that check.

    Raises:
        HcipError: the file has more lines than its ceiling or such a character, or cannot be opened.
    """
    digest = hashlib.sha256()
    decoder = codecs.getincrementaldecoder("utf-8")()
    lines, is_utf8, has_windows_signs = 0, True, False
    with open_file(file, ceiling) as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            if unreadable and (place := min((at for at in map(chunk.find, _NO_TEXT) if at >= 0), default=-1)) >= 0:
                raise HcipError(
                    "contains a character that no text has (NUL or 0x01)",
                    file=file,
                    row=lines + chunk.count(b"\n", 0, place) + 1,
                    rule=unreadable,
                    fix="download the file again",
                )
            lines += chunk.count(b"\n")
            if lines > ceiling.rows:
                raise HcipError(
                    f"has more than {ceiling.rows:,} lines",
                    file=file,
                    rule=rule,
                    fix="check that it is one quarter of one state",
                )
            if not chunk.isascii() or decoder.getstate()[0]:
                is_utf8 = is_utf8 and _decodes(decoder, chunk)
                has_windows_signs = has_windows_signs or _ONLY_WINDOWS.search(chunk) is not None
    other = "windows-1252" if has_windows_signs else "latin-1"
    return ScannedFile(file, digest.hexdigest(), "utf-8" if is_utf8 else other)


def _decodes(decoder: codecs.IncrementalDecoder, chunk: bytes) -> bool:
    try:
        decoder.decode(chunk)
    except UnicodeDecodeError:
        return False
    return True


def read_lines(
    database: duckdb.DuckDBPyConnection,
    file: ScannedFile,
    form: Form,
    columns: Sequence[str],
    name: str,
    *,
    readings: str = "",
    rule: str = "",
) -> int:
    """Create the table ``<name>`` with the ``columns`` of every row as text and ``source_row``; returns the rows read.

    Column names are in lower case. Lines that are not rows of the form are in table ``malformed_<name>``; blank lines
    are in neither. ``source_row`` is the line of the file, from 1; a header is line 1.

    Args:
        readings: additional SQL columns, over the printed ones.
        rule: the id of the rule for a file that is not text.

    Raises:
        HcipError: the file cannot be read as text.
    """
    cells = ", ".join(f'{form.cells[column]} as "{column.lower()}"' for column in columns)
    of_engine = _ENGINES.get(file.encoding, "utf-8")
    split = f"string_split(line, chr({ord(form.separator)})) as cells," if form.has_header else ""
    lines = f"""
        select source_row, line, {split} coalesce({form.is_row}, false) as is_row
        from (
            select row_number() over () as source_row, coalesce(line, '') as line
            from read_csv(?, auto_detect = false, header = false, delim = '{_NO_SEPARATOR}', quote = '', escape = '',
                          columns = {{'line': 'varchar'}}, encoding = '{of_engine}', max_line_size = 1000000)
        )
        where trim(line) <> '' {"and source_row > 1" if form.has_header else ""}
    """
    extra = f", {readings}" if readings else ""
    try:
        with _readable(database, file.path, file.encoding) as path:
            database.execute(
                f"""create or replace table {name} as
                select *{extra} from (
                    select source_row, is_row, {cells} from ({lines})
                )""",
                [str(path)],
            )
    except _OF_READINGS:
        raise
    except duckdb.Error:  # the engine's message may quote a patient's row
        raise HcipError(
            "cannot be read as lines of text", file=file.path, rule=rule, fix="download the file again"
        ) from None
    database.execute(f"create or replace table malformed_{name} as select source_row from {name} where not is_row")
    rows = number(database, f"select count(*) from {name}")
    if number(database, f"select count(*) from malformed_{name}"):
        database.execute(f"delete from {name} where not is_row")
    return rows


@contextmanager
def _readable(database: duckdb.DuckDBPyConnection, file: Path, encoding: str) -> Iterator[Path]:
    """The file itself if DuckDB knows its encoding, else a UTF-8 copy in the folder where DuckDB spills."""
    if encoding in _ENGINES:
        yield file
        return
    spill = database.execute("select current_setting('temp_directory')").fetchall()[0][0]
    copy = Path(spill) / "in-utf-8.txt"
    copy.parent.mkdir(parents=True, exist_ok=True)
    try:
        with (
            file.open(encoding=encoding, errors="replace", newline="") as source,
            copy.open("w", encoding="utf-8", newline="") as target,
        ):
            shutil.copyfileobj(source, target, _CHUNK)
        yield copy
    finally:
        copy.unlink(missing_ok=True)

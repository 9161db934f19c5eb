"""How far the cells of a workbook reach, checked before memory is allocated for everything in between.

Belongs here: members, bytes, rows and columns of an .xlsx file as a zip archive. Does not belong here: cell contents.

A workbook stores only filled cells, each with its position: a file of five kilobytes with one cell in the last corner
of a sheet implies billions of empty cells.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import IO

from openpyxl.utils import column_index_from_string

from hcip_pipeline.files.received import Ceiling, bytes_in_words

#: Rows × columns of one sheet: ten times those of a hospital with a million charge lines.
MAX_CELLS = 60_000_000
#: Files in a workbook; one with fifty sheets has about two hundred.
MAX_MEMBERS = 5_000

_CHUNK = 1 << 20
#: Bytes of each chunk that are searched again with the next one, so that no cell reference is cut in two.
_OVERLAP = 64
_WIDE = re.compile(rb"""\sr\s*=\s*["']([A-Za-z]{3,})[0-9]""")
_TWO = re.compile(rb"""\sr\s*=\s*["']([A-Za-z]{2})[0-9]""")
_ROW = re.compile(rb"""\sr\s*=\s*["']([0-9]+)["']""")
_CELL_ROW = re.compile(rb"""\sr\s*=\s*["'][A-Za-z]{1,3}([0-9]{6,})["']""")


class ExtentError(Exception):
    """A workbook that is larger than any table or form; the message names the limit."""


def check_extent(path: Path | IO[bytes], size: int, ceiling: Ceiling) -> None:
    """Make sure that a workbook can be opened without exhausting the machine's memory.

    Args:
        path: the workbook, or its bytes.
        size: of the file, in bytes.

    Raises:
        ExtentError: too many members, bytes, rows, columns or cells.
        zipfile.BadZipFile, zlib.error, …: errors from unpacking a damaged archive.
    """
    check_members(path, size, ceiling)
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            if entry.filename.lower().lstrip("/").startswith("xl/worksheets/") and not entry.is_dir():
                with archive.open(entry) as sheet:
                    _check_sheet(sheet, ceiling)


def check_members(path: Path | IO[bytes], size: int, ceiling: Ceiling) -> None:
    """Make sure that the parts of a workbook can be unpacked; arguments and errors as in :func:`check_extent`."""
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
    if len(entries) > MAX_MEMBERS:
        raise ExtentError(f"contains more than {MAX_MEMBERS:,} files")
    most = ceiling.max_unpacked(size)
    if sum(entry.file_size for entry in entries) > most:
        raise ExtentError(f"unpacks to more than {bytes_in_words(most)}")


def _check_sheet(sheet: IO[bytes], ceiling: Ceiling) -> None:
    width, height, rest = 26, 0, b""
    while chunk := sheet.read(_CHUNK):
        seen = rest + chunk
        widest = max((column_index_from_string(name.decode()) for name in set(_WIDE.findall(seen))), default=0)
        if not widest:
            widest = max((column_index_from_string(name.decode()) for name in set(_TWO.findall(seen))), default=0)
        width = max(width, widest)
        # Rows have numbers of their own; a cell may also refer to a far row that is not written as a row.
        numbers = (*_ROW.findall(seen), *_CELL_ROW.findall(seen))
        height = max(height, max((int(number[:12]) for number in numbers), default=0))
        if width > ceiling.columns:
            raise ExtentError(f"has more than {ceiling.columns:,} columns")
        if height > ceiling.rows:
            raise ExtentError(f"has more than {ceiling.rows:,} rows")
        if width * height > MAX_CELLS:
            raise ExtentError(f"has a sheet of {height:,} rows by {width:,} columns, more than {MAX_CELLS:,} cells")
        rest = seen[-_OVERLAP:]

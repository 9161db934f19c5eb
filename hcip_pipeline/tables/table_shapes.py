"""Hand-kept tables in the shapes they arrive in: workbooks, compressed files, Parquet, other encodings and delimiters.

Belongs here: which file of a folder holds a table, and its bytes as CSV text. Does not belong here: CSV itself
(``tabular``), cells (``cell_habits``).
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import tempfile
import zipfile
from pathlib import Path
from typing import NoReturn

import polars as pl

from hcip_pipeline.files.received import ARCHIVE_DAMAGE, TABLE, WORKBOOK
from hcip_pipeline.rules.problem import Problem, tally
from hcip_pipeline.tables.file_names import shown_unknown
from hcip_pipeline.tables.refusals import TableRefusedError
from hcip_pipeline.tables.workbooks import WorkbookError, ignored_sheets, sheet_rows

ENDINGS = (".csv", ".csv.gz", ".csv.zip", ".parquet", ".xlsx")
#: Delimiters other than the comma, and how messages name them.
OTHER_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars"}

#: Number of sheets that a message names.
_SHEETS = 5
_QUOTED = re.compile(rb'"(?:[^"]|"")*"')
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def find_table(folder: Path, name: str) -> Path:
    """The file of a table in a folder, in any letter case and shape; ``<name>.csv`` if there is none.

    Raises:
        TableRefusedError: FILE-TWICE.
    """
    plain = folder / f"{name}.csv"
    if not folder.is_dir():
        return plain
    wanted = {f"{name}{ending}" for ending in ENDINGS}
    found = sorted(entry for entry in folder.iterdir() if entry.name.lower() in wanted)
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        _refuse(found[0], Problem("FILE-TWICE", f"{name} was found {len(found)} times: {names}"))
    return found[0] if found else plain


def table_of(file_name: str, names: tuple[str, ...]) -> str | None:
    """The table that a file contains, judging by its name."""
    lower = file_name.lower()
    return next((name for name in names if lower in {f"{name}{ending}" for ending in ENDINGS}), None)


def as_csv(raw: bytes, path: Path) -> tuple[bytes, tuple[Problem, ...]]:
    """The bytes of a file as UTF-8 CSV, line for line, and any remarks on its shape.

    Raises:
        TableRefusedError: FILE-UNREADABLE, FILE-TOO-LARGE.
    """
    name = path.name.lower()
    if name.endswith(".xlsx"):
        return _from_workbook(raw, path)
    if name.endswith(".parquet"):
        return _from_parquet(raw, path), ()
    if name.endswith((".csv.gz", ".csv.zip")):
        raw = _unpacked(raw, path)
    if raw.startswith(_UTF_16) or 0 in raw:
        return raw, ()
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        try:
            return raw.decode("cp1252").encode(), (Problem("FILE-WINDOWS-1252", "the file is Windows-1252 text"),)
        except UnicodeDecodeError:
            return raw, ()
    return raw, ()


def delimiter_of(data: bytes) -> str:
    """The delimiter of the first line that is not blank: a comma if it has one."""
    first = next((line for line in data.split(b"\n") if line.strip()), b"")
    bare = _QUOTED.sub(b"", first).decode("utf-8", "replace")
    if "," in bare:
        return ","
    return max(OTHER_DELIMITERS, key=bare.count) if any(sign in bare for sign in OTHER_DELIMITERS) else ","


def _from_workbook(raw: bytes, path: Path) -> tuple[bytes, tuple[Problem, ...]]:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    line = 1
    table = path.name.split(".")[0].lower()
    with tempfile.NamedTemporaryFile(suffix=".xlsx") as copy:  # open exactly the bytes that were read
        copy.write(raw)
        copy.flush()
        try:
            for number, cells in sheet_rows(Path(copy.name), table, (), WORKBOOK):
                text.write("\n" * (number - line))
                writer.writerow(cells)
                line = number + 1
        except WorkbookError as error:
            _refuse(path, Problem("FILE-UNREADABLE", f"the workbook {error}"))
        ignored = ignored_sheets(Path(copy.name), table, WORKBOOK)
    if not ignored:
        return text.getvalue().encode(), ()
    listed = ", ".join(f"'{shown_unknown(name)}'" for name in ignored[:_SHEETS])
    more = f" and {len(ignored) - _SHEETS} more" if len(ignored) > _SHEETS else ""
    return text.getvalue().encode(), (Problem("SHEETS-IGNORED", f"ignored sheets: {listed}{more}"),)


def _from_parquet(raw: bytes, path: Path) -> bytes:
    try:
        frame = pl.read_parquet(io.BytesIO(raw))
        if frame.height > TABLE.rows:
            _refuse(path, Problem("FILE-TOO-LARGE", f"the file has more than {TABLE.rows:,} rows"))
        return frame.write_csv(datetime_format="%Y-%m-%d %H:%M:%S").encode()
    except pl.exceptions.PolarsError:
        _refuse(path, Problem("FILE-UNREADABLE", "the file cannot be read as Parquet"))


def _unpacked(raw: bytes, path: Path) -> bytes:
    try:
        if path.name.lower().endswith(".gz"):
            with gzip.open(io.BytesIO(raw)) as stream:
                content = stream.read(TABLE.bytes + 1)
        else:
            with zipfile.ZipFile(io.BytesIO(raw)) as archive:
                names = [n for n in archive.namelist() if not n.endswith("/") and not n.startswith("__MACOSX/")]
                if len(names) != 1:
                    _refuse(path, Problem("FILE-UNREADABLE", f"the archive contains {len(names)} files, not one"))
                with archive.open(names[0]) as stream:
                    content = stream.read(TABLE.bytes + 1)
    except ARCHIVE_DAMAGE:
        _refuse(path, Problem("FILE-UNREADABLE", "the file cannot be unpacked: it is truncated or encrypted"))
    if len(content) > TABLE.bytes:
        _refuse(path, Problem("FILE-TOO-LARGE", "the unpacked file is larger than a table may be"))
    return content


def _refuse(path: Path, problem: Problem) -> NoReturn:
    raise TableRefusedError(path, [problem], tally([problem]))

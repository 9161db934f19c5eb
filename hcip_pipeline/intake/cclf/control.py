"""CCLF0, the control file: how many records each file of an archive has, and how long they are. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hcip_pipeline.contracts.cms import LAYOUTS
from hcip_pipeline.errors import HcipError
from hcip_pipeline.rules.problem import Problem

#: A control file has a dozen short lines; a longer file is not one.
MAX_BYTES = 1_000_000
_LINE_LENGTHS = (69, 70)
_FIX = "ask CMS for the archive again; the control file must name every file once, as type|name|count|length"


@dataclass(frozen=True)
class ControlLine:
    """One file's entry in the control file."""

    table: str
    records: int
    record_length: int | None


@dataclass(frozen=True)
class Control:
    """A parsed control file: the stated totals by table, and warnings about harmless oddities."""

    lines: dict[str, ControlLine]
    warnings: tuple[Problem, ...]


def parse_control(content: bytes, file: str) -> Control:
    """Read a control file.

    Args:
        content: the whole file.
        file: its name, for messages.

    Raises:
        HcipError: ``CCLF-CONTROL-UNREADABLE`` or ``CCLF-CONTROL-NAMES-TWICE``.
    """
    rows = content.decode("latin-1").replace("\r\n", "\n").rstrip("\n\x1a ").split("\n")
    if rows[0].count("|") != 3:
        raise _unreadable("the header is not four labels separated by |", file, 1)
    lines: dict[str, ControlLine] = {}
    odd_lengths = 0
    for number, row in enumerate(rows[1:], start=2):
        cells = [cell.strip() for cell in row.split("|")]
        if len(cells) != 4 or not re.fullmatch(r"[0-9]{1,18}\|[0-9]{0,18}", "|".join(cells[2:])):
            raise _unreadable("a line is not type|name|record count|record length", file, number)
        table = cells[0].lower()
        if table not in LAYOUTS:
            raise _unreadable("a line names a type of file that CMS does not send", file, number)
        if table in lines:
            raise HcipError(
                f"the control file names {table.upper()} twice", fix=_FIX, file=file, row=number,
                rule="CCLF-CONTROL-NAMES-TWICE",
            )  # fmt: skip
        odd_lengths += len(row) not in _LINE_LENGTHS
        lines[table] = ControlLine(table, int(cells[2]), int(cells[3]) if cells[3] else None)
    if not lines:
        raise _unreadable("it names no file", file, None)
    warnings = []
    if odd_lengths:
        message = f"{odd_lengths} lines of the control file are not 69 or 70 characters long"
        warnings.append(Problem("CCLF-CONTROL-LINE-LENGTH", message))
    for table, line in lines.items():
        expected = LAYOUTS[table].record_lengths
        if line.record_length not in expected:
            message = (
                f"the control file states records of {line.record_length} bytes for {table.upper()}; its layout has "
                f"{' or '.join(map(str, expected))}"
            )
            warnings.append(Problem("CCLF-STATED-LENGTH", message))
    absent = [table.upper() for table in LAYOUTS if table not in lines]
    if absent:
        warnings.append(Problem("CCLF-NOT-LISTED", f"the control file does not name {', '.join(absent)}"))
    return Control(lines, tuple(warnings))


def _unreadable(why: str, file: str, row: int | None) -> HcipError:
    return HcipError(
        f"the control file cannot be read: {why}", fix=_FIX, file=file, row=row, rule="CCLF-CONTROL-UNREADABLE"
    )

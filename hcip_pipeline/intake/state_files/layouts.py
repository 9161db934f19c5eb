"""The layout of a public file, recognized by the length of its records or by its header line.

Belongs here: recognizing a layout. Does not belong here: the layouts (``contracts.public_layouts``), and what a field
means.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hcip_pipeline.contracts.public_layouts import RecordLayout
from hcip_pipeline.errors import HcipError
from hcip_pipeline.files.received import Ceiling, open_file

_LONGEST_LINE = 100_000
#: Separators of the cells of a file with a header; the comma is not among them, because cells contain commas.
_SEPARATORS = {"\t": "tab-delimited", "|": "delimited by |", ";": "delimited by ;", "~": "delimited by ~"}


@dataclass(frozen=True)
class Form:
    """How the lines of one file are cut into cells.

    Attributes:
        words: a description of the form, for the study.
        cells: field -> SQL for its cell, over a column ``line`` (and ``cells`` if there is a separator).
        is_row: SQL, true if a line is a row of this form.
        separator: of the cells; empty for fixed width, without a header line.
    """

    words: str
    cells: dict[str, str]
    is_row: str
    separator: str = ""

    @property
    def has_header(self) -> bool:
        """Whether the first line names the fields."""
        return bool(self.separator)


def recognize(file: Path, layouts: Sequence[RecordLayout], needed: Sequence[str], ceiling: Ceiling, rule: str) -> Form:
    """The form of a file, from its first line.

    Args:
        layouts: the published ones of this table; empty if it never has fixed width.
        needed: the fields that are read; in a file with a header, they may be in any order.
        rule: the id of the rule for a file of no known form.

    Raises:
        HcipError: the file is empty, has records of an unknown length, or a header without a needed field.
    """
    with open_file(file, ceiling) as stream:
        first = stream.readline(_LONGEST_LINE).decode("latin-1").rstrip("\r\n")
    if not first.strip():
        raise HcipError("is empty, or begins with a blank line", file=file, row=1, rule=rule, fix="download it again")
    header = first.removeprefix("\xef\xbb\xbf")
    layout = next((each for each in layouts if each.width == len(first)), None)
    separator = next(
        (each for each in _SEPARATORS if (each == "\t" and each in header) or set(_names(header, each)) & {*needed}), ""
    )
    if separator:
        return _of_header(file, header, separator, needed, rule)
    if layout is None:
        known = ", ".join(f"{each.width} ({each.year})" for each in layouts)
        raise HcipError(
            f"has records of {len(first)} characters"
            + (
                f"; known lengths are {known}"
                if known
                else " and no header line, in which a tab or | separates the fields"
            ),
            file=file,
            row=1,
            rule=rule,
            fix="use the tab-delimited form of that year, which names its fields",
        )
    return Form(
        f"fixed width, layout of {layout.year}",
        {field.name: f"substr(line, {field.start}, {field.width})" for field in layout.fields},
        f"length(line) = {layout.width}",
    )


def _names(line: str, separator: str) -> list[str]:
    return [name.strip().strip('"').upper() for name in line.split(separator)]


def _of_header(file: Path, line: str, separator: str, needed: Sequence[str], rule: str) -> Form:
    names = _names(line, separator)
    while names and not names[-1]:  # rows may end with a separator
        names.pop()
    missing = [name for name in needed if name not in names]
    twice = sorted({name for name in needed if names.count(name) > 1})
    if missing or twice:
        words = f"has no field {', '.join(missing)}" if missing else f"has more than one field {', '.join(twice)}"
        raise HcipError(
            f"{words} in its header line",
            file=file,
            row=1,
            rule=rule,
            fix="use the file as published, with its header line",
        )
    return Form(
        _SEPARATORS[separator],
        {name: f"trim(cells[{names.index(name) + 1}], '\" ')" for name in needed},
        f"(len(cells) = {len(names)} or len(cells) = {len(names) + 1} and trim(cells[{len(names) + 1}]) = '')",
        separator,
    )

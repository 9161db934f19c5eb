"""Which layout a public file has: told by the length of its records, or by its header line.

Belongs here: recognizing a layout. Does not belong here: the layouts (``contracts.public_layouts``), and what a field
means.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hcip_pipeline.contracts.public_layouts import RecordLayout
from hcip_pipeline.errors import HcipError
from hcip_pipeline.received_files import Ceiling, open_file

_LONGEST_LINE = 100_000
TAB = "\t"


@dataclass(frozen=True)
class Form:
    """How the lines of one file are cut into cells.

    Attributes:
        words: the form in words, for the study.
        cells: field -> SQL for its cell, over a column ``line`` (and ``cells`` where tab-delimited).
        is_row: SQL, true where a line is a row of this form.
        has_header: whether the first line names the fields.
    """

    words: str
    cells: dict[str, str]
    is_row: str
    has_header: bool


def recognize(file: Path, layouts: Sequence[RecordLayout], needed: Sequence[str], ceiling: Ceiling, rule: str) -> Form:
    """The form of a file, from its first line.

    Args:
        layouts: the published ones of this table; a tab-delimited file may have any order of the ``needed`` fields.
        rule: the id under which a file of no known form is refused.

    Raises:
        HcipError: the file is empty, has records of an unknown length, or a header without a needed field.
    """
    with open_file(file, ceiling) as stream:
        first = stream.readline(_LONGEST_LINE).decode("latin-1").rstrip("\r\n")
    if not first.strip():
        raise HcipError("is empty, or begins with a blank line", file=file, row=1, rule=rule, fix="download it again")
    if TAB in first:
        return _of_header(file, first.removeprefix("\xef\xbb\xbf"), needed, rule)
    layout = next((each for each in layouts if each.width == len(first)), None)
    if layout is None:
        known = ", ".join(f"{each.width} ({each.year})" for each in layouts)
        raise HcipError(
            f"has records of {len(first)} characters; known are {known}",
            file=file,
            row=1,
            rule=rule,
            fix="use the tab-delimited form of that year, which names its fields",
        )
    return Form(
        f"fixed width, layout of {layout.year}",
        {field.name: f"substr(line, {field.start}, {field.width})" for field in layout.fields},
        f"length(line) = {layout.width}",
        has_header=False,
    )


def _of_header(file: Path, line: str, needed: Sequence[str], rule: str) -> Form:
    names = [name.strip().strip('"').upper() for name in line.split(TAB)]
    while names and not names[-1]:  # the published rows end with a tab
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
        "tab-delimited",
        {name: f"trim(cells[{names.index(name) + 1}], '\" ')" for name in needed},
        f"(len(cells) = {len(names)} or len(cells) = {len(names) + 1} and trim(cells[{len(names) + 1}]) = '')",
        has_header=True,
    )

"""Checks of a file's columns against its table, and the result or error of reading a file.

Belongs here: missing, repeated and unknown columns. Does not belong here: how the names are found (``reading``,
``parquet_files``).
"""

from __future__ import annotations

import difflib
from collections import Counter
from dataclasses import dataclass

from hcip_pipeline.contracts.table import Table
from hcip_pipeline.files.received import MAX_COLUMNS
from hcip_pipeline.rules.problem import Problem
from hcip_pipeline.tables.file_names import shown


class ReadingError(Exception):
    """The file cannot be read, which refuses the submission."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__()
        self.problems = problems


@dataclass(frozen=True)
class Cells:
    """A file as SQL: ``sql`` selects row (its line), shape_ok, has_control and the contract's columns as text.

    Attributes:
        has_lines: whether ``raw_<table>`` contains lines of text rather than cells (Parquet).
    """

    sql: str
    columns: tuple[str, ...]
    problems: tuple[Problem, ...]
    has_lines: bool = False


def check_columns(names: tuple[str, ...], table: Table, file: str, needed: tuple[str, ...] = ()) -> tuple[Problem, ...]:
    """Judge a header and return the problems that do not refuse it.

    Raises:
        ReadingError: there is no header, or a column is missing or repeated.
    """
    if len(names) > MAX_COLUMNS:
        raise ReadingError(
            Problem("F-TOO-LARGE", f"has {len(names):,} columns, more than {MAX_COLUMNS:,}", file=file, row=1)
        )
    must = [column.name for column in table.columns if not column.optional or column.name in needed]
    missing = [name for name in must if name not in names]
    unknown = [name for name in names if name not in table.names]
    if len(missing) * 2 > len(must):
        # So few names are known that the line may contain a patient's data: no cell is shown.
        raise ReadingError(
            Problem(
                "F-COLUMN-MISSING",
                f"the first line is not the header: {len(missing)} of {len(must)} columns are missing",
                file=file,
                row=1,
            )
        )
    repeated = sorted(name for name, times in Counter(names).items() if times > 1 and name in table.names)
    wrong = [
        Problem("F-COLUMN-MISSING", f"the column {name} is missing{_similar(name, unknown)}", file=file, row=1)
        for name in missing
    ]
    wrong += [Problem("F-COLUMN-REPEATED", f"the column {name} appears twice", file=file, row=1) for name in repeated]
    if wrong:
        raise ReadingError(*wrong)
    return tuple(
        Problem("F-COLUMN-UNKNOWN", f"the column '{shown(name)}' is unknown and ignored", file=file, row=1)
        for name in unknown[:20]
    )


def _similar(name: str, unknown: list[str]) -> str:
    close = difflib.get_close_matches(name, unknown, n=1, cutoff=0.7)
    return f"; '{shown(close[0])}' is similar" if close else ""

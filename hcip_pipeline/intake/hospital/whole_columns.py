"""Readings that depend on the whole column rather than on one cell: the form of dates, identifiers ending in ``.0``.

Belongs here: examining every cell of a column that has an odd row. Does not belong here: readings of single cells
(``habits``), and which rows are odd (``mending``).
"""

from __future__ import annotations

from dataclasses import dataclass

from hcip_pipeline.contracts.table import Table
from hcip_pipeline.intake.hospital import code_lists, habits
from hcip_pipeline.intake.hospital.habits import ColumnReading
from hcip_pipeline.intake.hospital.placeholders import is_placeholder
from hcip_pipeline.intake.hospital.submission_database import SubmissionDatabase
from hcip_pipeline.rules.problem import Problem

#: Text identifiers that a data frame may have stored as numbers.
_IDENTIFIERS = ("account_no", "patient_id")
_EXAMPLES = {"iso": "2025-03-14", "iso with a time": "2025-03-14 00:00:00", "month first": "3/14/2025"}


@dataclass(frozen=True)
class Forms:
    """How the dates of a file are written.

    Attributes:
        readings: readings of the columns whose dates are all in one form other than YYYY-MM-DD.
        has_day_first: whether any date has the day before the month; if so, none is read with the month first.
        problems: columns that are not read, and why.
    """

    readings: tuple[ColumnReading, ...] = ()
    has_day_first: bool = False
    problems: tuple[Problem, ...] = ()


def date_forms(database: SubmissionDatabase, table: Table, file: str, cells: str) -> Forms:
    """The form of each column of dates; a mixture is not read.

    Args:
        cells: SQL of the file's cells with the readings found so far.
    """
    columns = [column.name for column in table.columns if column.type == "date"]
    forms = list(habits.DATE_FORMS)
    asked = []
    for column in columns:
        for form in forms:
            pattern, day = habits.DATE_FORMS[form]
            is_form = f"regexp_full_match({column}, '{pattern}')"
            asked.append(f"count(*) filter ({is_form})")
            asked.append(f"min(row) filter ({is_form} and {day.format(column)} is null)")
    # All rows are examined only if some odd row has a date in another form.
    odd = database.run(f"select {', '.join(asked)} from odd_{table.name} where shape_ok").fetchone() or ()
    if not any(met for n, met in enumerate(odd[::2]) if forms[n % len(forms)] != "iso"):
        return Forms()
    every = database.run(f"select {', '.join(asked)} from ({cells}) where shape_ok").fetchone() or ()
    met: dict[str, dict[str, int]] = {column: {} for column in columns}
    not_days: dict[str, tuple[str, int]] = {}
    for n, (column, form) in enumerate((column, form) for column in columns for form in forms):
        if every[2 * n]:
            met[column][form] = int(every[2 * n])
        if every[2 * n + 1] is not None:
            not_days.setdefault(form, (column, int(every[2 * n + 1])))
    readings, problems = [], []
    for column, written in met.items():
        if len(written) > 1:
            found = ", ".join(f"{_EXAMPLES[form]} ({rows:,} row{'s' * (rows != 1)})" for form, rows in written.items())
            problems.append(Problem("F-DATE-FORMS", f"{column} is written in several forms, as in {found}", file=file))
        elif written and (form := next(iter(written))) != "iso" and form not in not_days:
            readings.append(habits.date_reading(column, form))
    if "month first" in not_days:
        column, line = not_days["month first"]
        words = f"{column} in line {line} is not a date with the month first, so no date is read that way"
        problems.append(Problem("F-DATE-FORMS", words, file=file, row=line))
    return Forms(tuple(readings), "month first" in not_days, tuple(problems))


def identifier_forms(
    database: SubmissionDatabase, table: Table, file: str, cells: str
) -> tuple[list[ColumnReading], list[Problem]]:
    """Identifiers that all end in ``.0`` are read without it; if only some do, the file is refused.

    Args:
        cells: as for :func:`date_forms`.
    """
    readings, problems = [], []
    for column in (name for name in _IDENTIFIERS if name in table.names):
        filled = f"{column} <> '' and not {is_placeholder(column)}"
        ends = f"(regexp_full_match({column}, '[0-9]+\\.0+') and {filled})"
        if not database.one(f"select coalesce(bool_or({ends}), false) from odd_{table.name} where shape_ok")[0]:
            continue
        means = f"regexp_full_match({column}, '[0-9]+\\.[0-9]*[1-9][0-9]*')"  # 1234.1: a suffix with a meaning
        asked = f"count(*) filter ({filled}), count(*) filter ({ends}), min(row) filter ({ends})"
        asked += f", count(*) filter ({means}), min(row) filter ({filled} and not {ends})"
        rows, ending, first, meaning, other = database.one(f"select {asked} from ({cells}) where shape_ok")
        if meaning:
            continue
        if ending == rows:
            readings.append(habits.without_decimals(column))
            continue
        words = (
            f"{column} ends in .0 in {ending:,} of {rows:,} rows (line {first}) but not in the others (line {other})"
        )
        problems.append(Problem("F-ID-MIXED", words, file=file, row=first))
    return readings, problems


def list_readings(
    database: SubmissionDatabase, table: Table, cells: str, *, has_day_first: bool
) -> list[ColumnReading]:
    """Columns of codes and of lists of codes that some odd row writes in another form than the contract's."""
    candidates = [column for column in code_lists.COLUMNS if column in table.names]
    if not candidates:
        return []
    reads = {column: code_lists.read_sql(column, month_first=True) for column in candidates}
    asked = ", ".join(f"coalesce(bool_or({sql} <> {column}), false)" for column, sql in reads.items())
    met = database.one(f"select {asked} from odd_{table.name} where shape_ok")
    found = [column for column, is_met in zip(candidates, met, strict=True) if is_met]
    if "procedures" in found and not has_day_first:
        day_first = f"select coalesce(bool_or({code_lists.has_day_first()}), false) from ({cells}) where shape_ok"
        has_day_first = bool(database.one(day_first)[0])
    return [
        ColumnReading("LIST-FORM", column, code_lists.read_sql(column, month_first=not has_day_first))
        for column in found
    ]

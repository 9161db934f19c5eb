"""The grouping file's rows as spreadsheets leave them: blank rows, totals, a second header, account numbers as numbers.

Belongs here: whole rows, and the account number that matches a row to its bill. Does not belong here: the other cells,
which are mended as cells of ``discharges`` (``hospital.mending``), and the matching itself (``grouping``).
"""

from __future__ import annotations

from hcip_pipeline.contracts.hospital import GROUPING
from hcip_pipeline.intake.hospital import habits
from hcip_pipeline.intake.hospital.headers import Cells
from hcip_pipeline.intake.hospital.mending import TOTAL, TOTAL_LINE
from hcip_pipeline.intake.hospital.submission_database import SubmissionDatabase
from hcip_pipeline.rules.problem import Problem

#: Number of rows that a message names.
NAMED = 3
_ACCOUNT = next(column for column in GROUPING.columns if column.name == "account_no")
#: An account number as data frames write it.
_WITH_DECIMALS = r"^([0-9]+)\.0+$"
_SEPARATORS = ',;|" \t'


def load_rows(database: SubmissionDatabase, cells: Cells, file: str) -> list[Problem]:
    """Make ``raw_grouping_rows`` from the cells (row, whether it can be read, the columns); return the problems found.

    A row belongs to the bill with exactly its account number. If there is none, a number that ends in zero decimals
    (``104233.0``) is read without them.
    """
    others = ", ".join(name for name in GROUPING.names if name != "account_no")
    filled = " or ".join(f"coalesce(trim({name}), '') <> ''" for name in GROUPING.names)
    blank_lines = (
        f"row in (select rowid + 1 from raw_{GROUPING.name} where trim(line, '{_SEPARATORS}') = '')"
        if cells.has_lines
        else "false"
    )
    if cells.has_lines:  # ="0120" in a line breaks the quoting of CSV
        database.run(
            f"""update raw_{GROUPING.name} set line = regexp_replace(line, '="([^"]*)"', '\\1', 'g')
            where contains(line, '="') and rowid + 1 in (select row from ({cells.sql}) where not shape_ok)"""
        )
    database.run(
        f"""create or replace table raw_grouping_rows as
        with read as (
            select row, shape_ok and not has_control as is_readable,
                trim({habits.without_markers(_ACCOUNT).sql}) as account_no,
                {others}, (shape_ok and not ({filled})) or {blank_lines} as is_blank
            from ({cells.sql})),
        billed as (select distinct account_no as billed from raw_standing where account_no <> '')
        select row, is_readable, coalesce(n.billed, r.account_no) as account_no, {others}, is_blank,
            b.billed is not null or n.billed is not null as is_billed, n.billed is not null as had_decimals
        from read r left join billed b on b.billed = r.account_no
        left join billed n on b.billed is null and n.billed = regexp_extract(r.account_no, '{_WITH_DECIMALS}', 1)"""
    )
    refusals = _refusals(database, cells, file)
    if refusals:
        return refusals
    reported = (
        ("F-BLANK-ROWS", "is_blank", "that are empty are skipped"),
        ("B-GROUPING-ROW", "not is_readable and not is_blank", "of the grouping file cannot be read"),
        (
            "B-GROUPING-DECIMALS",
            "had_decimals and not is_blank",
            "have an account number that ends in .0 and is read without it",
        ),
    )
    return [
        Problem(rule, f"{in_words(count)} {words}: {lines_in_words(count, lines)}", file=file, row=lines[0])
        for rule, which, words in reported
        for count, lines in [_found(database, which)]
        if count
    ]


def _refusals(database: SubmissionDatabase, cells: Cells, file: str) -> list[Problem]:
    """Rows that belong to no stay, and account numbers that have lost digits."""
    total = f"regexp_matches(lower(account_no), '{TOTAL}')"
    if cells.has_lines:
        total += (
            f" or row in (select rowid + 1 from raw_{GROUPING.name} where regexp_matches(lower(line), '{TOTAL_LINE}'))"
        )
    asked = (
        ("F-HEADER-REPEATED", "lower(account_no) = 'account_no'", "the header is repeated"),
        ("F-TOTAL-ROW", f"({total})", "a totals row"),
        ("F-DIGITS-LOST", habits.has_lost_digits(_ACCOUNT), "account_no is in exponent form"),
    )
    return [
        Problem(rule, f"{words}: {lines_in_words(count, lines)}", file=file, row=lines[0])
        for rule, which, words in asked
        for count, lines in [_found(database, f"not is_billed and not is_blank and {which}")]
        if count
    ]


def _found(database: SubmissionDatabase, which: str) -> tuple[int, list[int]]:
    count, lines = database.one(
        f"select count(*), coalesce(min(row, {NAMED}), []) from raw_grouping_rows where {which}"
    )
    return int(count), lines


def in_words(count: int) -> str:
    """A number of rows, as text."""
    return f"{count:,} row{'s' * (count != 1)}"


def lines_in_words(count: int, lines: list[int]) -> str:
    """The first of ``count`` lines, as text."""
    return f"line{'s' * (len(lines) != 1)} {', '.join(map(str, lines))}{', …' if count > len(lines) else ''}"

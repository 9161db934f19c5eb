"""Finding out whether a file has spreadsheet habits, from the rows that the edits do not accept as they are.

Belongs here: examining those rows, mending the working copy of the file, counting the cells that were changed. Does not
belong here: the readings themselves (``habits``), the edits, and the verdict (``judging``).

A file without such rows is not examined, so a plain file costs nothing.

Working tables of the database: ``odd_<table>``, rows to examine (cells as text); ``raw_repeated_<table>``, rows that
repeat an earlier one (row, first_row) and are removed from the working copy.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from hcip_pipeline.contracts.table import Table
from hcip_pipeline.intake.hospital import code_lists, habits, limits, whole_columns
from hcip_pipeline.intake.hospital.edits import warned_columns
from hcip_pipeline.intake.hospital.habits import ColumnReading
from hcip_pipeline.intake.hospital.headers import Cells
from hcip_pipeline.intake.hospital.receipts import RuleCount
from hcip_pipeline.intake.hospital.submission_database import SubmissionDatabase
from hcip_pipeline.rules.problem import Problem

_SHORT = {"discharges": "d", "charges": "c"}
_LISTED = 10
_NAMED = 3
#: A first cell, or a line, of a totals row.
TOTAL = r"^(grand |sub)?totals?:?$"
TOTAL_LINE = r'(^|[,;|\t])\s*"?\s*(grand |sub)?totals?:?\s*"?\s*([,;|\t]|$)'


@dataclass
class Mended:
    """The habits found in a file.

    Attributes:
        readings: readings of its columns.
        blank_rows: number of empty rows, which were removed.
        marked_lines: lines in which a spreadsheet's text markers broke the quoting: how many, and the first few.
        refusals: problems that refuse the file in any case.
        notes: why the habits of some columns could not be read.
    """

    readings: tuple[ColumnReading, ...] = ()
    blank_rows: int = 0
    marked_lines: tuple[int, tuple[int, ...]] = (0, ())
    refusals: tuple[Problem, ...] = field(default=())
    notes: tuple[Problem, ...] = ()


def find_habits(
    database: SubmissionDatabase, table: Table, file: str, cells: Cells, so_far: Mended, *, any_error: bool
) -> bool:
    """Examine the odd rows and add the habits they show to ``so_far``; return whether anything was added.

    Args:
        cells: the cells of the file as it was sent.
        any_error: whether any row of this file broke an ERROR rule.
    """
    if not _has_odd_rows(database, table, any_error=any_error):
        return False
    _gather(database, table, habits.mended(cells.sql, table, so_far.readings))
    so_far.refusals = _refusals(database, table, file, cells)
    if so_far.refusals:
        return True
    is_new = _without_blank_rows(database, table, cells, so_far)
    is_new |= _without_marks(database, table, cells, so_far)
    is_new |= _without_repeated(database, table, cells, so_far)
    known = {(reading.rule, reading.column) for reading in so_far.readings}
    new = [r for r in _readings(database, table, file, cells, so_far) if (r.rule, r.column) not in known]
    so_far.readings += tuple(new)
    return is_new or bool(new) or bool(so_far.refusals)


def counts(database: SubmissionDatabase, table: Table, cells: Cells, mended: Mended) -> list[RuleCount]:
    """Cells that were changed on reading, by rule and column, and repeated rows, which count once."""
    letter = table.name[0].upper()
    found = []
    if mended.marked_lines[0]:
        found.append(RuleCount(f"{letter}-BLANKS", table.name, "", *mended.marked_lines))
    base = cells.sql
    for stage in habits.stages(mended.readings):
        asked = ", ".join(
            f"count(*) filter ({r.sql} <> {r.column}), min(row, {_LISTED}) filter ({r.sql} <> {r.column})"
            for r in stage
        )
        row = database.run(f"select {asked} from ({base}) where shape_ok").fetchone() or ()
        found += [
            RuleCount(f"{letter}-{r.rule}", table.name, r.column, rows, tuple(lines))
            for r, rows, lines in zip(stage, row[::2], row[1::2], strict=True)
            if rows
        ]
        base = habits.mended(base, table, stage)
    repeated = database.run(f"select count(*), min(row, {_LISTED}) from {_repeated(database, table)}").fetchone() or (
        0,
        [],
    )
    if repeated[0]:
        found.append(RuleCount(f"{letter}-ROW-REPEATED", table.name, "", repeated[0], tuple(repeated[1])))
    return found


def has_repeated(database: SubmissionDatabase, table: Table) -> bool:
    """Whether any row of the file was removed because it repeats an earlier one."""
    sql = f"select count(*) from duckdb_tables() where table_name = 'raw_repeated_{table.name}'"
    return bool(database.one(sql)[0]) and bool(database.one(f"select exists(from raw_repeated_{table.name})")[0])


def repeated_rows(database: SubmissionDatabase, table: Table) -> tuple[int, Decimal]:
    """How many rows of the file repeat an earlier one, and their dollars."""
    amount = "total_charges" if table.name == "discharges" else "charge"
    added = "" if table.name == "discharges" else f" filter (revenue_code <> '{limits.TOTAL_REVENUE_CODE}')"
    row = database.run(
        f"select count(*), coalesce(sum({amount}){added}, 0)::decimal(38,2)"
        f" from {_repeated(database, table)} r join {_SHORT[table.name]} t on t.row = r.first_row"
    ).fetchone()
    assert row is not None  # an aggregate always has a row
    return int(row[0]), row[1]


def _has_odd_rows(database: SubmissionDatabase, table: Table, *, any_error: bool) -> bool:
    if any_error:
        return True
    unknown = " or ".join(f"{name}__unknown" for name in warned_columns(table))
    if table.name == "charges":
        strange = f"exists(from all_codes where {_ODD_REVENUE_CODE}), exists(from sums where {_odd_id('account_no')})"
        return any(database.one(f"select {strange}, exists(from c where {unknown})"))
    return bool(database.one(f"select coalesce(bool_or({_odd_discharge(unknown)}), false) from d")[0])


_ODD_REVENUE_CODE = "strlen(revenue_code) < 4 or contains(revenue_code, '.')"


def _odd_id(name: str) -> str:
    """SQL: an identifier with unusual characters, or without any digit but zeros."""
    return f"not regexp_full_match({name}, '[A-Za-z0_-]*[1-9][0-9A-Za-z_-]*')"


def _odd_discharge(unknown: str) -> str:
    strange = "kind = 'npi' and is_bad and not regexp_full_match(code, '0*[1-9][0-9]{0,9}')"
    npis = f"(select code from codes_met where {strange})"
    irregular = " or ".join(f"{name}__irregular" for name in code_lists.WARNED)
    return (
        f"broken or {unknown} or {irregular} or {_odd_id('account_no')} or {_odd_id('patient_id')}"
        " or starts_with(patient_id, '999999999') or not regexp_full_match(zip_code, '0*[1-9][0-9-]{4,9}')"
        f" or attending_npi in {npis} or operating_npi in {npis}"
    )


def _gather(database: SubmissionDatabase, table: Table, cells: str) -> None:
    short = _SHORT[table.name]
    unknown = " or ".join(f"{name}__unknown" for name in warned_columns(table))
    odd = _odd_discharge(unknown) if table.name == "discharges" else f"broken or {unknown}"
    if table.name == "charges":
        odd += f" or revenue_code in (select revenue_code from all_codes where {_ODD_REVENUE_CODE})"
        odd += f" or account_no in (select account_no from sums where {_odd_id('account_no')})"
    database.run(
        f"create or replace table odd_{table.name} as select * from ({cells})"
        f" where row in (select row from {short} where {odd})"
    )


def _refusals(database: SubmissionDatabase, table: Table, file: str, cells: Cells) -> tuple[Problem, ...]:
    """Rows that do not belong to the table, and columns that lost digits; each reported once, with its first lines."""
    problems = []
    keys = ("hospital_ccn", "account_no")
    header = " or ".join(f"lower({name}) = '{name}'" for name in keys)
    total = " or ".join(f"regexp_matches(lower({name}), '{TOTAL}')" for name in keys)
    if cells.has_lines:
        lines = f"select rowid + 1 from raw_{table.name} where regexp_matches(lower(line), '{TOTAL_LINE}')"
        total += f" or row in ({lines})"
    for rule, sql, words in (
        ("F-HEADER-REPEATED", header, "the header is repeated"),
        ("F-TOTAL-ROW", total, "a totals row"),
    ):
        if places := _lines(database, table, sql):
            problems.append(Problem(rule, f"{words}{_in_lines(*places)}", file=file, row=places[1][0]))
    for column in table.columns:
        sql_lost = habits.has_lost_digits(column)
        if sql_lost and (places := _lines(database, table, f"shape_ok and {sql_lost}")):
            words = f"{column.name} is in exponent form{_in_lines(*places)}"
            problems.append(Problem("F-DIGITS-LOST", words, file=file, row=places[1][0]))
    return tuple(problems)


def _lines(database: SubmissionDatabase, table: Table, sql: str) -> tuple[int, list[int]] | None:
    row = database.run(f"select count(*), min(row, {_NAMED}) from odd_{table.name} where {sql}").fetchone()
    return (int(row[0]), row[1]) if row and row[0] else None


def _in_lines(count: int, lines: list[int]) -> str:
    listed = ", ".join(map(str, lines))
    return f", {count:,} rows: lines {listed}{', …' if count > len(lines) else ''}" if count > 1 else f", line {listed}"


def _without_blank_rows(database: SubmissionDatabase, table: Table, cells: Cells, so_far: Mended) -> bool:
    if cells.has_lines:
        blank = f"select rowid + 1 from raw_{table.name} where trim(line, ',;|\" ' || chr(9)) = ''"
    else:
        blank = f"select row from odd_{table.name} where " + " and ".join(
            f"coalesce(trim({name}), '') = ''" for name in table.names
        )
    rows = f"select row from odd_{table.name} where row in ({blank})"
    count = database.one(f"select count(*) from ({rows})")[0]
    if count:
        _remove_rows(database, table, rows, cells)
        so_far.blank_rows += count
    return bool(count)


def _remove_rows(database: SubmissionDatabase, table: Table, rows: str, cells: Cells) -> None:
    if cells.has_lines:
        database.run(f"update raw_{table.name} set line = null where rowid + 1 in ({rows})")
    else:
        database.run(f"delete from raw_{table.name} where row in ({rows})")


def _without_marks(database: SubmissionDatabase, table: Table, cells: Cells, so_far: Mended) -> bool:
    """Remove text markers such as ``="0120"`` from lines in which they break the quoting of CSV."""
    if not cells.has_lines:
        return False
    rows = f"select row from odd_{table.name} where not shape_ok"
    marked = f"contains(line, '=\"') and rowid + 1 in ({rows})"
    count, lines = database.one(
        f"select count(*), coalesce(min(rowid + 1, {_LISTED}), []) from raw_{table.name} where {marked}"
    )
    if not count:
        return False
    database.run(f"update raw_{table.name} set line = regexp_replace(line, '=\"([^\"]*)\"', '\\1', 'g') where {marked}")
    so_far.marked_lines = (count, tuple(lines))
    return True


def _without_repeated(database: SubmissionDatabase, table: Table, cells: Cells, so_far: Mended) -> bool:
    """Remove rows that repeat an earlier one byte for byte: discharges with the same key, and charge lines if the
    account adds up without them.

    A bill may break a rule of its own although its cells equal those of another: such an account is left unchanged.
    """
    faulty = """select account_no from d where row in (select row from found where rule = 'D-KEY-REPEATED')
        group by account_no having bool_or(broken) <> bool_and(broken)"""
    every = ", ".join(table.names)
    text = habits.mended(cells.sql, table, so_far.readings)
    if table.name == "discharges":
        which = "row in (select row from found where rule = 'D-KEY-REPEATED')"
        which += f" and account_no not in ({faulty})"
        twins = f"select row, min(row) over (partition by {every}) as first_row from ({text}) where {which}"
    else:
        differ = (
            "select account_no, total_charges from d where row in"
            " (select row from found where rule = 'D-CHARGES-DIFFER')"
        )
        counted = f"c.row = twin.first_row and c.revenue_code <> '{limits.TOTAL_REVENUE_CODE}'"
        twins = f"""
        with twin as (
            select row, account_no as account, min(row) over (partition by {every}) as first_row from ({text})
            where account_no in (select account_no from ({differ})) and account_no not in ({faulty})),
        adds_up as (
            select account from twin join c using (row) join ({differ}) owed on owed.account_no = account
            group by account, total_charges
            having abs(coalesce(sum(charge) filter ({counted}), 0) - total_charges) <= {limits.CHARGES_TOLERANCE})
        select row, first_row from twin where account in (select account from adds_up)"""
    if not database.one("select exists(from found where rule in ('D-KEY-REPEATED', 'D-CHARGES-DIFFER'))")[0]:
        return False
    target = _repeated(database, table)
    added = database.run(f"insert into {target} select row, first_row from ({twins}) where row > first_row").fetchone()
    if not added or not added[0]:
        return False
    _remove_rows(database, table, f"select row from {target}", cells)
    return True


def _repeated(database: SubmissionDatabase, table: Table) -> str:
    name = f"raw_repeated_{table.name}"
    database.run(f"create table if not exists {name} (row bigint, first_row bigint)")
    return name


def _readings(
    database: SubmissionDatabase, table: Table, file: str, cells: Cells, so_far: Mended
) -> list[ColumnReading]:
    """The habits that any odd row has; for dates and identifiers, the form that the whole column has."""
    candidates = [habits.without_markers(column) for column in table.columns]
    candidates += [r for column in table.columns if (r := habits.without_placeholders(column)) is not None]
    candidates += [r for column in table.columns if (r := habits.column_habit(column)) is not None]
    asked = ", ".join(f"coalesce(bool_or({r.sql} <> {r.column}), false)" for r in candidates)
    met = database.one(f"select {asked} from odd_{table.name} where shape_ok")
    found = [reading for reading, is_met in zip(candidates, met, strict=True) if is_met]
    text = habits.mended(cells.sql, table, so_far.readings)
    dates = whole_columns.date_forms(database, table, file, text)
    identifiers, mixed = whole_columns.identifier_forms(database, table, file, text)
    lists = whole_columns.list_readings(database, table, text, has_day_first=dates.has_day_first)
    so_far.notes = dates.problems
    so_far.refusals = tuple(mixed)
    return [*found, *dates.readings, *identifiers, *lists]

"""A text table checked against its contract: every cell typed, every breach found, in one vectorized pass.

Belongs here: types, required and allowed values, lengths, keys, and rules over the columns of one row.
Does not belong here: reading the file (``tabular``), and rules that need another table (the callers).
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce
from pathlib import Path

import polars as pl

from hcip_pipeline.contracts.patterns import ASCII, CODES, TYPE_PATTERNS
from hcip_pipeline.contracts.table import Column, Table
from hcip_pipeline.rules.problem import Problem
from hcip_pipeline.tables.cell_habits import LOST_DIGITS, has_lost_digits, read_habits
from hcip_pipeline.tables.placeholders import WORDS
from hcip_pipeline.tables.refusals import LISTED_PER_RULE, TableRefusedError
from hcip_pipeline.tables.tabular import LINE, TextTable, read_text_table

#: Maximum length of text if the contract sets none: long enough for any reason, short enough for any report.
MAX_TEXT = 1000

_CONTROL_CHARACTER = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"


@dataclass(frozen=True)
class RowRule:
    """A rule over typed columns: rows for which ``breached`` is true break it (null is not true)."""

    rule: str
    column: str
    breached: pl.Expr
    message: str


@dataclass(frozen=True)
class ContractTable:
    """A file's rows in the contract's columns, order and types, with ``LINE`` and the warnings."""

    frame: pl.DataFrame
    text: TextTable
    warnings: tuple[Problem, ...]
    warning_counts: Counter[str]
    ignored_columns: tuple[str, ...]


def read_contract_table(path: Path, table: Table, rules: Sequence[RowRule] = ()) -> ContractTable:
    """Read a CSV file as ``table``.

    Raises:
        TableRefusedError: the file cannot be read, a column is missing, or a cell, key or row breaks an ERROR rule.
    """
    return check_contract_table(read_text_table(path), path, table, rules)


def check_contract_table(text: TextTable, path: Path, table: Table, rules: Sequence[RowRule] = ()) -> ContractTable:
    """Like :func:`read_contract_table`, for cells already read (or expanded, as grouper ranges are)."""
    findings = _Findings(path)
    for note in text.notes:
        findings.add(note)
    unknown = tuple(name for name in text.header if name not in table.names)
    missing = [c for c in table.columns if c.name not in text.header and not c.optional]
    for column in missing:
        findings.add(Problem("COLUMN-MISSING", _missing_column(column.name, text.header), 1, column.name))
    for name in unknown:
        findings.add(Problem("COLUMN-UNKNOWN", f"the column '{name[:60]}' is unknown and ignored", 1, name[:60]))
    findings.raise_errors()

    absent = [pl.lit(None, pl.String).alias(c.name) for c in table.columns if c.name not in text.header]
    cells = text.frame.with_columns(absent).select(*table.names, LINE)
    for name, lost in _true_masks(
        cells, {c.name: _in_exponent_form(c.name) for c in table.columns if has_lost_digits(c)}
    ):
        lines = cells.filter(lost).get_column(LINE)
        findings.add_rows("DIGITS-LOST", name, lines, ["the cell is in exponent form"] * LISTED_PER_RULE)
    findings.raise_errors()
    cells, read = read_habits(cells, table)
    for habit, name, changed in read:
        count, first = int(changed.sum()), cells.filter(changed).get_column(LINE)[0]
        findings.add(
            Problem(habit, f"in {count:,} cells; this is the first" if count > 1 else "in this cell", first, name)
        )
        findings.counts[habit] += count - 1
    typed = cells.select(*[_typed(column) for column in table.columns], LINE)
    broken = _check_cells(cells, typed, table, findings)
    _check_key(typed, table, findings)
    for rule in rules:
        # A cell that cannot be read is reported once, not again by each rule that uses it.
        readable = [~broken[name] for name in rule.breached.meta.root_names() if name in broken]
        rows = typed.filter(rule.breached, *readable)
        findings.add_rows(rule.rule, rule.column, rows.get_column(LINE), [rule.message] * LISTED_PER_RULE)
    if typed.is_empty():
        findings.add(Problem("FILE-NO-ROWS", "the file has a header but no rows"))
    findings.raise_errors()
    return ContractTable(typed, text, tuple(findings.problems), findings.counts, unknown)


def npi_fails_check_digit(npi: pl.Expr) -> pl.Expr:
    """True if ten digits are not a valid NPI (methodology §4).

    In a valid NPI the first digit is 1 or 2, and the Luhn sum over ``80840`` + NPI is a multiple of ten.

    Also true if the sum cannot be computed: anything but ASCII digits fails.
    """
    digits = [npi.str.slice(i, 1).cast(pl.Int32, strict=False) for i in range(10)]
    # Every second digit from the right (the check digit not doubled); 80840 itself always adds 24.
    doubled = [digit * 2 // 10 + digit * 2 % 10 if i % 2 == 0 else digit for i, digit in enumerate(digits)]
    is_wrong = (reduce(lambda a, b: a + b, doubled) + 24) % 10 != 0
    return (is_wrong | ~digits[0].is_in([1, 2])).fill_null(value=True)


class _Findings:
    """Problems so far: all counted, the first few of each rule and column listed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems: list[Problem] = []
        self.counts: Counter[str] = Counter()

    def add(self, problem: Problem) -> None:
        self.problems.append(problem)
        self.counts[problem.rule] += 1

    def add_rows(self, rule: str, column: str, lines: pl.Series, messages: Sequence[str]) -> None:
        if not lines.len():
            return
        self.counts[rule] += lines.len()
        for line, message in zip(lines.head(LISTED_PER_RULE), messages, strict=False):
            self.problems.append(Problem(rule, message, line, column))

    def raise_errors(self) -> None:
        if any(problem.severity == "ERROR" for problem in self.problems):
            raise TableRefusedError(self.path, self.problems, self.counts)


def _missing_column(name: str, header: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, header, n=1, cutoff=0.7)
    return f"the column '{name}' is missing" + (f" ('{close[0][:60]}' is similar)" if close else "")


def _typed(column: Column) -> pl.Expr:
    cell = pl.col(column.name)
    if column.type == "text":
        return cell
    written = pl.when(cell.str.contains(TYPE_PATTERNS[column.type].pattern)).then(cell)
    if column.type == "date":
        return written.str.to_date("%Y-%m-%d", strict=False).alias(column.name)
    return written.cast(column.polars_type, strict=False).alias(column.name)


def _in_exponent_form(name: str) -> pl.Expr:
    return pl.col(name).str.contains(LOST_DIGITS).fill_null(False)


def _true_masks(cells: pl.DataFrame, conditions: Mapping[str, pl.Expr]) -> Iterator[tuple[str, pl.Series]]:
    """Name and mask of each condition that is true for some row; all are computed in one pass."""
    if conditions:
        masks = cells.select(condition.alias(name) for name, condition in conditions.items())
        yield from ((mask.name, mask) for mask in masks.iter_columns() if mask.any())


def _check_cells(cells: pl.DataFrame, typed: pl.DataFrame, table: Table, findings: _Findings) -> dict[str, pl.Series]:
    """Check the contract's own rules on each column, reporting one breach per cell.

    Returns:
        Column -> mask of the cells that break a rule; only for columns that have such cells.
    """
    rules = {column.name: _rules_of(column, typed) for column in table.columns}
    any_broken = {name: pl.any_horizontal(broken for _, broken, _ in own) for name, own in rules.items()}
    masks = dict(_true_masks(cells, any_broken))
    for name in masks:
        earlier = pl.lit(False)
        for rule, broken, message in rules[name]:
            rows = cells.filter(broken & ~earlier).select(name, LINE)
            if rows.height:
                shown = [message.format(_shown(value)) for value in rows.get_column(name).head(LISTED_PER_RULE)]
                findings.add_rows(rule, name, rows.get_column(LINE), shown)
            earlier = earlier | broken
    return masks


def _rules_of(column: Column, typed: pl.DataFrame) -> list[tuple[str, pl.Expr, str]]:
    """Rule, whether a cell breaks it (never null), and the message, in the order in which they are checked."""
    cell = pl.col(column.name)
    limit = column.max_length or MAX_TEXT
    expected = _expected(column)
    rules: list[tuple[str, pl.Expr, str]] = [
        ("CELL-CONTROL-CHARACTER", cell.str.contains(_CONTROL_CHARACTER), "the cell contains a control character"),
        ("CELL-TOO-LONG", cell.str.len_chars() > limit, f"the cell is longer than {limit} characters"),
    ]
    if not column.nullable:
        rules.append(("CELL-MISSING", cell.is_null(), f"the cell is empty but must contain {expected}"))
    if not column.nullable and column.type == "text" and not column.is_words and not column.allowed:
        is_placeholder = cell.str.to_lowercase().is_in(WORDS)
        rules.append(("CELL-MISSING", is_placeholder, f"{{}} is a placeholder; the cell must contain {expected}"))
    if column.allowed:
        rules.append(("VALUE-NOT-ALLOWED", ~cell.is_in(column.allowed), f"{{}} is not {expected}"))
    elif column.type != "text":
        unread = cell.is_not_null() & typed.get_column(column.name).is_null()
        rules.append(("CELL-FORMAT", unread, f"{{}} is not {expected}"))
        if column.limits is not None:
            least, most = column.limits
            number = typed.get_column(column.name)
            beyond = cell.is_not_null() & ((number < Decimal(least)) | (number > Decimal(most)))
            rules.append(("NUMBER-OUT-OF-RANGE", beyond, f"{{}} is not between {least} and {most}"))
    elif column.name in CODES:
        rules.append(("CELL-FORMAT", ~cell.str.contains(CODES[column.name].pattern), f"{{}} is not {expected}"))
    elif not column.is_words:
        rules.append(("CELL-FORMAT", ~cell.str.contains(ASCII.pattern), f"{{}} is not in {ASCII.words}"))
    if column.name == "npi":
        fails = cell.str.contains(CODES["npi"].pattern) & npi_fails_check_digit(cell)
        rules.append(("NPI-CHECK-DIGIT", fails, "{} fails the check digit of an NPI"))
    return [(rule, broken.fill_null(False), message) for rule, broken, message in rules]


def _expected(column: Column) -> str:
    if column.allowed:
        return "one of " + ", ".join(column.allowed)
    if column.name in CODES:
        return f"{column.meaning}: {CODES[column.name].words}"
    return TYPE_PATTERNS[column.type].words if column.type in TYPE_PATTERNS else column.meaning


def _shown(value: str | None) -> str:
    """A cell as a message may show it: short and harmless on a terminal."""
    text = value or ""
    return ascii(text[:37] + "..." if len(text) > 40 else text)


def _check_key(typed: pl.DataFrame, table: Table, findings: _Findings) -> None:
    key = [name for name in table.key if name in typed.columns]
    if not key or typed.is_empty():
        return
    whole = pl.all_horizontal(pl.col(name).is_not_null() for name in key)
    repeated = typed.filter(whole).filter(~pl.struct(key).is_first_distinct())
    findings.add_rows(
        "KEY-REPEATED",
        ", ".join(key),
        repeated.get_column(LINE),
        ["an earlier row has the same key"] * LISTED_PER_RULE,
    )

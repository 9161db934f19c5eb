"""How spreadsheets write the cells of hand-kept tables, converted to the form that the contract expects.

Belongs here: one expression per habit, from text to text, and how many cells it changed. Does not belong here: types
and rules (``contract_columns``), hospital submissions (``hospital.habits``).

Nothing is guessed: a cell that fits no habit stays unchanged and is judged as it is.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from hcip_pipeline.contracts.table import Column, Table
from hcip_pipeline.tables.placeholders import WORDS

#: Widths of numeric codes, whose leading zeros spreadsheets remove.
WIDTHS = {
    "ccn": 6, "hospital_ccn": 6, "apr_drg": 3, "mdc": 2, "revenue_code_from": 4, "revenue_code_to": 4,
    "disposition_code": 2,
}  # fmt: skip
#: A number of this size in exponent form has lost digits.
LOST_DIGITS = r"^[+-]?[0-9](\.[0-9]+)?[eE]\+[0-9]{2,3}$"

_YES, _NO = ("y", "yes", "true", "t", "1", "1.0"), ("n", "no", "false", "f", "0", "0.0")
#: Exactly three decimals are not accepted: 1.230 is over a thousand if dots separate thousands.
_DIGITS = r"([0-9]{1,3}(,[0-9]{3})+|[0-9]{1,16})(\.([0-9]{0,2}|[0-9]{4,}))?"
_AMOUNT = rf"^(\$?\s*-?\s*\$?\s*{_DIGITS}|\(\s*\$?\s*{_DIGITS}\s*\))$"
#: Blanks of any kind, as web pages and spreadsheets leave them, and zero-width characters.
_OTHER_BLANKS = r"[\s\x{00A0}\x{1680}\x{2000}-\x{200A}\x{202F}\x{205F}\x{3000}]"
_NO_WIDTH = r"[\x{00AD}\x{200B}-\x{200F}\x{2060}\x{FEFF}]"
_WHOLE = r"^-?([0-9]{1,3}(,[0-9]{3})+|[0-9]{1,15})(\.0*)?$"
_MIDNIGHT = r"([ T]0?0:00(:00(\.0+)?)?( ?AM)?|[ T]12:00(:00)? ?AM)"
_MONTH_FIRST = rf"^[0-9]{{1,2}}/[0-9]{{1,2}}/[0-9]{{4}}{_MIDNIGHT}?$"
_WITH_TIME = rf"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}{_MIDNIGHT}(Z|[+-]00:?00)?$"
_ISO = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"


def read_habits(cells: pl.DataFrame, table: Table) -> tuple[pl.DataFrame, list[tuple[str, str, pl.Series]]]:
    """The cells in the form that the contract expects.

    Args:
        cells: the table's columns as text; other columns may be present.

    Returns:
        The frame and, for every rule and column, a mask of the rows whose cell was changed.
    """
    read: list[tuple[str, str, pl.Series]] = []
    for column in table.columns:
        if cells.get_column(column.name).null_count() == cells.height:
            continue
        for rule, habit in _habits(column, cells.get_column(column.name)):
            before = cells.get_column(column.name)
            after = cells.select(habit.alias(column.name)).to_series()
            changed = before.ne_missing(after)
            if changed.any():
                read.append((rule, column.name, changed))
                cells = cells.with_columns(after)
    return cells, read


def has_lost_digits(column: Column) -> bool:
    """Whether an exponent in a cell of the column means that a spreadsheet has lost digits."""
    return column.type in ("money", "integer", "ratio", "mean") or column.name in ("npi", *WIDTHS)


def _habits(column: Column, values: pl.Series) -> Iterator[tuple[str, pl.Expr]]:
    cell = pl.col(column.name)
    yield "CELL-BLANKS", _bare(column)
    if not column.is_words and column.nullable:
        lower = cell.str.to_lowercase()
        known = [code.lower() for code in column.allowed]
        yield (
            "PLACEHOLDER",
            pl.when(lower.is_in([word for word in WORDS if word not in known])).then(None).otherwise(cell),
        )
    if column.name == "npi":
        joined = cell.str.replace_all(r"\s", "").str.replace(r"\.0+$", "")
        yield "CELL-BLANKS", pl.when(joined.str.contains("^[0-9]{10}$")).then(joined).otherwise(cell)
    elif column.name in WIDTHS:
        width = WIDTHS[column.name]
        digits = cell.str.replace(r"\.0+$", "")
        least = width if column.name.endswith("ccn") else 1  # with a digit missing it may be another hospital
        short = digits.str.contains(rf"^[0-9]{{{least},{width}}}$")
        yield "CODE-PADDED", pl.when(short).then(digits.str.zfill(width)).otherwise(cell)
    elif column.name == "grouper_version":
        yield "CODE-SPELLING", cell.str.replace(r"^[vV]?0*([0-9]{1,3})(\.0+)?$", "${1}")
    elif column.allowed:
        yield "CODE-SPELLING", _spelled(column)
    elif column.type == "date":
        if (read := _date(column.name, values)) is not None:
            yield "DATE-FORM", read
    elif column.type == "money":
        yield "NUMBER-FORM", _dollars(cell)
    elif column.type == "integer":
        plain = cell.str.replace_all(",", "", literal=True).str.replace(r"\.0*$", "")
        yield "NUMBER-FORM", pl.when(cell.str.contains(_WHOLE)).then(plain).otherwise(cell)


def _bare(column: Column) -> pl.Expr:
    """The cell without a spreadsheet's text markers, zero-width characters, and surrounding blanks of any kind."""
    cell = pl.col(column.name).str.replace('^="([^"]*)"$', "${1}")
    if column.is_words:
        return cell
    cell = cell.str.replace("^'([^']*)$", "${1}").str.replace_all(_NO_WIDTH, "")
    return cell.str.replace_all(f"^{_OTHER_BLANKS}+|{_OTHER_BLANKS}+$", "")


def _spelled(column: Column) -> pl.Expr:
    cell = pl.col(column.name)
    lower = cell.str.to_lowercase()
    if set(column.allowed) == {"Y", "N"}:
        return pl.when(lower.is_in(_YES)).then(pl.lit("Y")).when(lower.is_in(_NO)).then(pl.lit("N")).otherwise(cell)
    known = {code.lower(): code for code in column.allowed}
    plain = lower.str.replace(r"^([0-9])\.0+$", "${1}")
    return pl.coalesce(plain.replace_strict(known, default=None, return_dtype=pl.String), cell)


def _date(name: str, values: pl.Series) -> pl.Expr | None:
    """How to convert a column of dates, if they are all in one form: month first, or with a time of midnight."""
    forms = [form for form in (_ISO, _MONTH_FIRST, _WITH_TIME) if values.str.contains(form).any()]
    if len(forms) != 1 or forms[0] == _ISO:
        return None
    day = pl.col(name).str.replace(r"[ T].*$", "")
    form = "%m/%d/%Y" if forms[0] == _MONTH_FIRST else "%Y-%m-%d"
    parsed = day.str.to_date(form, strict=False)
    dated = values.str.contains(forms[0])
    if values.to_frame().filter(dated).select(parsed.is_null().any()).item():
        return None  # the day comes before the month, or it is not a date
    return pl.when(pl.col(name).str.contains(forms[0])).then(parsed.cast(pl.String)).otherwise(pl.col(name))


def _dollars(cell: pl.Expr) -> pl.Expr:
    below = cell.str.starts_with("(") | cell.str.contains("-", literal=True)
    plain = cell.str.replace_all(r"[-$,()\s]", "").str.replace(r"(\.[0-9]{2})0+$", "${1}").str.replace(r"\.$", "")
    return pl.when(cell.str.contains(_AMOUNT)).then(pl.when(below).then("-" + plain).otherwise(plain)).otherwise(cell)

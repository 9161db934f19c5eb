"""How spreadsheets and data frames write cells, and how to convert such cells to the text that the edits expect.

Belongs here: one expression per habit, from text to text. Does not belong here: whether a file has the habit
(``mending``), and what a cell may contain (``edits``).

Nothing is guessed: a cell that does not fit a reading stays unchanged, and the edits judge it.
"""

from __future__ import annotations

from dataclasses import dataclass

from hcip_pipeline.contracts.table import Column, Table
from hcip_pipeline.intake.hospital.placeholders import is_placeholder

#: Widths of numeric codes, whose leading zeros spreadsheets remove.
WIDTHS = {
    "hospital_ccn": 6, "apr_drg": 3, "discharge_disposition": 2, "source_of_admission": 2, "primary_payer": 2,
    "revenue_code": 4,
}  # fmt: skip
#: A number of this size in exponent form has lost digits.
LOST_DIGITS = r"[+-]?([0-9](\.[0-9]+)?[eE]\+[0-9]{2,3}|[0-9]\.[0-9]+[eE][0-9]{1,3})"
_NPIS = ("attending_npi", "operating_npi")
_SPREADSHEET_TEXT = '^="([^"]*)"$'
#: Exactly three decimals are not accepted: 1.230 is over a thousand if dots separate thousands.
_DIGITS = r"([0-9]{1,3}(,[0-9]{3})+|[0-9]{1,16})(\.([0-9]{0,2}|[0-9]{2}00+))?"
_AMOUNT = rf"\$?\s*-?\s*\$?\s*{_DIGITS}|\(\s*\$?\s*{_DIGITS}\s*\)"
#: Blanks of any kind, as web pages and spreadsheets leave them, and zero-width characters.
_OTHER_BLANKS = r"\s\x{00A0}\x{1680}\x{2000}-\x{200A}\x{202F}\x{205F}\x{3000}"
_NO_WIDTH = r"[\x{00AD}\x{200B}-\x{200F}\x{2060}\x{FEFF}]"
_WHOLE = "regexp_extract(zip_code, '^[0-9]+')"
_ISO_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_MIDNIGHT = r"([ T]0?0:00(:00(\.0+)?)?( ?AM)?|[ T]12:00(:00)? ?AM)"
#: form of a date -> (pattern, SQL of the date in it)
DATE_FORMS: dict[str, tuple[str, str]] = {
    "iso": (_ISO_DAY, "try_cast({} as date)"),
    "iso with a time": (
        rf"{_ISO_DAY}{_MIDNIGHT}(Z|[+-]00:?00)?",
        "try_cast(left({}, 10) as date)",
    ),
    "month first": (
        rf"[0-9]{{1,2}}/[0-9]{{1,2}}/[0-9]{{4}}{_MIDNIGHT}?",
        r"cast(try_strptime(regexp_extract({}, '^\S+'), '%m/%d/%Y') as date)",
    ),
}


@dataclass(frozen=True)
class ColumnReading:
    """How the cells of one column are read.

    Attributes:
        rule: the rule that counts such cells, without the table's letter.
        sql: SQL over the column's name, from text to text.
    """

    rule: str
    column: str
    sql: str


def without_markers(column: Column) -> ColumnReading:
    """The cell without a spreadsheet's text markers (``="0120"``, ``'0120``) and blanks; an NPI without dashes."""
    name = column.name
    sql = f"case when {name}[1] = '=' then regexp_replace({name}, '{_SPREADSHEET_TEXT}', '\\1') else {name} end"
    sql = f"regexp_replace({sql}, '^''([^'']*)$', '\\1')"
    inner = f"regexp_replace({sql}, '{_NO_WIDTH}', '', 'g')"
    plain = f"regexp_replace({inner}, '^[{_OTHER_BLANKS}]+|[{_OTHER_BLANKS}]+$', '', 'g')"
    sql = f"case when strlen({name}) <> length({name}) then {plain} else {sql} end"
    if name in _NPIS:
        joined = f"regexp_replace({sql}, '[{_OTHER_BLANKS}-]', '', 'g')"
        sql = rf"case when regexp_full_match({joined}, '[0-9]{{10}}') then {joined} else {sql} end"
    return ColumnReading("BLANKS", name, sql)


def without_placeholders(column: Column) -> ColumnReading | None:
    """Placeholders read as empty cells; None for a column that may not be empty."""
    if not column.nullable:
        return None
    return ColumnReading(
        "PLACEHOLDER", column.name, f"case when {is_placeholder(column.name)} then '' else {column.name} end"
    )


def without_decimals(column: str) -> ColumnReading:
    """Identifiers that all end in ``.0``, as data frames write whole numbers."""
    return ColumnReading("ID-FORM", column, f"regexp_replace({column}, '^([0-9]+)\\.0+$', '\\1')")


def column_habit(column: Column) -> ColumnReading | None:
    """The habit of this kind of column; None if it has none, and for dates, which are read by whole columns."""
    name = column.name
    if name in WIDTHS:
        return ColumnReading("CODE-PADDED", name, _padded(name, WIDTHS[name]))
    if name == "zip_code":
        short = rf"regexp_full_match({name}, '[0-9]{{3,4}}|[0-9]{{3,5}}\.0+')"
        return ColumnReading("CODE-PADDED", name, f"case when {short} then lpad({_WHOLE}, 5, '0') else {name} end")
    if name == "sex":
        return ColumnReading(
            "CODE-SPELLING", name,
            "case when lower(sex) in ('f', 'female') then 'F' when lower(sex) in ('m', 'male') then 'M'"
            " when lower(sex) in ('u', 'unk', 'unknown') then 'U' else sex end",
        )  # fmt: skip
    if name == "grouper_version":
        return ColumnReading("CODE-SPELLING", name, rf"regexp_replace({name}, '^[vV]?0*([0-9]{{1,3}})(\.0+)?$', '\1')")
    if name in _NPIS:
        return ColumnReading("CODE-SPELLING", name, rf"regexp_replace({name}, '^([0-9]{{10}})\.0+$', '\1')")
    if column.allowed:
        return ColumnReading("CODE-SPELLING", name, rf"regexp_replace({name}, '^0?([0-9])(\.0+)?$', '\1')")
    if column.type == "money":
        return ColumnReading("MONEY-FORM", name, _dollars(name))
    if column.type == "integer":
        whole = rf"regexp_full_match({name}, '-?([0-9]{{1,3}}(,[0-9]{{3}})+|[0-9]{{1,15}})(\.0*)?')"
        plain = f"regexp_replace(regexp_replace({name}, ',', '', 'g'), '\\.0*$', '')"
        return ColumnReading(
            "UNITS-FORM", name, f"case when {whole} then cast(try_cast({plain} as bigint) as varchar) else {name} end"
        )
    return None


def date_reading(column: str, form: str) -> ColumnReading:
    """The reading of a column of dates that are all in one form."""
    pattern, day = DATE_FORMS[form]
    read = day.format(column)
    return ColumnReading(
        "DATE-FORM", column,
        f"case when regexp_full_match({column}, '{pattern}') then cast({read} as varchar) else {column} end",
    )  # fmt: skip


def has_lost_digits(column: Column) -> str | None:
    """SQL: the cell is a number in exponent form, which has lost digits; None if the column allows such cells."""
    if column.type in ("money", "integer") or column.name in ("account_no", "patient_id", *_NPIS):
        return f"regexp_full_match(trim({column.name}), '{LOST_DIGITS}')"
    return None


def mended(cells: str, table: Table, readings: tuple[ColumnReading, ...]) -> str:
    """The SQL of cells with the readings applied: text markers are removed before anything else is read."""
    for stage in stages(readings):
        changed = {reading.column: reading.sql for reading in stage}
        columns = ", ".join(f"{changed[name]} as {name}" if name in changed else name for name in table.names)
        cells = f"select row, shape_ok, has_control, {columns} from ({cells})"
    return cells


def stages(readings: tuple[ColumnReading, ...]) -> list[tuple[ColumnReading, ...]]:
    """The readings in the order they are applied: text markers and blanks, placeholders, forms."""
    first = ("BLANKS", "PLACEHOLDER")
    by_stage = [tuple(reading for reading in readings if reading.rule == rule) for rule in first]
    forms = tuple(reading for reading in readings if reading.rule not in first)
    return [stage for stage in (*by_stage, forms) if stage]


def _padded(name: str, width: int) -> str:
    if name == "hospital_ccn":  # with a digit missing it may be another hospital
        return f"regexp_replace({name}, '^([0-9A-Z]{{6}})\\.0+$', '\\1')"
    digits = f"lpad(regexp_extract({name}, '^[0-9]+'), {width}, '0')"
    short = f"regexp_full_match({name}, '[0-9]{{1,{width - 1}}}|[0-9]{{1,{width}}}\\.0+')"
    if name == "source_of_admission":
        letter = f"when regexp_full_match({name}, '0?[A-Ga-g]') then '0' || upper(right({name}, 1))"
        return f"case when {short} then {digits} {letter} else {name} end"
    return f"case when {short} then {digits} else {name} end"


def _dollars(name: str) -> str:
    is_amount = f"regexp_full_match({name}, '{_AMOUNT}')"
    plain = rf"try_cast(regexp_replace({name}, '[-$,()\s]', '', 'g') as decimal(38,2))"
    below = f"({name}[1] = '(' or contains({name}, '-'))"
    return (
        f"case when {is_amount} then cast(case when {below} then -{plain} else {plain} end as varchar) else {name} end"
    )

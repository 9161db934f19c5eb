"""Columns of codes or lists of codes: how they are written, and how other spellings are read.

Belongs here: diagnoses, procedures and complications. Does not belong here: whether a file has the habit (``mending``).

A cell is converted only if all of it becomes a list of codes; otherwise it stays as sent, and a check reports it.
"""

from __future__ import annotations

from hcip_pipeline.tables.placeholders import WORDS

_DIAGNOSIS = "[A-Z][0-9][0-9A-Z]{1,5}"
_DAY = "(19|20)[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
#: column -> one item: ICD-10-CM with or without its present-on-admission flag, ICD-10-PCS with or without its day, and
#: any code of a complication, but not a single digit, which may be a flag or a count
_ITEMS = {
    "principal_diagnosis": _DIAGNOSIS,
    "diagnoses": f"{_DIAGNOSIS}(:[YNUW1E])?",
    "procedures": f"[0-9A-HJ-NP-Z]{{7}}(:{_DAY})?",
    "hac_flags": "[A-Z][A-Z0-9._-]{1,11}|[0-9]{2,3}",
}
COLUMNS = tuple(_ITEMS)
#: Columns whose irregular cells are only reported; an irregular cell of hac_flags is an error.
WARNED = tuple(name for name in COLUMNS if name != "hac_flags")
#: How "no complication" and an unnamed complication are written.
_NO, _YES = ("n", "no", "false", "f", "0", "00"), ("YES", "TRUE", "NO", "FALSE")
_MIDNIGHT = r"[ T]0?0:00(:00(\.0+)?)?"


def is_irregular(column: str, cell: str = "") -> str:
    """SQL: the cell is filled and not written as the contract requires; null for an empty cell.

    Args:
        cell: SQL of the cell; by default the column itself.
    """
    cell, item = cell or column, _ITEMS[column]
    pattern = item if column == "principal_diagnosis" else rf"({item})(\|({item}))*"
    sql = f"{cell} <> '' and not regexp_full_match({cell}, '{pattern}')"
    if column == "hac_flags":
        unnamed = ", ".join(f"'{word.upper()}'" for word in (*_YES, *WORDS))
        sql = f"{cell} <> '' and ({sql} or list_has_any(string_split({cell}, '|'), [{unnamed}]))"
    return f"({sql})"


def read_sql(column: str, *, month_first: bool) -> str:
    """SQL of the cell in the contract's form, or unchanged if that form is not certain.

    Args:
        month_first: whether days such as ``3/14/2025`` are read; False if any cell has the day before the month.
    """
    text = rf"regexp_replace(upper({column}), '\s*:\s*', ':', 'g')"
    if column == "principal_diagnosis":
        read = f"regexp_replace(replace({text}, '.', ''), ':[YNUW1E]?$', '')"
    else:
        nothing = ", ".join(f"'{word.upper()}'" for word in ("", *WORDS, *(_NO if column == "hac_flags" else ("0",))))
        read = f"array_to_string(list_filter({_items(column, text, month_first)}, lambda x: x not in ({nothing})), '|')"
    return f"case when {is_irregular(column)} and not {is_irregular(column, read)} then {read} else {column} end"


def has_day_first() -> str:
    """SQL: a day of the procedures is written before its month."""
    return r"regexp_matches(procedures, ':\s*(1[3-9]|2[0-9]|3[01])/')"


def _items(column: str, text: str, month_first: bool) -> str:
    """SQL for the list of items in a text, without blanks, and with codes without dots."""
    if column == "hac_flags":
        return rf"list_transform(regexp_split_to_array({text}, '[|;,]'), lambda x: regexp_replace(x, '\s', '', 'g'))"
    if column == "diagnoses":
        bare = "regexp_replace(replace(x, '.', ''), ':$', '')"
        return rf"list_transform(regexp_split_to_array({text}, '[|;, ]+'), lambda x: {bare})"
    whole_days = rf"regexp_replace({text}, '([0-9]){_MIDNIGHT}', '\1', 'g')"
    return rf"list_transform(regexp_split_to_array({whole_days}, '[|;, ]+'), lambda x: {_procedure(month_first)})"


def _procedure(month_first: bool) -> str:
    """SQL of one procedure ``x`` with its day as YYYY-MM-DD."""
    code = "split_part(x, ':', 1)"
    forms = [("[0-9]{8}", "%Y%m%d")]
    if month_first:
        forms.append(("[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}", "%m/%d/%Y"))
    cases = [f"when regexp_full_match(x, '[0-9A-Z]+:') then {code}"]
    for pattern, form in forms:
        day = f"cast(cast(try_strptime(split_part(x, ':', 2), '{form}') as date) as varchar)"
        cases.append(f"when regexp_full_match(x, '[0-9A-Z]+:{pattern}') then coalesce({code} || ':' || {day}, x)")
    return f"case {' '.join(cases)} else x end"

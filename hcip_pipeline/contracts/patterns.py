"""Patterns of cells by type and code, the same for polars, DuckDB and Python.

Belongs here: every pattern that a contract's cell must match. Does not belong here: which columns there are.

Patterns are ASCII only: in Python and Rust ``\\d`` and ``\\w`` match the digits and letters of every script, and a code
in other digits looks right but matches no table.
"""

from __future__ import annotations

from dataclasses import dataclass

from hcip_pipeline.contracts.table import ColumnType


@dataclass(frozen=True)
class CellPattern:
    """A pattern that the whole cell must match, and its description."""

    pattern: str
    words: str


#: Cells by type of the column.
TYPE_PATTERNS: dict[ColumnType, CellPattern] = {
    "date": CellPattern(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "a date, YYYY-MM-DD"),
    "integer": CellPattern(r"^-?[0-9]{1,18}$", "a whole number, digits only"),
    "money": CellPattern(
        r"^-?[0-9]{1,16}(\.[0-9]{1,2})?$", "an amount with at most two decimals, no $ and no thousands separators"
    ),
    "mean": CellPattern(r"^-?[0-9]{1,14}(\.[0-9]{1,4})?$", "a number with at most four decimals"),
    "ratio": CellPattern(r"^-?[0-9]{1,10}(\.[0-9]{1,8})?$", "a number with at most eight decimals"),
}

_CCN = CellPattern(r"^[0-9A-Z]{6}$", "six capital letters or digits, leading zeros kept")
_REVENUE_CODE = CellPattern(r"^[0-9]{4}$", "four digits, leading zeros kept")

#: Codes by column name.
CODES: dict[str, CellPattern] = {
    "ccn": _CCN,
    "hospital_ccn": _CCN,
    "npi": CellPattern(r"^[0-9]{10}$", "ten digits"),
    "apr_drg": CellPattern(r"^[0-9]{3}$", "three digits, leading zeros kept"),
    "mdc": CellPattern(r"^[0-9]{2}$", "two digits, leading zeros kept"),
    "revenue_code_from": _REVENUE_CODE,
    "revenue_code_to": _REVENUE_CODE,
    "disposition_code": CellPattern(r"^[0-9]{2}$", "two digits, leading zeros kept"),
}

#: Any other code: no letter or digit of another script. Text for people (``Column.is_words``) may contain any.
ASCII = CellPattern(r"^[ -~]*$", "only ASCII letters, digits and signs: no look-alikes from other scripts")

#: A tax identification number, with or without its dash.
TIN = r"^([0-9]{9}|[0-9]{2}-[0-9]{7})$"
#: A range of grouper versions.
VERSION_RANGE = r"^([0-9]{1,9})-([0-9]{1,9})$"
#: An unsigned amount as a hospital writes it.
CHARGE = r"[0-9]{1,16}\.[0-9][0-9]"

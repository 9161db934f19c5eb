"""Text that a spreadsheet program could run as a formula: the one definition for CSV files and workbooks.

A cell is run if it begins with ``=``, ``+``, ``-`` or ``@``. Some programs also accept the full-width and small forms
of these signs, skip blanks and invisible characters before them, or begin a new cell at a tab or line end. In a CSV
file, an apostrophe before the text keeps it text; text that already begins with apostrophes and such a sign gets one
more, so that removing one always restores the text. In a workbook the cell has ``quotePrefix``.

Belongs here: that definition. Does not belong here: writing files (``tables``, ``reports.workbook``).
"""

from __future__ import annotations

import re

import polars as pl

_SIGNS = r"=+\-@＝＋－＠﹦﹢﹣﹫"
#: blanks, controls and invisible characters, then a sign; or a tab or line end at the very beginning
_FORMULA = rf"^'*(?:[\p{{Z}}\p{{Cc}}\p{{Cf}}]*[{_SIGNS}]|[\t\r\n])"
_SIGN = re.compile(f"[{_SIGNS}]")


def neutralized(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with an apostrophe before every text cell that a spreadsheet could run as a formula."""
    if not frame.height:
        return frame
    text = pl.col(pl.String)
    return frame.with_columns(pl.when(text.str.contains(_FORMULA)).then("'" + text).otherwise(text).name.keep())


def looks_like_formula(text: str) -> bool:
    """Whether a spreadsheet could run one cell's text as a formula."""
    # Nearly every cell contains no sign at all: only the others need the slower Unicode-aware pattern.
    return bool(text[:1] in "\t\r\n" or _SIGN.search(text)) and bool(pl.Series([text]).str.contains(_FORMULA).item())

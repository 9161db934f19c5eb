"""What a spreadsheet program would take for a formula, in one place for CSV files and workbooks.

A cell is run when it begins with ``=``, ``+``, ``-`` or ``@``; some programs also take the full-width and small forms
of these signs, skip blanks and invisible characters before them, or begin a new cell at a tab or line end. In a CSV
file an apostrophe before the text keeps it text; text that already looks so guarded gets one more, so that taking one
away always gives the text back. In a workbook the cell carries ``quotePrefix``.

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
    """Text cells that a spreadsheet would run as a formula, with an apostrophe before them."""
    if not frame.height:
        return frame
    text = pl.col(pl.String)
    return frame.with_columns(pl.when(text.str.contains(_FORMULA)).then("'" + text).otherwise(text).name.keep())


def looks_like_formula(text: str) -> bool:
    """Whether one cell is text that a spreadsheet could run."""
    # Nearly every cell holds no sign at all: only the others go through the engine that knows Unicode classes.
    return bool(text[:1] in "\t\r\n" or _SIGN.search(text)) and bool(pl.Series([text]).str.contains(_FORMULA).item())

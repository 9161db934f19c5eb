"""The mark SYNTHETIC on every page, workbook and CSV file of a release of invented data, so that no one can miss it.

Belongs here: how a page, a table or a CSV document gets the mark. Does not belong here: which data are invented
(``reference.invented``).
"""

from __future__ import annotations

import csv
import io

import polars as pl

from hcip_pipeline.contracts.table import Column
from hcip_pipeline.reference.invented import MARK

WORDS = f"{MARK} DATA: invented hospitals, people and dollars. Nothing here is payable."

#: The last column of every table of a release of invented data; its cells are empty.
COLUMN = Column(MARK, "text", "this table is synthetic: every row is invented", nullable=True)

#: Above the page on screen and on the first sheet of paper, and in the bottom margin of every sheet, clear of the text.
_BANNER = (
    "<style>.synthetic-mark{background:#8a1c14;color:#fff;font:bold 1rem/1.4 system-ui,sans-serif;text-align:center;"
    "padding:.4rem 1rem;margin:0 0 1rem}"
    "@media print{.synthetic-mark{background:#fff;color:#8a1c14;border:1px solid #8a1c14;font-size:9px;"
    "padding:1px 6px;margin:0 0 4px}}"
    f"@page{{@bottom-left{{content:'{WORDS}';color:#8a1c14;font:bold 8px sans-serif;white-space:nowrap}}}}</style>"
    f'<div class="synthetic-mark" role="note">{WORDS}</div>'
)


def marked_frame(frame: pl.DataFrame) -> pl.DataFrame:
    """The table with the column whose name is the mark."""
    return frame.with_columns(pl.lit(None, pl.String).alias(MARK))


def marked_document(content: bytes, mediatype: str) -> bytes:
    """A page with the banner, or a CSV document with the column; other files unchanged (workbooks mark themselves)."""
    if mediatype == "text/html":
        start = content.index(b"<body")
        end = content.index(b">", start) + 1
        return content[:end] + _BANNER.encode() + content[end:]
    if mediatype == "text/csv":
        out = io.StringIO(newline="")
        writer = csv.writer(out)
        rows = csv.reader(io.StringIO(content.decode("utf-8"), newline=""))
        writer.writerows([*row, MARK if at == 0 else ""] for at, row in enumerate(rows))
        return out.getvalue().encode()
    return content

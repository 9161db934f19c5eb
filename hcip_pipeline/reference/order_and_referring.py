"""CMS's list of who may order and refer: ``reference/order_and_referring.csv``, as published.

Belongs here: which NPIs are on it. Does not belong here: who should be (``screening``).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from hcip_pipeline.reference.wide_lists import ListColumns, read_list_columns, read_npis

NAME, SOURCE = "order_and_referring", "CMS"

#: The columns that CMS publishes; a file with others is a different list, even if it has NPIs.
COLUMNS = ("npi", "last_name", "first_name", "partb", "dme", "hha", "pmd")


@dataclass(frozen=True)
class OrderAndReferring:
    """The NPIs on the list, each once, as a column because there are two million."""

    npis: pl.Series
    columns: ListColumns


def read_order_and_referring(path: Path, within: Path | None = None) -> OrderAndReferring:
    """Read the list.

    Raises:
        TableRefusedError: the file cannot be read, or a column is missing.
    """
    found = read_list_columns(path, COLUMNS, (), within, lambda rows: read_npis(path, rows))
    return OrderAndReferring(found.frame.get_column("npi").drop_nulls().unique(), found)

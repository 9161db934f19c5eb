"""Recognizing invented data by the rates that came with them.

Belongs here: recognizing them. Does not belong here: how a page or a table is marked (``release.synthetic_mark``).
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

MARK = "SYNTHETIC"


def is_synthetic(rates: Iterable[pl.DataFrame]) -> bool:
    """Whether the rates are those of an invented state: a table's ``source`` begins with the mark."""
    sources = (frame["source"] for frame in rates if "source" in frame.columns)
    return any(bool(source.str.starts_with(MARK).any()) for source in sources)

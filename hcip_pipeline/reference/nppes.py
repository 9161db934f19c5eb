"""NPPES, CMS's registry of NPIs: ``reference/nppes.csv``, the file npidata_pfile unchanged, or only the needed columns.

Belongs here: which NPIs are organizations' or deactivated. Does not belong here: the effect on a payment
(``screening``).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from hcip_pipeline.reference.wide_lists import ListColumns, read_list_columns, read_npis, refuse_cells
from hcip_pipeline.tables.tabular import LINE

NAME, SOURCE = "nppes", "NPPES"

_NPI, _TYPE, _OFF, _ON = "npi", "entity type code", "npi deactivation date", "npi reactivation date"
_UPDATED = "last update date"
_ORGANIZATION = "2"
_FORMS = ("%m/%d/%Y", "%Y-%m-%d", "%Y%m%d")


@dataclass(frozen=True)
class Registry:
    """The parsed registry.

    Attributes:
        irregular: organizations' and deactivated NPIs, in the columns of ``contracts.screening.IRREGULAR_NPIS``, and
            ``LINE``, ordered by NPI.
        newest: the newest date in the file; None if it has none.
    """

    irregular: pl.DataFrame
    newest: dt.date | None
    columns: ListColumns


def read_nppes(path: Path, within: Path | None = None) -> Registry:
    """Read the registry, column by column.

    Raises:
        TableRefusedError: the file cannot be read, a column is missing, or a date of deactivation or reactivation is
            not valid.
    """
    newest: list[dt.date] = []

    def keep(rows: pl.DataFrame) -> pl.DataFrame:
        days = rows.select(_day(name).max().alias(name) for name in (_OFF, _ON, _UPDATED)).row(0)
        newest.extend(day for day in days if day is not None)
        is_organization = pl.col(_TYPE).str.strip_chars_start("0").str.replace(r"\.0+$", "") == _ORGANIZATION
        kept = rows.with_columns(is_organization.fill_null(value=False).alias("is_organization"))
        return read_npis(path, kept.filter(pl.col("is_organization") | pl.col(_OFF).is_not_null()))

    found = read_list_columns(path, (_NPI, _TYPE, _OFF, _ON), (_UPDATED,), within, keep)
    rows = found.frame.with_columns(_day(_OFF).alias("deactivated_on"), _day(_ON).alias("reactivated_on"))
    for column, day in ((_OFF, "deactivated_on"), (_ON, "reactivated_on")):
        wrong = rows.filter(pl.col(day).is_null() & pl.col(column).is_not_null())
        if wrong.height:
            refuse_cells(path, "CELL-FORMAT", column, wrong, "the cell is not a date, MM/DD/YYYY")
    known = rows.filter(pl.col(_NPI).is_not_null()).unique(_NPI, keep="last", maintain_order=True)
    irregular = known.select(_NPI, "is_organization", "deactivated_on", "reactivated_on", LINE)
    return Registry(irregular.sort(_NPI), max(newest, default=None), found)


def _day(name: str) -> pl.Expr:
    """A date as CMS or a spreadsheet writes it."""
    day = pl.col(name).str.replace(r"[ T].*$", "")
    return pl.coalesce(day.str.to_date(form, strict=False) for form in _FORMS)

"""The OIG's List of Excluded Individuals and Entities as published: ``reference/leie.csv``, the file UPDATED.csv.

Belongs here: reading the list, and the people it excludes, by NPI or by name. Does not belong here: exclusion in a
period (``exclusions``), and comparing names (``name_matching``).

The list has eighteen columns. Dates are ``yyyymmdd``, and ``00000000`` means no date; the NPI ``0000000000`` means
unknown, in nine of ten rows. It is put into the inbox unchanged.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from hcip_pipeline.contracts.reference import EXCLUDED_INDIVIDUALS
from hcip_pipeline.reference.wide_lists import ListColumns, read_list_columns, read_npis, refuse_cells

#: The name of the table's file, and the source in the tables about payments.
NAME, SOURCE = "leie", "OIG"

COLUMNS = (
    "lastname", "firstname", "midname", "busname", "general", "specialty", "upin", "npi", "dob", "address", "city",
    "state", "zip", "excltype", "excldate", "reindate", "waiverdate", "wvrstate",
)  # fmt: skip
_NEEDED = ("lastname", "firstname", "busname", "npi", "excldate", "reindate", "waiverdate", "wvrstate")
_WANTED = tuple(name for name in COLUMNS if name not in _NEEDED)
_DAYS = {"excldate": "effective_date", "reindate": "reinstated_date", "waiverdate": "waived_on"}


@dataclass(frozen=True)
class ExclusionList:
    """The parsed list. Each row occurs once; ``effective_date``, ``reinstated_date`` and ``waived_on`` are dates.

    Attributes:
        individuals: rows with an NPI, in the columns of ``EXCLUDED_INDIVIDUALS``, without waived ones.
        by_name: rows without a readable NPI, without waived ones; by themselves they exclude nobody.
        waived: rows waived in the region's state.
        repeated: how many rows are identical to an earlier one.
        nameless: how many rows have neither an NPI nor a name, and so match no one.
        newest: the newest date in the file.
    """

    individuals: pl.DataFrame
    by_name: pl.DataFrame
    waived: pl.DataFrame
    repeated: int
    nameless: int
    newest: dt.date | None
    columns: ListColumns


def read_leie(path: Path, state: str, within: Path | None = None) -> ExclusionList:
    """Read the list.

    Args:
        state: the hospitals' state, as two letters: people with a waiver for it are not excluded there.
        within: the folder that no link may lead out of.

    Raises:
        TableRefusedError: the file cannot be read, a column is missing, or a date is not valid.
    """
    found = read_list_columns(path, _NEEDED, _WANTED, within)
    given = [name for name in COLUMNS if name in found.columns]
    listed = found.frame.unique(subset=given, keep="first", maintain_order=True)
    dated = read_npis(path, listed).with_columns(_day(column).alias(day) for column, day in _DAYS.items())
    for column, day in _DAYS.items():
        is_wrong = pl.col(day).is_null() & (~_is_none(column) | pl.lit(column == "excldate"))
        if (wrong := dated.filter(is_wrong)).height:
            refuse_cells(path, "CELL-FORMAT", column, wrong, "the cell is not a date, yyyymmdd")
    is_waived = (pl.col("wvrstate").str.to_uppercase() == state) & pl.col("waived_on").is_not_null()
    marked = dated.with_columns(is_waived.fill_null(value=False).alias("is_waived"))
    in_force = marked.filter(~pl.col("is_waived"))
    known = in_force.filter(pl.col("npi").is_not_null())
    unknown = in_force.filter(pl.col("npi").is_null())
    has_name = pl.any_horizontal(pl.col(name).is_not_null() for name in ("lastname", "firstname", "busname"))
    newest = dated.select(pl.max_horizontal(pl.col("effective_date").max(), pl.col("reinstated_date").max())).item()
    schema = EXCLUDED_INDIVIDUALS.schema
    individuals = known.with_columns(pl.lit(SOURCE).alias("source"))
    return ExclusionList(
        individuals.select(pl.col(name).cast(schema[name]) for name in schema).sort(EXCLUDED_INDIVIDUALS.key),
        by_name=unknown.filter(has_name),
        waived=marked.filter("is_waived"),
        repeated=found.frame.height - listed.height,
        nameless=unknown.filter(~has_name).height,
        newest=newest,
        columns=found,
    )


def _digits(name: str) -> pl.Expr:
    return pl.col(name).str.replace(r"\.0+$", "").str.zfill(8)


def _is_none(name: str) -> pl.Expr:
    return pl.col(name).is_null() | (_digits(name) == "0" * 8)


def _day(name: str) -> pl.Expr:
    """A date as the OIG writes it; spreadsheets turn ``00000000`` into ``0``."""
    return pl.when(~_is_none(name)).then(_digits(name)).str.to_date("%Y%m%d", strict=False)

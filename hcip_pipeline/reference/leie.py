"""The OIG's List of Excluded Individuals and Entities as it is published: ``reference/leie.csv``, the file UPDATED.csv.

Belongs here: reading the list, and which NPIs it excludes. Does not belong here: the exclusion as of a period
(``exclusions``).

Eighteen columns; dates are ``yyyymmdd`` and ``00000000`` is none; NPI ``0000000000`` is unknown (nine of ten).
The list is put into the inbox unchanged.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from hcip_pipeline.contracts.reference import EXCLUDED_INDIVIDUALS
from hcip_pipeline.tables.contract_columns import contract_schema
from hcip_pipeline.tables.problems import LISTED_PER_RULE, Problem, TableRefusedError
from hcip_pipeline.tables.tabular import LINE, TextTable, read_text_table

#: Name of the table's file, and what the payments are told of it.
NAME, SOURCE = "leie", "OIG"

COLUMNS = (
    "lastname", "firstname", "midname", "busname", "general", "specialty", "upin", "npi", "dob", "address", "city",
    "state", "zip", "excltype", "excldate", "reindate", "waiverdate", "wvrstate",
)  # fmt: skip
_NEEDED = ("lastname", "firstname", "busname", "npi", "excldate", "reindate", "waiverdate", "wvrstate")
_NO_NPI, _NO_DATE = "0000000000", "00000000"


@dataclass(frozen=True)
class ExclusionList:
    """The list as read.

    Attributes:
        individuals: rows with an NPI in the columns of ``EXCLUDED_INDIVIDUALS``, waived ones apart.
        rows, without_npi, repeated, waived: rows of the file; of these without an NPI, byte-identical to an earlier
            one, and waived in the region's state.
    """

    individuals: pl.DataFrame
    rows: int
    without_npi: int
    repeated: int
    waived: int
    text: TextTable


def read_leie(path: Path, state: str, within: Path | None = None) -> ExclusionList:
    """Read the list.

    Args:
        state: of the hospitals, by its two letters: whom it has waived for that state it does not exclude there.
        within: the folder that no link may lead out of.

    Raises:
        TableRefusedError: the file cannot be read, a column is missing, or an NPI or a date of exclusion is none.
    """
    text = read_text_table(path, within)
    missing = [name for name in _NEEDED if name not in text.header]
    if missing:
        problems = [Problem("COLUMN_MISSING", f"the column '{name}' is missing", 1, name) for name in missing]
        raise TableRefusedError(path, problems, Counter(COLUMN_MISSING=len(missing)))
    listed = text.frame.unique(subset=list(text.header), keep="first", maintain_order=True)
    npi = pl.col("npi").fill_null(_NO_NPI).str.zfill(10)
    dated = listed.with_columns(npi.alias("npi"), *(_day(name) for name in ("excldate", "reindate", "waiverdate")))
    known = dated.filter(pl.col("npi") != _NO_NPI)
    _refuse(path, "CELL_FORMAT", "npi", known.filter(~pl.col("npi").str.contains("^[0-9]{10}$")), "is no NPI")
    _refuse(path, "CELL_FORMAT", "excldate", known.filter(pl.col("excldate").is_null()), "is no date, yyyymmdd")
    is_waived = (pl.col("wvrstate") == state) & pl.col("waiverdate").is_not_null()
    waived = known.filter(is_waived)
    individuals = known.filter(~is_waived.fill_null(value=False)).select(
        "npi",
        pl.lit(SOURCE).alias("source"),
        pl.col("excldate").alias("effective_date"),
        pl.col("reindate").alias("reinstated_date"),
    )
    schema = contract_schema(EXCLUDED_INDIVIDUALS)
    return ExclusionList(
        individuals.select(pl.col(name).cast(schema[name]) for name in schema).sort(EXCLUDED_INDIVIDUALS.key),
        rows=text.frame.height,
        without_npi=listed.height - known.height,
        repeated=text.frame.height - listed.height,
        waived=waived.height,
        text=text,
    )


def _day(name: str) -> pl.Expr:
    cell = pl.col(name).str.zfill(8)
    return pl.when(cell != _NO_DATE).then(cell).str.to_date("%Y%m%d", strict=False).alias(name)


def _refuse(path: Path, rule: str, column: str, rows: pl.DataFrame, words: str) -> None:
    if rows.height:
        lines = rows.get_column(LINE).head(LISTED_PER_RULE)
        problems = [Problem(rule, f"the cell {words}", line, column) for line in lines]
        raise TableRefusedError(path, problems, Counter({rule: rows.height}))

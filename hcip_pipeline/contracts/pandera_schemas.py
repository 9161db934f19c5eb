"""pandera schemas of the contracts' tables, and the guard that refuses a frame whose types or shape are not theirs.

Belongs here: what follows from a column's declaration (type, nullability, allowed values, length, order).
Does not belong here: a rule of its own; rows are judged by the edits (``intake``) and by dbt tests.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING

import polars as pl

from hcip_pipeline.contracts.table import Column, Table
from hcip_pipeline.errors import HcipError

if TYPE_CHECKING:
    from pandera.polars import Check, DataFrameSchema

#: Values are looked at in this many rows, types in all of them: edits have judged every row, and a frame in which
#: everything fails takes pandera very long to report.
MAX_SAMPLE = 10_000


@cache
def schema(table: Table) -> DataFrameSchema:
    """The table as a pandera schema: its columns and no others, in their order."""
    import pandera.polars as pandera  # a second to import, and `hcip check` needs none of it

    columns = {
        column.name: pandera.Column(
            column.polars_type, nullable=column.nullable, checks=_checks(column), required=not column.optional
        )
        for column in table.columns
    }
    return pandera.DataFrameSchema(columns, name=table.name, strict=True, ordered=True)


def _checks(column: Column) -> list[Check]:
    import pandera.polars as pandera

    checks = []
    if column.allowed:
        checks.append(pandera.Check.isin(column.allowed))
    if column.max_length is not None:
        checks.append(pandera.Check.str_length(max_value=column.max_length))
    return checks


@cache
def _whole(table: Table) -> DataFrameSchema:
    """The same declarations as one check on the frame: pandera, asked by column, takes five times as long."""
    import pandera.polars as pandera

    return pandera.DataFrameSchema(checks=pandera.Check(lambda data: _holds(data.lazyframe, table)), name=table.name)


def _holds(frame: pl.LazyFrame, table: Table) -> pl.LazyFrame:
    """A column of truths for each thing declared, none of them false where the frame is the table's."""
    there = frame.collect_schema()
    columns = [column for column in table.columns if not column.optional or column.name in there]
    if list(there.items()) != [(column.name, column.polars_type) for column in columns]:
        return pl.LazyFrame({"types": [False]})
    truths = [pl.lit(True).alias("types")]
    for column in columns:
        cell = pl.col(column.name)
        if not column.nullable:
            truths.append(cell.is_not_null().all().alias(f"{column.name} is there"))
        if column.allowed:
            truths.append(cell.is_in(column.allowed).all().alias(f"{column.name} is allowed"))
        if column.max_length is not None:
            truths.append((cell.str.len_chars() <= column.max_length).all().alias(f"{column.name} is short enough"))
    return frame.select(truths)


def guard(frame: pl.DataFrame, table: Table, what: str) -> None:
    """Refuse a frame that is not the table's.

    Args:
        what: what the frame is, for the message; never a cell of it.

    Raises:
        HcipError: a type, column, null, length or value the contract does not allow; or pandera would not look.
    """
    from pandera.config import ValidationDepth, get_config_context
    from pandera.errors import SchemaError, SchemaErrors

    config = get_config_context()
    is_full = config.validation_enabled and config.validation_depth == ValidationDepth.SCHEMA_AND_DATA
    # A lazy frame, or validation switched off in the environment, would pass whatever it holds.
    if not isinstance(frame, pl.DataFrame) or not is_full:
        raise HcipError(
            f"{what} cannot be validated",
            fix="unset PANDERA_VALIDATION_ENABLED and PANDERA_VALIDATION_DEPTH in the environment",
            rule="CONTRACT",
        )
    sample = frame.head(MAX_SAMPLE)
    with suppress(SchemaError, SchemaErrors):
        _whole(table).validate(sample)
        return
    reasons = "the whole-frame check failed, and no column's check did"
    try:  # the schema by column states what is wrong
        schema(table).validate(sample, lazy=True)
    except (SchemaError, SchemaErrors) as error:
        reasons = _reasons(error)
    raise HcipError(
        f"{what} breaks the contract of {table.name}: {reasons}",
        fix="this is a fault of the program, not of the data: keep the input and report it",
        rule="CONTRACT",
    )


def _reasons(error: Exception) -> str:
    """Columns and checks that failed; no cell, for a cell may be a patient's."""
    cases = getattr(error, "failure_cases", None)
    if not isinstance(cases, pl.DataFrame) or not {"column", "check", "failure_case"} <= set(cases.columns):
        return type(error).__name__
    # Checks on the set of columns name a column where the others show a cell.
    on_columns = pl.col("check").str.starts_with("column_")
    named = pl.when(on_columns).then(pl.col("failure_case").cast(pl.String)).otherwise("column")
    reported = cases.select(pl.format("{}: {}", named, "check")).to_series().unique(maintain_order=True)
    return "; ".join(reported.head(5).to_list())

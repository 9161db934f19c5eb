"""pandera schemas of the contracts' tables, and a guard that refuses frames with other types or another shape.

Belongs here: what follows from a column's declaration (type, nullability, allowed values, length, order).
Does not belong here: further rules; rows are judged by the edits (``intake``) and by dbt tests.
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

#: Rows in which values are checked (types are checked in all): edits have judged every row, and pandera takes very long
#: to report a frame in which everything fails.
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
def _frame_schema(table: Table) -> DataFrameSchema:
    """The same declarations as one check on the frame: checks by column take pandera five times as long."""
    import pandera.polars as pandera

    return pandera.DataFrameSchema(checks=pandera.Check(lambda data: _conforms(data.lazyframe, table)), name=table.name)


def _conforms(frame: pl.LazyFrame, table: Table) -> pl.LazyFrame:
    """One row with a boolean column for each declaration; all are true if the frame conforms to the table."""
    present = frame.collect_schema()
    columns = [column for column in table.columns if not column.optional or column.name in present]
    if list(present.items()) != [(column.name, column.polars_type) for column in columns]:
        return pl.LazyFrame({"types": [False]})
    checks = [pl.lit(True).alias("types")]
    for column in columns:
        cell = pl.col(column.name)
        if not column.nullable:
            checks.append(cell.is_not_null().all().alias(f"{column.name} is there"))
        if column.allowed:
            checks.append(cell.is_in(column.allowed).all().alias(f"{column.name} is allowed"))
        if column.max_length is not None:
            checks.append((cell.str.len_chars() <= column.max_length).all().alias(f"{column.name} is short enough"))
    return frame.select(checks)


def guard(frame: pl.DataFrame, table: Table, what: str) -> None:
    """Refuse a frame that does not conform to the table.

    Args:
        what: what the frame is, for the message; never contains a cell.

    Raises:
        HcipError: a type, column, null, length or value that the contract does not allow, or pandera's validation is
            switched off.
    """
    from pandera.config import ValidationDepth, get_config_context
    from pandera.errors import SchemaError, SchemaErrors

    config = get_config_context()
    is_full = config.validation_enabled and config.validation_depth == ValidationDepth.SCHEMA_AND_DATA
    # A lazy frame, or validation switched off in the environment, would pass with any content.
    if not isinstance(frame, pl.DataFrame) or not is_full:
        raise HcipError(
            f"{what} cannot be validated",
            fix="unset PANDERA_VALIDATION_ENABLED and PANDERA_VALIDATION_DEPTH in the environment",
            rule="CONTRACT",
        )
    sample = frame.head(MAX_SAMPLE)
    with suppress(SchemaError, SchemaErrors):
        _frame_schema(table).validate(sample)
        return
    reasons = "the whole-frame check failed, but no column's check did"
    try:  # the schema by column names what is wrong
        schema(table).validate(sample, lazy=True)
    except (SchemaError, SchemaErrors) as error:
        reasons = _reasons(error)
    raise HcipError(
        f"{what} breaks the contract of {table.name}: {reasons}",
        fix="this is a fault of the program, not of the data: keep the input and report it",
        rule="CONTRACT",
    )


def _reasons(error: Exception) -> str:
    """Columns and checks that failed; never a cell, which may be a patient's."""
    cases = getattr(error, "failure_cases", None)
    if not isinstance(cases, pl.DataFrame) or not {"column", "check", "failure_case"} <= set(cases.columns):
        return type(error).__name__
    # Checks on the set of columns give a column as their failure case; the others give a cell.
    on_columns = pl.col("check").str.starts_with("column_")
    named = pl.when(on_columns).then(pl.col("failure_case").cast(pl.String)).otherwise("column")
    reported = cases.select(pl.format("{}: {}", named, "check")).to_series().unique(maintain_order=True)
    return "; ".join(reported.head(5).to_list())

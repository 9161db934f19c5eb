"""What reference tables must satisfy beyond their contract: rules for a row, for a table, and between tables.

Belongs here: rules that do not depend on the file that a table comes from. Does not belong here: types, keys and
allowed values (``contracts.reference``), and where a table is read from (``tables``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import polars as pl

from hcip_pipeline.contracts.patterns import VERSION_RANGE
from hcip_pipeline.rules.problem import Problem
from hcip_pipeline.tables.contract_columns import RowRule
from hcip_pipeline.tables.refusals import LISTED_PER_RULE, TableRefusedError
from hcip_pipeline.tables.tabular import LINE, TextTable

#: The rate center of a revenue code that maps to none (methodology §2); it is always core.
UNMAPPED = "UNMAPPED"
#: The rate center of a cost factor that applies to every rate center without a factor of its own.
ALL_RATE_CENTERS = "ALL"

#: A range of grouper versions wider than this is a typing error.
MAX_GROUPER_VERSIONS = 50

ROW_RULES: dict[str, tuple[RowRule, ...]] = {
    "rate_centers": (
        RowRule(
            "VALUE-NOT-ALLOWED",
            "component",
            (pl.col("rate_center") == UNMAPPED) & (pl.col("component") != "core"),
            "the component of UNMAPPED is core",
        ),
        RowRule(
            "VALUE-NOT-ALLOWED",
            "rate_center",
            pl.col("rate_center") == ALL_RATE_CENTERS,
            "ALL means every rate center in cost_factors and cannot name one",
        ),
    ),
    "revenue_codes": (
        RowRule(
            "RANGE-REVERSED",
            "revenue_code_to",
            pl.col("revenue_code_from") > pl.col("revenue_code_to"),
            "the range ends before it starts",
        ),
    ),
    "cost_factors": (
        RowRule(
            "FACTOR-MISSING",
            "markup",
            pl.col("markup").is_null() & pl.col("cost_to_charge").is_null(),
            "neither markup nor cost_to_charge is given",
        ),
    ),
    "networks": (
        RowRule("DATE-ORDER", "end", pl.col("end") < pl.col("start"), "the membership ends before it starts"),
        RowRule(
            "NUMBER-OUT-OF-RANGE", "recruitment_goal", pl.col("recruitment_goal") < 0, "recruitment_goal is below zero"
        ),
    ),
    "excluded_individuals": (
        RowRule(
            "DATE-ORDER",
            "reinstated_date",
            pl.col("reinstated_date") < pl.col("effective_date"),
            "the reinstatement is before the exclusion",
        ),
    ),
}

#: Tables that may have no rows; any other table without rows would leave nothing to settle.
MAY_BE_EMPTY = ("networks", "excluded_individuals", "list_dates", "grouper_bridge")

#: Rows that each year must have; if one is missing, so is a trend or a per diem.
_WHOLE_YEARS = {"cost_index": ("calendar_year", 3), "per_diem": ("year", 4)}


def widen_grouper_versions(text: TextTable, path: Path) -> TextTable:
    """Rows of ``apr_drg``, with ranges of grouper versions such as ``33-42`` expanded to one row per version.

    Raises:
        TableRefusedError: a range is reversed or too wide.
    """
    if "grouper_version" not in text.header:
        return text
    ends = pl.col("grouper_version").str.extract_groups(VERSION_RANGE)
    first, last = (ends.struct.field(name).cast(pl.Int64) for name in ("1", "2"))
    frame = text.frame.with_columns(first.alias("range first"), last.alias("range last"))
    width = pl.col("range last") - pl.col("range first")
    for rule, breached, message in (
        ("RANGE-REVERSED", width < 0, "the range of versions ends before it starts"),
        ("NUMBER-OUT-OF-RANGE", width >= MAX_GROUPER_VERSIONS, "the range of versions is too wide"),
    ):
        _refuse_rows(path, rule, "grouper_version", frame.filter(breached), message)
    versions = pl.int_ranges("range first", pl.col("range last") + 1).cast(pl.List(pl.String))
    single = pl.concat_list("grouper_version")
    widened = (
        frame.with_columns(pl.when(pl.col("range first").is_null()).then(single).otherwise(versions).alias("versions"))
        .explode("versions")
        .with_columns(pl.col("versions").alias("grouper_version"))
        .select(text.frame.columns)
    )
    return replace(text, frame=widened)


def check_whole_table(name: str, frame: pl.DataFrame, path: Path) -> None:
    """Rules over all rows of one table.

    Raises:
        TableRefusedError: there are no rows but some are needed, a year lacks rows, or ranges overlap at equal width.
    """
    if frame.is_empty() and name not in MAY_BE_EMPTY:
        words = "the file has a header but no rows, and would replace the rows in force with nothing"
        fix = "fill in its rows, or remove the file: the shipped table is then used"
        problem = Problem("FILE-EMPTY", words, fix=fix)
        raise TableRefusedError(path, [problem], Counter({"FILE-EMPTY": 1}))
    if name in _WHOLE_YEARS:
        year, needed = _WHOLE_YEARS[name]
        short = frame.group_by(year).agg(pl.len(), pl.col(LINE).min()).filter(pl.col("len") < needed).sort(LINE)
        _refuse_rows(path, "YEAR-INCOMPLETE", year, short, f"the year has fewer than {needed} rows")
    if name == "revenue_codes":
        _refuse_rows(
            path,
            "RANGE-AMBIGUOUS",
            "revenue_code_from",
            _equally_narrow(frame),
            "the range overlaps another that is equally wide, so neither is the narrowest",
        )


def check_between_tables(frames: Mapping[str, pl.DataFrame], files: Mapping[str, Path]) -> None:
    """Check that rate centers and hospitals that a table names exist.

    Raises:
        TableRefusedError: for the first table that names one that does not exist.
    """
    rate_centers = frames["rate_centers"].get_column("rate_center")
    hospitals = frames["hospitals"].get_column("ccn")
    for name, column, known, rule in (
        ("revenue_codes", "rate_center", rate_centers, "RATE-CENTER-UNKNOWN"),
        (
            "cost_factors",
            "rate_center",
            pl.concat([rate_centers, pl.Series([ALL_RATE_CENTERS])]),
            "RATE-CENTER-UNKNOWN",
        ),
        ("cost_factors", "hospital_ccn", hospitals, "CCN-UNKNOWN"),
        ("networks", "hospital_ccn", hospitals, "CCN-UNKNOWN"),
    ):
        unknown = frames[name].filter(~pl.col(column).is_in(known.to_list())).sort(LINE)
        where = "hospitals" if rule == "CCN-UNKNOWN" else "rate_centers"
        _refuse_rows(files[name], rule, column, unknown, f"{column} is not in the table {where}")


def _equally_narrow(frame: pl.DataFrame) -> pl.DataFrame:
    ranges = frame.select(
        pl.col("revenue_code_from").cast(pl.Int64).alias("first"),
        pl.col("revenue_code_to").cast(pl.Int64).alias("last"),
        LINE,
    ).sort("first", "last")
    # Among ranges of one width, in order, each can only overlap a later one if it overlaps the next.
    width = pl.col("last") - pl.col("first")
    return ranges.filter((pl.col("first") <= pl.col("last").shift(1)).over(width)).sort(LINE)


def _refuse_rows(path: Path, rule: str, column: str, rows: pl.DataFrame, message: str) -> None:
    if rows.is_empty():
        return
    lines = rows.get_column(LINE).unique(maintain_order=True)
    problems = [Problem(rule, message, line, column) for line in lines.head(LISTED_PER_RULE)]
    raise TableRefusedError(path, problems, Counter({rule: lines.len()}))

"""Evaluating suites on Parquet files with Great Expectations on DuckDB, which returns counts and no rows.

Belongs here: from files to counts. Does not belong here: what is expected (``suites``).
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from hcip_pipeline.checks.expectations.suites import Expectation, Suite
from hcip_pipeline.files.scratch import scratch_folder

#: counts only: no cell of a row reaches a result, a log or a page
_COUNTS_ONLY = {"result_format": "BASIC", "partial_unexpected_count": 0, "include_unexpected_rows": False}


@dataclass(frozen=True)
class ExpectationOutcome:
    """One expectation, checked against a table.

    Attributes:
        met: None if there was no file to check.
        rows: rows checked; None for an expectation of the table as a whole.
        unexpected: rows that do not meet the expectation.
    """

    statement: str
    met: bool | None
    rows: int | None = None
    unexpected: int | None = None


@dataclass(frozen=True)
class SuiteResult:
    """A suite's outcomes, and the number of rows of its table (None if there is no file)."""

    suite: Suite
    rows: int | None
    outcomes: tuple[ExpectationOutcome, ...]

    @property
    def met(self) -> bool:
        """Whether every expectation is met."""
        return all(outcome.met for outcome in self.outcomes)

    @property
    def failed(self) -> tuple[ExpectationOutcome, ...]:
        """The expectations that are not met."""
        return tuple(outcome for outcome in self.outcomes if not outcome.met)


def validate(suites: Iterable[Suite], files: Mapping[str, Sequence[Path]]) -> tuple[SuiteResult, ...]:
    """Check the Parquet files of each table against its suite.

    Args:
        files: table -> its files; a table without files meets no expectation.
    """
    suites = tuple(suites)
    with scratch_folder("expectations") as folder:
        database = folder / "expectations.duckdb"
        rows = _views(database, {suite.table: files.get(suite.table, ()) for suite in suites})
        if not any(found is not None for found in rows.values()):
            return tuple(_without_file(suite) for suite in suites)
        source, context = _source(database)
        try:
            return tuple(
                _without_file(suite)
                if rows[suite.table] is None
                else _evaluated(suite, rows[suite.table], source, context)
                for suite in suites
            )
        finally:
            source.get_execution_engine().engine.dispose()  # the file is open until then


def _views(database: Path, files: Mapping[str, Sequence[Path]]) -> dict[str, int | None]:
    """A view on each table's files, and its number of rows."""
    rows: dict[str, int | None] = {}
    with duckdb.connect(database) as connection:
        for table, paths in files.items():
            rows[table] = None
            if paths:
                listed = ", ".join("'" + str(path.absolute()).replace("'", "''") + "'" for path in paths)
                parquet = f"read_parquet([{listed}], hive_partitioning = false)"
                connection.execute(f'create view "{table}" as select * from {parquet}')
                counted = connection.execute(f'select count(*) from "{table}"').fetchone()
                rows[table] = int(counted[0]) if counted else 0
    return rows


def _source(database: Path) -> tuple[Any, Any]:
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx  # takes seconds and 250 MB, so only if suites are evaluated

    from hcip_pipeline.checks.expectations.duckdb_dialect import DRIVER

    logging.getLogger("great_expectations").setLevel(logging.CRITICAL)  # its messages may quote a cell
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}  # type: ignore[assignment]
    return context.data_sources.add_sql("files", connection_string=f"{DRIVER}:///{database}"), context


def _evaluated(suite: Suite, rows: int | None, source: Any, context: Any) -> SuiteResult:
    import great_expectations as gx

    batch = source.add_table_asset(suite.table, table_name=suite.table).add_batch_definition_whole_table("whole")
    gx_suite = context.suites.add(gx.ExpectationSuite(suite.table))
    by_name = {}
    for number, expectation in enumerate(suite.expectations):
        kind = getattr(gx.expectations, expectation.kind)
        by_name[str(number)] = expectation
        gx_suite.add_expectation(kind(**expectation.arguments, meta={"number": number}))
    definition = gx.ValidationDefinition(name=suite.table, data=batch, suite=gx_suite)
    result = context.validation_definitions.add(definition).run(result_format=_COUNTS_ONLY)
    found = {str(each.expectation_config.meta["number"]): each for each in result.results}
    outcomes = tuple(_outcome(expectation, found.get(number)) for number, expectation in by_name.items())
    return SuiteResult(suite, rows, outcomes)


def _outcome(expectation: Expectation, result: Any) -> ExpectationOutcome:
    """The counts of one result. An expectation that could not be evaluated is not met."""
    if result is None:
        return ExpectationOutcome(expectation.statement, met=False)
    counts = result.result or {}
    unexpected = counts.get("unexpected_count")
    if unexpected is None and expectation.kind == "UnexpectedRowsExpectation":
        unexpected = counts.get("observed_value")
    is_count = isinstance(unexpected, int)
    return ExpectationOutcome(
        expectation.statement, bool(result.success), counts.get("element_count"), unexpected if is_count else None
    )


def _without_file(suite: Suite) -> SuiteResult:
    return SuiteResult(suite, None, tuple(ExpectationOutcome(each.statement, met=None) for each in suite.expectations))

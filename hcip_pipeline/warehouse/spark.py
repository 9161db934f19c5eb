"""The same dbt project on Apache Spark, for a state that has outgrown one machine (docs/scale_out.md).

The lake becomes tables of a session, dbt runs on them, and the marts are copied into a DuckDB file; a release is
written from it as from DuckDB's own build. Differences in SQL between the engines are in
``dbt_project/macros/engine.sql``.

Belongs here: one build. Does not belong here: the session (``spark_session``), choosing the engine (``engines``).
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import duckdb
import polars as pl

from hcip_pipeline.contracts import marts, run
from hcip_pipeline.contracts.catalog import LAKE_SOURCES
from hcip_pipeline.contracts.table import Table
from hcip_pipeline.errors import HcipError
from hcip_pipeline.warehouse.build import (
    FILE_NAME,
    SPARK_TABLES,
    BuildResult,
    NodeResult,
    Progress,
    fingerprints,
    node_results,
    prepare,
    report_models,
    stop_if_broken,
)
from hcip_pipeline.warehouse.project import PROJECT
from hcip_pipeline.warehouse.rendering import SCHEMAS, Renderer, models, needed
from hcip_pipeline.warehouse.spark_session import java_message
from hcip_pipeline.warehouse.spec import BuildSpec, Source


@dataclass(frozen=True)
class SparkEngine:
    """Builds like ``warehouse.build.build``, computed in ``session``.

    The driver reads the marts from the files that the executors wrote, so the build's folder must be on a path that
    every node shares.
    """

    session: Any

    def __call__(
        self,
        spec: BuildSpec,
        folder: Path,
        *,
        threads: int | None = None,
        select: str | None = None,
        progress: Progress | None = None,
    ) -> BuildResult:
        """Build everything (or ``select``) on Spark, and run every test on it.

        Args:
            folder: receives the DuckDB file with the lake as views and the marts as tables, dbt's files, and in
                ``spark`` the files of Spark's tables.
            threads: unused; executors have their own configuration.
            progress: called after each table with the number of finished tables, their total, and the table's name.

        Raises:
            BuildStoppedError: a model or a test failed.
            HcipError: a mart's columns or types are not those of its contract, or Spark stopped.
        """
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException

        folder = folder.resolve()
        folder.mkdir(parents=True, exist_ok=True)
        try:
            return self._build(spec, folder, (select or "").split(), progress)
        except (PySparkException, Py4JError, ConnectionError) as error:
            raise HcipError(
                f"Spark stopped: {java_message(error)}",
                file=folder,
                rule="ENGINE",
                fix="nothing was released; check the cluster and run the period again",
            ) from error

    def _build(self, spec: BuildSpec, folder: Path, select: Sequence[str], progress: Progress | None) -> BuildResult:
        nodes = self._compute(spec, folder, select, progress)
        file = folder / FILE_NAME
        prepare(spec, file)
        made = {node.unique_id.split(".")[2] for node in nodes if node.unique_id.startswith("model.")}
        views = {row.viewName for schema in SCHEMAS for row in self.session.sql(f"show views in {schema}").collect()}
        files = {name: self._files(models()[name].schema, name, folder) for name in needed(made) if name not in views}
        # From here on the files belong to the build: the session drops its tables when it computes another.
        (folder / _WORK).rename(folder / SPARK_TABLES)
        rendered = Renderer(spec.dbt_vars())
        with duckdb.connect(file) as connection:
            for schema in SCHEMAS:
                connection.execute(f"create schema {schema}")
            for name in needed(made):
                schema = models()[name].schema
                if name in views:
                    connection.execute(f'create view {schema}."{name}" as {rendered.model(name)}')
                else:
                    _import(connection, schema, name, files[name])
        return BuildResult(spec, file, nodes, fingerprints(file), engine="spark")

    def _files(self, schema: str, name: str, folder: Path) -> list[Path]:
        """Where the files of a table will be once the folder has its final name."""
        found = (Path(unquote(urlparse(file).path)) for file in self.session.table(f"{schema}.{name}").inputFiles())
        return sorted(folder / SPARK_TABLES / path.relative_to(folder / _WORK) for path in found)

    def _compute(
        self, spec: BuildSpec, folder: Path, select: Sequence[str], progress: Progress | None
    ) -> tuple[NodeResult, ...]:
        """Run dbt on the lake's tables in the session; the resulting tables stay in its catalog."""
        from dbt.cli.main import dbtRunner

        _create_lake(spec, folder, self.session)
        arguments = ["build", "--vars", json.dumps(spec.dbt_vars()), "--fail-fast", "--no-write-json", *_common(folder)]
        arguments += ["--indirect-selection", "buildable", "--exclude-resource-type", "unit_test"]
        if select:
            arguments += ["--select", *select]
        runner = dbtRunner(manifest=_manifest(folder), callbacks=[report_models(progress)])
        nodes = tuple(node_results(runner.invoke(arguments)))
        stop_if_broken(nodes, PROJECT)
        return nodes


#: the folder of Spark's tables in a build's folder while they are computed; afterwards it is ``SPARK_TABLES``
_WORK = "spark.unfinished"

#: tables whose types are declared: every mart, and the intermediate models that a norm table is frozen from
_DECLARED = {
    **{f"marts.{name}": table.columns for name, table in marts.TABLES.items()},
    "intermediate.int_case_ledger": run.FROZEN["frozen_conservation"].columns,
    "intermediate.int_quality_cells": run.FROZEN["frozen_quality_cells"].columns,
}


def _import(connection: duckdb.DuckDBPyConnection, schema: str, name: str, files: Sequence[Path]) -> None:
    """Create a mart in DuckDB from the Parquet files that Spark wrote; an intermediate model is a view of its files.

    Raises:
        HcipError: a column cannot be cast to its contract's type without losing digits.
    """
    place = f'{schema}."{name}"'
    declared = _DECLARED.get(f"{schema}.{name}", ())
    if not files:
        if declared:
            connection.execute(f"create table {place} as {Table(name, '', tuple(declared)).empty_select()}")
        return
    listed = ", ".join("'" + str(path).replace("'", "''") + "'" for path in files)
    source = f"read_parquet([{listed}])"
    found = {row[0]: str(row[1]) for row in connection.execute(f"describe from {source}").fetchall()}
    lossy = [column.name for column in declared if not _fits(found.get(column.name, "missing"), column.sql_type)]
    if lossy:
        raise HcipError(
            f"on Spark, {name} does not have the types of its contract: "
            + ", ".join(f"{column} is {found.get(column, 'missing')}" for column in lossy[:5]),
            rule="CONTRACT",
            fix="this is a bug in the program, not a fault of the data: keep the input and report it",
        )
    selected = ", ".join(f'cast("{column.name}" as {column.sql_type}) as "{column.name}"' for column in declared)
    kind = "table" if schema == "marts" else "view"
    connection.execute(f"create {kind} {place} as select {selected or '*'} from {source}")


def _fits(found: str, declared: str) -> bool:
    """Whether the declared type keeps every value of a DuckDB type; the cast itself fails on an overflow."""
    found, declared = found.lower(), declared.lower()
    if found == declared:
        return True
    if declared == "bigint":
        return found in ("tinyint", "smallint", "integer")
    scale = re.fullmatch(r"decimal\([0-9]+,([0-9]+)\)", found)
    allowed = re.fullmatch(r"decimal\([0-9]+,([0-9]+)\)", declared)
    return bool(scale and allowed and int(scale[1]) <= int(allowed[1]))


def _common(folder: Path) -> list[str]:
    common = ["--target", "spark", "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
    common += ["--target-path", str(folder / "dbt"), "--log-path", str(folder / "dbt")]
    return [*common, "--log-level", "none", "--log-level-file", "none"]


_manifests: dict[Path, Any] = {}


def _manifest(folder: Path) -> Any:
    """The project parsed for Spark, once per process: a parsed project serves builds with other variables."""
    from dbt.cli.main import dbtRunner

    if PROJECT not in _manifests:
        parsed = dbtRunner().invoke(["parse", *_common(folder)])
        if not parsed.success:
            raise HcipError(f"the dbt project does not parse for Spark: {parsed.exception}", file=PROJECT)
        _manifests[PROJECT] = parsed.result
    return _manifests[PROJECT]


def _create_lake(spec: BuildSpec, folder: Path, session: Any) -> None:
    """Create every lake table in the session's catalog, after removing an earlier build's tables."""
    for earlier in (_WORK, SPARK_TABLES):
        shutil.rmtree(folder / earlier, ignore_errors=True)
    for schema in ("lake", *SCHEMAS):
        session.sql(f"drop database if exists {schema} cascade")
        session.sql(f"create database {schema} location '{_in_sql(str(folder / _WORK / schema))}'")
    (folder / _WORK).mkdir(exist_ok=True)
    frames: dict[str, Source] = {"windows": spec.windows_frame(), "elections": spec.elections_frame()}
    (folder / "lake").mkdir(parents=True, exist_ok=True)
    for name, table in LAKE_SOURCES.items():
        source = {**frames, **spec.sources}.get(name, ())
        if isinstance(source, pl.DataFrame):
            path = folder / "lake" / f"{name}.parquet"
            typed = [pl.col(column.name).cast(column.polars_type) for column in table.columns]
            source.select(typed).write_parquet(path)
            source = [path]
        session.sql(_create_table(name, table, source))


def _create_table(name: str, table: Table, files: Sequence[Path]) -> str:
    """The files as one table with the contract's columns; no file is opened before a query needs it."""
    types = {column.name: "string" if column.type == "text" else column.sql_type for column in table.columns}
    columns = ", ".join(f"`{column}` {type_}" for column, type_ in types.items())
    where = f" options (path '{_one_pattern(files)}')" if files else ""
    return f"create table lake.`{name}` ({columns}) using parquet{where}"


def _one_pattern(files: Sequence[Path]) -> str:
    """A pattern that matches exactly these files, as SQL text: their common folder, then their paths below it."""
    common = os.path.commonpath([path.parent for path in files])
    plain = [re.sub(r"([\\*?\[\]{},])", r"\\\1", str(path.relative_to(common))) for path in files]
    pattern = plain[0] if len(plain) == 1 else "{" + ",".join(plain) + "}"
    folder = re.sub(r"([\\*?\[\]{},])", r"\\\1", common)
    return _in_sql(f"{folder}/{pattern}")


def _in_sql(text: str) -> str:
    """Text escaped for a quoted string in Spark's SQL."""
    return text.replace("\\", "\\\\").replace("'", "\\'")

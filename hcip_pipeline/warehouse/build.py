"""Runs one build: a DuckDB file with the lake as views, and dbt on it in process."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import duckdb
import polars as pl
import yaml

from hcip_pipeline.contracts.catalog import LAKE_SOURCES
from hcip_pipeline.contracts.table import Table
from hcip_pipeline.errors import ComputationError, HcipError
from hcip_pipeline.messages import DetailedMessage, Progress
from hcip_pipeline.warehouse.project import PROJECT, parsed_project
from hcip_pipeline.warehouse.spec import BuildSpec, Source

#: the same in every build: dbt writes the file's stem into its manifest as the name of the database
FILE_NAME = "hcip.duckdb"

#: folder next to it with the files of Spark's tables, if Spark computed the build
SPARK_TABLES = "spark"

#: prefix of the names of key tests (``contracts.render``)
KEY_TESTS = "keys_of_"

#: folder next to it with the SQL of every model and test as it was run
COMPILED = "compiled"


@dataclass(frozen=True)
class NodeResult:
    """The result of one dbt model or test; ``failures`` counts the rows that a test found.

    ``message`` is dbt's for a model; for a failed key test it names the tables.
    """

    unique_id: str
    status: str
    seconds: float
    failures: int
    message: str


@dataclass(frozen=True)
class BuildResult:
    """A finished build: its DuckDB file and the result of every node."""

    spec: BuildSpec
    file: Path
    nodes: tuple[NodeResult, ...] = field(default=())
    #: mart -> fingerprint of its rows after the last check (``fingerprints``)
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    #: the engine that computed it (``engine_choice.ENGINES``); no figure depends on it
    engine: str = "duckdb"


class Engine(Protocol):
    """Computes a build outside DuckDB, and leaves the same DuckDB file with its marts."""

    def __call__(
        self,
        spec: BuildSpec,
        folder: Path,
        *,
        threads: int | None = None,
        select: str | None = None,
        progress: Progress | None = None,
    ) -> BuildResult:
        """Compute a build; arguments as for :func:`build`."""
        ...


_engine: ContextVar[Engine | None] = ContextVar("engine", default=None)


@contextmanager
def compute_builds_with(engine: Engine | None) -> Iterator[None]:
    """Let ``engine`` compute every build of the ``with`` block; None: the engine of an enclosing block, or DuckDB."""
    token = _engine.set(engine or _engine.get())
    try:
        yield
    finally:
        _engine.reset(token)


class BuildStoppedError(HcipError):
    """A model or a check stopped the build; ``nodes`` has the results up to then."""

    def __init__(self, nodes: tuple[NodeResult, ...], message: str, **details: Any) -> None:
        super().__init__(message, **details)
        self.nodes = nodes

    def __reduce__(self) -> tuple[object, ...]:
        details: dict[str, Any] = {"fix": self.fix, "file": self.file or None, "row": self.row, "rule": self.rule}
        return partial(type(self), **details), (self.nodes, self.message)


class ModelError(BuildStoppedError, ComputationError):
    """A model or a check could not be computed."""


def prepare(spec: BuildSpec, file: Path) -> None:
    """Create a new DuckDB file whose schema ``lake`` has one view or table per source of the dbt project.

    Raises:
        HcipError: another process has the file open, or the folder is not writable.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        if file.exists():
            duckdb.connect(file).close()  # fails if another process is building this period
        for stale in (file, file.with_name(file.name + ".wal")):
            stale.unlink(missing_ok=True)
        connection = duckdb.connect(file)
    except duckdb.IOException as error:
        raise HcipError(
            "the warehouse file is in use by another run, or cannot be written",
            file=file,
            fix="wait for the other run to end, or stop it, and run this period again",
        ) from error
    frames: dict[str, Source] = {"windows": spec.windows_frame(), "elections": spec.elections_frame()}
    with connection:
        connection.begin()  # one commit, not one per table
        connection.execute("create schema lake")
        for name, table in LAKE_SOURCES.items():
            _register(connection, name, table, {**frames, **spec.sources}.get(name, ()))
        connection.commit()


def _register(connection: duckdb.DuckDBPyConnection, name: str, table: Table, source: Source) -> None:
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    if isinstance(source, pl.DataFrame):
        typed = ", ".join(f'cast("{c.name}" as {c.sql_type}) as "{c.name}"' for c in table.columns)
        connection.register("incoming", source.to_arrow())
        connection.execute(f'create table lake."{name}" as select {typed} from incoming')
        connection.unregister("incoming")
    elif source:
        files = ", ".join("'" + str(path).replace("'", "''") + "'" for path in source)
        connection.execute(f'create view lake."{name}" as select {columns} from read_parquet([{files}])')
    else:
        connection.execute(f'create table lake."{name}" as {table.empty_select()}')


def build(
    spec: BuildSpec,
    folder: Path,
    *,
    threads: int | None = None,
    select: str | None = None,
    progress: Progress | None = None,
) -> BuildResult:
    """Build everything (or ``select``) and run every test on it.

    Args:
        folder: receives the DuckDB file ``hcip.duckdb``, and ``compiled/`` with the SQL of every model and test as it
            was run; another build in it starts over.
        threads: DuckDB threads; the result does not depend on their number.
        progress: called after each table with the number of finished tables, their total, and the table's name.

    Raises:
        BuildStoppedError: a model or a test failed. Finished tables stay in the file; nothing is released from it.
    """
    engine = _engine.get()
    if engine is not None:
        return engine(spec, folder, threads=threads, select=select, progress=progress)
    file = folder / FILE_NAME
    prepare(spec, file)
    shutil.rmtree(folder / SPARK_TABLES, ignore_errors=True)  # left over from an earlier build
    arguments = ["build", "--vars", json.dumps(spec.dbt_vars()), "--exclude-resource-type", "unit_test", "--fail-fast"]
    if select:
        arguments += ["--select", *select.split(), "--indirect-selection", "buildable"]
    write_profile(folder, threads)
    nodes = tuple(_with_tables(node, folder) for node in _invoke(arguments, folder, progress))
    stop_if_broken(nodes, file)
    return BuildResult(spec, file, nodes, fingerprints(file))


def fingerprints(file: Path) -> dict[str, str]:
    """Mart -> its number of rows and the sum of their hashes, by which a later change of a checked table is found."""
    with duckdb.connect(file, read_only=True) as connection:
        names = connection.execute(
            "select table_name from information_schema.tables where table_schema = 'marts' order by 1"
        ).fetchall()
        each_mart = " union all ".join(
            f"select '{name}', count(*), coalesce(sum(hash(each)), 0) from marts.\"{name}\" as each"
            for (name,) in names
        )
        found = connection.execute(f"{each_mart} order by 1").fetchall() if names else []
    return {name: f"{rows}:{hashes}" for name, rows, hashes in found}


def repeated_keys(rows: Iterable[tuple[str, str, int]]) -> str:
    """A description of the rows that a key test found; one test covers all tables of a folder.

    Args:
        rows: table, its key's columns, and the number of keys that occur more than once.
    """
    return "; ".join(
        f"{table}: {count:,} repeated {'key' if count == 1 else 'keys'} ({key or 'one row'})"
        for table, key, count in rows
    )


def _with_tables(node: NodeResult, folder: Path) -> NodeResult:
    """A failed key test with the tables that it found, by the SQL that dbt ran."""
    name = _name_of(node)
    if node.status != "fail" or not name.startswith(KEY_TESTS):
        return node
    (sql,) = (folder / COMPILED / "compiled").rglob(f"{name}.sql")
    with duckdb.connect(folder / FILE_NAME, read_only=True) as connection:
        return replace(node, message=repeated_keys(connection.execute(sql.read_text(encoding="utf-8")).fetchall()))


def stop_if_broken(nodes: tuple[NodeResult, ...], where: Path) -> None:
    """Raise BuildStoppedError if a model could not be computed or a check found rows."""
    broken = [node for node in nodes if node.status in ("error", "fail", "runtime error")]
    if broken:
        is_check = all(node.status == "fail" for node in broken)
        raise (BuildStoppedError if is_check else ModelError)(
            nodes,
            "the build stopped: " + "; ".join(_describe(node) for node in broken),
            file=where,
            rule=_name_of(broken[0]) if broken[0].unique_id.count(".") > 1 else "",
            fix="nothing was released; correct the input that the check names and run the period again",
        )


def check_failed(name: str, rows: int) -> str:
    """A message that a check of the project found rows."""
    return f"the check {name} found {rows:,} {'row that breaks' if rows == 1 else 'rows that break'} it"


def _name_of(node: NodeResult) -> str:
    return node.unique_id.split(".")[2] if node.unique_id.count(".") > 1 else node.unique_id


def _describe(node: NodeResult) -> str:
    name = _name_of(node)
    if node.status == "fail":
        return check_failed(name, node.failures) + (f" ({node.message})" if node.message else "")
    return f"{name} could not be computed ({' '.join(node.message.split())[:400]})"


def write_profile(folder: Path, threads: int | None = None) -> Path:
    """Write ``profiles.yml`` for a build in ``folder``: its DuckDB file, threads and memory.

    Args:
        folder: the build's folder, which must exist.
        threads: DuckDB threads; by default ``HCIP_THREADS``, or one per core.
    """
    output = {
        "type": "duckdb",
        "path": str(folder / FILE_NAME),
        # One model's Jinja and another's SQL run at the same time; the threads within a query are DuckDB's.
        "threads": int(os.environ.get("HCIP_NODES_AT_ONCE", "2")),
        "disable_transactions": True,  # a model is one statement, which commits by itself
        "config_options": {
            "threads": int(threads or os.environ.get("HCIP_THREADS") or os.cpu_count() or 2),
            "memory_limit": os.environ.get("HCIP_MEMORY_LIMIT", "80%"),
            "temp_directory": str(folder / "spill"),
            "preserve_insertion_order": False,
        },
    }
    path = folder / "profiles.yml"
    path.write_text(yaml.safe_dump({"hcip": {"target": "duckdb", "outputs": {"duckdb": output}}}), encoding="utf-8")
    return path


def _invoke(arguments: list[str], folder: Path, progress: Progress | None) -> Iterator[NodeResult]:
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    compiled = str(folder / COMPILED)
    shutil.rmtree(compiled, ignore_errors=True)
    common = ["--project-dir", str(PROJECT), "--profiles-dir", str(folder), "--target-path", compiled]
    common += ["--log-path", compiled, "--log-level", "none", "--log-level-file", "none", "--no-write-json"]
    try:
        result = dbtRunner(manifest=parsed_project(), callbacks=[report_models(progress)]).invoke([*arguments, *common])
    finally:
        DuckDBConnectionManager.close_all_connections()
    yield from node_results(result)


def report_models(progress: Progress | None) -> Callable[[Any], None]:
    """A dbt callback that calls ``progress`` with the number of finished tables and the last one's name."""

    def report(event: Any) -> None:
        if progress and event.info.name == "LogModelResult":
            data = event.data
            progress(DetailedMessage(f"{data.index} of {data.total} tables", data.node_info.node_name))

    return report


def node_results(result: Any) -> Iterator[NodeResult]:
    """dbt's results for every node. Raises HcipError if dbt could not start."""
    from dbt.artifacts.schemas.run import RunExecutionResult

    if not isinstance(result.result, RunExecutionResult):
        raise HcipError(f"dbt could not start: {result.exception}", file=PROJECT)
    for node in result.result.results:
        status = str(node.status)
        message = "" if status == "fail" else str(node.message or "")  # for a test dbt only repeats the number of rows
        yield NodeResult(node.node.unique_id, status, node.execution_time, int(node.failures or 0), message)

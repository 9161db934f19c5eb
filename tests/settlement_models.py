"""The settlement's models rendered as dbt renders them and run in one DuckDB connection: many states, asked about fast.

Belongs here: rendering and order. Does not belong here: what a state is (``scenario``). A test holds this path to the
tables that a dbt build of the same state gives.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import duckdb
import jinja2
import polars as pl

from hcip_pipeline.contracts import run as run_tables
from hcip_pipeline.contracts.catalogue import LAKE_SOURCES
from hcip_pipeline.warehouse.project import PROJECT
from hcip_pipeline.warehouse.spec import BuildSpec

_FOLDERS = {
    "staging": ("hospital", "reference", "program", "releases", "run"),
    "intermediate": ("costs", "cases", "norms", "incentives", "savings", "ledger"),
    "marts": ("norms", "incentives", "savings", "audit"),
}
_MACRO = re.compile(r"\{%-?\s*macro\s+(\w+)\(.*?\{%-?\s*endmacro\s*-?%\}", re.DOTALL)
_REFERENCE = re.compile(r"ref\('(\w+)'\)")


class _ReturnedError(Exception):
    """What dbt's ``return`` does: the value leaves the macro as it is, not as text."""

    def __init__(self, value: Any) -> None:
        self.value = value


def _return(value: Any) -> Any:
    raise _ReturnedError(value)


@cache
def _paths() -> dict[str, tuple[str, str]]:
    """Model -> its schema and SQL template."""
    return {
        path.stem: (schema, path.read_text(encoding="utf-8"))
        for schema, folders in _FOLDERS.items()
        for folder in folders
        for path in sorted((PROJECT / "models" / schema / folder).glob("*.sql"))
    }


@cache
def _order() -> tuple[str, ...]:
    """Every model after those it refers to."""
    needs = {name: set(_REFERENCE.findall(sql)) for name, (_, sql) in _paths().items()}
    ordered: dict[str, None] = {}
    while needs.keys() - ordered.keys():
        ordered[min(name for name in needs.keys() - ordered.keys() if needs[name] <= ordered.keys())] = None
    return tuple(ordered)


@cache
def _checks() -> dict[str, str]:
    """The project's own checks that look at these models only."""
    checks = {path.stem: path.read_text(encoding="utf-8") for path in sorted((PROJECT / "tests").glob("*.sql"))}
    return {name: sql for name, sql in checks.items() if set(_REFERENCE.findall(sql)) <= _paths().keys()}


def _environment(variables: dict[str, Any]) -> jinja2.Environment:
    """dbt's names, and every macro as its own template so that a macro may call any other."""
    environment = jinja2.Environment(extensions=["jinja2.ext.do"])
    environment.globals |= {
        "var": variables.__getitem__,
        "ref": lambda name: f'"{_paths()[name][0]}"."{name}"',
        "source": lambda _, name: f'lake."{name}"',
        "config": lambda **_: "",
        "return": _return,
        "execute": True,
    }
    for path in sorted((PROJECT / "macros").glob("*.sql")):
        for match in _MACRO.finditer(path.read_text(encoding="utf-8")):
            environment.globals[match[1]] = _macro(environment, match[0], match[1])
    return environment


def _macro(environment: jinja2.Environment, text: str, name: str) -> Callable[..., Any]:
    template = environment.from_string(text)

    def call(*arguments: Any, **named: Any) -> Any:
        try:
            return getattr(template.module, name)(*arguments, **named)
        except _ReturnedError as returned:
            return returned.value

    return call


@cache
def _rendered(variables: str) -> tuple[dict[str, str], dict[str, str]]:
    """Model -> SQL in order, check -> SQL."""
    environment = _environment(json.loads(variables))

    def sql(text: str) -> str:
        return environment.from_string(text).render()

    return (
        {name: sql(_paths()[name][1]) for name in _order()},
        {name: sql(text) for name, text in _checks().items()},
    )


def _prepared(spec: BuildSpec, threads: int) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"threads": threads})
    for schema in ("lake", *_FOLDERS):
        connection.execute(f"create schema {schema}")
    frames = {"windows": spec.windows_frame(), "elections": spec.elections_frame(), **spec.sources}
    for name, table in LAKE_SOURCES.items():
        frame = frames.get(name)
        if isinstance(frame, pl.DataFrame) and frame.height:
            typed = ", ".join(f'cast("{c.name}" as {c.sql_type}) as "{c.name}"' for c in table.columns)
            connection.register("incoming", frame.to_arrow())
            connection.execute(f'create table lake."{name}" as select {typed} from incoming')
            connection.unregister("incoming")
        else:
            connection.execute(f'create table lake."{name}" as {table.empty_select()}')
    return connection


def _create(connection: duckdb.DuckDBPyConnection, models: dict[str, str]) -> None:
    for name, sql in models.items():
        kind = "view" if _paths()[name][0] == "staging" else "table"
        connection.execute(f'create {kind} "{_paths()[name][0]}"."{name}" as {sql}')


def run(spec: BuildSpec, threads: int = 1) -> duckdb.DuckDBPyConnection:
    """Compute ``spec`` in memory and hold it to the project's own checks.

    Raises:
        AssertionError: a check found rows that break it.
    """
    models, checks = _rendered(json.dumps(spec.dbt_vars(), sort_keys=True))
    connection = _prepared(spec, threads)
    _create(connection, models)
    for name, sql in checks.items():
        broken = len(connection.execute(sql).fetchall())
        assert not broken, f"the check {name} found {broken} rows that break it"
    return connection


def _needed(models: set[str]) -> set[str]:
    found = set(models)
    for name in reversed(_order()):
        if name in found:
            found |= set(_REFERENCE.findall(_paths()[name][1]))
    return found


def frozen_norms(spec: BuildSpec, threads: int = 1) -> dict[str, pl.DataFrame]:
    """The frozen norm table that ``spec``, a build of kind norms, makes; rows ordered by key."""
    models, _ = _rendered(json.dumps(spec.dbt_vars(), sort_keys=True))
    frozen = {
        "frozen_norms": "norms",
        "frozen_norm_physicians": "norm_physicians",
        "frozen_exclusions": "exclusions",
        "frozen_conservation": "int_case_ledger",
    }
    needed = _needed(set(frozen.values()))
    frames = {}
    with _prepared(spec, threads) as connection:
        _create(connection, {name: sql for name, sql in models.items() if name in needed})
        for name, model in frozen.items():
            table = run_tables.FROZEN[name]
            columns = ", ".join(f'"{column}"' for column in table.names)
            frames[name] = connection.sql(f'select {columns} from "{_paths()[model][0]}"."{model}"').pl()
    return {name: frame.sort(run_tables.FROZEN[name].key) for name, frame in frames.items()}

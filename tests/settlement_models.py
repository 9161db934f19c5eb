"""The settlement's models rendered as dbt renders them and run in one DuckDB connection: many states, asked about fast.

Belongs here: rendering and order. Does not belong here: what a state is (``scenario``). A test holds this path to the
tables that a dbt build of the same state gives.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from functools import cache
from typing import Any

import duckdb
import jinja2
import polars as pl

from hcip_pipeline.contracts import run as run_tables
from hcip_pipeline.contracts.catalogue import LAKE_SOURCES
from hcip_pipeline.warehouse.project import PROJECT
from hcip_pipeline.warehouse.spec import BuildSpec

_SCHEMAS = ("staging", "intermediate", "marts")
#: what is computed, with everything it refers to, wherever that is
_SETTLEMENT = ("cases", "costs", "norms", "incentives", "savings", "ledger", "audit")
#: what reports look at beside it: only a release needs these
REPORTS = ("opportunity", "care_redesign", "quality")
#: what comes from claims is given, the estimate by the caller and the rest empty: claims have tests of their own
ESTIMATES = "int_pfs_approved_by_claims"
_FROM_CLAIMS = {
    ESTIMATES: "hospital_ccn varchar, npi varchar, calendar_year bigint, pfs_approved_amount decimal(18, 2)",
    "int_medicare_returns": "window_name varchar, hospital_ccn varchar, patient_status_code varchar, "
    "is_readmitted boolean, days_to_return bigint, is_without_post_acute boolean",
    "int_medicare_measures": "hospital_ccn varchar, level varchar, subject varchar, measure varchar, "
    "baseline_numerator bigint, baseline_denominator bigint, baseline_expected decimal(18, 8), "
    "baseline_value decimal(18, 8), numerator bigint, denominator bigint, expected decimal(18, 8), "
    "base_rate decimal(18, 8), value decimal(18, 8), lower_limit decimal(18, 8), upper_limit decimal(18, 8)",
}
#: models of the areas that nothing but those read
_OF_CLAIMS = {*_FROM_CLAIMS, "int_medicare_counts", "int_beneficiary_areas"}
_MACRO = re.compile(r"\{%-?\s*macro\s+(\w+)\(.*?\{%-?\s*endmacro\s*-?%\}", re.DOTALL)
_SOURCE = re.compile(r"source\('lake', '(\w+)'\)")
_REFERENCE = re.compile(r"ref\('(\w+)'\)")


class _ReturnedError(Exception):
    """What dbt's ``return`` does: the value leaves the macro as it is, not as text."""

    def __init__(self, value: Any) -> None:
        self.value = value


def _return(value: Any) -> Any:
    raise _ReturnedError(value)


@cache
def _models() -> dict[str, tuple[str, str]]:
    """Model -> its schema and SQL template."""
    return {
        path.stem: (schema, path.read_text(encoding="utf-8"))
        for schema in _SCHEMAS
        for path in sorted((PROJECT / "models" / schema).rglob("*.sql"))
    }


def _needed(models: Iterable[str]) -> set[str]:
    """``models`` and everything they refer to."""
    found: set[str] = set()
    waiting = set(models)
    while waiting:
        found |= waiting
        named = {ref for name in waiting for ref in _REFERENCE.findall(_models()[name][1])}
        waiting = named - found - _FROM_CLAIMS.keys()
    return found


@cache
def _order(areas: tuple[str, ...] = _SETTLEMENT) -> tuple[str, ...]:
    """Every model of these areas after those it refers to."""
    folders = [PROJECT / "models" / schema / folder for schema in _SCHEMAS for folder in areas]
    own = _needed({path.stem for folder in folders for path in folder.glob("*.sql")} - _OF_CLAIMS)
    needs = {name: set(_REFERENCE.findall(_models()[name][1])) - _FROM_CLAIMS.keys() for name in own}
    ordered: dict[str, None] = {}
    while needs.keys() - ordered.keys():
        ordered[min(name for name in needs.keys() - ordered.keys() if needs[name] <= ordered.keys())] = None
    return tuple(ordered)


@cache
def _sources(areas: tuple[str, ...]) -> set[str]:
    """The tables of the lake that these areas read."""
    return {source for name in _order(areas) for source in _SOURCE.findall(_models()[name][1])} & LAKE_SOURCES.keys()


@cache
def _checks(areas: tuple[str, ...]) -> dict[str, str]:
    """The project's own checks that look at these models only."""
    checks = {path.stem: path.read_text(encoding="utf-8") for path in sorted((PROJECT / "tests").glob("*.sql"))}
    return {name: sql for name, sql in checks.items() if set(_REFERENCE.findall(sql)) <= set(_order(areas))}


#: what ``var`` gives while models are rendered
_variables: dict[str, Any] = {}


@cache
def _environment() -> jinja2.Environment:
    """dbt's names, and every macro as its own template so that a macro may call any other."""
    environment = jinja2.Environment(extensions=["jinja2.ext.do"])
    environment.globals |= {
        "var": _variables.__getitem__,
        "ref": lambda name: f'"{_models()[name][0]}"."{name}"',
        "source": lambda _, name: f'lake."{name}"',
        "config": lambda **_: "",
        "return": _return,
        "target": {"type": "duckdb"},
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
def _templates(areas: tuple[str, ...]) -> tuple[dict[str, jinja2.Template], dict[str, jinja2.Template]]:
    """Models in order, and checks."""
    compiled = _environment().from_string
    models = {name: compiled(_models()[name][1]) for name in _order(areas)}
    return models, {name: compiled(sql) for name, sql in _checks(areas).items()}


@cache
def _rendered(variables: str, areas: tuple[str, ...] = _SETTLEMENT) -> tuple[dict[str, str], dict[str, str]]:
    """Model -> SQL in order, check -> SQL."""
    _variables.clear()
    _variables.update(json.loads(variables))
    models, checks = _templates(areas)
    return (
        {name: template.render() for name, template in models.items()},
        {name: template.render() for name, template in checks.items()},
    )


def _prepared(spec: BuildSpec, threads: int, areas: tuple[str, ...] = _SETTLEMENT) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"threads": threads})
    for schema in ("lake", *_SCHEMAS):
        connection.execute(f"create schema {schema}")
    frames = {"windows": spec.windows_frame(), "elections": spec.elections_frame(), **spec.sources}
    for name in sorted(_sources(areas)):
        table = LAKE_SOURCES[name]
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
        kind = "view" if _models()[name][0] == "staging" else "table"
        connection.execute(f'create {kind} "{_models()[name][0]}"."{name}" as {sql}')


def run(
    spec: BuildSpec,
    threads: int = 1,
    estimates: Sequence[tuple[str, str, int, Decimal]] = (),
    also: tuple[str, ...] = (),
) -> duckdb.DuckDBPyConnection:
    """Compute ``spec`` in memory and hold it to the project's own checks.

    Args:
        estimates: (hospital, NPI, year, approved amount) as claims would have it.
        also: folders of models beside the settlement's.

    Raises:
        AssertionError: a check found rows that break it.
    """
    areas = (*_SETTLEMENT, *also)
    models, checks = _rendered(json.dumps(spec.dbt_vars(), sort_keys=True), areas)
    connection = _prepared(spec, threads, areas)
    for name, columns in _FROM_CLAIMS.items():
        connection.execute(f"create table intermediate.{name} ({columns})")
    if estimates:
        connection.executemany(f"insert into intermediate.{ESTIMATES} values (?, ?, ?, ?)", list(estimates))
    _create(connection, models)
    for name, sql in checks.items():
        broken = len(connection.execute(sql).fetchall())
        assert not broken, f"the check {name} found {broken} rows that break it"
    return connection


def frozen_norms(spec: BuildSpec, threads: int = 1) -> dict[str, pl.DataFrame]:
    """The frozen norm table that ``spec``, a build of kind norms, makes; rows ordered by key."""
    models, _ = _rendered(json.dumps(spec.dbt_vars(), sort_keys=True))
    frozen = {
        "frozen_norms": "norms",
        "frozen_norm_physicians": "norm_physicians",
        "frozen_norm_cases": "norm_cases",
        "frozen_exclusions": "exclusions",
        "frozen_conservation": "int_case_ledger",
        "frozen_quality_cells": "int_quality_cells",
    }
    needed = _needed(frozen.values())
    frames = {}
    with _prepared(spec, threads) as connection:
        _create(connection, {name: sql for name, sql in models.items() if name in needed})
        for name, model in frozen.items():
            table = run_tables.FROZEN[name]
            columns = ", ".join(f'"{column}"' for column in table.names)
            frames[name] = connection.sql(f'select {columns} from "{_models()[model][0]}"."{model}"').pl()
    return {name: frame.sort(run_tables.FROZEN[name].key) for name, frame in frames.items()}

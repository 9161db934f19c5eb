"""The settlement's models, rendered as dbt renders them and run in one DuckDB connection: fast tests of many states.

Belongs here: the order of models, and recomputing those that a changed text affects. Does not belong here: the states
(``scenario``). A test compares these tables with those of a dbt build of the same state.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from pathlib import Path

import duckdb
import polars as pl

from hcip_pipeline.contracts import run as run_tables
from hcip_pipeline.contracts.catalog import LAKE_SOURCES
from hcip_pipeline.contracts.table import Table
from hcip_pipeline.parsed_sql import execute
from hcip_pipeline.settlement.norm_tables import norm_spec
from hcip_pipeline.warehouse.project import PROJECT
from hcip_pipeline.warehouse.rendering import SCHEMAS, Renderer, checks, models
from hcip_pipeline.warehouse.spec import BuildSpec

#: areas that are computed, with everything they refer to in other areas
_PROTOCOL = ("attribution", "performance", "improvement", "waterfall", "incentives")
_SETTLEMENT = ("cases", "costs", "norms", *_PROTOCOL, "savings", "ledger", "audit")
#: areas behind the reports, which only a release needs
REPORTS = ("opportunity", "care_redesign", "quality", "screening")
#: tables from claims: the caller gives the estimate, the others are empty, because claims have their own tests
ESTIMATES = "int_pfs_approved_by_claims"
_FROM_CLAIMS = {
    ESTIMATES: "hospital_ccn varchar, npi varchar, calendar_year bigint, pfs_approved_amount decimal(18, 2), "
    "pfs_amount_in_doubt decimal(18, 2)",
    "int_medicare_returns": "window_name varchar, hospital_ccn varchar, patient_status_code varchar, "
    "is_readmitted boolean, days_to_return bigint, is_without_post_acute boolean",
    "int_medicare_measures": "hospital_ccn varchar, level varchar, subject varchar, measure varchar, "
    "baseline_numerator bigint, baseline_denominator bigint, baseline_expected decimal(18, 8), "
    "baseline_value decimal(18, 8), numerator bigint, denominator bigint, expected decimal(18, 8), "
    "base_rate decimal(18, 8), value decimal(18, 8), lower_limit decimal(18, 8), upper_limit decimal(18, 8)",
}
#: models of these areas that only the tables from claims read
_OF_CLAIMS = {*_FROM_CLAIMS, "int_medicare_counts", "int_beneficiary_areas"}


def _needed(names: Iterable[str]) -> set[str]:
    """Models and everything they refer to, without the given tables."""
    found: set[str] = set()
    waiting = set(names)
    while waiting:
        found |= waiting
        waiting = {parent for name in waiting for parent in models()[name].reads} - found - _FROM_CLAIMS.keys()
    return found


@cache
def _order(areas: tuple[str, ...] = _SETTLEMENT) -> tuple[str, ...]:
    """Every model of these areas, each after the models it refers to."""
    folders = [PROJECT / "models" / schema / folder for schema in SCHEMAS for folder in areas]
    own = _needed({path.stem for folder in folders for path in folder.rglob("*.sql")} - _OF_CLAIMS)
    needs = {name: models()[name].reads - _FROM_CLAIMS.keys() for name in own}
    ordered: dict[str, None] = {}
    while needs.keys() - ordered.keys():
        ordered[min(name for name in needs.keys() - ordered.keys() if needs[name] <= ordered.keys())] = None
    return tuple(ordered)


@cache
def _sources(areas: tuple[str, ...]) -> set[str]:
    """The tables of the lake that these areas read."""
    return {source for name in _order(areas) for source in models()[name].sources} & LAKE_SOURCES.keys()


@cache
def _rendered(variables: str, areas: tuple[str, ...] = _SETTLEMENT) -> tuple[dict[str, str], dict[str, str]]:
    """Model -> SQL, in order, and check -> SQL for the project's own checks that read only these models."""
    renderer, order = Renderer(json.loads(variables)), _order(areas)
    own = [name for name, check in checks().items() if check.reads <= set(order)]
    return {name: renderer.model(name) for name in order}, {name: renderer.check(name) for name in own}


def _fill(connection: duckdb.DuckDBPyConnection, name: str, frame: object) -> None:
    """Create a table of the lake with its contract's types, empty if there is no frame."""
    table = LAKE_SOURCES[name]
    if not isinstance(frame, pl.DataFrame) or not frame.height:
        execute(connection, f'create or replace table lake."{name}" as {table.empty_select()}')
        return
    typed = ", ".join(f'cast("{c.name}" as {c.sql_type}) as "{c.name}"' for c in table.columns)
    connection.register("incoming", frame.to_arrow())
    execute(connection, f'create or replace table lake."{name}" as select {typed} from incoming')
    connection.unregister("incoming")


def _prepared(spec: BuildSpec, threads: int, areas: tuple[str, ...] = _SETTLEMENT) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"threads": threads})
    for schema in ("lake", *SCHEMAS):
        connection.execute(f"create schema {schema}")
    frames = {"windows": spec.windows_frame(), "elections": spec.elections_frame(), **spec.sources}
    for name in sorted(_sources(areas)):
        _fill(connection, name, frames.get(name))
    return connection


def _create(connection: duckdb.DuckDBPyConnection, computed: dict[str, str]) -> None:
    for name, sql in computed.items():
        kind = "view" if models()[name].schema == "staging" else "table"
        execute(connection, f'create {kind} "{models()[name].schema}"."{name}" as {sql}')


def run(
    spec: BuildSpec,
    threads: int = 1,
    estimates: Sequence[tuple[str, str, int, Decimal]] = (),
    also: tuple[str, ...] = (),
) -> duckdb.DuckDBPyConnection:
    """Compute ``spec`` in memory and run the project's own checks on it.

    Args:
        estimates: (hospital, NPI, year, approved amount) as claims would give it.
        also: further folders of models.

    Raises:
        AssertionError: a check found rows that break it.
    """
    areas = (*_SETTLEMENT, *also)
    computed, held_to = _rendered(json.dumps(spec.dbt_vars(), sort_keys=True), areas)
    connection = _prepared(spec, threads, areas)
    for name, columns in _FROM_CLAIMS.items():
        connection.execute(f"create table intermediate.{name} ({columns})")
    if estimates:
        connection.executemany(f"insert into intermediate.{ESTIMATES} values (?, ?, ?, ?, 0)", list(estimates))
    _create(connection, computed)
    for name, sql in held_to.items():
        broken = len(execute(connection, sql).fetchall())
        assert not broken, f"the check {name} found {broken} rows that break it"
    return connection


#: frozen table -> the model it is made from
_FROZEN = {
    "frozen_norms": "norms",
    "frozen_norm_physicians": "norm_physicians",
    "frozen_norm_cases": "norm_cases",
    "frozen_exclusions": "exclusions",
    "frozen_conservation": "int_case_ledger",
    "frozen_quality_cells": "int_quality_cells",
}


def part(spec: BuildSpec, names: Sequence[str], threads: int = 1) -> duckdb.DuckDBPyConnection:
    """Compute some models and what they refer to, without checks."""
    areas = (*_SETTLEMENT, *REPORTS)
    computed, _ = _rendered(json.dumps(spec.dbt_vars(), sort_keys=True), areas)
    needed = _needed(names)
    connection = _prepared(spec, threads, areas)
    for name, columns in _FROM_CLAIMS.items():
        connection.execute(f"create table intermediate.{name} ({columns})")
    _create(connection, {name: sql for name, sql in computed.items() if name in needed})
    return connection


def store(connection: duckdb.DuckDBPyConnection, file: Path, tables: Iterable[str], empty: Iterable[Table]) -> None:
    """Copy computed ``tables`` (with their schemas) into a warehouse file, and add marts without rows."""
    connection.execute(f"attach '{file}' as built")
    connection.begin()  # one commit, not one per table
    connection.execute("create schema built.marts; create schema built.intermediate")
    for name in tables:
        connection.execute(f"create table built.{name} as from memory.{name}")
    for table in empty:
        connection.execute(f"create table built.marts.{table.name} as {table.empty_select()}")
    connection.commit()


def frozen_norms(spec: BuildSpec, threads: int = 1) -> dict[str, pl.DataFrame]:
    """The frozen norm table that ``spec``, a build of kind norms, makes; rows ordered by key."""
    with _norm_build(spec, threads) as connection:
        return _frozen_frames(connection)


def _norm_build(spec: BuildSpec, threads: int = 1) -> duckdb.DuckDBPyConnection:
    computed, _ = _rendered(json.dumps(spec.dbt_vars(), sort_keys=True))
    needed = _needed(_FROZEN.values())
    connection = _prepared(spec, threads)
    _create(connection, {name: sql for name, sql in computed.items() if name in needed})
    return connection


def _frozen_frames(connection: duckdb.DuckDBPyConnection) -> dict[str, pl.DataFrame]:
    frames = {}
    for name, model in _FROZEN.items():
        table = run_tables.FROZEN[name]
        columns = ", ".join(f'"{column}"' for column in table.names)
        frame = connection.sql(f'select {columns} from "{models()[model].schema}"."{model}"').pl()
        frames[name] = frame.sort(table.key)
    return frames


@dataclass(frozen=True)
class Mutant:
    """A text in the file of a model or macro, and its replacement."""

    file: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.file}: {' '.join(self.old.split())[:60]} -> {' '.join(self.new.split())[:60]}"


class Bench:
    """A state computed once, then with one text of a model or macro changed, recomputing only the affected models."""

    def __init__(self, spec: BuildSpec, estimates: Sequence[tuple[str, str, int, Decimal]] = ()) -> None:
        """Compute ``spec``, of a period and without its norm table."""
        self.norm_spec = norm_spec(spec)
        self.norm_connection = _norm_build(self.norm_spec)
        self.norms = _frozen_frames(self.norm_connection)
        self.spec = replace(spec, sources=dict(spec.sources) | self.norms)
        self.connection = run(self.spec, estimates=estimates)

    @contextmanager
    def changed(self, mutant: Mutant, *marts: str) -> Iterator[duckdb.DuckDBPyConnection]:
        """The period and its norm table as the changed models compute them; afterward the original is restored.

        Args:
            marts: marts to compute; by default all.

        Raises:
            AssertionError: the text is not in the file, or changing it changes no model.
        """
        norms = {}
        affected = _changed_models(self.norm_spec, mutant)
        norm_models = {name: sql for name, sql in affected.items() if name in _needed(_FROZEN.values())}
        if norm_models:
            self.norm_connection.begin()
            try:
                _recompute(self.norm_connection, self.norm_spec, norm_models, set(norm_models), ())
                found = _frozen_frames(self.norm_connection)
            finally:
                self.norm_connection.rollback()
            norms = {name: frame for name, frame in found.items() if not frame.equals(self.norms[name])}
        changed = _changed_models(self.spec, mutant)
        assert changed or norms, f"nothing changes: {mutant}"
        self.connection.begin()
        try:
            for name, frame in norms.items():
                _fill(self.connection, name, frame)
            readers = {name for name in _order() if models()[name].sources & norms.keys()}
            _recompute(self.connection, self.spec, changed, set(changed) | readers, marts)
            yield self.connection
        finally:
            self.connection.rollback()


def _changed_models(spec: BuildSpec, mutant: Mutant) -> dict[str, str]:
    """Model -> SQL, for the models that ``mutant`` changes."""
    before, _ = _rendered(json.dumps(spec.dbt_vars(), sort_keys=True))
    macros = PROJECT / "macros" / f"{mutant.file}.sql"
    text = models()[mutant.file].template if mutant.file in before else macros.read_text(encoding="utf-8")
    assert mutant.old in text, f"no such text: {mutant}"
    renderer = Renderer(spec.dbt_vars(), {mutant.file: text.replace(mutant.old, mutant.new)})
    rendered = {name: renderer.model(name) for name in ([mutant.file] if mutant.file in before else before)}
    return {name: sql for name, sql in rendered.items() if sql != before[name]}


def _recompute(
    connection: duckdb.DuckDBPyConnection,
    spec: BuildSpec,
    changed: dict[str, str],
    affected: set[str],
    marts: Sequence[str],
) -> None:
    """Recompute the models in ``affected`` and those that refer to them, as far as ``marts`` need them."""
    computed, _ = _rendered(json.dumps(spec.dbt_vars(), sort_keys=True))
    tables = {
        row[0]
        for row in connection.execute(
            "select table_name from information_schema.tables where table_schema <> 'lake'"
        ).fetchall()
    }
    wanted = tables & _needed(marts) if marts else tables
    for name in _order():
        if name in wanted and (name in affected or affected & models()[name].reads):
            affected.add(name)
            schema = models()[name].schema
            kind = "view" if schema == "staging" else "table"
            text = f'create or replace {kind} "{schema}"."{name}" as {changed.get(name, computed[name])}'
            execute(connection, text)

"""Builds from the renderer's SQL, without dbt: the same models and checks in a fraction of the time.

Tests of the steps after a build use the fixture ``rendered_builds``. A release made this way has the same bytes as one
made with dbt (``integration/test_dagster_runs.py``), and the renderer's SQL is the same as dbt's for every model and
check (``golden/test_worked_examples.py``). Tests of the build, or of features that use the renderer themselves
(simulations, what-if), build with dbt.

Belongs here: computing a build. Does not belong here: any state.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import duckdb

from hcip_pipeline.assets.resources import EngineResource
from hcip_pipeline.home.folders import Home
from hcip_pipeline.messages import Progress
from hcip_pipeline.parsed_sql import execute
from hcip_pipeline.warehouse.build import (
    FILE_NAME,
    KEY_TESTS,
    BuildResult,
    NodeResult,
    compute_builds_with,
    fingerprints,
    prepare,
    repeated_keys,
    stop_if_broken,
)
from hcip_pipeline.warehouse.project import manifest_path
from hcip_pipeline.warehouse.rendering import SCHEMAS, Renderer, checks, models
from hcip_pipeline.warehouse.spec import BuildSpec


def build_by_rendering(
    spec: BuildSpec,
    folder: Path,
    *,
    threads: int | None = None,
    select: str | None = None,
    progress: Progress | None = None,
) -> BuildResult:
    """Compute a build, with the signature of ``warehouse.build.Engine``."""
    names = _in_order(models() if select is None else [name.split(".")[-1].lstrip("+") for name in select.split()])
    renderer, file = Renderer(spec.dbt_vars()), folder / FILE_NAME
    prepare(spec, file)
    found = []
    with duckdb.connect(file, config={"threads": threads or 1, "preserve_insertion_order": False}) as connection:
        connection.begin()  # one commit, not one per table
        for schema in SCHEMAS:
            connection.execute(f"create schema {schema}")
        nodes = _nodes("model")
        for name in names:
            model = models()[name]
            kind = "view" if nodes[name]["config"]["materialized"].endswith("view") else "table"
            columns = ", ".join(f'"{column}"' for column in nodes[name]["columns"]) if model.schema == "marts" else "*"
            sql = f"select {columns} from ({renderer.model(name)}) as model"
            try:
                execute(connection, f'create {kind} "{model.schema}"."{name}" as {sql}')
            except duckdb.Error as error:
                found.append(NodeResult(nodes[name]["unique_id"], "error", 0.0, 0, str(error)))
                break
            found.append(NodeResult(nodes[name]["unique_id"], "success", 0.0, 0, ""))
        else:
            connection.commit()
            found += [
                _checked(connection, node, _check(renderer, node))
                for node in _nodes("test").values()
                if _read_models(node) <= set(names)
            ]
    stop_if_broken(tuple(found), file)
    return BuildResult(spec, file, tuple(found), fingerprints(file))


class RenderedEngine(EngineResource):
    """The same as the resource of a run, in any process."""

    @contextmanager
    def computing(self, home: Home) -> Iterator[None]:
        with compute_builds_with(build_by_rendering):
            yield


def _checked(connection: duckdb.DuckDBPyConnection, node: Mapping[str, Any], sql: str) -> NodeResult:
    rows = execute(connection, sql).fetchall()
    tables = repeated_keys(rows) if node["name"].startswith(KEY_TESTS) else ""
    return NodeResult(node["unique_id"], "fail" if rows else "pass", 0.0, len(rows), tables)


def _check(renderer: Renderer, node: Mapping[str, Any]) -> str:
    """The SQL of the project's own check, or of a generic test of one of its models."""
    if node["name"] in checks():
        return renderer.check(node["name"])
    (model,) = _read_models(node)
    table = f'"{models()[model].schema}"."{model}"'
    assert node["test_metadata"]["name"] == "balanced", "a new kind of test"
    return (
        f"select stage, window_name, hospital_ccn from {table} "
        "where cases_in <> cases_kept + cases_excluded or amount_in <> amount_kept + amount_excluded"
    )


def _in_order(targets: Iterable[str]) -> list[str]:
    """``targets`` and every model they need, each after those it reads (some are named only in macros)."""
    reads: dict[str, set[str]] = {}
    asked = list(targets)
    while asked:
        if (name := asked.pop()) not in reads:
            reads[name] = _read_models(_nodes("model")[name])
            asked += reads[name]
    return list(TopologicalSorter(reads).static_order())


def _read_models(node: Mapping[str, Any]) -> set[str]:
    return {parent.split(".")[-1] for parent in node["depends_on"]["nodes"] if parent.startswith("model.")}


@cache
def _nodes(resource_type: str) -> dict[str, Mapping[str, Any]]:
    manifest = json.loads(manifest_path().read_bytes())
    return {node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] == resource_type}

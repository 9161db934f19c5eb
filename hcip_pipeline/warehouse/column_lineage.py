"""The source columns of each column of the dbt models, for the Dagster UI.

Belongs here: deriving them from the compiled SQL, and storing the result. Does not belong here: anything a build needs.

This takes some seconds and happens once per state of the project, alongside ``hcip ui`` (or, when an image is built,
with ``python -m hcip_pipeline.warehouse.column_lineage``); settlements then show the stored lineage.
"""

from __future__ import annotations

import graphlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hcip_pipeline.files.scratch import scratch_folder
from hcip_pipeline.warehouse.project import PROJECT, parsed_project, target_folder

if TYPE_CHECKING:
    from sqlglot import MappingSchema

#: model -> column -> [[source table, source column], …]
Lineage = dict[str, dict[str, list[list[str]]]]

_FILE = "column_lineage.json"


def read_column_lineage() -> Lineage:
    """The stored lineage of the current project; empty if there is none."""
    file = target_folder() / _FILE
    lineage: Lineage = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return lineage


def has_column_lineage() -> bool:
    """Whether the lineage of the current project is stored."""
    return (target_folder() / _FILE).exists()


def write_column_lineage(progress: Callable[[str], None] = lambda _: None) -> Path:
    """Derive and store the lineage of every model, unless it is stored for the current project."""
    from hcip_pipeline.files.atomic import write_json

    file = target_folder() / _FILE
    if not file.exists():
        progress("deriving the lineage of columns (once for each state of the dbt project)")
        write_json(lineage_of(compiled_models()), file)
    return file


def compiled_models() -> list[tuple[str, str]]:
    """Name and compiled SQL of every model, each after the models that it reads."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    from hcip_pipeline.policy.model import Policy
    from hcip_pipeline.warehouse.build import write_profile
    from hcip_pipeline.warehouse.spec import BuildSpec

    # Any half-year will do: no model reads other columns in another period.
    spec = BuildSpec("2025H1", "period", (), Policy(version="any", base_year=2024))
    with scratch_folder("lineage") as work:
        folder = str(work)
        common = ["--project-dir", str(PROJECT), "--profiles-dir", folder, "--target-path", folder]
        common += ["--log-path", folder, "--log-level", "none", "--log-level-file", "none", "--no-write-json"]
        arguments = ["compile", "--vars", json.dumps(spec.dbt_vars()), "--select", "resource_type:model"]
        write_profile(Path(folder))
        try:
            result: Any = dbtRunner(manifest=parsed_project()).invoke([*arguments, *common])
        finally:
            DuckDBConnectionManager.close_all_connections()
    if not result.success:
        raise RuntimeError(f"the dbt project does not compile: {result.exception}")
    nodes = {run.node.name: run.node for run in result.result.results}
    reads = {
        name: [parent.split(".")[-1] for parent in node.depends_on.nodes if parent.startswith("model.")]
        for name, node in nodes.items()
    }
    order = graphlib.TopologicalSorter(reads).static_order()
    return [(name, nodes[name].compiled_code) for name in order if name in nodes]


def lineage_of(models: list[tuple[str, str]]) -> Lineage:
    """Column lineage of models, each listed after those that it reads. A model that cannot be parsed has none."""
    from sqlglot import MappingSchema
    from sqlglot.errors import SqlglotError

    from hcip_pipeline.contracts.catalog import LAKE_SOURCES

    # The names in a shared schema object are normalized once, not once per model.
    known = MappingSchema(
        {name: dict.fromkeys(table.names, "text") for name, table in LAKE_SOURCES.items()}, dialect="duckdb"
    )
    lineage: Lineage = {}
    for name, sql in models:
        try:
            found = dict(_columns_of(sql, known))
        except (SqlglotError, RecursionError, KeyError, ValueError):
            continue
        known.add_table(name, dict.fromkeys(found, "text"))
        lineage[name] = {column: parents for column, parents in found.items() if parents}
    return lineage


def _columns_of(sql: str, known: MappingSchema) -> Iterator[tuple[str, list[list[str]]]]:
    """Each column of a query, with its source columns in known tables."""
    from sqlglot import exp, parse_one
    from sqlglot.lineage import lineage
    from sqlglot.optimizer.qualify import qualify
    from sqlglot.optimizer.scope import build_scope

    query = parse_one(sql, dialect="duckdb")
    for table in query.find_all(exp.Table):  # names of tables are unique across schemas
        table.set("db", None)
        table.set("catalog", None)
    qualified = qualify(query, schema=known, dialect="duckdb", validate_qualify_columns=False, identify=False)
    scope = build_scope(qualified)
    assert isinstance(qualified, exp.Query)
    # All columns in one call: they share the nodes between them and the tables.
    nodes = lineage(None, qualified, schema=known, scope=scope, dialect="duckdb", trim_selects=False, copy=False)
    for column, node in nodes.items():
        leaves = [leaf for leaf in node.walk() if isinstance(leaf.expression, exp.Table)]
        parents = {(leaf.expression.name, leaf.name.rsplit(".", 1)[-1]) for leaf in leaves}
        yield column, [[table, name] for table, name in sorted(parents) if name in known.column_names(table)]


if __name__ == "__main__":
    print(write_column_lineage(lambda message: print(message, file=sys.stderr)))

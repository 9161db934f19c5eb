"""Python reads only declared intermediate models, and these have the declared columns and types."""

from __future__ import annotations

import re
from pathlib import Path

import hcip_pipeline
from hcip_pipeline.contracts.intermediate import READ_BY_PYTHON
from hcip_pipeline.contracts.table import TYPES
from tests import settlement_models
from tests.scenario import Scenario

PACKAGE = Path(hcip_pipeline.__file__).parent
#: A model that a query reads; names of models in lists and comments have no schema before them.
_READ = re.compile(r"\bintermediate\.(int_[a-z0-9_]+)|\"intermediate\", \"(int_[a-z0-9_]+)\"")


def test_python_reads_only_declared_intermediates() -> None:
    read = {
        first or second
        for path in PACKAGE.rglob("*.py")
        for first, second in _READ.findall(path.read_text(encoding="utf-8"))
    }
    assert read == set(READ_BY_PYTHON)


def test_the_models_have_the_declared_columns() -> None:
    spec = Scenario([]).spec()
    with settlement_models.part(spec, list(READ_BY_PYTHON)) as connection:
        found = {
            model: dict(
                connection.execute(
                    "select column_name, lower(data_type) from duckdb_columns()"
                    " where schema_name = 'intermediate' and table_name = ?",
                    [model],
                ).fetchall()
            )
            for model in READ_BY_PYTHON
        }
    for model, columns in READ_BY_PYTHON.items():
        assert {name: found[model].get(name) for name in columns} == {
            name: TYPES[kind][0] for name, kind in columns.items()
        }, model

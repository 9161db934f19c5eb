"""Everything derived from the contracts agrees with them."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from hcip_pipeline.contracts.catalog import LAKE_SOURCES, SECTIONS
from hcip_pipeline.contracts.marts import MARTS
from hcip_pipeline.contracts.render import rendered
from hcip_pipeline.contracts.table import Table

ROOT = Path(__file__).resolve().parents[2]
EVERY_TABLE = {table.name: table for tables in SECTIONS.values() for table in tables}


@pytest.mark.parametrize(
    ("path", "text"), sorted(rendered().items()), ids=lambda each: str(each) if isinstance(each, Path) else ""
)
def test_generated_files_follow_from_the_contracts(path: Path, text: str) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == text, "run `make contracts`"


def test_types_read_the_same_in_duckdb_and_polars() -> None:
    with duckdb.connect() as connection:
        for table in LAKE_SOURCES.values():
            frame = connection.sql(table.empty_select()).pl()
            assert dict(frame.schema) == table.schema, table.name


@pytest.mark.parametrize("table", EVERY_TABLE.values(), ids=lambda table: table.name)
def test_columns_are_declared_once_with_a_meaning(table: Table) -> None:
    assert len(set(table.names)) == len(table.names)
    assert all(column.meaning for column in table.columns)
    assert table.grain


def test_every_mart_has_a_key() -> None:
    for tables in MARTS.values():
        for table in tables:
            assert table.key, table.name

"""A column name has one type and one meaning in every table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from hcip_pipeline.contracts.catalog import LAKE_SOURCES, SECTIONS
from hcip_pipeline.contracts.fields import FIELDS, TABLE_SPECIFIC
from hcip_pipeline.contracts.table import Column


def _columns() -> Iterator[tuple[str, Column]]:
    """Every declared column, except those of CMS's own files, which keep CMS's labels."""
    tables = (*LAKE_SOURCES.values(), *(table for section in SECTIONS.values() for table in section))
    for table in {id(table): table for table in tables}.values():
        if not table.name.startswith("cclf"):
            yield from ((table.name, column) for column in table.columns)


def test_a_shared_name_has_one_type_and_one_meaning() -> None:
    drifting = [
        f"{table}.{column.name}: {column.type}, {column.meaning!r}"
        for table, column in _columns()
        if (field := FIELDS.get(column.name))
        and (column.type != field.type or column.meaning.partition("; ")[0] != field.meaning)
    ]
    assert not drifting, "contracts/fields.py has another type or meaning; put what the table adds after a semicolon"


def test_every_shared_name_is_declared() -> None:
    tables = defaultdict(set)
    for table, column in _columns():
        tables[column.name].add(table)
    shared = {name for name, where in tables.items() if len(where) > 1}
    assert shared - set(FIELDS) - set(TABLE_SPECIFIC) == set(), "declare it in contracts/fields.py"
    assert not set(FIELDS) & set(TABLE_SPECIFIC)
    assert set(TABLE_SPECIFIC) <= shared


def test_names_declared_as_table_specific_do_differ_in_meaning() -> None:
    meanings = defaultdict(set)
    for _, column in _columns():
        meanings[column.name].add((column.type, column.meaning.partition("; ")[0]))
    assert all(len(meanings[name]) > 1 for name in TABLE_SPECIFIC)

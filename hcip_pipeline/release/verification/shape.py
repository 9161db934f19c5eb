"""The shape of one kind of table in a release.

Belongs here: folder, key and the type of every column that a rule needs. Does not belong here: the tables (``shapes``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Shape:
    """One kind of table.

    Attributes:
        scope: hospital: one file per hospital; state: one file for all readers.
        is_optional: a release may lack the table, because it is older than the table or had no data for it.
    """

    name: str
    folder: str
    scope: str
    key: tuple[str, ...]
    types: Mapping[str, str]
    is_optional: bool = False

    @cached_property
    def money(self) -> frozenset[str]:
        """Columns that contain money."""
        return frozenset(column for column, type_ in self.types.items() if type_ == "money")


def shape(name: str, folder: str, scope: str, key: str, *, is_optional: bool = False, **columns: str) -> Shape:
    """A shape from lists of column names, by type."""
    types = {column: type_ for type_, names in columns.items() for column in names.split()}
    return Shape(name, folder, scope, tuple(key.split()), types, is_optional)

"""What one kind of table of a release is.

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
        is_optional: a release may have none: one from before there was such a table, or where there was nothing for it.
    """

    name: str
    folder: str
    scope: str
    key: tuple[str, ...]
    types: Mapping[str, str]
    is_optional: bool = False

    @cached_property
    def money(self) -> frozenset[str]:
        """Columns that hold money."""
        return frozenset(column for column, type_ in self.types.items() if type_ == "money")


def shape(name: str, folder: str, scope: str, key: str, *, is_optional: bool = False, **columns: str) -> Shape:
    """A table from lists of columns, by type."""
    types = {column: type_ for type_, names in columns.items() for column in names.split()}
    return Shape(name, folder, scope, tuple(key.split()), types, is_optional)

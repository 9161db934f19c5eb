"""Layouts of states' public files: names and widths of fields, as publishers describe them, by table and year.

Belongs here: reading ``data/<file>.yaml``. Does not belong here: what a field means, and recognizing a file
(``intake.state_files``).
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

_DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class LayoutField:
    """A field of a record of fixed width; ``start`` counts characters from 1."""

    name: str
    start: int
    width: int


@dataclass(frozen=True)
class RecordLayout:
    """A record of fixed width, as a publisher describes it for a year."""

    year: str
    fields: tuple[LayoutField, ...]

    @property
    def width(self) -> int:
        """Length of the record in characters, without the line ending."""
        return self.fields[-1].start + self.fields[-1].width - 1


@functools.cache
def read_layouts(file: str) -> dict[str, tuple[RecordLayout, ...]]:
    """Read the published layouts of a public file, by table, from ``data/<file>.yaml``."""
    published = yaml.safe_load((_DATA / f"{file}.yaml").read_text(encoding="utf-8"))["layouts"]
    layouts: dict[str, list[RecordLayout]] = {}
    for year, tables in published.items():
        for table, entries in tables.items():
            layouts.setdefault(table, []).append(RecordLayout(year, tuple(_fields(entries))))
    return {table: tuple(found) for table, found in layouts.items()}


def _fields(entries: Sequence[dict[str, object]]) -> Iterator[LayoutField]:
    start = 1
    for entry in entries:
        rounds = entry.get("repeat")
        widths = entry["fields"] if rounds else entry
        for place in range(int(str(rounds or 1))):
            for name, width in dict(widths).items():  # type: ignore[call-overload]
                yield LayoutField(f"{name}_{place + 1}" if rounds else name, start, width)
                start += width

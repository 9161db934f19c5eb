"""The element of a resource for each CCLF field, as data. ``make_mapping`` creates the table."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class Mapped:
    """One CCLF field with a counterpart; ``cms_path`` is the path that CMS publishes, empty if there is none."""

    table: str
    field: str
    resource: str
    element: str
    key: str
    cms_path: str


@cache
def mapping() -> dict[tuple[str, str], Mapped]:
    """(table, field) -> its element; fields that v3 lacks are absent."""
    content = (files("hcip_pipeline.intake.bcda") / "data" / "mapping.csv").read_text(encoding="utf-8")
    return {
        (row["table"], row["field"]): Mapped(
            row["table"], row["field"], row["resource"], row["element"], row["key"], row["cms_path"]
        )
        for row in csv.DictReader(content.splitlines())
    }

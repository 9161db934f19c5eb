"""Which element of a resource each CCLF field is, as data. ``make_mapping`` makes the table."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class Mapped:
    """One CCLF field with a counterpart; ``cms_path`` as CMS publishes it, empty where it publishes none."""

    table: str
    field: str
    resource: str
    element: str
    key: str
    cms_path: str


@cache
def mapping() -> dict[tuple[str, str], Mapped]:
    """(table, field) -> its element; fields that v3 lacks are not there."""
    content = (files("hcip_pipeline.intake.bcda") / "data" / "mapping.csv").read_text(encoding="utf-8")
    return {
        (row["table"], row["field"]): Mapped(
            row["table"], row["field"], row["resource"], row["element"], row["key"], row["cms_path"]
        )
        for row in csv.DictReader(content.splitlines())
    }

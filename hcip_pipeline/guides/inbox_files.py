"""Every file of the inbox: when it is needed and due, and what happens without it.

Belongs here: what the contracts do not state about a file; the words are in ``data/inbox_files.yaml``. Does not belong
here: columns (``contracts``) and rules.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

from hcip_pipeline.contracts import hospital, program, reference
from hcip_pipeline.contracts.table import Table

_WORDS = Path(__file__).parent / "data" / "inbox_files.yaml"

#: Reference tables that a new region begins with: none of them has a default that could be its own.
OWN_TABLES = ("hospitals", "cost_factors", "networks", "excluded_individuals")


@dataclass(frozen=True)
class InboxFile:
    """A table of the inbox.

    Attributes:
        needed: when a run needs it, and what happens without it.
        due: when it must be there for the scheduled run.
    """

    table: Table
    needed: str
    due: str

    @property
    def name(self) -> str:
        """As a CSV file; other shapes have the same stem."""
        return f"{self.table.name}.csv"


def hospital_files() -> tuple[InboxFile, ...]:
    """Of a hospital's submission."""
    return _described((hospital.DISCHARGES, hospital.CHARGES))


def bill_files() -> tuple[InboxFile, ...]:
    """Next to bills, which hold what the tables of a submission do."""
    return _described((hospital.GROUPING,))


def program_files() -> tuple[InboxFile, ...]:
    """Of a half-year."""
    return _described(program.TABLES.values())


def reference_files() -> tuple[InboxFile, ...]:
    """Of the region."""
    return _described(reference.TABLES.values())


def _described(tables: Iterable[Table]) -> tuple[InboxFile, ...]:
    words = yaml.safe_load(_WORDS.read_text(encoding="utf-8"))
    return tuple(InboxFile(table, words[table.name]["needed"], words[table.name]["due"]) for table in tables)

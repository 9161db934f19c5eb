"""Every file of the inbox: when it is needed and due, and what happens without it.

Belongs here: what the contracts do not say about a file; the texts are in ``data/inbox_files.yaml``. Does not belong
here: columns (``contracts``) and rules.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

from hcip_pipeline.contracts import hospital, program, reference
from hcip_pipeline.contracts.table import Table

_TEXTS = Path(__file__).parent / "data" / "inbox_files.yaml"

#: Reference tables that are a region's own: no shipped default fits.
OWN_TABLES = ("hospitals", "cost_factors", "networks", "excluded_individuals")


@dataclass(frozen=True)
class InboxFile:
    """A table of the inbox.

    Attributes:
        needed: when a run needs the file, and what happens without it.
        due: when the file must be there for the scheduled run.
    """

    table: Table
    needed: str
    due: str

    @property
    def name(self) -> str:
        """Its name as a CSV file; files of other formats have the same stem."""
        return f"{self.table.name}.csv"


def hospital_files() -> tuple[InboxFile, ...]:
    """Files of a hospital's submission."""
    return _described((hospital.DISCHARGES, hospital.CHARGES))


def bill_files() -> tuple[InboxFile, ...]:
    """Files that accompany bills; the bills replace the tables of a submission."""
    return _described((hospital.GROUPING,))


def program_files() -> tuple[InboxFile, ...]:
    """Program files of a half-year."""
    return _described(program.TABLES.values())


def reference_files() -> tuple[InboxFile, ...]:
    """Reference tables of the region."""
    return _described(reference.TABLES.values())


def _described(tables: Iterable[Table]) -> tuple[InboxFile, ...]:
    texts = yaml.safe_load(_TEXTS.read_text(encoding="utf-8"))
    return tuple(InboxFile(table, texts[table.name]["needed"], texts[table.name]["due"]) for table in tables)

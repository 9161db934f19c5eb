"""Tables of a release that are not simply a mart: what is hidden from a reader, compared with what came before, or
taken from receipts. Each is a pure function of the draft.

Belongs here: what a derivation gives back. Does not belong here: any figure (next to its domain), the list of them
(``publishing.derivations``), and tables that leave as the build made them (``layouts``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import polars as pl

from hcip_pipeline.contracts.table import Table
from hcip_pipeline.release.documents import Draft


@dataclass(frozen=True)
class DerivedTable:
    """One table with its place.

    Attributes:
        folder: of ``layouts.AUDIENCES``; a table that is in two folders is found by name in the one of its mart.
        owner: a hospital's CMS certification number, or ``STATE``.
    """

    folder: str
    table: Table
    frame: pl.DataFrame
    owner: str = "STATE"


#: called once a release, after the marts are written and before the documents are made
Derivation = Callable[[Draft], Iterable[DerivedTable]]

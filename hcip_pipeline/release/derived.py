"""Tables of a release that are derived rather than copied from a mart: small counts are hidden, figures are compared
with earlier releases or read from receipts. Each is a pure function of the draft.

Belongs here: the type that a derivation returns. Does not belong here: any figure (next to its domain), the list of
derivations (``publishing.derivations``), and tables that are released as the build made them (``layouts``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import polars as pl

from hcip_pipeline.contracts.table import Table
from hcip_pipeline.release.documents import Draft


@dataclass(frozen=True)
class DerivedTable:
    """One table and its place in the release.

    Attributes:
        folder: one of ``layouts.AUDIENCES``; a table that is in two folders is found by name in its mart's folder.
        owner: a hospital's CMS certification number, or ``STATE``.
    """

    folder: str
    table: Table
    frame: pl.DataFrame
    owner: str = "STATE"


#: called once per release, after the marts are written and before the documents are rendered
Derivation = Callable[[Draft], Iterable[DerivedTable]]

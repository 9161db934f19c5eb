"""Discharge dispositions: the UB-04 patient status codes that a discharge may carry.

Belongs here: the code set and its labels. Does not belong here: which dispositions exclude a case (methodology §3),
which is with the exclusions.
"""

from __future__ import annotations

import polars as pl

from hcip_pipeline.contracts.table import Column, Table
from hcip_pipeline.reference.tables import SHIPPED
from hcip_pipeline.tables.contract_columns import read_contract_table
from hcip_pipeline.tables.tabular import LINE

DISCHARGE_DISPOSITIONS = Table(
    "discharge_dispositions",
    "one row per discharge disposition",
    (
        Column("disposition_code", "text", "UB-04 patient status", key=True, max_length=2),
        Column("label", "text", "short label", is_words=True),
    ),
)


def load_dispositions() -> pl.DataFrame:
    """The valid discharge dispositions: ``disposition_code``, ``label``, ordered by code."""
    table = read_contract_table(SHIPPED / "discharge_dispositions.csv", DISCHARGE_DISPOSITIONS)
    return table.frame.drop(LINE).sort("disposition_code")

"""Which table goes into which folder of a release, and for whom (outputs.md, "A release")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hcip_pipeline.contracts import marts
from hcip_pipeline.contracts.table import Table


@dataclass(frozen=True)
class Layout:
    """One kind of file: ``scope`` hospital is one file a hospital, state is one file for everybody."""

    folder: str
    table: Table
    scope: Literal["hospital", "state"]

    def file_name(self, owner: str, release: str) -> str:
        """Name without suffix: ``HCIP_<ccn or STATE>_<table>_<period>_r<n>``."""
        return f"HCIP_{owner}_{self.table.name}_{release}"


LAYOUTS = (
    *(
        Layout("incentives", table, "hospital")
        for table in (
            marts.INCENTIVES,
            marts.INCENTIVE_CASES,
            marts.CONDITIONS,
            marts.IMPROVEMENT,
            marts.BASELINE_CASES,
            marts.PAYMENT_INPUTS,
        )
    ),
    *(Layout("savings", table, "state") for table in marts.MARTS["savings"]),
    *(Layout("norms", table, "state") for table in marts.MARTS["norms"]),
    *(Layout("audit", table, "state") for table in marts.MARTS["audit"]),
)

"""Which tables go into which folder of a release, and who may receive them (outputs.md, "A release", "Privacy")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hcip_pipeline.contracts import audit, certainty, cms, hospital, marts, quality, quality_released
from hcip_pipeline.contracts.table import Table

#: the manifest of a release
MANIFEST = "datapackage.json"

#: Who may receive a file. ``hospital``: the hospital it names, and the administrator. ``administrator``: the full
#: tables that verification needs, which are not shared. ``regulator``: leaves the program, so small counts are hidden.
Audience = Literal["hospital", "administrator", "regulator"]

#: outputs.md lists norms and quality among the tables that leave the hospital. savings/ and audit/ are for the
#: administrator (`hcip verify` recomputes from their counts), and the regulator's extract is in regulator/.
AUDIENCES: dict[str, Audience] = {
    "incentives": "hospital",
    "savings": "administrator",
    "audit": "administrator",
    "norms": "regulator",
    "quality": "regulator",
    "regulator": "regulator",
    "reports": "hospital",
    "opportunity": "hospital",
    "care_redesign": "hospital",
    "committee": "hospital",
    "claims": "hospital",
    "certainty": "hospital",
}


@dataclass(frozen=True)
class FileLayout:
    """One kind of file: with ``scope`` hospital one file per hospital, with state one file for all readers."""

    folder: str
    table: Table
    scope: Literal["hospital", "state"]


LAYOUTS = (
    *(
        FileLayout("incentives", table, "hospital")
        for table in (
            marts.INCENTIVES,
            marts.INCENTIVE_CASES,
            marts.CONDITIONS,
            marts.IMPROVEMENT,
            marts.BASELINE_CASES,
            marts.PAYMENT_INPUTS,
            marts.PAYMENT_LIST,
        )
    ),
    *(FileLayout("savings", table, "state") for table in marts.MARTS["savings"]),
    # in full for verification; the extract that leaves the program is in norms/
    *(FileLayout("audit", table, "state") for table in marts.MARTS["norms"]),
    *(FileLayout("audit", table, "state") for table in marts.MARTS["audit"]),
    *(FileLayout("opportunity", table, "hospital") for table in marts.MARTS["opportunity"]),
    FileLayout("claims", cms.POST_ACUTE, "hospital"),
    FileLayout("audit", cms.CLAIMS_REPORT, "state"),
    *(FileLayout("care_redesign", table, "hospital") for table in marts.MARTS["care_redesign"]),
    *(FileLayout("quality", table, "state") for table in quality_released.STATE_TABLES),
    *(FileLayout("committee", table, "hospital") for table in quality.COMMITTEE_TABLES),
)

#: every table that leaves the program, by the folder it is in
PUBLIC: dict[str, tuple[Table, ...]] = {
    "norms": audit.TABLES["norms"],
    "quality": (*quality_released.STATE_TABLES, *quality_released.RELEASED.values(), hospital.DATA_QUALITY),
    "regulator": (*audit.TABLES["regulator"], *certainty.TABLES["regulator"]),
}


def folder_of(table: str) -> str:
    """The default folder of a table: for norms the one that leaves the program, otherwise the one in full."""
    if table in {public.name for public in audit.TABLES["norms"]}:
        return "norms"
    for folder, tables in certainty.TABLES.items():
        if table in {each.name for each in tables}:
            return folder
    return next((layout.folder for layout in LAYOUTS if layout.table.name == table), "*")

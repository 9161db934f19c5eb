"""CMS monthly claim files, CCLF (inputs.md): archives in, typed Parquet and receipts out.

Belongs here: names, archives, control totals, fixed-width records. Does not belong here: which claims are final, and
anything derived from claims (``dbt_project/models/intermediate/claims``).
"""

from hcip_pipeline.intake.cclf.month import check_deliveries, ingest_month
from hcip_pipeline.intake.cclf.receipts import ArchiveFileReceipt, ArchiveReceipt, files_in_force, in_force, receipts

__all__ = [
    "ArchiveFileReceipt",
    "ArchiveReceipt",
    "check_deliveries",
    "files_in_force",
    "in_force",
    "ingest_month",
    "receipts",
]

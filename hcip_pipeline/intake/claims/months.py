"""A month of CMS's claims in any shape: CCLF archives, BCDA exports, or both.

Belongs here: dividing the files of ``cms/<month>/`` between the two. Does not belong here: any rule (``cclf``,
``bcda``).
"""

from __future__ import annotations

from pathlib import Path

from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.bcda.month import check_exports, ingest_exports
from hcip_pipeline.intake.bcda.names import is_export_file
from hcip_pipeline.intake.cclf.month import check_deliveries, ingest_month
from hcip_pipeline.intake.cclf.receipts import ArchiveReceipt
from hcip_pipeline.messages import Progress
from hcip_pipeline.periods import Month


def ingest_claims(home: Home, month: Month | str, progress: Progress | None = None) -> list[ArchiveReceipt]:
    """Ingest every archive and export of ``inbox/cms/<month>/`` that is not yet in the lake.

    Each is accepted as a whole, as one Parquet file per table below ``lake/cms/<table>/month=<month>/``, or refused;
    either way it has a receipt. The same delivery again has the same receipt.

    Args:
        home: the home folder.
        month: the month of delivery, ``2025-04``.
        progress: called with a description of what is being read.
    """
    month = Month.parse(month) if isinstance(month, str) else month
    return [*ingest_month(home, month, progress), *ingest_exports(home, month, progress or _silent)]


def check_claims(path: Path, progress: Progress | None = None) -> list[ArchiveReceipt]:
    """Apply the same rules to one archive or export, or a folder of them, without a home; nothing is stored."""
    if not path.is_dir() and is_export_file(path.name):
        return check_exports(path, progress or _silent)
    archives = check_deliveries(path, progress)
    return [*archives, *(check_exports(path, progress or _silent) if path.is_dir() else [])]


def _silent(_message: str) -> None:
    return None

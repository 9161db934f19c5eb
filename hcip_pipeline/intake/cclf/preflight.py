"""The preflight of CMS claim files (``hcip check``): the intake's verdict on archives, without a home, in words.

Belongs here: when a path holds claim files, and how the verdict reads. Does not belong here: any rule (``month``).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hcip_pipeline.intake.cclf.month import check_deliveries
from hcip_pipeline.intake.cclf.names import CclfName
from hcip_pipeline.intake.cclf.receipts import ArchiveReceipt
from hcip_pipeline.rules.verdict import Counts, Verdict, sections_of

_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])", re.ASCII)


@dataclass(frozen=True)
class DeliveryCheck:
    """The verdict on every archive of a folder, or on one of them."""

    path: Path
    receipts: tuple[ArchiveReceipt, ...]

    @property
    def accepted(self) -> bool:
        """Whether the archive would be accepted."""
        return bool(self.receipts) and all(receipt.accepted for receipt in self.receipts)

    def as_dict(self) -> dict[str, Any]:
        """The same facts for ``--json``."""
        return {"accepted": self.accepted, "archives": [receipt.as_dict() for receipt in self.receipts]}

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """One for each archive, for a reader."""
        return tuple(map(_verdict, self.receipts))


def holds_claim_files(path: Path) -> bool:
    """Whether a file, or any file in a folder, is named as CMS names claim files, or lies where the intake looks."""
    folder = path if path.is_dir() else path.parent
    if folder.absolute().parent.name == "cms" and _MONTH.fullmatch(folder.name):
        return path.exists()
    if path.is_dir():
        return any(CclfName.parse(file.name) for file in path.rglob("*"))
    return CclfName.parse(path.name) is not None


def check_claim_files(path: Path, progress: Callable[[str], None] | None = None) -> DeliveryCheck:
    """Judge every archive at ``path`` as the intake would, but for what only a home knows: archives accepted before."""
    return DeliveryCheck(path, tuple(check_deliveries(path, progress)))


def _verdict(receipt: ArchiveReceipt) -> Verdict:
    rows = tuple((file.file, f"{file.records_read:,}", f"{file.record_length or '–'}") for file in receipt.files)
    return Verdict(
        title=receipt.archive,
        accepted=receipt.accepted,
        sections=sections_of(receipt.problems),
        counts=Counts(("file", "records", "bytes\neach"), rows) if rows else None,
        consequence="No file of a refused archive is used.",
    )

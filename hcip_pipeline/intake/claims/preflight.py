"""The preflight of CMS claim files (``hcip check``): the intake's verdict on archives, without a home.

Belongs here: whether a path has claim files, and how the verdict reads. Does not belong here: the rules (``cclf``,
``bcda``).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hcip_pipeline.intake.bcda.names import is_data_file
from hcip_pipeline.intake.cclf.names import CclfName
from hcip_pipeline.intake.cclf.receipts import ArchiveReceipt
from hcip_pipeline.intake.claims.months import check_claims
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
        """The verdict as ``--json`` prints it."""
        return {"accepted": self.accepted, "archives": [receipt.as_dict() for receipt in self.receipts]}

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """One verdict per archive, for display."""
        return tuple(map(_verdict, self.receipts))


def holds_claim_files(path: Path) -> bool:
    """Whether a file, or any file in a folder, has a name of CMS's claim files or is where the intake looks."""
    folder = path if path.is_dir() else path.parent
    if folder.absolute().parent.name == "cms" and _MONTH.fullmatch(folder.name):
        return path.exists()
    if path.is_dir():
        return any(CclfName.parse(file.name) or is_data_file(file.name) for file in path.rglob("*"))
    return CclfName.parse(path.name) is not None or is_data_file(path.name)


def check_claim_files(path: Path, progress: Callable[[str], None] | None = None) -> DeliveryCheck:
    """Judge every delivery at ``path`` as the intake would, except for comparing it with those accepted earlier."""
    return DeliveryCheck(path, tuple(check_claims(path, progress)))


def _verdict(receipt: ArchiveReceipt) -> Verdict:
    return Verdict(
        title=f"{receipt.archive} ({receipt.shape})" if receipt.resources else receipt.archive,
        accepted=receipt.accepted,
        sections=sections_of(receipt.problems),
        counts=_counts(receipt),
        consequence="No file of a refused archive is used.",
    )


def _counts(receipt: ArchiveReceipt) -> Counts | None:
    if receipt.resources:
        lines = ((r.file, f"{r.lines:,}", f"{r.read:,}", f"{r.lines - r.read:,}") for r in receipt.resources)
        return Counts(("file", "resources", "read", "not\nused"), tuple(lines))
    rows = tuple((file.file, f"{file.records_read:,}", f"{file.record_length or '–'}") for file in receipt.files)
    return Counts(("file", "records", "bytes\neach"), rows) if rows else None

"""The receipt of an archive: its files, their counts, and whether it was accepted. No time and no patient data.

Belongs here: the receipt's fields, its path, and which archives are in force. Does not belong here: ingesting.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from hcip_pipeline.errors import HcipError
from hcip_pipeline.files.atomic import write_json
from hcip_pipeline.home.folders import Home
from hcip_pipeline.home.records import read_record
from hcip_pipeline.intake.bcda.names import ExportName
from hcip_pipeline.intake.cclf.names import CclfName
from hcip_pipeline.rules.catalog import current_id
from hcip_pipeline.rules.problem import Problem

Status = Literal["accepted", "refused"]


@dataclass(frozen=True)
class ArchiveFileReceipt:
    """One file of an archive; in an accepted archive every count reconciles: ``records_read == records_stated``."""

    table: str
    file: str
    records_stated: int
    records_read: int
    record_length: int | None
    record_length_stated: int | None
    recoded_values: int
    rounded_values: int
    widened_values: int = 0


@dataclass(frozen=True)
class ResourceReceipt:
    """One file of a BCDA export: every line is a resource that was read, or one that is counted separately."""

    file: str
    resource: str
    lines: int
    read: int
    not_adjudicated: int
    other_claims: int
    superseded: int = 0
    withdrawn: int = 0


@dataclass(frozen=True)
class ArchiveReceipt:
    """The outcome for one archive or export. ``rule``, ``message`` and ``fix`` are empty unless it was refused.

    Attributes:
        shape: ``CCLF`` or ``BCDA v3``.
        warnings: harmless oddities; the rule ids of older receipts are replaced by the current ones.
        resources: counts of the resources in an export's files; ``files`` are the rows that were made from them.
    """

    archive: str
    month: str
    status: Status
    sha256: str = ""
    bytes: int = 0
    rule: str = ""
    message: str = ""
    fix: str = ""
    file: str = ""
    row: int | None = None
    warnings: tuple[Problem, ...] = ()
    files: tuple[ArchiveFileReceipt, ...] = ()
    shape: str = "CCLF"
    resources: tuple[ResourceReceipt, ...] = ()

    @property
    def accepted(self) -> bool:
        """Whether the archive was accepted."""
        return self.status == "accepted"

    @property
    def name(self) -> CclfName | ExportName:
        """The parsed name of the archive or export."""
        name = CclfName.parse(self.archive) or ExportName.parse(self.archive)
        if name is None:
            raise ValueError(f"{self.archive} is not an archive's name")
        return name

    @property
    def refusal(self) -> str:
        """Why it was refused, with file and record; empty if it was not."""
        if self.accepted:
            return ""
        where = f", record {self.row}" if self.row else ""
        place = f"{self.file}{where}: " if where or self.file not in ("", self.archive) else ""
        return f"{current_id(self.rule)}: {place}{self.message}"

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The refusal, if any, and the warnings."""
        refused = [] if self.accepted else [self._refusal()]
        return (*refused, *self.warnings)

    def _refusal(self) -> Problem:
        where = self.file if self.file != self.archive else ""
        message = f"{where}: {self.message}" if where else self.message
        return Problem(current_id(self.rule), message, self.row, file=self.file, fix=self.fix)

    def as_dict(self) -> dict[str, Any]:
        """The receipt for JSON."""
        return asdict(self) | {"warnings": [warning.as_dict() for warning in self.warnings]}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> ArchiveReceipt:
        """Read a receipt from JSON."""
        files = tuple(ArchiveFileReceipt(**file) for file in content["files"])
        resources = tuple(ResourceReceipt(**resource) for resource in content.get("resources", ()))
        warnings = tuple(map(_warning, content["warnings"]))
        return cls(**{**content, "warnings": warnings, "files": files, "resources": resources})

    def path(self, home: Home) -> Path:
        """The path of the receipt."""
        return home.lake_cms("receipts", self.month) / f"{self.archive}.{self.sha256[:12] or 'unread'}.json"

    def write(self, home: Home) -> None:
        """Write the receipt."""
        write_json(self.as_dict(), self.path(home))


def _warning(written: Mapping[str, Any] | str) -> Problem:
    """A warning of a receipt; in older receipts it is a text, ``<rule>: <message>``."""
    if isinstance(written, str):
        rule, _, message = written.partition(": ")
        return Problem(current_id(rule), message)
    return Problem.from_dict(written)


def receipts(home: Home, months: Iterable[object] | None = None) -> list[ArchiveReceipt]:
    """Every receipt of the given months (of all months if None), in a stable order."""
    folder = home.lake_cms("receipts", "x").parent
    wanted = None if months is None else {f"month={month}" for month in months}
    paths = sorted(path for path in folder.glob("month=*/*.json") if wanted is None or path.parent.name in wanted)
    return [_read(path) for path in paths]


def _read(path: Path) -> ArchiveReceipt:
    fix = "remove it and ingest the month again"
    try:
        return ArchiveReceipt.from_dict(read_record(path, "archive", "status", fix=fix))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise HcipError("the receipt is damaged or was changed", file=path, rule="RECORD-DAMAGED", fix=fix) from error


def in_force(home: Home, months: Iterable[object] | None = None) -> list[ArchiveReceipt]:
    """The archives whose rows count: of each month and series, the newest accepted one.

    A series is an organization's files of one performance year, or their run-out. Test archives count only in a home
    that has never accepted a production one.
    """
    accepted = [receipt for receipt in receipts(home) if receipt.accepted]
    has_production = any(not receipt.name.is_test for receipt in accepted)
    wanted = None if months is None else {str(month) for month in months}
    newest: dict[tuple[object, ...], ArchiveReceipt] = {}
    for receipt in sorted(accepted, key=lambda r: (r.name.file_date, r.name.file_time)):
        if (wanted is None or receipt.month in wanted) and not (has_production and receipt.name.is_test):
            newest[(receipt.month, receipt.name.series)] = receipt
    return sorted(newest.values(), key=lambda r: (r.month, r.archive))


def files_in_force(home: Home, table: str, months: Iterable[object] | None = None) -> list[Path]:
    """Parquet files of one table (``cclf1`` …, ``claim_tags``) whose rows count, in order of month and name."""
    paths = [home.lake_cms(table, receipt.month) / f"{receipt.archive}.parquet" for receipt in in_force(home, months)]
    return [path for path in paths if path.is_file()]

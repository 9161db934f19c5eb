"""Ingesting the exports of a month into the same tables as CCLF: each as a whole or not at all, with a receipt.

Belongs here: the rules between an export and earlier ones. Does not belong here: its files (``exports``), their content
(``reader``).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hcip_pipeline.contracts.cms import TABLES
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.bcda.counts import FileCount, noted
from hcip_pipeline.intake.bcda.exports import RESOURCES, DataFile, Export, find_exports
from hcip_pipeline.intake.bcda.manifest import Manifest
from hcip_pipeline.intake.bcda.names import ExportName
from hcip_pipeline.intake.bcda.reader import ExportReader
from hcip_pipeline.intake.cclf.identity import identifiers_in_cycles, links
from hcip_pipeline.intake.cclf.receipts import ArchiveFileReceipt, ArchiveReceipt, ResourceReceipt, in_force, receipts
from hcip_pipeline.intake.claims.deliveries import deliveries_at, move_into_lake, unreadable
from hcip_pipeline.intake.claims.lake_tables import scratch_folder
from hcip_pipeline.messages import DetailedMessage, Progress
from hcip_pipeline.periods import Month
from hcip_pipeline.rules.catalog import RULES
from hcip_pipeline.rules.problem import Problem
from hcip_pipeline.tables.file_names import shown_path

SHAPE = "BCDA v3"
_WHOLE = "export the Patient resources of the whole group (without _since), and put them into the month's folder too"


def ingest_exports(home: Home, month: Month, progress: Progress) -> list[ArchiveReceipt]:
    """Ingest every export of ``inbox/cms/<month>/`` that is not yet in the lake; one receipt per export.

    Args:
        home: the home folder.
        month: of delivery.
        progress: called with a description of what is being read.
    """
    exports, strays = find_exports(home.inbox / "cms" / str(month))
    results = [_ingest(home, month, export, progress) for export in exports]
    return [*results, *(_stray_receipt(stray, str(month)) for stray in strays)]


def check_exports(path: Path, progress: Progress) -> list[ArchiveReceipt]:
    """Apply the same rules to the exports at a path, without a home; nothing is stored."""
    exports, strays = deliveries_at(path, find_exports)
    results = []
    for export in exports:
        with scratch_folder(None) as staging:
            results.append(_read(export, None, staging, [], [], progress))
    return [*results, *(_stray_receipt(stray, "") for stray in strays)]


def _ingest(home: Home, month: Month, export: Export, progress: Progress) -> ArchiveReceipt:
    try:
        sha256, size = export.sha256(), export.size
    except (HcipError, OSError) as error:  # missing, locked or too large: it must not stop the others
        return _refused(export, str(month), unreadable(error, "put a readable file there"))
    before = [receipt for receipt in receipts(home, [month]) if receipt.accepted]
    for receipt in before:
        if receipt.sha256 == sha256:
            return receipt
    earlier = sorted(in_force(home), key=lambda receipt: (receipt.name.file_date, receipt.name.file_time))
    numbers = [home.lake_cms("patient_numbers", receipt.month) / f"{receipt.archive}.parquet" for receipt in earlier]
    changes = [home.lake_cms("cclf9", receipt.month) / f"{receipt.archive}.parquet" for receipt in earlier]
    with scratch_folder(home.lake_cms("staging", month)) as staging:
        known, cross_references = ([path for path in paths if path.is_file()] for paths in (numbers, changes))
        receipt = _read(export, month, staging, known, cross_references, progress, before)
        if receipt.accepted:
            move_into_lake(home, month, receipt.archive, TABLES, staging)
    receipt = replace(receipt, sha256=sha256, bytes=size)
    if ExportName.parse(receipt.archive) is not None:
        receipt.write(home)
    return receipt


def _read(
    export: Export, month: Month | None, staging: Path, known: list[Path], cross_references: list[Path],
    progress: Progress, before: list[ArchiveReceipt] | None = None,
) -> ArchiveReceipt:  # fmt: skip
    """Read an export into ``staging`` (one Parquet file per table); the receipt says whether it can be accepted."""
    try:
        manifest = export.manifest()
        name = manifest.name
        if month is not None and name.month != str(month):
            raise HcipError(
                f"the export is dated {name.file_date}, which is not in {month}",
                fix=f"put it into the folder cms/{name.month}", file=manifest.file, rule="BCDA-OTHER-MONTH",
            )  # fmt: skip
        for receipt in before or ():
            if receipt.archive == str(name):
                raise HcipError(
                    f"an export with the same time but different contents was already ingested "
                    f"({receipt.sha256[:12]})",
                    fix="keep the export as first delivered; a later job has a later transactionTime",
                    file=manifest.file, rule="BCDA-CHANGED",
                )  # fmt: skip
        files = export.files(manifest)
        is_complete = not name.is_since and any(file.resource == "Patient" for file in files)
        reader = ExportReader(staging, _lineage(manifest, month), [] if is_complete else known)
        reader.read(_readable(files, name.month, progress))
        warnings = _warnings(name, files, reader)
        if reader.first_unknown and (is_complete or month is not None):
            unknown_file, unknown_row = reader.first_unknown
            raise HcipError(
                "no Patient resource, here or in an earlier export, has a Medicare number for the claim's patient, so "
                f"it is not known whose claim it is ({reader.unknown_claims:,} such claims in all)",
                fix=_WHOLE, file=unknown_file, row=unknown_row, rule="BCDA-PATIENT-UNKNOWN",
            )  # fmt: skip
        circular = identifiers_in_cycles(links([staging / "cclf9.parquet", *cross_references]))
        if circular:
            raise HcipError(
                f"{circular} beneficiary identifiers replace each other in a circle, by themselves or together with "
                "earlier months",
                fix="ask CMS which identifier is current; no claim can be assigned until then",
                file=manifest.file, rule="BCDA-IDENTIFIER-CYCLE",
            )  # fmt: skip
    except HcipError as error:
        return _refused(export, str(month or ""), error)
    rows = [
        ArchiveFileReceipt(table, count.file, found, found, None, None, 0, count.rounded[table], count.widened[table])
        for count in reader.counts
        for table, found in count.rows.items()
        if found
    ]
    return ArchiveReceipt(
        str(name), str(month or name.month), "accepted", warnings=tuple(warnings), files=tuple(rows), shape=SHAPE,
        resources=tuple(_resource(count) for count in reader.counts),
    )  # fmt: skip


def _readable(files: list[DataFile], month: str, progress: Progress) -> list[DataFile]:
    readable = [file for file in files if file.resource in RESOURCES]
    for file in readable:
        progress(DetailedMessage(f"{month}: CMS claim files", f"{file.path.name}: {file.resource}"))
    return readable


def _lineage(manifest: Manifest, month: Month | None) -> dict[str, object]:
    return {
        "source_archive": str(manifest.name),
        "file_date": manifest.name.file_date,
        "delivery_month": str(month or manifest.name.month),
        "is_run_out": False,
    }


def _warnings(name: ExportName, files: list[DataFile], reader: ExportReader) -> list[Problem]:
    warnings = []
    if name.is_test:
        warnings.append(
            Problem("BCDA-TEST", "an export from the sandbox counts only until a production export is ingested")
        )
    others = sorted({file.resource for file in files} - set(RESOURCES))
    if others:
        message = f"files of {', '.join(others)} are not adjudicated claims and are ignored"
        warnings.append(Problem("BCDA-OTHER-RESOURCES", message))
    lacking = [resource for resource in RESOURCES if resource not in {file.resource for file in files}]
    if lacking and not name.is_since:
        warnings.append(Problem("BCDA-NOT-EXPORTED", f"the export has no {', '.join(lacking)}"))
    if reader.unknown_claims:
        message = (
            f"{reader.unknown_claims:,} claims belong to patients who are not in this export, so they must be in an "
            "earlier export of the home"
        )
        warnings.append(Problem("BCDA-PATIENT-ELSEWHERE", message))
    warnings.append(Problem("BCDA-LACKS", RULES["BCDA-LACKS"].description))
    if shared := reader.shared_numbers():
        count, file, row = shared
        message = (
            f"Medicare numbers shared by Patient resources with different birth dates or sexes: {count:,}, the first "
            f"in {file}, line {row}; their claims count as one beneficiary's"
        )
        warnings.append(Problem("BCDA-SHARED-NUMBER", message))
    return [*warnings, *noted(reader.counts)]


def _resource(count: FileCount) -> ResourceReceipt:
    return ResourceReceipt(
        count.file, count.resource, count.lines, count.read, count.not_adjudicated, count.other_claims,
        count.superseded, count.withdrawn,
    )  # fmt: skip


def _refused(export: Export, month: str, error: HcipError) -> ArchiveReceipt:
    return ArchiveReceipt(
        export.label, month, "refused", rule=error.rule, message=error.message, fix=error.fix,
        file=str(error.file or ""), row=error.row, shape=SHAPE,
    )  # fmt: skip


def _stray_receipt(error: HcipError, month: str) -> ArchiveReceipt:
    name = shown_path(error.file)
    return ArchiveReceipt(
        name, month, "refused", rule=error.rule, message=error.message, fix=error.fix, file=name, shape=SHAPE
    )

"""Ingesting a month of CMS files: every archive of its inbox folder, as a whole or not at all, each with a receipt.

Belongs here: the rules between an archive's files, its control file and earlier archives. Does not belong here:
reading records (``fixed_width``), names, control lines, or any rule about claims.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import polars as pl
import pyarrow as pa

from hcip_pipeline.contracts.cms import LAYOUTS, TABLES
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.cclf.archive import Delivery, Member, find_deliveries
from hcip_pipeline.intake.cclf.control import MAX_BYTES, Control, parse_control
from hcip_pipeline.intake.cclf.fixed_width import RecordReader
from hcip_pipeline.intake.cclf.identity import identifiers_in_cycles, links
from hcip_pipeline.intake.cclf.receipts import ArchiveFileReceipt, ArchiveReceipt, in_force, receipts
from hcip_pipeline.intake.claims.deliveries import deliveries_at, move_into_lake, unreadable
from hcip_pipeline.intake.claims.lake_tables import ROW_GROUP, scratch_folder, table_file
from hcip_pipeline.messages import DetailedMessage, Progress
from hcip_pipeline.periods import Month
from hcip_pipeline.rules.problem import Problem
from hcip_pipeline.tables.file_names import shown_path

_RESEND = "ask CMS for the archive again"


def ingest_month(home: Home, month: Month | str, progress: Progress | None = None) -> list[ArchiveReceipt]:
    """Ingest every archive of ``inbox/cms/<month>/`` that is not yet in the lake.

    An archive is accepted as a whole, as one Parquet file per table below ``lake/cms/<table>/month=<month>/``, or
    refused; either way it has a receipt. The same archive again has the same receipt.

    Args:
        home: the home folder.
        month: the month of delivery, ``2025-04``.
        progress: called with a description of what is being read.

    Returns:
        One receipt per archive, oldest archive first, then one per file that is not an archive.
    """
    month = Month.parse(month) if isinstance(month, str) else month
    deliveries, strays = find_deliveries(home.inbox / "cms" / str(month))
    results = [_ingest(home, month, delivery, progress or _silent) for delivery in deliveries]
    return [*results, *(_stray_receipt(stray, month) for stray in strays)]


def check_deliveries(path: Path, progress: Progress | None = None) -> list[ArchiveReceipt]:
    """Apply the same rules to one archive, or a folder of them, without a home; nothing is stored."""
    deliveries, strays = deliveries_at(path, find_deliveries)
    results = []
    for delivery in deliveries:
        month = Month.parse(delivery.name.month)
        with scratch_folder(None) as staging:
            results.append(_read(delivery, month, staging, [], progress or _silent))
    return [*results, *(_stray_receipt(stray, "") for stray in strays)]


def _silent(_message: str) -> None:
    return None


def _ingest(home: Home, month: Month, delivery: Delivery, progress: Progress) -> ArchiveReceipt:
    try:
        sha256, size = delivery.sha256(), delivery.size
    except (HcipError, OSError) as error:  # missing, locked or too large: it must not stop the others
        return _refused(delivery, month, unreadable(error, _RESEND))
    before = [receipt for receipt in receipts(home, [month]) if receipt.accepted]
    for receipt in before:
        if receipt.sha256 == sha256:
            return receipt
    others = [
        home.lake_cms("cclf9", receipt.month) / f"{receipt.archive}.parquet"
        for receipt in in_force(home)
        if (receipt.month, receipt.name.series) != (str(month), delivery.name.series)
    ]
    with scratch_folder(home.lake_cms("staging", month)) as staging:
        try:
            _check_age(delivery, before)
            receipt = _read(delivery, month, staging, [path for path in others if path.is_file()], progress)
        except HcipError as error:
            receipt = _refused(delivery, month, error)
        if receipt.accepted:
            move_into_lake(home, month, receipt.archive, LAYOUTS, staging)
    receipt = replace(receipt, sha256=sha256, bytes=size)
    receipt.write(home)
    return receipt


def _check_age(delivery: Delivery, before: list[ArchiveReceipt]) -> None:
    for receipt in before:
        if receipt.name.series != delivery.name.series or receipt.name.is_test != delivery.name.is_test:
            continue
        ours, theirs = ((name.file_date, name.file_time) for name in (delivery.name, receipt.name))
        if ours < theirs:
            raise delivery.refusal(
                "CCLF-OLDER",
                f"the archive is older than {receipt.archive}, which was already ingested for this month",
                "remove it: the newer one counts for the month",
            )
        if ours == theirs:
            raise delivery.refusal(
                "CCLF-CHANGED",
                f"an archive with the same name but different contents was already ingested ({receipt.sha256[:12]})",
                "keep the archive as first delivered; a correction by CMS has a later date in its name",
            )


def _read(
    delivery: Delivery, month: Month, staging: Path, cross_references: list[Path], progress: Progress
) -> ArchiveReceipt:
    """Read a delivery into ``staging`` (one Parquet file per table); the receipt says whether it can be accepted."""
    try:
        if delivery.name.month != str(month):
            raise delivery.refusal(
                "CCLF-OTHER-MONTH",
                f"the archive is dated {delivery.name.file_date}, which is not in {month}",
                f"put it into the folder cms/{delivery.name.month}",
            )
        members, control, warnings = _inventory(delivery)
        files = []
        for table, layout in LAYOUTS.items():
            if table not in members:
                _write_nothing(staging, table)
                continue
            progress(DetailedMessage(f"{month}: CMS claim files", f"{members[table].file}: {layout.title}"))
            files.append(_read_member(delivery, month, members[table], control, staging))
        circular = identifiers_in_cycles(links([staging / "cclf9.parquet", *cross_references]))
        if circular:
            raise delivery.refusal(
                "CCLF-IDENTIFIER-CYCLE",
                f"{circular} beneficiary identifiers replace each other in a circle, by themselves or together with "
                "earlier months",
                "ask CMS which identifier is current; no claim can be assigned until then",
            )
    except HcipError as error:
        return _refused(delivery, month, error)
    for file in files:
        if file.recoded_values:
            message = f"{file.recoded_values} text values in {file.file} are not UTF-8"
            warnings.append(Problem("CCLF-TEXT-ENCODING", message))
        if file.widened_values:
            message = f"{file.widened_values} codes in {file.file} were padded or trimmed to their standard length"
            warnings.append(Problem("CCLF-CODE-WIDTH", message))
        if file.rounded_values:
            message = f"{file.rounded_values} numbers in {file.file} had more decimal places than their format"
            warnings.append(Problem("CCLF-PLACES", message))
    return ArchiveReceipt(str(delivery.name), str(month), "accepted", warnings=tuple(warnings), files=tuple(files))


def _inventory(delivery: Delivery) -> tuple[dict[str, Member], Control, list[Problem]]:
    """The members by table, the control file, and warnings; checks every rule that needs no record."""
    warnings = []
    if delivery.name.is_test:
        message = "a test archive counts only until a production archive is ingested"
        warnings.append(Problem("CCLF-TEST-FILE", message))
    members: dict[str, Member] = {}
    for member in delivery.members():
        name = member.name
        if name is None or not name.file:
            message = "a file of the archive is not one of CMS's and is ignored"
            warnings.append(Problem("CCLF-UNKNOWN-MEMBER", message))
            continue
        if name.month != delivery.name.month:
            raise delivery.refusal(
                "CCLF-OTHER-MONTH",
                f"{name.table.upper()} is dated {name.file_date}, but its archive is dated {delivery.name.file_date}",
                _RESEND,
            )
        if (name.is_run_out, name.performance_year) != (delivery.name.is_run_out, delivery.name.performance_year):
            raise delivery.refusal(
                "CCLF-OTHER-SERIES",
                f"{name.table.upper()} is of another performance year than the archive, or only one of them is run-out",
                _RESEND,
            )
        if name.table in members:
            raise delivery.refusal("CCLF-FILE-TWICE", f"{name.table.upper()} is in the archive twice", _RESEND)
        if name.file_date != delivery.name.file_date:
            message = f"{name.table.upper()} is dated {name.file_date}, unlike its archive"
            warnings.append(Problem("CCLF-FILE-DATE", message))
        members[name.table] = member
    if len({member.name.organization for member in members.values() if member.name}) > 1:
        raise delivery.refusal("CCLF-OTHER-ORGANIZATION", "the archive mixes files of several organizations", _RESEND)
    if "cclf0" not in members:
        raise delivery.refusal(
            "CCLF-NO-CONTROL",
            "the archive has no control file (CCLF0)",
            _RESEND + "; without it no count can be checked",
        )
    with members["cclf0"].open() as stream:
        content = stream.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise delivery.refusal("CCLF-CONTROL-UNREADABLE", "the control file is far too long", _RESEND)
    control = parse_control(content, members["cclf0"].file)
    absent = [table.upper() for table in control.lines if table not in members]
    if absent:
        raise delivery.refusal(
            "CCLF-FILE-MISSING",
            f"the archive lacks {', '.join(absent)}, which its control file names",
            _RESEND,
        )
    unlisted = [table.upper() for table in members if table != "cclf0" and table not in control.lines]
    if unlisted:
        raise delivery.refusal(
            "CCLF-FILE-NOT-LISTED",
            f"the archive has {', '.join(unlisted)}, but its control file does not, so there is no count to check",
            _RESEND,
        )
    return members, control, [*warnings, *control.warnings]


def _read_member(
    delivery: Delivery, month: Month, member: Member, control: Control, staging: Path
) -> ArchiveFileReceipt:
    assert member.name is not None
    table = member.name.table
    stated = control.lines[table]
    lineage = {
        "source_archive": str(delivery.name),
        "source_file": member.file,
        "file_date": member.name.file_date,
        "delivery_month": str(month),
        "is_run_out": member.name.is_run_out,
    }
    repeated = _repeated(table, lineage, 0)
    with member.open() as stream, table_file(staging, table) as writer:
        reader = RecordReader(stream, LAYOUTS[table], member.file)
        for rows in _in_row_groups(reader):
            if repeated.num_rows < rows.num_rows:
                repeated = _repeated(table, lineage, rows.num_rows)
            for name in lineage:
                rows = rows.append_column(name, repeated[name].slice(0, rows.num_rows))
            writer.write_table(rows.select(writer.schema.names))
    if reader.records != stated.records:
        raise HcipError(
            f"the control file states {stated.records} records, but the file has {reader.records}",
            fix=_RESEND + "; part of the file is missing or repeated", file=member.file, rule="CCLF-COUNT",
        )  # fmt: skip
    return ArchiveFileReceipt(
        table, member.file, stated.records, reader.records, reader.record_length, stated.record_length,
        reader.recoded_values, reader.rounded_values, reader.widened_values,
    )  # fmt: skip


def _repeated(table: str, values: Mapping[str, object], rows: int) -> pa.Table:
    """Columns of the table with the same value in every row."""
    columns = [
        pl.Series(name, [value], dtype=TABLES[table][name].polars_type).new_from_index(0, rows)
        for name, value in values.items()
    ]
    return pl.DataFrame(columns).to_arrow()


def _in_row_groups(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Batches regrouped into row groups of one size, so that the same rows give the same bytes."""
    gathered: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        while rows + batch.num_rows >= ROW_GROUP:
            yield pa.Table.from_batches([*gathered, batch.slice(0, ROW_GROUP - rows)])
            batch = batch.slice(ROW_GROUP - rows)
            gathered, rows = [], 0
        gathered.append(batch)
        rows += batch.num_rows
    if rows:
        yield pa.Table.from_batches(gathered)


def _write_nothing(staging: Path, table: str) -> None:
    with table_file(staging, table):
        pass


def _refused(delivery: Delivery, month: Month, error: HcipError) -> ArchiveReceipt:
    return ArchiveReceipt(
        str(delivery.name), str(month), "refused",
        rule=error.rule, message=error.message, fix=error.fix, file=error.file, row=error.row,
    )  # fmt: skip


def _stray_receipt(error: HcipError, month: Month | str) -> ArchiveReceipt:
    name = shown_path(error.file)
    return ArchiveReceipt(name, str(month), "refused", rule=error.rule, message=error.message, fix=error.fix, file=name)

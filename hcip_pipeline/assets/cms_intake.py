"""CMS claim files of a month, from the inbox to the lake."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import dagster as dg

from hcip_pipeline.assets.intake_run import Event, PartitionIntake, Reported, ingest_each, report, require_files
from hcip_pipeline.assets.partition_work import intake_lock
from hcip_pipeline.assets.partitions import MONTHS, check_spec
from hcip_pipeline.assets.resources import HomeResource, Session
from hcip_pipeline.checks.intake_checks import archives_accepted, records_as_stated
from hcip_pipeline.contracts import cms
from hcip_pipeline.errors import HcipError, RefusedFileError
from hcip_pipeline.periods import Month

if TYPE_CHECKING:
    from hcip_pipeline.intake.cclf.receipts import ArchiveReceipt

CLAIM_FILES = dg.AssetKey("cms_claim_files")
_BLOCKING = frozenset({"records_as_stated"})


def ingest_partition(session: Session, resource: HomeResource, key: str) -> "list[ArchiveReceipt]":
    """Ingest a month. Every archive gets a receipt, even if it is refused.

    Raises:
        HcipError: nothing was sent.
    """
    from hcip_pipeline.intake.claims.months import ingest_claims

    month, home = Month.parse(key), resource.home()
    lake = [home.lake_cms(table, month) for table in (*cms.TABLES, "receipts", "staging")]
    require_files(home, "cms", key, "archive", home.lake_cms("receipts", month))
    with intake_lock(session, home, key, f"ingesting {key}", *lake):
        return ingest_claims(home, month, session.progress)


@dg.multi_asset(
    name="cms_claim_files",
    specs=[
        dg.AssetSpec(
            CLAIM_FILES,
            group_name="cms_intake",
            description="The claim files that CMS delivered in a month (CCLF archives or BCDA exports): each ingested "
            "whole, as one Parquet file per table, or refused whole.\n\nA month with a refused archive fails until the "
            "archive is corrected.",
            kinds={"parquet"},
            owners=["team:data-intake"],
            skippable=True,
        )
    ],
    check_specs=[
        check_spec(
            "records_as_stated",
            CLAIM_FILES,
            MONTHS,
            "Every file of every archive in the lake has as many records as its control file states.",
            blocking=True,
        ),
        check_spec(
            "archives_accepted",
            CLAIM_FILES,
            MONTHS,
            "No archive of the month is refused, and every file in the folder is an archive.",
        ),
    ],
    partitions_def=MONTHS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    can_subset=True,
)
def cms_claim_files(
    context: dg.AssetExecutionContext, home: HomeResource, session: dg.ResourceParam[Session]
) -> Iterator[Event]:
    """Ingest the claim files of the run's months."""
    reports = []
    for intake in ingest_each(session, home, context.partition_keys, ingest_partition):
        if intake.receipts is not None:
            session.archives[intake.key] = intake.receipts
            for receipt in intake.receipts:
                context.log.info(f"{intake.key}: {receipt.archive}: {receipt.status} {receipt.rule}")
        reports.append(_reported(intake))
    yield from report(context, CLAIM_FILES, reports, _BLOCKING)


def _reported(intake: "PartitionIntake[list[ArchiveReceipt]]") -> Reported:
    receipts = intake.receipts
    if receipts is None:
        return Reported(intake.key, {}, (), intake.error)
    accepted = [receipt for receipt in receipts if receipt.accepted]
    metadata: dict[str, dg.MetadataValue] = {
        "archives": dg.MetadataValue.int(len(receipts)),
        "files": dg.MetadataValue.int(sum(len(receipt.files) for receipt in accepted)),
        "archives refused": dg.MetadataValue.int(len(receipts) - len(accepted)),
        "dagster/partition_row_count": dg.MetadataValue.int(
            sum(file.records_read for receipt in accepted for file in receipt.files)
        ),
    }
    checks = [records_as_stated(CLAIM_FILES, receipts), archives_accepted(CLAIM_FILES, receipts)]
    return Reported(intake.key, metadata, checks, _refusal(receipts))


def _refusal(receipts: "Sequence[ArchiveReceipt]") -> HcipError | None:
    refused = [receipt for receipt in receipts if not receipt.accepted]
    if not refused:
        return None
    named = ", ".join(receipt.archive for receipt in refused[:5])
    first = refused[0]
    return RefusedFileError(
        f"refused: {named}; {first.message}",
        file=first.file or None,
        row=first.row,
        rule=first.rule,
        fix=first.fix,
    )


ASSETS = [cms_claim_files]

"""CMS claim and claim line feed files of a month, from the inbox to the lake."""

import dagster as dg

from hcip_pipeline.assets.partition_work import taking_in
from hcip_pipeline.assets.partitions import MONTHS
from hcip_pipeline.assets.resources import Handover, HomeResource
from hcip_pipeline.checks.intake_checks import archives_accepted, records_as_stated
from hcip_pipeline.contracts.cclf_layout import TITLES
from hcip_pipeline.periods import Month

GROUP = "cms_intake"
CLAIM_FILES = dg.AssetKey("cms_claim_files")


@dg.asset(
    key=CLAIM_FILES,
    group_name=GROUP,
    kinds={"parquet"},
    owners=["team:data-intake"],
    partitions_def=MONTHS,
    check_specs=[
        dg.AssetCheckSpec(
            "records_as_stated",
            asset=CLAIM_FILES,
            blocking=True,
            description="Every file of every archive in the lake holds as many records as its control file states.",
        ),
        dg.AssetCheckSpec(
            "archives_accepted",
            asset=CLAIM_FILES,
            description="No archive of the month is refused, and no file lies there that is no archive.",
        ),
    ],
)
def cms_claim_files(
    context: dg.AssetExecutionContext, home: HomeResource, handover: dg.ResourceParam[Handover]
) -> dg.MaterializeResult:
    """The archives that CMS delivered in a month (CCLF): each taken in whole, a Parquet file a table, or refused."""
    from hcip_pipeline.intake.cclf.month import ingest_month

    month = Month.parse(context.partition_key)
    where = home.home()
    lake = [where.lake_cms(table, month) for table in (*TITLES, "receipts", "staging")]
    with taking_in(handover, where, str(month), f"taking in {month}", *lake):
        receipts = ingest_month(where, month, handover.progress)
    handover.archives[str(month)] = receipts
    for receipt in receipts:
        context.log.info(f"{receipt.archive}: {receipt.status} {receipt.rule}")
    accepted = [receipt for receipt in receipts if receipt.accepted]
    records = sum(file.records_read for receipt in accepted for file in receipt.files)
    return dg.MaterializeResult(
        metadata={
            "archives": len(receipts),
            "files": sum(len(receipt.files) for receipt in accepted),
            "archives refused": len(receipts) - len(accepted),
            "dagster/partition_row_count": records,
        },
        check_results=[records_as_stated(CLAIM_FILES, receipts), archives_accepted(CLAIM_FILES, receipts)],
    )


ASSETS = [cms_claim_files]

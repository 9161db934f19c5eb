"""Hospital submissions of a quarter, from the inbox to the lake."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import dagster as dg

from hcip_pipeline.assets.partition_work import taking_in
from hcip_pipeline.assets.partitions import QUARTERS
from hcip_pipeline.assets.resources import Handover, HomeResource
from hcip_pipeline.checks.edit_rates import edit_rate_results, edit_rate_specs
from hcip_pipeline.checks.intake_checks import rows_reconcile, submissions_accepted
from hcip_pipeline.periods import Quarter

if TYPE_CHECKING:
    from hcip_pipeline.intake.hospital.receipts import SubmissionReceipt

GROUP = "hospital_intake"
SUBMISSIONS = dg.AssetKey("hospital_submissions")


@dg.asset(
    key=SUBMISSIONS,
    group_name=GROUP,
    kinds={"csv", "parquet"},
    owners=["team:data-intake"],
    partitions_def=QUARTERS,
    deps=["reference_tables", "policy"],
    check_specs=[
        dg.AssetCheckSpec(
            "rows_reconcile",
            asset=SUBMISSIONS,
            blocking=True,
            description="Rows and dollars read = accepted + quarantined + superseded, in every file.",
        ),
        dg.AssetCheckSpec(
            "submissions_accepted",
            asset=SUBMISSIONS,
            description="No submission of the quarter is refused. A refused one leaves the version before it in force.",
        ),
        *edit_rate_specs(SUBMISSIONS),
    ],
)
def hospital_submissions(
    context: dg.AssetExecutionContext, home: HomeResource, handover: dg.ResourceParam[Handover]
) -> dg.MaterializeResult:
    """Discharges and charge lines of every hospital for a quarter.

    Edits applied, accepted rows in the lake, refused ones in quarantine, a receipt for each file.
    """
    from hcip_pipeline.intake.hospital.ingest import ingest_quarter

    quarter = Quarter.parse(context.partition_key)
    where = home.home()
    lake = [where.lake_hospital(table, quarter) for table in ("discharges", "charges", "receipts")]
    with taking_in(handover, where, str(quarter), f"taking in {quarter}", *lake):
        receipts = ingest_quarter(where, quarter, home.policy().policy, handover.progress)
    handover.submissions[str(quarter)] = receipts
    for receipt in receipts:
        context.log.info(f"{receipt.submission or receipt.stem}: {receipt.status}")
    return dg.MaterializeResult(
        metadata=_accounts(receipts),
        check_results=[
            rows_reconcile(SUBMISSIONS, receipts),
            submissions_accepted(SUBMISSIONS, receipts),
            *edit_rate_results(SUBMISSIONS, receipts),
        ],
    )


def _accounts(receipts: "Sequence[SubmissionReceipt]") -> dict[str, dg.MetadataValue]:
    """Counts and dollars of a quarter; never a row."""
    accounts: dict[str, dg.MetadataValue] = {
        "submissions": dg.MetadataValue.int(len(receipts)),
        "files": dg.MetadataValue.int(sum(len(receipt.files) for receipt in receipts)),
    }
    for table in ("discharges", "charges"):
        files = [file for receipt in receipts if (file := receipt.file(table)) is not None]
        for outcome in ("read", "accepted", "quarantined", "superseded"):
            rows = sum(int(getattr(file.rows, outcome)) for file in files)
            accounts[f"{table} {outcome}"] = dg.MetadataValue.int(rows)
    in_force = [receipt for receipt in receipts if receipt.in_force]
    discharges = [file for receipt in in_force if (file := receipt.file("discharges")) is not None]
    accounts["total charges accepted"] = dg.MetadataValue.float(
        float(sum(file.dollars.accepted for file in discharges))
    )
    accounts["dagster/partition_row_count"] = accounts["discharges accepted"]
    return accounts


ASSETS = [hospital_submissions]

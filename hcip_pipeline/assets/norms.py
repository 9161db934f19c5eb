"""The norm table of the base year, which every half-year of a policy version is measured against."""

import json

import dagster as dg

from hcip_pipeline.assets.hospital_intake import SUBMISSIONS
from hcip_pipeline.assets.partitions import HALVES
from hcip_pipeline.assets.program_intake import POLICY, PROGRAM_FILES
from hcip_pipeline.assets.reference import REFERENCE_TABLES
from hcip_pipeline.assets.resources import Handover, HomeResource
from hcip_pipeline.periods import PerformancePeriod

GROUP = "norms"
BASE_YEAR_NORMS = dg.AssetKey("base_year_norms")


@dg.asset(
    key=BASE_YEAR_NORMS,
    group_name=GROUP,
    kinds={"dbt", "duckdb", "parquet"},
    owners=["team:methodology"],
    partitions_def=HALVES,
    deps=[
        # The base year is the policy's to name: any of the quarters may be its.
        dg.AssetDep(SUBMISSIONS, partition_mapping=dg.AllPartitionMapping()),
        REFERENCE_TABLES,
        POLICY,
        PROGRAM_FILES,
    ],
)
def base_year_norms(
    context: dg.AssetExecutionContext, home: HomeResource, handover: dg.ResourceParam[Handover]
) -> dg.MaterializeResult:
    """Norms of the base year by all three methods: made once for a policy version, then read by every half-year."""
    from hcip_pipeline.settlement import period as settlement

    period = PerformancePeriod.parse(context.partition_key)
    where, policy = home.home(), home.policy().policy
    # A norm table is frozen for good: not before the period that asks for it can be built.
    settlement.check_period(where, period, policy)
    norms = settlement.base_year_norms(
        where,
        policy,
        threads=home.threads,
        progress=lambda name: handover.progress(f"base year {policy.base_year}: {name}"),
    )
    rows = json.loads((norms.folder / "manifest.json").read_text(encoding="utf-8"))["tables"]
    context.log.info(f"norm table {norms.folder.name}: " + ("made" if norms.build else "stands since an earlier run"))
    return dg.MaterializeResult(
        metadata={
            "base year": policy.base_year,
            "table": norms.folder.name,
            "folder": dg.MetadataValue.path(norms.folder),
            "made in this run": norms.build is not None,
            "dagster/partition_row_count": rows["frozen_norms"],
        },
        data_version=dg.DataVersion(norms.folder.name),
    )


ASSETS = [base_year_norms]

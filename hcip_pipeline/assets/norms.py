"""The norm table of the base year, against which every half-year of a policy version is measured."""

import json
import os

import dagster as dg

from hcip_pipeline.assets.hospital_intake import SUBMISSIONS
from hcip_pipeline.assets.partition_work import period_lock, read_undisturbed
from hcip_pipeline.assets.partitions import HALVES, base_year_mapping
from hcip_pipeline.assets.program_intake import PROGRAM_FILES
from hcip_pipeline.assets.resources import EngineResource, HomeResource, Session
from hcip_pipeline.messages import within
from hcip_pipeline.periods import PerformancePeriod

_BASE_YEAR = int(os.environ.get("HCIP_BASE_YEAR") or 0) or None
BASE_YEAR_NORMS = dg.AssetKey("base_year_norms")


@dg.asset(
    key=BASE_YEAR_NORMS,
    group_name="norms",
    kinds={"dbt", "duckdb", "parquet"},
    owners=["team:methodology"],
    partitions_def=HALVES,
    deps=[
        # the policy names the base year; `hcip ui` passes it on
        dg.AssetDep(SUBMISSIONS, partition_mapping=base_year_mapping(_BASE_YEAR)),
        PROGRAM_FILES,
    ],
)
def base_year_norms(
    context: dg.AssetExecutionContext,
    home: HomeResource,
    engine: EngineResource,
    session: dg.ResourceParam[Session],
) -> dg.MaterializeResult:
    """Norms of the base year by all three methods: made once per policy version, then read by every half-year."""
    from hcip_pipeline.home.lake_seals import check_seals, seal
    from hcip_pipeline.ledger.comparison import check_home, recorded_hashes
    from hcip_pipeline.ledger.recording import record_norms
    from hcip_pipeline.settlement import period as settlement
    from hcip_pipeline.settlement.period_files import (
        earlier_periods,
        files_read,
        norm_folder,
        partitions_read,
        sealed_files,
    )
    from hcip_pipeline.sharing import share

    period = PerformancePeriod.parse(context.partition_key)
    where, policy = home.home(), home.policy().policy
    with period_lock(session, where, period, lambda: files_read(where, period, policy)):
        read_undisturbed(session, where, period, earlier_periods(where, period))
        read_undisturbed(session, where, period, partitions_read(where, period, policy))
        check_home(where, [period], session.progress, reads_inbox=False)
        files = check_seals(where, sealed_files(where, period, policy), recorded_hashes(where))
        context.log.info(f"{files} files of the lake are unchanged since they were ingested")
        # A norm table is frozen permanently, so it is made only when the period that needs it can be built.
        settlement.check_period(where, period, policy)
        folder = norm_folder(where, policy)
        session.locks.take(where, f"norms-{folder.name}", f"making norm table {folder.name}", wait=True)
        with engine.computing(where):
            norms = settlement.base_year_norms(
                where,
                policy,
                threads=home.threads,
                progress=within(session.progress, f"building the norms of {policy.base_year}"),
            )
        if norms.build is not None:
            seal(where, sorted(folder.glob("*.parquet")))
            record_norms(where, folder.name)
            share(where, session.progress, held=[str(period), f"norms-{folder.name}"])
        session.locks.drop(where, f"norms-{folder.name}")
    since = settlement.files_since_frozen(where, policy, norms)
    if since:
        reported = (
            f"{len(since)} files came after its norms were frozen and do not change them; a new policy version would"
        )
        session.progress(f"base year {policy.base_year}: {reported}")
        context.log.warning(reported)
    rows = json.loads((norms.folder / "manifest.json").read_text(encoding="utf-8"))["tables"]
    context.log.info(f"norm table {norms.folder.name}: " + ("made" if norms.build else "frozen by an earlier run"))
    return dg.MaterializeResult(
        metadata={
            "base year": policy.base_year,
            "table": norms.folder.name,
            "folder": str(norms.folder.relative_to(where.root)),
            "made in this run": norms.build is not None,
            "files since it was frozen": len(since),
            "dagster/partition_row_count": rows["frozen_norms"],
        },
        data_version=dg.DataVersion(norms.folder.name),
    )


ASSETS = [base_year_norms]

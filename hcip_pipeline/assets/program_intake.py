"""Reports of committees, the regulator and CMS on a half-year, the hospitals' protocols, and the region's policy."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from hcip_pipeline.assets.partition_work import after_earlier_ones, period_lock, read_undisturbed
from hcip_pipeline.assets.partitions import HALVES, check_spec
from hcip_pipeline.assets.resources import HomeResource, Session
from hcip_pipeline.checks.intake_checks import program_files_accepted, program_files_in_force, protocols_accepted
from hcip_pipeline.home.folders import Home
from hcip_pipeline.periods import PerformancePeriod

GROUP = "program_intake"
POLICY = dg.AssetKey("policy")
PROGRAM_FILES = dg.AssetKey("program_files")
PROTOCOLS = dg.AssetKey("protocols")
OWNERS = ["team:program-administration"]


@dg.asset(key=POLICY, group_name="reference", kinds={"yaml"}, owners=OWNERS)
def policy(context: dg.AssetExecutionContext, home: HomeResource) -> dg.MaterializeResult:
    """The region's policy version: every parameter of the methodology. Each release contains its full text."""
    file = home.policy()
    context.log.info(f"policy {file.policy.version}, base year {file.policy.base_year}")
    return dg.MaterializeResult(
        metadata={
            "version": file.policy.version,
            "base year": file.policy.base_year,
            "sha256": file.sha256,
            "parameters": dg.MetadataValue.json(file.policy.model_dump(mode="json")),
        },
        data_version=dg.DataVersion(file.sha256),
    )


@dg.multi_asset(
    name="period_intake",
    specs=[
        dg.AssetSpec(
            PROGRAM_FILES,
            description="Care partners, condition results, activities, adjustments, notices, payments and meetings "
            "reported for a half-year: accepted files in the lake, each with a receipt.",
            deps=["reference_tables", POLICY],
            group_name=GROUP,
            kinds={"csv", "parquet"},
            owners=OWNERS,
        ),
        dg.AssetSpec(
            PROTOCOLS,
            description="Each hospital's implementation protocol in force in a half-year: elections, conditions of "
            "payment, interventions and committee, with every breach of the program's rules.",
            deps=[PROGRAM_FILES],
            group_name=GROUP,
            kinds={"yaml", "parquet"},
            owners=OWNERS,
        ),
    ],
    check_specs=[
        check_spec(
            "files_in_force",
            PROGRAM_FILES,
            HALVES,
            "Every program file that was sent has a version in force: none is refused without an earlier accepted one.",
            blocking=True,
        ),
        check_spec(
            "program_files_accepted",
            PROGRAM_FILES,
            HALVES,
            "No program file is refused. If one is, its earlier version stays in force.",
        ),
        check_spec("protocols_accepted", PROTOCOLS, HALVES, "No protocol is refused or breaks a rule of the program."),
    ],
    partitions_def=HALVES,
)
def period_intake(
    context: dg.AssetExecutionContext, home: HomeResource, session: dg.ResourceParam[Session]
) -> Iterator[dg.MaterializeResult]:
    """Ingest the program files, protocols and survey forms of the run's half-year."""
    from hcip_pipeline.home.lake_seals import changed_since, snapshot, sweep
    from hcip_pipeline.intake.period_intake import ingest_period
    from hcip_pipeline.intake.program.ingest import read_later_periods
    from hcip_pipeline.ledger.program_history import check_program_history
    from hcip_pipeline.ledger.recording import record_acceptances
    from hcip_pipeline.settlement.recognition import save_inbox_contents
    from hcip_pipeline.sharing import share

    period = PerformancePeriod.parse(context.partition_key)
    session.progress(f"{period}: program files and protocols")
    where = home.home()
    after_earlier_ones(context, period)
    with period_lock(session, where, period):
        if str(period) not in session.outlooks:
            save_inbox_contents(where, period, home.policy())
        sweep([where.lake_program(period), where.lake_program(period) / "receipts"])
        earlier = [str(each) for each in read_later_periods(where.inbox, period)]
        read_undisturbed(session, where, period, earlier)
        folders = [folder for each in (*earlier, period) for folder in _folders(where, each)]
        for each in (*earlier, period):
            check_program_history(where, each, session.progress)
        before = snapshot(folders)
        ingested = ingest_period(where, period, home.policy().policy)
        written = list(changed_since(before, folders))
        for each in (*earlier, period):
            record_acceptances(where, each, written)
        share(where, session.progress, held=[str(period)])
    session.periods[str(period)] = ingested
    receipts = ingested.program.receipts
    for receipt in receipts:
        context.log.info(receipt.summary())
    yield dg.MaterializeResult(
        asset_key=PROGRAM_FILES,
        metadata={
            "files": sum(receipt.status != "absent" for receipt in receipts),
            "files refused": len(ingested.program.refused),
            "dagster/partition_row_count": sum(receipt.rows_in_force for receipt in receipts),
            **{f"{receipt.table} rows": receipt.rows_in_force for receipt in receipts},
        },
        check_results=[
            program_files_in_force(PROGRAM_FILES, ingested.program),
            program_files_accepted(PROGRAM_FILES, ingested.program),
        ],
    )
    ingested.program.require_in_force()
    yield dg.MaterializeResult(
        asset_key=PROTOCOLS,
        metadata={
            "protocols": len(ingested.protocols),
            "findings": sum(len(file.problems) for file in ingested.protocols),
        },
        check_results=[protocols_accepted(PROTOCOLS, ingested.protocols)],
    )


def _folders(home: Home, period: object) -> list[Path]:
    """The lake folders that the intake of a half-year writes to."""
    folder = home.lake_program(period)
    return [folder, folder / "receipts", folder / "history"]


ASSETS = [policy, period_intake]

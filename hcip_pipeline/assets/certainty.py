"""How certain a half-year's payments are: an asset between the build and its release. No payment depends on it."""

import dagster as dg

from hcip_pipeline.assets.partition_work import period_lock
from hcip_pipeline.assets.partitions import HALVES, check_spec
from hcip_pipeline.assets.resources import HomeResource, Session
from hcip_pipeline.periods import PerformancePeriod

CERTAINTY = dg.AssetKey("certainty")
#: models whose tables the asset reads
MODELS_READ = (
    "incentives",
    "incentive_cases",
    "baseline_cases",
    "physician_cells",
    "rates",
    "int_counted_cases",
    "int_norms_in_force",
)

AS_RELEASED = "draws_start_from_payments"
READINGS = "other_readings_settled"


def certainty_asset(reads: list[dg.AssetKey]) -> dg.AssetsDefinition:
    """The asset that computes how certain a half-year's payments are.

    Args:
        reads: the assets whose tables it reads.
    """

    @dg.asset(
        key=CERTAINTY,
        group_name="certainty",
        kinds={"python", "parquet"},
        owners=["team:methodology"],
        partitions_def=HALVES,
        deps=reads,
        check_specs=[
            check_spec(
                AS_RELEASED,
                CERTAINTY,
                HALVES,
                "Without redrawing any case, the computation reproduces every calculated incentive of the build.",
                blocking=False,
            ),
            check_spec(
                READINGS,
                CERTAINTY,
                HALVES,
                "The period was settled under every other reading of the responsible physician.",
                blocking=False,
            ),
        ],
    )
    def certainty(
        context: dg.AssetExecutionContext, home: HomeResource, session: dg.ResourceParam[Session]
    ) -> dg.MaterializeResult:
        """How certain the payments are (methodology §14): reliability, chance, intervals, other readings.

        The tables are kept in ``warehouse/<period>/certainty`` until the release is written; nothing else reads them.
        """
        from hcip_pipeline.certainty.assessment import assess_build, differing_payments
        from hcip_pipeline.certainty.kept import keep_tables
        from hcip_pipeline.settlement.build_record import current_build
        from hcip_pipeline.settlement.spec_digest import digest_of

        period = PerformancePeriod.parse(context.partition_key)
        with period_lock(session, home.home(), period):
            built = current_build(home.home(), period, home.policy())
            session.progress(f"{period}: computing how certain the payments are")
            tables, warnings = assess_build(home.home(), built.result, threads=home.threads)
            differing = differing_payments(built.result)
            keep_tables(home.home(), period, digest_of(built.built_from), tables)
        for warning in warnings:
            context.log.warning(warning)
        state = tables["certainty_hospitals"].row(-1, named=True)
        return dg.MaterializeResult(
            metadata={
                "calculated incentive": float(state["calculated_incentive"]),
                "by chance alone, mean": float(state["chance_mean"]),
                "by chance alone, from": float(state["chance_low"]),
                "by chance alone, to": float(state["chance_high"]),
                "care partners": state["care_partners"],
                "of them above chance": state["above_chance"],
                "tables": dg.MetadataValue.json(sorted(tables)),
            },
            check_results=[
                dg.AssetCheckResult(
                    asset_key=CERTAINTY,
                    check_name=AS_RELEASED,
                    passed=not differing,
                    metadata={"payments that differ": differing},
                ),
                dg.AssetCheckResult(
                    asset_key=CERTAINTY,
                    check_name=READINGS,
                    passed=not warnings,
                    severity=dg.AssetCheckSeverity.WARN,
                    metadata={"why not": dg.MetadataValue.json(list(warnings))},
                ),
            ],
        )

    return certainty

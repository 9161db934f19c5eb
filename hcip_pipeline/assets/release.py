"""The release of a half-year: the published files, written once and never changed."""

from collections.abc import Iterator

import dagster as dg

from hcip_pipeline.assets.partition_work import period_lock
from hcip_pipeline.assets.partitions import HALVES, check_spec
from hcip_pipeline.assets.resources import EngineResource, HomeResource, Session
from hcip_pipeline.checks.release_gate import (
    RELEASE_CHECKS,
    Paid,
    everything_passed,
    files_as_stated,
    nothing_is_held,
    nothing_is_missing,
    rests_on_current_releases,
    stale_since,
    totals_as_built,
)
from hcip_pipeline.periods import PerformancePeriod

RELEASE = dg.AssetKey("release")


def release_asset(reads: list[dg.AssetKey]) -> dg.AssetsDefinition:
    """The asset that releases a half-year.

    Args:
        reads: the assets whose tables it writes to the release.
    """

    @dg.asset(
        key=RELEASE,
        group_name="release",
        kinds={"csv", "parquet"},
        owners=["team:program-administration"],
        partitions_def=HALVES,
        deps=reads,
        check_specs=[
            check_spec(name, RELEASE, HALVES, text, blocking=blocking)
            for name, (text, blocking) in RELEASE_CHECKS.items()
        ],
        output_required=False,
    )
    def release(
        context: dg.AssetExecutionContext,
        home: HomeResource,
        engine: EngineResource,
        session: dg.ResourceParam[Session],
    ) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        """``releases/<period>/r<n>/``, written to a temporary folder and renamed once every check has passed.

        It is written from the build on disk (``warehouse/<period>/build.json``), provided that this is still the build
        of the current lake and policy.
        """
        from hcip_pipeline.alerting.alerts import held_alert, send_alert
        from hcip_pipeline.alerting.settings import signer_of, timestamps_of
        from hcip_pipeline.certainty.kept import kept_tables
        from hcip_pipeline.ledger.recording import record_release
        from hcip_pipeline.ledger.signing import sign_head
        from hcip_pipeline.ledger.timestamps import stamp_head, stamp_release
        from hcip_pipeline.publishing.content import Content
        from hcip_pipeline.publishing.writer import write_release
        from hcip_pipeline.release.layouts import MANIFEST
        from hcip_pipeline.release.reading import ReleaseFiles
        from hcip_pipeline.release.rests_on import outdated, stale_releases
        from hcip_pipeline.settlement.build_record import current_build
        from hcip_pipeline.settlement.kept_sources import keep_sources
        from hcip_pipeline.settlement.recognition import record_run, saved_outlook
        from hcip_pipeline.settlement.restatement import restatement
        from hcip_pipeline.settlement.spec_digest import digest_of
        from hcip_pipeline.sharing import share
        from hcip_pipeline.warehouse.project import project_digest

        period = PerformancePeriod.parse(context.partition_key)
        policy = home.policy()
        with period_lock(session, home.home(), period):
            built = current_build(home.home(), period, policy)
            yield everything_passed(RELEASE, built.result)
            with engine.computing(home.home()):
                restated = restatement(
                    home.home(), period, policy, built.result, threads=home.threads, progress=session.progress
                )
            session.progress(f"{period}: writing the release")
            signer, stamps = signer_of(home.home()), timestamps_of(home.home())
            with keep_sources(home.home(), period, policy, built.result.spec) as release_made:
                written = write_release(
                    home.home(),
                    period,
                    built.result,
                    Content(
                        policy,
                        built.inputs,
                        (*built.notes, *restated.notes),
                        restatement=restated.frame,
                        certainty=kept_tables(home.home(), period, digest_of(built.built_from)),
                        stamped_by=stamps.name if stamps else None,
                    ),
                    signer=signer,
                )
                release_made(written.is_new)
            if written.is_new:
                record_release(home.home(), period, written.number, project_digest())
            stamp_release(stamps, written.folder / MANIFEST, session.progress)
            if written.is_new:
                share(home.home(), session.progress, held=[str(period)])
            sign_head(home.home(), signer)
            stamp_head(home.home(), stamps, session.progress)
            seen = session.outlooks.get(str(period)) or saved_outlook(home.home(), period)
            if seen is not None:  # lets the next run recognize that nothing has changed since
                record_run(home.home(), seen, written.folder, built.built_from)
            paid = Paid.read(written.folder)
        session.releases[str(period)] = written
        outcome = "released" if written.is_new else "nothing changed since"
        context.log.info(
            f"{period}: {outcome} {written.name}, {written.files} files: ${paid.calculated:,} calculated, "
            f"${paid.final:,} final, of which ${paid.payable:,} payable and ${paid.held:,} held"
        )
        stale = stale_releases(home.home(), period)
        for reason in stale:
            context.log.warning(f"{reason} (RESTS_ON_SUPERSEDED); {reason.fix}")
        for later in dict.fromkeys(reason.stale_period for reason in stale):
            reasons = [reason for reason in stale_releases(home.home()) if reason.stale_period == later]
            # logged by this run: without a run, Dagster keeps only one event per check and partition
            context.log_event(stale_since(RELEASE, later, reasons))
        yield dg.MaterializeResult(
            metadata={
                "release": written.name,
                "new": written.is_new,
                "folder": str(written.folder.relative_to(home.home().root)),
                "files": written.files,
                "inputs": len(built.inputs),
                "engine": built.result.engine,
                "restatement": written.number,
                "care partners": paid.partners,
                "calculated incentive": float(paid.calculated),
                "final incentive": float(paid.final),
                "payable": float(paid.payable),
                "held": float(paid.held),
                "what is missing": dg.MetadataValue.json([str(note) for note in built.notes]),
                "stale later releases": dg.MetadataValue.json([str(reason) for reason in stale]),
            },
        )
        yield files_as_stated(RELEASE, written.folder)
        yield totals_as_built(RELEASE, paid, built.result)
        yield nothing_is_missing(RELEASE, built)
        yield rests_on_current_releases(RELEASE, outdated(home.home(), ReleaseFiles.at(written.folder)))
        yield nothing_is_held(RELEASE, paid)
        if paid.held_partners:
            name = f"{period}/{written.name}"
            send_alert(
                home.home(),
                held_alert(name, paid.held_partners, f"{paid.held:,}", paid.hold_reasons),
                context.log.info,
            )

    return release

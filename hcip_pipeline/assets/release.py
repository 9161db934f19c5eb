"""The release of a half-year: the files that leave, written once and never changed."""

from collections.abc import Iterator

import dagster as dg

from hcip_pipeline.assets.partition_work import settling
from hcip_pipeline.assets.partitions import HALVES
from hcip_pipeline.assets.resources import Handover, HomeResource
from hcip_pipeline.checks.release_gate import (
    Paid,
    everything_passed,
    files_as_stated,
    nothing_is_held,
    nothing_is_missing,
    release_check_specs,
    totals_as_built,
)
from hcip_pipeline.errors import HcipError
from hcip_pipeline.periods import PerformancePeriod

GROUP = "release"
RELEASE = dg.AssetKey("release")


def release_asset(leaving: list[dg.AssetKey]) -> dg.AssetsDefinition:
    """The asset that releases a half-year.

    Args:
        leaving: the tables it writes from.
    """

    @dg.asset(
        key=RELEASE,
        group_name=GROUP,
        kinds={"csv", "parquet"},
        owners=["team:program-administration"],
        partitions_def=HALVES,
        deps=leaving,
        check_specs=release_check_specs(RELEASE),
        output_required=False,
    )
    def release(
        context: dg.AssetExecutionContext, home: HomeResource, handover: dg.ResourceParam[Handover]
    ) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        """``releases/<period>/r<n>/``, written beside its place and renamed into it once every check has passed."""
        from hcip_pipeline.operations.alerts import held_alert, tell
        from hcip_pipeline.release.writer import write_release
        from hcip_pipeline.settlement.as_of import remembered
        from hcip_pipeline.settlement.restatement import restatement

        period = PerformancePeriod.parse(context.partition_key)
        if str(period) not in handover.builds:
            raise HcipError(
                f"{period} was not built in this run, and only a build of the same run is released",
                rule="RELEASE-GATE",
                fix="run the whole job `settlement` for the period",
            )
        built = handover.builds[str(period)]
        yield everything_passed(RELEASE, built.result)
        policy = home.policy()
        with settling(handover, home.home(), period):
            restated = restatement(
                home.home(), period, policy, built.result, threads=home.threads, progress=handover.progress
            )
            handover.progress(f"{period}: writing the release")
            with remembered(home.home(), period, policy, built.result.spec) as release_made:
                written = write_release(
                    home.home(),
                    period,
                    built.result,
                    policy,
                    built.inputs,
                    notes=(*built.notes, *restated.notes),
                    restatement=restated.frame,
                )
                release_made(written.is_new)
            paid = Paid.read(written.folder)
        handover.releases[str(period)] = written
        said = "released" if written.is_new else "nothing changed since"
        context.log.info(
            f"{period}: {said} {written.name}, {written.files} files: ${paid.calculated:,} calculated, "
            f"${paid.final:,} final, of it ${paid.payable:,} payable and ${paid.held:,} held"
        )
        yield dg.MaterializeResult(
            metadata={
                "release": written.name,
                "new": written.is_new,
                "folder": str(written.folder.relative_to(home.home().root)),
                "files": written.files,
                "inputs": len(built.inputs),
                "restatement": written.number,
                "care partners": paid.partners,
                "calculated incentive": float(paid.calculated),
                "final incentive": float(paid.final),
                "payable": float(paid.payable),
                "held": float(paid.held),
                "what is missing": dg.MetadataValue.json(list(built.notes)),
            },
        )
        yield files_as_stated(RELEASE, written.folder)
        yield totals_as_built(RELEASE, paid, built.result)
        yield nothing_is_missing(RELEASE, built)
        yield nothing_is_held(RELEASE, paid)
        if paid.held_partners:
            name = f"{period}/{written.name}"
            tell(
                home.home(),
                held_alert(name, paid.held_partners, f"{paid.held:,}", paid.hold_reasons),
                context.log.info,
            )

    return release

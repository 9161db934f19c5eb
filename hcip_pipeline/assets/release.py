"""The release of a half-year: the files that leave, written once and never changed."""

import dagster as dg

from hcip_pipeline.assets.partitions import HALVES
from hcip_pipeline.assets.resources import Handover, HomeResource
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
    )
    def release(
        context: dg.AssetExecutionContext, home: HomeResource, handover: dg.ResourceParam[Handover]
    ) -> dg.MaterializeResult:
        """``releases/<period>/r<n>/``, written beside its place and renamed into it once every check has passed."""
        from hcip_pipeline.release.writer import write_release

        period = PerformancePeriod.parse(context.partition_key)
        if str(period) not in handover.builds:
            raise HcipError(
                f"{period} was not built in this run, and only a build of the same run is released",
                rule="RELEASE-GATE",
                fix="run the whole job `settlement` for the period",
            )
        built = handover.builds[str(period)]
        handover.progress(f"{period}: writing the release")
        written = write_release(home.home(), period, built.result, home.policy(), built.inputs, notes=built.notes)
        handover.releases[str(period)] = written
        said = "released" if written.is_new else "nothing changed since"
        context.log.info(f"{period}: {said} {written.name}, {written.files} files")
        return dg.MaterializeResult(
            metadata={
                "release": written.name,
                "new": written.is_new,
                "folder": dg.MetadataValue.path(written.folder),
                "files": written.files,
                "inputs": len(built.inputs),
                "what is missing": dg.MetadataValue.json(list(built.notes)),
            }
        )

    return release

"""Sensors: runs that start when files arrive in the inbox, and alerts when a run has failed."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg

from hcip_pipeline.assets import cms_intake, hospital_intake, program_intake
from hcip_pipeline.assets.jobs import cms_job, hospital_job, program_job
from hcip_pipeline.assets.partitions import HALVES, MONTHS, QUARTERS, keys_of_run, name_of_run
from hcip_pipeline.assets.resources import HomeResource
from hcip_pipeline.assets.schedules import STATUS
from hcip_pipeline.home.folders import Home

#: seconds between two looks at a folder, which must be the same in both
_LOOK_SECONDS = 30


def _settle_seconds() -> float:
    return float(os.environ.get("HCIP_SETTLE_SECONDS") or 60)


def inbox_sensor(
    folder: str, job: Any, asset: dg.AssetKey,
    partitions: dg.StaticPartitionsDefinition, cadence: str,
) -> dg.SensorDefinition:  # fmt: skip
    """A sensor on one folder of the inbox.

    Args:
        folder: below the inbox; its subfolders are named for partitions.
        asset: the asset of the job; a partition that was materialized after its files arrived needs no run.
        cadence: the kind of partition, such as "quarter", for the description.
    """
    known = frozenset(partitions.get_partition_keys())

    @dg.sensor(
        name=f"{folder}_files_arrived",
        job=job,
        minimum_interval_seconds=_LOOK_SECONDS,
        default_status=STATUS.sensors,
        description=f"Files in inbox/{folder}/: ingests their {cadence} when they are complete, each file only once.",
    )
    def files_arrived(context: dg.SensorEvaluationContext, home: HomeResource) -> dg.SensorResult:
        from hcip_pipeline.intake.arrivals import Cursor, arrivals

        found, waiting, cursor = arrivals(
            _folders(home.home(), folder, known),
            Cursor.parse(context.cursor),
            time.time(),
            _settle_seconds(),
            lambda partition: _last_ingested(context.instance, asset, partition),
        )
        requests = [dg.RunRequest(run_key=a.run_key, partition_key=a.partition) for a in found]
        reason = f"still being written: {', '.join(waiting)}" if waiting else "nothing new"
        return dg.SensorResult(
            run_requests=requests, skip_reason=None if requests else dg.SkipReason(reason), cursor=cursor.text()
        )

    return files_arrived


def _folders(home: Home, name: str, known: frozenset[str]) -> Iterator[tuple[str, Path]]:
    place = home.inbox / name
    if place.is_dir():
        yield from ((path.name, path) for path in sorted(place.iterdir()) if path.name in known and path.is_dir())


def _last_ingested(instance: dg.DagsterInstance, asset: dg.AssetKey, partition: str) -> float:
    """Start of the newest run that ingested a partition, or 0. The run may have missed files that arrived later."""
    records = instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=asset, asset_partitions=[partition]), limit=1
    ).records
    if not records:
        return 0.0
    run = instance.get_run_record_by_id(records[0].run_id)
    return run.start_time or 0.0 if run else 0.0


@dg.run_failure_sensor(
    name="tell_of_failures",
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Sends an alert for each failed run, even if its process was killed: see alerts in settings.yaml.",
)
def send_failure_alert(context: dg.RunFailureSensorContext) -> None:
    """Send an alert for each failed run."""
    from hcip_pipeline.alerting.alerts import failure_alert, send_alert

    run = context.dagster_run
    partition = name_of_run(keys_of_run(run.tags))
    send_alert(
        Home.locate(), failure_alert(run.run_id, run.job_name, partition, _error_text(context)), context.log.info
    )


def _error_text(context: dg.RunFailureSensorContext) -> str:
    """The error message of the step that failed, else of the run."""
    for event in context.get_step_failure_events():
        data = event.step_failure_data
        cause = data.error
        while cause is not None and cause.cause is not None:
            cause = cause.cause
        if cause is not None:
            return cause.message.split(": ", 1)[-1].strip()
    return context.failure_event.message or "the run failed"


SENSORS = [
    inbox_sensor("hospital", hospital_job, hospital_intake.SUBMISSIONS, QUARTERS, "quarter"),
    inbox_sensor("cms", cms_job, cms_intake.CLAIM_FILES, MONTHS, "month"),
    inbox_sensor("program", program_job, program_intake.PROGRAM_FILES, HALVES, "half-year"),
    send_failure_alert,
]

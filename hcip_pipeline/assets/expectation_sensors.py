"""Sensors that check expectations after every successful intake or settlement."""

import dagster as dg

from hcip_pipeline.assets.expectations import release_expectations_job, submission_expectations_job
from hcip_pipeline.assets.jobs import hospital_job, settlement_job
from hcip_pipeline.assets.partitions import keys_of_run
from hcip_pipeline.assets.schedules import STATUS


def _request(context: dg.RunStatusSensorContext) -> list[dg.RunRequest] | dg.SkipReason:
    """One run per partition of the successful run."""
    keys = keys_of_run(context.dagster_run.tags)
    if not keys:
        return dg.SkipReason("the run had no partition")
    return [dg.RunRequest(run_key=f"{context.dagster_run.run_id}-{key}", partition_key=key) for key in keys]


expectations_of_submissions = dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    default_status=STATUS.sensors,
    name="expectations_of_submissions",
    description="After a quarter's intake: checks its accepted rows against the stakeholders' expectations.",
    monitored_jobs=[hospital_job],
    request_job=submission_expectations_job,
)(_request)

expectations_of_releases = dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    default_status=STATUS.sensors,
    name="expectations_of_releases",
    description="After a settlement: checks the files of its release against the stakeholders' expectations.",
    monitored_jobs=[settlement_job],
    request_job=release_expectations_job,
)(_request)

EXPECTATION_SENSORS = [expectations_of_submissions, expectations_of_releases]

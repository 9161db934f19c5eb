"""When runs start by themselves (methodology §1, "Run-out"). The date of the tick determines the partition."""

import datetime as dt
import os
from dataclasses import dataclass

import dagster as dg

from hcip_pipeline.assets.jobs import cms_job, hospital_job, settlement_job
from hcip_pipeline.assets.partitions import HALVES, MONTHS, QUARTERS
from hcip_pipeline.errors import HcipError
from hcip_pipeline.periods import Month, PerformancePeriod, Quarter

#: days after a quarter's end until its submissions are due
_QUARTER_DUE = 45


@dataclass(frozen=True)
class Automation:
    """Whether schedules and inbox sensors are on from the start; each can be turned on or off in the UI."""

    schedules: dg.DefaultScheduleStatus
    sensors: dg.DefaultSensorStatus


#: ``hcip ui`` sets the variable if settings.yaml turns automation on
STATUS = (
    Automation(dg.DefaultScheduleStatus.RUNNING, dg.DefaultSensorStatus.RUNNING)
    if os.environ.get("HCIP_AUTOMATION")
    else Automation(dg.DefaultScheduleStatus.STOPPED, dg.DefaultSensorStatus.STOPPED)
)


def period_due(day: dt.date) -> PerformancePeriod:
    """The newest half-year whose data have matured by ``day``."""
    period = PerformancePeriod(day.year - 2, 1)
    while period.next().run_date <= day:
        period = period.next()
    return period


def quarter_due(day: dt.date) -> Quarter:
    """The newest quarter whose data are due by ``day``, 45 days after its end."""
    quarter = Quarter(day.year - 1, 1)
    while quarter.next().end + dt.timedelta(days=_QUARTER_DUE) < day:
        quarter = quarter.next()
    return quarter


def month_due(day: dt.date) -> Month:
    """The month before the month of ``day``."""
    return Month(day.year, day.month - 1) if day.month > 1 else Month(day.year - 1, 12)


def _request(key: str, partitions: dg.StaticPartitionsDefinition) -> dg.RunRequest:
    """A run for a partition.

    Raises:
        HcipError: the partition was not loaded, because its half-year began later.
    """
    if not partitions.has_partition_key(key):
        raise HcipError(
            f"{key} is not among the partitions, which end with the half-year that was current when the "
            "definitions were loaded",
            fix="reload the code location (Deployment, Reload) or restart `hcip ui`, then run it by hand",
        )
    return dg.RunRequest(run_key=key, partition_key=key)


@dg.schedule(
    job=settlement_job,
    default_status=STATUS.schedules,
    cron_schedule="0 6 1 4,10 *",
    description="1 April and 1 October: settles the half-year whose quarters are complete and claims have matured.",
)
def settlement_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Request the half-year whose run-out has ended."""
    key = str(period_due(context.scheduled_execution_time.date()))
    return _request(key, HALVES)


@dg.schedule(
    job=hospital_job,
    default_status=STATUS.schedules,
    cron_schedule="0 6 16 2,5,8,11 *",
    description="The day after a quarter's submissions are due (45 days after its end): ingests the quarter.",
)
def hospital_intake_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Request the quarter whose submissions are due."""
    key = str(quarter_due(context.scheduled_execution_time.date()))
    return _request(key, QUARTERS)


@dg.schedule(
    job=cms_job,
    default_status=STATUS.schedules,
    cron_schedule="0 6 1 * *",
    description="The first of each month: ingests the files that CMS delivered in the previous month.",
)
def cms_intake_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Request the month whose claim files are due."""
    key = str(month_due(context.scheduled_execution_time.date()))
    return _request(key, MONTHS)


SCHEDULES = [settlement_schedule, hospital_intake_schedule, cms_intake_schedule]

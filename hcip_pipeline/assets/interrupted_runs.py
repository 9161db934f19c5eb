"""Runs whose process was killed: the history then shows that they failed, not that they are still running.

Belongs here: runs of the command line. Does not belong here: runs started by the daemon, which watches them itself
(``run_monitoring`` in ``dagster.yaml``).
"""

import os
import socket

import dagster as dg

from hcip_pipeline.assets.run_origin import record_origin
from hcip_pipeline.machine import is_running

#: Dagster's UI hides tags that begin with a dot
_PROCESS, _MACHINE = ".dagster/hcip/process", ".dagster/hcip/machine"
_UNFINISHED = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]


def process_tags() -> dict[str, str]:
    """Hidden tags that identify the process of a run."""
    return {_PROCESS: str(os.getpid()), _MACHINE: socket.gethostname()}


def close_interrupted(instance: dg.DagsterInstance) -> int:
    """Mark runs as failed whose process on this machine is gone. Returns how many."""
    here = dg.RunsFilter(statuses=_UNFINISHED, tags={_MACHINE: socket.gethostname()})
    closed = 0
    for run in instance.get_runs(here):
        if not is_running(int(run.tags[_PROCESS])):
            instance.report_run_failed(run, "the run's process was killed; unfinished work does not count")
            record_origin(instance, run.run_id)
            closed += 1
    return closed

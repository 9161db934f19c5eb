"""The code location of runs started on the command line: the UI's timeline and job pages list runs by code location.

The UI records the repository of the runs that it starts. A run in this process has no such record, so it is written
here, in Dagster's own form.
"""

import json
from typing import Any

import dagster as dg

#: the name of the code location in ``hcip ui`` and ``workspace.yaml``, and of its only repository
LOCATION, REPOSITORY = "hcip", "__repository__"


def origin_tags() -> dict[str, str]:
    """Tags by which the UI's job pages find a run."""
    return {".dagster/repository": f"{REPOSITORY}@{LOCATION}", "dagster/code_location": LOCATION}


def record_origin(instance: dg.DagsterInstance, run_id: str) -> None:
    """Record that a run belongs to the home's code location; does nothing if the run was never created."""
    run = instance.get_run_by_id(run_id)
    if run is None or run.remote_job_origin is not None:
        return
    origin: Any = dg.deserialize_value(
        json.dumps(
            {
                "__class__": "ExternalPipelineOrigin",
                "pipeline_name": run.job_name,
                "external_repository_origin": {
                    "__class__": "ExternalRepositoryOrigin",
                    "repository_name": REPOSITORY,
                    "repository_location_origin": {
                        "__class__": "RegisteredRepositoryLocationOrigin",
                        "location_name": LOCATION,
                    },
                },
            }
        )
    )
    instance.run_storage.replace_job_origin(run, origin)

"""Where a run of the command line belongs in the UI: the timeline and the job pages list runs by code location.

A run that the UI starts records the repository it came from. One that runs in this process has none, so it is recorded
here, in the form in which Dagster keeps it.
"""

import json
from typing import Any

import dagster as dg

#: as ``hcip ui`` and ``workspace.yaml`` name the code location; a module's definitions are its one repository
LOCATION, REPOSITORY = "hcip", "__repository__"


def origin_tags() -> dict[str, str]:
    """Tags by which the job pages find a run."""
    return {".dagster/repository": f"{REPOSITORY}@{LOCATION}", "dagster/code_location": LOCATION}


def record_origin(instance: dg.DagsterInstance, run_id: str) -> None:
    """Record on a run that it is one of the home's code location; a run that was never created is left out."""
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

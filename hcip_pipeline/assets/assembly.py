"""Every asset, check, job, schedule and sensor put together: what the UI shows is what the command line runs."""

import json
from typing import Any

import dagster as dg

from hcip_pipeline.assets import registry
from hcip_pipeline.assets.expectation_sensors import EXPECTATION_SENSORS
from hcip_pipeline.assets.jobs import JOBS
from hcip_pipeline.assets.release import release_asset
from hcip_pipeline.assets.resources import HomeResource, handover_of_one_run
from hcip_pipeline.assets.schedules import SCHEDULES
from hcip_pipeline.assets.sensors import SENSORS
from hcip_pipeline.warehouse.dbt_assets import period_tables
from hcip_pipeline.warehouse.project import manifest_path
from hcip_pipeline.warehouse.translator import Translator


def build_defs(**overrides: Any) -> dg.Definitions:
    """Every asset, check, job, schedule and sensor.

    Args:
        overrides: ``resources`` by name, merged into the defaults; any other argument of ``dagster.Definitions``, in
            place of the default.
    """
    manifest = json.loads(manifest_path().read_bytes())
    translator = Translator(manifest, tuple(registry.GROUPS), registry.source_deps)
    taken_in = [asset for module in registry.GROUPS.values() for asset in getattr(module, "ASSETS", ())]
    resources = {"home": HomeResource(), "handover": handover_of_one_run} | overrides.pop("resources", {})
    arguments = {
        "assets": [*taken_in, period_tables(translator), release_asset(translator.leaving())],
        "jobs": JOBS,
        "schedules": SCHEDULES,
        "sensors": [*SENSORS, *EXPECTATION_SENSORS],
        "executor": dg.in_process_executor,
        "resources": resources,
    }
    return dg.Definitions(**(arguments | overrides))

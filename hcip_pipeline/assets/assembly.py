"""Every asset, check, job, schedule and sensor: the UI shows the same definitions that the command line runs."""

import json
from typing import Any

import dagster as dg

from hcip_pipeline.assets import registry
from hcip_pipeline.assets.certainty import CERTAINTY, MODELS_READ, certainty_asset
from hcip_pipeline.assets.expectation_sensors import EXPECTATION_SENSORS
from hcip_pipeline.assets.half_year import half_year_tables
from hcip_pipeline.assets.jobs import JOBS
from hcip_pipeline.assets.release import release_asset
from hcip_pipeline.assets.resources import EngineResource, HomeResource, session_of_one_process
from hcip_pipeline.assets.schedules import SCHEDULES
from hcip_pipeline.assets.sensors import SENSORS
from hcip_pipeline.assets.translator import Translator
from hcip_pipeline.warehouse.project import manifest_path


def build_defs(**overrides: Any) -> dg.Definitions:
    """Every asset, check, job, schedule and sensor.

    Args:
        overrides: ``resources`` by name, merged into the defaults; any other argument of ``dagster.Definitions``
            replaces the default.
    """
    translator = Translator(json.loads(manifest_path().read_bytes()), registry.source_deps)
    in_python = [asset for module in registry.MODULES for asset in module.ASSETS]
    defaults = {"home": HomeResource(), "engine": EngineResource(), "session": session_of_one_process}
    resources = defaults | overrides.pop("resources", {})
    arguments = {
        "assets": [
            *in_python,
            half_year_tables(translator),
            certainty_asset(translator.computed_by(MODELS_READ)),
            release_asset([*translator.released(), CERTAINTY]),
        ],
        "jobs": JOBS,
        "schedules": SCHEDULES,
        "sensors": [*SENSORS, *EXPECTATION_SENSORS],
        "executor": dg.in_process_executor,
        "resources": resources,
    }
    return dg.Definitions(**(arguments | overrides))

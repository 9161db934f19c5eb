"""Modules imported before tests fork processes, each of which would otherwise take seconds to import them.

Belongs here: imports, for ``set_forkserver_preload``. Does not belong here: anything that starts a thread.
"""

from __future__ import annotations

import importlib

import dagster as dg

for _name in (
    "dbt.cli.main",
    "hcip_pipeline.assets.execution",
    "hcip_pipeline.certainty.assessment",
    "hcip_pipeline.commands.run",
    "hcip_pipeline.publishing.writer",
    "hcip_pipeline.release.verification.verifier",
    "hcip_pipeline.warehouse.build",
    "scipy.stats",
):
    importlib.import_module(_name)
with dg.DagsterInstance.ephemeral():  # imports Dagster's storages
    pass

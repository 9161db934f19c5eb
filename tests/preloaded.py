"""What processes that tests fork find imported: each would take seconds to import it by itself.

Belongs here: imports, for ``set_forkserver_preload``. Does not belong here: anything that starts a thread.
"""

from __future__ import annotations

import dagster as dg
import dbt.cli.main
import scipy.stats

import hcip_pipeline.assets.execution
import hcip_pipeline.certainty.assessment
import hcip_pipeline.commands.run
import hcip_pipeline.publishing.writer
import hcip_pipeline.release.verification.verifier
import hcip_pipeline.warehouse.build

__all__ = ["dbt", "hcip_pipeline", "scipy"]

with dg.DagsterInstance.ephemeral():  # imports Dagster's storages
    pass

"""Opening the engine that computes a build: DuckDB on this machine, or Apache Spark (docs/scale_out.md)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from hcip_pipeline.home.folders import Home
from hcip_pipeline.warehouse.build import Engine, compute_builds_with
from hcip_pipeline.warehouse.engine_choice import require


@contextmanager
def computed_on(engine: str, home: Home, master: str = "") -> Iterator[None]:
    """Compute every build of the ``with`` block on ``engine``; for arguments and errors see :func:`opened`."""
    with opened(engine, home, master) as computing, compute_builds_with(computing):
        yield


@contextmanager
def opened(engine: str, home: Home, master: str = "") -> Iterator[Engine | None]:
    """An engine for ``warehouse.build.compute_builds_with``, until the ``with`` block ends; None means DuckDB.

    Args:
        master: Spark's master (``spark://…``, ``yarn``, ``k8s://…``); empty: ``HCIP_SPARK_MASTER``, or else this
            machine. Every node must reach the home under the same path.

    Raises:
        UsageError: no engine has that name, or it is not installed.
        HcipError: Spark did not start.
    """
    require(engine)
    if engine == "duckdb":
        yield None
        return
    from hcip_pipeline.warehouse.spark import SparkEngine
    from hcip_pipeline.warehouse.spark_session import spark_session

    with spark_session(
        (home.warehouse / "spark").resolve(), master=master or os.environ.get("HCIP_SPARK_MASTER", "")
    ) as session:
        yield SparkEngine(session)

"""The engine that computes a build: DuckDB on this machine, or Apache Spark (docs/scale_out.md)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, get_args

from hcip_pipeline.errors import UsageError
from hcip_pipeline.home import Home
from hcip_pipeline.warehouse.build import compute_builds_with

EngineName = Literal["duckdb", "spark"]
ENGINES: tuple[EngineName, ...] = get_args(EngineName)


@contextmanager
def computed_on(engine: str, home: Home) -> Iterator[None]:
    """Compute every build of the ``with`` block on ``engine``.

    Spark's master is ``HCIP_SPARK_MASTER`` (``spark://…``, ``yarn``, ``k8s://…``), or this machine. Spark writes its
    tables below the home's warehouse, which every node must reach under the same path.

    Raises:
        UsageError: an engine of that name does not exist.
        HcipError: Spark is not installed or did not start.
    """
    if engine == "duckdb":
        yield
        return
    if engine != "spark":
        raise UsageError(f"{engine} is no engine", fix=f"choose one of {', '.join(ENGINES)}")
    from hcip_pipeline.warehouse.spark import SparkEngine, spark_session

    folder = (home.warehouse / "spark").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with (
        spark_session(folder, master=os.environ.get("HCIP_SPARK_MASTER", "")) as session,
        compute_builds_with(SparkEngine(session)),
    ):
        yield

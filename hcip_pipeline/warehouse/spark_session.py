"""A Spark session that computes as DuckDB does: what results depend on is set, the rest is the cluster's own."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hcip_pipeline.errors import HcipError

#: on this machine: what fits it is computed faster in few tasks and without compiling every query
_LOCAL = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.extraJavaOptions": (
        "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m -Xshare:auto"
    ),
    "spark.sql.shuffle.partitions": "1",
    "spark.default.parallelism": "1",
    "spark.sql.files.minPartitionNum": "1",
    "spark.sql.leafNodeDefaultParallelism": "1",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.autoBroadcastJoinThreshold": "64m",
    "spark.sql.parquet.compression.codec": "uncompressed",
    "spark.hadoop.mapreduce.fileoutputcommitter.algorithm.version": "2",
}
#: what the results depend on
_ALWAYS = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.decimalOperations.allowPrecisionLoss": "false",
    "spark.sql.cteRecursionLevelLimit": "10000",
    "spark.sql.legacy.charVarcharAsString": "true",
    "spark.sql.sources.default": "parquet",
}


@contextmanager
def spark_session(warehouse: Path, master: str = "", memory: str = "2g") -> Iterator[Any]:
    """A Spark session, until the ``with`` block ends. Spark and Java are there (``engines.require``).

    Args:
        warehouse: where tables lie that are given no place; gets ``spark.log``, what Java writes.
        master: a cluster's address (``spark://…``, ``yarn``, ``k8s://…``); empty: this machine, every core.
        memory: of the driver, on this machine.

    Raises:
        HcipError: Spark did not start.
    """
    from pyspark.sql import SparkSession

    if master and not master.startswith("local"):
        os.environ.pop("SPARK_LOCAL_IP", None)  # pandera sets loopback, where no executor of a cluster finds the driver
    warehouse.mkdir(parents=True, exist_ok=True)
    log = warehouse / "spark.log"

    settings = {**({} if master else {**_LOCAL, "spark.driver.memory": memory}), **_ALWAYS}
    builder = SparkSession.builder.appName("hcip").master(master or "local[*]")
    for name, value in {**settings, "spark.sql.warehouse.dir": str(warehouse)}.items():
        builder = builder.config(name, value)
    try:
        with _standard_error_to(log):
            session = builder.getOrCreate()
    except Exception as error:  # Spark's launcher raises whatever Java threw
        raise HcipError(
            f"Spark did not start: {java_message(error)}",
            file=log,
            rule="ENGINE",
            fix=f"see that a cluster answers at {master}" if master else "see that `java -version` works",
        ) from error
    session.sparkContext.setLogLevel("ERROR")
    try:
        if master and not master.startswith("local"):
            _wait_for_workers(session, master)
        yield session
    finally:
        session.stop()


def _wait_for_workers(session: Any, master: str) -> None:
    """Let a worker compute something: Spark waits for one for ever.

    Raises:
        HcipError: none did within ``HCIP_SPARK_WAIT_SECONDS`` (300).
    """
    seconds = float(os.environ.get("HCIP_SPARK_WAIT_SECONDS") or 300)
    ended = threading.Event()

    def give_up() -> None:
        pause = seconds
        while not ended.wait(pause):
            session.sparkContext.cancelAllJobs()  # more than once: the job may only be about to begin
            pause = 1.0

    threading.Thread(target=give_up, name="waiting for workers", daemon=True).start()
    try:
        session.range(1).collect()
    except Exception as error:  # of the cancelled job, or whatever Java threw
        raise HcipError(
            f"no worker of the cluster accepted work within {seconds:.0f} seconds: {java_message(error)}",
            rule="ENGINE",
            fix=f"start workers for {master} with the memory and cores that spark-defaults.conf requires",
        ) from error
    finally:
        ended.set()


@contextmanager
def _standard_error_to(log: Path) -> Iterator[None]:
    """What is started in the ``with`` block writes its standard error to ``log``: the terminal is the command's."""
    kept = os.dup(2)
    try:
        with log.open("wb") as stream:
            os.dup2(stream.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def java_message(error: BaseException) -> str:
    """What an error of Spark comes to, in one line without Java's stack."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    causes = [line.removeprefix("Caused by: ") for line in lines if line.startswith("Caused by: ")]
    reporting = [line for line in lines if not line.startswith(("at ", "An error occurred", "..."))]
    return (causes[-1:] or reporting[:1] or [type(error).__name__])[0][:400]

"""A Spark session that computes as DuckDB does: settings that affect results are fixed, the rest is the cluster's."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hcip_pipeline.errors import HcipError

#: on this machine: data that fit on it are computed faster in few tasks and without compiling every query
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
#: settings that the results depend on
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
    """A Spark session, until the ``with`` block ends. Spark and Java are installed (``engine_choice.require``).

    Args:
        warehouse: folder of tables without a location of their own, and of ``spark.log`` with Java's output.
        master: a cluster's address (``spark://…``, ``yarn``, ``k8s://…``); empty: every core of this machine.
        memory: the driver's memory, on this machine.

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
    except Exception as error:  # Spark's launcher may raise any exception of Java
        raise HcipError(
            f"Spark did not start: {java_message(error)}",
            file=log,
            rule="ENGINE",
            fix=f"check that a cluster answers at {master}" if master else "check that `java -version` works",
        ) from error
    session.sparkContext.setLogLevel("ERROR")
    try:
        if master and not master.startswith("local"):
            _wait_for_workers(session, master)
        yield session
    finally:
        session.stop()


def _wait_for_workers(session: Any, master: str) -> None:
    """Let a worker compute something; Spark itself would wait for one forever.

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
    except Exception as error:  # from the canceled job, or any exception of Java
        raise HcipError(
            f"no worker of the cluster accepted work within {seconds:.0f} seconds: {java_message(error)}",
            rule="ENGINE",
            fix=f"start workers for {master} with the memory and cores that spark-defaults.conf requires",
        ) from error
    finally:
        ended.set()


@contextmanager
def _standard_error_to(log: Path) -> Iterator[None]:
    """Redirect the standard error of processes started in the ``with`` block to ``log``, away from the terminal."""
    saved = os.dup(2)
    try:
        with log.open("wb") as stream:
            os.dup2(stream.fileno(), 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)


def java_message(error: BaseException) -> str:
    """The message of a Spark error in one line, without Java's stack trace."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    causes = [line.removeprefix("Caused by: ") for line in lines if line.startswith("Caused by: ")]
    reporting = [line for line in lines if not line.startswith(("at ", "An error occurred", "..."))]
    return (causes[-1:] or reporting[:1] or [type(error).__name__])[0][:400]

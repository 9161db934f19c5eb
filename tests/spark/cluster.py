"""A Spark standalone cluster on this machine: a master and workers as separate processes."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pyspark

_SPARK_CLASS = Path(pyspark.__file__).parent / "bin" / "spark-class"
_PATIENCE = 120


@dataclass
class Cluster:
    """A running cluster; ``url`` is the master's address."""

    url: str
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def kill(self, worker: int) -> None:
        """End a worker and its executors as a machine that loses power would."""
        os.killpg(self.workers[worker].pid, 9)
        self.workers[worker].wait()


@contextmanager
def spark_cluster(folder: Path, workers: int = 2, memory: str = "1g") -> Iterator[Cluster]:
    """Start a master and ``workers`` with one core each, each with its own work folder below ``folder``."""
    with ExitStack() as running:
        port = _free_port()
        master = ["org.apache.spark.deploy.master.Master", "--host", "127.0.0.1", "--port", str(port)]
        running.enter_context(_process([*master, "--webui-port", "0"], folder / "master"))
        _wait_for(folder / "master" / "log", r"I have been elected leader")
        cluster = Cluster(f"spark://127.0.0.1:{port}")
        for number in range(workers):
            place = folder / f"worker-{number}"
            worker = ["org.apache.spark.deploy.worker.Worker", "--host", "127.0.0.1", "--webui-port", "0"]
            worker += ["--cores", "1", "--memory", memory, "--work-dir", str(place / "work"), cluster.url]
            cluster.workers.append(running.enter_context(_process(worker, place)))
            _wait_for(place / "log", r"Successfully registered with master")
        yield cluster


@contextmanager
def _process(arguments: list[str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    folder.mkdir(parents=True)
    environment = os.environ | {"SPARK_LOCAL_DIRS": str(folder / "local"), "SPARK_DAEMON_MEMORY": "256m"}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [_SPARK_CLASS, *arguments], stdout=log, stderr=log, env=environment, start_new_session=True
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, 15)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                process.wait()


def _wait_for(log: Path, pattern: str) -> None:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        if re.search(pattern, log.read_text(encoding="utf-8", errors="replace")):
            return
        time.sleep(0.1)
    raise TimeoutError(f"{log.parent.name} did not start: {log.read_text(encoding='utf-8', errors='replace')[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

"""Runs that are killed at three points: nothing is lost, nothing is half published, and the next run heals."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import sys
from multiprocessing.connection import Connection
from typing import Any

import dagster as dg
import pytest

from hcip_pipeline import cli
from hcip_pipeline.assets.execution import settle
from hcip_pipeline.home import Home
from hcip_pipeline.home_locks import BusyError
from hcip_pipeline.publishing.writer import releases_of
from tests.settled_home import PERIOD, SettledHome, digest, half_written

pytestmark = pytest.mark.slow

#: processes that find everything loaded: each would take seconds to import it
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(
    ["hcip_pipeline.commands.run", "hcip_pipeline.assets.execution", "dbt.cli.main", "hcip_pipeline.publishing.writer"]
)


class _Command:
    """``hcip`` in a process of its own; its standard error comes line by line."""

    def __init__(self, home: Home, *arguments: str) -> None:
        receiver, sender = os.pipe()
        self._lines = os.fdopen(receiver, encoding="utf-8")
        with Connection(sender, readable=False) as stderr:
            command = [*arguments, "--home", str(home.root)]
            self._process: Any = _PROCESSES.Process(target=_hcip, args=(stderr, command))
            self._process.start()
        self.pid: int = self._process.pid

    def until(self, stated: str) -> None:
        """Wait for a line."""
        for line in self._lines:
            if stated in line:
                return
        raise AssertionError(f"it ended without saying '{stated}'")

    def kill(self) -> None:
        self._process.kill()
        self._process.join()
        assert self._process.exitcode == -signal.SIGKILL
        self._lines.close()


def _hcip(stderr: Connection, arguments: list[str]) -> None:
    os.dup2(stderr.fileno(), 2)
    sys.stderr = os.fdopen(2, "w", buffering=1, encoding="utf-8")
    cli.main(arguments)


def test_a_killed_run_loses_nothing_and_the_next_one_heals(settled_home: SettledHome, spoilable_home: Home) -> None:
    home = spoilable_home
    shutil.rmtree(home.lake)

    in_intake = _Command(home, "run", str(PERIOD))
    in_intake.until("2024Q3/")
    in_intake.kill()
    receipts = list(home.lake.glob("hospital/receipts/quarter=*/*.json"))
    assert 4 <= len(receipts) < 12
    for receipt in receipts:  # what has a receipt is there, whole
        assert (home.lake_hospital("discharges", receipt.parent.name[8:]) / f"{receipt.stem}.parquet").is_file()
    abandoned = home.lake_hospital("charges", "2024Q3") / ".210001.r1.parquet.1.tmp"
    abandoned.parent.mkdir(parents=True, exist_ok=True)
    abandoned.write_bytes(b"half a file")

    in_dbt = _Command(home, "run", str(PERIOD))
    in_dbt.until("building 2025H1: ")
    os.kill(in_dbt.pid, signal.SIGSTOP)  # it still runs, as far as anybody can see
    with pytest.raises(BusyError, match=rf"2025H1 is in use by another run: settling 2025H1, process {in_dbt.pid}"):
        settle(home, PERIOD)
    in_dbt.kill()
    assert not releases_of(home, PERIOD)

    in_release = _Command(home, "run", str(PERIOD))
    in_release.until("2025H1: writing the release")
    in_release.kill()
    assert not releases_of(home, PERIOD)

    release = settle(home, PERIOD)
    assert release.is_new and digest(release.folder) == digest(settled_home.release.folder)
    assert not half_written(home)
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        assert all(run.is_finished for run in instance.get_runs())
        assert instance.get_runs_count(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE])) == 3

"""Faults of real machines: full and read-only disks, locked files, killed processes, two runs at once.

In each case nothing is lost or half published, the message says what to do, and the next run recovers.
:class:`TestOneHome` subjects one home to its faults in turn, and a last run recovers from all of them.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from hcip_pipeline import cli
from hcip_pipeline.assets.execution import ingest, settle
from hcip_pipeline.assets.resources import HomeResource
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.home.locks import BusyError, HomeLocks
from hcip_pipeline.publishing.writer import releases_of
from hcip_pipeline.warehouse.build import FILE_NAME, compute_builds_with
from tests.rendered_builds import build_by_rendering
from tests.settled_home import PERIOD, SettledHome, digest, half_written, materialize_release

pytestmark = pytest.mark.slow

#: processes start with modules loaded, whose import would take seconds
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["tests.preloaded"])


class _Command:
    """``hcip`` in its own process, whose standard error is read line by line.

    Args:
        by_dbt: whether builds use dbt, which takes much longer.
    """

    def __init__(self, home: Home, *arguments: str, by_dbt: bool = True) -> None:
        receiver, sender = os.pipe()
        self._lines = os.fdopen(receiver, encoding="utf-8")
        with Connection(sender, readable=False) as stderr:
            command = [*arguments, "--home", str(home.root)]
            self._process: Any = _PROCESSES.Process(target=_hcip, args=(stderr, command, by_dbt))
            self._process.start()
        self.pid: int = self._process.pid

    def until(self, text: str) -> None:
        """Wait for a line with this text."""
        for line in self._lines:
            if text in line:
                return
        raise AssertionError(f"it ended without reporting '{text}'")

    def kill(self) -> None:
        self._process.kill()
        self._process.join()
        assert self._process.exitcode == -signal.SIGKILL
        self._lines.close()


def _hcip(stderr: Connection, arguments: list[str], by_dbt: bool) -> None:
    os.dup2(stderr.fileno(), 2)
    sys.stderr = os.fdopen(2, "w", buffering=1, encoding="utf-8")
    with compute_builds_with(None if by_dbt else build_by_rendering):
        cli.main(arguments)


@contextmanager
def _mounted(folder: Path, *arguments: str) -> Iterator[None]:
    """Mount something over a folder; skips the test if it lacks the rights."""
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["mount", *arguments, str(folder)], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"mounting takes root: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def _full(folder: Path) -> Iterator[None]:
    """Put a folder on a disk that will soon be full."""
    with _mounted(folder, "-t", "tmpfs", "-o", "size=96k", "tmpfs"):
        yield


def _assert_nothing_was_released(home: Home, error: HcipError) -> None:
    assert error.rule == "DISK-FULL" and "free disk space" in error.fix
    assert not releases_of(home, PERIOD)
    assert not half_written(home)
    assert not [path for path in home.releases.rglob("*") if path.is_file() and path.name != ".writing"]


_FAILED = dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE])


@pytest.fixture(scope="module")
def home(settled_home: SettledHome, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The home of these faults, not yet released."""
    return settled_home.copy(tmp_path_factory.mktemp("faults") / "home", has_history=True)


class TestOneHome:
    """Faults in one home, one after another, all before anything was released."""

    def test_a_killed_run_loses_nothing(self, home: Home) -> None:
        for ingested in home.lake.iterdir():
            if ingested.name != "norms":  # making the norms takes longer than everything tested here
                shutil.rmtree(ingested)

        in_intake = _Command(home, "run", str(PERIOD))
        in_intake.until("2024Q3/")
        in_intake.kill()
        receipts = list(home.lake.glob("hospital/receipts/quarter=*/*.json"))
        assert 4 <= len(receipts) < 12
        for receipt in receipts:  # files with a receipt are complete
            assert (home.lake_hospital("discharges", receipt.parent.name[8:]) / f"{receipt.stem}.parquet").is_file()
        abandoned = home.lake_hospital("charges", "2024Q3") / ".210001.r1.parquet.1.tmp"
        abandoned.parent.mkdir(parents=True, exist_ok=True)
        abandoned.write_bytes(b"half a file")

        in_dbt = _Command(home, "run", str(PERIOD))
        in_dbt.until("building 2025H1: ")
        os.kill(in_dbt.pid, signal.SIGSTOP)  # it still appears to run
        in_use = rf"2025H1 is in use by another run: settling 2025H1, process {in_dbt.pid}"
        with pytest.raises(BusyError, match=in_use):
            settle(home, PERIOD)
        in_dbt.kill()
        assert not releases_of(home, PERIOD)

        in_release = _Command(home, "run", str(PERIOD), by_dbt=False)
        in_release.until("2025H1: writing the release")
        in_release.kill()
        assert not releases_of(home, PERIOD)

        with dg.DagsterInstance.from_config(str(home.dagster)) as instance:  # the next run closes the killed one
            assert instance.get_runs_count(_FAILED) == 2
            assert len([run for run in instance.get_runs() if not run.is_finished]) == 1

    def test_a_full_disk_of_releases_is_reported_and_nothing_is_released(self, home: Home) -> None:
        """The build that the killed run left is complete, and can be released."""
        with _full(home.releases):
            with pytest.raises(HcipError, match="the disk is full") as raised:
                materialize_release(home)
            _assert_nothing_was_released(home, raised.value)
        with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
            full, killed = instance.get_runs(limit=2)
            assert full.status is killed.status is dg.DagsterRunStatus.FAILURE

    @pytest.mark.parametrize("name", ["warehouse", "dagster"])
    def test_a_full_disk_is_reported_and_nothing_is_released(self, home: Home, name: str) -> None:
        with _full(home.root / name):
            with pytest.raises(HcipError, match="the disk is full") as raised:
                settle(home, PERIOD)
            _assert_nothing_was_released(home, raised.value)

    @pytest.mark.parametrize("name", ["lake", "releases"])
    def test_a_read_only_folder_is_reported(self, home: Home, name: str) -> None:
        folder = home.root / name
        folder.mkdir(exist_ok=True)
        with _mounted(folder, "-o", "bind,ro", str(folder)):
            with pytest.raises(HcipError, match="read-only") as raised:
                settle(home, PERIOD)
            assert raised.value.rule == "READ-ONLY"
        assert not releases_of(home, PERIOD)

    def test_a_locked_warehouse_is_reported(self, home: Home) -> None:
        file = home.warehouse / str(PERIOD) / FILE_NAME
        file.parent.mkdir(parents=True, exist_ok=True)
        script = f"import duckdb; c = duckdb.connect({str(file)!r}); print('open', flush=True); input()"
        with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as reader:
            assert reader.stdout is not None and reader.stdout.readline() == b"open\n"
            with pytest.raises(HcipError, match="the warehouse file is in use") as raised:
                settle(home, PERIOD)
            assert raised.value.file == str(file)
            reader.kill()
        assert not releases_of(home, PERIOD)

    def test_a_later_settlement_is_complete_after_all_these_faults(self, settled_home: SettledHome, home: Home) -> None:
        release = settle(home, PERIOD)
        assert release.is_new and digest(release.folder) == digest(settled_home.release.folder)
        assert not half_written(home)
        with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
            assert all(run.is_finished for run in instance.get_runs())


def test_a_full_disk_in_intake_leaves_what_was_ingested(editable_home: Home) -> None:
    home = editable_home
    shutil.rmtree(home.lake)
    with _mounted(home.lake, "-t", "tmpfs", "-o", "size=160k", "tmpfs"):
        problems = ingest(home, [f"2024Q{number}" for number in range(1, 5)]).problems
        assert "DISK-FULL" in {error.rule for error in problems.values()}
        for receipt in home.lake.glob("hospital/receipts/quarter=*/*.json"):
            for table in ("discharges", "charges"):
                path = home.lake_hospital(table, receipt.parent.name[8:]) / f"{receipt.stem}.parquet"
                assert path.read_bytes()[-4:] == b"PAR1"
    report = ingest(home, ["2024Q1"])
    assert [receipt.status for receipt in report.submissions["2024Q1"]] == ["accepted"] * 2


def test_an_unattended_run_retries_when_another_is_in_its_way(editable_home: Home) -> None:
    home = editable_home
    from hcip_pipeline.assets.assembly import build_defs

    definitions = build_defs(resources={"home": HomeResource(path=str(home.root))})
    with HomeLocks() as locks:
        locks.take(home, "2025Q1", "taking in 2025Q1")

        def end_the_other(context: dg.HookContext) -> None:
            locks.let_go()

        result = None
        with dg.DagsterInstance.ephemeral() as instance:
            job = definitions.resolve_job_def("hospital_intake")
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("hcip_pipeline.assets.partition_work._SECONDS", 0)
                patch.setattr("hcip_pipeline.home.locks._holder", lambda _path: locks.let_go() or "the other")
                result = job.execute_in_process(instance=instance, partition_key="2025Q1", raise_on_error=False)
            retries = [event for event in result.all_events if event.is_step_up_for_retry]
        assert result.success and len(retries) == 1

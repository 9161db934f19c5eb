"""What goes wrong on real machines: killed processes, full and read-only disks, damaged files, two runs at once.

Each time: nothing is lost, nothing is half published, the message states what to do, and the next run heals.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest

from hcip_pipeline.assets.execution import ingest, settle
from hcip_pipeline.assets.resources import HomeResource
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home import Home
from hcip_pipeline.home_locks import BusyError, HomeLocks
from hcip_pipeline.publishing.writer import releases_of
from hcip_pipeline.warehouse.build import FILE_NAME
from tests.settled_home import PERIOD, SettledHome, digest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def settled(settled_home: SettledHome) -> SettledHome:
    return settled_home


@pytest.fixture
def home(settled: SettledHome, tmp_path: Path) -> Home:
    """The settled home's inbox and lake, not yet released."""
    return settled.copy(tmp_path / "home")


def _start(home: Home, *arguments: str) -> subprocess.Popen[str]:
    """``hcip`` in a process of its own; what it states comes line by line."""
    command = [sys.executable, "-c", "from hcip_pipeline.cli import main; main()", *arguments, "--home", str(home.root)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)


def _until(process: subprocess.Popen[str], said: str) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if said in line:
            return
    raise AssertionError(f"it ended without saying '{said}'")


def _kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert process.stderr is not None
    process.stderr.close()


def _half_written(home: Home) -> list[Path]:
    hidden = [path for folder in (home.lake, home.releases) for path in folder.rglob(".*")]
    return [path for path in hidden if path.name != ".writing"]  # a lock is whole, whoever holds it


def test_a_killed_run_loses_nothing_and_the_next_one_heals(settled: SettledHome, home: Home) -> None:
    shutil.rmtree(home.lake)

    in_intake = _start(home, "run", str(PERIOD))
    _until(in_intake, "2024Q3/")
    _kill(in_intake)
    receipts = list(home.lake.glob("hospital/receipts/quarter=*/*.json"))
    assert 4 <= len(receipts) < 12
    for receipt in receipts:  # what has a receipt is there, whole
        assert (home.lake_hospital("discharges", receipt.parent.name[8:]) / f"{receipt.stem}.parquet").is_file()
    abandoned = home.lake_hospital("charges", "2024Q3") / ".210001.r1.parquet.1.tmp"
    abandoned.parent.mkdir(parents=True, exist_ok=True)
    abandoned.write_bytes(b"half a file")

    in_dbt = _start(home, "run", str(PERIOD))
    _until(in_dbt, "building 2025H1: ")
    os.kill(in_dbt.pid, signal.SIGSTOP)  # it still runs, as far as anybody can see
    with pytest.raises(BusyError, match=rf"2025H1 is in use by another run: settling 2025H1, process {in_dbt.pid}"):
        settle(home, PERIOD)
    _kill(in_dbt)
    assert not releases_of(home, PERIOD)

    in_release = _start(home, "run", str(PERIOD))
    _until(in_release, "2025H1: writing the release")
    _kill(in_release)
    assert not releases_of(home, PERIOD)

    release = settle(home, PERIOD)
    assert release.is_new and digest(release.folder) == digest(settled.release.folder)
    assert not _half_written(home)
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        assert all(run.is_finished for run in instance.get_runs())
        assert instance.get_runs_count(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE])) == 3


@contextmanager
def _mounted(folder: Path, *arguments: str) -> Iterator[None]:
    """Something mounted over a folder; skips where that takes more rights than the tests have."""
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["mount", *arguments, str(folder)], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"mounting takes root: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize("name", ["warehouse", "releases", "dagster"])
def test_a_full_disk_is_reported_and_nothing_is_released(settled: SettledHome, home: Home, name: str) -> None:
    with _mounted(home.root / name, "-t", "tmpfs", "-o", "size=96k", "tmpfs"):
        with pytest.raises(HcipError, match="the disk is full") as raised:
            settle(home, PERIOD)
        assert raised.value.rule == "DISK-FULL" and "free disk space" in raised.value.fix
        assert not releases_of(home, PERIOD)
        assert not _half_written(home)
        assert not [path for path in home.releases.rglob("*") if path.is_file() and path.name != ".writing"]
    release = settle(home, PERIOD)
    assert digest(release.folder) == digest(settled.release.folder)


def test_a_full_disk_in_intake_leaves_what_was_ingested(home: Home) -> None:
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


@pytest.mark.parametrize("name", ["lake", "releases"])
def test_a_read_only_folder_is_reported(home: Home, name: str) -> None:
    folder = home.root / name
    folder.mkdir(exist_ok=True)
    with _mounted(folder, "-o", "bind,ro", str(folder)):
        with pytest.raises(HcipError, match="read-only") as raised:
            settle(home, PERIOD)
        assert raised.value.rule == "READ-ONLY"
    assert not releases_of(home, PERIOD)


def test_a_locked_warehouse_is_reported_and_does_no_harm_afterwards(settled: SettledHome, home: Home) -> None:
    file = home.warehouse / str(PERIOD) / FILE_NAME
    file.parent.mkdir(parents=True)
    script = f"import duckdb; c = duckdb.connect({str(file)!r}); print('open', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as reader:
        assert reader.stdout is not None and reader.stdout.readline() == b"open\n"
        with pytest.raises(HcipError, match="the warehouse file is in use") as raised:
            settle(home, PERIOD)
        assert raised.value.file == str(file)
        reader.kill()
    assert digest(settle(home, PERIOD).folder) == digest(settled.release.folder)


def _damage(path: Path) -> None:
    """One bit of the data changes, and the file is as long as before."""
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.unlink()
    path.write_bytes(content)


@pytest.mark.parametrize("sealed", [True, False], ids=["one bit changed", "cut off, taken in before seals"])
def test_a_damaged_file_of_the_lake_is_named_and_ingested_again(settled: SettledHome, home: Home, sealed: bool) -> None:
    path = sorted(home.lake_hospital("charges", "2025Q1").glob("*.parquet"))[0]
    if sealed:
        _damage(path)
    else:
        shutil.rmtree(home.lake / "seals")
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content[: len(content) // 2])
    with pytest.raises(HcipError) as raised:
        settle(home, PERIOD)
    assert raised.value.rule == "LAKE-DAMAGED"
    assert f"hospital/charges/quarter=2025Q1/{path.name}" in raised.value.message
    assert not releases_of(home, PERIOD)
    release = settle(home, PERIOD)
    assert digest(release.folder) == digest(settled.release.folder)


def test_a_damaged_norm_table_is_never_made_again_unasked(home: Home) -> None:
    path = next(home.lake.glob("norms/*/frozen_norms.parquet"))
    _damage(path)
    for _ in range(2):
        with pytest.raises(HcipError, match=r"frozen_norms\.parquet is not what was ingested") as raised:
            settle(home, PERIOD)
        assert "backup" in raised.value.fix
    assert path.exists()


def test_a_run_that_no_one_waits_for_comes_again_when_another_is_in_its_way(home: Home) -> None:
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
                patch.setattr("hcip_pipeline.home_locks._holder", lambda _path: locks.let_go() or "the other")
                result = job.execute_in_process(instance=instance, partition_key="2025Q1", raise_on_error=False)
            retries = [event for event in result.all_events if event.is_step_up_for_retry]
        assert result.success and len(retries) == 1

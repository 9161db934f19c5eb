"""Dagster's history on Postgres, with exactly the dagster.yaml in docs/deployment.md."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from hcip_pipeline.assets.execution import ingest
from hcip_pipeline.home.folders import Home
from hcip_pipeline.periods import Quarter
from hcip_pipeline.synthetic import StateArguments, generate_state

pytestmark = pytest.mark.slow

_DEPLOYMENT = Path(__file__).parents[2] / "docs" / "deployment.md"


def _programs() -> Path | None:
    """Debian's Postgres, newest first."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[4]))
    return found[-1].parent if found else None


def _free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A Postgres server in a temporary folder, on loopback; as the user ``postgres`` if the tests run as root."""
    programs = _programs()
    if programs is None:
        if os.environ.get("CI"):
            pytest.fail("Postgres is not installed: .ci/run installs it")
        pytest.skip("Postgres is not installed (Debian: apt-get install postgresql)")
    folder = Path("/tmp") / f"hcip_pg_{os.getpid()}"  # short: a socket's path may have a hundred characters
    folder.mkdir(mode=0o777)
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if as_user:
        shutil.chown(folder, "postgres")

    def run(*command: str) -> None:
        done = subprocess.run([*as_user, *command], capture_output=True, text=True, cwd="/")
        assert done.returncode == 0, done.stderr

    data, log = str(folder / "data"), str(folder / "log")
    port = _free_port()
    options = f"-k {folder} -p {port} -c listen_addresses=127.0.0.1 -c fsync=off"
    try:
        run(str(programs / "initdb"), "-D", data, "-U", "dagster", "--auth=trust", "--no-sync")
        run(str(programs / "pg_ctl"), "-D", data, "-o", options, "-l", log, "-w", "start")
        yield {
            "DAGSTER_PG_HOST": "127.0.0.1",
            "DAGSTER_PG_PORT": port,
            "DAGSTER_PG_USERNAME": "dagster",
            "DAGSTER_PG_PASSWORD": "not-asked-for",
            "DAGSTER_PG_DB": "postgres",
        }
    finally:
        subprocess.run([*as_user, str(programs / "pg_ctl"), "-D", data, "-m", "immediate", "stop"], cwd="/")
        shutil.rmtree(folder, ignore_errors=True)


def test_runs_by_hand_are_in_the_history_that_the_documented_file_names(
    database: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path / "home")
    quarter = Quarter(2025, 1)
    generate_state(
        home.inbox, StateArguments(hospitals=2, discharges_per_year=600, start=quarter, end=quarter, seed=1, cms=False)
    )
    example = re.search(r"<!-- tested: dagster\.yaml -->\n```yaml\n(.*?)```", _DEPLOYMENT.read_text(), re.DOTALL)
    assert example is not None
    home.dagster.mkdir()
    (home.dagster / "dagster.yaml").write_text(example[1], encoding="utf-8")
    for name, value in database.items():
        monkeypatch.setenv(name, value)

    report = ingest(home, ["2025Q1"])
    assert [receipt.status for receipt in report.submissions["2025Q1"]] == ["accepted"] * 2
    assert not list(home.dagster.rglob("*.db"))
    programs = _programs()
    assert programs is not None
    command = [
        str(programs / "psql"),
        "-h",
        "127.0.0.1",
        "-p",
        database["DAGSTER_PG_PORT"],
        "-U",
        "dagster",
        "postgres",
    ]
    query = "select status, count(*) from runs group by status"
    found = subprocess.run([*command, "-d", "postgres", "-Atc", query], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["SUCCESS|1"]
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        assert instance.get_materialized_partitions(dg.AssetKey("submissions")) == {"2025Q1"}

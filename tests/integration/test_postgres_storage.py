"""Dagster's history on Postgres, with the very dagster.yaml that docs/deployment.md gives."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from hcip_pipeline.assets.execution import ingest
from tests.settled_home import SettledHome

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dagster_home")]

_DEPLOYMENT = Path(__file__).parents[2] / "docs" / "deployment.md"
_PORT = "54327"  # names the socket; nothing listens on the network


def _programs() -> Path | None:
    """Debian's Postgres, newest first."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[4]))
    return found[-1].parent if found else None


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A Postgres of its own on a socket in a temporary folder; as the user ``postgres`` where the tests are root's."""
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
    options = f"-k {folder} -p {_PORT} -c listen_addresses= -c fsync=off"
    try:
        run(str(programs / "initdb"), "-D", data, "-U", "dagster", "--auth=trust", "--no-sync")
        run(str(programs / "pg_ctl"), "-D", data, "-o", options, "-l", log, "-w", "start")
        yield {
            "DAGSTER_PG_HOST": str(folder),
            "DAGSTER_PG_PORT": _PORT,
            "DAGSTER_PG_USERNAME": "dagster",
            "DAGSTER_PG_PASSWORD": "not asked for on a socket",
            "DAGSTER_PG_DB": "postgres",
        }
    finally:
        subprocess.run([*as_user, str(programs / "pg_ctl"), "-D", data, "-m", "immediate", "stop"], cwd="/")
        shutil.rmtree(folder, ignore_errors=True)


def test_runs_by_hand_stand_in_the_history_that_the_documented_file_names(
    database: dict[str, str], settled_home: SettledHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = settled_home.copy(tmp_path / "home", "inbox")
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
    command = [str(programs / "psql"), "-h", database["DAGSTER_PG_HOST"], "-p", _PORT, "-U", "dagster", "postgres"]
    query = "select status, count(*) from runs group by status"
    found = subprocess.run([*command, "-Atc", query], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["SUCCESS|1"]
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        assert instance.get_materialized_partitions(dg.AssetKey("hospital_submissions")) == {"2025Q1"}

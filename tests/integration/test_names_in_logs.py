"""An identifier in a file or folder name of the inbox appears in no output of a command and in no log of Dagster."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from hcip_pipeline import cli
from hcip_pipeline.home.folders import Home
from tests.settled_home import SettledHome

pytestmark = pytest.mark.slow

ID = "1EG4-TE5-MK73"
NAMES = (
    f"hospital/2025Q2/{ID}/discharges.csv",
    f"hospital/{ID}/discharges.csv",
    f"hospital/2025Q2/210001.r9/{ID}.xlsx",
    f"hospital/2025Q2/210001.r8/{ID}.txt",
    f"cms/2025-04/{ID}.txt",
    f"cms/{ID}/{ID}.txt",
    f"program/2025H1/{ID}.csv",
    f"program/{ID}/care_partners.csv",
    f"reference/{ID}.csv",
    f"protocols/{ID}/2025.yaml",
    f"protocols/210001/{ID}.yaml",
)


def test_an_identifier_in_a_name_is_in_no_log(settled_home: SettledHome, tmp_path: Path) -> None:
    home: Home = settled_home.copy(tmp_path / "home", has_history=True)
    for name in NAMES:
        (home.inbox / name).parent.mkdir(parents=True, exist_ok=True)
        (home.inbox / name).write_text("x")
    for command in (["status", "2025H1"], ["status", "--json"], ["ingest", "2025Q2", "2025-04", "2025H1"], ["ingest"]):
        done = CliRunner().invoke(cli.cli, [*command, "--home", str(home.root)])
        assert done.exit_code == int(command[0] == "ingest"), done.output
        assert done.output and ID not in done.output, command
    kept = [path for path in home.dagster.rglob("*") if path.is_file()]
    assert any(b"9AA9-AA9-AA99" in path.read_bytes() for path in kept), "names are logged by their shape"
    assert [path for path in kept if ID.encode() in path.read_bytes()] == []

"""Destruction and settlement exclude each other: two processes on one machine, and another machine's claim."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hcip_pipeline import cli
from hcip_pipeline.home.folders import Home
from hcip_pipeline.ledger.lines import NAME
from hcip_pipeline.operations import retention
from tests.settled_home import PERIOD, SettledHome

pytestmark = pytest.mark.slow

AS_OF = "2050-01-01"


@pytest.fixture
def home(settled_home: SettledHome, tmp_path: Path) -> Home:
    home = settled_home.copy(tmp_path / "home", "inbox", "lake", "releases")
    shutil.copy(settled_home.home.root / NAME, home.root / NAME)
    return home


def destroy(home: Home) -> None:
    cli.main(["retain", "--home", str(home.root), "--as-of", AS_OF, "--destroy", "--yes"])


def due(home: Home) -> int:
    return len(retention.what_is_due(home, 10, dt.date.fromisoformat(AS_OF)).due)


def test_a_settlement_of_another_process_stops_destroying(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    """On any half-year or quarter: the other process may be about to read files that would be destroyed."""
    files = due(home)
    assert files > 10
    script = (
        "import sys\nfrom pathlib import Path\nfrom hcip_pipeline.home.folders import Home\n"
        "from hcip_pipeline.home.locks import HomeLocks\n"
        "locks = HomeLocks()\nlocks.take(Home(Path(sys.argv[1])), sys.argv[2], 'settling', sys.argv[3])\n"
        "print('held', flush=True)\ninput()\n"
    )
    for name, mode in ((str(PERIOD), "alone"), ("2024Q2", "shared"), ("2024H1", "alone")):
        with subprocess.Popen(
            [sys.executable, "-c", script, str(home.root), name, mode], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as other:
            assert other.stdout is not None and other.stdout.readline() == b"held\n"
            with pytest.raises(SystemExit) as ended:
                destroy(home)
            assert ended.value.code == 1
            error = capsys.readouterr().err
            assert f"{name} is in use by another run: settling, process {other.pid}" in error
            assert due(home) == files
            other.kill()  # this releases its locks
    destroy(home)
    assert due(home) == 0


def test_a_claim_of_another_machine_stops_destroying(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    """On a file system whose locks do not reach other machines, only claims are visible."""
    files = due(home)
    claims = home.root / "locks" / "claims"
    claims.mkdir(parents=True)
    claim = claims / f"{PERIOD}--of-another.json"
    content = {"doing": "settling 2025H1", "mode": "alone", "process": 1, "host": "other", "machine": "another-kernel"}
    claim.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        destroy(home)
    assert ended.value.code == 1
    assert "settling 2025H1, process 1 on other" in capsys.readouterr().err
    assert due(home) == files and claim.is_file()
    claim.unlink()
    destroy(home)
    assert due(home) == 0

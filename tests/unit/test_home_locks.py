"""Locks of a home: between processes of one machine, and between machines that do not see each other's locks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hcip_pipeline.errors import HcipError
from hcip_pipeline.home import lock_claims
from hcip_pipeline.home.folders import Home
from hcip_pipeline.home.locks import BusyError, HomeLocks


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def no_common_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system on which no machine sees another's locks."""
    monkeypatch.setattr("hcip_pipeline.home.locks.fcntl.flock", lambda *_: None)


def _claims(home: Home) -> list[Path]:
    return sorted((home.root / "locks" / "claims").glob("*"))


def test_processes_of_one_machine_use_its_own_locks(home: Home) -> None:
    with HomeLocks() as first, HomeLocks() as second:
        first.take(home, "2025H1", "settling 2025H1")
        with pytest.raises(BusyError, match="settling 2025H1, process"):
            second.take(home, "2025H1", "destroying")
        first.take(home, "2025Q1", "reading", "shared")
        second.take(home, "2025Q1", "reading", "shared")
    assert _claims(home) == []


@pytest.mark.usefixtures("no_common_locks")
@pytest.mark.parametrize(("held", "wanted", "is_free"), [
    ("alone", "alone", False), ("alone", "shared", False), ("shared", "alone", False), ("shared", "shared", True),
])  # fmt: skip
def test_another_machine_is_refused_by_name(home: Home, held: str, wanted: str, is_free: bool) -> None:
    with HomeLocks(machine="a") as here, HomeLocks(machine="b") as there:
        here.take(home, "2025H1", "settling 2025H1", held)  # type: ignore[arg-type]
        if is_free:
            there.take(home, "2025H1", "reading", wanted)  # type: ignore[arg-type]
            return
        with pytest.raises(
            BusyError, match=rf"settling 2025H1, process {os.getpid()} on \S+, last seen 0 seconds ago"
        ) as busy:
            there.take(home, "2025H1", "reading", wanted)  # type: ignore[arg-type]
        assert "its claim expires in 120 seconds" in str(busy.value) and busy.value.exit_code == 1
        there.take(home, "2025H2", "settling 2025H2")
        here.drop(home, "2025H1")
        there.take(home, "2025H1", "settling 2025H1")
    assert _claims(home) == []


@pytest.mark.usefixtures("no_common_locks")
def test_the_claim_of_a_machine_that_is_gone_expires(home: Home) -> None:
    gone = HomeLocks(machine="a")
    gone.take(home, "2025H1", "settling 2025H1")
    (claim,) = _claims(home)
    old = claim.stat().st_mtime - lock_claims.STALE_SECONDS - 5
    os.utime(claim, (old, old))
    with HomeLocks(machine="b") as there:
        there.take(home, "2025H1", "settling 2025H1")
        assert claim not in _claims(home)
    gone.let_go()


@pytest.mark.usefixtures("no_common_locks")
def test_a_claim_is_touched_as_long_as_it_is_held(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock_claims, "_TOUCH_SECONDS", 0.01)
    with HomeLocks(machine="a") as here:
        here.take(home, "2025H1", "settling 2025H1")
        (claim,) = _claims(home)
        os.utime(claim, (1, 1))
        end = time.monotonic() + 10
        while claim.stat().st_mtime < 2 and time.monotonic() < end:
            time.sleep(0.01)
        assert claim.stat().st_mtime > 2


def test_claims_of_killed_processes_of_this_machine_are_removed(home: Home) -> None:
    body = "import os, sys; from pathlib import Path; from hcip_pipeline.home.folders import Home; "
    body += "from hcip_pipeline.home.locks import HomeLocks; "
    body += f"HomeLocks().take(Home(Path({str(home.root)!r})), '2025H1', 'x'); os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", body], check=False)
    assert len(_claims(home)) == 1
    with HomeLocks() as locks:
        locks.take(home, "2025H1", "settling 2025H1")
        assert len(_claims(home)) == 1
    assert _claims(home) == []


@pytest.mark.usefixtures("no_common_locks")
@pytest.mark.parametrize("content", ["", "{", "[]", json.dumps({"process": "x"})])
def test_a_damaged_claim_is_treated_as_another_machines(home: Home, content: str) -> None:
    folder = home.root / "locks" / "claims"
    folder.mkdir(parents=True)
    (folder / "2025H1--x.json").write_text(content)
    with HomeLocks() as locks, pytest.raises(BusyError):
        locks.take(home, "2025H1", "settling 2025H1")


def test_a_file_system_without_locks_is_reported(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("hcip_pipeline.home.locks.fcntl.flock", fail)
    with HomeLocks() as locks, pytest.raises(HcipError, match="does not support locks: Operation not supported"):
        locks.take(home, "2025H1", "settling 2025H1")

"""The databases of a home's history of runs: kept open while in use, and reported if they are damaged."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from hcip_pipeline.assets.instance import home_instance
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.ledger.history import check_history
from hcip_pipeline.ledger.lines import ledger_path


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home whose history was opened twice at the same time, with the database of one run."""
    home = Home(tmp_path_factory.mktemp("home"))
    ledger_path(home).touch()
    with home_instance(home) as outer, home_instance(home) as inner:
        outer.all_logs("a-run")
        assert not inner.get_runs()
        assert names(home, "*.db-wal") == ["history/runs.db-wal", "history/runs/index.db-wal"]
        check_history(home)
    return home


def names(home: Home, pattern: str) -> list[str]:
    return sorted(path.relative_to(home.dagster).as_posix() for path in home.dagster.rglob(pattern))


def test_databases_are_closed_with_the_history(used: Home) -> None:
    check_history(used)
    assert names(used, "*.db-*") == []


@pytest.mark.parametrize("name", ["history/runs.db", "history/runs/index.db", "history/runs/a-run.db"])
@pytest.mark.parametrize("content", [b"", bytes(4096), b"not a database" * 400], ids=["empty", "zeros", "text"])
def test_a_damaged_database_is_named(used: Home, monkeypatch: pytest.MonkeyPatch, name: str, content: bytes) -> None:
    monkeypatch.setattr("hcip_pipeline.ledger.history._WAIT_SECONDS", 0)
    file: Path = used.dagster / name
    whole = file.read_bytes()
    file.write_bytes(content)
    with pytest.raises(HcipError) as raised, home_instance(used):
        pass
    assert raised.value.rule == "HISTORY-DAMAGED" and raised.value.file == str(file)
    file.write_bytes(whole)
    assert check_history(used) == []


@pytest.mark.parametrize(
    ("status", "is_damage"),
    [
        (dg.DagsterRunStatus.NOT_STARTED, False),
        (dg.DagsterRunStatus.STARTED, True),
        (dg.DagsterRunStatus.FAILURE, True),
        (dg.DagsterRunStatus.SUCCESS, True),
    ],
)
def test_a_runs_empty_database_is_damage_unless_the_run_never_started(
    used: Home, status: dg.DagsterRunStatus, is_damage: bool
) -> None:
    with home_instance(used) as instance:
        run = dg.DagsterRun("a_job", status=status)
        instance.add_run(run)
    file = used.dagster / "history" / "runs" / f"{run.run_id}.db"
    file.touch()
    if is_damage:
        with pytest.raises(HcipError, match="emptied or is damaged"), home_instance(used):
            pass
    else:
        with home_instance(used) as instance:
            assert instance.all_logs(run.run_id) == []
    file.unlink()

"""A quarter accepted by several processes: the same lake as from a single process, even if one is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from hcip_pipeline import cli
from hcip_pipeline.background import BackgroundCall
from hcip_pipeline.home.folders import Home
from hcip_pipeline.home.locks import HomeLocks
from hcip_pipeline.intake.hospital.folders import Submission
from hcip_pipeline.intake.hospital.ingest import judged_path, receipts
from hcip_pipeline.intake.hospital.together import judge_free
from hcip_pipeline.periods import Quarter
from hcip_pipeline.policy.loader import load_policy
from hcip_pipeline.synthetic import StateArguments, generate_state
from tests.settled_home import linked_copy

QUARTER = Quarter(2025, 1)
_PATIENCE = 240


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A quarter of four hospitals; one sent a second version, and one a file that is refused."""
    place = tmp_path_factory.mktemp("state") / "inbox"
    generate_state(
        place, StateArguments(hospitals=4, discharges_per_year=800, start=QUARTER, end=QUARTER, seed=5, cms=False)
    )
    first, second, *_ = sorted((place / "hospital" / str(QUARTER)).iterdir())
    linked_copy(first, first.with_name(f"{first.name}.r2"))
    charges = second / "charges.csv"
    header = charges.read_text(encoding="utf-8").splitlines()[0]
    charges.unlink()
    charges.write_text(header + "\n", encoding="utf-8")
    return place


@pytest.fixture(scope="module")
def single_lake(inbox: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The lake made by a single process."""
    return _lake(_ingested(_home(inbox, tmp_path_factory.mktemp("alone"))))


def _home(inbox: Path, folder: Path) -> Home:
    linked_copy(inbox, folder / "inbox")
    return Home(folder)


def _ingested(home: Home, *options: str) -> Home:
    with pytest.raises(SystemExit) as ended:
        cli.main(["ingest", str(QUARTER), "--home", str(home.root), *options])
    assert ended.value.code == 1  # one is refused
    return home


def _lake(home: Home) -> dict[str, bytes]:
    return {str(path.relative_to(home.lake)): path.read_bytes() for path in home.lake.rglob("*") if path.is_file()}


def test_two_processes_that_share_a_quarter_make_the_same_lake_as_one(
    inbox: Path, single_lake: dict[str, bytes], tmp_path: Path
) -> None:
    home = _home(inbox, tmp_path)
    mine: list[str] = []
    other: list[subprocess.Popen[str]] = []
    with HomeLocks() as locks:

        @contextmanager
        def hold(submission: Submission) -> Iterator[bool]:
            """Hold the first submission until another process has judged all others."""
            if judged_path(home, QUARTER, submission.stem).exists():
                yield True
                return
            locks.take(home, f"{QUARTER}-{submission.stem}", "judging it in the test")
            command = [
                sys.executable,
                "-c",
                "from hcip_pipeline.cli import main; main()",
                "ingest",
                str(QUARTER),
                "--join",
            ]
            other.append(subprocess.Popen([*command, "--home", str(home.root)], stderr=subprocess.PIPE, text=True))
            _wait_until(lambda: len(list(judged_path(home, QUARTER, "").parent.glob("[!.]*.json"))) == 4)
            yield True
            locks.drop(home, f"{QUARTER}-{submission.stem}")

        locks.take(home, str(QUARTER), "judging it in the test", "shared")
        judge_free(home, QUARTER, load_policy(home.policy).policy, hold, mine.append)
    _, reported = other[0].communicate(timeout=_PATIENCE)
    assert other[0].returncode == 1
    judged = {line.partition("] ")[2] for line in reported.splitlines() if line.startswith("[")}
    assert len(mine) == 1 and mine[0] not in judged
    assert len({name for name in judged if name.startswith(f"{QUARTER}/")}) == 4
    assert _lake(home) == single_lake


def test_a_killed_process_has_its_submission_judged_by_another(
    inbox: Path, single_lake: dict[str, bytes], tmp_path: Path
) -> None:
    home = _home(inbox, tmp_path)
    with pytest.raises(Exception, match=r".+"), BackgroundCall(_judge_two_and_die, home) as dying:
        dying.result()
    assert len(list(judged_path(home, QUARTER, "").parent.glob("[!.]*.json"))) == 2
    assert not receipts(home, QUARTER), "no submission counts yet"
    assert _lake(_ingested(home, "--join")) == single_lake


def _judge_two_and_die(home: Home) -> None:
    begun: list[str] = []

    def die_at_the_third(submission: str) -> None:
        begun.append(submission)
        if len(begun) == 3:
            os.kill(os.getpid(), signal.SIGKILL)

    judge_free(home, QUARTER, load_policy(home.policy).policy, lambda _: nullcontext(True), die_at_the_third)


def test_a_verdict_on_files_that_were_changed_since_is_not_used(inbox: Path, tmp_path: Path) -> None:
    home = _home(inbox, tmp_path)
    judge_free(home, QUARTER, load_policy(home.policy).policy, lambda _: nullcontext(True))
    folder = sorted((home.inbox / "hospital" / str(QUARTER)).iterdir())[-1]
    discharges = folder / "discharges.csv"
    lines = discharges.read_text(encoding="utf-8").splitlines(keepends=True)
    discharges.unlink()
    discharges.write_text("".join(lines[:-1]), encoding="utf-8")
    (folder / "control_totals.json").unlink()
    _ingested(home)
    (receipt,) = (each for each in receipts(home, QUARTER) if each.ccn == folder.name)
    file = receipt.file("discharges")
    assert file is not None and int(file.rows.read) == len(lines) - 2


@pytest.mark.parametrize("partitions", [[], ["2025-04"], ["2025Q1", "2025H1"]])
def test_only_quarters_can_be_joined(partitions: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "inbox").mkdir()
    with pytest.raises(SystemExit) as ended:
        cli.main(["ingest", *partitions, "--join", "--home", str(tmp_path)])
    assert ended.value.code == 2
    assert "ingested by several processes together" in capsys.readouterr().err


def _wait_until(done: object) -> None:
    end = time.monotonic() + _PATIENCE
    while not done():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.1)

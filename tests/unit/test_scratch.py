"""Scratch folders: removed afterwards, or by the next process if their own was killed."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from hcip_pipeline.files.scratch import scratch_folder, sweep_scratch


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def test_a_folder_is_removed_afterwards_and_those_of_running_processes_stay(place: Path) -> None:
    with scratch_folder("parse") as first, scratch_folder("parse") as second:
        (first / "file").touch()
        assert first.is_dir() and second.is_dir() and first != second and sweep_scratch() == 0
    assert not list(place.iterdir())


def test_the_folder_of_a_killed_process_is_removed(place: Path) -> None:
    body = "import os; from hcip_pipeline.files.scratch import scratch_folder; "
    body += "f = scratch_folder('ui'); p = f.__enter__(); "
    body += "(p / 'file').touch(); os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", body], check=False)
    (left,) = place.iterdir()
    for other in ("hcip-ui", "hcip-ui-x-1-a", f"{left.name}.txt", f"x{left.name}"):
        (place / other).mkdir()
    (place / left.name.replace("ui", "link")).symlink_to(place / "hcip-ui")
    assert sweep_scratch() == 1 and not left.exists()
    assert len(list(place.iterdir())) == 5 and (place / "hcip-ui").is_dir()


def test_folders_in_another_place_are_removed_too(place: Path) -> None:
    body = "import os; from pathlib import Path; from hcip_pipeline.files.scratch import scratch_folder; "
    body += f"f = scratch_folder('bench', Path({str(place)!r})); f.__enter__(); os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", body], check=False, env={"TMPDIR": "/tmp"})
    assert len(list(place.iterdir())) == 1
    with scratch_folder("bench", place) as folder:
        assert list(place.iterdir()) == [folder]

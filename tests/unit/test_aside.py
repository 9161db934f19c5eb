"""A function in a process of its own: its result, its error, its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hcip_pipeline.aside import Aside
from hcip_pipeline.errors import HcipError


def _product(left: int, right: int) -> tuple[int, int]:
    print("what a function prints is not taken for its result")
    return left * right, os.getpid()


def _refuse() -> None:
    raise HcipError("no", fix="say yes", file="here.csv", row=7, rule="R-1")


class _StoppedError(HcipError):
    def __init__(self, at: str, message: str, rule: str) -> None:
        super().__init__(f"{message} at {at}", rule=rule)


def _stop() -> None:
    raise _StoppedError("norms", "the build stopped", "unique")


def _fault() -> None:
    raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad")


def _end_without_a_word() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _say_when_done(file: Path) -> None:
    file.with_suffix(".begun").touch()
    time.sleep(60)
    file.touch()


def test_the_result_comes_from_another_process() -> None:
    with Aside(_product, 6, 7) as aside:
        result, process = aside.result()
    assert result == 42 and process != os.getpid()


def test_an_error_for_the_reader_arrives_whole() -> None:
    with Aside(_refuse) as aside, pytest.raises(HcipError, match="no") as refused:
        aside.result()
    assert refused.value.as_dict() == {"error": "no", "file": "here.csv", "row": 7, "rule": "R-1", "fix": "say yes"}


def test_an_error_that_cannot_be_sent_says_the_same() -> None:
    with Aside(_stop) as aside, pytest.raises(HcipError, match="the build stopped at norms") as stopped:
        aside.result()
    assert stopped.value.rule == "unique"


def test_a_fault_of_the_program_keeps_its_kind() -> None:
    with Aside(_fault) as aside, pytest.raises(UnicodeDecodeError):
        aside.result()


def test_a_process_that_was_killed_is_told() -> None:
    with Aside(_end_without_a_word) as aside, pytest.raises(HcipError, match=r"end without a word.*SIGKILL"):
        aside.result()


def test_leaving_without_the_result_stops_it(tmp_path: Path) -> None:
    file = tmp_path / "done"
    with Aside(_say_when_done, file) as aside:
        while not file.with_suffix(".begun").exists():
            time.sleep(0.01)
        process = aside._process
    assert process.returncode == -signal.SIGTERM and not file.exists()


def test_a_script_without_a_guard_may_use_it(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from hcip_pipeline.aside import Aside\n"
        "from operator import add\n"
        "with Aside(add, 1, 2) as aside:\n    print(aside.result())\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert done.stdout == "3\n"

"""A call in a second process: its result, its error, its end."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from hcip_pipeline.background import BackgroundCall
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
    with BackgroundCall(_product, 6, 7) as call:
        result, process = call.result()
    assert result == 42 and process != os.getpid()


def test_an_hcip_error_keeps_its_parts() -> None:
    with BackgroundCall(_refuse) as call, pytest.raises(HcipError, match="no") as refused:
        call.result()
    assert refused.value.as_dict() == {"error": "no", "file": "here.csv", "row": 7, "rule": "R-1", "fix": "say yes"}


def test_an_error_that_cannot_be_pickled_keeps_its_text() -> None:
    with BackgroundCall(_stop) as call, pytest.raises(HcipError, match="the build stopped at norms") as stopped:
        call.result()
    assert stopped.value.rule == "unique"


def test_another_exception_keeps_its_type() -> None:
    with BackgroundCall(_fault) as call, pytest.raises(UnicodeDecodeError):
        call.result()


def test_a_killed_process_raises_an_error() -> None:
    with BackgroundCall(_end_without_a_word) as call, pytest.raises(HcipError, match=r"end without a word.*SIGKILL"):
        call.result()


@pytest.mark.parametrize("inherited", [signal.SIG_DFL, signal.SIG_IGN])
def test_leaving_the_block_without_the_result_terminates_the_process(
    tmp_path: Path, inherited: signal.Handlers
) -> None:
    file = tmp_path / "done"
    before = signal.signal(signal.SIGTERM, inherited)
    try:
        with BackgroundCall(_say_when_done, file) as call:
            while not file.with_suffix(".begun").exists():
                time.sleep(0.01)
            pid = call.pid
    finally:
        signal.signal(signal.SIGTERM, before)
    assert pid is not None and not file.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)

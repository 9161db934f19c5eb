"""A function at work in a process of its own, beside this one: two cores for what is Python and would use one.

Belongs here: starting it, its result, its error, its end. Does not belong here: what is worth a process.

A worker of `multiprocessing` runs the caller's own script again, which that script must be guarded against, and waits
forever once its parent was killed. This one does what it was started for and ends.
"""

from __future__ import annotations

import gc
import io
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Generic, TypeVar

from hcip_pipeline.errors import HcipError

T = TypeVar("T")


class Aside(Generic[T]):
    """``function(*arguments)``, begun at once. Leaving the ``with`` block before its result was taken stops it.

    Args:
        function: of a module, so that the other process finds it by its name.
        arguments: picklable, as the result must be.
    """

    def __init__(self, function: Callable[..., T], *arguments: Any) -> None:
        self._name = function.__name__.strip("_").replace("_", " ")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "hcip_pipeline.aside"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._process.stdin is not None
        with suppress(BrokenPipeError), self._process.stdin as task:  # one that has ended already: `result` says so
            pickle.dump((function, arguments), task)

    def __enter__(self) -> Aside[T]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._process.stdout is not None
        if self._process.poll() is None:
            self._process.terminate()
        self._process.stdout.close()
        self._process.wait()

    def result(self) -> T:
        """Wait for it.

        Raises:
            HcipError: the process ended without a word: it was killed, or memory ran out.
            Exception: what the function raised.
        """
        assert self._process.stdout is not None
        said = self._process.stdout.read()
        code = self._process.wait()
        if code or not said:
            how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            raise HcipError(
                f"the process for {self._name} ended without a result ({how})",
                fix="run it again; if it ends like that again, the machine is short of memory",
            )
        error, result = pickle.loads(said)
        if error is not None:
            raise error
        found: T = result
        return found


def collect_seldom() -> None:
    """A run makes millions of objects that stay: looking through them again and again is a tenth of it."""
    gc.set_threshold(50_000, 20, 20)


def _work() -> None:
    """Do the task on standard input; what the function prints does not mix with what is said of it."""
    with os.fdopen(os.dup(1), "wb") as told:
        os.dup2(2, 1)
        function, arguments = pickle.load(sys.stdin.buffer)
        try:
            said = pickle.dumps((None, function(*arguments)))
        except Exception as error:
            said = pickle.dumps((_travelling(error), None))
        told.write(said)


def _travelling(error: Exception) -> Exception:
    """The error, or one that says the same where it cannot be sent from process to process."""
    try:
        pickle.load(io.BytesIO(pickle.dumps(error)))
    except Exception:
        if isinstance(error, HcipError):
            return HcipError(error.message, fix=error.fix, file=error.file or None, row=error.row, rule=error.rule)
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


if __name__ == "__main__":
    collect_seldom()
    try:
        _work()
    except (KeyboardInterrupt, BrokenPipeError):  # nobody waits for the result any more
        os._exit(130)

"""Calling a function in a second process, so that pure Python work can use a second core.

The callers decide what is worth a second process.
"""

from __future__ import annotations

import gc
import multiprocessing
import pickle
import signal
import sys
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Generic, TypeVar

from hcip_pipeline.errors import HcipError

T = TypeVar("T")

#: how long a terminated process may take to end before it is killed
_SECONDS_TO_END = 15


class BackgroundCall(Generic[T]):
    """A call of ``function(*arguments)`` in a new process, started at once.

    A context manager: leaving the ``with`` block before taking the result terminates the process. If the parent is
    killed, the process finishes its call and ends.

    Args:
        function: importable from its module, as pickling requires.
        arguments: picklable, as the result must be.
    """

    def __init__(self, function: Callable[..., T], *arguments: Any) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._name = function.__name__.strip("_").replace("_", " ")
        self._receiver, sender = spawn.Pipe(duplex=False)
        self._process = spawn.Process(target=_call, args=(sender, function, arguments), daemon=True)
        self._process.start()
        sender.close()

    def __enter__(self) -> BackgroundCall[T]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._process.is_alive():
            self._process.terminate()
        self._receiver.close()
        self._process.join(_SECONDS_TO_END)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    @property
    def pid(self) -> int | None:
        """The process id."""
        return self._process.pid

    def result(self) -> T:
        """Wait for the call and return its result.

        Raises:
            HcipError: the process was killed or ran out of memory.
            Exception: raised by the function.
        """
        try:
            error, result = self._receiver.recv()
        except EOFError:
            self._process.join()
            code = self._process.exitcode or 0
            reason = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            raise HcipError(
                f"the process for {self._name} ended without a result ({reason})",
                fix="run the command again; if it fails the same way, the machine is short of memory",
            ) from None
        if error is not None:
            raise error
        found: T = result
        return found


def relax_gc() -> None:
    """Raise the GC thresholds: a run keeps millions of long-lived objects, and scanning them took 10% of its time."""
    gc.set_threshold(50_000, 20, 20)


def _call(sender: Connection, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    """Run in the new process; standard output is reserved for the parent's results, so prints go to standard error."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # ignored signals are inherited
    relax_gc()
    outcome: tuple[Exception | None, Any]
    with suppress(KeyboardInterrupt, BrokenPipeError), sender, redirect_stdout(sys.stderr):
        try:
            outcome = (None, function(*arguments))
        except Exception as error:
            outcome = (_picklable(error), None)
        sender.send(outcome)


def _picklable(error: Exception) -> Exception:
    """The error itself if it survives pickling, else one with the same text."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        if isinstance(error, HcipError):
            return HcipError(error.message, fix=error.fix, file=error.file or None, row=error.row, rule=error.rule)
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error

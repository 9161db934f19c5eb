"""Runs one command, and ends it with everything it started when the parent process is gone.

Run as ``python -m hcip_pipeline.operations.supervised FOLDER COMMAND…`` with a pipe as standard input. The system
closes the pipe when its other end dies, even by SIGKILL. The command's process group then gets SIGTERM and, after a
grace period, SIGKILL, and FOLDER, which the processes shared, is removed. Imports only modules that load fast.

Belongs here: the link between the two processes. Does not belong here: what is started (``interface``).
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import time

GRACE_SECONDS = 15
_LOOK_AGAIN_SECONDS = 0.2


def command_line(folder: str, *command: str) -> list[str]:
    """The supervised form of a command. The caller starts it in its own session and keeps its standard input open."""
    return [sys.executable, "-m", "hcip_pipeline.operations.supervised", folder, *command]


def run(folder: str, command: list[str]) -> int:
    """Run the command. Returns its exit code, or 1 if it had to be ended."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # These are for the command, which is in the same group. A handler, unlike SIG_IGN, is not inherited.
        signal.signal(number, lambda _number, _frame: None)
    # close_fds: pass on what this process inherited (a listening socket).
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, close_fds=False) as process:
        while (code := process.poll()) is None:
            ready, _, _ = select.select([sys.stdin.fileno()], [], [], _LOOK_AGAIN_SECONDS)
            if ready and not os.read(sys.stdin.fileno(), 1):
                _end_group(process, folder)
                return 1
    return code


def _end_group(process: subprocess.Popen[bytes], folder: str) -> None:
    group = os.getpgrp()
    os.killpg(group, signal.SIGTERM)
    end = time.monotonic() + GRACE_SECONDS
    while process.poll() is None and time.monotonic() < end:
        time.sleep(_LOOK_AGAIN_SECONDS)
    shutil.rmtree(folder, ignore_errors=True)
    os.killpg(group, signal.SIGKILL)  # the rest of the group, including this process


if __name__ == "__main__":
    sys.exit(run(sys.argv[1], sys.argv[2:]))

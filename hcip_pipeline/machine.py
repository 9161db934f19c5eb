"""The identity of this machine, and which of its processes are running."""

from __future__ import annotations

import os
import socket
import uuid
from functools import cache
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")


@cache
def this_machine() -> str:
    """An id of the running kernel: all its processes share its locks, even from containers with other host names."""
    try:
        return _BOOT.read_text(encoding="ascii").strip()
    except OSError:
        return f"{socket.gethostname()}-{uuid.getnode():x}"


def is_running(process: int) -> bool:
    """Whether a process of this machine is running, whoever owns it."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True

"""Scratch folders of a process, and the removal of those that killed processes left behind.

A killed process cannot remove its folder. The name of each folder identifies its process, so that the next one can.

Belongs here: folders below the system's temporary folder, or another one. Does not belong here: temporary files next to
their destination in a home, which are removed under the lock of their partition (``home.lake_seals.sweep``).
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from hcip_pipeline.machine import is_running, this_machine

_NAME = re.compile(r"hcip-[a-z]+-(\w+)-([0-9]+)-\w+")


@contextmanager
def scratch_folder(purpose: str, place: Path | None = None) -> Iterator[Path]:
    """A folder that is removed afterwards; if the process is killed, the next process removes it.

    Args:
        purpose: one lowercase word.
        place: the folder to create it in; by default the system's temporary folder.
    """
    sweep_scratch(place)
    prefix = f"hcip-{purpose}-{_pid_namespace()}-{os.getpid()}-"
    with tempfile.TemporaryDirectory(prefix=prefix, dir=place, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def sweep_scratch(place: Path | None = None) -> int:
    """Remove the folders that this user's processes left behind when they were killed; returns how many."""
    swept = 0
    for path in (place or Path(tempfile.gettempdir())).glob("hcip-*-*-*-*"):
        name = _NAME.fullmatch(path.name)
        with suppress(OSError):
            if name and name[1] == _pid_namespace() and not is_running(int(name[2])):
                is_own = path.lstat().st_uid == os.getuid() and path.is_dir() and not path.is_symlink()
                if is_own:
                    shutil.rmtree(path, ignore_errors=True)
                    swept += 1
    return swept


@cache
def _pid_namespace() -> str:
    """An id of the PID namespace: containers and machines may share a folder without sharing process ids."""
    try:
        namespace = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        namespace = ""
    return hashlib.sha256(f"{this_machine()} {namespace}".encode()).hexdigest()[:12]

"""Folders for what a process needs only while it runs, and what becomes of those that a killed process left.

A process that is killed cannot remove its folder. The name of each states whose it is, so that the next one sweeps it.

Belongs here: folders below the system's temporary folder, or another. Does not belong here: what is written next to its
place in a home, which is swept under the lock of its partition (``home.lake_seals.sweep``).
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
    """A folder that is gone afterwards, also when the process is killed: then the next process sweeps it.

    Args:
        purpose: one word of small letters.
        place: the folder to make it in; by default the system's temporary folder.
    """
    sweep_scratch(place)
    prefix = f"hcip-{purpose}-{_process_space()}-{os.getpid()}-"
    with tempfile.TemporaryDirectory(prefix=prefix, dir=place, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def sweep_scratch(place: Path | None = None) -> int:
    """Remove the folders of this account's processes that are gone; returns how many."""
    swept = 0
    for path in (place or Path(tempfile.gettempdir())).glob("hcip-*-*-*-*"):
        name = _NAME.fullmatch(path.name)
        with suppress(OSError):
            if name and name[1] == _process_space() and not is_running(int(name[2])):
                is_own = path.lstat().st_uid == os.getuid() and path.is_dir() and not path.is_symlink()
                if is_own:
                    shutil.rmtree(path, ignore_errors=True)
                    swept += 1
    return swept


@cache
def _process_space() -> str:
    """Where process numbers are counted: containers and machines may share a folder, and not their numbers."""
    try:
        numbers = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        numbers = ""
    return hashlib.sha256(f"{this_machine()} {numbers}".encode()).hexdigest()[:12]

"""Building a state once for all workers of a test session.

Belongs here: the lock, and the folder of such states. Does not belong here: any state.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from pathlib import Path

import pytest


def built_once(factory: pytest.TempPathFactory, worker_id: str, name: str, build: Callable[[Path], None]) -> Path:
    """The folder ``name`` of this test session, filled by ``build`` in the first worker that needs it; others wait.

    A failed build leaves nothing behind, so that each worker shows its own error.
    """
    base = factory.getbasetemp()
    root = base if worker_id == "master" else base.parent  # each worker has its own folder in the session's
    folder, done = root / name, root / f"{name}.done"
    with (root / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            folder.mkdir()
            try:
                build(folder)
            except BaseException:
                folder.rename(root / f"{name}.failed-{worker_id}")
                raise
            done.touch()
    return folder

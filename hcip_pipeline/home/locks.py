"""Locks of a home: one per partition, so that no two runs work on the same period at once.

Belongs here: taking, sharing and releasing locks, and reporting who holds one. Does not belong here: which locks a
piece of work needs (``assets``).

A lock is the operating system's (``flock``) on a file below ``locks/``: it disappears with its process, however that
ended, so no lock is ever stale or has to be removed. On a shared file system whose locks do not reach other machines,
claims (``lock_claims``) stop those.
"""

from __future__ import annotations

import fcntl
import json
import os
import random
import socket
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Literal

from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home, not_writable
from hcip_pipeline.home.lock_claims import LockClaims
from hcip_pipeline.machine import this_machine

Mode = Literal["alone", "shared"]

_OPERATION = {"alone": fcntl.LOCK_EX, "shared": fcntl.LOCK_SH}
_LOOK_AGAIN_SECONDS = 0.2


class BusyError(HcipError):
    """Another run works on the same thing; the same call succeeds once that run has ended."""


class HomeLocks:
    """The locks that one run holds; all are released when it ends.

    Args:
        notify: called with a sentence if the run must wait for a lock.
        machine: the id of this machine; by default, from the system.
    """

    def __init__(self, notify: Callable[[str], None] = lambda _: None, machine: str | None = None) -> None:
        self._notify = notify
        self._held: dict[tuple[Path, Mode], tuple[IO[str], Path | None]] = {}
        self._claims = LockClaims(machine or this_machine())

    def __enter__(self) -> HomeLocks:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.let_go()

    def take(self, home: Home, name: str, doing: str, mode: Mode = "alone", *, wait: bool = False) -> None:
        """Take the lock ``name``, unless this run already has it.

        Args:
            name: the partition: ``2025H1``, ``2025Q1``, ``reference``, ….
            doing: a description of the work for others who wait for the lock: "settling 2025H1".
            mode: ``alone`` to change the partition, ``shared`` to read it while it must not change.
            wait: wait until the lock is free; otherwise a lock that is held is an error at once.

        Raises:
            BusyError: another run holds it; the message names it.
            HcipError: the home cannot be written.
        """
        path = home.root / "locks" / f"{name}.lock"
        if (path, mode) in self._held:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = path.open("a+", encoding="utf-8")
        except OSError as error:
            raise not_writable(path.parent, error) from error
        waited = False
        while True:
            try:
                fcntl.flock(file, _OPERATION[mode] | fcntl.LOCK_NB)
            except BlockingIOError:
                claim, holder = None, _holder(path)
            except OSError as error:
                file.close()
                raise HcipError(
                    f"the file system of the home does not support locks: {error.strerror}",
                    file=path.parent,
                    fix="keep the home on a local disk, or on NFS version 4",
                ) from error
            else:
                claim, holder = self._claims.claim(path.parent / "claims", name, mode, doing)
                if not holder:
                    break
                fcntl.flock(file, fcntl.LOCK_UN)
            if not wait:
                file.close()
                raise BusyError(
                    f"{name} is in use by another run: {holder}",
                    file=home.root,
                    rule="IN-USE",
                    fix="wait for it to end, or stop it, and run this again; nothing was changed",
                )
            if not waited:
                self._notify(f"{name}: waiting for another run ({holder})")
                waited = True
            time.sleep(_LOOK_AGAIN_SECONDS * (1 + random.random()))  # random, so that two runs do not collide again
        with suppress(OSError):  # a full disk: the lock is valid anyway, but its holder is unknown
            file.seek(0)
            file.truncate()
            file.write(json.dumps({"doing": doing, "process": os.getpid(), "machine": socket.gethostname()}))
            file.flush()
        self._held[(path, mode)] = (file, claim)

    def drop(self, home: Home, name: str) -> None:
        """Release one lock before the run ends."""
        for path, mode in list(self._held):
            if path == home.root / "locks" / f"{name}.lock":
                self._release(path, mode)

    def let_go(self, *, but: Collection[str] = ()) -> None:
        """Release all locks except those in ``but``."""
        for path, mode in list(self._held):
            if path.stem not in but:
                self._release(path, mode)

    def _release(self, path: Path, mode: Mode) -> None:
        file, claim = self._held.pop((path, mode))
        self._claims.withdraw(claim)
        file.close()


def _holder(path: Path) -> str:
    """Who holds a lock, according to its file."""
    try:
        stated = json.loads(path.read_text(encoding="utf-8"))
        return f"{stated['doing']}, process {stated['process']} on {stated['machine']}"
    except (OSError, ValueError, KeyError):
        return "unknown"

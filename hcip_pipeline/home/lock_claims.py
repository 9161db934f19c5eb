"""Claims: files that show who holds a lock, for file systems whose locks do not reach other machines.

The operating system's lock (``locks``) decides between processes of one machine; on some shared file systems, other
machines do not see it. So a process that holds a lock also leaves a file below ``locks/claims/`` and touches it as long
as it runs; while another machine's claim is touched, the lock is refused. A claim that was not touched for
`STALE_SECONDS` has expired: its machine is gone. Times are the file system's, because the clocks of two machines
differ.

Belongs here: writing, touching and comparing claims. Does not belong here: the lock itself (``locks``).
"""

from __future__ import annotations

import json
import os
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from hcip_pipeline.machine import is_running, this_machine

STALE_SECONDS = 120.0
_TOUCH_SECONDS = 15.0


@dataclass
class LockClaims:
    """The claims of one run; a thread touches them until the last one is withdrawn."""

    machine: str = field(default_factory=this_machine)
    _own: set[Path] = field(default_factory=set)
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _ended: threading.Event = field(default_factory=threading.Event)

    def claim(self, folder: Path, name: str, mode: str, doing: str) -> tuple[Path | None, str]:
        """Claim a lock that this machine has already granted.

        Returns:
            The claim, and who on another machine holds the lock; one of the two is empty. Both are empty if the claim
            cannot be written (a full disk): this machine's lock is valid anyway.
        """
        own = folder / f"{name}--{uuid.uuid4().hex}.json"
        content = {
            "doing": doing, "mode": mode, "process": os.getpid(), "host": socket.gethostname(), "machine": self.machine,
        }  # fmt: skip
        written = own.with_suffix(".new")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            written.write_text(json.dumps(content), encoding="utf-8")
            written.replace(own)
        except OSError:
            with suppress(OSError):
                written.unlink(missing_ok=True)
            return None, ""
        for other, stated, age in self._others(folder, name, own):
            if stated.get("machine") == self.machine:
                if not _is_alive(stated.get("process")):
                    other.unlink(missing_ok=True)  # left by a process that was killed
            elif "alone" in (mode, stated.get("mode")):
                if age <= STALE_SECONDS:
                    own.unlink(missing_ok=True)
                    wait = STALE_SECONDS - age
                    return None, (
                        f"{stated.get('doing')}, process {stated.get('process')} on {stated.get('host')}, "
                        f"last seen {age:.0f} seconds ago; if that machine is gone, its claim expires in "
                        f"{wait:.0f} seconds"
                    )
                other.unlink(missing_ok=True)
        self._keep(own)
        return own, ""

    def withdraw(self, claim: Path | None) -> None:
        """Withdraw a claim."""
        if claim is None:
            return
        with self._guard:
            self._own.discard(claim)
            if not self._own:
                self._ended.set()
        with suppress(OSError):
            claim.unlink(missing_ok=True)

    def _others(self, folder: Path, name: str, own: Path) -> Iterator[tuple[Path, dict[str, object], float]]:
        now = own.stat().st_mtime
        for path in folder.glob(f"{name}--*.json"):
            if path == own:
                continue
            try:
                age = max(now - path.stat().st_mtime, 0.0)
            except FileNotFoundError:
                continue
            try:
                stated = json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                stated = {}  # damaged: treated as another machine's until it expires
            yield path, stated if isinstance(stated, dict) else {}, age

    def _keep(self, claim: Path) -> None:
        with self._guard:
            is_first = not self._own
            self._own.add(claim)
        if is_first:
            self._ended = threading.Event()
            threading.Thread(target=self._touch, args=(self._ended,), name="lock claims", daemon=True).start()

    def _touch(self, ended: threading.Event) -> None:
        while not ended.wait(_TOUCH_SECONDS):
            with self._guard:
                claims = list(self._own)
            for claim in claims:
                with suppress(OSError):
                    os.utime(claim)


def _is_alive(process: object) -> bool:
    return isinstance(process, int) and process > 0 and is_running(process)

"""A home's record of the shared home: ``storage/state.json``, and a copy of each commit.

Belongs here: recording which bytes were fetched or shared, and whether a file still has them. Does not belong here:
the consequences of a difference (``synchronizing``).

The record can be removed at any time: files are then compared by content instead of size and time.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from hcip_pipeline.errors import HcipError
from hcip_pipeline.files.atomic import write_json
from hcip_pipeline.files.hashes import file_sha256
from hcip_pipeline.home.folders import Home

_VERSION = 1


@dataclass
class State:
    """What a home has of the shared home.

    Attributes:
        address: where the home is shared.
        commit: the newest commit that this home has completely.
        lines: how many lines of the home's ledger are shared.
        files: path -> the sha256 last fetched or shared, and the size and time of the file with it.
        published: releases published at the address, as by `hcip publish`.
    """

    address: str
    commit: int = 0
    lines: int = 0
    files: dict[str, tuple[str, int, int]] = field(default_factory=dict)
    published: set[str] = field(default_factory=set)

    def base(self, path: str) -> str | None:
        """The sha256 that the home and the storage last had in common at a path."""
        return self.files[path][0] if path in self.files else None

    def note(self, home: Home, path: str, sha256: str) -> None:
        """Record that the home and the storage now have the same bytes at a path."""
        stat = (home.root / path).stat()
        self.files[path] = (sha256, stat.st_size, stat.st_mtime_ns)

    def sha256_now(self, home: Home, path: str) -> str | None:
        """The sha256 of a file in the home, which is read only if its size or time changed; None if there is none."""
        file = home.root / path
        try:
            stat = file.stat()
            if path in self.files and self.files[path][1:] == (stat.st_size, stat.st_mtime_ns):
                return self.files[path][0]
            return file_sha256(file)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None


def folder_of(home: Home) -> Path:
    """The home's folder for everything about its storage."""
    return home.root / "storage"


def load_state(home: Home, address: str) -> State:
    """The home's record of the shared home; empty if there is none.

    Raises:
        HcipError: the home was shared at another address.
    """
    try:
        stated = json.loads((folder_of(home) / "state.json").read_text(encoding="utf-8"))
        if stated["version"] != _VERSION:
            return State(address)
        files = {str(path): (str(of[0]), int(of[1]), int(of[2])) for path, of in stated["files"].items()}
        state = State(
            str(stated["address"]), int(stated["commit"]), int(stated["lines"]), files, set(stated["published"])
        )
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return State(address)
    if state.address != address:
        raise HcipError(
            f"the home is shared at {state.address}, not at {address}",
            file=home.root / "settings.yaml",
            rule="STORAGE",
            fix="use that address; to share the home at another one, remove its folder storage/",
        )
    return state


def save_state(home: Home, state: State) -> None:
    """Save the record."""
    stated = {
        "version": _VERSION,
        "address": state.address,
        "commit": state.commit,
        "lines": state.lines,
        "files": {path: list(of) for path, of in state.files.items()},
        "published": sorted(state.published),
    }
    write_json(stated, folder_of(home) / "state.json")

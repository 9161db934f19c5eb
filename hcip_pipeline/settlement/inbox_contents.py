"""The inbox's contents for a half-year: every file that a run of it may ingest, with its hash.

Belongs here: which part of the inbox a run reads. Does not belong here: judging any file. An entry counts unless it is
known to belong to another period, so that no file that could be accepted is overlooked.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from hcip_pipeline.errors import HcipError
from hcip_pipeline.files.hashes import FileHashes
from hcip_pipeline.home.folders import Home
from hcip_pipeline.periods import Month, PerformancePeriod, Quarter
from hcip_pipeline.policy.model import Policy
from hcip_pipeline.settlement.period import quarters_needed
from hcip_pipeline.tables.file_names import shown_path

#: path below the inbox -> sha256, or a description if it is not a file
Contents = dict[str, str]


def inbox_contents(home: Home, period: PerformancePeriod, policy: Policy, hashes: FileHashes) -> Contents:
    """Every entry of the inbox that a run of ``period`` may read."""
    quarters = set(quarters_needed(period, policy))
    is_others: dict[str, Callable[[str], bool]] = {
        "hospital": lambda name: Quarter.parse(name) not in quarters,
        "cms": lambda name: Month.parse(name).start >= period.run_date,
        "program": lambda name: PerformancePeriod.parse(name) > period,
    }
    found = dict(_entries(home.inbox, "", is_others))
    hashes.prepare(entry for entry in found.values() if entry.is_file())
    return {path: _content(entry, hashes) for path, entry in sorted(found.items())}


def changes(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """A description of each new, missing or changed entry, in order of path, with names as a log may show them."""
    found = []
    for path in sorted(before.keys() | now.keys()):
        if path not in before:
            found.append(f"{shown_path(path)} is new")
        elif path not in now:
            found.append(f"{shown_path(path)} is gone")
        elif before[path] != now[path]:
            found.append(f"{shown_path(path)} changed")
    return found


def _entries(
    folder: Path, below: str, is_others: Mapping[str, Callable[[str], bool]], above: frozenset[str] = frozenset()
) -> Iterator[tuple[str, Path]]:
    """Paths below ``folder``; links to folders are followed, but never in a circle."""
    real = os.path.realpath(folder)
    if real in above:
        return
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except FileNotFoundError:
        return
    for entry in entries:
        path = f"{below}{entry.name}"
        if below.count("/") == 1 and _belongs_elsewhere(is_others.get(below[:-1]), entry.name):
            continue
        yield path, Path(entry.path)
        if entry.is_dir():
            yield from _entries(Path(entry.path), f"{path}/", is_others, above | {real})


def _belongs_elsewhere(is_others: Callable[[str], bool] | None, name: str) -> bool:
    if is_others is None:
        return False
    try:
        return is_others(name)
    except HcipError:
        return False  # not the name of a partition: its reader decides


def _content(path: Path, hashes: FileHashes) -> str:
    link = f"link to {path.readlink()}: " if path.is_symlink() else ""
    try:
        if path.is_dir():
            return f"{link}folder"
        return link + (hashes.sha256(path) if path.is_file() else "no file")
    except OSError as error:
        return f"{link}{error.strerror}"

"""A small home that has settled one half-year, made once a test process; tests that change it take a copy."""

from __future__ import annotations

import atexit
import functools
import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from hcip_pipeline.assets.execution import settle
from hcip_pipeline.home import Home
from hcip_pipeline.periods import PerformancePeriod, Quarter
from hcip_pipeline.release.writer import Release
from hcip_pipeline.synthetic import generate_state

PERIOD = PerformancePeriod.parse("2025H1")


@dataclass(frozen=True)
class SettledHome:
    home: Home
    release: Release
    said: tuple[str, ...]

    def instance(self) -> dg.DagsterInstance:
        """As the UI opens it: by ``dagster.yaml`` alone."""
        return dg.DagsterInstance.from_config(str(self.home.dagster))

    def copy(self, place: Path, *folders: str) -> Home:
        """Another home with these folders of it, by hard links: replace a file of it, never write into it."""
        for folder in folders or ("inbox", "lake"):
            shutil.copytree(self.home.root / folder, place / folder, copy_function=os.link)
        return Home(place)


@functools.cache
def settled_home() -> SettledHome:
    """Two hospitals over a base year and one period, settled."""
    root = Path(tempfile.mkdtemp(prefix="hcip_settled_"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    home = Home(root / "home")
    first, last = Quarter.parse("2024Q1"), Quarter.parse("2025Q2")
    generate_state(home.inbox, hospitals=2, discharges_per_year=600, start=first, end=last, seed=1, cms=False)
    (home.inbox / "hospital" / "2025Q9").mkdir()
    said: list[str] = []
    return SettledHome(home, settle(home, PERIOD, progress=said.append), tuple(said))


def digest(folder: Path) -> str:
    """One hash over names and bytes of every file of a folder."""
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            found.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()

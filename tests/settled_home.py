"""The home of the fixture ``settled_home``: a synthetic state whose period is released through Dagster.

Belongs here: the state, and the record of how it was settled. Does not belong here: any assertion.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import dagster as dg

from hcip_pipeline.assets.execution import settle
from hcip_pipeline.assets.instance import home_instance
from hcip_pipeline.assets.runs import runs_on
from hcip_pipeline.home.folders import Home
from hcip_pipeline.periods import PerformancePeriod, Quarter
from hcip_pipeline.publishing.writer import Release
from hcip_pipeline.synthetic import StateArguments, generate_state
from hcip_pipeline.synthetic.files import FileFormat
from tests.fee_schedule_claims import deliver, fee_schedule_claims

PERIOD = PerformancePeriod.parse("2025H1")
QUARTERS = ("2024Q1", "2024Q2", "2024Q3", "2024Q4", "2025Q1", "2025Q2")
#: hospital and physician without a cap notice: the approved amount comes from claims
CAPPED_BY_CLAIMS = ("210809", "2693254155")
APPROVED = Decimal("300.00")
#: draws for chance ranges and intervals: fewer than usual, to save time in every test that settles or verifies
REPLICATES = 50
_RECORD = "settled.json"
#: as in Dagster's own tests: one connection for all events instead of several for each
_EVENTS_IN_MEMORY = "event_log_storage: {module: dagster._core.storage.event_log, class: InMemoryEventLogStorage}\n"


@dataclass(frozen=True)
class SettledHome:
    """A settled home; ``messages`` are its progress messages."""

    home: Home
    release: Release
    messages: tuple[str, ...]

    @classmethod
    def load(cls, folder: Path) -> SettledHome:
        record = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
        home = Home(folder)
        release = Release(**record["release"] | {"folder": home.releases / str(PERIOD) / "r1"})
        return cls(home, release, tuple(record["messages"]))

    def instance(self) -> dg.DagsterInstance:
        """The instance as the UI opens it, only from ``dagster.yaml``."""
        return dg.DagsterInstance.from_config(str(self.home.dagster))

    def copy(self, place: Path, *folders: str, has_history: bool = False) -> Home:
        """Another home with copies of these folders, by hard links: replace its files, never write into them.

        Without ``folders``: the inbox, the lake and the build of the base year. The copy has no runs yet.

        Args:
            has_history: for tests that read the events of runs: keep them in files, as in any home. Otherwise they are
                in memory, which is much faster, and each command loses them.
        """
        for folder in folders or ("inbox", "lake"):
            linked_copy(self.home.root / folder, place / folder)
        if "dagster" not in folders:
            self.begin_history(place, in_files=has_history)
        if not folders:
            self.copy_base_year(place)
        return Home(place)

    def begin_history(self, place: Path, *, in_files: bool = False) -> None:
        """Copy a history without runs into a home, as :meth:`copy` does, because making its databases takes long.

        Args:
            in_files: keep the events of runs in files, as in any home.
        """
        shutil.copytree(_no_runs(self.home), place / "dagster")
        if not in_files:
            with (place / "dagster" / "dagster.yaml").open("a", encoding="utf-8") as settings:
                settings.write(_EVENTS_IN_MEMORY)

    def copy_base_year(self, place: Path) -> None:
        """Copy the build of the base year, which all periods use, into a home; otherwise a settlement makes it."""
        for build in self.home.warehouse.glob("norms-*"):  # no links: DuckDB opens its file to write
            shutil.copytree(build, place / self.home.warehouse.name / build.name)


def _no_runs(home: Home) -> Path:
    """The folder with a home's history as it was before the first run."""
    return home.root.with_name(f"{home.root.name}_no_runs")


def digest(folder: Path) -> str:
    """One hash over the names and bytes of all files of a folder."""
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            found.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()


def half_written(home: Home) -> list[Path]:
    """Files of the lake and of releases that a run started but did not finish."""
    hidden = [path for folder in (home.lake, home.releases) for path in folder.rglob(".*")]
    return [path for path in hidden if path.name != ".writing"]  # a lock file is never unfinished


def fill_inbox(home: Home, file_format: FileFormat = "csv") -> None:
    """Make the state, with its submissions in this format."""
    first, last = Quarter.parse(QUARTERS[0]), Quarter.parse(QUARTERS[-1])
    generate_state(
        home.inbox,
        StateArguments(
            hospitals=2, discharges_per_year=4_000, start=first, end=last, seed=7, cms=False, file_format=file_format
        ),
    )
    with home.policy.open("a", encoding="utf-8") as policy:
        policy.write(f"certainty_replicates: {REPLICATES}\n")
    (home.inbox / "hospital" / "2025Q9").mkdir()  # not a quarter
    claims = fee_schedule_claims((*CAPPED_BY_CLAIMS, PERIOD.year, APPROVED))
    deliver(home.inbox, dt.date(2025, 5, 15), claims)


def build_settled_home(folder: Path) -> None:
    """Make the state in ``folder`` and settle :data:`PERIOD`."""
    home = Home(folder)
    fill_inbox(home)
    with home_instance(home) as instance:
        assert not instance.get_runs(limit=1)  # creates the databases
    shutil.copytree(home.dagster, _no_runs(home))
    messages: list[str] = []
    release = settle(home, PERIOD, progress=messages.append)
    kept = {name: value for name, value in vars(release).items() if name != "folder"}
    (folder / _RECORD).write_text(json.dumps({"release": kept, "messages": messages}), encoding="utf-8")


def materialize_release(home: Home) -> None:
    """*Materialize* the asset ``release`` from the build on disk, as the UI does."""
    with runs_on(home) as runs:
        runs.definitions.resolve_job_def("settlement").execute_in_process(
            instance=runs.instance,
            partition_key=str(PERIOD),
            asset_selection=[dg.AssetKey("release")],
            run_config=runs.config,
        )


def linked_copy(source: Path, target: Path) -> None:
    """Copy by hard links, except locks (a linked lock would lock both): unlink a file before changing it."""
    link: Callable[[str, str], object] = os.link
    shutil.copytree(source, target, copy_function=link, ignore=shutil.ignore_patterns(".writing"))

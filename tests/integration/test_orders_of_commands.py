"""In any order of commands, sensors and deliveries, the last release has the figures of one run on a full inbox.

The inbox of the settled home arrives in pieces, out of order: submission by submission (once its folder is ingested,
only a new version changes a submission), and every other file separately. Some have faults at first and are sent again.
Between the pieces, quarters and program files are ingested, backfilled or settled, by hand or requested by a sensor.
"""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import dagster as dg
import polars as pl
import pytest

from hcip_pipeline.assets.execution import ingest
from hcip_pipeline.assets.partitions import parse_key
from hcip_pipeline.assets.resources import HomeResource
from hcip_pipeline.assets.runs import RunOptions, runs_on
from hcip_pipeline.assets.sensors import SENSORS
from hcip_pipeline.commands.run import settle_or_recognize
from hcip_pipeline.contracts.payment_reasons import PAYMENT_REASONS
from hcip_pipeline.definitions import defs
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.operations.backfill import backfill
from hcip_pipeline.release.reading import ReleaseFiles, releases_of
from tests.settled_home import PERIOD, QUARTERS, SettledHome

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("rendered_builds")]

ORDERS = int(os.environ.get("HCIP_ORDERS", "1"))
SEED = int(os.environ.get("HCIP_ORDERS_SEED", "0"))
BASE_YEAR = "2024"
#: tables about a release's history, which depends on earlier releases
_PROVENANCE = {"restatement", "program_changes"}
_CHANGES = {reason.code for reason in PAYMENT_REASONS.values() if reason.step == "change"}
_CARE_PARTNERS = f"program/{PERIOD}/care_partners.csv"
_INBOX_SENSORS = [sensor for sensor in SENSORS if sensor.name.endswith("_files_arrived")]


@dataclass(frozen=True)
class Piece:
    """Files that arrive together: path in the inbox -> bytes."""

    files: dict[str, bytes]

    @property
    def is_of_the_base_year(self) -> bool:
        return any(path.startswith(f"hospital/{BASE_YEAR}") for path in self.files)


def without_last_row(content: bytes) -> bytes:
    return b"".join(content.splitlines(keepends=True)[:-1])


def short_of_one(folder: Path) -> dict[str, bytes]:
    """A submission's discharges and charges without its last account."""
    found: dict[str, bytes] = {}
    gone = ""
    for name in ("discharges.csv", "charges.csv"):
        with (folder / name).open(encoding="utf-8", newline="") as stream:
            rows = list(csv.reader(stream))
        at = rows[0].index("account_no")
        gone = gone or rows[-1][at]
        kept = [",".join(row) for row in rows if row[at] != gone]
        assert len(kept) < len(rows) and not any('"' in cell or "," in cell for row in rows for cell in row)
        found[name] = "".join(f"{line}\n" for line in kept).encode()
    return found


def deliveries(inbox: Path, rng: Random) -> Iterator[list[Piece]]:
    """Deliveries: the pieces of each list keep their order, and the lists are mixed."""
    submissions = sorted(path for path in inbox.glob("hospital/20*/*") if path.is_dir())
    short, incomplete = rng.sample(submissions, 2)
    for folder in submissions:
        into = folder.relative_to(inbox).as_posix()
        sent = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
        if folder == short:  # accepted, and superseded by the correct version in either order
            yield [Piece({f"{into}/{name}": content for name, content in short_of_one(folder).items()})]
        if folder == incomplete:  # refused
            yield [Piece({f"{into}/discharges.csv": sent["discharges.csv"]})]
        into += ".r2" if folder in (short, incomplete) else ""
        yield [Piece({f"{into}/{name}": content for name, content in sent.items()})]
    for path in sorted([*inbox.glob("program/*/*"), *inbox.glob("protocols/*/*"), *inbox.glob("cms/*/*")]):
        name, content = path.relative_to(inbox).as_posix(), path.read_bytes()
        versions = [content]
        if name == _CARE_PARTNERS:  # correct, then wrong, then the same correct file again
            versions = [content, without_last_row(content), content]
        elif path.name == "condition_results.csv":
            versions = [without_last_row(content), content]
        yield [Piece({name: version}) for version in versions]


def mixed(lists: list[list[Piece]], rng: Random) -> list[Piece]:
    """A random order of all pieces that keeps the order within each list."""
    turns = [number for number, pieces in enumerate(lists) for _ in pieces]
    rng.shuffle(turns)
    left = [iter(pieces) for pieces in lists]
    return [next(left[number]) for number in turns]


@dataclass
class Office:
    """A home, the pieces still to arrive, and the actions of people and sensors meanwhile.

    Attributes:
        cursors: sensor -> the cursor of its last evaluation.
        started: run keys for which a run was started: the daemon starts each once.
        history: the actions in order, for the message of a failure.
    """

    home: Home
    rng: Random
    coming: list[Piece]
    cursors: dict[str, str | None] = field(default_factory=dict)
    started: set[str] = field(default_factory=set)
    history: list[str] = field(default_factory=list)

    def arrive(self, count: int) -> None:
        pieces, self.coming = self.coming[:count], self.coming[count:]
        for name, content in (file for piece in pieces for file in piece.files.items()):
            path = self.home.inbox / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        self.history.append(f"{len(pieces)} pieces arrive")

    def do(self, command: Callable[[], object], name: str) -> None:
        """If a file is missing, the command is refused with a message, and already ingested data stay."""
        try:
            command()
            self.history.append(name)
        except HcipError as error:
            assert error.fix, (self.history, name, str(error))
            self.history.append(f"{name}: {error.rule or error}")

    def ingest(self) -> None:
        quarters = [quarter for quarter in QUARTERS if (self.home.inbox / "hospital" / quarter).exists()]
        some = self.rng.sample(quarters, min(2, len(quarters))) if self.rng.random() < 0.5 else []
        self.do(lambda: ingest(self.home, some), f"ingest {' '.join(some)}")

    def backfill_quarters(self) -> None:
        self.do(
            lambda: backfill(self.home, QUARTERS[0], QUARTERS[-1], RunOptions(processes=1)), "backfill of the quarters"
        )

    def run(self) -> None:
        """Not while the base year is arriving, because the first run freezes its norms."""
        norms_would_differ = any(piece.is_of_the_base_year for piece in self.coming)
        if not norms_would_differ or not (self.home.inbox / _CARE_PARTNERS).exists():
            self.do(self.settle, f"run {PERIOD}")

    def settle(self) -> None:
        settle_or_recognize(self.home, PERIOD, None, rebuild=False, threads=None, progress=lambda _: None)

    def evaluate_sensors(self) -> None:
        """Evaluate each sensor twice, since nothing is being written, and start the runs it requests."""
        with runs_on(self.home) as runs:
            for sensor in [*_INBOX_SENSORS, *_INBOX_SENSORS]:
                context = dg.build_sensor_context(
                    instance=runs.instance,
                    cursor=self.cursors.get(sensor.name),
                    repository_def=defs.get_repository_def(),
                    resources={"home": HomeResource(path=str(self.home.root))},
                )
                tick = sensor.evaluate_tick(context)
                self.cursors[sensor.name] = tick.cursor
                for request in tick.run_requests or []:
                    assert request.run_key not in self.started and request.partition_key
                    self.started.add(str(request.run_key))
                    job, key = sensor.job_name, parse_key(request.partition_key)
                    self.do(lambda job=job, key=key: runs.run(job, key), f"{sensor.name}: {key}")


def figures(release: ReleaseFiles) -> dict[str, pl.DataFrame]:
    """Every table of a release except those about its history, without the reasons that name an earlier release."""
    names = {path.name for path in release.folder.rglob(f"HCIP_*_{release.name}.parquet")}
    tables = {name.split("_", 2)[2].removesuffix(f"_{release.name}.parquet") for name in names}
    return {name: _without_changes(release.table(name)) for name in sorted(tables - _PROVENANCE)}


def _without_changes(frame: pl.DataFrame) -> pl.DataFrame:
    frame = frame.drop("released_as", strict=False)  # the release's own number
    if "reasons" in frame.columns:
        each = pl.col("reasons").str.split("|").list.filter(~pl.element().is_in(sorted(_CHANGES)))
        frame = frame.with_columns(each.list.join("|"))
    return frame


@pytest.mark.parametrize("number", range(ORDERS))
def test_any_order_gives_the_same_figures(
    number: int, settled_home: SettledHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HCIP_SETTLE_SECONDS", "0")
    rng, source = Random(f"{SEED}/{number}"), settled_home.home.inbox
    office = Office(Home(tmp_path / "home"), rng, mixed(list(deliveries(source, rng)), rng))
    shutil.copytree(source / "reference", office.home.inbox / "reference")
    shutil.copyfile(source / "policy.yaml", office.home.policy)
    commands = [office.ingest, office.backfill_quarters, office.evaluate_sensors, office.run]
    rng.shuffle(commands)
    if number % 2:  # hospitals are early, and the half-year is settled before the committees' files are correct
        office.coming.sort(key=lambda piece: not min(piece.files).startswith("hospital/"))
        commands.sort(key=lambda command: command == office.run)
    for command in commands:
        office.arrive(rng.randint(len(office.coming) // 4, len(office.coming) // 2))
        command()
    office.arrive(len(office.coming))
    if rng.random() < 0.5:
        office.evaluate_sensors()
    if rng.random() < 0.5:
        report = backfill(office.home, str(PERIOD), str(PERIOD), RunOptions(processes=1))
        assert report.ok, (office.history, report.as_dict())
    else:
        office.settle()
    last = figures(ReleaseFiles.at(releases_of(office.home, PERIOD)[-1]))
    expected = figures(ReleaseFiles.at(settled_home.release.folder))
    assert last.keys() == expected.keys() > {"incentives", "savings", "norms", "payment_inputs"}, office.history
    for name, frame in expected.items():
        assert last[name].equals(frame), (name, office.history)

"""Files that arrive in the inbox: each arrival starts exactly one run, once it is complete."""

from __future__ import annotations

import os
from pathlib import Path

import dagster as dg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hcip_pipeline.assets.resources import HomeResource
from hcip_pipeline.assets.sensors import SENSORS
from hcip_pipeline.definitions import defs
from hcip_pipeline.intake.arrivals import Cursor, arrivals

NEVER = 0.0
LATER = 4e9  # seconds since the epoch: long after every file here was written


class Inbox:
    """Looks at a folder of partitions repeatedly, and keeps the cursor as text in between."""

    def __init__(self, place: Path) -> None:
        self.place, self.text, self.last_ingested = place, "", NEVER

    def write(self, name: str, content: str) -> None:
        path = self.place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)

    def look(self, now: float = LATER) -> list[str]:
        folders = [(path.name, path) for path in sorted(self.place.iterdir())]
        found, self.waiting, cursor = arrivals(folders, Cursor.parse(self.text), now, 60, lambda _: self.last_ingested)
        self.text = cursor.text()
        return [arrival.run_key.split(":")[0] for arrival in found]


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    return Inbox(tmp_path)


def test_partitions_that_arrive_together_start_one_run_each(inbox: Inbox) -> None:
    for name in ("2025Q1/210001/discharges.csv", "2025Q1/210002/discharges.csv", "2025Q2/210001/discharges.csv"):
        inbox.write(name, "rows")
    assert inbox.look() == [] and inbox.waiting == ["2025Q1", "2025Q2"]
    assert inbox.look() == ["2025Q1", "2025Q2"]
    assert inbox.look() == inbox.look() == []


def test_a_file_that_is_still_being_written_waits(inbox: Inbox) -> None:
    inbox.write("2025Q1/210001/charges.csv", "a")
    inbox.look()
    inbox.write("2025Q1/210001/charges.csv", "ab")
    assert inbox.look() == [] and inbox.waiting == ["2025Q1"]
    inbox.write("2025Q1/210001/.charges.csv.Xy12", "rsync is at it")
    assert inbox.look() == inbox.look() == []
    (inbox.place / "2025Q1/210001/.charges.csv.Xy12").unlink()
    assert inbox.look() == []
    assert inbox.look() == ["2025Q1"]


def test_a_file_that_was_just_changed_waits(inbox: Inbox) -> None:
    inbox.write("2025-04/archive.zip", "zip")
    now = (inbox.place / "2025-04/archive.zip").stat().st_ctime
    assert inbox.look(now + 10) == inbox.look(now + 59) == []
    assert inbox.look(now + 61) == ["2025-04"]


def test_a_copy_that_keeps_old_times_is_a_new_arrival(inbox: Inbox) -> None:
    inbox.write("2025-04/archive.zip", "zip")
    os.utime(inbox.place / "2025-04/archive.zip", (1, 1))
    now = (inbox.place / "2025-04/archive.zip").stat().st_ctime
    assert inbox.look(now + 10) == inbox.look(now + 20) == []


def test_a_resubmission_is_another_arrival(inbox: Inbox) -> None:
    inbox.write("2025Q1/210001/discharges.csv", "rows")
    assert inbox.look() + inbox.look() == ["2025Q1"]
    inbox.write("2025Q1/210001.r2/discharges.csv", "better rows")
    assert inbox.look() + inbox.look() + inbox.look() == ["2025Q1"]


def test_a_partition_ingested_by_hand_starts_no_run(inbox: Inbox) -> None:
    inbox.write("2025Q1/210001/discharges.csv", "rows")
    inbox.last_ingested = LATER
    assert inbox.look() + inbox.look() + inbox.look() == []
    inbox.last_ingested = NEVER
    assert inbox.look() == []


def test_an_empty_folder_is_not_an_arrival(inbox: Inbox) -> None:
    (inbox.place / "2025Q1" / "210001").mkdir(parents=True)
    assert inbox.look() + inbox.look() == [] and inbox.waiting == []


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(["write", "look", "restart"]), min_size=1, max_size=25))
def test_each_state_of_a_folder_starts_at_most_one_run_and_the_last_one_does(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    inbox = Inbox(tmp_path_factory.mktemp("inbox"))
    versions, started = 0, []
    for step in [*steps, "write", "look", "look", "look"]:
        if step == "write":
            versions += 1
            inbox.write("2025Q1/210001/discharges.csv", "x" * versions)
        elif step == "restart":
            restarted = Inbox(inbox.place)
            restarted.text = inbox.text
            inbox = restarted
        else:
            started += [versions for _ in inbox.look()]
    assert started == sorted(set(started)) and started[-1] == versions


def test_the_sensor_requests_the_partition_and_reports_what_it_waits_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HCIP_SETTLE_SECONDS", "0")
    inbox = Inbox(tmp_path / "inbox" / "hospital")
    inbox.write("2025Q1/210001/discharges.csv", "rows")
    inbox.write("notes/readme.txt", "no partition")
    sensor = SENSORS[0]
    cursor, asked = None, []
    with dg.DagsterInstance.ephemeral() as instance:
        for _ in range(3):
            context = dg.build_sensor_context(
                instance=instance,
                cursor=cursor,
                repository_def=defs.get_repository_def(),
                resources={"home": HomeResource(path=str(tmp_path))},
            )
            tick = sensor.evaluate_tick(context)
            cursor = tick.cursor
            asked.append([request.partition_key for request in tick.run_requests or []])
            if len(asked) == 1:
                assert tick.skip_message == "still being written: 2025Q1"
    assert asked == [[], ["2025Q1"], []]


def test_setting_the_clock_back_neither_delays_nor_loses_an_arrival(inbox: Inbox) -> None:
    """Files and an intake with times in the future."""
    inbox.write("2025Q1/210001/discharges.csv", "rows")
    hours_before = (inbox.place / "2025Q1/210001/discharges.csv").stat().st_mtime - 7200
    assert inbox.look(hours_before) == []
    assert inbox.look(hours_before) == ["2025Q1"]
    inbox.last_ingested = hours_before + 3600
    inbox.write("2025Q2/210001/discharges.csv", "rows")
    for path in (inbox.place / "2025Q2").rglob("*"):
        os.utime(path, (hours_before - 600, hours_before - 600))
    inbox.look(hours_before)
    assert inbox.look(hours_before) == ["2025Q2"]

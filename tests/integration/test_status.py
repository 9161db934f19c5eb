"""`hcip status`: what was received, is late or due, what is held, what is stale, and what a run would do now."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from hcip_pipeline import cli
from hcip_pipeline.home.folders import Home
from hcip_pipeline.release.reading import released_frame
from tests.settled_home import CAPPED_BY_CLAIMS, PERIOD, SettledHome

pytestmark = pytest.mark.slow


@pytest.fixture
def home(settled_home: SettledHome, tmp_path: Path) -> Home:
    return settled_home.copy(tmp_path / "home", "inbox", "lake", "releases", "warehouse/last_runs")


def status(home: Home, capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    cli.main(["status", str(PERIOD), "--home", str(home.root), "--on", "2025-08-01", "--json", *arguments])
    (found,) = json.loads(capsys.readouterr().out)["periods"]
    return found


def test_a_settled_period_is_reported_as_unchanged(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    found = status(home, capsys)
    assert (found["release"], found["unchanged"], found["reasons"], found["stale"]) == ("r1", True, [], [])
    states = {(each["sender"], each["partition"]): each["state"] for each in found["deliveries"]}
    assert states["210809", "2025Q1"] == states["210813", "2025Q2"] == states["CMS", "2025-05"] == "in"
    assert (states["CMS", "2025-01"], states["CMS", "2025-06"]) == ("late", "late")
    rows = released_frame(home.releases / str(PERIOD) / "r1", "incentives").filter(pl.col("status") == "HELD")
    assert sum(each["care_partners"] for each in found["held"]) >= rows.height > 0
    cli.main(["status", "--home", str(home.root)])
    assert "a run now: nothing changed since r1" in capsys.readouterr().out


def test_new_missing_and_stale_data_are_reported(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(home.lake / "hospital" / "receipts" / "quarter=2025Q2")
    shutil.rmtree(home.inbox / "hospital" / "2025Q2" / "210809")
    folder = home.releases / "2024H2" / "r1"
    shutil.copytree(home.releases / str(PERIOD) / "r1", folder)
    found = status(home, capsys)
    states = {(each["sender"], each["partition"]): each for each in found["deliveries"]}
    assert states["210809", "2025Q2"]["state"] == "due" and states["210809", "2025Q2"]["due"] == "2025-08-14"
    assert states["210813", "2025Q2"]["state"] == "in the inbox"
    assert not found["unchanged"] and any("210809" in reason for reason in found["reasons"])
    assert [reason["rule"] for reason in found["stale"]] == ["RESTS_ON_SUPERSEDED"]
    cli.main(["status", str(PERIOD), "--home", str(home.root), "--on", "2025-09-01"])
    text = capsys.readouterr().out
    assert "2025Q2 late (since 2025-08-14)" in text and "stale: 2025H1 r1 was made before 2024H2" in text
    cli.main(["explain", str(PERIOD), CAPPED_BY_CLAIMS[1], "--home", str(home.root)])
    explained = " ".join(capsys.readouterr().out.split())
    assert explained.count("Stale: 2025H1 r1 was made before 2024H2 had a release") == 1
    assert "`hcip run 2024H2 --onward`" in explained


@pytest.mark.parametrize("key", ["1900H1", "2099H1", "2025H3"])
def test_a_half_year_outside_the_program_is_wrong_usage(
    home: Home, key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["status", key, "--home", str(home.root)])
    assert ended.value.code == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ") and not captured.out


def test_a_refused_resubmission_is_shown_with_the_version_in_force(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    again = home.inbox / "hospital" / "2025Q1" / "210809.r2"
    again.mkdir()
    (again / "discharges.csv").write_text("account_no\n1\n", encoding="utf-8")
    with pytest.raises(SystemExit):
        cli.main(["ingest", "2025Q1", "--home", str(home.root)])
    capsys.readouterr()
    found = status(home, capsys)
    deliveries = {(each["sender"], each["partition"]): (each["state"], each["note"]) for each in found["deliveries"]}
    state, note = deliveries["210809", "2025Q1"]
    assert state == "in" and note.startswith("2025Q1/210809.r2 was refused: ")
    assert note.endswith("; 2025Q1/210809 is still in force")
    assert not any(note for sender, (_, note) in deliveries.items() if sender != ("210809", "2025Q1"))
    cli.main(["status", str(PERIOD), "--home", str(home.root)])
    assert note in capsys.readouterr().out

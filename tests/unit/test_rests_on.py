"""Which release rests on which, and which are stale, according to the manifests (methodology §15)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hcip_pipeline.home.folders import Home
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.release.manifest import manifest_sha256
from hcip_pipeline.release.reading import ReleaseFiles
from hcip_pipeline.release.rests_on import named_releases, outdated, resting_on, stale_releases

P = PerformancePeriod.parse


def released(home: Home, period: str, number: int, *read: Path) -> Path:
    """A release that consists of a manifest only and read other releases."""
    folder = home.releases / period / f"r{number}"
    folder.mkdir(parents=True)
    inputs = [
        {"file": f"releases/{each.parent.name}/{each.name}/datapackage.json", "sha256": manifest_sha256(each)}
        for each in read
    ]
    content = {"name": f"{period}-{number}", "inputs": [*inputs, {"file": "program/x.csv", "sha256": "0"}]}
    (folder / "datapackage.json").write_text(json.dumps(content))
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_nothing_is_stale_while_each_rests_on_the_newest(home: Home) -> None:
    first = released(home, "2024H2", 1)
    second = released(home, "2025H1", 1, first)
    third = released(home, "2025H2", 1, first, second)
    assert not stale_releases(home)
    assert [str(named) for named in named_releases(ReleaseFiles.at(third).manifest["inputs"])] == [
        "2024H2 r1",
        "2025H1 r1",
    ]
    assert [str(named) for named in resting_on(home, P("2024H2"))] == ["2025H1 r1", "2025H2 r1"]


def test_a_superseded_release_makes_later_ones_stale(home: Home) -> None:
    first = released(home, "2024H2", 1)
    second = released(home, "2025H1", 1, first)
    released(home, "2025H2", 1, first, second)
    restated = released(home, "2025H1", 2, first)
    assert [(str(reason), reason.fix) for reason in stale_releases(home)] == [
        (
            "2025H2 r1 rests on 2025H1 r1, which r2 superseded",
            "settle the later periods again: `hcip run 2025H1 --onward`",
        )
    ]
    released(home, "2025H2", 2, first, restated)
    assert not stale_releases(home)
    assert outdated(home, ReleaseFiles.at(home.releases / "2025H2" / "r1"))  # the old release stays stale


def test_an_earlier_period_released_afterwards_makes_later_ones_stale(home: Home) -> None:
    released(home, "2025H2", 1)
    released(home, "2025H1", 1)
    (reason,) = stale_releases(home, P("2025H1"))
    assert str(reason) == "2025H2 r1 was made before 2025H1 had a release; now it has r1"
    assert not stale_releases(home, P("2025H2"))


def test_a_replaced_manifest_of_the_same_number_makes_later_releases_stale(home: Home) -> None:
    first = released(home, "2025H1", 1)
    released(home, "2025H2", 1, first)
    (first / "datapackage.json").write_text('{"inputs": []}')
    (reason,) = stale_releases(home)
    assert "a 2025H1 r1 that differs" in str(reason) and reason.as_dict()["rule"] == "RESTS_ON_SUPERSEDED"

"""``hcip run PERIOD --onward`` settles again a half-year whose payments waited for a later one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hcip_pipeline import cli
from hcip_pipeline.commands import run
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.publishing.writer import Release
from hcip_pipeline.release import reading


def test_later_half_years_settle_until_nothing_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first half-year is unchanged, waits, and is settled once the second has freed its part of the cap."""
    outcomes = {"2025H1": [(False, 1), (True, 2), (False, 2)], "2025H2": [(True, 2), (True, 3), (False, 3)]}
    asked: list[str] = []

    def settle(_home: object, period: PerformancePeriod, **_: Any) -> Release:
        is_new, number = outcomes[str(period)][asked.count(str(period))]
        asked.append(str(period))
        return Release(str(period), number, tmp_path / str(period) / f"r{number}", 1, is_new)

    def waits(folder: Path) -> bool:
        return (folder.parent.name, folder.name) == ("2025H1", "r1")

    monkeypatch.setattr(run, "settle_or_recognize", settle)
    monkeypatch.setattr(run, "show", lambda *_: None)
    monkeypatch.setattr(reading, "waits_for_later", waits)
    monkeypatch.setattr(reading, "released_periods", lambda _: [PerformancePeriod(2025, 1), PerformancePeriod(2025, 2)])
    (tmp_path / "inbox").mkdir()
    cli.main(["run", "2025H1", "--onward", "--home", str(tmp_path)])
    assert asked == ["2025H1", "2025H2"] * 2

"""A baseline that was replaced between two half-years is reported even if no release has the earlier data (§15)."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hcip_pipeline.contracts.payment_reasons import PAYMENT_REASONS
from hcip_pipeline.home.folders import Home
from hcip_pipeline.ledger.lines import Entry, append
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.settlement.baseline_changes import baseline_replaced

LATER = PerformancePeriod.parse("2025H2")
FIRST, SECOND, OTHER = (f"hospital/2024Q3/{name}" for name in ("210043.r1", "210043.r2", "210044.r2"))
RELEASE = "2025H1/r1"


def home_with(folder: Path, order: tuple[str, ...], released: tuple[str, ...] = (RELEASE,)) -> Home:
    home = Home(folder)
    folder.mkdir(exist_ok=True)
    for name in released:
        (home.releases / name).mkdir(parents=True)
    append(home, lambda _: [Entry("release" if name == RELEASE else "acceptance", name) for name in order])
    return home


def receipt(version: int) -> Any:
    return SimpleNamespace(quarter="2024Q3", ccn="210043", version=version, submission=f"2024Q3/210043.r{version}")


@pytest.mark.parametrize(
    "order",
    [(FIRST, RELEASE, FIRST, SECOND), (RELEASE, FIRST, SECOND)],  # the receipt of the first changes with the second
    ids=["between two half-years", "both after the release"],
)
def test_a_replaced_baseline_without_a_release_of_its_own_is_named(tmp_path: Path, order: tuple[str, ...]) -> None:
    home = home_with(tmp_path, order)
    (change,) = baseline_replaced(home, LATER, [receipt(2)])
    assert change == (
        "210043",
        "BASELINE_REPLACED",
        "2024Q3/210043.r2 was accepted after 2025H1_r1 was released; improvement is measured from the new data",
    )
    assert PAYMENT_REASONS[change[1]].step == "change", "payments that it may change carry this reason"


@pytest.mark.parametrize(
    ("order", "released", "version"),
    [
        ((FIRST, SECOND, RELEASE, SECOND), (RELEASE,), 2),
        ((FIRST, RELEASE, SECOND), (RELEASE,), 1),
        ((RELEASE, FIRST), (RELEASE,), 1),
        ((FIRST, RELEASE, OTHER), (RELEASE,), 1),
        ((FIRST, RELEASE, SECOND), (RELEASE, "2024H2/r1"), 2),
        ((FIRST, SECOND), (), 2),
    ],
    ids=[
        "before it",
        "refused",
        "first sent after it",
        "another hospital's",
        "released",
        "no release",
    ],
)
def test_a_baseline_that_was_not_replaced_between_two_half_years_is_not_reported(
    tmp_path: Path, order: tuple[str, ...], released: tuple[str, ...], version: int
) -> None:
    assert baseline_replaced(home_with(tmp_path, order, released), LATER, [receipt(version)]) == []

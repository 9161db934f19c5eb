"""Check the examples of ``docs/certainty.md`` against the demo."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl

from hcip_pipeline.release.reading import ReleaseFiles
from hcip_pipeline.reports import words
from hcip_pipeline.reports.certainty import compared

PAGE = Path(__file__).resolve().parents[1] / "docs" / "certainty.md"


def changes() -> str:
    """The page's example of ``hcip what-if``, for the demo's first half-year."""
    return PAGE.read_text(encoding="utf-8").partition("```yaml\n")[2].partition("```")[0]


def assert_true_of(release: Path) -> None:
    """Assert that the page's example has the release's figures (the demo's first half-year as restated)."""
    text = " ".join(PAGE.read_text(encoding="utf-8").split())
    example = text.partition("## An example")[2].partition("## What a committee")[0]
    files = ReleaseFiles.at(release)
    ranges = files.table("payment_ranges").to_dicts()
    hospitals = {row["hospital_ccn"]: row for row in files.table("certainty_hospitals").to_dicts()}
    state = hospitals.pop("STATE")
    outside = [row for row in hospitals.values() if compared(row) != "inside"]
    largest = max(ranges, key=lambda row: row["calculated_incentive"])
    sums = ("calculated_incentive", "chance_mean", "chance_low", "chance_high")
    of_partner = ("calculated_incentive", "chance_mean", "chance_high", "interval_low", "interval_high")
    amounts = {words.money(state[name]) for name in sums}
    amounts |= {words.money(row[name]) for row in outside for name in sums if name != "chance_mean"}
    amounts |= {words.money(largest[name]) for name in of_partner}
    assert set(re.findall(r"\$[\d,]+\.\d\d", example)) == amounts
    assert compared(state) == "inside" and compared(largest) == "above" and len(outside) == 1
    tested = sum(compared(row) != "untested" for row in ranges)
    assert f"for {state['care_partners']} care partners" in example and f"For {tested} of the care partners" in example
    assert state["above_chance"] == 4 and "four are" in example and 40 < tested < 60
    needed = {row["stream"]: row for row in files.table("certainty_streams").to_dicts()}
    cost, days = ([needed[s][f"{m}_cases_needed"] for s in ("surgical", "medical")] for m in ("cost", "days"))
    assert f"In surgery {cost[0]} cases make a cost figure reliable (0.7), in medicine {cost[1]}" in example
    assert f"for days it takes {days[0]} and {days[1]}" in example
    readings = files.table("certainty_readings").filter(
        (pl.col("hospital_ccn") == "STATE") & (pl.col("reading") == "attending")
    )
    (attending,) = readings.to_dicts()
    assert f"would move {words.money(attending['dollars_moved'])} between care partners; seven would" in text
    assert attending["now_paid"] + attending["now_unpaid"] == 7

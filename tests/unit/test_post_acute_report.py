"""A hospital's page on care after Medicare stays: its own rows, and others' figures only if they reveal no one."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from hcip_pipeline.contracts.cms import POST_ACUTE
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.reports.figures import ReportSource
from hcip_pipeline.reports.post_acute import SERVICES, post_acute, post_acute_page
from tests.html_tables import Page

OWN, OTHERS = "210001", ("210002", "210003", "210004")
D = Decimal


def row(ccn: str, line: str = "Orthopedics", npi: str = "1", episodes: int = 40, **other: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        column.name: D("0.00") if column.type == "money" else 0 for column in POST_ACUTE.columns if not column.key
    }
    key = {"hospital_ccn": ccn, "period": "2025H1", "service_line": line, "npi": npi, "episodes": episodes}
    return values | key | other


def source(
    rows: list[dict[str, Any]], hospitals: tuple[str, ...] = (OWN, *OTHERS), earlier: tuple[Any, ...] = ()
) -> ReportSource:
    frame = pl.DataFrame(rows, schema=POST_ACUTE.schema, orient="row")
    people = pl.DataFrame({"hospital_ccn": OWN, "npi": "1", "name": "Ada <Able>"})
    names = pl.DataFrame({"hospital_ccn": hospitals, "hospital_name": hospitals})
    tables = {"post_acute": frame, "incentives": people, "participation": names}
    files = SimpleNamespace(period=PerformancePeriod(2025, 1), table=tables.__getitem__, has=tables.__contains__)
    draft = SimpleNamespace(
        files=files, period=files.period, number=1, hospitals=hospitals, earlier=earlier,
        policy=SimpleNamespace(policy=SimpleNamespace(small_cell_threshold=10, version="test")),
    )  # fmt: skip
    return ReportSource(draft)  # type: ignore[arg-type]


ROWS = [
    row(OWN, readmissions=4, readmitted_without_post_acute=3, episodes_with_post_acute=10,
        skilled_nursing_amount=D("900.00"), hospice_amount=D("100.00"), post_acute_amount=D("1000.00")),
    row(OWN, npi="9", episodes=20, home_health_amount=D("200.00"), post_acute_amount=D("200.00")),
    row(OWN, line="UNMATCHED", npi="9", episodes=4, readmissions=2),
    *(row(ccn, readmissions=8, episodes_with_post_acute=20, post_acute_amount=D("800.00")) for ccn in OTHERS),
]  # fmt: skip


def test_rows_add_up_by_service_line_and_by_physician() -> None:
    found = post_acute(source(ROWS), OWN)
    assert [(line["name"], line["episodes"], line["per_episode"]) for line in found.lines] == [
        ("Orthopedics", 60, D("20.00")),
        ("Stays the hospital did not report", 4, D("0.00")),
    ]
    assert (found.total["episodes"], found.total["readmissions"]) == (64, 6)
    assert (found.total["readmission_share"], found.total["without_share"]) == (D("0.09375000"), D("0.50000000"))
    assert [(each["name"], each["episodes"]) for each in found.partners] == [("Ada <Able>", 40)]
    assert [(each["name"], each["episodes"]) for each in found.others] == [
        ("Orthopedics", 20), ("Stays the hospital did not report", 4),
    ]  # fmt: skip
    services = sum((found.total[column] for column in SERVICES.values()), D(0))
    assert services == found.total["post_acute_amount"] == D("1200.00")


def test_a_comparison_with_other_hospitals_reveals_no_one() -> None:
    found = post_acute(source(ROWS), OWN)
    (line, unmatched) = found.lines
    assert line["elsewhere"]["readmission_share"] == D("0.20000000")
    assert line["elsewhere"]["per_episode"] == D("20.00")
    assert unmatched["elsewhere"] is None


@pytest.mark.parametrize(
    "others",
    [
        [row(ccn, readmissions=12, episodes_with_post_acute=20) for ccn in OTHERS[:2]],  # each could infer the other's
        [row(ccn, readmissions=3, episodes_with_post_acute=20) for ccn in OTHERS],  # nine readmissions
        [row(ccn, readmissions=20, episodes_with_post_acute=3) for ccn in OTHERS],
        [row(ccn, readmissions=20, episodes_with_post_acute=37) for ccn in OTHERS],  # nine without
    ],
)
def test_figures_with_small_counts_of_others_are_not_shown(others: list[dict[str, Any]]) -> None:
    found = post_acute(source([row(OWN), *others]), OWN)
    assert found.total["elsewhere"] is None
    assert all(line["elsewhere"] is None for line in found.lines)


def test_the_page_shows_the_rows_and_names_only_care_partners() -> None:
    page = Page(post_acute_page(source(ROWS), OWN).decode())
    (orthopedics, _, total) = page.table("Service line")
    assert orthopedics[:4] == ["Orthopedics", "60", "4", "6.7%"]
    assert total[:4] == ["All service lines", "64", "6", "9.4%"]
    assert [cells[0] for cells in page.table("Care partner")] == ["Ada <Able>"]
    assert "physicians/9.html" not in page.links


def test_periods_of_earlier_releases_are_shown_side_by_side() -> None:
    before = source([row(OWN, episodes=50, readmissions=10)]).draft.files
    page = Page(post_acute_page(source(ROWS, earlier=(before,)), OWN).decode())
    assert [cells[1:3] for cells in page.table("Period")] == [["50", "20.0%"], ["64", "9.4%"]]


def test_a_hospital_without_episodes_gets_an_explanation() -> None:
    page = Page(post_acute_page(source([row(ccn) for ccn in OTHERS]), OWN).decode())
    assert "no episode of a patient whom this hospital discharged" in page.text
    assert {link for link in page.links if link.startswith("#")} <= {f"#{place}" for place in page.ids}

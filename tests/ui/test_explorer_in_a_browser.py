"""The explorer in a browser: the figures it shows are those of the release's files."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from playwright.sync_api import Browser, Page

from hcip_pipeline.html_pages import show_controls
from hcip_pipeline.release.reading import ReleaseFiles
from hcip_pipeline.reports import words
from tests.released_state import A, released, unreleased  # noqa: F401 - fixtures
from tests.ui.browser import browser, serious_findings  # noqa: F401 - a fixture

pytestmark = pytest.mark.slow

_ROWS = """() => [...document.querySelectorAll('#table .tabulator-row')].map(row =>
    [...row.querySelectorAll('.tabulator-cell')].map(cell => cell.innerText.trim()))"""


@pytest.fixture
def explorer(released: Path, browser: Browser) -> Page:  # noqa: F811
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.set_default_timeout(15_000)
    page.goto((released / "reports" / A / "explorer.html").as_uri())
    page.locator("#table .tabulator-row").first.wait_for()
    return page


def _rows(page: Page) -> list[list[str]]:
    page.locator("#table .tabulator-row").first.wait_for()
    return page.evaluate(_ROWS)  # type: ignore[no-any-return]


def _press(page: Page, name: str) -> None:
    page.locator("#table").get_by_role("button", name=name, exact=True).first.click()
    page.locator("#trail button[aria-current]").wait_for()


def test_from_the_institution_to_single_cases_every_figure_is_that_of_the_files(explorer: Page, released: Path) -> None:  # noqa: F811
    files = ReleaseFiles.at(released)
    opportunity = files.table("opportunity", A)
    lines = opportunity.filter(pl.col("level") == "service_line").sort("service_line").to_dicts()
    reported = {row[0]: row[1:] for row in _rows(explorer)}
    for row in lines:
        assert reported[row["service_line"]] == [
            words.count(row["cases"]),
            words.dollars(row["cost"]),
            words.against(row["cost_ratio"]),
            words.signed_dollars(row["difference_from_statewide"]),
            words.signed_percent(row["adjusted_cost_change"]),
            words.dollars(row["potential_savings"]),
        ]
    cases = files.table("incentive_cases", A)
    names = dict(files.table("incentives", A).select("npi", "name").iter_rows())
    cell = cases.row(0, named=True)
    own = opportunity.filter(
        (pl.col("level") == "cell")
        & (pl.col("apr_drg") == cell["apr_drg"])
        & (pl.col("severity_of_illness") == cell["severity_of_illness"])
    ).row(0, named=True)

    _press(explorer, own["service_line"])
    cells = [row for row in _rows(explorer) if row[:2] == [cell["apr_drg"], cell["severity_of_illness"]]]
    assert cells[0][3:6] == [words.count(own["cases"]), words.count(own["physicians"]), words.dollars(own["mean_cost"])]

    explorer.evaluate(
        "cell => go({view: 'lines', drg: cell[0], soi: cell[1]})", [own["apr_drg"], own["severity_of_illness"]]
    )
    explorer.locator("#heading", has_text="Care partners in APR-DRG").wait_for()
    in_cell = cases.filter(
        (pl.col("apr_drg") == cell["apr_drg"]) & (pl.col("severity_of_illness") == cell["severity_of_illness"])
    )
    shown = {row[0]: int(row[4].replace(",", "")) for row in _rows(explorer)}
    counts = in_cell.group_by("npi").len().iter_rows()
    assert shown == {" ".join(show_controls(names[npi]).split()): number for npi, number in counts}
    dots = explorer.evaluate("document.querySelectorAll('#chart .dots circle').length")
    public = files.table("norm_physicians", folder="norms").filter(
        (pl.col("apr_drg") == cell["apr_drg"]) & (pl.col("severity_of_illness") == cell["severity_of_illness"])
    )
    assert dots == public.height + in_cell["npi"].n_unique()

    who = in_cell["npi"][0]
    explorer.evaluate(
        "cell => go({view: 'lines', drg: cell[0], soi: cell[1], npi: cell[2]})",
        [own["apr_drg"], own["severity_of_illness"], who],
    )
    explorer.locator("#heading", has_text="Cases of").wait_for()
    mine = in_cell.filter(pl.col("npi") == who)
    assert sorted(row[4] for row in _rows(explorer)) == sorted(map(words.money, mine["cost"]))
    assert sorted(row[8] for row in _rows(explorer)) == sorted(map(words.money, mine["performance_incentive"]))
    explorer.go_back()
    explorer.locator("#heading", has_text="Care partners in APR-DRG").wait_for()


def test_rows_are_filtered_and_sorted_in_the_page(explorer: Page, released: Path) -> None:  # noqa: F811
    explorer.locator("#views").get_by_role("button", name="Care partners").click()
    explorer.locator("#heading", has_text="Care partners").wait_for()
    rows = _rows(explorer)
    final = ReleaseFiles.at(released).table("incentives", A)
    assert sorted(row[8] for row in rows) == sorted(map(words.money, final["final_incentive"]))
    explorer.get_by_role("columnheader", name="Final incentive").click()
    explorer.wait_for_timeout(200)
    ordered = [words.money(amount) for amount in final["final_incentive"].sort()]
    assert [row[8] for row in _rows(explorer)] == ordered
    explorer.get_by_label("Filter the rows").fill(rows[0][1])
    explorer.get_by_text(f"1 of {len(rows)} rows").wait_for()
    assert [row[1] for row in _rows(explorer)] == [rows[0][1]]


def test_it_needs_no_network_and_prints_a_clean_page(explorer: Page, released: Path, browser: Browser) -> None:  # noqa: F811
    heard: list[str] = []
    page = browser.new_page()
    page.on("request", lambda request: heard.append(request.url))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("console", lambda message: heard.append(message.text))
    page.goto((released / "reports" / A / "explorer.html").as_uri())
    _rows(page)
    assert [url for url in heard if not url.startswith("file:")] == []
    page.emulate_media(media="print")
    assert not page.locator("#views").is_visible() and not page.locator(".tools").is_visible()
    assert page.locator("#table .tabulator-row").last.is_visible()
    page.close()
    assert serious_findings(explorer) == []

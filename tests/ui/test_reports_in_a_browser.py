"""The reports as a reader sees them: on a desk, on a phone, on paper, without JavaScript, in the dark."""

from __future__ import annotations

import re
import zlib
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page

from hcip_pipeline.release.synthetic_mark import marked_document
from tests.released_state import A, B, C, released, unreleased  # noqa: F401 - fixtures
from tests.scenario import npi
from tests.ui.browser import browser, serious_findings  # noqa: F401 - a fixture

pytestmark = pytest.mark.slow

PAGES = {
    "physician": f"reports/{A}/physicians/{npi(2)}.html",
    "physician on hold": f"reports/{C}/physicians/{npi(7)}.html",
    "committee": f"reports/{A}/oversight.html",
    "meeting": f"reports/{A}/meeting.html",
    "explorer": f"reports/{A}/explorer.html",
    "after the stay": f"reports/{A}/post_acute.html",
    "committee without protocol": f"reports/{C}/oversight.html",
    "statewide": "audit/statewide.html",
    "index": "reports/index.html",
    "audit": "audit/audit_report.html",
}
#: CSS pixels: a desk, a phone, and a letter page between its margins
WIDTHS = {"desktop": 1280, "phone": 390, "paper": 725}

_OVERFLOW = """() => [...document.querySelectorAll('body *')]
    .filter(e => !e.closest('.wide, .skip, svg, .tabulator') && e.getBoundingClientRect().right > innerWidth + 1)
    .map(e => e.tagName + '.' + e.className)"""


_MARGIN_BOXES = """() => [...document.styleSheets].flatMap(sheet => [...sheet.cssRules])
    .filter(rule => rule instanceof CSSPageRule).map(rule => rule.cssText)"""

#: folds whose name and figure are drawn over each other
_OVERLAPS = """() => [...document.querySelectorAll('details > summary')].filter(summary => {
    const figure = summary.querySelector('.n'), range = document.createRange();
    if (!figure) return false;
    range.setStart(summary, 0); range.setEndBefore(figure);
    const name = range.getBoundingClientRect(), other = figure.getBoundingClientRect();
    return name.right > other.left + 1 && name.bottom > other.top + 1 && other.bottom > name.top + 1;
}).map(summary => summary.textContent)"""


def _listen(page: Page) -> list[str]:
    """What the page complains of, and what it asks the network for."""
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("request", lambda request: None if request.url.startswith("file:") else heard.append(request.url))
    return heard


@pytest.mark.parametrize("name", PAGES)
def test_nothing_runs_over_the_edge_and_nothing_complains(released: Path, browser: Browser, name: str) -> None:  # noqa: F811
    for where, width in WIDTHS.items():
        page = browser.new_page(viewport={"width": width, "height": 900})
        complaints = _listen(page)
        if where == "paper":
            page.emulate_media(media="print")
        page.goto((released / PAGES[name]).as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width, where
        assert page.evaluate(_OVERFLOW) == [], where
        assert complaints == [], where
        page.close()


@pytest.mark.parametrize("hospital", [A, B, C])
def test_a_physicians_dashboard_prints_on_two_pages(released: Path, browser: Browser, hospital: str) -> None:  # noqa: F811
    page = browser.new_page()
    for path in sorted((released / "reports" / hospital / "physicians").iterdir()):
        page.goto(path.as_uri())
        printed = page.pdf(prefer_css_page_size=True, print_background=True)
        assert 1 <= len(re.findall(rb"/Type\s*/Page[^s]", printed)) <= 2, path.name
    page.close()


def test_invented_data_say_so_on_every_sheet_and_cover_no_text(
    released: Path,  # noqa: F811
    browser: Browser,  # noqa: F811
    tmp_path: Path,
) -> None:
    marked = tmp_path / "oversight.html"
    marked.write_bytes(marked_document((released / PAGES["committee"]).read_bytes(), "text/html"))
    page = browser.new_page(viewport={"width": WIDTHS["paper"], "height": 900})
    page.emulate_media(media="print")
    page.goto(marked.as_uri())
    printed = page.pdf(prefer_css_page_size=True, print_background=True)
    sheets = len(re.findall(rb"/Type\s*/Page[^s]", printed))
    streams = re.findall(rb"stream\r?\n(.*?)endstream", printed, re.DOTALL)
    red = [stream for stream in map(_inflated, streams) if b".541" in stream and b" rg" in stream]  # 0x8a of 0xff
    assert sheets > 1 and len(red) >= sheets
    boxes = "[...document.querySelectorAll('.synthetic-mark, h1')].map(e => e.getBoundingClientRect())"
    mark, heading = page.evaluate(f"{boxes}.map(b => [b.top, b.bottom])")
    assert mark[1] <= heading[0]
    page.close()


def _inflated(stream: bytes) -> bytes:
    try:
        return zlib.decompress(stream)
    except zlib.error:
        return b""


def test_everything_can_be_read_without_javascript(released: Path, browser: Browser) -> None:  # noqa: F811
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((released / PAGES["committee"]).as_uri())
    assert page.locator("#payments").is_visible()
    cell = page.locator("details table tbody th").first
    assert not cell.is_visible()
    page.locator("details summary").first.click()
    assert cell.is_visible()
    page.goto((released / PAGES["physician"]).as_uri())
    assert page.locator("svg.chart").first.is_visible()
    assert page.locator("svg.chart").first.bounding_box()["height"] > 100  # type: ignore[index]
    context.close()


def test_the_keyboard_reaches_what_opens_and_what_scrolls(released: Path, browser: Browser) -> None:  # noqa: F811
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.goto((released / PAGES["physician"]).as_uri())
    reached = []
    for _ in range(12):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.tagName + '.' + document.activeElement.className"))
    assert reached[0] == "A.skip"
    assert {"DIV.wide", "SUMMARY."} <= set(reached)
    page.locator("summary").focus()
    page.keyboard.press("Enter")
    assert page.locator("details table").is_visible()
    page.close()


def test_a_dark_screen_gets_dark_pages_and_paper_stays_white(released: Path, browser: Browser) -> None:  # noqa: F811
    page = browser.new_page(color_scheme="dark")
    background = "getComputedStyle(document.body).backgroundColor"
    for path in PAGES.values():
        page.emulate_media(media="screen")
        page.goto((released / path).as_uri())
        assert page.evaluate(background) == "rgb(17, 23, 29)", path
        page.emulate_media(media="print")
        assert page.evaluate(background) == "rgb(255, 255, 255)", path
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_no_page_kind_has_a_serious_finding_of_axe(
    released: Path,  # noqa: F811
    browser: Browser,  # noqa: F811
    name: str,
    scheme: Literal["light", "dark"],
) -> None:
    page = browser.new_page(color_scheme=scheme, viewport={"width": WIDTHS["desktop"], "height": 900})
    page.goto((released / PAGES[name]).as_uri())
    assert serious_findings(page) == []
    page.close()


def test_folds_are_open_on_paper(released: Path, browser: Browser) -> None:  # noqa: F811
    page = browser.new_page(viewport={"width": WIDTHS["paper"], "height": 900})
    page.goto((released / PAGES["committee"]).as_uri())
    inside = page.locator("details:not(.screen) table tbody th").first
    height = "element => element.getBoundingClientRect().height"
    page.emulate_media(media="print")
    assert inside.evaluate(height) > 0
    assert inside.evaluate("element => element.checkVisibility({contentVisibilityAuto: true})")
    page.close()


@pytest.mark.parametrize("name", ["committee", "meeting", "statewide", "audit"])
def test_every_sheet_has_its_number_and_its_release(released: Path, browser: Browser, name: str) -> None:  # noqa: F811
    page = browser.new_page()
    page.goto((released / PAGES[name]).as_uri())
    rules = page.evaluate(_MARGIN_BOXES)
    assert any('counter(page) " of " counter(pages)' in rule and "2025H2" in rule for rule in rules)
    page.close()


def test_no_texts_overlap_in_a_fold_on_a_phone(released: Path, browser: Browser) -> None:  # noqa: F811
    page = browser.new_page(viewport={"width": WIDTHS["phone"], "height": 900})
    page.goto((released / PAGES["committee"]).as_uri())
    assert page.evaluate(_OVERLAPS) == []
    page.close()

"""The reports in a browser: printed, without JavaScript, by keyboard (for the rest, see ``test_every_page_kind``)."""

from __future__ import annotations

import re
import zlib
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from hcip_pipeline.release.synthetic_mark import marked_document
from tests.released_state import A, B, C, released, unreleased  # noqa: F401 - fixtures
from tests.scenario import npi
from tests.ui.browser import browser  # noqa: F401 - a fixture

pytestmark = pytest.mark.slow

PAGES = {
    "physician": f"reports/{A}/physicians/{npi(2)}.html",
    "committee": f"reports/{A}/oversight.html",
    "meeting": f"reports/{A}/meeting.html",
    "statewide": "audit/statewide.html",
    "audit": "audit/audit_report.html",
}
#: widths in CSS pixels: a desktop, a phone, and a letter page between its margins
WIDTHS = {"desktop": 1280, "phone": 390, "paper": 725}

_MARGIN_BOXES = """() => [...document.styleSheets].flatMap(sheet => [...sheet.cssRules])
    .filter(rule => rule instanceof CSSPageRule).map(rule => rule.cssText)"""

#: summaries of details whose name and figure overlap
_OVERLAPS = """() => [...document.querySelectorAll('details > summary')].filter(summary => {
    const figure = summary.querySelector('.n'), range = document.createRange();
    if (!figure) return false;
    range.setStart(summary, 0); range.setEndBefore(figure);
    const name = range.getBoundingClientRect(), other = figure.getBoundingClientRect();
    return name.right > other.left + 1 && name.bottom > other.top + 1 && other.bottom > name.top + 1;
}).map(summary => summary.textContent)"""


@pytest.mark.parametrize("hospital", [A, B, C])
def test_a_physicians_dashboard_prints_on_two_pages(released: Path, browser: Browser, hospital: str) -> None:  # noqa: F811
    page = browser.new_page()
    for path in sorted((released / "reports" / hospital / "physicians").iterdir()):
        page.goto(path.as_uri())
        printed = page.pdf(prefer_css_page_size=True, print_background=True)
        assert 1 <= len(re.findall(rb"/Type\s*/Page[^s]", printed)) <= 2, path.name
    page.close()


def test_the_mark_of_synthetic_data_is_on_every_sheet_and_covers_no_text(
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


def test_the_keyboard_reaches_details_and_scrolling_tables(released: Path, browser: Browser) -> None:  # noqa: F811
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


def test_details_are_open_on_paper(released: Path, browser: Browser) -> None:  # noqa: F811
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


def test_no_texts_overlap_in_a_summary_on_a_phone(released: Path, browser: Browser) -> None:  # noqa: F811
    page = browser.new_page(viewport={"width": WIDTHS["phone"], "height": 900})
    page.goto((released / PAGES["committee"]).as_uri())
    assert page.evaluate(_OVERLAPS) == []
    page.close()

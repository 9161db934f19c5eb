"""Every kind of page that the product writes, in a browser: on a desktop, on a phone, in dark mode, on paper.

The kinds are taken from the templates; a new one without a case here fails. Each page is loaded once, with all details
open.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

import hcip_pipeline
from hcip_pipeline import cli
from hcip_pipeline.checks.expectations import suites
from hcip_pipeline.checks.expectations.page import expectations_page
from hcip_pipeline.checks.expectations.validation import ExpectationOutcome, SuiteResult
from hcip_pipeline.periods import PerformancePeriod
from tests.intake_submissions import QUARTER, Draft
from tests.made_pages import InterimReport, SparcsStudy, TexasStudy
from tests.released_state import A, C, released, unreleased  # noqa: F401 - fixtures
from tests.scenario import npi
from tests.settled_home import SettledHome
from tests.ui.browser import browser, serious_findings  # noqa: F401 - a fixture

PACKAGE = Path(hcip_pipeline.__file__).parent
#: template -> its cases
KINDS: dict[str, tuple[str, ...]] = {
    "audit_report": ("audit",),
    "data_quality": ("data quality",),
    "expectations": ("expectations",),
    "explorer": ("explorer",),
    "index": ("index",),
    "interim": ("interim",),
    "interim_index": ("interim index",),
    "meeting": ("meeting",),
    "oversight": ("committee", "committee without protocol"),
    "physician": ("physician", "physician on hold"),
    "post_acute": ("after the stay", "after the stay, from claims"),
    "release_index": ("release index",),
    "statewide": ("statewide",),
    "study": ("study of New York", "study of Texas"),
    "verdict": ("refused submission", "accepted submission"),
}
CASES = [case for cases in KINDS.values() for case in cases]

#: widths in CSS pixels: a desktop, a phone, and a letter page between its margins
DESKTOP, PHONE, PAPER = 1280, 390, 725
#: minimum size of text in a drawing, in CSS pixels
SMALLEST = 9

_OPEN_DETAILS = "document.querySelectorAll('details').forEach(details => details.open = true)"
_BACKGROUND = "getComputedStyle(document.body).backgroundColor"
_OVERFLOW = """() => [
    ...(document.documentElement.scrollWidth > innerWidth ? ['the page'] : []),
    ...[...document.querySelectorAll('body *')]
        .filter(e => !e.closest('.wide, .skip, svg, .tabulator') && e.getBoundingClientRect().right > innerWidth + 1)
        .map(e => e.tagName + '.' + e.className),
]"""
#: by then, the page has redrawn itself for another width
_NEXT_FRAME = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
#: texts in drawings whose size on the screen (font size times scale of the drawing) is too small
_SMALL = """smallest => [...document.querySelectorAll('svg text')].filter(text => {
    const scale = text.getScreenCTM().a, size = parseFloat(getComputedStyle(text).fontSize);
    return text.checkVisibility() && scale * size < smallest;
}).map(text => text.textContent.trim())"""


def _templates() -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.html.j2")}


def test_every_template_of_a_page_has_a_case() -> None:
    templates = _templates()
    used = re.compile(r"{%-?\s*(?:extends|include|import)\s+\"([^\"]+)\"")
    parts = {name for text in templates.values() for name in used.findall(text)}
    assert {name.removesuffix(".html.j2") for name in templates.keys() - parts} == set(KINDS)


@dataclass(frozen=True)
class Made:
    """The page of every case."""

    paths: dict[str, Path]


@pytest.fixture(scope="module")
def made(
    released: Path,  # noqa: F811
    settled_home: SettledHome,
    interim_report: InterimReport,
    sparcs_study: SparcsStudy,
    texas_study: TexasStudy,
    tmp_path_factory: pytest.TempPathFactory,
) -> Made:
    reports_a, reports_c = released / "reports" / A, released / "reports" / C
    settled = settled_home.release.folder
    interim = next(path for path in sorted(interim_report.folder.iterdir()) if path.is_dir())
    folder = tmp_path_factory.mktemp("pages")
    settled_reports = next((settled / "reports").glob("*/data_quality.html")).parent
    return Made(
        {
            "audit": released / "audit/audit_report.html",
            "data quality": settled_reports / "data_quality.html",
            "expectations": _expectations(folder),
            "explorer": reports_a / "explorer.html",
            "index": released / "reports/index.html",
            "interim": interim / "interim.html",
            "interim index": interim_report.folder / "index.html",
            "meeting": reports_a / "meeting.html",
            "committee": reports_a / "oversight.html",
            "committee without protocol": reports_c / "oversight.html",
            "physician": reports_a / f"physicians/{npi(2)}.html",
            "physician on hold": reports_c / f"physicians/{npi(7)}.html",
            "after the stay": reports_a / "post_acute.html",
            "after the stay, from claims": settled_reports / "post_acute.html",
            "release index": released / "audit/index.html",
            "statewide": released / "audit/statewide.html",
            "study of New York": sparcs_study.page,
            "study of Texas": texas_study.page,
            "refused submission": _verdict(
                folder, Draft(ccn="210043", count=100).set("discharges", 4, "apr_drg", "9Z9")
            ),
            "accepted submission": _verdict(folder, Draft(ccn="210043")),
        }
    )


def _verdict(folder: Path, draft: Draft) -> Path:
    """The page of ``hcip check`` on a submission."""
    place = folder / f"submission of {draft.count}"
    page = place / "page.html"
    sent = draft.write(place / str(QUARTER) / draft.ccn)
    with suppress(SystemExit):
        cli.main(["check", str(sent), "--html", str(page)])
    return page


def _expectations(folder: Path) -> Path:
    """A page with three real suites: one met, one not met, one without its file."""
    met, failed, absent = suites.of_submissions(QUARTER, 3)[:2] + suites.of_release(PerformancePeriod(2025, 1), 10)[:1]
    results = [
        SuiteResult(
            met, 12_345, tuple(ExpectationOutcome(each.statement, True, 12_345, 0) for each in met.expectations)
        ),
        SuiteResult(
            failed, 10, tuple(ExpectationOutcome(each.statement, False, 10, 2) for each in failed.expectations)
        ),
        SuiteResult(absent, None, tuple(ExpectationOutcome(each.statement, None) for each in absent.expectations)),
    ]
    page = folder / "expectations.html"
    page.write_text(expectations_page("Expectations of 2025Q1", "Of the accepted rows.", results), encoding="utf-8")
    return page


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:  # noqa: F811
    opened = browser.new_context(viewport={"width": DESKTOP, "height": 900})
    yield opened
    opened.close()


def _opened(context: BrowserContext, path: Path) -> tuple[Page, list[str]]:
    """The page with its details open, and its console messages, errors and network requests."""
    page = context.new_page()
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("request", lambda request: None if request.url.startswith("file:") else heard.append(request.url))
    page.goto(path.as_uri())
    page.evaluate(_OPEN_DETAILS)
    return page, heard


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_every_page_is_accessible_at_every_width_and_on_paper(context: BrowserContext, made: Made, case: str) -> None:
    page, heard = _opened(context, made.paths[case])
    try:
        assert serious_findings(page) == []
        page.emulate_media(color_scheme="dark")
        assert page.evaluate(_BACKGROUND) == "rgb(17, 23, 29)"
        assert serious_findings(page, "color-contrast") == [], "in dark mode"
        page.emulate_media(color_scheme="light")
        for width in (DESKTOP, PHONE):
            page.set_viewport_size({"width": width, "height": 900})
            page.evaluate(_NEXT_FRAME)
            assert page.evaluate(_OVERFLOW) == [], width
            assert page.evaluate(_SMALL, SMALLEST) == [], width
        page.emulate_media(media="print", color_scheme="dark")
        page.set_viewport_size({"width": PAPER, "height": 900})
        assert page.evaluate(_OVERFLOW) == [], "on paper"
        assert page.evaluate(_BACKGROUND) == "rgb(255, 255, 255)", "on paper"
        assert heard == []
    finally:
        page.close()

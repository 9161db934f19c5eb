"""A running Dagster UI of a home, and a headless Chromium to look at it.

Belongs here: starting both, opening pages, taking pictures. Does not belong here: what a page must show.

``python -m tests.ui.browsing HOME`` takes the pictures of ``docs/img`` from a home (``hcip demo`` makes one); pictures
of printed pages need poppler's ``pdftoppm``.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from hcip_pipeline.home.folders import Home

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
SIZE = (1440, 900)
_PATIENCE = 60_000  # milliseconds: pages draw late on a busy machine
IMAGES = Path(__file__).resolve().parents[2] / "docs" / "img"


def chromium() -> str | None:
    """Debian's browser, if it is installed."""
    return shutil.which("chromium")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class RunningInterface:
    """``hcip ui`` in its own process."""

    home: Home
    process: subprocess.Popen[str]
    address: str
    token: str

    @property
    def link(self) -> str:
        """The address that it prints, with the token."""
        return f"{self.address}/?token={self.token}"

    def query(self, query: str) -> Any:
        """The data of a GraphQL query or mutation."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}
        request = urllib.request.Request(f"{self.address}/graphql", json.dumps({"query": query}).encode(), headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())["data"]

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)


@contextmanager
def interface(home: Home) -> Iterator[RunningInterface]:
    """The UI of a home, as soon as it responds; stopped afterwards."""
    port = free_port()
    command = [sys.executable, "-c", "from hcip_pipeline.cli import main; main()", "ui"]
    command += ["--home", str(home.root), "--port", str(port)]
    threads = dict.fromkeys(("HCIP_THREADS", "POLARS_MAX_THREADS"), "4")  # tests use one; results are the same
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ | threads) as process:
        try:
            assert process.stderr is not None
            printed = []
            for line in process.stderr:
                printed.append(line)
                if found := re.search(r"the UI is at (http://127.0.0.1:\d+)/\?token=(\S+)", line):
                    break
            else:
                raise AssertionError("the UI did not start: " + "".join(printed))
            yield RunningInterface(home, process, found[1], found[2])
        finally:
            if process.poll() is None:
                process.terminate()


@contextmanager
def browser_page() -> Iterator[Page]:
    """A page of a headless Chromium that reaches only this machine."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        page = browser.new_page(viewport={"width": SIZE[0], "height": SIZE[1]})
        page.set_default_timeout(_PATIENCE)
        yield page
        browser.close()


def sign_in(page: Page, running: RunningInterface) -> None:
    """Open the printed address, which gives the browser its cookie."""
    page.goto(running.link)


def open_lineage(page: Page, address: str) -> None:
    """The whole graph, with groups as boxes."""
    page.goto(f"{address}/asset-groups")
    page.get_by_text(re.compile("^release$")).first.wait_for()


def open_vertical_lineage(page: Page, address: str) -> None:
    """The whole graph from top to bottom, in which larger letters fit the screen than from left to right."""
    open_lineage(page, address)
    if page.get_by_text("Hide navigation").is_visible():
        page.get_by_text("Hide navigation").click()
    page.locator("[aria-label=settings]").last.click()
    page.get_by_role("menuitem", name=re.compile("vertical orientation")).click()
    page.reload()
    page.get_by_text(re.compile("^release$")).last.wait_for()
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(1000)  # the graph moves into place


def open_group(page: Page, address: str, group: str) -> None:
    """The assets of one group, with their neighbors in other groups."""
    page.goto(f"{address}/locations/hcip/asset-groups/{group}/lineage")
    page.wait_for_load_state("networkidle")


def re_execute(page: Page, how: str) -> None:
    """Run it again, on the page of a run; ``how`` is an item of the button's menu."""
    button = page.get_by_role("button", name=re.compile("Re-execute"))
    button.wait_for()
    page.wait_for_load_state("networkidle")
    button.locator("xpath=following::button[1]").click()  # the arrow next to it
    page.get_by_role("menuitem", name=how).first.click()


def open_asset(page: Page, address: str, asset: str, view: str, **more: str) -> None:
    """A page of one asset: ``overview``, ``partitions``, ``events``, ``checks``, ``lineage``."""
    query = "&".join(f"{name}={value}" for name, value in {"view": view, **more}.items())
    page.goto(f"{address}/assets/{asset}?{query}")
    page.get_by_text(asset).first.wait_for()


def launch_backfill(page: Page, address: str, asset: str, partitions: tuple[str, ...]) -> None:
    """Select partitions in an asset's "Materialize" dialog and launch the backfill."""
    open_asset(page, address, asset, "partitions")
    page.wait_for_load_state("networkidle")
    page.get_by_role("button", name=re.compile("Materialize")).first.click()
    page.get_by_text("Select a partition or create one").click()
    for partition in partitions:
        page.get_by_placeholder("Filter partitions").fill(partition)
        page.get_by_role("menuitem", name=partition).click()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Launch backfill").click()


def show_plots(page: Page) -> None:
    """Show an asset's figures as lines, by partition, on its overview."""
    button = page.get_by_role("button", name="Plots").first
    button.scroll_into_view_if_needed()
    button.click()
    page.locator("canvas").first.scroll_into_view_if_needed()


def picture(page: Page, file: Path) -> None:
    """A picture of the screen."""
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(2500)  # lines are drawn after the boxes they connect
    page.screenshot(path=file)


def take_pictures(home: Home, folder: Path) -> None:
    """Lineage, the waterfall, the timeline, a half-year's partitions, checks and plots."""
    folder.mkdir(parents=True, exist_ok=True)
    with interface(home) as running, browser_page() as page:
        sign_in(page, running)
        open_vertical_lineage(page, running.address)
        picture(page, folder / "lineage.png")
        open_group(page, running.address, "waterfall")
        page.get_by_text("5_fee_schedule_cap").first.wait_for()
        picture(page, folder / "waterfall.png")
        page.goto(f"{running.address}/overview")
        page.get_by_text("settlement").first.wait_for()
        picture(page, folder / "timeline.png")
        open_asset(page, running.address, "incentives", "partitions", partition="2025H2")
        page.get_by_text("calculated incentive").first.wait_for()
        picture(page, folder / "partitions.png")
        open_asset(page, running.address, "release", "checks", checkDetail="nothing_is_held")
        page.get_by_text("nothing_is_held").first.wait_for()
        picture(page, folder / "checks.png")
        open_asset(page, running.address, "submissions", "overview")
        show_plots(page)
        picture(page, folder / "plots.png")


def take_report_pictures(reports: Path, hospital: str, npi: str, folder: Path) -> None:
    """Pages of a release: on a desktop, on a phone, and the first printed sheet."""
    own = reports / hospital
    pages = {
        "oversight": own / "oversight.html",
        "physician": own / "physicians" / f"{npi}.html",
        "statewide": reports.parent / "audit" / "statewide.html",
    }
    with browser_page() as page:
        for name, path in pages.items():
            page.goto(path.as_uri())
            for suffix, width, height in (("", 1000, 1180), ("_phone", 390, 1200)):
                page.set_viewport_size({"width": width, "height": height})
                page.screenshot(path=folder / f"{name}{suffix}.png")
            sheet = folder / f"{name}.pdf"
            page.pdf(path=sheet, prefer_css_page_size=True, print_background=True)
            size = ["-scale-to-x", "680", "-scale-to-y", "880"]
            print_ = ["pdftoppm", "-png", "-singlefile", *size, str(sheet), str(folder / f"{name}_print")]
            subprocess.run(print_, check=True)
            sheet.unlink()
        page.set_viewport_size({"width": 1440, "height": 1100})
        page.goto((own / "meeting.html").as_uri())
        page.screenshot(path=folder / "meeting.png")
        page.goto((own / "explorer.html").as_uri())
        page.screenshot(path=folder / "explorer.png")


if __name__ == "__main__":
    home, images = Home.locate(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else IMAGES
    newest = max(home.releases.glob("*/r*/reports"), key=lambda path: path.parts[-3:])
    # The fullest page is that of a physician with warning signs.
    page_with_signs = next(p for p in sorted(newest.glob("*/physicians/*.html")) if "Warning sign" in p.read_text())
    take_report_pictures(newest, page_with_signs.parts[-3], page_with_signs.stem, images)
    take_pictures(home, images)

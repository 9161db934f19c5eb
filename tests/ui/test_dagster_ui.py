"""The UI as people see it: ``hcip ui`` on a settled home, looked at by a headless Chromium, then stopped."""

from __future__ import annotations

import json
import os
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.settled_home import SettledHome
from tests.ui.browsing import RunningInterface, browser_page, chromium, interface, open_asset, open_lineage, show_plots

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dagster_ui")]
expect.set_options(timeout=60_000)


@pytest.fixture(scope="module")
def running(settled_home: SettledHome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningInterface]:
    if chromium() is None:
        if os.environ.get("CI"):
            pytest.fail("Chromium is not installed: .ci/run installs it")
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")
    home = settled_home.copy(tmp_path_factory.mktemp("ui") / "home", "inbox", "lake", "releases", "dagster")
    for path in home.dagster.rglob("*"):  # a database is written into: a copy, not a link
        if path.is_file():
            content = path.read_bytes()
            path.unlink()
            path.write_bytes(content)
    with interface(home) as started:
        yield started


@pytest.fixture(scope="module")
def page(running: RunningInterface) -> Iterator[Page]:
    with browser_page() as opened:
        yield opened


def test_the_lineage_shows_every_group(running: RunningInterface, page: Page) -> None:
    open_lineage(page, running.address)
    for group in ("hospital_intake", "cms_intake", "program_intake", "reference", "cases", "costs", "norms"):
        expect(page.get_by_text(re.compile(f"^{group}$")).first).to_be_visible()
    for group in ("incentives", "savings", "release"):
        expect(page.get_by_text(re.compile(f"^{group}$")).first).to_be_visible()


def test_a_half_year_shows_its_figures(running: RunningInterface, page: Page) -> None:
    open_asset(page, running.address, "release", "partitions", partition="2025H1")
    expect(page.get_by_text("Materialized (1)")).to_be_visible()
    for figure in ("calculated incentive", "final incentive", "payable", "held", "care partners"):
        expect(page.get_by_text(re.compile(f"^{figure}$")).first).to_be_visible()


def test_checks_are_shown_with_what_they_block(running: RunningInterface, page: Page) -> None:
    open_asset(page, running.address, "release", "checks")
    expect(page.get_by_text("Checks (5)")).to_be_visible()
    expect(page.get_by_text("This is a blocking asset check")).to_be_visible()
    open_asset(page, running.address, "hospital_submissions", "checks")
    expect(page.get_by_text("edit_d_key_repeated").first).to_be_attached()


def test_columns_have_their_meanings(running: RunningInterface, page: Page) -> None:
    open_asset(page, running.address, "incentives", "overview")
    expect(page.get_by_text("One row a care partner of a hospital.")).to_be_visible()
    expect(page.get_by_text("CMS certification number of the hospital").first).to_be_attached()


def test_figures_plot_over_quarters(running: RunningInterface, page: Page) -> None:
    open_asset(page, running.address, "hospital_submissions", "overview")
    show_plots(page)
    expect(page.get_by_text("total charges accepted").first).to_be_visible()
    expect(page.locator("canvas").first).to_be_visible()
    series = _query(
        running.address,
        '{assetNodeOrError(assetKey:{path:["hospital_submissions"]}){...on AssetNode{assetMaterializations(limit:20)'
        "{partition metadataEntries{label ...on FloatMetadataEntry{floatValue}}}}}}",
    )["assetNodeOrError"]["assetMaterializations"]
    charges = {
        event["partition"]: entry["floatValue"]
        for event in series
        for entry in event["metadataEntries"]
        if entry["label"] == "total charges accepted"
    }
    assert len(charges) == 6 and min(charges.values()) > 0


def test_it_stops_cleanly_with_all_its_processes(running: RunningInterface) -> None:
    children = _descendants(running.process.pid)
    assert len(children) >= 3
    assert running.stop() == 0
    assert not [process for process in children if Path(f"/proc/{process}").exists()]


def _query(address: str, query: str) -> Any:
    content = json.dumps({"query": query}).encode()
    request = urllib.request.Request(f"{address}/graphql", content, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())["data"]


def _descendants(process: int) -> list[int]:
    found = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True)
    children: dict[int, list[int]] = {}
    for line in found.stdout.splitlines():
        pid, parent = map(int, line.split())
        children.setdefault(parent, []).append(pid)
    waiting, seen = [process], []
    while waiting:
        below = children.get(waiting.pop(), [])
        seen += below
        waiting += below
    return seen

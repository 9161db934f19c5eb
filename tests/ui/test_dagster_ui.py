"""The UI as people see it: ``hcip ui`` on a settled home, viewed in a headless Chromium, then stopped."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from hcip_pipeline.assets.execution import settle
from hcip_pipeline.assets.published import groups, published
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.release.reading import releases_of
from tests.settled_home import PERIOD, SettledHome
from tests.ui.browsing import (
    SIZE,
    RunningInterface,
    browser_page,
    chromium,
    free_port,
    interface,
    launch_backfill,
    open_asset,
    open_group,
    open_lineage,
    open_vertical_lineage,
    re_execute,
    show_plots,
    sign_in,
)

pytestmark = pytest.mark.slow
expect.set_options(timeout=60_000)


@pytest.fixture(scope="module")
def home(settled_home: SettledHome, tmp_path_factory: pytest.TempPathFactory) -> Home:
    if chromium() is None:
        if os.environ.get("CI"):
            pytest.fail("Chromium is not installed: .ci/run installs it")
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")
    home = settled_home.copy(tmp_path_factory.mktemp("ui") / "home", "inbox", "lake", "releases", "dagster")
    settled_home.copy_base_year(home.root)
    for path in home.dagster.rglob("*"):  # the UI writes to the databases, so they must be copies, not links
        if path.is_file():
            content = path.read_bytes()
            path.unlink()
            path.write_bytes(content)
    return home


@pytest.fixture(scope="module")
def running(home: Home) -> Iterator[RunningInterface]:
    with interface(home) as started:
        yield started


@pytest.fixture(scope="module")
def page(running: RunningInterface) -> Iterator[Page]:
    with browser_page() as opened:
        sign_in(opened, running)
        yield opened


@pytest.fixture(scope="module")
def backfill(running: RunningInterface, page: Page) -> str:
    """A backfill launched in the UI. The daemon needs more than half a minute to notice it, and again to end it."""
    launch_backfill(page, running.address, "submissions", ("2024Q3", "2024Q4", "2025Q1"))
    query = "{partitionBackfillsOrError(limit:1){...on PartitionBackfills{results{id}}}}"
    (launched,) = _until(lambda: running.query(query)["partitionBackfillsOrError"]["results"])
    return str(launched["id"])


@pytest.mark.usefixtures("backfill")  # it runs in the background of the next tests
def test_the_lineage_shows_every_group(running: RunningInterface, page: Page) -> None:
    open_lineage(page, running.address)
    for group in groups():
        expect(page.get_by_text(re.compile(f"^{group}$")).first).to_be_visible()


def test_the_whole_vertical_lineage_fits_the_screen_in_readable_letters(running: RunningInterface, page: Page) -> None:
    open_vertical_lineage(page, running.address)
    for group in groups():
        box = page.get_by_text(re.compile(f"^{group}$")).last.bounding_box()  # the first is the side panel's
        assert box is not None and box["height"] >= 8, group
        assert box["x"] >= 0 and box["x"] + box["width"] <= SIZE[0] and box["y"] + box["height"] <= SIZE[1], group
    page.evaluate("localStorage.clear()")  # where the browser keeps the orientation


def test_the_lineage_of_the_waterfall_shows_where_the_fee_schedule_cap_is_applied(
    running: RunningInterface, page: Page
) -> None:
    open_group(page, running.address, "waterfall")
    for asset in published().values():
        if asset.group == "waterfall":
            name = page.get_by_text(re.compile(f"^{asset.name}$")).first  # the whole name, not cut off
            expect(name).to_be_visible()
            box = name.bounding_box()
            assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= SIZE[0], asset.name
    open_asset(page, running.address, "5_fee_schedule_cap", "overview")
    expect(page.get_by_text("the cap by the Medicare Physician Fee Schedule").first).to_be_visible()
    expect(page.get_by_text("int_waterfall_5_pfs_cap").first).to_be_attached()


def test_the_timeline_and_the_job_show_what_the_command_line_ran(running: RunningInterface, page: Page) -> None:
    page.goto(f"{running.address}/overview")
    for job in ("hospital_intake", "settlement"):
        expect(page.get_by_text(re.compile(f"^{job}$")).first).to_be_visible()
    page.goto(f"{running.address}/locations/hcip/jobs/settlement/runs")
    expect(page.get_by_text("Success").first).to_be_visible()
    expect(page.get_by_text("2025H1").first).to_be_visible()


def test_a_half_year_shows_its_figures(running: RunningInterface, page: Page) -> None:
    open_asset(page, running.address, "release", "partitions", partition="2025H1")
    expect(page.get_by_text("Materialized (1)")).to_be_visible()
    for figure in ("calculated incentive", "final incentive", "payable", "held", "care partners"):
        expect(page.get_by_text(re.compile(f"^{figure}$")).first).to_be_visible()


def test_checks_are_shown_with_what_they_block(running: RunningInterface, page: Page) -> None:
    open_asset(page, running.address, "release", "checks")
    expect(page.get_by_text("Checks (6)")).to_be_visible()
    expect(page.get_by_text("This is a blocking asset check")).to_be_visible()
    open_asset(page, running.address, "submissions", "checks")
    expect(page.get_by_text("discharges_edits").first).to_be_attached()


def test_columns_have_their_meanings(running: RunningInterface, page: Page) -> None:
    open_asset(page, running.address, "incentives", "overview")
    expect(page.get_by_text("One row per care partner of a hospital.")).to_be_visible()
    expect(page.get_by_text("CMS certification number of the hospital").first).to_be_attached()


def test_figures_plot_over_quarters(running: RunningInterface, page: Page) -> None:
    open_asset(page, running.address, "submissions", "overview")
    show_plots(page)
    expect(page.get_by_text("total charges accepted").first).to_be_visible()
    expect(page.locator("canvas").first).to_be_visible()
    series = running.query(
        '{assetNodeOrError(assetKey:{path:["submissions"]}){...on AssetNode{assetMaterializations(limit:20)'
        "{partition metadataEntries{label ...on FloatMetadataEntry{floatValue}}}}}}",
    )["assetNodeOrError"]["assetMaterializations"]
    charges = {
        event["partition"]: entry["floatValue"]
        for event in series
        for entry in event["metadataEntries"]
        if entry["label"] == "total charges accepted"
    }
    assert len(charges) == 6 and min(charges.values()) > 0


def test_no_page_of_another_site_changes_anything(running: RunningInterface, page: Page) -> None:
    """An image, a form, a fetch and a WebSocket, from another site and from another port of the same site."""
    running.query("mutation{setAutoMaterializePaused(paused:false)}")
    assert not _is_paused(running)
    pause = "mutation{setAutoMaterializePaused(paused:true)}"
    get = f"{running.address}/graphql?{urllib.parse.urlencode({'query': pause})}"
    attack = f"""<img src="{get}"><iframe name=f></iframe>
        <form id=form method=post enctype=text/plain target=f action="{running.address}/graphql?query={pause}">
        <input name='{{"query":"{pause}","x":"' value='"}}'></form>
        <script>
        window.failed = [];
        const end = name => () => window.failed.push(name);
        document.getElementById("form").submit();
        fetch("{get}", {{credentials: "include"}}).catch(end("get"));
        fetch("{running.address}/graphql", {{method: "POST", credentials: "include", body: '{{"query":"{pause}"}}',
            headers: {{"Content-Type": "application/json"}}}}).catch(end("post"));
        fetch("{running.address}/graphql", {{method: "POST", credentials: "include", mode: "no-cors",
            body: '{{"query":"{pause}"}}'}}).then(end("no-cors"), end("no-cors"));
        const socket = new WebSocket("{running.address.replace("http", "ws")}/graphql", "graphql-ws");
        socket.onopen = () => window.failed.push("OPEN");
        socket.onclose = end("socket");
        </script>"""
    port = free_port()
    browser = page.context.browser
    assert browser is not None
    own = browser.new_page()  # in the open browser, because a second one cannot run in this process
    sign_in(own, running)
    for site in (f"http://127.0.0.1:{port}", f"http://localhost:{port}"):
        own.route(f"{site}/*", lambda route: route.fulfill(body=attack, content_type="text/html"))
        own.goto(f"{site}/attack.html")
        own.wait_for_function("window.failed.length >= 4")
        assert sorted(own.evaluate("window.failed")) == ["get", "no-cors", "post", "socket"]
        assert not _is_paused(running)
    own.goto(running.address)
    opened = """() => new Promise(done => {
        const socket = new WebSocket(location.origin.replace("http", "ws") + "/graphql", "graphql-ws");
        socket.onopen = () => done(true); socket.onclose = () => done(false); })"""
    assert own.evaluate(opened) is True  # the UI's own page is allowed to
    running.query(pause)
    assert _is_paused(running)  # and so is anyone with the token
    own.close()


def test_raw_requests_without_the_token_or_for_another_host_reach_nothing(running: RunningInterface) -> None:
    port = int(running.address.rpartition(":")[2])
    own, bearer = f"Host: 127.0.0.1:{port}\r\n", f"Authorization: Bearer {running.token}\r\n"
    query = "GET /graphql?query=%7B__typename%7D HTTP/1.1\r\n"
    upgrade = "GET /graphql HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    upgrade += "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: graphql-ws\r\n"
    evil = "Origin: http://evil.example\r\n"
    assert _status(port, "GET /server_info HTTP/1.1\r\n" + own + bearer) == 200
    assert _status(port, "GET /server_info HTTP/1.1\r\n" + own) == 401
    assert _status(port, "GET /server_info HTTP/1.0\r\n" + bearer) == 421
    assert _status(port, f"GET /server_info HTTP/1.1\r\nHost: evil.example:{port}\r\n" + bearer) == 421
    assert _status(port, f"GET http://evil.example/server_info HTTP/1.1\r\n{own}{own}" + bearer) in (400, 421)
    assert _status(port, query + own + bearer) == 405
    assert _status(port, query.replace("graphql", "%67raphql") + own + bearer) == 405
    assert _status(port, query.replace("GET", "OPTIONS") + own + bearer) == 405
    assert _status(port, query.replace("GET", "POST") + own + bearer) == 415
    assert _status(port, upgrade + own + bearer) == 101
    assert _status(port, upgrade + own) == 403
    assert _status(port, upgrade + own + bearer + evil) == 403
    assert _status(port, upgrade + "Host: evil.example\r\n" + bearer) == 403


def test_a_failed_check_is_corrected_and_the_run_re_executed_from_failure(
    running: RunningInterface, home: Home, page: Page, backfill: str
) -> None:
    """A program file is refused without an earlier version: its check fails, and later steps do not run."""
    _until(lambda: [run for run in _runs_of(running, backfill) if run["status"] == "SUCCESS"])  # until it locks nothing
    file = home.inbox / "program" / str(PERIOD) / "payments.csv"
    file.write_text("hospital_ccn\nsomebody\n", encoding="utf-8")
    with pytest.raises(HcipError, match=r"payments\.csv"):
        settle(home, PERIOD)
    failed = _newest_run(running)
    assert failed["status"] == "FAILURE"
    page.goto(f"{running.address}/runs/{failed['id']}")
    expect(page.get_by_text("files_in_force").first).to_be_attached()
    expect(page.get_by_text("payments.csv").first).to_be_attached()
    open_asset(page, running.address, "program_files", "checks", checkDetail="files_in_force")
    expect(page.get_by_text("Correct the file in the inbox and re-execute from failure").first).to_be_attached()

    file.unlink()
    page.goto(f"{running.address}/runs/{failed['id']}")
    re_execute(page, "From failure")
    _until(lambda: _newest_run(running)["id"] != failed["id"])
    page.goto("about:blank")  # the page of a run redraws all the time, which costs more than the run
    second = _until(lambda: (run := _newest_run(running))["status"] in ("SUCCESS", "FAILURE") and run)
    assert second["status"] == "SUCCESS" and second["parentRunId"] == failed["id"]
    steps = {step["stepKey"] for step in _newest_run(running, "stepStats{stepKey}")["stepStats"]}
    assert "release" in steps and "policy" not in steps
    assert [folder.name for folder in releases_of(home, PERIOD)] == ["r1"]  # the same inputs, the same release


def _newest_run(running: RunningInterface, facts: str = "id status parentRunId") -> dict[str, Any]:
    query = '{runsOrError(filter:{pipelineName:"settlement"},limit:1){...on Runs{results{' + facts + "}}}}"
    found: dict[str, Any] = running.query(query)["runsOrError"]["results"][0]
    return found


def test_the_range_of_quarters_became_one_run(running: RunningInterface, backfill: str) -> None:
    query = f'{{partitionBackfillOrError(backfillId:"{backfill}"){{...on PartitionBackfill{{status}}}}}}'
    ends = ("COMPLETED_SUCCESS", "COMPLETED_FAILED", "FAILED")
    assert _until(
        lambda: (status := running.query(query)["partitionBackfillOrError"]["status"]) in ends and status
    ) == ("COMPLETED_SUCCESS")
    (run,) = _runs_of(running, backfill)
    tags = {entry["key"]: entry["value"] for entry in run["tags"]}
    assert tags["dagster/asset_partition_range_start"] == "2024Q3"
    assert tags["dagster/asset_partition_range_end"] == "2025Q1"


def _runs_of(running: RunningInterface, backfill: str) -> list[dict[str, Any]]:
    tag = f'{{key:"dagster/backfill",value:"{backfill}"}}'
    query = f"{{runsOrError(filter:{{tags:[{tag}]}}){{...on Runs{{results{{status tags{{key value}}}}}}}}}}"
    found: list[dict[str, Any]] = running.query(query)["runsOrError"]["results"]
    return found


def test_the_ui_stops_cleanly_with_all_its_processes(running: RunningInterface) -> None:
    children = _descendants(running.process.pid)
    assert len(children) >= 3
    assert running.stop() == 0
    end = time.monotonic() + 20  # the last ones have become children of init
    while (left := [process for process in children if _runs(process)]) and time.monotonic() < end:
        time.sleep(0.1)
    assert not left


def test_killing_the_ui_ends_its_processes(running: RunningInterface) -> None:
    """Its runs end too, as children of the code server. Uses the home after the other UI has stopped."""
    with interface(running.home) as killed:
        children = _descendants(killed.process.pid)
        assert len(children) >= 6
        killed.process.kill()
        killed.process.wait()
        end = time.monotonic() + 40
        while (left := [process for process in children if _runs(process)]) and time.monotonic() < end:
            time.sleep(0.1)
        assert not left


def _until(found: Callable[[], Any]) -> Any:
    """Wait until ``found`` returns something, and return it."""
    end = time.monotonic() + 300
    while not (result := found()):
        assert time.monotonic() < end, "nothing was found within five minutes"
        time.sleep(0.5)
    return result


def _is_paused(running: RunningInterface) -> bool:
    return bool(running.query("{instance{autoMaterializePaused}}")["instance"]["autoMaterializePaused"])


def _status(port: int, request: str) -> int:
    """The status code of a raw request."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall((request + "\r\n").encode())
        return int(connection.recv(4096).split()[1])


def _runs(process: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


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

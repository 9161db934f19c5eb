"""Alerts: to a program or an address, once, and never in the way of a run."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from hcip_pipeline.errors import HcipError
from hcip_pipeline.home import Home
from hcip_pipeline.operations.alerts import failure_alert, held_alert, tell
from hcip_pipeline.operations.settings import load_settings

FAILED = failure_alert("run-1", "settlement", "2025H1", HcipError("no rates", file="rates.csv", fix="send them"))
HELD = held_alert("2025H1/r1", 3, "1,234.50", {"HELD_NO_PFS_CAP": 3})


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def _settings(home: Home, text: str) -> None:
    (home.root / "settings.yaml").write_text(text, encoding="utf-8")


def _program(home: Home, body: str) -> str:
    file = home.root / "told.py"
    file.write_text(body, encoding="utf-8")
    return json.dumps([sys.executable, str(file)])


@pytest.fixture
def posted() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A web server's address, and what was posted to it; its first answer is an error."""
    received: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(500 if len(received) == 1 else 204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/secret", received
        server.shutdown()


def test_a_program_is_told_once_in_words_and_facts(home: Home) -> None:
    program = _program(home, "import sys; open(__file__ + '.out', 'a').write(sys.stdin.read() + '\\n')")
    _settings(home, f"alerts: [{{command: {program}}}]")
    assert [tell(home, FAILED), tell(home, FAILED), tell(home, HELD)] == [1, 0, 1]
    failed, held = map(json.loads, (home.root / "told.py.out").read_text().splitlines())
    assert failed["text"] == "settlement 2025H1 failed\nrates.csv: no rates\nWhat to do: send them"
    assert failed["facts"]["fix"] == "send them" and failed["home"] == str(home.root)
    assert held["title"] == "2025H1/r1 holds $1,234.50 of 3 care partners"


def test_only_what_is_wanted_is_told(home: Home) -> None:
    _settings(home, f"alerts: [{{command: {_program(home, '')}, when: [held]}}]")
    assert (tell(home, FAILED), tell(home, HELD)) == (0, 1)


def test_an_address_is_tried_again_and_stays_secret(
    home: Home, posted: tuple[str, list[dict[str, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, received = posted
    monkeypatch.setenv("TEAM_ALERTS", address)
    _settings(home, "alerts: [{webhook_from: TEAM_ALERTS}]")
    said: list[str] = []
    assert tell(home, HELD, said.append) == 1
    assert len(received) == 2 and received[0] == received[1]
    assert "could not be told (try 1 of 3)" in said[0] and "told TEAM_ALERTS" in said[1]
    assert "secret" not in "".join(said)


def test_what_cannot_be_delivered_fails_nothing_and_is_tried_with_the_next(home: Home) -> None:
    _settings(home, f"alerts: [{{command: {_program(home, 'raise SystemExit(3)')}}}, {{webhook_from: NOT_SET}}]")
    said: list[str] = []
    assert tell(home, FAILED, said.append) == 0
    assert "it ended with exit code 3" in said[0] and "NOT_SET is not set" in said[-1]
    _settings(home, f"alerts: [{{command: {_program(home, '')}}}]")
    assert tell(home, FAILED) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("alarms: []", "alarms: unknown key"),
        ("alerts: [{}]", "name one of command, webhook and webhook_from"),
        ("alerts: [{webhook: 'ftp://x'}]", "begins with https://"),
        ("alerts: [{command: [x], when: [lunch]}]", "alerts.0.when.0"),
    ],
)
def test_settings_that_mean_nothing_are_refused(home: Home, text: str, said: str) -> None:
    _settings(home, text)
    with pytest.raises(HcipError, match=said.replace("[", r"\[")):
        load_settings(home)


def test_no_settings_tell_nobody(home: Home) -> None:
    assert tell(home, FAILED) == 0 and not (home.root / "alerts").exists()

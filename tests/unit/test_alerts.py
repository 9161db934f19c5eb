"""Alerts are sent to a program or an address, once, and never disturb a run."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from hcip_pipeline.alerting import alerts
from hcip_pipeline.alerting.alerts import failure_alert, held_alert, send_alert
from hcip_pipeline.alerting.settings import load_settings
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home

FAILED = failure_alert("run-1", "settlement", "2025H1", HcipError("no rates", file="rates.csv", fix="send them"))
HELD = held_alert("2025H1/r1", 3, "1,234.50", {"HELD_NO_PFS_CAP": 3})


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def _settings(home: Home, text: str) -> None:
    (home.root / "settings.yaml").write_text(text, encoding="utf-8")


def _program(home: Home, body: str) -> str:
    file = home.root / "alerted.py"
    file.write_text(body, encoding="utf-8")
    return json.dumps([sys.executable, str(file)])


@pytest.fixture
def posted() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A web server's address and what is posted to it. Its first response is an error."""
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


def test_a_program_gets_each_alert_once_as_text_and_facts(home: Home) -> None:
    program = _program(home, "import sys; open(__file__ + '.out', 'a').write(sys.stdin.read() + '\\n')")
    _settings(home, f"alerts: [{{command: {program}}}]")
    assert [send_alert(home, FAILED), send_alert(home, FAILED), send_alert(home, HELD)] == [1, 0, 1]
    failed, held = map(json.loads, (home.root / "alerted.py.out").read_text().splitlines())
    assert failed["text"] == "settlement 2025H1 failed\nrates.csv: no rates\nWhat to do: send them"
    assert failed["facts"]["fix"] == "send them" and failed["home"] == str(home.root)
    assert held["title"] == "2025H1/r1 holds $1,234.50 for 3 care partners"


def test_only_the_wanted_alerts_are_sent(home: Home) -> None:
    _settings(home, f"alerts: [{{command: {_program(home, '')}, when: [held]}}]")
    assert (send_alert(home, FAILED), send_alert(home, HELD)) == (0, 1)


@pytest.mark.slow  # waits
def test_an_address_is_tried_again_and_stays_secret(
    home: Home, posted: tuple[str, list[dict[str, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, received = posted
    monkeypatch.setenv("TEAM_ALERTS", address)
    _settings(home, "alerts: [{webhook_from: TEAM_ALERTS}]")
    messages: list[str] = []
    assert send_alert(home, HELD, messages.append) == 1
    assert len(received) == 2 and received[0] == received[1]
    assert "could not be delivered (attempt 1 of 3)" in messages[0] and "alert sent to TEAM_ALERTS" in messages[1]
    assert "secret" not in "".join(messages)


@pytest.mark.slow  # waits
def test_an_alert_that_cannot_be_delivered_raises_nothing_and_is_tried_again(home: Home) -> None:
    _settings(home, f"alerts: [{{command: {_program(home, 'raise SystemExit(3)')}}}, {{webhook_from: NOT_SET}}]")
    messages: list[str] = []
    assert send_alert(home, FAILED, messages.append) == 0
    assert "it ended with exit code 3" in messages[0] and "NOT_SET is not set" in messages[-1]
    _settings(home, f"alerts: [{{command: {_program(home, '')}}}]")
    assert send_alert(home, FAILED) == 1


@pytest.mark.parametrize(
    ("text", "reported"),
    [
        ("alarms: []", "alarms: unknown key"),
        ("alerts: [{}]", "name exactly one of command, webhook and webhook_from"),
        ("alerts: [{webhook: 'ftp://x'}]", "does not begin with https://"),
        ("alerts: [{command: [x], when: [lunch]}]", "alerts.0.when.0"),
    ],
)
def test_contradictory_or_incomplete_settings_are_refused(home: Home, text: str, reported: str) -> None:
    _settings(home, text)
    with pytest.raises(HcipError, match=reported.replace("[", r"\[")):
        load_settings(home)


def test_without_settings_no_alert_is_sent(home: Home) -> None:
    assert send_alert(home, FAILED) == 0 and not (home.root / "alerts").exists()


@pytest.mark.parametrize(
    "address",
    ["http://example.org/x", "file:///etc/passwd", "ftp://example.org/", "data:,x", "https://", "https:///x", "https:x",
     "example.org", "https://a:b@example.org/", "https://example.org:99999/", "https://exa mple.org/",
     "https://example.org/\\n\\rX: y", "http://127.0.0.1.example.org/", "http://localhost@example.org/",
     "https://[::1/"],
)  # fmt: skip
@pytest.mark.parametrize("is_secret", [False, True])
def test_a_forbidden_address_is_refused_when_settings_are_read(
    home: Home, monkeypatch: pytest.MonkeyPatch, address: str, is_secret: bool
) -> None:
    monkeypatch.setenv("TEAM_ALERTS", address.encode().decode("unicode_escape"))
    _settings(home, "alerts: [{webhook_from: TEAM_ALERTS}]" if is_secret else f'alerts: [{{webhook: "{address}"}}]')
    with pytest.raises(HcipError, match="address") as refused:
        load_settings(home)
    if is_secret:
        assert address not in str(refused.value) and "TEAM_ALERTS" in str(refused.value)
    assert send_alert(home, FAILED) == 0


@pytest.mark.parametrize(
    "address", ["https://example.org/a?b=c", "http://localhost:1/", "http://127.9.9.9/", "http://[::1]:1/"]
)
def test_https_and_this_machine_are_allowed(home: Home, address: str) -> None:
    _settings(home, f"alerts: [{{webhook: '{address}'}}]")
    assert load_settings(home).alerts[0].address() == address


@pytest.mark.parametrize("where", ["load_settings", "_send_to_target"])
@pytest.mark.parametrize("raised", [RuntimeError("x"), MemoryError(), UnicodeError(), OSError(5, "input/output error")])
def test_no_error_of_an_alert_reaches_the_run(
    home: Home, monkeypatch: pytest.MonkeyPatch, where: str, raised: Exception
) -> None:
    _settings(home, "alerts: [{webhook: 'https://example.org/'}]")

    def fail(*_: object) -> None:
        raise raised

    monkeypatch.setattr(alerts, where, fail)
    assert send_alert(home, FAILED) == 0
    assert send_alert(home, FAILED, fail) == 0  # not even an error of the report


def _answering(answer: bytes, *, drip: bool = False) -> tuple[socket.socket, str, list[bytes]]:
    """A server that responds with these bytes to everything; with ``drip``, one byte every tenth of a second."""
    listening, received = socket.create_server(("127.0.0.1", 0)), []

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listening.accept()
                with connection, contextlib.suppress(OSError):
                    received.append(connection.recv(65536))
                    for byte in answer if drip else ():
                        connection.sendall(bytes([byte]))
                        time.sleep(0.1)
                    connection.sendall(b"" if drip else answer)

    threading.Thread(target=serve, daemon=True).start()
    return listening, f"http://127.0.0.1:{listening.getsockname()[1]}/secret", received


@pytest.mark.slow  # waits
@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"garbage\r\n\r\n", "is not valid HTTP"),
        (b"", "cannot be reached|is not valid HTTP"),
        (b"HTTP/1.1 999999 x\r\n\r\n", "is not valid HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 500, "is not valid HTTP"),
        (b"HTTP/1.1 302 Found\r\nLocation: ELSEWHERE\r\nContent-Length: 0\r\n\r\n", "status 302"),
        (b"HTTP/1.1 307 x\r\nLocation: ELSEWHERE\r\nContent-Length: 0\r\n\r\n", "status 307"),
        (b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n", "status 302"),
    ],
)
def test_any_response_but_success_counts_as_not_delivered(
    home: Home, monkeypatch: pytest.MonkeyPatch, answer: bytes, why: str
) -> None:
    monkeypatch.setattr(alerts, "_TRIES", 1)
    elsewhere, other_address, reached = _answering(b"HTTP/1.1 204 x\r\n\r\n")
    here, address, _ = _answering(answer.replace(b"ELSEWHERE", other_address.encode()))
    _settings(home, f"alerts: [{{webhook: '{address}'}}]")
    messages: list[str] = []
    with here, elsewhere:
        assert send_alert(home, FAILED, messages.append) == 0
    assert re.search(why, messages[0]) and "secret" not in messages[0] and not reached
    assert not list((home.root / "alerts").iterdir())  # so the next run tries again


@pytest.mark.slow  # waits
def test_a_slow_response_and_a_slow_program_are_ended_in_time(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dripping response, a program whose child keeps its pipes open, and a third target that still gets its turn."""
    monkeypatch.setattr(alerts, "TOTAL_SECONDS", 6.0)
    child = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']).wait()"
    quick = home.root / "quick.py"
    quick.write_text("open(__file__ + '.out', 'w').write('posted')")
    here, address, _ = _answering(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 10_000, drip=True)
    last = json.dumps([sys.executable, str(quick)])
    _settings(home, f"alerts: [{{webhook: '{address}'}}, {{command: {_program(home, child)}}}, {{command: {last}}}]")
    messages: list[str] = []
    began = time.monotonic()
    with here:
        assert send_alert(home, FAILED, messages.append) == 1
    assert time.monotonic() - began < 20 and sum("took too long" in line for line in messages) == 2
    assert (home.root / "quick.py.out").exists()

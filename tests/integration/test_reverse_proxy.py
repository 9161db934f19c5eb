"""The reverse proxy of docs/deployment.md: nginx with exactly its text, and requests that must not get through."""

from __future__ import annotations

import base64
import contextlib
import http.server
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.ui.browsing import free_port

_DEPLOYMENT = Path(__file__).resolve().parents[2] / "docs" / "deployment.md"
_NAME = "hcip.example.org"
_PASSWORD = "Authorization: Basic " + base64.b64encode(b"operator:correct horse").decode()
_OWN = f"Origin: https://{_NAME}"
_JSON = "Content-Type: application/json"
_SOCKET = ("Connection: Upgrade", "Upgrade: websocket")


@dataclass(frozen=True)
class _Proxy:
    port: int
    reached: list[str]

    def status(self, line: str, *headers: str, host: str = _NAME, name: str = _NAME) -> int:
        """The status of a request, or 0 if the handshake is refused."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        request = "\r\n".join((f"{line} HTTP/1.1", f"Host: {host}", *headers, "Content-Length: 0", "", ""))
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as plain:
            try:
                with context.wrap_socket(plain, server_hostname=name) as secure:
                    secure.sendall(request.encode())
                    return int(secure.recv(4096).split()[1])
            except ssl.SSLError:
                return 0


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Proxy]:
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if nginx is None or shutil.which("openssl") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("nginx is not installed: .ci/run installs it")
        pytest.skip("nginx or openssl is not installed (Debian: apt-get install nginx-light openssl)")
    folder = tmp_path_factory.mktemp("nginx")
    text = re.search(r"<!-- tested: nginx\.conf -->\n```nginx\n(.*?)```", _DEPLOYMENT.read_text("utf-8"), re.DOTALL)
    assert text is not None
    reached: list[str] = []
    application = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _application(reached))
    threading.Thread(target=application.serve_forever, daemon=True).start()
    port, certificate, key = free_port(), folder / "hcip.crt", folder / "hcip.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", f"/CN={_NAME}", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    hashed = subprocess.run(
        ["openssl", "passwd", "-apr1", "correct horse"], check=True, capture_output=True, text=True
    ).stdout.strip()
    (folder / "hcip.htpasswd").write_text(f"operator:{hashed}\n")
    here = {
        "listen 443": f"listen 127.0.0.1:{port}",
        "/etc/ssl/hcip.crt": str(certificate),
        "/etc/ssl/hcip.key": str(key),
        "/etc/nginx/hcip.htpasswd": str(folder / "hcip.htpasswd"),
        "127.0.0.1:3000": f"127.0.0.1:{application.server_port}",
    }
    rules = text[1]
    for written, replacement in here.items():
        assert written in rules
        rules = rules.replace(written, replacement)
    places = "".join(
        f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    owner = "user root;\n" if os.getuid() == 0 else ""  # the password file is in a folder of this account
    main = f"{owner}daemon off;\npid {folder}/pid;\nerror_log {folder}/error.log;\nevents {{}}\n"
    (folder / "nginx.conf").write_text(f"{main}http {{\naccess_log off;\n{places}{rules}}}\n")
    with subprocess.Popen([nginx, "-c", folder / "nginx.conf", "-e", folder / "error.log"]) as process:
        _wait_for(port, process)
        yield _Proxy(port, reached)
        process.terminate()
    application.shutdown()


def _application(reached: list[str]) -> type[http.server.BaseHTTPRequestHandler]:
    class Application(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            reached.append(f"{self.command} {self.path} {self.headers['Authorization']}")
            upgrade = self.headers["Upgrade"] == "websocket" and self.headers["Connection"] == "upgrade"
            self.send_response(101 if upgrade else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_HEAD = do_POST = do_PUT = do_OPTIONS = answer  # noqa: N815 - http.server's names

        def log_message(self, *_: object) -> None: ...

    return Application


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
            return
        time.sleep(0.05)
    pytest.fail("nginx did not start")


def test_an_operator_is_let_through(proxy: _Proxy) -> None:
    assert proxy.status("GET /", _PASSWORD) == 200
    assert proxy.status("GET /assets/graphql_x", _PASSWORD, "Sec-Fetch-Site: none") == 200
    assert proxy.status("POST /graphql", _PASSWORD, _JSON, _OWN, "Sec-Fetch-Site: same-origin") == 200
    assert proxy.status("POST /graphql", _PASSWORD, _JSON + "; charset=utf-8", _OWN) == 200
    assert proxy.status("GET /graphql", _PASSWORD, *_SOCKET, _OWN) == 101
    link = ("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate")
    assert proxy.status("GET /", _PASSWORD, *link) == 200
    assert all(request.endswith(" None") for request in proxy.reached)  # the password is not passed on


@pytest.mark.parametrize(
    ("line", "headers"),
    [
        ("GET /", []),
        ("GET /", [_PASSWORD[:-4]]),
        ("GET /graphql?query=mutation", [_PASSWORD]),
        ("HEAD /graphql?query=mutation", [_PASSWORD]),
        ("GET /%67raphql/?query=mutation", [_PASSWORD]),
        ("GET //x/../graphql?query=mutation", [_PASSWORD]),
        ("GET /graphql?query=mutation", [_PASSWORD, "Upgrade: h2c"]),
        ("GET /", [_PASSWORD, "Origin: https://evil.example"]),
        ("GET /", [_PASSWORD, "Origin: null"]),
        ("GET /", [_PASSWORD, "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"]),
        ("POST /graphql", [_PASSWORD, _JSON, "Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: navigate"]),
        ("POST /graphql", [_PASSWORD, _JSON, "Origin: https://hcip.example.org.evil.example"]),
        ("POST /graphql", [_PASSWORD, _OWN]),
        ("POST /graphql", [_PASSWORD, _OWN, "Content-Type: text/plain"]),
        ("POST /graphql", [_PASSWORD, _OWN, "Content-Type: application/graphql"]),
        ("POST /report_asset_materialization/x", [_PASSWORD, "Content-Type: text/plain; application/json"]),
        ("PUT /", [_PASSWORD, _JSON]),
        ("OPTIONS /graphql", [_PASSWORD, _JSON]),
        ("GET /graphql", [_PASSWORD, *_SOCKET, "Origin: https://evil.example"]),
    ],
)
def test_requests_without_password_or_origin_are_refused(proxy: _Proxy, line: str, headers: list[str]) -> None:
    before = len(proxy.reached)
    assert proxy.status(line, *headers) in (401, 403, 405, 415)
    assert len(proxy.reached) == before


def test_requests_to_another_host_name_are_refused(proxy: _Proxy) -> None:
    before = len(proxy.reached)
    assert proxy.status("GET /", _PASSWORD, name="evil.example") == 0
    assert proxy.status("GET /", _PASSWORD, host="evil.example") == 421
    assert len(proxy.reached) == before

"""The Dagster UI of a home: code server, webserver and daemon, started together and stopped together.

Belongs here: the lifetime of those processes. Does not belong here: what they show (``assets``), or which requests the
webserver accepts (``ui_gate``).
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from hcip_pipeline.alerting.settings import Settings
from hcip_pipeline.errors import HcipError
from hcip_pipeline.files.scratch import scratch_folder
from hcip_pipeline.home.folders import Home
from hcip_pipeline.operations import supervised
from hcip_pipeline.operations.ui_gate import ACCESS_VARIABLE, Access, own_origins
from hcip_pipeline.warehouse.column_lineage import has_column_lineage

_LOCATION, _MODULE = "hcip", "hcip_pipeline.definitions"
_STOP_SECONDS = 15
_START_SECONDS = 180
_LOOK_AGAIN_SECONDS = 0.2
_BACKLOG = 128
_ANY_ADDRESS = ("0.0.0.0", "::", "")


@dataclass(frozen=True)
class Listener:
    """Where the UI listens, and at which address people reach it.

    Args:
        host: name or address to listen on.
        public_url: the address of a reverse proxy in front of it, ``https://host[:port]``; empty if there is none.
    """

    host: str
    port: int
    public_url: str = ""

    @property
    def is_local(self) -> bool:
        """Whether only programs on this machine can reach it directly."""
        return self.host in ("127.0.0.1", "localhost", "::1")

    def open(self) -> socket.socket:
        """The listening socket.

        Raises:
            HcipError: the port or the address cannot be used.
        """
        try:
            family, *_, address = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)[0]
            return socket.create_server((address[0], self.port), family=family, backlog=_BACKLOG)
        except OSError as error:
            raise HcipError(
                f"port {self.port} of {self.host} cannot be used: {error.strerror}", fix="name another port with --port"
            ) from error

    def access(self) -> Access:
        """The addresses of the UI, with a new token."""
        everywhere = [socket.gethostname(), socket.getfqdn(), "127.0.0.1"]
        hosts = everywhere if self.host in _ANY_ADDRESS else [self.host]
        return Access(own_origins(hosts, self.port, self.public_url))


@dataclass
class _Parts:
    """The processes of the UI."""

    folder: Path
    log: Path
    variables: Mapping[str, str]
    output: IO[bytes]
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    optional: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(
        self, name: str, *command: str, listener: socket.socket | None = None, access: str = "", optional: bool = False
    ) -> None:
        """Start a part in its own session. It ends when this process ends, for whatever reason.

        Args:
            listener: a socket that the part takes over.
            access: the rules of the webserver, passed to no other part.
            optional: the part may end by itself.
        """
        process = subprocess.Popen(
            supervised.command_line(str(self.folder), *command),
            env=dict(self.variables) | ({ACCESS_VARIABLE: access} if access else {}),
            stdin=subprocess.PIPE,
            stdout=self.output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=(listener.fileno(),) if listener else (),
        )
        (self.optional if optional else self.running)[name] = process

    def wait(self, ready: Callable[[], bool], stopped: list[int], seconds: int | None = _START_SECONDS) -> None:
        """Wait until the parts are ready, or the user stops them.

        Raises:
            HcipError: a part ended, or the start took too long.
        """
        end = time.monotonic() + (seconds or 0)
        while not stopped and not ready():
            for name, process in self.running.items():
                if process.poll() is not None:
                    last = " ".join(self.log.read_text(encoding="utf-8", errors="replace").split())[-600:]
                    raise HcipError(
                        f"the {name} ended with exit code {process.returncode}: …{last}",
                        file=self.log,
                        fix="correct that and start `hcip ui` again",
                    )
            if seconds is not None and time.monotonic() > end:
                raise HcipError(
                    f"the UI did not start within {seconds} seconds", file=self.log, fix="see the message there"
                )
            time.sleep(_LOOK_AGAIN_SECONDS)

    def stop(self) -> None:
        """Ask every part and its children to end, the code server last, and kill those that do not."""
        parts = self.running | self.optional
        for name in sorted(parts, key=lambda name: name == "code server"):
            process = parts[name]
            _signal(process, signal.SIGTERM if name == "code server" else signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(_STOP_SECONDS)
            _signal(process, signal.SIGKILL)
            process.wait()


def environment(home: Home, settings: Settings, base_year: int | None) -> dict[str, str]:
    """Environment variables of the processes: the home, and what the definitions need to know when they load."""
    own = {
        "HCIP_HOME": str(home.root),
        "DAGSTER_HOME": str(home.dagster),
        "HCIP_AUTOMATION": "1" if settings.automation else "",
        "HCIP_SETTLE_SECONDS": str(settings.settle_seconds),
        "HCIP_BASE_YEAR": str(base_year or ""),
        "DO_NOT_TRACK": "1",
    }
    return dict(os.environ) | own


def serve(home: Home, variables: Mapping[str, str], listener: Listener, report: Callable[[str], None]) -> None:
    """Start all parts, and stop them when this process gets a signal (SIGINT, SIGTERM) or one of them ends.

    Raises:
        HcipError: the port is in use, or a part ended by itself; the message has the last lines of the log.
    """
    access = listener.access()
    log = home.dagster / "ui.log"
    with (
        listener.open() as accepting,
        scratch_folder("ui") as folder,
        _stopping_on_signals() as stopped,
        log.open("wb") as output,
    ):
        server = folder / "code.sock"
        workspace = folder / "workspace.yaml"
        workspace.write_text(
            f"load_from:\n  - grpc_server: {{socket: {server}, location_name: {_LOCATION}}}\n", encoding="utf-8"
        )
        python = (sys.executable, "-m")
        # Temporary files of the processes are in here too: they go with the folder, even if the processes are killed.
        temporary = folder / "tmp"
        temporary.mkdir()
        parts = _Parts(folder, log, {**variables, "TMPDIR": str(temporary)}, output)
        try:
            # The webserver and the daemon share one code server, so the definitions are loaded once.
            parts.start("code server", *python, "dagster", "api", "grpc", "--socket", str(server), "-m", _MODULE)
            report("loading the definitions")
            parts.wait(server.exists, stopped)
            rules = json.dumps({"origins": access.origins, "token": access.token})
            webserver = (*python, "hcip_pipeline.operations.webserver", str(accepting.fileno()), str(workspace))
            parts.start("webserver", *webserver, listener=accepting, access=rules)
            parts.start("daemon", _script("dagster-daemon"), "run", "-w", str(workspace))
            parts.wait(lambda: _answers(accepting, access), stopped)
            if not stopped:
                report(f"the UI is at {access.link} (log of its processes: {log}); Ctrl-C ends it")
                if not (listener.is_local or listener.public_url):
                    report(
                        "anyone on the network can read traffic: see docs/deployment.md for a reverse proxy with TLS"
                    )
            if not has_column_lineage():
                parts.start("column lineage", *python, "hcip_pipeline.warehouse.column_lineage", optional=True)
            parts.wait(lambda: False, stopped, seconds=None)
        finally:
            report("stopping")
            parts.stop()


def _answers(accepting: socket.socket, access: Access) -> bool:
    host, port = accepting.getsockname()[:2]
    connection = http.client.HTTPConnection(host, port, timeout=5)
    headers = {"Host": urlsplit(access.origins[-1]).netloc, "Authorization": f"Bearer {access.token}"}
    with suppress(OSError, http.client.HTTPException), closing(connection):
        connection.request("GET", "/server_info", headers=headers)
        return connection.getresponse().status == HTTPStatus.OK
    return False


def _script(name: str) -> str:
    """A command that a dependency installs next to this interpreter."""
    found = shutil.which(name, path=os.pathsep.join((sysconfig.get_path("scripts"), os.environ.get("PATH", ""))))
    if found is None:
        raise HcipError(f"{name} is not installed", fix="install the program again with all its dependencies")
    return found


@contextmanager
def _stopping_on_signals() -> Iterator[list[int]]:
    """A list that stays empty until a signal to stop arrives."""
    received: list[int] = []
    before = {
        number: signal.signal(number, lambda number, _frame: received.append(number))
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)

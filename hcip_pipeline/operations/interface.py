"""The Dagster UI of a home: code server, webserver and daemon, started together and stopped together.

Belongs here: those processes, from the first to the last. Does not belong here: what they show (``assets``).
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from hcip_pipeline.errors import HcipError
from hcip_pipeline.home import Home
from hcip_pipeline.operations.settings import Settings
from hcip_pipeline.warehouse.column_lineage import has_column_lineage

_LOCATION, _MODULE = "hcip", "hcip_pipeline.definitions"
_STOP_SECONDS = 15
_START_SECONDS = 180
_LOOK_AGAIN_SECONDS = 0.2
_SET_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG


def environment(home: Home, settings: Settings, base_year: int | None) -> dict[str, str]:
    """What the processes are told: the home, and what the definitions must know before they read it."""
    told = {
        "HCIP_HOME": str(home.root),
        "DAGSTER_HOME": str(home.dagster),
        "HCIP_AUTOMATION": "1" if settings.automation else "",
        "HCIP_SETTLE_SECONDS": str(settings.settle_seconds),
        "HCIP_BASE_YEAR": str(base_year or ""),
        "DO_NOT_TRACK": "1",
    }
    return dict(os.environ) | told


def serve(
    home: Home,
    variables: Mapping[str, str],
    host: str,
    port: int,
    said: Callable[[str], None],
) -> None:
    """Start everything, and stop everything when this process is asked to (SIGINT, SIGTERM) or a part of it ends.

    Raises:
        HcipError: the port is taken, or a part ended by itself; what it said last is in the message.
    """
    _check_port(host, port)
    with tempfile.TemporaryDirectory(prefix="hcip-ui-") as folder, _stopping_on_signals() as stopped:
        place = Path(folder)
        server = place / "code.sock"
        workspace = place / "workspace.yaml"
        workspace.write_text(
            f"load_from:\n  - grpc_server: {{socket: {server}, location_name: {_LOCATION}}}\n", encoding="utf-8"
        )
        python = [sys.executable, "-m"]
        parts: dict[str, subprocess.Popen[bytes]] = {}
        beside: subprocess.Popen[bytes] | None = None
        log = home.dagster / "ui.log"
        with log.open("wb") as output:

            def start(name: str, *command: str) -> None:
                parts[name] = subprocess.Popen(
                    [*python, *command],
                    env=dict(variables),
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,
                    preexec_fn=_end_with_parent,
                )

            try:
                # Both readers share one code server: the definitions are loaded once.
                start("code server", "dagster", "api", "grpc", "--socket", str(server), "-m", _MODULE)
                said("loading the definitions")
                _wait(server.exists, parts, stopped, log)
                start(
                    "webserver",
                    *("dagster_webserver", "-w", str(workspace), "--host", host, "--port", str(port)),
                )
                start("daemon", "dagster._daemon", "run", "-w", str(workspace))
                _wait(lambda: _answers(host, port), parts, stopped, log)
                if not stopped:
                    said(f"the UI is at http://{host}:{port} (what its processes say: {log}); Ctrl-C ends it")
                if not has_column_lineage():
                    start("column lineage", "hcip_pipeline.warehouse.column_lineage")
                    beside = parts.pop("column lineage")  # it may end, and nobody waits for it
                _wait(lambda: False, parts, stopped, log, seconds=None)
            finally:
                said("stopping")
                _stop(parts | ({"column lineage": beside} if beside else {}))


def _check_port(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise HcipError(
                f"port {port} of {host} cannot be used: {error.strerror}", fix="name another with --port"
            ) from error


@contextmanager
def _stopping_on_signals() -> Iterator[list[int]]:
    """A list that is empty until a signal asks to stop."""
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


def _wait(
    ready: Callable[[], bool],
    parts: Mapping[str, subprocess.Popen[bytes]],
    stopped: list[int],
    log: Path,
    seconds: int | None = _START_SECONDS,
) -> None:
    """Until it is ready, or somebody asks to stop.

    Raises:
        HcipError: a part ended, or it took too long.
    """
    end = time.monotonic() + (seconds or 0)
    while not stopped and not ready():
        for name, process in parts.items():
            if process.poll() is not None:
                last = " ".join(log.read_text(encoding="utf-8", errors="replace").split())[-600:]
                raise HcipError(
                    f"the {name} ended with exit code {process.returncode}: …{last}",
                    file=log,
                    fix="mend what it says and start `hcip ui` again",
                )
        if seconds is not None and time.monotonic() > end:
            raise HcipError(f"the UI did not start within {seconds} seconds", file=log, fix="see what it says there")
        time.sleep(_LOOK_AGAIN_SECONDS)


def _answers(host: str, port: int) -> bool:
    with suppress(OSError), urllib.request.urlopen(f"http://{host}:{port}/server_info", timeout=5) as answer:
        return bool(answer.status == 200)
    return False


def _stop(parts: Mapping[str, subprocess.Popen[bytes]]) -> None:
    """Ask every part and its children to end, the code server last; make those that do not."""
    for name in ("column lineage", "daemon", "webserver", "code server"):
        if name not in parts:
            continue
        process = parts[name]
        _signal(process, signal.SIGTERM if name == "code server" else signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_SECONDS)
        _signal(process, signal.SIGKILL)
        process.wait()


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _end_with_parent() -> None:
    """A part does not outlive this program, even when that is killed (Linux; elsewhere it may)."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, signal.SIGTERM)

"""Alerting people that a run failed or that a release holds payments, once for each event.

Belongs here: what an alert says, how it is sent, and that it is sent once. Does not belong here: who receives it
(``settings``), or when a run has failed (``assets``).

An alert contains counts, dollars, rule ids and fixes, never a row. Deliveries are recorded in the home's ``alerts/``,
so that the run itself, the daemon and a second attempt do not send the same alert twice.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

from hcip_pipeline.alerting.settings import AlertTarget, Occasion, load_settings
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home

#: the most time that one alert may take, for all targets and attempts together
TOTAL_SECONDS = 30.0
_TRIES = 3
_PAUSE_SECONDS = 1.0
_CANNOT_START, _TOO_SLOW = -1001, -1002  # outside the range of real exit codes
_EXIT_PROBLEMS = {_CANNOT_START: "it cannot be started", _TOO_SLOW: "it took too long and was ended"}


@dataclass(frozen=True)
class Alert:
    """One event to report.

    Args:
        key: identifies the event: a run's id, or a release.
        title: one line.
        message: what happened and what to do.
    """

    occasion: Occasion
    key: str
    title: str
    message: str
    facts: dict[str, Any] = field(default_factory=dict)

    def content(self, home: Home) -> bytes:
        """The alert as JSON; chat services show ``text``."""
        content = {"text": f"{self.title}\n{self.message}", "home": str(home.root), **asdict(self)}
        return json.dumps(content, ensure_ascii=False, default=str).encode()


def send_alert(home: Home, alert: Alert, report: Callable[[str], None] = lambda _: None) -> int:
    """Notify every target of the settings that has not been notified yet.

    Raises nothing and takes no longer than `TOTAL_SECONDS`: an alert never fails or delays a run, and never replaces
    the error that it reports.

    Args:
        report: called with a sentence about each attempt.

    Returns:
        How many targets were notified by this call.
    """
    end = time.monotonic() + TOTAL_SECONDS
    delivered = 0
    try:
        wanted = [target for target in load_settings(home).alerts if alert.occasion in target.when]
        for number, target in enumerate(wanted):
            # Each target gets its share of the remaining time, so that a slow one does not silence the next.
            share = (end - time.monotonic()) / (len(wanted) - number)
            delivered += _send_to_target(home, alert, target, time.monotonic() + share, report)
    except Exception as error:  # the run goes on after any error
        reason = error.message if isinstance(error, HcipError) else type(error).__name__
        with suppress(Exception):
            report(f"no alert was sent: {reason}")
    return delivered


def _send_to_target(home: Home, alert: Alert, target: AlertTarget, end: float, report: Callable[[str], None]) -> bool:
    digest = hashlib.sha256(target.model_dump_json().encode()).hexdigest()[:12]
    note = home.root / "alerts" / f"{alert.occasion}-{alert.key}-{digest}"
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        note.touch(exist_ok=False)
    except FileExistsError:
        return False
    except OSError as error:  # a full disk, for one, must still be reported
        report(f"the alert cannot be recorded and may be sent twice: {error.strerror}")
    name = target.command[0] if target.command else target.webhook_from or "the webhook"
    reported = False
    try:
        for tried in range(1, _TRIES + 1):
            problem = _deliver(target, alert.content(home), end)
            if not problem:
                reported = True
                report(f"alert sent to {name}: {alert.title}")
                break
            report(f"the alert to {name} could not be delivered (attempt {tried} of {_TRIES}): {problem}")
            if target.command or time.monotonic() + _PAUSE_SECONDS > end:
                break  # a program that failed would fail again
            time.sleep(_PAUSE_SECONDS)
    finally:
        if not reported:
            with suppress(OSError):
                note.unlink(missing_ok=True)
    return reported


def _deliver(target: AlertTarget, content: bytes, end: float) -> str:
    """Deliver an alert. Returns what went wrong, without the address, which may be a secret; empty on success."""
    seconds = max(end - time.monotonic(), 0.1)
    if target.command:
        code, _ = _run(target.command, content, seconds)
        return _EXIT_PROBLEMS.get(code, f"it ended with exit code {code}") if code else ""
    try:
        address = target.address()
    except HcipError as error:
        return error.message
    program = (sys.executable, "-m", "hcip_pipeline.alerting.webhook", str(seconds))
    code, problem = _run(program, address.encode() + b"\n" + content, seconds, is_heard=True)
    return _EXIT_PROBLEMS.get(code, problem or "it could not be posted") if code else ""


def _run(command: Sequence[str], content: bytes, seconds: float, *, is_heard: bool = False) -> tuple[int, str]:
    """Exit code and, if ``is_heard``, output of a program. On timeout, it and everything it started are killed."""
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE if is_heard else subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return _CANNOT_START, ""
    try:
        output, _ = process.communicate(content, timeout=seconds)
        return process.returncode, (output or b"").decode(errors="replace").strip()
    except subprocess.TimeoutExpired:
        return _TOO_SLOW, ""
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    with suppress(OSError):
                        pipe.close()
            process.wait()


def failure_alert(run_id: str, job: str, partition: str, error: BaseException | str) -> Alert:
    """The alert that a run failed, with its error message."""
    reported = error.as_dict() if isinstance(error, HcipError) else {}
    title = f"{job} {partition} failed".replace("  ", " ")
    return Alert("failure", run_id, title, str(error), {"job": job, "partition": partition, "run": run_id, **reported})


def held_alert(release: str, partners: int, dollars: str, reasons: dict[str, int]) -> Alert:
    """The alert that a release holds payments, with their number by reason."""
    why = ", ".join(f"{reason}: {count}" for reason, count in sorted(reasons.items()))
    return Alert(
        "held",
        release.replace("/", "-"),
        f"{release} holds ${dollars} for {partners} care partners",
        f"Held for {why}. What to do: resolve the reasons and run the period again; the next release pays them.",
        {"release": release, "care_partners": partners, "dollars": dollars, "reasons": reasons},
    )

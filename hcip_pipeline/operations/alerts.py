"""Telling people: a run failed, or a release holds payments. Each thing is told once.

Belongs here: what an alert says, how it gets there, and that it goes once. Does not belong here: who is told
(``settings``), and when a run has failed (``assets``).

An alert carries counts, dollars, rule ids and ways out; never a row. What was delivered is noted below ``alerts/``
in the home, so that the run itself, the daemon and a second try do not tell the same thing twice.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hcip_pipeline.errors import HcipError
from hcip_pipeline.home import Home
from hcip_pipeline.operations.settings import AlertTarget, Occasion, Settings, load_settings

_SECONDS = 15
_TRIES = 3


@dataclass(frozen=True)
class Alert:
    """One thing to tell.

    Args:
        key: what makes it the same thing: a run's id, or a release.
        title: one line.
        message: what happened and what to do.
    """

    occasion: Occasion
    key: str
    title: str
    message: str
    facts: dict[str, Any] = field(default_factory=dict)

    def content(self, home: Home) -> bytes:
        """As JSON; ``text`` is what chat services show."""
        said = {"text": f"{self.title}\n{self.message}", "home": str(home.root), **asdict(self)}
        return json.dumps(said, ensure_ascii=False, default=str).encode()


def tell(home: Home, alert: Alert, said: Callable[[str], None] = lambda _: None) -> int:
    """Tell everybody who wants to know and has not been told.

    Args:
        said: told in words what became of it. An alert that cannot be delivered never fails a run.

    Returns:
        How many were told just now.
    """
    try:
        settings = load_settings(home)
    except HcipError as error:
        said(f"no alert was sent: {error}")
        return 0
    return sum(_tell_one(home, alert, target, said) for target in _wanted(settings, alert))


def _wanted(settings: Settings, alert: Alert) -> list[AlertTarget]:
    return [target for target in settings.alerts if alert.occasion in target.when]


def _tell_one(home: Home, alert: Alert, target: AlertTarget, said: Callable[[str], None]) -> bool:
    digest = hashlib.sha256(target.model_dump_json().encode()).hexdigest()[:12]
    note = home.root / "alerts" / f"{alert.occasion}-{alert.key}-{digest}"
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        note.touch(exist_ok=False)
    except FileExistsError:
        return False
    except OSError as error:  # a full disk is the very thing to tell of
        said(f"that an alert was sent cannot be noted: {error.strerror}")
    name = target.command[0] if target.command else target.webhook_from or "the webhook"
    for tried in range(1, _TRIES + 1):
        try:
            _deliver(target, alert.content(home))
            said(f"told {name}: {alert.title}")
            return True
        except (OSError, subprocess.SubprocessError, HcipError) as error:
            said(f"{name} could not be told (try {tried} of {_TRIES}): {_reason(error)}")
            if target.command:
                break  # a program that fails does so again
    _forget(note)
    return False


def _deliver(target: AlertTarget, content: bytes) -> None:
    if target.command:
        subprocess.run(target.command, input=content, check=True, timeout=_SECONDS, capture_output=True)
        return
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "hcip"}
    request = urllib.request.Request(target.address(), content, headers)
    with urllib.request.urlopen(request, timeout=_SECONDS):
        pass


def _reason(error: Exception) -> str:
    """Without the address: it may be a secret."""
    if isinstance(error, HcipError):
        return error.message
    if isinstance(error, subprocess.CalledProcessError):
        return f"it ended with exit code {error.returncode}"
    return type(error).__name__


def _forget(note: Path) -> None:
    with suppress(OSError):
        note.unlink(missing_ok=True)


def failure_alert(run_id: str, job: str, partition: str, error: BaseException | str) -> Alert:
    """A run that failed, in the words of its error."""
    told = error.as_dict() if isinstance(error, HcipError) else {}
    title = f"{job} {partition} failed".replace("  ", " ")
    return Alert("failure", run_id, title, str(error), {"job": job, "partition": partition, "run": run_id, **told})


def held_alert(release: str, partners: int, dollars: str, reasons: dict[str, int]) -> Alert:
    """A release that holds payments, with how many for which reason."""
    why = ", ".join(f"{reason}: {count}" for reason, count in sorted(reasons.items()))
    return Alert(
        "held",
        release.replace("/", "-"),
        f"{release} holds ${dollars} of {partners} care partners",
        f"Held for {why}. What to do: settle the reasons and run the period again; the next release pays them.",
        {"release": release, "care_partners": partners, "dollars": dollars, "reasons": reasons},
    )

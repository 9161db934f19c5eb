"""What a command reports while it works.

Belongs here: the type of such a report, messages that a person should still see after the run, and messages with a
detail that few want to see. Does not belong here: how messages are shown (``commands.progress``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

#: Called with what is going on, in words.
Progress = Callable[[str], None]


class LastingMessage(str):
    """A message that stays on the screen: others share one live line, where the next one replaces it."""


class DetailedMessage(str):
    """A stage of the work, and a detail of it (a table, a file) that only ``--verbose`` shows.

    Attributes:
        stage: the message without its detail.
        detail: what the work is about at the moment.
    """

    __slots__ = ("detail", "stage")
    stage: str
    detail: str

    def __new__(cls, stage: str, detail: str) -> Self:
        """``<stage> · <detail>``."""
        message = super().__new__(cls, f"{stage} · {detail}")
        message.stage, message.detail = stage, detail
        return message

    def __getnewargs__(self) -> tuple[str, str]:  # type: ignore[override]
        """What a copy in another process is made of."""
        return self.stage, self.detail


def within(progress: Progress, work: str) -> Progress:
    """``progress`` for a part of some work: each message begins with ``work``, and a detail stays one."""

    def report(message: str) -> None:
        if isinstance(message, DetailedMessage):
            progress(DetailedMessage(f"{work}: {message.stage}", message.detail))
        else:
            progress(f"{work}: {message}")

    return report


def note(text: str) -> LastingMessage:
    """``note: <text>``, to be read after the run too."""
    return LastingMessage(f"note: {text}")

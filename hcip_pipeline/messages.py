"""Messages that a command reports while it works.

Belongs here: the type of the function that receives them, messages that stay visible after the run, and messages with
a detail that few people want to see. Does not belong here: how messages are shown (``commands.progress``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

#: Called with a description of the current work.
Progress = Callable[[str], None]


class LastingMessage(str):
    """A message that stays on the screen; all others share one live line, each replacing the previous one."""


class DetailedMessage(str):
    """A stage of the work, with a detail (a table, a file) that only ``--verbose`` shows.

    Attributes:
        stage: the message without its detail.
        detail: the table or file that is being worked on.
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
        """The arguments from which another process recreates the message."""
        return self.stage, self.detail


def within(progress: Progress, work: str) -> Progress:
    """``progress`` for one part of the work: each message begins with ``work``, and details remain details."""

    def report(message: str) -> None:
        if isinstance(message, DetailedMessage):
            progress(DetailedMessage(f"{work}: {message.stage}", message.detail))
        else:
            progress(f"{work}: {message}")

    return report


def note(text: str) -> LastingMessage:
    """``note: <text>``, which stays visible after the run."""
    return LastingMessage(f"note: {text}")

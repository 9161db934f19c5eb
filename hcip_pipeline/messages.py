"""What a command reports while it works.

Belongs here: the type of such a report, and messages that a person should still see after the run. Does not belong
here: how messages are shown (``commands.progress``).
"""

from __future__ import annotations

from collections.abc import Callable

#: Called with what is going on, in words.
Progress = Callable[[str], None]


class LastingMessage(str):
    """A message that stays on the screen: others share one live line, where the next one replaces it."""


def note(text: str) -> LastingMessage:
    """``note: <text>``, to be read after the run too."""
    return LastingMessage(f"note: {text}")

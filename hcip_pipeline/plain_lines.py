"""Text for an 80-column terminal.

Belongs here: line breaking. Does not belong here: the text itself.
"""

from __future__ import annotations

import textwrap

WIDTH = 80


def wrapped(text: str, indent: int = 0, hanging: int | None = None) -> str:
    """The text in lines of at most 80 columns; a longer word, such as a path, is never broken.

    Args:
        indent: columns left free before the first line.
        hanging: columns left free before the other lines; by default the same.
    """
    after = indent if hanging is None else hanging
    return textwrap.fill(
        text, WIDTH, initial_indent=" " * indent, subsequent_indent=" " * after, break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip

"""Words for a terminal of 80 columns.

Belongs here: breaking lines. Does not belong here: the words.
"""

from __future__ import annotations

import textwrap

WIDTH = 80


def wrapped(words: str, indent: int = 0, hanging: int | None = None) -> str:
    """The words in lines of at most 80 columns; a word that is longer, such as a path, is never broken.

    Args:
        indent: columns left free before the first line.
        hanging: columns left free before the others; by default as before the first.
    """
    after = indent if hanging is None else hanging
    return textwrap.fill(
        words, WIDTH, initial_indent=" " * indent, subsequent_indent=" " * after, break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip

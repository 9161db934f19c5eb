"""The row on which the engine itself fails while a submission is judged, found by bisection.

Belongs here: the search. Does not belong here: judging (``judging``). No known row makes the engine fail; if one does,
only its submission is refused, with the row named, and all others are judged.
"""

from __future__ import annotations

from collections.abc import Callable


def failing_row(fails: Callable[[int, int], bool], first: int, last: int) -> int | None:
    """A row between ``first`` and ``last`` that fails by itself; None if only several rows together fail.

    Args:
        fails: whether judging the rows from one number to another (inclusive) fails.
    """
    while first < last:
        middle = (first + last) // 2
        if fails(first, middle):
            last = middle
        elif fails(middle + 1, last):
            first = middle + 1
        else:
            return None
    return first

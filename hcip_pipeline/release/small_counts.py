"""Which counts to hide: the small ones, and as few others as possible so that no reader can solve for them.

Belongs here: the system of counts and relations, and which counts to hide. Does not belong here: tables
(``suppression``), and what a reader can derive from the remaining counts (``count_readers``).

The reader's knowledge is a set of linear equations over whole numbers. A reader may be a hospital, which knows its own
counts. Before anything is written, it is proven for every sensitive count and every reader that the range of its
possible values is wide enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from hcip_pipeline.release.count_readers import ANYBODY, Count, Readers, Relation


@dataclass
class CountSystem:
    """Counts, relations between them, and what earlier releases revealed."""

    threshold: int
    _values: dict[Count, int] = field(default_factory=dict)
    _relations: list[Relation] = field(default_factory=list)
    _of: dict[Count, list[int]] = field(default_factory=dict)
    #: counts that are in no file and follow by subtraction
    _unpublished: set[Count] = field(default_factory=set)
    #: counts to protect: small ones, and those that would reveal a small change
    _sensitive: dict[Count, None] = field(default_factory=dict)
    #: count -> the hospital that knows it
    _owner: dict[Count, str] = field(default_factory=dict)
    #: hidden by an earlier release
    _kept_hidden: set[Count] = field(default_factory=set)
    #: shown by an earlier release and unchanged: hiding it protects nothing
    _revealed: set[Count] = field(default_factory=set)

    def add(self, cell: Count, value: int, owner: str | None = None) -> None:
        """Add a count that is in a file.

        Args:
            owner: the hospital whose own count it is, which therefore knows it.

        Raises:
            ValueError: the cell was already added, or the count is negative.
        """
        if cell in self._values or value < 0:
            raise ValueError(f"{cell[0]}: {cell[2]} occurs twice under one key, or is negative")
        self._values[cell] = value
        if owner is not None:
            self._owner[cell] = owner
        if self._is_small(value):
            self._sensitive[cell] = None

    def relate(self, total: Count, parts: Sequence[Count]) -> None:
        """State that readers know ``total`` = Σ ``parts``.

        Raises:
            ValueError: the counts do not satisfy it.
        """
        if self._values[total] != sum(self._values[part] for part in parts):
            raise ValueError(f"{total[0]}: {total[2]} is not the sum of its parts")
        for cell in (total, *parts):
            self._of.setdefault(cell, []).append(len(self._relations))
        self._relations.append(Relation(total, tuple(parts)))

    def add_remainder(self, left: Count, whole: Count, parts: Sequence[Count]) -> None:
        """Add ``left`` = ``whole`` less ``parts``: a count that is in no file, owned by the whole's hospital."""
        value = self._values[whole] - sum(self._values[part] for part in parts)
        self.add(left, value, self._owner.get(whole))
        self._unpublished.add(left)
        self.relate(whole, (*parts, left))

    def revealed_before(self, cell: Count, value: int | None) -> None:
        """State that an earlier release showed ``value`` for the cell, or hid it (None)."""
        now = self._values.get(cell)
        if now is None:
            return
        if value is None:
            if now:
                self._kept_hidden.add(cell)
        elif self._is_small(abs(now - value)):
            self._sensitive[cell] = None
        elif now == value:
            self._revealed.add(cell)

    def hide(self) -> frozenset[Count]:
        """The counts that are in files and must be emptied."""
        hidden = {cell for cell in self._sensitive if cell not in self._unpublished and self._values[cell]}
        hidden |= self._kept_hidden
        self._revealed -= hidden
        readers = Readers(self.threshold, self._values, self._relations, self._of, self._owner)
        readers.unpublished, readers.revealed, readers.hidden = self._unpublished, self._revealed, hidden
        for cell in reversed(self._sensitive):
            while self._values[cell] and (reader := readers.who_knows(cell)) is not None:
                companion = self._companion(cell, readers, reader)
                if companion is not None:
                    hidden.add(companion)
                elif reader != ANYBODY:
                    readers.ignore_earlier_releases(cell, reader)
                elif self._revealed:  # earlier releases revealed too much: protect it from readers of only this one
                    self._revealed.clear()
                else:
                    raise ValueError(f"{cell[0]}: no other count is left that could protect {cell[2]}")
        return frozenset(hidden)

    def _is_small(self, value: int) -> bool:
        return 1 <= value <= self.threshold

    def _companion(self, cell: Count, readers: Readers, reader: str) -> Count | None:
        """The next count to hide so that ``cell`` becomes safe: near, a part rather than a total, and small.

        There always is one unless earlier releases showed too much: once every count is hidden, all of them could be
        twice as large, so none is bounded.
        """
        candidates = next((ring for ring in self._rings(cell, readers, reader) if ring), None)
        if candidates is None:
            return None
        return min(candidates, key=lambda each: (*self._cost(each, cell), candidates[each]))

    def _cost(self, other: Count, cell: Count) -> tuple[bool, bool, int]:
        """Prefer a part, then a count that is large enough, then the smallest."""
        is_total = any(self._relations[at].total == other for at in self._of[other])
        is_too_small = self._values[other] + self._values[cell] - 1 < self.threshold
        return is_total, is_too_small, self._values[other]

    def _rings(self, cell: Count, readers: Readers, reader: str) -> Iterator[dict[Count, int]]:
        """Counts that could be hidden, nearest relations first; each with its place, so that ties break consistently.

        Hiding a count that the reader already knows protects nothing.
        """
        closed = () if reader == ANYBODY else (reader,)
        seen: set[int] = set()
        ring = [cell]
        while ring:
            numbers = [at for each in ring for at in self._of.get(each, ()) if at not in seen]
            seen.update(numbers)
            cells = [each for at in dict.fromkeys(numbers) for each in self._relations[at].cells]
            yield {
                each: place
                for place, each in reversed(list(enumerate(cells)))
                if each not in readers.hidden
                and each not in self._unpublished
                and (each not in self._revealed or reader in readers.without_earlier)
                and self._values[each]
                and self._owner.get(each) not in closed
            }
            ring = [each for each in dict.fromkeys(cells) if readers.is_open(each, closed)] if numbers else []

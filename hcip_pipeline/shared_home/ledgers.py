"""A home's ledger against the shared one: what they have in common, and one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hcip_pipeline.ledger.lines import Entry, Line, continued, parsed
from hcip_pipeline.ledger.recording import subject


def same_lines(own: Sequence[Line], shared: Sequence[Line]) -> int:
    """How many lines two ledgers begin with in common."""
    pairs = enumerate(zip(own, shared, strict=False))
    return next((n for n, (one, other) in pairs if one.hash != other.hash), min(len(own), len(shared)))


def unshared(own: Sequence[Line], shared: Sequence[Line]) -> list[Entry]:
    """What a home's ledger states and the shared one does not.

    Lines that were shared are there after other machines' lines, and so in another chain. A line about something is
    shared as well if the newest shared line about it states the same.
    """
    same = same_lines(own, shared)
    stated = {_key(line.entry) for line in shared[same:]}
    stated |= {
        _key(entry) for entry in {(subject(line.entry), line.entry.name): line.entry for line in shared}.values()
    }
    rest = (line.entry for line in own[same:])
    return [entry for entry in rest if not (entry.kind == "start" and shared) and _key(entry) not in stated]


def _key(entry: Entry) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    return subject(entry), entry.name, tuple(sorted(entry.files.items()))


def rebased(own: Sequence[bytes], shared: Sequence[bytes], where: Path) -> list[bytes]:
    """The shared ledger, then what the own one states besides."""
    own_lines, shared_lines = parsed(own, where), parsed(shared, where)
    return [*shared, *continued(shared_lines, unshared(own_lines, shared_lines))]

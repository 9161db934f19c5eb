"""A home's ledger against the shared one: what they have in common, and one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from hcip_pipeline.ledger.lines import Entry, Line, continued, parsed
from hcip_pipeline.ledger.recording import subject


def same_lines(own: Sequence[Line], shared: Sequence[Line]) -> int:
    """How many lines two ledgers begin with in common."""
    pairs = enumerate(zip(own, shared, strict=False))
    return next((n for n, (one, other) in pairs if one.hash != other.hash), min(len(own), len(shared)))


def not_said(entries: Iterable[Entry], shared: Sequence[Line]) -> list[Entry]:
    """Those that the newest shared line about the same thing does not say."""
    said = {(subject(line.entry), line.entry.name): dict(line.entry.files) for line in shared}
    return [
        entry
        for entry in entries
        if not (entry.kind == "start" and shared) and said.get((subject(entry), entry.name)) != dict(entry.files)
    ]


def rebased(own: Sequence[bytes], shared: Sequence[bytes], where: Path) -> list[bytes]:
    """The shared ledger, then what the own one says besides."""
    own_lines, shared_lines = parsed(own, where), parsed(shared, where)
    rest = [line.entry for line in own_lines[same_lines(own_lines, shared_lines) :]]
    return [*shared, *continued(shared_lines, not_said(rest, shared_lines))]

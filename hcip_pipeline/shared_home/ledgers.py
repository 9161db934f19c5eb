"""A home's ledger against the shared one: the lines they have in common, and combining the two."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hcip_pipeline.ledger.lines import Entry, Line, continued, parsed
from hcip_pipeline.ledger.recording import subject


def same_lines(own: Sequence[Line], shared: Sequence[Line]) -> int:
    """The number of lines at the beginning that two ledgers have in common."""
    pairs = enumerate(zip(own, shared, strict=False))
    return next((n for n, (one, other) in pairs if one.hash != other.hash), min(len(own), len(shared)))


def unshared(own: Sequence[Line], shared: Sequence[Line]) -> list[Entry]:
    """The entries of a home's ledger that the shared one lacks.

    Shared lines may follow other machines' lines there, and therefore have different chain hashes. An entry also counts
    as shared if the newest shared line with its subject and name has the same files.
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
    """The shared ledger, continued with the entries that only the home's ledger has."""
    own_lines, shared_lines = parsed(own, where), parsed(shared, where)
    return [*shared, *continued(shared_lines, unshared(own_lines, shared_lines))]

"""Appending lines to the ledger after an intake, a frozen norm table, a release or a destruction.

Belongs here: one function per occasion, called once the work is done. Does not belong here: the file (``lines``), and
the files that a line covers (``leaves``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from hcip_pipeline.home.folders import Home
from hcip_pipeline.home.lake_seals import damage, seal, seal_path
from hcip_pipeline.ledger import leaves
from hcip_pipeline.ledger.lines import Entry, Line, append, ledger_path, read_ledger
from hcip_pipeline.periods import PerformancePeriod

_NEW = "a new home"
_OLDER = "a home from before its ledger: what it held is recorded as it was found, and nothing earlier can be proven"


def begin(home: Home) -> bool:
    """Start the home's ledger if there is none; returns whether the home is older than its ledger.

    The first line states whether the home was empty; the lines after it record its contents as they were found.
    """
    path = ledger_path(home)
    if path.is_file() and path.stat().st_size:
        return False
    older: list[bool] = []

    def start(lines: Sequence[Line]) -> Iterable[Entry]:
        if lines:
            return []
        _seal_unsealed(home)
        found = [
            *(entry for partition in leaves.partitions_of(home) for entry in leaves.accepted_in(home, partition)),
            *leaves.norm_entries(home),
            *leaves.release_entries(home),
            *leaves.destruction_entries(home),
        ]
        older.append(bool(found))
        return [Entry("start", _OLDER if found else _NEW), *found]

    append(home, start)
    return any(older)


def _seal_unsealed(home: Home) -> None:
    """Seal files that an earlier program version ingested without a seal, as they were found."""
    for kind in ("hospital/*/quarter=*", "cms/*/month=*", "reference", "norms/[0-9]*"):
        for path in sorted(home.lake.glob(f"{kind}/*.parquet")):
            if not seal_path(home, path).is_file():
                seal(home, [path])


def record_acceptances(home: Home, partition: object, written: Collection[Path]) -> list[Line]:
    """Append a line for every new or changed receipt of the partition.

    Args:
        written: files of the lake that the intake has just written. No other file may differ from its previous line:
            a line records an intake, never a file that was replaced by hand.

    Raises:
        HcipError: a file that the intake did not write differs; it was set aside, and no line is written.
    """
    entries = leaves.accepted_in(home, str(partition))
    names = {path.relative_to(home.root).as_posix() for path in written}
    recorded = {(subject(line.entry), line.entry.name): line.entry.files for line in read_ledger(home)}
    exchanged = [
        home.root / path
        for entry in entries
        if not any("receipt" in path and path in names for path in entry.files)
        for path, sha256 in recorded.get((subject(entry), entry.name), {}).items()
        if path.startswith("lake/") and path in entry.files and entry.files[path] != sha256 and path not in names
    ]
    if exchanged:
        raise damage(home, exchanged)
    return _record(home, entries)


def record_norms(home: Home, key: str) -> list[Line]:
    """Append a line for a norm table that has just been frozen."""
    return _record(home, [entry for entry in leaves.norm_entries(home) if entry.name == key])


def record_release(home: Home, period: PerformancePeriod, number: int, program: str) -> list[Line]:
    """Append a line for a release that has just been made.

    Args:
        program: digest of the models that computed it.
    """
    return _record(home, [leaves.release_entry(home, period, number, program)])


def record_destructions(home: Home) -> list[Line]:
    """Append a line for every new or changed record of a destruction."""
    return _record(home, leaves.destruction_entries(home))


def record_found(home: Home, entries: Iterable[Entry]) -> list[Line]:
    """Append lines for things in the home that have none: a killed run left them, or someone put them there."""
    return _record(home, [Entry("found", entry.name, entry.files) for entry in entries])


def _record(home: Home, entries: Sequence[Entry]) -> list[Line]:
    begin(home)

    def new(lines: Sequence[Line]) -> Iterable[Entry]:
        recorded = {(subject(line.entry), line.entry.name): dict(line.entry.files) for line in lines}
        return [entry for entry in entries if recorded.get((subject(entry), entry.name)) != dict(entry.files)]

    return append(home, new)


def subject(entry: Entry) -> str:
    """The kind of thing an entry is about; of several with the same subject and name, the newest applies."""
    return {"refusal": "acceptance", "found": "release"}.get(entry.kind, entry.kind)

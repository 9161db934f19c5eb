"""Synchronizing a home with the shared home: acceptances of this machine are shared, those of others are fetched.

Belongs here: the order of both, and what happens if two machines disagree. Does not belong here: reading and writing
the storage (``commits``), and which files belong to an acceptance (``scope``).

1. Lines that the shared ledger lacks are shared with their files: objects first, then one commit, which the storage
   accepts only if no one has written that number. If another machine has accepted the same part differently, its
   version is in force; this home's version is set aside, and the error names it.
2. Files that this home lacks are fetched, the ledger last. A partition that another process on this machine is using
   waits for the next command.

If the process is killed, the next call completes its work.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.home.locks import HomeLocks
from hcip_pipeline.ledger.lines import Entry, Line, continued, ledger_path, parsed, raw_lines, rebase
from hcip_pipeline.ledger.recording import subject
from hcip_pipeline.messages import Progress
from hcip_pipeline.shared_home import fetching
from hcip_pipeline.shared_home.address import Storage, open_storage
from hcip_pipeline.shared_home.commits import (
    AT_A_TIME,
    Commit,
    ledger_lines,
    next_commit,
    object_place,
    paths_by_hash,
    put_object,
    read_commits,
    snapshot,
    write_commit,
)
from hcip_pipeline.shared_home.ledgers import same_lines, unshared
from hcip_pipeline.shared_home.scope import Part, belongs, files_of, is_own, is_read_again, is_read_with, part_of
from hcip_pipeline.shared_home.state import State, folder_of, load_state, save_state

#: how often another machine may commit first
_TRIES = 20


@dataclass(frozen=True)
class Synchronized:
    """The result of synchronizing.

    Attributes:
        commit: the newest commit that the home has completely.
        shared: number of files that this call shared.
        fetched: number of files that it fetched.
        releases: every shared release that this home has completely: ``2025H1/r1``.
    """

    commit: int
    shared: int
    fetched: int
    releases: tuple[str, ...]


@dataclass
class _Pending:
    """The content of the next commit, and the parts that another machine has accepted differently."""

    files: dict[str, str] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    disputed: set[Part] = field(default_factory=set)


def synchronize(
    home: Home, address: str, progress: Progress, *, held: Collection[str] = (), removed: Iterable[Path] = ()
) -> Synchronized:
    """Share this home's acceptances, and fetch those of other machines.

    Args:
        progress: called with a description of each step.
        held: locks that the caller holds exclusively.
        removed: files that were destroyed in the home and must be removed from the storage too.

    Raises:
        UsageError: the address is invalid, or support for its kind of storage is not installed.
        HcipError: the storage cannot be reached or is damaged, the ledger is not that of the shared home, or another
            machine has accepted something differently: its version is in force, and this home's was set aside.
    """
    with HomeLocks(notify=progress) as locks:
        locks.take(home, "storage", "synchronizing with the storage", wait=True)
        with open_storage(address) as storage:
            run = _Run(home, storage, load_state(home, address), progress)
            try:
                shared = run.share({path.relative_to(home.root).as_posix() for path in removed})
                fetched = fetching.fetch_shared(home, storage, run.state, run.commits, progress, held)
            finally:
                save_state(home, run.state)
            if run.set_aside:
                raise run.conflict()
            whole = snapshot(run.commits[: run.state.commit])
            manifests = (path for path in whole if path.startswith("releases/") and path.endswith("/datapackage.json"))
            releases = tuple(path.removeprefix("releases/").rpartition("/")[0] for path in manifests)
            return Synchronized(run.state.commit, shared, fetched, releases)


@dataclass
class _Run:
    home: Home
    storage: Storage
    state: State
    progress: Progress
    commits: list[Commit] = field(default_factory=list)
    set_aside: dict[Part, Path] = field(default_factory=dict)

    def share(self, removed: set[str]) -> int:
        """Commit the lines that the shared ledger lacks; returns the number of files shared."""
        for _ in range(_TRIES):
            self.commits = read_commits(self.storage, folder_of(self.home) / "commits")
            before = snapshot(self.commits)
            lines = parsed(ledger_lines(self.commits), Path(self.storage.address_of("commits")))
            entries = self._unshared(lines)
            change = self._change(entries, before)
            change.removed |= removed & before.keys()
            if change.disputed:
                self._set_aside(change.disputed, entries, before)
            elif not entries and not change.removed:
                return 0
            elif self._commit(change, lines, entries):
                self._forget_objects(change, before)
                return len(change.files)
        raise HcipError(
            f"other machines committed first {_TRIES} times in a row",
            file=self.state.address,
            rule="STORAGE",
            fix="run this again: the accepted files are in this home and will be shared then",
        )

    def _unshared(self, shared: Sequence[Line]) -> list[Entry]:
        """The entries of the home's ledger that the shared one lacks."""
        own = parsed(raw_lines(self.home), ledger_path(self.home))
        same = same_lines(own, shared)
        if same < min(self.state.lines, len(own)) or (own and shared and not same):
            raise HcipError(
                "the home's ledger is not that of the shared home",
                file=ledger_path(self.home),
                rule="STORAGE-LEDGER",
                fix="share this home at a different address (settings.yaml), or start with an empty home, which "
                "fetches everything",
            )
        return unshared(own, shared)

    def _change(self, entries: Sequence[Entry], before: Mapping[str, str]) -> _Pending:
        change = _Pending()
        parts = dict.fromkeys(part for entry in entries if (part := part_of(entry)) is not None)
        if parts:
            self.progress(f"sharing {len(entries):,} lines of the ledger")
        for part in parts:
            self._add_part(change, part, before)
        newest = {(subject(entry), entry.name): entry for entry in entries}
        for entry in newest.values():
            part = part_of(entry)
            if part is not None and part.kind != "program" and part not in change.disputed:
                self._check_recorded(entry)
        return change

    def _add_part(self, change: _Pending, part: Part, before: Mapping[str, str]) -> None:
        there = set()
        for path in files_of(self.home, part):
            there.add(path)
            now, shared, base = self.state.sha256_now(self.home, path), before.get(path), self.state.base(path)
            if now is None or now == shared:
                continue
            if shared == base:
                change.files[path] = now
            elif is_read_again(path):
                if shared is not None and now != base:
                    raise fetching.version_conflict(self.home, self.storage, path, shared)
            elif not path.startswith("inbox/") and (now != base or is_own(part, path)):
                change.disputed.add(part)
        for path, sha256 in before.items():
            if belongs(part, path) and path not in there:
                if self.state.base(path) == sha256:
                    change.removed.add(path)
                else:
                    change.disputed.add(part)
            elif is_read_with(part, path) and path not in there and self.state.base(path) == sha256:
                change.removed.add(path)

    def _check_recorded(self, entry: Entry) -> None:
        """Make sure that the files to be shared are those that the ledger records."""
        for path, sha256 in entry.files.items():
            if path.startswith(("lake/", "releases/")) and self.state.sha256_now(self.home, path) != sha256:
                raise HcipError(
                    f"the file differs from the ledger's record of {entry.name}, so nothing was shared",
                    file=self.home.root / path,
                    rule="LEDGER-MISMATCH",
                    fix="restore it from a backup, or ingest it again (`hcip ingest`)",
                )

    def _commit(self, change: _Pending, lines: Sequence[Line], entries: Sequence[Entry]) -> bool:
        there = set(snapshot(self.commits).values())

        def put(sha256: str, paths: Sequence[str]) -> None:
            files = [self.home.root / path for path in paths]
            put_object(self.storage, sha256, files, is_expected=sha256 in there)

        objects = paths_by_hash(change.files)
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            list(pool.map(put, objects, objects.values()))
        raw = [line.decode() for line in continued(lines, entries)]
        commit = next_commit(self.commits, change.files, change.removed, raw)
        if not write_commit(self.storage, commit):
            return False
        for path, sha256 in change.files.items():
            self.state.note(self.home, path, sha256)
        for path in change.removed:
            self.state.files.pop(path, None)
        self.commits = read_commits(self.storage, folder_of(self.home) / "commits")
        return True

    def _forget_objects(self, change: _Pending, before: Mapping[str, str]) -> None:
        """Remove destroyed files from the storage, where patients' rows must not outlast their retention period."""
        kept = set(snapshot(self.commits).values())
        for path in change.removed:
            if path.startswith(("releases/", "lake/known/", "lake/quarantine/")):
                if before[path] not in kept:
                    self.storage.remove(object_place(before[path]))
                self.storage.remove(path)

    def _set_aside(self, parts: Collection[Part], entries: Sequence[Entry], before: Mapping[str, str]) -> None:
        """Move parts that another machine has accepted differently out of the home, and drop their ledger lines."""
        for part in sorted(parts):
            aside = folder_of(self.home) / "set_aside" / f"{part.kind}-{part.key.replace('/', '-')}"
            shutil.rmtree(aside, ignore_errors=True)
            for path in files_of(self.home, part):
                now = self.state.sha256_now(self.home, path)
                if path.startswith("inbox/") or now in (before.get(path), self.state.base(path)):
                    continue
                if path.startswith("lake/known/") and before.get(path) is None and path.endswith((".parquet", ".yaml")):
                    continue  # named after its content, so it cannot conflict
                (aside / path).parent.mkdir(parents=True, exist_ok=True)
                (self.home.root / path).replace(aside / path)
            if part.kind == "release":
                shutil.rmtree(self.home.releases / part.key, ignore_errors=True)
            self.set_aside[part] = aside
        gone = {id(entry) for entry in entries if part_of(entry) in parts}
        kept = [entry for entry in entries if id(entry) not in gone]
        shared = ledger_lines(self.commits)

        def without(own: Sequence[bytes]) -> list[bytes]:
            own_lines = parsed(own, ledger_path(self.home))
            stays = own_lines[: same_lines(own_lines, parsed(shared, ledger_path(self.home)))]
            return [*own[: len(stays)], *continued(stays, kept)]

        rebase(self.home, without)

    def conflict(self) -> HcipError:
        """The error that names the parts that were set aside."""
        named = ", ".join(map(str, self.set_aside))
        places = ", ".join(str(path.relative_to(self.home.root)) for path in self.set_aside.values())
        return HcipError(
            f"another machine has accepted {named} with different content: that version is in force, and this "
            f"machine's was set aside in {places}",
            file=self.home.root,
            rule="STORAGE-CONFLICT",
            fix="run this again: it starts from the version in force",
        )

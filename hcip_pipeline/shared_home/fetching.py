"""Fetching files from the shared home, of which a home's folders are a checked copy.

Belongs here: finding and fixing differences. Does not belong here: sharing (``synchronizing``).

A file of the lake or of a release that is missing or was changed since it was fetched is fetched again. The inbox also
belongs to the home itself: a file that was added or changed by hand stays, and a removed file stays removed. Only files
that every run reads again (policy, program files, protocols, reference tables) have a single version.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hcip_pipeline.errors import HcipError
from hcip_pipeline.files.atomic import write_bytes
from hcip_pipeline.home.folders import Home
from hcip_pipeline.home.locks import BusyError, HomeLocks
from hcip_pipeline.ledger.comparison import in_force
from hcip_pipeline.ledger.lines import Line, ledger_path, parsed, rebase
from hcip_pipeline.messages import Progress, note
from hcip_pipeline.release.private_files import make_private, private_folder
from hcip_pipeline.shared_home.address import Storage
from hcip_pipeline.shared_home.commits import AT_A_TIME, Commit, get_object, ledger_lines, paths_by_hash, snapshot
from hcip_pipeline.shared_home.ledgers import rebased
from hcip_pipeline.shared_home.scope import is_read_again, lock_of
from hcip_pipeline.shared_home.state import State, folder_of


def fetch_shared(
    home: Home, storage: Storage, state: State, commits: Sequence[Commit], progress: Progress, held: Collection[str]
) -> int:
    """Bring the home's shared folders up to the newest commit; returns the number of files fetched.

    Nothing is fetched while another process on this machine is using a partition that a newer commit changes.

    Args:
        held: locks that the caller holds exclusively.

    Raises:
        HcipError: the storage cannot be reached or is damaged, or a file that every run reads, such as the policy, was
            changed on both sides.
    """
    shared = snapshot(commits)
    lines = ledger_lines(commits)
    if len(commits) > state.commit:
        _check_recorded(storage, shared, parsed(lines, Path(storage.address_of("commits"))))
    missing = {path: sha256 for path, sha256 in shared.items() if _is_missing(home, storage, state, path, sha256)}
    gone = [path for path in state.files if path not in shared]
    with HomeLocks() as locks:
        busy = _busy(home, locks, {lock_of(path) for path in (*missing, *gone)} - {"", *held})
        waiting = {path for path in missing if lock_of(path) in busy and state.base(path) != missing[path]}
        waiting |= {path for path in gone if lock_of(path) in busy}
        if waiting:
            names = ", ".join(sorted({lock_of(path) for path in waiting}))
            progress(note(f"another run is using {names}: the next command fetches what other machines have accepted"))
            return 0
        missing = {path: sha256 for path, sha256 in missing.items() if lock_of(path) not in busy}
        _report_fetches(state, missing, progress)
        _fetch(home, storage, state, missing)
        for path in gone:
            if state.sha256_now(home, path) == state.base(path):
                (home.root / path).unlink(missing_ok=True)
            del state.files[path]
        if lines:
            rebase(home, lambda own: rebased(own, lines, ledger_path(home)))
        state.commit, state.lines = len(commits), len(lines)
    return len(missing)


def _check_recorded(storage: Storage, shared: Mapping[str, str], lines: Sequence[Line]) -> None:
    """Make sure that the files in the commits are those that the ledger records, if it records them."""
    for path, line in in_force(lines).items():
        is_exact = path.startswith(("lake/", "releases/")) and not path.startswith("lake/program/")
        if is_exact and shared.get(path, line.entry.files[path]) != line.entry.files[path]:
            raise HcipError(
                f"the shared home is damaged: {path} differs from the ledger's record of {line.entry.name}",
                file=storage.address_of("commits"),
                rule="STORAGE-DAMAGED",
                fix="restore the commits from the bucket's versions or a backup; nothing was fetched",
            )


def _is_missing(home: Home, storage: Storage, state: State, path: str, sha256: str) -> bool:
    """Whether a shared file must be fetched; if the home already has it, that is noted."""
    now, base = state.sha256_now(home, path), state.base(path)
    if now == sha256:
        if base != sha256:
            state.note(home, path, sha256)
        return False
    if not path.startswith("inbox/"):
        return True
    if now is None:
        return base != sha256  # a removed file stays removed until others change it
    if is_read_again(path) and now != base and base != sha256:
        raise version_conflict(home, storage, path, sha256)
    return now == base


def version_conflict(home: Home, storage: Storage, path: str, sha256: str) -> HcipError:
    """The error for a file that was changed here and on another machine; saves the other machine's version."""
    other = folder_of(home) / "shared" / path
    write_bytes(get_object(storage, sha256), other)
    return HcipError(
        f"the file differs from the one on other machines, which was saved as {other.relative_to(home.root)}",
        file=home.root / path,
        rule="STORAGE-CONFLICT",
        fix="replace the home's file with that one, make your changes in it, and run the command again",
    )


def _busy(home: Home, locks: HomeLocks, names: Collection[str]) -> set[str]:
    """The locks that other runs hold; takes all others."""
    busy = set()
    for name in sorted(names):
        try:
            locks.take(home, name, "fetching it from the storage")
        except BusyError:
            busy.add(name)
    return busy


def _report_fetches(state: State, missing: Mapping[str, str], progress: Progress) -> None:
    again = sorted(path for path, sha256 in missing.items() if state.base(path) == sha256)
    if again:
        more = f" and {len(again) - 3} more" if len(again) > 3 else ""
        progress(note(f"{', '.join(again[:3])}{more}: changed or lost in this home, restored from the storage"))
    if len(missing) > len(again):
        progress(f"fetching {len(missing) - len(again):,} files from the storage")


def _fetch(home: Home, storage: Storage, state: State, missing: Mapping[str, str]) -> None:
    """Fetch files, identical ones only once; a release appears as a whole."""
    new = {folder for path in missing if (folder := _release_of(path)) and not (home.root / folder).exists()}
    temporary = {folder: _temporary(home, folder) for folder in new}

    def write(path: str, content: bytes) -> None:
        folder = _release_of(path)
        place = temporary[folder] / path.removeprefix(f"{folder}/") if folder in new else home.root / path
        if path.startswith("releases/"):
            private_folder(place.parent)
        write_bytes(content, place)
        if path.startswith("releases/"):
            make_private(place)

    here = {sha256: home.root / path for path, (sha256, _, _) in state.files.items()}

    def fetch(sha256: str, paths: Sequence[str]) -> None:
        content = _read_if_whole(here[sha256], sha256) if sha256 in here else None
        if content is None:
            content = get_object(storage, sha256)
        for path in paths:
            write(path, content)

    objects = paths_by_hash(missing)
    try:
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            list(pool.map(fetch, objects, objects.values()))
        for folder in sorted(new):
            temporary[folder].rename(home.root / folder)
    finally:
        for place in temporary.values():
            shutil.rmtree(place, ignore_errors=True)
    for path, sha256 in missing.items():
        state.note(home, path, sha256)


def _read_if_whole(file: Path, sha256: str) -> bytes | None:
    """A file's bytes if they have this hash: a release's sources, for example, may already be in the lake."""
    try:
        content = file.read_bytes()
    except OSError:
        return None
    return content if hashlib.sha256(content).hexdigest() == sha256 else None


def _temporary(home: Home, folder: str) -> Path:
    place = home.root / folder
    return place.with_name(f".{place.name}.{os.getpid()}")


def _release_of(path: str) -> str:
    """The folder of the release that contains a file; empty if none does."""
    parts = path.split("/")
    return "/".join(parts[:3]) if parts[0] == "releases" and len(parts) > 3 else ""

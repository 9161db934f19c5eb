"""The lake's versions of program files and protocols against the ledger, before more are ingested.

Belongs here: receipts and accepted versions that were changed, removed or put there by hand. Does not belong here:
ingesting program files, and the tables in force, which every intake writes again from these versions.

If a file is refused or missing, its previous version stays in force, so anyone who can put a version into ``history/``
can put rows into a release. The newest version is set aside and ingested again from an unchanged inbox; an older one
exists only in the lake and its backups.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

from hcip_pipeline.errors import HcipError
from hcip_pipeline.files.hashes import file_sha256
from hcip_pipeline.home.folders import Home
from hcip_pipeline.ledger.lines import read_ledger
from hcip_pipeline.ledger.recording import begin
from hcip_pipeline.messages import note

_VERSION = re.compile(r"(?P<name>.+?)\.r(?P<number>[0-9]+)(?:\.[a-z_]+)?\.(?:json|parquet)", re.ASCII)
_KEPT = ("receipts", "history")
_NONE = ("", 0)


def check_program_history(home: Home, period: object, progress: Callable[[str], None]) -> None:
    """Compare a half-year's versions with its newest line. Call it while no other run ingests its program files.

    Raises:
        HcipError: a version differs from the ledger and cannot be ingested again from the inbox. Names it.
    """
    begin(home)
    held: Mapping[str, str] = {}
    protocols: dict[str, str] = {}
    for line in read_ledger(home):
        if line.entry.name == f"program/{period}":
            held = line.entry.files
        if line.entry.name.startswith("program/"):
            protocols |= {path: sha for path, sha in line.entry.files.items() if path.startswith("lake/protocols/")}
    if protocols:
        _check_protocols(home, protocols, progress)
    folder = home.lake_program(period)
    if not folder.is_dir():
        return
    recorded = {
        home.root / path: sha256 for path, sha256 in held.items() if _version(folder, home.root / path) != _NONE
    }
    damaged = {path for path, sha256 in recorded.items() if not path.is_file() or file_sha256(path) != sha256}
    versions = {_version(folder, path) for path in recorded}
    for name, number in sorted({_version(folder, path) for path in damaged}):
        newest = max(each for of, each in versions if of == name)
        if number != newest or not _inbox_agrees(home, held, name, recorded, number):
            path = next(path for path in sorted(damaged) if _version(folder, path) == (name, number))
            raise _not_in_inbox(f"version {number} of {name}", path.relative_to(home.root))
    covered = {path.parent.name for path in recorded} if held else set(_KEPT)  # an old line may not cover both folders
    for path in _versions_in(folder, covered):
        what = "differs from the ledger" if path in recorded else "has no line in the ledger"
        if _version(folder, path) in {_version(folder, each) for each in damaged} or path not in recorded:
            _set_aside(home, path, what, progress)


def _check_protocols(home: Home, recorded: Mapping[str, str], progress: Callable[[str], None]) -> None:
    """Compare all versions of protocols: a version is written once, so every line that covers it applies."""
    for name, sha256 in sorted(recorded.items()):
        path = home.root / name
        if path.is_file() and file_sha256(path) == sha256:
            continue
        sent = home.inbox / "protocols" / path.parent.name / f"{path.name[:4]}.yaml"
        if not (sent.is_file() and file_sha256(sent) == sha256 and _is_newest(name, recorded)):
            raise _not_in_inbox(f"a version of the protocol of {path.parent.name}", path.relative_to(home.root))
        _set_aside(home, path, "differs from the ledger", progress)
    for path in sorted((home.lake / "protocols").glob("*/????.r*.yaml")):
        if path.relative_to(home.root).as_posix() not in recorded:
            _set_aside(home, path, "has no line in the ledger", progress)


def _is_newest(name: str, recorded: Mapping[str, str]) -> bool:
    """Whether no later version of the same protocol is recorded: the inbox has only the newest."""
    beginning, _, number = name.removesuffix(".yaml").rpartition(".r")
    others = (other.removesuffix(".yaml").rpartition(".r") for other in recorded)
    return int(number) == max(int(version) for start, _, version in others if start == beginning)


def _set_aside(home: Home, path: Path, what: str, progress: Callable[[str], None]) -> None:
    if path.exists():
        path.replace(path.with_name(f"{path.name}.unrecorded"))
    progress(note(f"{path.relative_to(home.root)} {what}: it was set aside, and the inbox will be ingested again"))


def _not_in_inbox(what: str, path: Path) -> HcipError:
    return HcipError(
        f"{what} differs from the ledger, and the accepted file is not in the inbox",
        file=path,
        rule="LEDGER-MISMATCH",
        fix="restore the file from a backup of the lake, or put the accepted file back into the inbox",
    )


def _versions_in(folder: Path, covered: Collection[str]) -> Iterator[Path]:
    for kept in covered:
        yield from (path for path in sorted((folder / kept).glob("*.r*.*")) if _version(folder, path) != _NONE)


def _version(folder: Path, path: Path) -> tuple[str, int]:
    """Name and number of the version that a file belongs to; an empty name if it belongs to none."""
    match = _VERSION.fullmatch(path.name)
    if match is None or path.parent.parent != folder or path.parent.name not in _KEPT:
        return _NONE
    return match["name"], int(match["number"])


def _inbox_agrees(home: Home, held: Mapping[str, str], name: str, recorded: Mapping[Path, str], number: int) -> bool:
    """Whether the inbox still has the file of a version; a refused file is not needed."""
    kept = {path.name for path in recorded if path.parent.name == "history"}
    if not any(each.startswith(f"{name}.r{number}.") for each in kept):
        return True
    sent = {path: sha256 for path, sha256 in held.items() if path.startswith("inbox/") and _names(path, name)}
    return bool(sent) and all((home.root / p).is_file() and file_sha256(home.root / p) == s for p, s in sent.items())


def _names(path: str, name: str) -> bool:
    """Whether a file of the inbox belongs to a table or survey: ``survey_210001_2025H1.xlsx`` to survey_210001."""
    stem = path.rpartition("/")[2].partition(".")[0]
    return stem.lower() == name or stem.startswith(f"{name}_2")

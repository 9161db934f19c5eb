"""The chain of releases: every release that this one supersedes or was made from, down to the last byte.

Belongs here: manifests that refer to other manifests, and every file compared with them; files destroyed on purpose.
Does not belong here: the contents of a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .package import (
    MANIFEST,
    Package,
    destroyed_files,
    entries,
    is_before_hospital_readers,
    is_before_privacy_rule,
    read_manifest,
    sha256,
)
from .proofs import Proofs
from .report import Findings, UnreadableReleaseError

_NAMED = re.compile(r"releases/(?P<period>[0-9]{4}H[12])/(?P<number>r[0-9]+)/datapackage\.json")


def check_chain(package: Package, proofs: Proofs, findings: Findings) -> None:
    """Check every release that this one supersedes or was made from, and in turn theirs."""
    folder, manifest = package.folder, package.manifest
    if folder.parent.name == package.period and not folder.name.startswith("."):  # "." while it is being written
        findings.fact("chain", MANIFEST, "folder", manifest["number"], folder.name)
    root = folder.parent.parent
    seen = {folder}
    queue = list(_behind(manifest, folder.parent, root, findings))
    while queue:
        before, name, stated = queue.pop(0)
        if not (before / MANIFEST).is_file():
            if proofs.is_partial:
                findings.notes.append(f"{name}: it is not next to this release")
            else:
                expected = "this release next to the one being verified (--partial accepts its absence)"
                findings.differ("chain", name, "", expected, "none")
            continue
        findings.fact("chain", MANIFEST, f"hash of {name}", stated, sha256(before / MANIFEST))
        if before in seen:
            continue
        seen.add(before)
        try:
            own = read_manifest(before)
        except UnreadableReleaseError:
            findings.differ("chain", name, "", "a manifest", "one that cannot be read")
            continue
        note_privacy_rule(own, name, findings)
        _check_files(before, name, own, findings)
        queue += _behind(own, before.parent, root, findings)


def _behind(
    manifest: Mapping[str, Any], folder: Path, root: Path, findings: Findings
) -> Iterator[tuple[Path, str, str]]:
    """Folder, name and stated hash of the release that a release supersedes, and of those that it was made from."""
    number, stated = int(manifest["number"][1:]), manifest.get("supersedes")
    expected, found = ("a hash" if is_there else "nothing" for is_there in (number > 1, stated))
    findings.fact("chain", MANIFEST, "supersedes", expected, found, key=f"{manifest['period']} r{number}")
    if number > 1 and stated:
        yield folder / f"r{number - 1}", f"{manifest['period']}/r{number - 1}", str(stated)
    for item in manifest.get("inputs", ()):
        if match := _NAMED.fullmatch(str(item.get("file"))):
            place = root / match["period"] / match["number"]
            yield place, f"{match['period']}/{match['number']}", str(item.get("sha256"))


def _check_files(folder: Path, name: str, manifest: Mapping[str, Any], findings: Findings) -> None:
    gone = destroyed_files(folder)
    stated = {MANIFEST}
    for entry in entries(manifest):
        path = entry["path"]
        stated.add(path)
        file = folder / path
        if not file.is_file() and gone.get(path) == entry["hash"]:
            continue
        found = f"sha256:{sha256(file)}" if file.is_file() else "no file"
        findings.fact("chain", f"{name}/{path}", "hash", entry["hash"], found)
    for file in sorted(folder.rglob("*")):
        path = file.relative_to(folder).as_posix()
        if path not in stated and not file.is_dir():
            findings.differ("chain", f"{name}/{path}", "", "only files that the manifest lists", "another file")
    if gone:
        findings.notes.append(f"{name}: {_files(len(gone))} destroyed when retention or data use ended")


def _files(number: int) -> str:
    return f"{number} file was" if number == 1 else f"{number} files were"


def note_privacy_rule(manifest: Mapping[str, Any], name: str, findings: Findings) -> None:
    """Note a release with figures from which small counts can be computed."""
    if is_before_privacy_rule(manifest):
        findings.before_privacy_rule.append(name)
    elif is_before_hospital_readers(manifest):
        findings.before_hospital_readers.append(name)


def note_destroyed(package: Package, findings: Findings) -> None:
    """Note how many files of the release itself were destroyed."""
    if package.destroyed:
        findings.notes.append(
            f"{package.manifest['number']}: {_files(len(package.destroyed))} destroyed when retention or data use "
            "ended; their hashes are in the manifest"
        )


def note_stale(package: Package, findings: Findings) -> None:
    """Note each earlier period whose newest release is no longer the one that this release was made from.

    A stale release is not a difference: its figures still follow from the releases that it was made from.
    """
    read = _read_of_earlier(package.manifest)
    stated = package.manifest.get("rests_on")
    if stated is not None:
        named = {each["period"]: (each["release"], each["manifest_sha256"]) for each in stated}
        findings.fact("chain", MANIFEST, "rests_on", read, named)
    for folder in sorted(package.folder.parent.parent.glob("[0-9][0-9][0-9][0-9]H[12]")):
        numbers = [int(path.parent.name[1:]) for path in folder.glob("r[0-9]*/" + MANIFEST)]
        if not numbers or folder.name >= package.period:
            continue
        newest = f"r{max(numbers)}"
        name, hashed = read.get(folder.name, ("no release", ""))
        if (name, hashed) != (newest, sha256(folder / newest / MANIFEST)):
            fix = f"settle it again: hcip run {folder.name} --onward"
            now = f"whose newest release is {newest}" if name != newest else "but not on the one here"
            findings.stale.append(f"it rests on {name} of {folder.name}, {now}; {fix}")


def _read_of_earlier(manifest: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    matches = [(_NAMED.fullmatch(str(item.get("file"))), item) for item in manifest.get("inputs", ())]
    return {match["period"]: (match["number"], str(item.get("sha256"))) for match, item in matches if match}

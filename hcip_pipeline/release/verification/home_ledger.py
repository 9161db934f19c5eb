"""The home's ledger: whether its chain is unbroken and continues from a kept head, and whether the home agrees with it.

Belongs here: a second reader of ``ledger.jsonl``, written only from ``docs/audit_trail.md``. Does not belong here: the
contents of a release.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .package import MANIFEST, Package, has_destroyed, read_manifest, sha256
from .proofs import Proofs
from .report import Findings, UnreadableReleaseError

_NAME = "ledger.jsonl"
_FIRST = "0" * 64
_RELEASE = re.compile(r"releases/[0-9]{4}H[12]/r[0-9]+/datapackage\.json")
_PARTITION = re.compile(r"(?:^|[/=])([0-9]{4})(?:Q([1-4])|-([0-9]{2})|H([12]))(?=/|$)")


@dataclass(frozen=True)
class Line:
    """A line of the ledger; ``hash`` is the sha256 of its bytes."""

    number: int
    kind: str
    name: str
    files: Mapping[str, str]
    hash: str


def check_home_ledger(package: Package, proofs: Proofs, findings: Findings) -> None:
    """Check the ledger of the release's home if there is one; a kept ledger head requires it."""
    root = package.folder.parent.parent.parent
    path = proofs.ledger or root / _NAME
    if package.folder.name.startswith("."):
        return  # still being written
    roots = _roots(root) if proofs.head else set()
    if not path.is_file():
        if proofs.head in roots:
            findings.notes.append(
                "the ledger: there is none here; the kept value was compared with the inputs of the releases here"
            )
        elif proofs.head or proofs.ledger:
            findings.differ("ledger", path.name, "", "a ledger", "none: it was removed, or is not in this home")
        else:
            findings.notes.append(f"the ledger: there is no {_NAME} in the home of this release")
        return
    lines = list(_lines(path, findings))
    if proofs.head:
        _check_head(lines, proofs.head, roots, findings)
    if not lines:
        return
    _note(lines, findings)
    covered = _in_force(lines, findings)
    _check_releases(root, package, covered, findings)
    only_releases = proofs.ledger is not None and not ((root / "inbox").exists() or (root / "lake").exists())
    if only_releases or not proofs.head:
        covered = {name: line for name, line in covered.items() if name.startswith("releases/")}
    _check_files(root, covered, findings)
    if only_releases:
        findings.notes.append("inbox and lake against the ledger: only releases are here")
    elif not proofs.head:
        findings.notes.append("inbox and lake against the ledger: pass a kept head with --head")


def made_from(manifest: Mapping[str, Any]) -> str:
    """The Merkle root over a release's inputs, policy, code version and superseded release, from its manifest."""
    leaves = {f"input {item.get('file')}": str(item.get("sha256")) for item in manifest.get("inputs", ())}
    own = {"policy": str(manifest.get("policy", {}).get("sha256")), "code": str(manifest.get("code_version"))}
    return merkle_root(leaves | own | {"supersedes": str(manifest.get("supersedes") or "")})


def check_made_from(package: Package, findings: Findings) -> None:
    """Check the root that the manifest states, which reports show so that readers can keep it."""
    stated = package.manifest.get("made_from")
    if stated is None:
        findings.notes.append("made_from: the release was made before manifests had this value")
    else:
        findings.fact("manifest", MANIFEST, "made_from", made_from(package.manifest), stated)


def _roots(root: Path) -> set[str]:
    found = set()
    for path in root.glob(f"releases/????H[12]/r*/{MANIFEST}"):
        with contextlib.suppress(UnreadableReleaseError):
            found.add(made_from(read_manifest(path.parent)))
    return found


def merkle_root(files: Mapping[str, str]) -> str:
    """The root over paths and hashes (RFC 6962 §2.1), built level by level."""
    level = [hashlib.sha256(f"\0{path}\0{files[path]}".encode()).digest() for path in sorted(files)]
    if not level:
        return hashlib.sha256(b"").hexdigest()
    while len(level) > 1:
        pairs = [hashlib.sha256(b"\1" + a + b).digest() for a, b in zip(level[::2], level[1::2], strict=False)]
        level = pairs + level[len(pairs) * 2 :]
    return level[0].hex()


def _lines(path: Path, findings: Findings) -> Iterator[Line]:
    """Every readable line; a line that does not continue the previous one is a difference."""
    previous = _FIRST
    content = path.read_bytes()
    whole, _, rest = content.rpartition(b"\n")
    if rest:
        findings.notes.append("the last line of the ledger: incomplete, because a run was killed while writing it")
    for number, raw in enumerate(whole.split(b"\n") if whole else [], start=1):
        try:
            record: dict[str, Any] = json.loads(raw)
            files = {str(name): str(value) for name, value in record["files"].items()}
            line = Line(number, str(record["kind"]), str(record["name"]), files, hashlib.sha256(raw).hexdigest())
            stated = (record["sequence"], record["previous"], record["sha256"])
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            findings.differ("ledger", _NAME, "", "a ledger line", "one that cannot be read", row=number)
            return
        expected = (number, previous, merkle_root(files))
        for field, value, found in zip(("sequence", "previous", "sha256"), expected, stated, strict=True):
            if value != found:
                findings.differ("ledger", _NAME, field, value, found, row=number, key=line.name)
        findings.counted("ledger", 1)
        previous = line.hash
        yield line


def _check_head(lines: Sequence[Line], head: str, roots: Collection[str], findings: Findings) -> None:
    """Check that the ledger still contains the line that was its last when the head was kept.

    Args:
        roots: ``made_from`` of the releases here, which may be kept in place of a ledger head.
    """
    number, _, hash_kept = head.strip().rpartition(":")
    if hash_kept in roots:
        findings.fact("ledger", MANIFEST, "made_from", hash_kept, hash_kept)
        return
    found = next((line for line in lines if line.hash == hash_kept), None)
    if found is not None:
        findings.fact("ledger", _NAME, "sequence of the head", number or str(found.number), str(found.number))
        if len(lines) > found.number:
            first, last = found.number + 1, len(lines)
            later = f"line {last}" if first == last else f"lines {first} to {last}"
            findings.notes.append(f"{later} of the ledger: written after the head was kept")
        return
    place = f"line {number}" if number else "a line"
    is_short = number.isdigit() and int(number) > len(lines)
    reason = (
        f"a ledger that was rolled back: it ends with line {len(lines)}"
        if is_short
        else "a ledger that was rewritten: none of its lines has this hash, nor is it made_from of a release here"
    )
    findings.differ("ledger", _NAME, "head", f"{place} with the hash {hash_kept}", reason)


def _note(lines: Sequence[Line], findings: Findings) -> None:
    if lines[0].kind != "start":
        findings.differ("ledger", _NAME, "kind", "start", lines[0].kind, row=1)
    elif lines[0].name != "a new home":
        findings.notes.append("data older than the ledger: it was started in a home that already contained data")
    for line in lines:
        if line.kind == "found":
            findings.notes.append(
                f"the origin of {line.name} (line {line.number} of the ledger): it was found without a line, because "
                "its run was killed or it was put there by hand"
            )


def _in_force(lines: Sequence[Line], findings: Findings) -> dict[str, Line]:
    """Path -> the newest line about it. A release has one line: a second one with another manifest is a difference."""
    covered: dict[str, Line] = {}
    owner: dict[tuple[str, str], Line] = {}
    for line in lines:
        subject = {"refusal": "acceptance", "found": "release"}.get(line.kind, line.kind)
        before = owner.get((subject, line.name))
        if before is not None and subject == "release":
            for path in filter(_RELEASE.fullmatch, {**before.files, **line.files}):
                first, now = before.files.get(path), line.files.get(path)
                findings.fact("ledger", _NAME, path, first, now, key=f"line {line.number}")
            continue
        if before is not None:
            covered = {path: held for path, held in covered.items() if held is not before}
        owner[subject, line.name] = line
        covered |= {path: line for path in line.files if "/" in path}
    return covered


def _check_releases(root: Path, package: Package, covered: Mapping[str, Line], findings: Findings) -> None:
    """Check that every release, and every record of a destruction, has a line."""
    there = {package.folder} if package.folder.is_relative_to(root) else set()
    there |= {path.parent for path in root.glob(f"releases/????H[12]/r*/{MANIFEST}")}
    for folder in sorted(there):
        name = f"{folder.relative_to(root).as_posix()}/{MANIFEST}"
        if name not in covered:
            findings.differ("ledger", name, "", "a line about it in the ledger", "none: it was not released here")
    for record in sorted(root.glob("releases/????H[12]/r*.destroyed.json")):
        name = record.relative_to(root).as_posix()
        if name not in covered:
            findings.differ("ledger", name, "", "a line about it in the ledger", "none: nothing was destroyed here")


def _check_files(root: Path, covered: Mapping[str, Line], findings: Findings) -> None:
    over: dict[str, int] = {}
    for path, line in sorted(covered.items()):
        file = root / path
        if not file.is_file() and (half := _half_year(path)) and _is_over(root, half):
            over[half] = over.get(half, 0) + 1
            continue
        found = sha256(file) if file.is_file() else "no file"
        findings.fact("ledger", path, "hash", line.files[path], found, key=f"line {line.number}")
    for half, number in sorted(over.items()):
        files = f"{number} file{'' if number == 1 else 's'} ingested for {half}"
        findings.notes.append(f"{files}: gone, as are patient-level files of its releases")


def _half_year(path: str) -> str:
    """The half-year that a file of the inbox or the lake was accepted for; empty for other files."""
    match = _PARTITION.search(path) if path.startswith(("inbox/", "lake/hospital/", "lake/cms/")) else None
    if match is None:
        return ""
    year, quarter, month, half = match.groups()
    return f"{year}H{half or (1 if int(quarter or 0) in (1, 2) or 1 <= int(month or 0) <= 6 else 2)}"


def _is_over(root: Path, half: str) -> bool:
    """Whether retention or data use of a half-year ended: files of one of its releases were destroyed on purpose."""
    return any(has_destroyed(folder) for folder in root.glob(f"releases/{half}/r*") if folder.is_dir())

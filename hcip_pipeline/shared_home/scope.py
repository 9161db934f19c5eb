"""Which files of a home belong to an acceptance, and which lock protects a file.

Belongs here: paths. Does not belong here: reading or comparing files.

A line of the ledger names what was accepted (``hospital/2025Q1/210001.r1``), but the whole partition is shared with it:
receipts, rows, seals, quarantine, and the inbox files from which they were made.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hcip_pipeline.home.folders import Home
from hcip_pipeline.home.records import read_record
from hcip_pipeline.ledger.lines import Entry

#: inbox files that people edit in place and that every run reads again
_READ_AGAIN = re.compile(r"inbox/[^/]+|inbox/(reference|program|protocols)/.+")
_LOCKS = (
    (re.compile(r"lake/.*/quarter=([^/]+)/.*"), "{}"),
    (re.compile(r"lake/.*/month=([^/]+)/.*"), "{}"),
    (re.compile(r"lake/(?:seals/)?(reference)/.*"), "{}"),
    (re.compile(r"lake/program/period=([^/]+)/.*"), "{}"),
    (re.compile(r"lake/(?:seals/)?norms/([^/]+)/.*"), "norms-{}"),
    (re.compile(r"releases/([^/]+)/.*"), "{}"),
)
#: verdicts that do not count yet (``intake.hospital.together``), and files that were set aside
_NOT_SHARED = re.compile(r"(.*/)?\..*|lake/hospital/judged/.*|.*\.(damaged|unrecorded)|.*/\.[^/]*(/.*)?")


@dataclass(frozen=True, order=True)
class Part:
    """A part of the home that lines of the ledger are about; it is accepted completely or not at all.

    Attributes:
        kind: ``hospital``, ``cms``, ``reference``, ``program``, ``norms``, ``release`` or ``destruction``.
        key: ``2025Q1``, ``2025-04``, ``2025H1``, a norm table's key, or ``2025H1/r1``.
    """

    kind: str
    key: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.key}".strip()


def part_of(entry: Entry) -> Part | None:
    """The part that an entry of the ledger is about; None for the ledger itself."""
    if entry.kind == "start":
        return None
    if entry.kind in ("norms", "destruction"):
        return Part(entry.kind, entry.name)
    if entry.kind in ("release", "found"):
        return Part("release", entry.name)
    kind, _, rest = entry.name.partition("/")
    return Part(kind, rest.partition("/")[0])


def lock_of(path: str) -> str:
    """The lock that must be held to change a file; empty if none is needed."""
    for pattern, name in _LOCKS:
        if found := pattern.fullmatch(path):
            return name.format(found[1])
    return ""


def is_own(part: Part, path: str) -> bool:
    """Whether only the part's own intake writes this file."""
    if part.kind == "release":
        return path.startswith(f"releases/{part.key}")
    own = {"norms": f"norms-{part.key}", "reference": "reference"}.get(part.kind, part.key)
    return path.startswith("lake/") and lock_of(path) == own


def files_of(home: Home, part: Part) -> Iterator[str]:
    """The paths of a part's files in the home, those of the inbox last."""
    found: set[str] = set()
    for pattern in _patterns(home, part):
        for path in home.root.glob(pattern):
            name = path.relative_to(home.root).as_posix()
            if path.is_file() and not _NOT_SHARED.fullmatch(name):
                found.add(name)
    yield from sorted(found, key=lambda name: (name.startswith("inbox/"), name))


def belongs(part: Part, path: str) -> bool:
    """Whether a shared path of the lake belongs to a part, so that its removal from the home is shared too."""
    return part.kind in ("hospital", "cms", "reference", "program", "norms") and is_own(part, path)


def is_read_again(path: str) -> bool:
    """Whether every run reads this inbox file again, so that two versions of it would give two results."""
    return _READ_AGAIN.fullmatch(path) is not None


def is_read_with(part: Part, path: str) -> bool:
    """Whether an inbox file that every run reads again is shared with a part, as well as its removal."""
    folder = path.removeprefix("inbox/").rpartition("/")[0].partition("/")[0]
    folders = {
        "hospital": ("",),
        "cms": ("",),
        "reference": ("", "reference"),
        "program": ("", "reference", "program", "protocols"),
    }
    return is_read_again(path) and folder in folders.get(part.kind, ())


def _patterns(home: Home, part: Part) -> Iterator[str]:
    key = part.key
    match part.kind:
        case "hospital" | "cms":
            cadence = "quarter" if part.kind == "hospital" else "month"
            for folder in (f"lake/{part.kind}", f"lake/seals/{part.kind}"):
                yield f"{folder}/*/{cadence}={key}/*"
            yield f"lake/quarantine/{part.kind}/{cadence}={key}/*"
            yield f"inbox/{part.kind}/{key}/**/*"
            yield "inbox/*"
        case "reference":
            yield from ("lake/reference/**/*", "lake/seals/reference/**/*", "inbox/reference/**/*", "inbox/*")
        case "program":
            # sums to date read the program files of earlier half-years, which are accepted with this one
            yield from ("lake/program/**/*", "lake/protocols/**/*", "inbox/program/**/*", "inbox/protocols/**/*")
            yield from ("inbox/reference/**/*", "inbox/*")
        case "norms":
            yield from (f"lake/norms/{key}/**/*", f"lake/seals/norms/{key}/**/*")
        case "release":
            yield from (f"releases/{key}/**/*", f"releases/{key}.sig", f"releases/{key}.tsr")
            yield from _known(home, key)
        case "destruction":
            yield from (f"releases/{key}.destroyed.json", f"releases/{key}.destroyed.json.sig")


def _known(home: Home, release: str) -> Iterator[str]:
    """The kept copies of a release's sources (``settlement.kept_sources``)."""
    record = home.lake / "known" / f"{release.replace('/', '_')}.json"
    if not record.is_file():
        return
    yield _name(home, record)
    stated = read_record(record, "policy_sha256", "sources")
    yield f"lake/known/policies/{stated['policy_sha256']}.yaml"
    for files in stated["sources"].values():
        for sha256 in files:
            yield f"lake/known/{sha256[:2]}/{sha256}.parquet"


def _name(home: Home, path: Path) -> str:
    return path.relative_to(home.root).as_posix()

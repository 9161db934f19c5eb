"""The home against its own ledger: files that are missing or changed, or that have no line.

Belongs here: the comparison before a run, and the consequences of a difference. Does not belong here: the check of an
auditor, who does not trust the pipeline's code (``release.verification``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hcip_pipeline.errors import HcipError
from hcip_pipeline.files.hashes import file_sha256
from hcip_pipeline.home.folders import Home
from hcip_pipeline.home.lake_seals import damage
from hcip_pipeline.ledger import leaves
from hcip_pipeline.ledger.acceptances import is_sealed_as, partitions_to_ingest_again
from hcip_pipeline.ledger.lines import Line, read_ledger
from hcip_pipeline.ledger.recording import begin, record_found, subject
from hcip_pipeline.messages import Progress, note

#: at most this many differences are listed
_NAMED = 10


@dataclass(frozen=True)
class Difference:
    """One file that differs from the line that covers it. ``what`` is ``missing`` or ``changed``."""

    path: str
    what: str
    line: int
    name: str

    def __str__(self) -> str:
        return f"{self.path} is {self.what} (line {self.line}: {self.name})"


def in_force(lines: Iterable[Line]) -> dict[str, Line]:
    """Path -> the line that covers it: the newest line with its name, for a release the first.

    A path that a newer line of the same name no longer lists is not covered.
    """
    found: dict[str, Line] = {}
    owned: dict[tuple[str, str], Line] = {}
    for line in lines:
        key = (subject(line.entry), line.entry.name)
        if key in owned and key[0] == "release":
            continue
        if key in owned:
            for path in owned[key].entry.files:
                if found.get(path) is owned[key]:
                    del found[path]
        owned[key] = line
        found |= {path: line for path in line.entry.files if "/" in path}
    return found


def recorded_hashes(home: Home) -> dict[str, str]:
    """Path within the home -> the sha256 in the ledger; empty if there is no ledger."""
    return {path: line.entry.files[path] for path, line in in_force(read_ledger(home)).items()}


def check_home(
    home: Home, periods: Iterable[object], progress: Progress, *, has_history: bool = True, reads_inbox: bool = True
) -> list[str]:
    """Compare the home with its ledger before a run; start a ledger if there is none.

    A missing or changed file of the inbox is reported but does not stop the run, because the lake has the accepted
    data. Whatever the lake lacks in any quarter or month, read by the run or not, must be ingested again. A release of
    the run's periods that has no line is recorded as found.

    Args:
        periods: half-years whose locks this run holds.
        has_history: whether Dagster's history contains any run.
        reads_inbox: False if the caller has just compared the inbox.

    Returns:
        Quarters and months in which the lake lacks accepted files; the inbox still has them.

    Raises:
        HcipError: the ledger itself was changed; a release, its sources, a norm table or a record of a destruction
            differs from the ledger; files of the lake were forged with their seals; or files that the lake lacks are
            not in the inbox. Names them.
    """
    if begin(home):
        progress(note("this home is older than its ledger; a ledger was started with what the home contains now"))
    covered = in_force(read_ledger(home))
    stopping = {path: line for path, line in covered.items() if _must_stop(path)}
    broken = list(differences(home, stopping))
    if broken:
        raise HcipError(
            f"the home differs from its ledger: {_named(broken)}",
            file=home.root / broken[0].path,
            rule="LEDGER-MISMATCH",
            fix="restore them from a backup; a release is never changed or removed. `hcip verify` lists them all",
        )
    forged = [
        home.root / path
        for path, line in covered.items()
        if path.startswith("lake/norms/") and path.endswith(".parquet")
        if not is_sealed_as(home, path, line.entry.files[path])
    ]
    if forged:
        raise damage(home, forged)
    again = partitions_to_ingest_again(home)
    if again:
        progress(note(f"the lake lacks accepted files of {', '.join(again)}, which will be ingested again"))
    received = {path: line for path, line in covered.items() if path.startswith("inbox/hospital/")}
    received |= {path: line for path, line in covered.items() if path.startswith("inbox/cms/")}
    exchanged = list(differences(home, received)) if reads_inbox else []
    if exchanged:
        progress(note(f"accepted files of the inbox changed: {_named(exchanged)}. The lake keeps what was accepted"))
    recorded = read_ledger(home)
    if not has_history and any(line.entry.kind == "release" for line in recorded[1:]):
        progress(note(f"the history of runs is missing; the ledger still has its {len(recorded)} lines"))
    known = {line.entry.name for line in covered.values() if subject(line.entry) == "release"}
    unrecorded = [each for each in leaves.release_entries(home, map(str, periods)) if each.name not in known]
    for entry in unrecorded:
        why = "its run was killed, or it was put there by hand"
        progress(note(f"{entry.name} has no line in the ledger ({why}): it is recorded as found"))
    if unrecorded:
        record_found(home, unrecorded)
    return again


def _must_stop(path: str) -> bool:
    if path.startswith("lake/reference/history/"):
        return True
    return path.startswith(("releases/", "lake/known/", "lake/norms/")) and not path.endswith(".parquet")


def _named(differences: list[Difference]) -> str:
    more = f" and {len(differences) - _NAMED} more" if len(differences) > _NAMED else ""
    return "; ".join(map(str, differences[:_NAMED])) + more


def differences(home: Home, covered: Mapping[str, Line]) -> Iterator[Difference]:
    """Files that differ from the ledger; every covered file is read."""

    def found(path: str) -> str:
        file = home.root / path
        with suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return file_sha256(file)
        return ""

    with ThreadPoolExecutor() as pool:
        for (path, line), sha256 in zip(covered.items(), pool.map(found, covered), strict=True):
            if sha256 != line.entry.files[path]:
                yield Difference(path, "changed" if sha256 else "missing", line.sequence, line.entry.name)


def forget_unrecorded(home: Home, folder: Path, progress: Progress) -> None:
    """Set aside receipts that have no line in the ledger or differ from it.

    A killed run left them, or someone changed them. Without its receipt a submission is ingested again, with the same
    result as long as the inbox is unchanged. Call it with the partition's lock held.

    Args:
        folder: the receipts of one partition of the lake.
    """
    begin(home)
    held = recorded_hashes(home)
    for path in sorted(folder.glob("*.json")):
        name = path.relative_to(home.root).as_posix()
        if held.get(name) == file_sha256(path):
            continue
        what = "differs from the ledger" if name in held else "has no line in the ledger"
        progress(note(f"{name} {what}: it was set aside, and its files will be ingested again"))
        path.replace(path.with_name(f"{path.name}.unrecorded"))

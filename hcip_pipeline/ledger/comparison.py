"""The home against its own ledger: what is missing, changed, or there without a line.

Belongs here: comparing before a run, and what follows from a difference. Does not belong here: an auditor's check, who
trusts no code of the pipeline (``release.verification``).
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

#: differences that are named one by one
_NAMED = 10


@dataclass(frozen=True)
class Difference:
    """One file that is not what the newest line about it states. ``what`` is ``missing`` or ``changed``."""

    path: str
    what: str
    line: int
    name: str

    def __str__(self) -> str:
        return f"{self.path} is {self.what} (line {self.line}: {self.name})"


def in_force(lines: Iterable[Line]) -> dict[str, Line]:
    """Path -> the line that holds for it: the newest of its name, of a release the first.

    A path that a newer line of the same name drops is not covered.
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
    """Path within the home -> the sha256 that the ledger holds; empty where there is no ledger."""
    return {path: line.entry.files[path] for path, line in in_force(read_ledger(home)).items()}


def check_home(
    home: Home, periods: Iterable[object], progress: Progress, *, has_history: bool = True, reads_inbox: bool = True
) -> list[str]:
    """Compare the home with its ledger before a run. Starts a ledger where there is none.

    A file of the inbox that is missing or was exchanged is reported and stops nothing, since the lake holds what was
    accepted. What the lake lacks of any quarter or month, read or not, must be accepted again. A release of the run's
    periods that no line is about is recorded as found.

    Args:
        periods: half-years that this run holds the locks of.
        has_history: whether Dagster's history knows any run.
        reads_inbox: False where something else has just compared the inbox.

    Returns:
        Quarters and months that lack something that was accepted: the inbox gives it again.

    Raises:
        HcipError: the ledger itself was changed, or a release, what it was made from, a norm table or a record of a
            destruction is not what was recorded; files of the lake were forged with their seals; or the inbox does not
            give again what the lake lacks. Names them.
    """
    if begin(home):
        progress(note("this home is older than its ledger; a ledger was started with what the home contains now"))
    covered = in_force(read_ledger(home))
    stopping = {path: line for path, line in covered.items() if _must_stop(path)}
    broken = list(differences(home, stopping))
    if broken:
        raise HcipError(
            f"the home is not what its ledger records: {_named(broken)}",
            file=home.root / broken[0].path,
            rule="LEDGER-MISMATCH",
            fix="put them back from a backup; a release is never changed or removed. `hcip verify` names every file",
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
        progress(note(f"the lake lacks accepted files of {', '.join(again)}: it is ingested again"))
    received = {path: line for path, line in covered.items() if path.startswith("inbox/hospital/")}
    received |= {path: line for path, line in covered.items() if path.startswith("inbox/cms/")}
    exchanged = list(differences(home, received)) if reads_inbox else []
    if exchanged:
        progress(note(f"the inbox is not what was accepted: {_named(exchanged)}. The lake keeps what was accepted"))
    recorded = read_ledger(home)
    if not has_history and any(line.entry.kind == "release" for line in recorded[1:]):
        progress(note(f"the history of runs is missing; the ledger keeps the {len(recorded)} lines from before"))
    known = {line.entry.name for line in covered.values() if subject(line.entry) == "release"}
    unrecorded = [each for each in leaves.release_entries(home, map(str, periods)) if each.name not in known]
    for entry in unrecorded:
        why = "its run was killed, or it was put there by hand"
        progress(note(f"{entry.name} has no line in the ledger ({why}): it is recorded now"))
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
    """Files that are not what the ledger holds of them; every one is read."""

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
    """Set receipts aside that no line of the ledger is about, or that are not what it states.

    A run that was killed left them, or somebody changed them: without its receipt a submission is accepted again, with
    the same outcome as long as the inbox is the same. Call it with the partition's lock held.

    Args:
        folder: the receipts of one partition of the lake.
    """
    begin(home)
    held = recorded_hashes(home)
    for path in sorted(folder.glob("*.json")):
        name = path.relative_to(home.root).as_posix()
        if held.get(name) == file_sha256(path):
            continue
        what = "is not what the ledger records" if name in held else "has no line in the ledger"
        progress(note(f"{name} {what}: it is set aside, and its files are ingested again"))
        path.replace(path.with_name(f"{path.name}.unrecorded"))

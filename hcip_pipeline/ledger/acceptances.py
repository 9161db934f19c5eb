"""The ledger's acceptances against the lake: files that were forged with their seals, and missing receipts.

Belongs here: finding both in every quarter and month of the home, whether a run reads it or not, and checking whether
the inbox can restore them. Does not belong here: ingesting, and program tables (``program_history``).

An acceptance's line may change only because its files were accepted again. So a file of the lake that differs from the
ledger is damaged, even if its seal matches: it is set aside with its receipt, and ingested again from an unchanged
inbox.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from hcip_pipeline.errors import HcipError
from hcip_pipeline.files.hashes import file_sha256
from hcip_pipeline.home.folders import Home
from hcip_pipeline.home.lake_seals import damage, seal_path
from hcip_pipeline.home.locks import BusyError, HomeLocks
from hcip_pipeline.ledger.lines import Line, read_ledger

#: kinds of partitions whose lines record the hash of every accepted file
_KINDS = ("hospital", "cms")


@dataclass(frozen=True)
class Acceptance:
    """The newest line about a submission or an archive that was accepted.

    Attributes:
        name: ``hospital/2025Q1/210001.r1``.
        partition: ``2025Q1``.
        receipt: path of its receipt within the home.
        lake, inbox: path within the home -> sha256.
    """

    name: str
    partition: str
    receipt: str
    receipt_sha256: str
    lake: Mapping[str, str]
    inbox: Mapping[str, str]

    def forged(self, home: Home) -> list[Path]:
        """Its files of the lake that are missing, or whose seal is not that of the accepted file.

        A file that was changed without its seal is not listed: it cannot lead to a line, and its readers notice it. A
        killed run leaves a new receipt before it leaves a new seal.
        """
        return [home.root / path for path, sha256 in self.lake.items() if not is_sealed_as(home, path, sha256)]

    def has_receipt(self, home: Home) -> bool:
        """Whether its receipt is the one that was accepted."""
        path = home.root / self.receipt
        return path.is_file() and file_sha256(path) == self.receipt_sha256

    def is_destroyed(self, home: Home) -> bool:
        """Whether nothing of it is left in the inbox or the lake, because its retention period has ended."""
        return not any((home.root / path).exists() for path in (self.receipt, *self.lake, *self.inbox))

    def require_inbox(self, home: Home) -> None:
        """Make sure that the accepted files are still in the inbox.

        Raises:
            HcipError: one is missing or changed; names it.
        """
        for name, sha256 in self.inbox.items():
            path = home.root / name
            if path.is_file() and file_sha256(path) == sha256:
                continue
            raise HcipError(
                f"{self.name} is damaged in the lake and cannot be ingested again: the accepted file "
                f"{'was changed' if path.exists() else 'is missing'}",
                file=name,
                rule="LAKE-DAMAGED",
                fix=f"restore the accepted file (sha256 {sha256[:16]}…) from a backup and run this again; put a "
                "correction into a folder of its own",
            )


def is_sealed_as(home: Home, name: str, sha256: str) -> bool:
    """Whether a file of the lake exists and its seal has this hash; ``name`` is its path within the home."""
    path = home.root / name
    try:
        seal = json.loads(seal_path(home, path).read_text(encoding="utf-8"))
        return bool(seal["sha256"] == sha256 and path.is_file())
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return False


def acceptances(lines: Iterable[Line], partition: str | None = None) -> list[Acceptance]:
    """Submissions and archives whose newest line accepts them, in one partition or in all."""
    newest = {line.entry.name: line.entry for line in lines if line.entry.kind in ("acceptance", "refusal")}
    found = []
    for name, entry in newest.items():
        kind, _, rest = name.partition("/")
        of = rest.partition("/")[0]
        if entry.kind != "acceptance" or kind not in _KINDS or partition not in (None, of):
            continue
        receipt = next((path for path in entry.files if path.startswith(f"lake/{kind}/receipts/")), "")
        found.append(
            Acceptance(
                name,
                of,
                receipt,
                entry.files.get(receipt, ""),
                {path: sha for path, sha in entry.files.items() if path.startswith("lake/") and path != receipt},
                {path: sha for path, sha in entry.files.items() if path.startswith("inbox/")},
            )
        )
    return found


def check_partition(home: Home, partition: str) -> None:
    """Before ingesting a partition, check that nothing in it was forged, and that lost receipts can be restored.

    Call it with the partition's lock held.

    Raises:
        HcipError: files of the lake were forged, and were set aside; or the accepted files are not in the inbox.
    """
    accepted = acceptances(read_ledger(home), partition)
    _stop_if_forged(home, accepted)
    for each in _lacking(home, accepted):
        each.require_inbox(home)


def partitions_to_ingest_again(home: Home) -> list[str]:
    """Quarters and months with a missing or changed receipt that no other run is working on.

    Raises:
        HcipError: files of the lake were forged, and were set aside; or the accepted files are not in the inbox.
    """
    with HomeLocks() as locks:
        every = acceptances(read_ledger(home))
        suspect = {each.partition for each in every if each.forged(home) or not each.has_receipt(home)}
        free = [partition for partition in sorted(suspect) if _is_free(home, partition, locks)]
        # Read again with the locks held: an intake that was running may have finished in the meantime.
        accepted = [each for each in acceptances(read_ledger(home)) if each.partition in free] if free else []
        _stop_if_forged(home, accepted)
        lacking = list(_lacking(home, accepted))
        for each in lacking:
            each.require_inbox(home)
    return sorted({each.partition for each in lacking})


def _is_free(home: Home, partition: str, locks: HomeLocks) -> bool:
    try:
        locks.take(home, partition, f"comparing {partition} with the ledger")
    except BusyError:
        return False  # the run that ingests it makes the same comparison
    return True


def _stop_if_forged(home: Home, accepted: Iterable[Acceptance]) -> None:
    forged = [path for each in accepted if each.has_receipt(home) for path in each.forged(home)]
    if forged:
        raise damage(home, forged)


def _lacking(home: Home, accepted: Iterable[Acceptance]) -> Iterator[Acceptance]:
    yield from (each for each in accepted if not each.has_receipt(home) and not each.is_destroyed(home))

"""What an auditor holds besides the release: a head that was kept, signers that are trusted, an allowance."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

#: draws of a case that take about twenty seconds; a small state has fewer
MOST_DRAWS = 4_000_000


@dataclass(frozen=True)
class Proofs:
    """What a release is checked against besides itself.

    Attributes:
        head: head of the ledger that was kept: ``<sequence>:<sha256>``, or the sha256 alone. With it every file that
            the ledger covers is read.
        ledger: where the ledger is; None: ``ledger.jsonl`` of the home that the release is in.
        signers: file of allowed signers, as ``ssh-keygen`` reads it; None: signatures are not checked.
        roots: PEM file of the root certificates of time stamps; None: those are not checked.
        is_partial: a release that this one names may be absent.
        draws: how many draws of a case may be repeated for chance ranges and intervals; a state has 70 million.
    """

    head: str = ""
    ledger: Path | None = None
    signers: Path | None = None
    roots: Path | None = None
    is_partial: bool = False
    draws: int = 0

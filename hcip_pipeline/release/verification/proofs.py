"""What an auditor provides besides the release: a kept head, trusted signers and roots, and limits of the check."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

#: draws of a case that take about twenty seconds; a small state needs fewer
MOST_DRAWS = 4_000_000


@dataclass(frozen=True)
class Proofs:
    """What a release is checked against besides itself.

    Attributes:
        head: a kept head of the ledger: ``<sequence>:<sha256>``, or only the sha256. With it, every file that the
            ledger covers is read.
        ledger: path of the ledger; None: ``ledger.jsonl`` of the release's home.
        signers: file of allowed signers, as ``ssh-keygen`` reads it; None: signatures are not checked.
        roots: PEM file with the root certificates of time stamps; None: time stamps are not checked.
        is_partial: releases that this one refers to may be absent.
        draws: the most draws of a case to repeat for chance ranges and intervals; a whole state has 70 million.
    """

    head: str = ""
    ledger: Path | None = None
    signers: Path | None = None
    roots: Path | None = None
    is_partial: bool = False
    draws: int = 0

"""``python -m verification RELEASE``, for a machine that has only this folder of the project."""

from __future__ import annotations

import sys
from pathlib import Path

from .proofs import MOST_DRAWS, Proofs
from .report import UnreadableReleaseError
from .verifier import verify_release


def main(arguments: list[str]) -> int:
    """Return 0 if every figure was reproduced, 1 if any differs or there is no release, 2 on wrong usage."""
    if len(arguments) != 1:
        print("usage: python -m verification RELEASE", file=sys.stderr)
        return 2
    try:
        report = verify_release(Path(arguments[0]), proofs=Proofs(draws=MOST_DRAWS))
    except UnreadableReleaseError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(report.text())
    return 0 if report.ok else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

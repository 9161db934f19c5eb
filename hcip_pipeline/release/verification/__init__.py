"""Verification of a release: recomputes every payment from the release's own files, in plain decimal arithmetic.

Belongs here: a second implementation of methodology §2–10, written from its text, for an auditor who trusts neither the
SQL nor this project. Does not belong here: any import from the rest of the package, so that no fault of the pipeline
can hide by being on both sides. Libraries only read Parquet and YAML (pyarrow, PyYAML) and check time stamps
(cryptography, rfc3161-client). The folder works on its own: ``python -m verification RELEASE``.
"""

from .proofs import MOST_DRAWS, Proofs
from .report import Difference, UnreadableReleaseError, VerificationReport
from .verifier import verify_release

__all__ = ["MOST_DRAWS", "Difference", "Proofs", "UnreadableReleaseError", "VerificationReport", "verify_release"]

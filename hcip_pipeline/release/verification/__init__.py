"""The proof of a release: every payment computed again from the release's own files, in plain decimal arithmetic.

Belongs here: a second implementation of methodology §2–10, written from its text, for an auditor who trusts neither the
SQL nor this project. Does not belong here: the rest of the package, of which nothing is imported, so that no fault of
the pipeline can hide by being on both sides. Only reading Parquet and YAML takes a library (pyarrow, PyYAML).
The folder works on its own: ``python -m verification RELEASE``.
"""

from .proofs import MOST_DRAWS, Proofs
from .report import Difference, UnreadableReleaseError, VerificationReport
from .verifier import verify_release

__all__ = ["MOST_DRAWS", "Difference", "Proofs", "UnreadableReleaseError", "VerificationReport", "verify_release"]

"""One value that identifies everything a release is made from: ``regulator/keep_this.txt``.

Belongs here: the note for recipients of the release. Does not belong here: the value (``release.manifest``).
"""

from __future__ import annotations

from collections.abc import Iterable

from hcip_pipeline.release.documents import Document, Draft

_TEXT = """\
HCIP settlement {period}, release r{number}

{root}

Keep this value where the settlement's administrator cannot change it. It is the Merkle root over everything this
release was made from: {inputs} input files (including any releases of earlier half-years) with their hashes, the
release that it supersedes, if any, the policy and the version of the program. With it, anyone can check later whether
any of this has changed:

    hcip verify releases/{period}/r{number} --head {root}

{signed}
The head of the administrator's ledger, printed when the release was made, covers the files of this release as well.
"""


def origin_note(draft: Draft) -> Iterable[Document]:
    """``regulator/keep_this.txt``."""
    text = _TEXT.format(
        period=draft.period,
        number=draft.number,
        root=draft.made_from,
        inputs=f"{len(draft.inputs):,}",
        signed=signed_by(draft),
    )
    yield Document("regulator/keep_this.txt", text.encode(), "text/plain")


def signed_by(draft: Draft) -> str:
    """Who signed the release, or that no one did, and who issued its time stamp."""
    signed = "This release is not signed."
    if draft.signed_by is not None:
        signed = f"This release is signed by {draft.signed_by}: r{draft.number}.sig, in OpenSSH's format."
    if draft.stamped_by is None:
        return signed
    name = f"r{draft.number}.tsr"
    return f"{signed} Its time stamp by {draft.stamped_by} (RFC 3161) is {name}; without that file, it has none."

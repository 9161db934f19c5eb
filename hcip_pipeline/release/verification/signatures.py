"""Signatures in OpenSSH's format, checked by OpenSSH itself: ``ssh-keygen -Y verify``, namespace ``hcip-release``.

Belongs here: which file has which signature, and asking ``ssh-keygen``. Does not belong here: making one.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from .package import MANIFEST, Package
from .proofs import Proofs
from .report import Findings, UnreadableReleaseError

NAMESPACE = "hcip-release"
_HEAD = "ledger.head"


def check_signatures(package: Package, proofs: Proofs, findings: Findings) -> None:
    """The signatures of the manifest, of its record of destruction and of the ledger's head.

    Raises:
        UnreadableReleaseError: signers are named, and there is no ``ssh-keygen`` or the file cannot be read.
    """
    folder, root = package.folder, package.folder.parent.parent.parent
    if folder.name.startswith("."):
        return  # still being written
    signature = folder.with_name(f"{folder.name}.sig")
    stated = package.manifest.get("signed_by")
    if stated and not signature.is_file():
        findings.differ("signatures", MANIFEST, "signature", f"{signature.name}, by {stated}", "none")
    if proofs.signers is None:
        if stated:
            findings.notes.append("signatures: name who may sign with --signers")
        return
    if not proofs.signers.is_file():
        raise UnreadableReleaseError(f"{proofs.signers} cannot be read as allowed signers", "name the file")
    pairs = [(folder / MANIFEST, signature), (root / _HEAD, root / f"{_HEAD}.sig")]
    record = folder.with_name(f"{folder.name}.destroyed.json")
    if record.is_file():
        pairs.append((record, record.with_name(f"{record.name}.sig")))
    for file, signed in pairs:
        found = verify_signature(file, signed, proofs.signers)
        name = file.relative_to(root).as_posix()
        findings.fact("signatures", name, "signature", "by an allowed signer", found)
    _check_head_is_of_ledger(root, findings)


def _check_head_is_of_ledger(root: Path, findings: Findings) -> None:
    """The head that was signed is one of the ledger's: its line is still there."""
    import hashlib

    head, ledger = root / _HEAD, root / "ledger.jsonl"
    if not head.is_file() or not ledger.is_file():
        return  # named already
    number, _, kept = head.read_text(encoding="utf-8").strip().rpartition(":")
    hashes = [hashlib.sha256(raw).hexdigest() for raw in ledger.read_bytes().split(b"\n")]
    if kept not in hashes:
        findings.differ("signatures", _HEAD, "head", f"line {number} of the ledger", "the ledger has no such line")
    elif later := len(hashes) - 1 - int(number):
        findings.notes.append(f"signatures: {later} lines of the ledger are later than the head that was signed")


def verify_signature(file: Path, signature: Path, signers: Path) -> str:
    """``by an allowed signer``, or in words why not.

    Raises:
        UnreadableReleaseError: there is no ``ssh-keygen``.
    """
    if not signature.is_file() or not file.is_file():
        return "not signed"
    try:
        found = _ssh_keygen("find-principals", "-s", str(signature), "-f", str(signers))
        for identity in found.stdout.decode(errors="replace").split("\n"):
            if not identity:
                continue
            checked = _ssh_keygen(
                *("verify", "-f", str(signers), "-I", identity, "-n", NAMESPACE, "-s", str(signature)),
                content=file.read_bytes(),
            )
            if checked.returncode == 0:
                return "by an allowed signer"
    except FileNotFoundError as error:
        raise UnreadableReleaseError(
            "ssh-keygen, which checks signatures, is not installed", "install OpenSSH"
        ) from error
    except subprocess.TimeoutExpired:
        return "ssh-keygen did not answer"
    return "a signature that does not hold" if found.stdout.strip() else "a signature by someone who is not allowed"


def _ssh_keygen(action: str, *arguments: str, content: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["ssh-keygen", "-Y", action, *arguments], input=content, capture_output=True, timeout=60, check=False
    )

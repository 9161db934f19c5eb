"""Signatures in OpenSSH's format, checked by OpenSSH: ``ssh-keygen -Y verify``, namespace ``hcip-release``.

Belongs here: which file has which signature, and calling ``ssh-keygen``. Does not belong here: making a signature.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from .package import MANIFEST, Package
from .proofs import Proofs
from .report import Findings, UnreadableReleaseError

NAMESPACE = "hcip-release"
_HEAD = "ledger.head"
_ALLOWED = "a valid signature by an allowed signer"


def check_signatures(package: Package, proofs: Proofs, findings: Findings) -> None:
    """Check the signatures of the manifest, of its record of destruction and of the ledger's head.

    Raises:
        UnreadableReleaseError: signers are given, but ``ssh-keygen`` or the file of signers is missing.
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
            findings.notes.append("signatures: pass the allowed signers with --signers")
        return
    if not proofs.signers.is_file():
        raise UnreadableReleaseError(f"there is no file of allowed signers at {proofs.signers}", "correct --signers")
    pairs = [(folder / MANIFEST, signature), (root / _HEAD, root / f"{_HEAD}.sig")]
    record = folder.with_name(f"{folder.name}.destroyed.json")
    if record.is_file():
        pairs.append((record, record.with_name(f"{record.name}.sig")))
    for file, signed in pairs:
        found = verify_signature(file, signed, proofs.signers)
        name = file.relative_to(root).as_posix()
        findings.fact("signatures", name, "signature", _ALLOWED, found)
    _check_head_is_of_ledger(root, findings)


def _check_head_is_of_ledger(root: Path, findings: Findings) -> None:
    """Check that the ledger still contains the line of the signed head."""
    import hashlib

    head, ledger = root / _HEAD, root / "ledger.jsonl"
    if not head.is_file() or not ledger.is_file():
        return  # already reported
    number, _, kept = head.read_text(encoding="utf-8").strip().rpartition(":")
    hashes = [hashlib.sha256(raw).hexdigest() for raw in ledger.read_bytes().split(b"\n")]
    if kept not in hashes:
        expected = f"line {number} of the ledger, with the hash {kept}"
        findings.differ("signatures", _HEAD, "head", expected, "a ledger without this line")
    elif later := len(hashes) - 1 - int(number):
        lines = "last line" if later == 1 else f"last {later} lines"
        findings.notes.append(f"signatures: the {lines} of the ledger, written after its head was signed")


def verify_signature(file: Path, signature: Path, signers: Path) -> str:
    """``a valid signature by an allowed signer``, or a description of what was found instead.

    Raises:
        UnreadableReleaseError: there is no ``ssh-keygen``.
    """
    if not signature.is_file() or not file.is_file():
        return "no signature"
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
                return _ALLOWED
    except FileNotFoundError as error:
        raise UnreadableReleaseError(
            "ssh-keygen, which checks signatures, is not installed", "install OpenSSH"
        ) from error
    except subprocess.TimeoutExpired:
        return "no answer from ssh-keygen"
    return "an invalid signature" if found.stdout.strip() else "a signature by someone who is not an allowed signer"


def _ssh_keygen(action: str, *arguments: str, content: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["ssh-keygen", "-Y", action, *arguments], input=content, capture_output=True, timeout=60, check=False
    )

"""RFC 3161 time stamps next to a release, checked against the root certificates that an auditor trusts.

Belongs here: which file has which stamp, and whether it is valid. Does not belong here: requesting a stamp.
"""

from __future__ import annotations

from pathlib import Path

from .package import MANIFEST, Package
from .proofs import Proofs
from .report import Findings, UnreadableReleaseError

_HEAD = "ledger.head"
_VALID = "a valid time stamp"


def check_timestamps(package: Package, proofs: Proofs, findings: Findings) -> None:
    """Check the time stamps of the manifest and of the ledger's head.

    Raises:
        UnreadableReleaseError: the file of roots contains no certificate.
    """
    folder, root = package.folder, package.folder.parent.parent.parent
    if folder.name.startswith("."):
        return  # still being written
    pairs = [(folder / MANIFEST, folder.with_name(f"{folder.name}.tsr"))]
    if (root / _HEAD).is_file() and (proofs.roots is not None or (root / f"{_HEAD}.tsr").is_file()):
        pairs.append((root / _HEAD, root / f"{_HEAD}.tsr"))
    if proofs.roots is None:
        stated = package.manifest.get("stamped_by")
        if stated and not pairs[0][1].is_file():
            findings.notes.append(f"time stamps: the manifest names {stated}, but there is no stamp")
        elif any(stamp.is_file() for _, stamp in pairs):
            findings.notes.append("time stamps: pass the root certificates that you trust with --roots")
        return
    for file, stamp in pairs:
        found, when = verify_timestamp(file, stamp, proofs.roots)
        findings.fact("time_stamps", file.relative_to(root).as_posix(), "time stamp", _VALID, found)
        if when:
            findings.stamped.append(f"{file.relative_to(root).as_posix()}: {when}")


def verify_timestamp(file: Path, stamp: Path, roots: Path) -> tuple[str, str]:
    """``a valid time stamp`` and its time (UTC); or a description of what was found instead, and an empty string.

    Raises:
        UnreadableReleaseError: the roots cannot be read.
    """
    from cryptography import x509
    from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

    try:
        trusted = x509.load_pem_x509_certificates(roots.read_bytes())
    except (OSError, ValueError) as error:
        raise UnreadableReleaseError(f"{roots} has no readable certificate", "pass a PEM file to --roots") from error
    if not stamp.is_file() or not file.is_file():
        return "no time stamp", ""
    builder = VerifierBuilder()
    for certificate in trusted:
        builder = builder.add_root_certificate(certificate)
    try:
        response = decode_timestamp_response(stamp.read_bytes())
        builder.build().verify_message(response, file.read_bytes())
    except ValueError:
        return "a time stamp that cannot be read", ""
    except VerificationError as error:
        return f"an invalid time stamp: {str(error).partition(chr(10))[0]}", ""
    return _VALID, f"{response.tst_info.gen_time:%Y-%m-%d %H:%M:%S} UTC"

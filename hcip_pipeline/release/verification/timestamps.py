"""Time stamps of RFC 3161 next to a release, checked against the roots that an auditor trusts.

Belongs here: which file has which stamp, and whether it holds. Does not belong here: asking for one.
"""

from __future__ import annotations

from pathlib import Path

from .package import MANIFEST, Package
from .proofs import Proofs
from .report import Findings, UnreadableReleaseError

_HEAD = "ledger.head"
_HOLDS = "a time stamp that holds"


def check_timestamps(package: Package, proofs: Proofs, findings: Findings) -> None:
    """The time stamps of the manifest and of the ledger's head.

    Raises:
        UnreadableReleaseError: roots are named, and the file holds no certificate.
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
            findings.notes.append(f"time stamps: not stamped, although {stated} was to")
        elif any(stamp.is_file() for _, stamp in pairs):
            findings.notes.append("time stamps: name the roots that you trust with --roots")
        return
    for file, stamp in pairs:
        found, when = verify_timestamp(file, stamp, proofs.roots)
        findings.fact("time_stamps", file.relative_to(root).as_posix(), "time stamp", _HOLDS, found)
        if when:
            findings.stamped.append(f"{file.relative_to(root).as_posix()}: {when}")


def verify_timestamp(file: Path, stamp: Path, roots: Path) -> tuple[str, str]:
    """``a time stamp that holds`` and its time (UTC), or in words why not and nothing.

    Raises:
        UnreadableReleaseError: the roots cannot be read.
    """
    from cryptography import x509
    from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

    try:
        trusted = x509.load_pem_x509_certificates(roots.read_bytes())
    except (OSError, ValueError) as error:
        raise UnreadableReleaseError(f"{roots} holds no certificate that can be read", "name a PEM file") from error
    if not stamp.is_file() or not file.is_file():
        return "not stamped", ""
    builder = VerifierBuilder()
    for certificate in trusted:
        builder = builder.add_root_certificate(certificate)
    try:
        response = decode_timestamp_response(stamp.read_bytes())
        builder.build().verify_message(response, file.read_bytes())
    except ValueError:
        return "no time stamp that can be read", ""
    except VerificationError as error:
        return f"a time stamp that does not hold: {str(error).partition(chr(10))[0]}", ""
    return _HOLDS, f"{response.tst_info.gen_time:%Y-%m-%d %H:%M:%S} UTC"

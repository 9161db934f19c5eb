"""RFC 3161 time stamps: a third party's proof that a manifest or a head of the ledger existed at a certain time.

Belongs here: requesting a stamp from the service that ``settings.yaml`` names, and keeping a valid one. Does not belong
here: an auditor's check (``release.verification.timestamps``).

Only a hash and a nonce leave the machine. If the service does not respond, the run continues: it reports the file that
is not stamped, and the next run tries again.
"""

from __future__ import annotations

import http.client
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from hcip_pipeline.errors import HcipError
from hcip_pipeline.files.atomic import write_bytes
from hcip_pipeline.home.folders import Home
from hcip_pipeline.ledger.lines import head_of
from hcip_pipeline.ledger.signing import HEAD
from hcip_pipeline.messages import Progress, note
from hcip_pipeline.one_address import opener

#: suffix of a stamp, which is next to the stamped file
SUFFIX = ".tsr"
_SECONDS = 20
_MOST_BYTES = 100_000
_RULE = "TIME-STAMP"
_HEADERS = {"Content-Type": "application/timestamp-query", "User-Agent": "hcip"}


@dataclass(frozen=True)
class TimestampService:
    """A time stamp service.

    Attributes:
        url: the address to which queries are posted.
        roots: trusted root certificates of the service.
    """

    url: str
    roots: tuple[x509.Certificate, ...]

    @property
    def name(self) -> str:
        """Its host name, for reports."""
        return urlsplit(self.url).hostname or ""

    def stamp(self, content: bytes) -> bytes:
        """The service's response for ``content`` (DER), checked against the roots.

        Raises:
            HcipError: the service did not respond in time, or not with a valid stamp.
        """
        query = TimestampRequestBuilder().data(content).hash_algorithm(HashAlgorithm.SHA256).build()
        answer = self._post(query.as_bytes())
        try:
            response = decode_timestamp_response(answer)
            builder = VerifierBuilder.from_request(query)
            for root in self.roots:
                builder = builder.add_root_certificate(root)
            builder.build().verify_message(response, content)
        except (ValueError, VerificationError) as error:
            raise self._failed(f"its response is not a valid time stamp: {_first_line(error)}") from error
        return answer

    def _post(self, query: bytes) -> bytes:
        """The response, if it arrives in time; the thread that waits for a slow one is abandoned."""
        found: list[bytes] = []
        problems: list[str] = []

        def ask() -> None:
            request = urllib.request.Request(self.url, query, _HEADERS)
            try:
                with opener().open(request, timeout=_SECONDS) as answer:
                    found.append(answer.read(_MOST_BYTES))
            except urllib.error.HTTPError as error:
                problems.append(f"it responded with status {error.code}")
            except urllib.error.URLError as error:
                reason = error.reason
                cause = reason.strerror if isinstance(reason, OSError) else type(reason).__name__
                problems.append(f"it cannot be reached ({cause})")
            except http.client.HTTPException as error:
                problems.append(f"its response is not valid HTTP ({type(error).__name__})")
            except OSError as error:
                problems.append(f"it cannot be reached ({error.strerror or type(error).__name__})")

        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        asking.join(_SECONDS)
        if found:
            return found[0]
        raise self._failed(problems[0] if problems else f"it did not respond within {_SECONDS} seconds")

    def _failed(self, what: str) -> HcipError:
        return HcipError(f"{self.name}: {what}", rule=_RULE, fix="the next run tries again; nothing else depends on it")


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def read_roots(file: Path) -> tuple[x509.Certificate, ...]:
    """The certificates in a PEM file.

    Raises:
        HcipError: it cannot be read, or contains none.
    """
    fix = "name a file with the service's root certificates in PEM under `timestamps: roots:` in settings.yaml"
    try:
        return tuple(x509.load_pem_x509_certificates(file.read_bytes()))
    except OSError as error:
        raise HcipError(f"the file cannot be read: {error.strerror}", file=file, rule=_RULE, fix=fix) from error
    except ValueError as error:
        raise HcipError("the file contains no certificate", file=file, rule=_RULE, fix=fix) from error


def stamp_release(service: TimestampService | None, manifest: Path, progress: Progress) -> bool:
    """Stamp a release's manifest as ``r<n>.tsr`` next to ``r<n>/``; returns whether it is stamped.

    Args:
        progress: called with the reason if it is not.
    """
    folder = manifest.parent
    return service is not None and _stamp_file(service, manifest, folder.with_name(f"{folder.name}{SUFFIX}"), progress)


def stamp_head(home: Home, service: TimestampService | None, progress: Progress) -> bool:
    """Write and stamp the ledger's head; returns whether it is stamped. Arguments as :func:`stamp_release`."""
    head = head_of(home)
    if service is None or not head:
        return False
    file, content = home.root / HEAD, f"{head}\n".encode()
    if not file.is_file() or file.read_bytes() != content:
        write_bytes(content, file)
    return _stamp_file(service, file, file.with_name(f"{file.name}{SUFFIX}"), progress)


def _stamp_file(service: TimestampService, file: Path, stamp: Path, progress: Progress) -> bool:
    content = file.read_bytes()
    if stamp.is_file() and _is_of(stamp.read_bytes(), content):
        return True
    stamp.unlink(missing_ok=True)  # of an earlier head
    try:
        write_bytes(service.stamp(content), stamp)
    except HcipError as error:
        progress(note(f"{file.parent.name}/{file.name} is not stamped: {error.message}"))
        return False
    return True


def _is_of(stamp: bytes, content: bytes) -> bool:
    """Whether a stamp is of this content, no matter who signed it."""
    import hashlib

    try:
        response: TimeStampResponse = decode_timestamp_response(stamp)
        return response.tst_info.message_imprint.message == hashlib.sha256(content).digest()
    except ValueError:
        return False

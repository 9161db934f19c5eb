"""Time stamps of RFC 3161: a third party's proof that a manifest or a head of the ledger existed at a time.

Belongs here: asking the service that ``settings.yaml`` names, and keeping an answer that holds. Does not belong
here: an auditor's check (``release.verification.timestamps``).

Only a hash and a nonce leave the house. A service that does not answer fails nothing: what was made is not stamped, the
run names it, and the next run asks again.
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

#: of a stamp next to the file that it is of
SUFFIX = ".tsr"
_SECONDS = 20
_MOST_BYTES = 100_000
_RULE = "TIME-STAMP"
_HEADERS = {"Content-Type": "application/timestamp-query", "User-Agent": "hcip"}


@dataclass(frozen=True)
class TimestampService:
    """Who stamps.

    Attributes:
        url: where a query is posted to.
        roots: certificates that the service's own is traced to.
    """

    url: str
    roots: tuple[x509.Certificate, ...]

    @property
    def name(self) -> str:
        """Its host, as reports name it."""
        return urlsplit(self.url).hostname or ""

    def stamp(self, content: bytes) -> bytes:
        """The service's response over ``content`` (DER), checked against the roots.

        Raises:
            HcipError: it did not answer in time, or not with a stamp that holds.
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
            raise self._failed(f"what it answered is not a time stamp that holds: {_first_line(error)}") from error
        return answer

    def _post(self, query: bytes) -> bytes:
        """The answer, in time: the thread of one that drips is left behind."""
        found: list[bytes] = []
        problems: list[str] = []

        def ask() -> None:
            request = urllib.request.Request(self.url, query, _HEADERS)
            try:
                with opener().open(request, timeout=_SECONDS) as answer:
                    found.append(answer.read(_MOST_BYTES))
            except urllib.error.HTTPError as error:
                problems.append(f"it answered with status {error.code}")
            except urllib.error.URLError as error:
                reason = error.reason
                cause = reason.strerror if isinstance(reason, OSError) else type(reason).__name__
                problems.append(f"it cannot be reached ({cause})")
            except http.client.HTTPException as error:
                problems.append(f"it did not answer in HTTP ({type(error).__name__})")
            except OSError as error:
                problems.append(f"it cannot be reached ({error.strerror or type(error).__name__})")

        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        asking.join(_SECONDS)
        if found:
            return found[0]
        raise self._failed(problems[0] if problems else f"it did not answer within {_SECONDS} seconds")

    def _failed(self, what: str) -> HcipError:
        return HcipError(f"{self.name}: {what}", rule=_RULE, fix="the next run asks again; nothing else depends on it")


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def read_roots(file: Path) -> tuple[x509.Certificate, ...]:
    """The certificates of a PEM file.

    Raises:
        HcipError: it cannot be read, or holds none.
    """
    fix = "name a file with the service's root certificates in PEM under `timestamps: roots:` in settings.yaml"
    try:
        return tuple(x509.load_pem_x509_certificates(file.read_bytes()))
    except OSError as error:
        raise HcipError(f"it cannot be read: {error.strerror}", file=file, rule=_RULE, fix=fix) from error
    except ValueError as error:
        raise HcipError("it holds no certificate", file=file, rule=_RULE, fix=fix) from error


def stamp_release(service: TimestampService | None, manifest: Path, progress: Progress) -> bool:
    """Stamp a release's manifest: ``r<n>.tsr`` next to ``r<n>/``; gives whether it is stamped.

    Args:
        progress: called with the reason where it is not.
    """
    folder = manifest.parent
    return service is not None and _stamp_file(service, manifest, folder.with_name(f"{folder.name}{SUFFIX}"), progress)


def stamp_head(home: Home, service: TimestampService | None, progress: Progress) -> bool:
    """Write and stamp the ledger's head; gives whether it is stamped. Arguments as :func:`stamp_release`."""
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
    """Whether a stamp is one of this content, signed by whomever."""
    import hashlib

    try:
        response: TimeStampResponse = decode_timestamp_response(stamp)
        return response.tst_info.message_imprint.message == hashlib.sha256(content).digest()
    except ValueError:
        return False

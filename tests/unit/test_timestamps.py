"""Time stamps from a local test service: ``openssl ts -reply`` behind a web server."""

from __future__ import annotations

import datetime as dt
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hcip_pipeline.alerting.settings import check_settings, timestamps_of
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.ledger import timestamps
from hcip_pipeline.ledger.lines import Entry, append, head_of
from hcip_pipeline.ledger.timestamps import TimestampService, stamp_head, stamp_release
from hcip_pipeline.release.verification.proofs import Proofs
from hcip_pipeline.release.verification.report import Findings, UnreadableReleaseError
from hcip_pipeline.release.verification.timestamps import check_timestamps, verify_timestamp

_CONFIG = """
[tsa]
default_tsa = tsa_config
[tsa_config]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
certs = {folder}/tsa.pem
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
ess_cert_id_alg = sha256
"""


def certificate(folder: Path, name: str, issuer: str, *, stamps: bool) -> None:
    """A key and a certificate, signed by ``issuer``'s key or by its own."""
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / f"{name}.key").write_bytes(private)
    by, by_name = key, name
    if issuer != name:
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        loaded = load_pem_private_key((folder / f"{issuer}.key").read_bytes(), None)
        assert isinstance(loaded, ec.EllipticCurvePrivateKey)
        by, by_name = loaded, issuer
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, by_name)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=not stamps, path_length=None), critical=True)
    )
    if stamps:
        usage = x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.TIME_STAMPING])
        builder = builder.add_extension(usage, critical=True)
    (folder / f"{name}.pem").write_bytes(builder.sign(by, hashes.SHA256()).public_bytes(Encoding.PEM))


class Handler(BaseHTTPRequestHandler):
    """Responds according to the path: a stamp, an error, a redirect, nonsense, or a byte now and then."""

    folder: Path

    def do_POST(self) -> None:
        query = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/stamp")
            self.end_headers()
            return
        self.send_response(503 if self.path == "/busy" else 200)
        self.end_headers()
        if self.path == "/drips":
            while True:
                self.wfile.write(b"x")
                time.sleep(0.05)
        answer = b"<html>welcome</html>" if self.path == "/page" else self._stamp(query)
        self.wfile.write(answer)

    def _stamp(self, query: bytes) -> bytes:
        (self.folder / "query").write_bytes(query)
        command = ["openssl", "ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query"]
        return subprocess.run(command, cwd=self.folder, capture_output=True, check=True).stdout

    def log_message(self, *_: object) -> None:
        """Log nothing."""


class Server(ThreadingHTTPServer):
    """Ignores clients that have disconnected."""

    def handle_error(self, *_: object) -> None:
        return


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root certificate, a stamping certificate issued by it, and an unrelated root."""
    folder = tmp_path_factory.mktemp("tsa")
    for name, issuer, stamps in (("root", "root", False), ("tsa", "root", True), ("stranger", "stranger", False)):
        certificate(folder, name, issuer, stamps=stamps)
    (folder / "serial").write_text("01\n")
    (folder / "tsa.cnf").write_text(_CONFIG.format(folder=folder))
    return folder


@pytest.fixture(scope="module")
def url(authority: Path) -> Iterator[str]:
    handler = type("Handler", (Handler,), {"folder": authority})
    with Server(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def home(tmp_path: Path, authority: Path, url: str) -> Home:
    """A home with a manifest, a ledger, and settings that name the service."""
    home = Home(tmp_path / "home")
    (home.releases / "2025H1" / "r1").mkdir(parents=True)
    (home.releases / "2025H1" / "r1" / "datapackage.json").write_text('{"name": "hcip-2025h1-r1"}\n')
    append(home, lambda _: [Entry("start", "a new home")])
    settings = f"timestamps: {{url: '{url}/stamp', roots: '{authority / 'root.pem'}'}}\n"
    (home.root / "settings.yaml").write_text(settings)
    return home


def service(home: Home) -> TimestampService:
    found = timestamps_of(home)
    assert found is not None
    return found


def test_a_manifest_and_the_head_are_stamped_and_any_auditor_can_check_them(home: Home, authority: Path) -> None:
    manifest = home.releases / "2025H1" / "r1" / "datapackage.json"
    stamp, head = manifest.parent.with_name("r1.tsr"), home.root / "ledger.head"
    reported: list[str] = []
    assert stamp_release(service(home), manifest, reported.append) and stamp_head(home, service(home), reported.append)
    assert reported == [] and head.read_text() == f"{head_of(home)}\n"
    for file, token in ((manifest, stamp), (head, home.root / "ledger.head.tsr")):
        found, when = verify_timestamp(file, token, authority / "root.pem")
        assert found == "a valid time stamp"
        stamped = dt.datetime.strptime(when, "%Y-%m-%d %H:%M:%S UTC").replace(tzinfo=dt.UTC)
        assert abs(dt.datetime.now(dt.UTC) - stamped) < dt.timedelta(minutes=5)
        assert "an invalid time stamp" in verify_timestamp(file, token, authority / "stranger.pem")[0]
    by_hand = ["openssl", "ts", "-verify", "-data", str(manifest), "-in", str(stamp), "-CAfile"]
    assert not subprocess.run([*by_hand, str(authority / "root.pem")], capture_output=True, check=False).returncode
    manifest.write_text("{}")
    assert "an invalid time stamp" in verify_timestamp(manifest, stamp, authority / "root.pem")[0]
    stamp.write_bytes(b"no stamp")
    assert verify_timestamp(manifest, stamp, authority / "root.pem")[0] == "a time stamp that cannot be read"
    stamp.unlink()
    assert verify_timestamp(manifest, stamp, authority / "root.pem")[0] == "no time stamp"


def test_a_stamp_is_requested_once_and_again_for_a_new_head(home: Home) -> None:
    token = home.root / "ledger.head.tsr"
    assert stamp_head(home, service(home), print)
    first = token.read_bytes()
    unreachable = replace(service(home), url="http://127.0.0.1:9/")
    assert stamp_head(home, unreachable, print) and token.read_bytes() == first
    append(home, lambda _: [Entry("norms", "2024-x")])
    reported: list[str] = []
    assert not stamp_head(home, unreachable, reported.append) and not token.exists(), (
        "no stamp of an earlier head remains"
    )
    assert "not stamped" in reported[0]
    assert stamp_head(home, service(home), print) and token.read_bytes() != first


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/busy", "responded with status 503"),
        ("/moved", "responded with status 302"),
        ("/page", "not a valid time stamp"),
        ("/drips", "did not respond within 0.5 seconds"),
        (":9", "cannot be reached"),
    ],
)
def test_a_failing_service_does_not_stop_the_run(
    home: Home, url: str, path: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timestamps, "_SECONDS", 0.5)
    address = "http://127.0.0.1:9" if path == ":9" else url + path
    reported: list[str] = []
    manifest = home.releases / "2025H1" / "r1" / "datapackage.json"
    started = time.monotonic()
    assert not stamp_release(replace(service(home), url=address), manifest, reported.append)
    assert time.monotonic() - started < 5
    assert len(reported) == 1 and reported[0].startswith("note: r1/datapackage.json is not stamped: 127.0.0.1: ")
    assert why in reported[0]
    assert not manifest.parent.with_name("r1.tsr").exists()


def test_a_stamp_of_another_authority_is_not_kept(home: Home, authority: Path) -> None:
    stranger = timestamps.read_roots(authority / "stranger.pem")
    with pytest.raises(HcipError, match="not a valid time stamp"):
        replace(service(home), roots=stranger).stamp(b"content")


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ("{url: 'http://tsa.example/', roots: /nowhere.pem}", "does not begin with https"),
        (
            "{url: 'https://user:secret@tsa.example/', roots: /nowhere.pem}",
            "an address without a host, or with a user name or backslash",
        ),
        ("{url: 'https://tsa.example/', roots: /nowhere.pem}", "cannot be read"),
        ("{url: 'https://tsa.example/', roots: 'SETTINGS'}", "contains no certificate"),
        ("{url: 'https://tsa.example/'}", "roots"),
    ],
)
def test_settings_are_checked_before_anything_is_done(home: Home, settings: str, why: str) -> None:
    file = home.root / "settings.yaml"
    file.write_text(f"timestamps: {settings.replace('SETTINGS', str(file))}\n")
    with pytest.raises(HcipError, match=why) as raised:
        check_settings(home, print, signs=True)
    assert "secret" not in str(raised.value)


def test_the_check_of_a_release_names_what_is_not_stamped(home: Home, authority: Path) -> None:
    folder = home.releases / "2025H1" / "r1"
    package = SimpleNamespace(folder=folder, manifest={"stamped_by": "tsa.example"})

    def checked(roots: Path | None) -> Findings:
        findings = Findings()
        check_timestamps(package, Proofs(roots=roots), findings)  # type: ignore[arg-type]
        return findings

    assert checked(None).notes == ["time stamps: the manifest names tsa.example, but there is no stamp"]
    assert [each.found for each in checked(authority / "root.pem").listed] == ["no time stamp"]
    assert stamp_release(service(home), folder / "datapackage.json", print) and stamp_head(home, service(home), print)
    assert checked(None).notes == ["time stamps: pass the root certificates that you trust with --roots"]
    valid = checked(authority / "root.pem")
    assert valid.listed == [] and len(valid.stamped) == 2 and "UTC" in valid.stamped[0]
    assert len(checked(authority / "stranger.pem").listed) == 2
    with pytest.raises(UnreadableReleaseError, match="has no readable certificate"):
        checked(home.root / "settings.yaml")

"""What a person with write access to the home can forge, and what detects it: each row of docs/audit_trail.md."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hcip_pipeline import cli
from hcip_pipeline.alerting.settings import signer_of
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.ledger.lines import head_of, ledger_path, read_ledger
from hcip_pipeline.ledger.recording import begin, record_destructions, record_release
from hcip_pipeline.ledger.signing import sign_head
from hcip_pipeline.operations.retention import destroy, what_is_due
from hcip_pipeline.publishing.content import Content
from hcip_pipeline.publishing.writer import write_release
from hcip_pipeline.release.verification import Proofs
from hcip_pipeline.release.verification.chain import check_chain
from hcip_pipeline.release.verification.home_ledger import check_home_ledger
from hcip_pipeline.release.verification.package import Package
from hcip_pipeline.release.verification.report import Findings
from hcip_pipeline.release.verification.signatures import check_signatures
from hcip_pipeline.warehouse.build import BuildResult
from tests.released_state import (  # noqa: F401 - fixtures
    PERIOD,
    State,
    build_of_released,
    inputs_of,
    released,
    unreleased,
)

pytestmark = pytest.mark.slow

MANIFEST = "datapackage.json"
R1, R2 = (f"releases/{PERIOD}/{number}" for number in ("r1", "r2"))


@pytest.fixture(scope="module")
def chain(
    released: Path,  # noqa: F811
    unreleased: State,  # noqa: F811
    build_of_released: BuildResult,  # noqa: F811
    tmp_path_factory: pytest.TempPathFactory,
) -> Home:
    """A home whose ledger has two releases of one period, and those of earlier periods as found."""
    home = Home(tmp_path_factory.mktemp("tampering"))
    shutil.copytree(unreleased.home.root, home.root, dirs_exist_ok=True)
    (home.inbox / "hospital" / "2025Q3" / "210001").mkdir(parents=True)
    shutil.rmtree(home.releases / str(PERIOD))
    begin(home)
    for number, note in (1, ""), (2, "# later\n"):
        text = unreleased.policy.text + note
        policy = replace(unreleased.policy, text=text, sha256=hashlib.sha256(text.encode()).hexdigest())
        content = Content(policy, inputs_of(home), must_verify=False)
        release = write_release(home, PERIOD, build_of_released, content)
        assert (release.number, release.is_new) == (number, True)
        record_release(home, PERIOD, number, "0" * 64)
    return home


@pytest.fixture
def home(chain: Home, tmp_path: Path) -> Home:
    shutil.copytree(chain.root, tmp_path / "home")
    return Home(tmp_path / "home")


def found(home: Home, release: str = R2, proofs: Proofs | None = None) -> list[str]:
    """Differences that verification finds without recomputing figures."""
    findings = Findings()
    package = Package(home.root / release, findings)
    package.check_files()
    for check in (check_chain, check_home_ledger, check_signatures):
        check(package, proofs or Proofs(), findings)
    return [str(each) for each in findings.listed]


def names(differences: list[str], *words: str) -> bool:
    return any(all(word in difference for word in words) for difference in differences)


def edit(file: Path, change: Callable[[dict[str, Any]], object]) -> None:
    content = json.loads(file.read_text(encoding="utf-8"))
    change(content)
    file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def alter_page(home: Home, release: str) -> None:
    """Change a sentence in a page, and its hash in the manifest to match."""
    path = "audit/audit_report.html"
    file = home.root / release / path
    file.write_bytes(file.read_bytes().replace(b"Audit report", b"Audit Report", 1))
    content = file.read_bytes()

    def restate(manifest: dict[str, Any]) -> None:
        entry = next(resource for resource in manifest["resources"] if resource["path"] == path)
        entry |= {"bytes": len(content), "hash": f"sha256:{hashlib.sha256(content).hexdigest()}"}

    edit(home.root / release / MANIFEST, restate)


def restate_superseded(home: Home) -> None:
    sha256 = hashlib.sha256((home.root / R1 / MANIFEST).read_bytes()).hexdigest()
    edit(home.root / R2 / MANIFEST, lambda manifest: manifest.update(supersedes=sha256))


def rewrite_ledger(home: Home) -> None:
    """Write a new ledger of the current files, as anyone who may write to the home can."""
    ledger_path(home).unlink()
    begin(home)


def test_an_untouched_home_has_no_differences(home: Home) -> None:
    assert found(home) == []
    assert found(home, proofs=Proofs(head_of(home))) == []
    earlier = read_ledger(home)[-2].head
    assert found(home, proofs=Proofs(earlier)) == [], "an earlier head also agrees"
    assert found(home, R1, Proofs(earlier.rpartition(":")[2])) == [], "the hash by itself is enough"


def test_a_page_altered_with_its_hash_recomputed(home: Home) -> None:
    alter_page(home, R2)
    assert names(found(home), "[ledger]", f"{R2}/{MANIFEST}", "hash")


def test_a_whole_chain_and_its_ledger_rewritten(home: Home) -> None:
    head = head_of(home)
    alter_page(home, R1)
    restate_superseded(home)
    assert names(found(home), "[ledger]", f"{R1}/{MANIFEST}") and names(found(home), "[ledger]", f"{R2}/{MANIFEST}")
    rewrite_ledger(home)
    assert found(home) == [], "nothing in the home shows it"
    assert names(found(home, proofs=Proofs(head)), "[ledger]", "head", "rewritten")


def test_a_removed_release_is_found(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(home.root / R1)
    assert names(found(home), "[chain]", f"{PERIOD}/r1", "none")
    assert names(found(home), "[ledger]", f"{R1}/{MANIFEST}", "no file")
    with pytest.raises(SystemExit) as ended:
        cli.main(["verify", str(home.root / R2), "--partial"])
    assert ended.value.code == 1, "the ledger still has its line"
    ledger_path(home).unlink()
    for arguments, code in ([], 1), (["--partial"], 0):
        with pytest.raises(SystemExit) as ended:
            cli.main(["verify", str(home.root / R2), *arguments])
        assert ended.value.code == code, capsys.readouterr().out


def test_a_release_of_an_earlier_period_removed(home: Home) -> None:
    shutil.rmtree(home.releases / "2025H1")
    assert names(found(home), "[chain]", "2025H1/r1", "none")


def test_a_release_replaced_wholesale(home: Home) -> None:
    head = head_of(home)
    alter_page(home, R2)
    assert record_release(home, PERIOD, 2, "0" * 64), "whoever may write to the home can also append a line"
    for proofs in (Proofs(), Proofs(head)):
        assert names(found(home, proofs=proofs), "[ledger]", f"{R2}/{MANIFEST}")


def test_a_ledger_rolled_back_with_its_release(home: Home) -> None:
    head = head_of(home)
    shutil.rmtree(home.root / R2)
    lines = ledger_path(home).read_bytes().splitlines(keepends=True)
    ledger_path(home).write_bytes(b"".join(lines[:-1]))
    assert found(home, R1) == [], "nothing in the home shows it"
    assert names(found(home, R1, Proofs(head)), "[ledger]", "head", "rolled back", f"line {len(lines) - 1}")


@pytest.mark.parametrize("change", ["edited", "removed", "cut"])
def test_an_edited_line_of_the_ledger_is_found(home: Home, change: str) -> None:
    lines = ledger_path(home).read_bytes().splitlines(keepends=True)
    if change == "edited":
        lines[1] = lines[1].replace(b'"kind":"', b'"kind":"X')
    elif change == "removed":
        del lines[1]
    else:
        lines[1] = lines[1][:40] + b"\n"
    ledger_path(home).write_bytes(b"".join(lines))
    assert names(found(home), "[ledger]", "ledger.jsonl, row")


def test_the_ledger_itself_removed(home: Home) -> None:
    head = head_of(home)
    ledger_path(home).unlink()
    assert names(found(home, proofs=Proofs(head)), "[ledger]", "ledger.jsonl", "removed")


def test_a_release_put_there_by_hand(home: Home) -> None:
    shutil.copytree(home.root / R2, home.root / f"releases/{PERIOD}/r3")
    assert names(found(home), "[ledger]", f"releases/{PERIOD}/r3", "none: it was not released here")


def by_hand(home: Home, paths: list[str], reason: str, as_of: str) -> None:
    """Remove files, and write a record that they were destroyed on purpose."""
    folder = home.root / R2
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    listed = {e["path"]: e for r in manifest["resources"] for e in (r, r.get("parquet")) if e}
    files = [{**{k: listed[p][k] for k in ("path", "hash", "bytes")}, "reason": reason, "as_of": as_of} for p in paths]
    sha256 = hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()
    record = {"release": f"{PERIOD}_r2", "manifest": MANIFEST, "manifest_sha256": sha256, "files": files}
    folder.with_name("r2.destroyed.json").write_text(json.dumps(record))
    for path in paths:
        (folder / path).unlink()


@pytest.mark.parametrize(
    ("pattern", "reason", "as_of"),
    [
        ("incentives/*_incentives_*", "retention of 10 years ended on 2035-12-31", "2036-01-01"),
        ("audit/*.csv", "retention of 10 years ended on 2035-12-31", "2036-01-01"),
        ("incentives/*_incentive_cases_*", "retention of 10 years ended on 2035-12-31", "2035-12-31"),
        ("incentives/*_incentive_cases_*", "retention of 1 years ended on 2026-12-31", "2027-01-01"),
        ("incentives/*_incentive_cases_*", "retention of 10 years ended on 2030-12-31", "2031-01-01"),
        ("incentives/*_incentive_cases_*", "spilled coffee", "2036-01-01"),
    ],
    ids=["payments", "audit", "a day early", "another policy's years", "another day", "no reason"],
)
def test_a_record_of_destruction_covers_only_what_retention_may_destroy(
    home: Home, pattern: str, reason: str, as_of: str
) -> None:
    paths = [path.relative_to(home.root / R2).as_posix() for path in sorted((home.root / R2).glob(pattern))]
    assert paths
    by_hand(home, paths, reason, as_of)
    record_destructions(home)
    missing = [difference for difference in found(home) if difference.startswith("[files]")]
    assert len(missing) == min(len(paths), 10) and names(missing, paths[0])


def test_a_record_of_destruction_made_by_hand_has_no_line(home: Home) -> None:
    paths = [p.relative_to(home.root / R2).as_posix() for p in sorted((home.root / R2).glob("*/*_incentive_cases_*"))]
    by_hand(home, paths, "retention of 10 years ended on 2035-12-31", "2036-01-01")
    assert names(found(home), "[ledger]", f"{R2}.destroyed.json", "nothing was destroyed here")


def test_what_retention_destroys_is_recorded_and_verifies(home: Home) -> None:
    due = what_is_due(home, 10, dt.date(PERIOD.year + 11, 1, 1))
    assert destroy(home, due) and read_ledger(home)[-1].entry.kind == "destruction"
    assert found(home, proofs=Proofs(head_of(home))) == []
    record = home.root / f"{R2}.destroyed.json"
    edit(record, lambda content: content["files"].pop())
    assert names(found(home), "[ledger]", f"{R2}.destroyed.json", "hash")


@pytest.fixture
def key(tmp_path: Path) -> Path:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("needs OpenSSH")
    place = tmp_path / "keys" / "key"
    place.parent.mkdir()
    for name in (place, place.with_name("another")):
        make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(name)]
        subprocess.run(make, check=True)
        public = name.with_suffix(".pub").read_text()
        name.with_suffix(".signers").write_text(f"administrator@example.org {public}")
    return place


@pytest.fixture
def signed_chain(
    chain: Home,
    tmp_path: Path,
    key: Path,
    unreleased: State,  # noqa: F811
    build_of_released: BuildResult,  # noqa: F811
) -> Home:
    """Another home of the chain with a third release, signed."""
    shutil.copytree(chain.root, tmp_path / "signed")
    home = Home(tmp_path / "signed")
    (home.root / "settings.yaml").write_text(f"signing: {{key: {key}, identity: administrator@example.org}}\n")
    signer = signer_of(home)
    text = unreleased.policy.text + "# signed\n"
    policy = replace(unreleased.policy, text=text, sha256=hashlib.sha256(text.encode()).hexdigest())
    content = Content(policy, inputs_of(home), must_verify=False)
    release = write_release(home, PERIOD, build_of_released, content, signer=signer)
    record_release(home, PERIOD, release.number, "0" * 64)
    sign_head(home, signer)
    return home


def test_signatures_hold_and_only_those_of_allowed_signers(signed_chain: Home, key: Path) -> None:
    home = signed_chain
    r3 = f"releases/{PERIOD}/r3"
    trusted = Proofs(signers=key.with_suffix(".signers"))
    assert found(home, r3, trusted) == []
    assert "signed by administrator@example.org" in (home.root / r3 / "audit/audit_report.html").read_text()
    assert "not signed" in (home.root / R2 / "audit/audit_report.html").read_text()
    assert names(found(home, R2, trusted), "[signatures]", "no signature")
    another = Proofs(signers=key.with_name("another.signers"))
    assert names(found(home, r3, another), "[signatures]", "someone who is not an allowed signer")
    with (home.root / r3 / MANIFEST).open("rb") as manifest:  # an auditor needs only OpenSSH
        verify = ["ssh-keygen", "-Y", "verify", "-f", str(trusted.signers), "-I", "administrator@example.org"]
        verify += ["-n", "hcip-release", "-s", str(home.root / f"{r3}.sig")]
        assert subprocess.run(verify, stdin=manifest, capture_output=True).returncode == 0

    due = what_is_due(home, 10, dt.date(PERIOD.year + 11, 1, 1))
    destroy(home, due, signer_of(home))
    assert found(home, r3, trusted) == []
    record = home.root / f"{r3}.destroyed.json"
    record.write_text(record.read_text() + " ")
    assert names(found(home, r3, trusted), "[signatures]", record.name, "an invalid signature")

    (home.root / f"{r3}.sig").unlink()
    assert names(found(home, r3), "[signatures]", "r3.sig, by administrator@example.org")
    secret = key.read_text().splitlines()[2]
    assert not any(secret in path.read_text(errors="ignore") for path in home.root.rglob("*") if path.is_file())


def test_a_signed_chain_rewritten_without_the_key(signed_chain: Home, key: Path) -> None:
    home = signed_chain
    r3 = f"releases/{PERIOD}/r3"
    alter_page(home, r3)
    rewrite_ledger(home)
    reported = found(home, r3, Proofs(signers=key.with_suffix(".signers")))
    assert names(reported, "[signatures]", MANIFEST, "an invalid signature")
    assert names(reported, "[signatures]", "ledger.head", "a ledger without this line")


@pytest.mark.parametrize("fault", ["no key", "passphrase", "in the home", "no agent"])
def test_without_a_signature_that_was_asked_for_nothing_is_released(home: Home, key: Path, fault: str) -> None:
    named = key
    if fault == "no key":
        key.unlink()
    elif fault == "passphrase":
        subprocess.run(["ssh-keygen", "-q", "-p", "-P", "", "-N", "secret words", "-f", str(key)], check=True)
    elif fault == "no agent":
        key.unlink()
        named = key.with_suffix(".pub")
    else:
        named = home.root / "key"
        shutil.copy(key, named)
    (home.root / "settings.yaml").write_text(f"signing: {{key: {named}, identity: administrator@example.org}}\n")
    due = what_is_due(home, 10, dt.date(PERIOD.year + 11, 1, 1))
    with pytest.raises(HcipError) as raised:
        destroy(home, due, signer_of(home))
    assert raised.value.rule == "SIGNING" and raised.value.fix
    assert "secret" not in str(raised.value)
    assert not list(home.releases.rglob("*.destroyed.json"))
    assert all((home.root / R2 / each.path).exists() for each in due.due if each.release.endswith("r2"))


def test_the_value_on_the_first_page_shows_whether_inputs_were_changed(home: Home) -> None:
    manifest = json.loads((home.root / R2 / MANIFEST).read_text())
    root = manifest["made_from"]
    assert root in (home.root / R2 / "audit/audit_report.html").read_text()
    assert root in (home.root / R2 / "regulator/keep_this.txt").read_text()
    assert found(home, R2, Proofs(root)) == []

    def forge(content: dict[str, Any]) -> None:
        content["inputs"][0]["sha256"] = "1" * 64

    edit(home.root / R2 / MANIFEST, forge)
    rewrite_ledger(home)
    assert names(found(home, R2, Proofs(root)), "[ledger]", "head", "rewritten")

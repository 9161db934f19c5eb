"""Shared homes: refusals, and files that every run reads, of which only one version may be in force."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from hcip_pipeline import cli
from hcip_pipeline.errors import HcipError, UsageError
from hcip_pipeline.ledger.lines import read_ledger
from hcip_pipeline.shared_home import synchronizing
from hcip_pipeline.shared_home.address import Storage
from tests.shared_homes import Machine, Make, accept, remove
from tests.shared_homes import make_machines as make_machines

IN_PLACE = (
    "inbox/policy.yaml",
    "inbox/program/2025H1/meetings.csv",
    "inbox/reference/hospitals.csv",
    "inbox/protocols/2100/2025.yaml",
)


def _edit_inbox(machine: Machine, path: str, text: str) -> None:
    file = machine.home.root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    file.write_text(text)


@pytest.mark.parametrize("path", IN_PLACE)
def test_a_file_that_every_run_reads_is_the_same_on_all_machines(make: Make, path: str) -> None:
    one, other = make("one"), make("other")
    _edit_inbox(one, path, "version: 1")
    accept(one, "program"), one.synchronize(), other.synchronize()
    assert other.files()[path] == b"version: 1"
    _edit_inbox(one, path, "version: 2, of one")
    _edit_inbox(other, path, "version: 2, of the other")
    accept(one, "program", text="2"), one.synchronize()
    for _ in range(2):
        with pytest.raises(HcipError, match="differs from the one on other machines") as refused:
            other.synchronize()
    shared = other.home.root / "storage" / "shared" / path
    assert str(other.home.root / path) == refused.value.file and shared.read_text() == "version: 2, of one"
    _edit_inbox(other, path, shared.read_text())
    other.synchronize()
    _edit_inbox(other, path, "version: 3")
    accept(other, "program", text="3"), other.synchronize(), one.synchronize()
    assert one.files() == other.files() and one.files()[path] == b"version: 3"
    remove(one, path)
    accept(one, "program", text="4"), one.synchronize(), other.synchronize()
    assert one.files() == other.files() and path not in other.files()


@pytest.mark.parametrize("path", IN_PLACE)
def test_a_machine_with_another_version_of_such_a_file_is_stopped(make: Make, path: str) -> None:
    one, other = make("one"), make("other")
    _edit_inbox(one, path, "version: 1")
    accept(one, "program"), one.synchronize()
    _edit_inbox(other, path, "version: 1, of the other")
    with pytest.raises(HcipError, match="differs from the one on other machines"):
        other.synchronize()
    assert other.files() == {path: b"version: 1, of the other"}


def test_a_file_that_differs_from_the_ledger_is_not_shared(make: Make) -> None:
    one = make("one")
    accept(one, "hospital")
    path = "lake/hospital/discharges/quarter=2025Q1/210001.r1.parquet"
    remove(one, path).write_text("forged")
    with pytest.raises(HcipError, match="differs from the ledger's record") as refused:
        one.synchronize()
    assert path in refused.value.file and not list(Path(one.address[7:]).rglob("*.json"))


def test_a_home_with_a_different_ledger_is_not_mixed_in(make: Make) -> None:
    one, other = make("one"), make("other")
    accept(one, "hospital"), one.synchronize()
    accept(other, "hospital", "2025Q2"), other.synchronize()
    ledger = other.home.root / "ledger.jsonl"
    lines = ledger.read_bytes().splitlines(keepends=True)
    ledger.write_bytes(b"".join(lines[:1]))
    accept(other, "cms")
    with pytest.raises(HcipError, match="not that of the shared home"):
        other.synchronize()


def test_a_home_is_shared_at_one_address(make: Make) -> None:
    one = make("one")
    accept(one, "hospital"), one.synchronize()
    with pytest.raises(HcipError, match="the home is shared at"):
        Machine(one.home, f"{one.address}-elsewhere").synchronize()
    with pytest.raises(UsageError, match="is not an address"):
        synchronizing.synchronize(make("other").home, "nowhere", print)


def test_storage_that_overwrites_files_is_refused(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def overwrite(self: Storage, path: str, content: bytes) -> bool:
        place = Path(f"{self.root}/{path}")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        return True

    one = make("one")
    accept(one, "hospital")
    monkeypatch.setattr(Storage, "create", overwrite)
    with pytest.raises(HcipError, match="no conditional writes"):
        one.synchronize()


def _object(there: Path) -> Path:
    return max(
        (path for path in (there / "objects").rglob("*") if path.is_file()), key=lambda path: path.stat().st_size
    )


@pytest.mark.parametrize(
    "harm",
    [
        lambda there: _object(there).write_bytes(b"x" * _object(there).stat().st_size),
        lambda there: _object(there).unlink(),
        lambda there: (there / "commits" / "00000001.json").unlink(),
        lambda there: (there / "commits" / "00000001.json").write_text("{"),
        lambda there: _edit(there, "00000001", files={}),
        lambda there: _edit(there, "00000002", files={_RECEIPT: "0" * 64}),
        lambda there: _edit(there, "00000002", files={"lake/../../outside": "0" * 64}),
        lambda there: _edit(there, "00000002", files={"/etc/outside": "0" * 64}),
        lambda there: _edit(there, "00000002", files={"settings.yaml": "0" * 64}),
        lambda there: _edit(there, "00000002", removed=["lake/./x"]),
        lambda there: _edit(there, "00000002", lines=["{}"]),
        lambda there: _edit(there, "00000002", format=2),
    ],
)
def test_storage_that_was_tampered_with_is_named_and_nothing_counts(make: Make, harm: Callable[[Path], object]) -> None:
    one, other = make("one"), make("other")
    accept(one, "hospital"), one.synchronize()
    accept(one, "release"), one.synchronize()
    harm(Path(one.address[7:]))
    with pytest.raises(HcipError) as refused:
        other.synchronize()
    assert refused.value.fix and refused.value.file.startswith(("file:", "/")) and refused.value.exit_code == 1
    assert not read_ledger(other.home)


_RECEIPT = "lake/hospital/receipts/quarter=2025Q1/210001.r1.json"


def _edit(there: Path, name: str, **changes: object) -> None:
    path = there / "commits" / f"{name}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize("storage", ["nowhere", "s3://", "/mnt/share", "s3:bucket"])
def test_settings_with_an_invalid_address_are_refused(
    storage: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "settings.yaml").write_text(f"storage: {storage}\n", encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        cli.main(["status", "--home", str(tmp_path)])
    reported = capsys.readouterr().err
    assert ended.value.code == 1 and "name an address such as s3://bucket/prefix" in reported

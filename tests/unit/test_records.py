"""Faults of a home's own records and of its disk are reported with file, rule and what to do."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy.exc

from hcip_pipeline import cli
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.home.records import read_record
from hcip_pipeline.home.storage_faults import explain_storage_errors, storage_fault_behind
from hcip_pipeline.intake.cclf.receipts import receipts
from hcip_pipeline.intake.program.receipts import receipts_of
from hcip_pipeline.release.reading import ReleaseFiles


@pytest.mark.parametrize("content", [b"{", b"", b"\xff\xfe", b"[]", b"null", b"{}", b"[" * 100_000, b'{"version": 1}'])
def test_a_damaged_record_is_reported(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "receipts" / "payments.r1.json"
    path.parent.mkdir()
    path.write_bytes(content)
    for read in (lambda: read_record(path, "version", "status"), lambda: receipts_of("payments", tmp_path)):
        with pytest.raises(HcipError) as caught:
            read()
        assert (caught.value.rule, caught.value.file) == ("RECORD-DAMAGED", str(path)) and caught.value.fix


def test_a_damaged_receipt_of_claims_is_reported(tmp_path: Path) -> None:
    home = Home(tmp_path)
    path = home.lake_cms("receipts", "2025-04") / "P.A1234.json"
    path.parent.mkdir(parents=True)
    path.write_text('{"archive": 1, "status": "accepted", "month": []}')
    with pytest.raises(HcipError) as caught:
        receipts(home)
    assert caught.value.rule == "RECORD-DAMAGED"


FULL = sqlite3.OperationalError("database or disk is full")
BROKEN = sqlite3.OperationalError("disk I/O error")


@pytest.mark.parametrize(
    ("error", "rule"),
    [
        (FULL, "DISK-FULL"),
        (BROKEN, "DISK-ERROR"),
        (sqlalchemy.exc.OperationalError("insert", {}, FULL), "DISK-FULL"),
        (OSError(errno.ENOSPC, "No space left on device", "x"), "DISK-FULL"),
        (OSError(errno.EIO, "Input/output error", "x"), "DISK-ERROR"),
    ],
)
def test_a_disk_fault_is_reported_whatever_error_wraps_it(
    error: Exception, rule: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fill() -> None:
        try:
            raise error
        except Exception as behind:
            raise RuntimeError("the run could not be recorded") from behind

    with pytest.raises(HcipError) as caught, explain_storage_errors(Home(tmp_path)):
        fill()
    assert caught.value.rule == rule
    monkeypatch.setattr(cli.cli, "main", lambda **_: fill())
    with pytest.raises(SystemExit) as ended:
        cli.main(["run"])
    assert ended.value.code == 1 and rule in capsys.readouterr().err


def test_an_error_of_another_kind_is_no_storage_fault() -> None:
    assert storage_fault_behind(ValueError("disk is full of it"), "x") is None


def test_a_truncated_manifest_of_a_release_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "2025H1" / "r1"
    folder.mkdir(parents=True)
    (folder / "datapackage.json").write_text('{"inputs": [{"fi', encoding="utf-8")
    with pytest.raises(HcipError, match="not JSON") as refused:
        _ = ReleaseFiles.at(folder).manifest
    assert (refused.value.rule, refused.value.fix) == ("RECORD-DAMAGED", "restore the release from a backup")

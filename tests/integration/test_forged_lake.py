"""Files of the lake that were forged with their seals and receipts: no run gives them a new line of the ledger.

Only an intake writes a line about an acceptance, in every quarter and month of the home, whether a run reads it or not.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from hcip_pipeline.assets.execution import ingest
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.home.lake_seals import seal
from hcip_pipeline.ledger.comparison import check_home
from hcip_pipeline.ledger.lines import NAME, ledger_path, read_ledger
from hcip_pipeline.ledger.program_history import check_program_history
from hcip_pipeline.ledger.recording import record_acceptances
from hcip_pipeline.settlement.kept_sources import recall
from tests.settled_home import PERIOD, SettledHome

pytestmark = pytest.mark.slow

#: files of the lake that an intake seals: of a quarter that the next run reads, of another quarter, and of a month
SEALED = {
    "2025Q1": "hospital/discharges/quarter=2025Q1/*.parquet",
    "2024Q1": "hospital/charges/quarter=2024Q1/*.parquet",
    "2025-05": "cms/cclf5/month=2025-05/*.parquet",
}


@pytest.fixture
def home(settled_home: SettledHome, tmp_path: Path) -> Home:
    """The settled home with its ledger; files are hard links, so unlink a file before changing it."""
    home = settled_home.copy(tmp_path / "home", "inbox", "lake", "releases")
    shutil.copy(settled_home.home.root / NAME, home.root / NAME)
    return home


@pytest.fixture
def lines(home: Home) -> Callable[[], bytes]:
    """A function that returns the ledger's bytes."""
    return ledger_path(home).read_bytes


def replace(path: Path, content: bytes) -> None:
    path.unlink()
    path.write_bytes(content)


def forge(home: Home, path: Path) -> bytes:
    """Double the rows of a table and make its seal agree; returns the original content."""
    whole = path.read_bytes()
    frame = pl.read_parquet(path, hive_partitioning=False)
    path.unlink()
    pl.concat([frame, frame]).write_parquet(path)
    seal(home, [path])
    return whole


def quiet(_message: str) -> None:
    return None


class TestSealedFiles:
    @pytest.mark.parametrize("partition", SEALED)
    def test_a_forged_file_is_named_set_aside_and_ingested_again(
        self, home: Home, lines: Callable[[], bytes], partition: str
    ) -> None:
        path = sorted(home.lake.glob(SEALED[partition]))[0]
        before = lines()
        whole = forge(home, path)
        with pytest.raises(HcipError) as raised:
            check_home(home, [PERIOD], quiet)
        assert raised.value.rule == "LAKE-DAMAGED" and path.name in raised.value.message
        assert "run it again" in raised.value.fix
        assert not path.exists() and path.with_name(f"{path.name}.damaged").is_file(), "the forged file is kept"
        reported: list[str] = []
        assert check_home(home, [PERIOD], reported.append) == [partition]
        assert any(partition in message and "ingested again" in message for message in reported)
        assert not ingest(home, ["2025Q2"]).problems, "the next intake, of any quarter"
        assert path.read_bytes() == whole
        assert lines() == before, "accepting the same files again adds no line"
        assert check_home(home, [PERIOD], quiet) == []

    def test_an_intake_without_a_command_stops_for_a_forged_file(self, home: Home, lines: Callable[[], bytes]) -> None:
        """The UI starts an intake without a command: the partition is compared under its own lock."""
        from hcip_pipeline.ledger.acceptances import check_partition

        path = sorted(home.lake.glob(SEALED["2024Q1"]))[0]
        before = lines()
        forge(home, path)
        with pytest.raises(HcipError, match=path.name):
            check_partition(home, "2024Q1")
        assert lines() == before

    @pytest.mark.parametrize("partition", SEALED)
    def test_no_line_is_written_for_what_no_intake_wrote(
        self, home: Home, lines: Callable[[], bytes], partition: str
    ) -> None:
        path = sorted(home.lake.glob(SEALED[partition]))[0]
        before = lines()
        assert record_acceptances(home, partition, []) == []
        forge(home, path)
        with pytest.raises(HcipError) as raised:
            record_acceptances(home, partition, [])
        assert raised.value.rule == "LAKE-DAMAGED" and lines() == before

    def test_an_inbox_that_was_exchanged_as_well_is_not_ingested(self, home: Home, lines: Callable[[], bytes]) -> None:
        path = sorted(home.lake.glob(SEALED["2024Q1"]))[0]
        before, whole = lines(), forge(home, path)
        sent = home.inbox / "hospital" / "2024Q1" / path.name.split(".")[0] / "charges.csv"
        accepted = sent.read_bytes()
        replace(sent, accepted.replace(b"1", b"7", 1))
        with pytest.raises(HcipError, match="is not what was ingested"):
            check_home(home, (), quiet)
        for _ in range(2):
            with pytest.raises(HcipError, match="cannot be ingested again") as raised:
                ingest(home, ["2024Q1"])
            assert raised.value.file == sent.relative_to(home.root).as_posix() and "backup" in raised.value.fix
        assert not path.exists() and lines() == before
        replace(sent, accepted)
        assert not ingest(home, ["2024Q1"]).problems
        assert path.read_bytes() == whole and lines() == before


class TestReceipts:
    def test_a_receipt_of_a_quarter_that_no_run_reads_is_restored(self, home: Home, lines: Callable[[], bytes]) -> None:
        receipt = sorted(home.lake_hospital("receipts", "2024Q1").glob("*.json"))[0]
        before, whole = lines(), receipt.read_bytes()
        for content in (whole.replace(b'"accepted": ', b'"accepted":  '), None):
            receipt.unlink()
            if content:
                receipt.write_bytes(content)
            assert check_home(home, [PERIOD], quiet) == ["2024Q1"]
            assert not ingest(home, ["2024Q1"]).problems
            assert receipt.read_bytes() == whole and lines() == before

    def test_without_the_accepted_file_nothing_is_dropped(self, home: Home) -> None:
        receipt = sorted(home.lake_hospital("receipts", "2024Q1").glob("*.json"))[0]
        receipt.unlink()
        shutil.rmtree(home.inbox / "hospital" / "2024Q1")
        with pytest.raises(HcipError, match="cannot be ingested again: the accepted file is missing"):
            check_home(home, [PERIOD], quiet)

    def test_a_quarter_whose_retention_ended_is_not_missing(self, home: Home) -> None:
        shutil.rmtree(home.inbox / "hospital" / "2024Q1")
        for folder in home.lake.glob("hospital/*/quarter=2024Q1"):
            shutil.rmtree(folder)
        assert check_home(home, [PERIOD], quiet) == []


class TestProgramFiles:
    """Versions of program files: if one is refused or removed, the previous version stays in force."""

    def place(self, home: Home) -> tuple[Path, Path]:
        history = home.lake_program(PERIOD) / "history" / "care_partners.r1.parquet"
        return history, home.inbox / "program" / str(PERIOD) / "care_partners.csv"

    def test_a_version_that_was_forged_is_ingested_again(self, home: Home, lines: Callable[[], bytes]) -> None:
        history, _ = self.place(home)
        before, whole = lines(), history.read_bytes()
        forge(home, history)
        reported: list[str] = []
        assert not ingest(home, [str(PERIOD)], progress=reported.append).problems
        assert any(history.name in message and "set aside" in message for message in reported)
        assert history.read_bytes() == whole and lines() == before

    def test_a_version_that_the_inbox_cannot_restore_stops_the_run(
        self, home: Home, lines: Callable[[], bytes]
    ) -> None:
        history, sent = self.place(home)
        before = lines()
        whole = forge(home, history)
        sent.unlink()
        with pytest.raises(HcipError, match="version 1 of care_partners") as raised:
            check_program_history(home, PERIOD, quiet)
        assert raised.value.rule == "LEDGER-MISMATCH" and "backup" in raised.value.fix
        replace(history, whole)
        check_program_history(home, PERIOD, quiet)
        assert lines() == before

    def test_a_version_that_was_put_there_by_hand_has_no_effect(self, home: Home) -> None:
        history, _ = self.place(home)
        receipt = home.lake_program(PERIOD) / "receipts" / "care_partners.r1.json"
        forged = receipt.read_text(encoding="utf-8").replace('"version": 1', '"version": 2')
        receipt.with_name("care_partners.r2.json").write_text(forged, encoding="utf-8")
        shutil.copy(history, history.with_name("care_partners.r2.parquet"))
        reported: list[str] = []
        check_program_history(home, PERIOD, reported.append)
        assert len(reported) == 2 and all("care_partners.r2" in message for message in reported)
        assert not list(home.lake_program(PERIOD).glob("*/care_partners.r2.*t"))
        assert not list(home.lake_program(PERIOD).glob("*/care_partners.r2.json"))

    def test_a_table_in_force_is_rewritten_by_every_intake(self, home: Home, lines: Callable[[], bytes]) -> None:
        path = home.lake_program(PERIOD) / "care_partners.parquet"
        before, whole = lines(), path.read_bytes()
        forge(home, path)
        assert not ingest(home, [str(PERIOD)]).problems
        assert path.read_bytes() == whole and lines() == before


class TestProtocols:
    """Versions of protocols: the first defines when a program began, the newest counts if the inbox's is refused."""

    def newest(self, home: Home) -> Path:
        return sorted((home.lake / "protocols").glob("*/2025.r1.yaml"))[0]

    def test_a_version_of_a_protocol_that_was_changed_is_ingested_again(
        self, home: Home, lines: Callable[[], bytes]
    ) -> None:
        path, before = self.newest(home), lines()
        whole = path.read_bytes()
        replace(path, whole.replace(b"2025", b"2024", 1))
        reported: list[str] = []
        assert not ingest(home, [str(PERIOD)], progress=reported.append).problems
        assert any(path.name in message and "set aside" in message for message in reported)
        assert path.read_bytes() == whole and lines() == before

    def test_a_protocol_that_the_inbox_cannot_restore_stops_the_half_year(self, home: Home) -> None:
        path = self.newest(home)
        whole = path.read_bytes()
        replace(path, whole + b"# forged\n")
        sent = home.inbox / "protocols" / path.parent.name / "2025.yaml"
        replace(sent, sent.read_bytes() + b"# another\n")
        with pytest.raises(HcipError, match=f"protocol of {path.parent.name}") as raised:
            check_program_history(home, PERIOD, quiet)
        assert raised.value.rule == "LEDGER-MISMATCH"
        replace(path, whole)
        check_program_history(home, PERIOD, quiet)

    def test_a_protocol_that_was_put_there_by_hand_has_no_effect(self, home: Home) -> None:
        path = self.newest(home)
        shutil.copy(path, path.with_name("2025.r2.yaml"))
        reported: list[str] = []
        check_program_history(home, PERIOD, reported.append)
        assert len(reported) == 1 and "2025.r2.yaml has no line in the ledger" in reported[0]
        assert not path.with_name("2025.r2.yaml").exists() and path.exists()


class TestReferenceTables:
    def test_a_table_in_force_is_rewritten_by_every_intake(self, home: Home, lines: Callable[[], bytes]) -> None:
        path = home.lake_reference / "hospitals.parquet"
        before, whole = lines(), path.read_bytes()
        forge(home, path)
        with pytest.raises(HcipError, match=path.name):
            record_acceptances(home, "reference", [])
        assert not ingest(home, [str(PERIOD)]).problems
        assert path.read_bytes() == whole and lines() == before

    def test_an_earlier_version_that_was_changed_stops_the_run(self, home: Home) -> None:
        path = sorted((home.lake_reference / "history").glob("*.parquet"))[0]
        forge(home, path)
        with pytest.raises(HcipError, match=f"{path.name} is changed") as raised:
            check_home(home, [PERIOD], quiet)
        assert raised.value.rule == "LEDGER-MISMATCH"


def test_a_norm_table_forged_with_its_seal_stops_every_run(home: Home, lines: Callable[[], bytes]) -> None:
    path = sorted(home.lake.glob("norms/*/frozen_norms.parquet"))[0]
    before = lines()
    forge(home, path)
    with pytest.raises(HcipError, match=path.name) as raised:
        check_home(home, (), quiet)
    assert raised.value.rule == "LAKE-DAMAGED" and "backup" in raised.value.fix
    assert path.is_file() and lines() == before
    assert read_ledger(home)


def test_a_changed_policy_of_a_release_is_restored_from_its_manifest(home: Home) -> None:
    known = recall(home, PERIOD, 1)
    assert known is not None
    path = home.lake / "known" / "policies" / f"{known.policy.sha256}.yaml"
    whole = path.read_bytes()
    for content in (whole.replace(b"incentive", b"incentive ", 1), None):
        path.unlink()
        if content:
            path.write_bytes(content)
        again = recall(home, PERIOD, 1)
        assert again is not None and again.policy.policy == known.policy.policy and path.read_bytes() == whole

"""Changes in the inbox, the lake or the history between two runs: the next run notices them before it releases."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import pytest

from hcip_pipeline import cli
from hcip_pipeline.assets.execution import ingest, settle
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.home.lake_seals import check_seals, seal
from hcip_pipeline.ledger.comparison import check_home, recorded_hashes
from hcip_pipeline.ledger.history import check_history
from hcip_pipeline.ledger.lines import NAME, ledger_path, read_ledger
from hcip_pipeline.release.reading import releases_of
from hcip_pipeline.settlement.as_of import sources_of
from hcip_pipeline.settlement.from_inbox import differences_from_inbox
from hcip_pipeline.settlement.kept_sources import kept_file, recall
from hcip_pipeline.settlement.norms_from_inbox import norm_differences
from tests.settled_home import PERIOD, SettledHome

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("rendered_builds")]


@pytest.fixture
def home(settled_home: SettledHome, tmp_path: Path) -> Home:
    """The settled home with its release and ledger; files are hard links, so unlink a file before changing it."""
    home = settled_home.copy(tmp_path / "home", "inbox", "lake", "releases")
    shutil.copy(settled_home.home.root / NAME, home.root / NAME)
    return home


def replace(path: Path, content: bytes) -> None:
    path.unlink()
    path.write_bytes(content)


def flipped(path: Path) -> bytes:
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    return bytes(content)


def test_a_lake_file_and_its_seal_forged_together(home: Home) -> None:
    path = sorted(home.lake_hospital("discharges", "2025Q1").glob("*.parquet"))[0]
    replace(path, flipped(path))
    seal(home, [path])
    with pytest.raises(HcipError) as raised:
        settle(home, PERIOD)
    assert raised.value.rule == "LAKE-DAMAGED" and path.name in raised.value.message
    assert [folder.name for folder in releases_of(home, PERIOD)] == ["r1"]


def test_a_missing_seal_is_damage(home: Home) -> None:
    path = sorted(home.lake_hospital("charges", "2025Q1").glob("*.parquet"))[0]
    recorded = recorded_hashes(home)
    assert check_seals(home, [path], recorded) == 1
    (home.lake / "seals" / path.relative_to(home.lake).with_name(f"{path.name}.json")).unlink()
    with pytest.raises(HcipError) as raised:
        check_seals(home, [path], recorded)
    assert raised.value.rule == "LAKE-DAMAGED" and path.name in raised.value.message


def test_a_receipt_changed_by_hand_is_set_aside_and_its_submission_ingested_again(home: Home) -> None:
    path = sorted(home.lake_hospital("receipts", "2025Q1").glob("*.json"))[0]
    before = path.read_bytes()
    replace(path, before.replace(b'"accepted": ', b'"accepted":  '))
    reported: list[str] = []
    assert not ingest(home, ["2025Q1"], progress=reported.append).problems
    assert any(path.name in message and "set aside" in message for message in reported)
    assert path.read_bytes() == before
    lines = len(read_ledger(home))
    ingest(home, ["2025Q1"])
    assert len(read_ledger(home)) == lines, "without a change no line is added"


def test_an_accepted_inbox_file_exchanged_at_the_same_size(home: Home) -> None:
    path = home.inbox / "hospital" / "2025Q1" / "210809" / "discharges.csv"
    replace(path, flipped(path))
    reported: list[str] = []
    check_home(home, [PERIOD], reported.append)
    name = path.relative_to(home.root).as_posix()
    assert any(message.startswith("note: ") and f"{name} is changed" in message for message in reported)


@pytest.mark.parametrize("place", ["releases/2025H1/r1/datapackage.json", "lake/known/2025H1_r1.json"])
@pytest.mark.parametrize("what", ["missing", "changed"])
def test_a_release_that_differs_from_its_record_stops_the_run(home: Home, place: str, what: str) -> None:
    path = home.root / place
    content = path.read_bytes()
    path.unlink()
    if what == "changed":
        path.write_bytes(content + b" ")
    with pytest.raises(HcipError, match=f"{place} is {what}") as raised:
        settle(home, PERIOD)
    assert raised.value.rule == "LEDGER-MISMATCH" and "backup" in raised.value.fix
    with pytest.raises(SystemExit) as ended:  # instead of recognizing the period as unchanged
        cli.main(["run", str(PERIOD), "--home", str(home.root)])
    assert ended.value.code == 1


def test_a_release_whose_run_was_killed_before_its_line_is_recorded_as_found(home: Home) -> None:
    lines = ledger_path(home).read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if json.loads(line)["kind"] != "release"]
    ledger_path(home).write_bytes(b"".join(kept))
    reported: list[str] = []
    check_home(home, [PERIOD], reported.append)
    assert (read_ledger(home)[-1].entry.kind, read_ledger(home)[-1].entry.name) == ("found", f"{PERIOD}/r1")
    assert any("no line in the ledger" in message for message in reported)


def test_a_history_of_runs_that_was_zeroed(home: Home) -> None:
    database = home.dagster / "history" / "runs.db"
    database.parent.mkdir(parents=True, exist_ok=True)
    for content in (b"", bytes(4096)):
        database.write_bytes(content)
        with pytest.raises(HcipError) as raised:
            check_history(home)
        assert raised.value.rule == "HISTORY-DAMAGED" and raised.value.file == str(database)
    reported: list[str] = []
    check_home(home, [PERIOD], reported.append, has_history=False)
    assert any("history of runs is missing" in message for message in reported)


def test_receipts_are_compared_with_the_lake_before_a_build(home: Home) -> None:
    """Even if receipt, lake file, seal and ledger are forged together, missing rows are noticed."""
    import polars as pl

    from hcip_pipeline.policy.loader import load_policy
    from hcip_pipeline.settlement.period import check_period

    policy = load_policy(home.policy).policy
    assert check_period(home, PERIOD, policy) is not None
    for table, kept in (("discharges", slice(1, None)), ("charges", slice(1, None))):
        path = sorted(home.lake_hospital(table, "2025Q1").glob("*.parquet"))[0]
        whole = path.read_bytes()
        frame = pl.read_parquet(path, hive_partitioning=False)
        path.unlink()
        frame[kept].write_parquet(path)
        with pytest.raises(HcipError, match="rows, but the lake contains") as raised:
            check_period(home, PERIOD, policy)
        assert raised.value.rule == "LAKE-RECEIPT"
        replace(path, whole)
    path = sorted(home.lake_hospital("discharges", "2025Q1").glob("*.parquet"))[0]
    frame = pl.read_parquet(path, hive_partitioning=False)
    path.unlink()
    frame.with_columns(pl.col("total_charges") * 2).cast({"total_charges": frame["total_charges"].dtype}).write_parquet(
        path
    )
    with pytest.raises(HcipError, match="dollars, but the lake contains"):
        check_period(home, PERIOD, policy)


class TestKeptSources:
    def test_kept_sources_are_copies_not_links(self, home: Home) -> None:
        lake = {(path.stat().st_dev, path.stat().st_ino) for path in home.lake.glob("hospital/*/quarter=*/*.parquet")}
        kept = list((home.lake / "known").glob("??/*.parquet"))
        assert kept and not any((path.stat().st_dev, path.stat().st_ino) in lake for path in kept)

    def test_a_damaged_source_is_restored_from_the_lake(self, home: Home) -> None:
        known = recall(home, PERIOD, 1)
        assert known is not None
        for name in ("discharges", "care_partners", "hospitals"):
            sha256 = known.sources[name][0]
            path = kept_file(home, sha256)
            whole = path.read_bytes()
            replace(path, flipped(path))
            assert path in sources_of(home, known)[name]
            assert path.read_bytes() == whole

    def test_a_source_damaged_in_the_lake_too_is_restored_from_the_inbox(self, home: Home) -> None:
        known = recall(home, PERIOD, 1)
        assert known is not None
        path = kept_file(home, known.sources["discharges"][0])
        whole = path.read_bytes()
        path.unlink()
        shutil.rmtree(home.lake / "hospital" / "discharges")
        assert path in sources_of(home, known)["discharges"]
        assert path.read_bytes() == whole
        assert not list(home.warehouse.glob(".*")), "nothing is left over"

    def test_a_source_that_cannot_be_restored_is_an_error(self, home: Home) -> None:
        known = recall(home, PERIOD, 1)
        assert known is not None
        path = kept_file(home, known.sources["discharges"][0])
        path.unlink()
        shutil.rmtree(home.lake / "hospital" / "discharges")
        for file in home.inbox.glob("hospital/*/*/discharges.csv"):
            file.unlink()
        with pytest.raises(HcipError) as raised:
            sources_of(home, known)
        assert raised.value.rule == "LAKE-AS-OF-THEN"


def test_differences_between_inbox_and_lake_are_named(home: Home, tmp_path: Path) -> None:
    known = recall(home, PERIOD, 1)
    assert known is not None
    manifest = json.loads((home.releases / str(PERIOD) / "r1" / "datapackage.json").read_text(encoding="utf-8"))
    assert differences_from_inbox(home, known, manifest, tmp_path / "again") == []
    assert not (tmp_path / "again").exists()
    path = home.inbox / "hospital" / "2025Q1" / "210809" / "charges.csv"
    replace(path, path.read_bytes().replace(b"2025", b"2024", 1))
    (home.inbox / "program" / str(PERIOD) / "care_partners.csv").unlink()
    found = differences_from_inbox(home, known, manifest, tmp_path / "again")
    assert "inbox/hospital/2025Q1/210809/charges.csv: not what was accepted" in found
    assert f"inbox/program/{PERIOD}/care_partners.csv: gone" in found
    assert "lake, charges: 1 file cannot be rebuilt from the inbox" in found


def test_a_norm_table_that_the_inbox_does_not_reproduce_is_named(home: Home, tmp_path: Path) -> None:
    """A table, its hash in the release's record, seal and ledger are all forged, but not the base year's files."""
    known = recall(home, PERIOD, 1)
    assert known is not None
    forged = dataclasses.replace(known, sources={**known.sources, "frozen_norms": ("0" * 64,)})
    (found,) = norm_differences(home, forged, tmp_path / "again")
    assert found.startswith("norms, frozen_norms: recomputed from the inbox, the table differs")
    path = sorted(home.inbox.glob("hospital/2024Q1/*/charges.csv"))[0]
    replace(path, path.read_bytes().replace(b"1", b"7", 40))
    found_all = norm_differences(home, known, tmp_path / "again")
    assert f"{path.relative_to(home.root)}: not what was accepted" in found_all
    assert any(each.startswith("norms") for each in found_all)
    assert not (tmp_path / "again").exists()
    shutil.rmtree(home.lake / "norms")
    assert norm_differences(home, known, tmp_path / "again") == ["lake, norms: the norm table of 2024 is gone"]

"""Shared homes: each acceptance arrives completely or not at all, and nothing is accepted twice."""

from __future__ import annotations

import hashlib
import os
import random
from pathlib import Path

import dagster as dg
import pytest

from hcip_pipeline import cli
from hcip_pipeline.assets.resources import HomeResource
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.locks import HomeLocks
from hcip_pipeline.ledger.lines import read_ledger
from hcip_pipeline.shared_home import synchronizing
from hcip_pipeline.shared_home.address import Storage
from tests.shared_homes import (
    KINDS,
    KilledError,
    Machine,
    Make,
    accept,
    accept_all,
    kill_at_every_write,
    killed_at,
    killed_while_fetching,
    remove,
    without_inbox,
)
from tests.shared_homes import make_machines as make_machines

pytestmark = pytest.mark.slow


def test_an_empty_home_fetches_everything(make: Make) -> None:
    one, other = make("one"), make("other")
    accept_all(one)
    done = one.synchronize()
    assert done.releases == ("2025H1/r1",) and done.shared == len(one.files()) - 1
    assert other.synchronize().fetched == done.shared
    assert other.files() == one.files()
    assert one.synchronize().shared == other.synchronize().fetched == 0


@pytest.mark.parametrize("after", [False, True])
def test_a_machine_killed_at_any_write_leaves_nothing_half_shared(make: Make, after: bool) -> None:
    """Before the commit others see none of it, afterward all of it; and the machine continues where it stopped."""

    def begin(step: int) -> tuple[Machine, Machine, Machine]:
        one, other, last = (make(f"{name}{step}") for name in ("one", "other", "last"))
        accept_all(one)
        one, other, last = (Machine(machine.home, f"{machine.address}-{step}") for machine in (one, other, last))
        return one, other, last

    assert len(set(kill_at_every_write(begin, after=after))) > 15


def test_a_machine_killed_while_fetching_continues_and_shows_no_half_release(make: Make) -> None:
    one = make("one")
    accept_all(one)
    one.synchronize()
    objects = set(one.files().values()) - {one.files()["ledger.jsonl"]}
    for step in range(1, len(objects) + 1, 3):
        other = make(f"other{step}")
        with pytest.raises(KilledError), killed_while_fetching(step):
            other.synchronize()
        assert not (other.home.releases / "2025H1" / "r1").exists()
        assert not read_ledger(other.home)
        other.synchronize()
        assert other.files() == one.files()


def test_known_bytes_are_neither_sent_nor_fetched_again(make: Make) -> None:
    """Identical files in one acceptance, and files of an earlier one, such as a release's sources."""
    one, other = make("one"), make("other")

    def exchange(*quarters: str) -> tuple[list[str], list[str]]:
        for quarter in quarters:
            accept(one, "hospital", quarter)
        with killed_at(100, after=False) as begun:
            one.synchronize()
        with killed_while_fetching(100) as fetched:
            other.synchronize()
        assert one.files() == other.files()
        return sorted(place.rpartition("/")[2] for place in begun if place.startswith("objects/")), sorted(fetched)

    sent, fetched = exchange("2025Q1", "2025Q2")
    assert sent == fetched == sorted(set(sent)) and len(sent) == 5
    assert exchange("2025Q3") == ([], [])
    remove(other, "lake/hospital/receipts/quarter=2025Q1/210001.r1.json")
    for receipt in other.home.lake.glob("hospital/receipts/*/*"):
        receipt.write_text("changed")
    assert exchange() == ([], [hashlib.sha256(b"receipt 1").hexdigest()]), "the home's bytes are used only if unchanged"


def test_different_partitions_of_two_machines_are_both_in_force(make: Make) -> None:
    one, other = make("one"), make("other")
    accept(one, "hospital", "2025Q1")
    accept(other, "hospital", "2025Q2")
    accept(other, "cms")
    one.synchronize(), other.synchronize(), one.synchronize()
    assert one.files() == other.files()
    names = [line.entry.name for line in read_ledger(one.home)]
    assert names == [
        "a new home",
        "hospital/2025Q1/210001.r1",
        "hospital/2025Q2/210001.r1",
        "cms/2025-04/archive.zip.0",
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_of_two_different_acceptances_one_is_in_force(make: Make, kind: str) -> None:
    one, other = make("one"), make("other")
    accept(one, kind, text="first"), accept(other, kind, text="second")
    accept(other, "hospital", "2025Q4")
    own = other.files()
    one.synchronize()
    with pytest.raises(HcipError, match="another machine has accepted") as refused:
        other.synchronize()
    assert refused.value.rule == "STORAGE-CONFLICT" and refused.value.fix
    (aside,) = (other.home.root / "storage" / "set_aside").iterdir()
    kept = {path.relative_to(aside).as_posix(): path.read_bytes() for path in aside.rglob("*") if path.is_file()}
    assert kept and all(own[path] == content for path, content in kept.items())
    other.synchronize(), one.synchronize()
    assert without_inbox(other) == without_inbox(one)
    assert "hospital/2025Q4/210001.r1" in [line.entry.name for line in read_ledger(one.home)], "the rest is shared"
    assert b"second" not in b"".join(without_inbox(one).values())


@pytest.mark.parametrize("kind", KINDS)
def test_two_identical_acceptances_are_recorded_once(make: Make, kind: str) -> None:
    one, other = make("one"), make("other")
    accept(one, kind), accept(other, kind)
    one.synchronize(), other.synchronize()
    assert one.files() == other.files() and len(read_ledger(other.home)) == 2


def test_a_machine_that_is_second_at_the_commit_follows_the_first(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = make("one"), make("other")
    accept(one, "hospital", "2025Q1")
    accept(other, "hospital", "2025Q2")
    real = synchronizing.write_commit
    waiting = [other]

    def late(storage: Storage, commit: synchronizing.Commit) -> bool:
        if waiting:
            waiting.pop().synchronize()
        return real(storage, commit)

    monkeypatch.setattr(synchronizing, "write_commit", late)
    one.synchronize(), other.synchronize()
    assert one.files() == other.files()
    names = [line.entry.name for line in read_ledger(one.home)]
    assert names == ["a new home", "hospital/2025Q2/210001.r1", "hospital/2025Q1/210001.r1"]


def test_a_commit_whose_answer_was_lost_is_not_written_twice(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client sends it again, and the storage refuses because a commit exists: its own."""
    one, other = make("one"), make("other")
    accept(one, "hospital")
    real = Storage.create

    def lost(self: Storage, path: str, content: bytes) -> bool:
        return real(self, path, content) and not path.startswith("commits/")

    monkeypatch.setattr(Storage, "create", lost)
    one.synchronize(), other.synchronize()
    assert one.files() == other.files() and len(read_ledger(one.home)) == 2


def test_versions_that_follow_one_another_are_recorded_once_each(make: Make) -> None:
    """Also if another machine's line comes between them and the last shared one."""
    one, other = make("one"), make("other")
    accept(one, "hospital"), one.synchronize(), other.synchronize()
    accept(other, "cms")
    for text in ("2", "3", "2"):
        accept(one, "hospital", text=text)
    other.synchronize(), one.synchronize(), one.synchronize(), other.synchronize()
    assert one.files() == other.files()
    names = [line.entry.name for line in read_ledger(one.home)[2:]]
    assert names == ["cms/2025-04/archive.zip.0", *["hospital/2025Q1/210001.r1"] * 3]


def test_files_that_only_the_other_machine_has_do_not_count_as_removed(make: Make) -> None:
    one, other = make("one"), make("other")
    accept(one, "hospital")
    accept(other, "hospital", ccn="210002")
    one.synchronize()
    with pytest.raises(HcipError, match="another machine has accepted hospital 2025Q1"):
        other.synchronize()
    assert without_inbox(other) == without_inbox(one) and b"rows 1" in one.files().values()
    accept(other, "hospital", ccn="210002")  # its inbox still has the file
    other.synchronize(), one.synchronize()
    assert one.files() == other.files() and len(read_ledger(one.home)) == 3


def test_a_later_version_replaces_the_earlier_one_everywhere(make: Make) -> None:
    one, other = make("one"), make("other")
    accept_all(one)
    one.synchronize(), other.synchronize()
    accept(other, "hospital", text="corrected")
    accept(other, "cms", text="corrected")
    other.synchronize(), one.synchronize()
    assert one.files() == other.files()
    assert one.files()["lake/hospital/discharges/quarter=2025Q1/210001.r1.parquet"] == b"rows corrected"


def test_rows_that_a_new_verdict_removes_from_the_lake_are_removed_everywhere(make: Make) -> None:
    one, other = make("one"), make("other")
    accept_all(one)
    one.synchronize(), other.synchronize()
    remove(other, "lake/seals/hospital/discharges/quarter=2025Q1/210001.r1.parquet.json")
    receipt = "lake/hospital/receipts/quarter=2025Q1/210001.r1.json"
    accept(other, "hospital", text="2")
    remove(other, "lake/quarantine/hospital/quarter=2025Q1/210001.r1.parquet")
    other.synchronize(), one.synchronize()
    assert one.files() == other.files() and one.files()[receipt] == b"receipt 2"
    assert not any("quarantine" in path for path in one.files())


@pytest.mark.parametrize("path", [
    "lake/hospital/discharges/quarter=2025Q1/210001.r1.parquet", "lake/norms/2024-abc/manifest.json",
    "lake/known/2025H1_r1.json", "releases/2025H1/r1/incentives/table.csv", "releases/2025H1/r1/datapackage.json",
])  # fmt: skip
@pytest.mark.parametrize("is_lost", [False, True])
def test_a_changed_or_lost_file_is_fetched_again(make: Make, path: str, is_lost: bool) -> None:
    one = make("one")
    accept_all(one)
    one.synchronize()
    before = one.files()
    file = remove(one, path)
    if not is_lost:
        file.write_text("changed")
    reported: list[str] = []
    one.synchronize(reported)
    assert one.files() == before
    assert any(path in line and "restored from the storage" in line for line in reported)


def test_changes_to_the_inbox_are_kept(make: Make) -> None:
    one, other = make("one"), make("other")
    accept(one, "hospital", "2025Q1"), accept(one, "hospital", "2025Q2")
    one.synchronize(), other.synchronize()
    remove(one, "inbox/hospital/2025Q1/210001/discharges.csv")
    remove(one, "inbox/hospital/2025Q2/210001/discharges.csv").write_text("another")
    one.synchronize(), other.synchronize()
    assert "inbox/hospital/2025Q1/210001/discharges.csv" not in one.files()
    assert one.files()["inbox/hospital/2025Q2/210001/discharges.csv"] == b"another"
    assert other.files()["inbox/hospital/2025Q2/210001/discharges.csv"] == b"sent 1"


def test_destroyed_files_are_removed_from_the_storage_and_every_home(make: Make, tmp_path: Path) -> None:
    one, other = make("one"), make("other")
    accept_all(one)
    one.synchronize(), other.synchronize()
    (source,) = (path for path in one.files() if path.startswith("lake/known/") and path.endswith(".parquet"))
    gone = tuple(remove(one, path) for path in ("releases/2025H1/r1/incentives/table.csv", source))
    one.synchronize(removed=gone)
    assert one.synchronize().fetched == 0
    other.synchronize()
    assert one.files() == other.files() and source not in other.files()
    there = b"".join(path.read_bytes() for path in (tmp_path / "there" / "objects").rglob("*") if path.is_file())
    assert b"source 1" not in there and b"paid 1" not in there and b"rows 1" in there


def test_a_partition_in_use_is_not_changed_under_its_reader(make: Make) -> None:
    one, other = make("one"), make("other")
    accept(one, "hospital", "2025Q1")
    one.synchronize(), other.synchronize()
    before = one.files()
    accept(other, "hospital", "2025Q1", text="corrected"), accept(other, "hospital", "2025Q2")
    other.synchronize()
    reported: list[str] = []
    with HomeLocks() as locks:
        locks.take(one.home, "2025Q1", "settling 2025H1, which reads 2025Q1", "shared")
        one.synchronize(reported)
        assert one.files() == before and any("is using 2025Q1" in line for line in reported)
        accept(one, "hospital", "2025Q3")
        one.synchronize()  # its own acceptances are shared in the meantime
    other.synchronize(), one.synchronize()
    assert one.files() == other.files()
    assert len(read_ledger(one.home)) == 5


@pytest.mark.parametrize("seed", range(int(os.environ.get("HCIP_SHARED_HISTORIES", "6"))))
def test_whatever_three_machines_do_they_end_equal(make: Make, seed: int) -> None:
    """Random acceptances, synchronizations and kills; at the end all homes are equal, and nothing accepted is lost."""
    chance = random.Random(seed)
    machines = [make(name) for name in "abc"]
    shared: set[tuple[str, str]] = set()
    for number in range(25):
        machine = chance.choice(machines)
        kind, key = chance.choice([("hospital", "2025Q1"), ("hospital", "2025Q2"), ("cms", ""), ("release", "")])
        if chance.random() < 0.5 and not (kind == "release" and (machine.home.releases / "2025H1" / "r1").exists()):
            accept(machine, kind, key, text=str(number))
        try:
            with killed_at(chance.randint(1, 12) if chance.random() < 0.4 else 1_000, after=chance.random() < 0.5):
                machine.synchronize()
        except KilledError:
            continue
        except HcipError as error:
            assert error.rule == "STORAGE-CONFLICT"
        shared |= {(line.entry.name, line.sha256) for line in read_ledger(machine.home)}
    for machine in machines * 2:
        try:
            machine.synchronize()
        except HcipError as error:
            assert error.rule == "STORAGE-CONFLICT"
    contents = [without_inbox(machine) for machine in machines]
    assert contents[0] == contents[1] == contents[2]
    assert shared <= {(line.entry.name, line.sha256) for line in read_ledger(machines[0].home)}


@pytest.mark.parametrize("is_named_by", ["settings", "environment"])
def test_a_command_fetches_others_acceptances_and_shares_pending_ones(
    is_named_by: str, make: Make, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = make("one"), make("other")
    accept(one, "hospital"), one.synchronize()
    accept(other, "cms")
    if is_named_by == "settings":
        (other.home.root / "settings.yaml").write_text(f"storage: {one.address}/\n", encoding="utf-8")
    else:
        monkeypatch.setenv("HCIP_STORAGE", one.address)
    with pytest.raises(SystemExit):
        cli.main(["explain", "2025H1", "1234567893", "--home", str(other.home.root)])
    assert "fetching 5 files" in capsys.readouterr().err
    one.synchronize()
    assert one.files() == other.files()


def test_a_dagster_run_fetches_others_acceptances(make: Make) -> None:
    one, other = make("one"), make("other")
    accept(one, "hospital"), one.synchronize()
    (other.home.root / "settings.yaml").write_text(f"storage: {one.address}\n", encoding="utf-8")

    @dg.asset
    def reads(home: HomeResource) -> None:
        assert (home.home().lake / "hospital" / "receipts").is_dir()

    dg.materialize([reads], resources={"home": HomeResource(path=str(other.home.root))})
    assert one.files() == other.files()

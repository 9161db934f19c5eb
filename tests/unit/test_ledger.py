"""The ledger file: its chain, its head, appending from several processes, and a killed process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hcip_pipeline.errors import HcipError
from hcip_pipeline.files.merkle import merkle_root
from hcip_pipeline.home.folders import Home
from hcip_pipeline.ledger.comparison import check_home, forget_unrecorded, in_force
from hcip_pipeline.ledger.lines import Entry, append, head_of, ledger_path, read_ledger
from hcip_pipeline.ledger.recording import begin, record_norms
from hcip_pipeline.release.verification.home_ledger import merkle_root as merkle_root_of_auditor


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def add(home: Home, *names: str) -> None:
    append(home, lambda _: [Entry("acceptance", name, {f"lake/{name}": "0" * 64}) for name in names])


@pytest.mark.parametrize("number", [0, 1, 2, 3, 5, 8, 13, 64, 65])
def test_two_ways_to_build_a_merkle_tree_agree(number: int) -> None:
    files = {f"lake/{at:03}": f"{at:064x}" for at in range(number)}
    assert merkle_root(files) == merkle_root_of_auditor(files)
    if number:
        assert merkle_root(files | {"lake/000": "f" * 64}) != merkle_root(files)


def test_a_line_is_chained_to_the_previous_one_and_equal_homes_have_equal_ledgers(tmp_path: Path) -> None:
    homes = [Home(tmp_path / "a"), Home(tmp_path / "b")]
    for home in homes:
        begin(home)
        add(home, "one")
        add(home, "two", "three")
    lines = read_ledger(homes[0])
    assert [line.entry.name for line in lines] == ["a new home", "one", "two", "three"]
    assert [line.previous for line in lines[1:]] == [line.hash for line in lines[:-1]]
    assert head_of(homes[0]) == head_of(homes[1]) == f"4:{lines[-1].hash}"


def test_a_half_written_line_of_a_killed_process_is_removed(home: Home) -> None:
    add(home, "one")
    whole = ledger_path(home).read_bytes()
    for rest in (b"{", b'{"files":{"lake/two":"00', whole[:-1]):
        ledger_path(home).write_bytes(whole + rest)
        assert [line.entry.name for line in read_ledger(home)] == ["one"]
        add(home, "two")
        assert [line.entry.name for line in read_ledger(home)] == ["one", "two"]
        ledger_path(home).write_bytes(whole)


@pytest.mark.parametrize("change", ["edit", "remove", "swap", "insert", "not JSON", "root"])
def test_a_changed_line_is_an_error_that_names_it(home: Home, change: str) -> None:
    add(home, "one", "two", "three", "four")
    lines = ledger_path(home).read_bytes().splitlines(keepends=True)
    if change == "edit":
        lines[1] = lines[1].replace(b"two", b"2wo")
    elif change == "remove":
        del lines[1]
    elif change == "swap":
        lines[1:3] = lines[2:0:-1]
    elif change == "insert":
        lines.insert(1, lines[0])
    elif change == "not JSON":
        lines[1] = b"[1]\n"
    else:
        lines[3] = lines[3].replace(b'"lake/four":"0', b'"lake/four":"1')
    ledger_path(home).write_bytes(b"".join(lines))
    with pytest.raises(HcipError) as raised:
        add(home, "five")
    assert raised.value.rule == "LEDGER-BROKEN" and raised.value.row in (2, 3, 4)
    assert "backup" in raised.value.fix


def test_processes_that_append_concurrently_lose_nothing(home: Home) -> None:
    program = (
        "import sys; from pathlib import Path; from hcip_pipeline.home.folders import Home\n"
        "from hcip_pipeline.ledger.lines import Entry, append\n"
        "for at in range(20): append(Home(Path(sys.argv[1])), lambda _: [Entry('norms', f'{sys.argv[2]}-{at}')])\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", program, str(home.root), who]) for who in "abc"]
    assert [process.wait() for process in running] == [0, 0, 0]
    names = [line.entry.name for line in read_ledger(home)]
    assert sorted(names) == sorted(f"{who}-{at}" for who in "abc" for at in range(20))


def test_the_newest_line_of_a_name_applies_but_the_first_of_a_release(home: Home) -> None:
    release = "releases/2025H1/r1/datapackage.json"
    entries = [
        Entry("acceptance", "one", {"lake/a": "1", "lake/b": "1"}),
        Entry("release", "2025H1/r1", {release: "1"}),
        Entry("refusal", "one", {"lake/a": "2"}),
        Entry("release", "2025H1/r1", {release: "2"}),
    ]
    append(home, lambda _: entries)
    held = {path: line.entry.files[path] for path, line in in_force(read_ledger(home)).items()}
    assert held == {"lake/a": "2", release: "1"}


def test_a_home_older_than_its_ledger_is_noted(home: Home) -> None:
    norms = home.lake / "norms" / "2023-0"
    norms.mkdir(parents=True)
    (norms / "manifest.json").write_text("{}")
    reported: list[str] = []
    check_home(home, (), reported.append)
    first, second = read_ledger(home)
    assert "before its ledger" in first.entry.name and second.entry.name == "2023-0"
    assert "older than its ledger" in reported[0]
    record_norms(home, "2023-0")
    assert len(read_ledger(home)) == 2, "there is no second line for the same thing"
    (norms / "manifest.json").write_text('{"inputs": []}')
    with pytest.raises(HcipError, match=r"lake/norms/2023-0/manifest\.json is changed \(line 2") as raised:
        check_home(home, (), reported.append)
    assert raised.value.rule == "LEDGER-MISMATCH"


def test_a_receipt_without_a_line_is_set_aside(home: Home) -> None:
    begin(home)
    folder = home.lake_hospital("receipts", "2025Q1")
    folder.mkdir(parents=True)
    (folder / "210001.r1.json").write_text(json.dumps({"status": "accepted"}))
    reported: list[str] = []
    forget_unrecorded(home, folder, reported.append)
    assert [path.name for path in folder.iterdir()] == ["210001.r1.json.unrecorded"]
    assert "has no line in the ledger" in reported[0]


def test_a_full_disk_is_reported_and_loses_no_line(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    add(home, "one")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(HcipError) as raised:
            add(home, "two")
        assert raised.value.rule == "DISK-FULL"
    add(home, "three")
    assert read_ledger(home)[0].entry.name == "one"
    assert read_ledger(home)[-1].entry.name == "three"

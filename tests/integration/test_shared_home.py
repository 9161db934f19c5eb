"""Machines that share a home through an S3-compatible server: kills at any write, concurrency, files to a release."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from hcip_pipeline import cli
from hcip_pipeline.background import BackgroundCall
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.ledger.lines import read_ledger
from hcip_pipeline.shared_home.address import Storage, open_storage
from tests.s3_server import s3_server
from tests.settled_home import PERIOD, SettledHome, digest
from tests.shared_homes import Machine, accept, kill_at_every_write


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file in which the server logs each request."""
    return tmp_path_factory.mktemp("s3") / "log"


@pytest.fixture(scope="module")
def s3(log: Path) -> Iterator[str]:
    """An address in an empty bucket."""
    with s3_server(log.parent, "hcip-homes") as address:
        yield address


def _machine(folder: Path, address: str) -> Machine:
    folder.mkdir()
    return Machine(Home(folder), address)


def test_a_bucket_that_does_not_exist_is_not_an_empty_home(s3: str, tmp_path: Path) -> None:
    with pytest.raises(HcipError, match="there is no bucket hcip-hmoes"):
        _machine(tmp_path / "one", "s3://hcip-hmoes/region").synchronize()


def test_a_file_is_written_or_read_in_one_request(s3: str, log: Path) -> None:
    with open_storage(f"{s3}/requests") as storage:
        assert storage.create("some", b"1") and storage.read("some") == b"1" and storage.read("none") is None
    requests = [line.partition('"')[2].split()[:2] for line in log.read_text().splitlines() if "/requests/" in line]
    assert [(method, path.rpartition("/")[2]) for method, path in requests] == [
        ("PUT", "some"),
        ("GET", "some"),
        ("GET", "none"),
    ]


@pytest.mark.parametrize("after", [False, True])
def test_a_machine_killed_at_any_write_leaves_nothing_half_shared(s3: str, tmp_path: Path, after: bool) -> None:
    def begin(step: int) -> tuple[Machine, Machine, Machine]:
        address = f"{s3}/steps-{after}-{step}"
        one, other = (_machine(tmp_path / f"{name}{step}", address) for name in ("one", "other"))
        accept(one, "hospital"), accept(one, "release")
        return one, other, other

    assert len(kill_at_every_write(begin, after=after)) > 11


def test_a_process_that_is_killed_shares_nothing_and_is_completed(s3: str, tmp_path: Path) -> None:
    one, other = (_machine(tmp_path / name, f"{s3}/killed") for name in ("one", "other"))
    accept(one, "hospital"), accept(one, "release")
    with pytest.raises(HcipError), BackgroundCall(_share_and_die, one, 6) as dying:
        dying.result()
    other.synchronize()
    assert not other.files()
    one.synchronize(), other.synchronize()
    assert other.files() == one.files()


def _share_and_die(machine: Machine, step: int) -> None:
    real, begun = Storage.create, []

    def create(self: Storage, path: str, content: bytes) -> bool:
        begun.append(path)
        if len(begun) == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(self, path, content)

    Storage.create = create  # type: ignore[method-assign]
    machine.synchronize()


def test_of_two_processes_that_accept_one_submission_at_once_one_is_in_force(s3: str, tmp_path: Path) -> None:
    """The server's condition decides."""
    machines = [_machine(tmp_path / name, f"{s3}/race") for name in ("one", "other")]
    for machine, text in zip(machines, ("first", "second"), strict=True):
        accept(machine, "hospital", text=text)
    with BackgroundCall(_outcome, machines[0]) as one, BackgroundCall(_outcome, machines[1]) as other:
        assert sorted([one.result(), other.result()]) == ["", "STORAGE-CONFLICT"]
    for machine in machines:
        machine.synchronize()
    lakes = [{p: c for p, c in machine.files().items() if not p.startswith("inbox/")} for machine in machines]
    assert lakes[0] == lakes[1] and len(read_ledger(machines[0].home)) == 2


def _outcome(machine: Machine) -> str:
    try:
        machine.synchronize()
    except HcipError as error:
        return error.rule
    return ""


@pytest.mark.usefixtures("rendered_builds")
def test_what_one_machine_ingests_another_settles_and_both_have_the_release(
    settled_home: SettledHome, s3: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second starts with an empty home; the release has the same bytes as one made by a single machine."""
    first, second = settled_home.copy(tmp_path / "first"), Home(tmp_path / "second")
    settled_home.begin_history(second.root)
    shutil.rmtree(first.lake / "known")
    lines = (settled_home.home.root / "ledger.jsonl").read_bytes().splitlines(keepends=True)
    (first.root / "ledger.jsonl").write_bytes(b"".join(line for line in lines if b'"kind":"release"' not in line))
    for home in (first, second):
        (home.root / "settings.yaml").write_text(f"storage: {s3}/region\n", encoding="utf-8")
    assert _run("status", first) == 0
    assert _run("run", second, str(PERIOD)) == 0
    assert _run("verify", first, str(PERIOD)) == 0
    expected = digest(settled_home.release.folder)
    assert digest(second.releases / str(PERIOD) / "r1") == digest(first.releases / str(PERIOD) / "r1") == expected
    assert (first.root / "ledger.jsonl").read_bytes() == (second.root / "ledger.jsonl").read_bytes()
    assert digest(first.lake) == digest(second.lake)
    capsys.readouterr()
    assert _run("verify", second, f"{s3}/region/releases/{PERIOD}/r1") == 0
    assert "every figure was reproduced" in capsys.readouterr().out


def _run(command: str, home: Home, *arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main([command, *arguments, "--home", str(home.root)])
        raise SystemExit(0)
    return int(ended.value.code or 0)

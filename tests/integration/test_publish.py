"""Publishing a release to object storage: complete or not at all, despite interruptions, and verifiable from there."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import fsspec
import pytest

from hcip_pipeline import cli
from hcip_pipeline.background import BackgroundCall
from hcip_pipeline.errors import HcipError
from hcip_pipeline.files.scratch import scratch_folder
from hcip_pipeline.publishing.object_storage import PublishedRelease, fetch, publish
from hcip_pipeline.release.layouts import MANIFEST
from tests.s3_server import s3_server

BUCKET = "hcip-releases"


def _release(root: Path, number: int = 1, supersedes: str | None = None, rows: str = "1\n") -> Path:
    """A minimal release for publishing: three files, a signature and the manifest that lists them."""
    folder = root / "releases" / "2025H1" / f"r{number}"
    contents = {
        f"{kind}/table.{ending}": f"{kind} {ending} {rows}"
        for kind in ("audit", "norms")
        for ending in ("csv", "parquet")
    }
    contents["reports/page.html"] = "<html>"
    for path, text in contents.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")

    def entry(path: str) -> dict[str, object]:
        content = (folder / path).read_bytes()
        return {"path": path, "hash": f"sha256:{hashlib.sha256(content).hexdigest()}", "bytes": len(content)}

    tables = [entry(f"{kind}/table.csv") | {"parquet": entry(f"{kind}/table.parquet")} for kind in ("audit", "norms")]
    manifest = {"name": f"hcip-2025h1-r{number}", "resources": [*tables, entry("reports/page.html")], "inputs": []}
    (folder / MANIFEST).write_text(json.dumps(manifest | {"supersedes": supersedes}), encoding="utf-8")
    folder.with_name(f"r{number}.sig").write_text("signature", encoding="utf-8")
    return folder


@pytest.fixture
def release(tmp_path: Path) -> Path:
    return _release(tmp_path)


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An address in an empty bucket."""
    with s3_server(tmp_path_factory.mktemp("s3"), BUCKET) as address:
        yield address


def _there(address: str) -> dict[str, bytes]:
    """The files that a reader finds below an address: only releases with a manifest count."""
    system, root = fsspec.url_to_fs(address, use_listings_cache=False)
    root = root.rstrip("/")
    return {path.removeprefix(f"{root}/"): system.cat_file(path) for path in system.find(root)}


def _of(release: Path) -> dict[str, bytes]:
    root = release.parent.parent
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_published_release_can_be_fetched_unchanged(release: Path, s3: str, tmp_path: Path) -> None:
    reported: list[str] = []
    published = publish(release, f"{s3}/one", reported.append)
    assert published == PublishedRelease("2025H1/r1", f"{s3}/one/2025H1/r1", 7, 7)
    assert reported[-1] == f"2025H1/r1/{MANIFEST}"
    assert _there(f"{s3}/one") == _of(release)
    back = fetch(published.address, tmp_path / "back")
    assert _of(back) == _of(release)
    assert publish(release, f"{s3}/one").written == 0


def test_a_release_is_fetched_with_the_releases_that_it_names(s3: str, tmp_path: Path) -> None:
    first, second = _release(tmp_path), _release(tmp_path, 2, supersedes="0" * 64, rows="2\n")
    for folder in (first, second):
        publish(folder, f"{s3}/chain")
    back = fetch(f"{s3}/chain/2025H1/r2", tmp_path / "back")
    assert back.name == "r2" and _of(back) == _of(second)


@pytest.mark.parametrize("step", range(7))
def test_a_publication_interrupted_at_any_step_publishes_nothing_and_is_resumed(
    step: int, release: Path, tmp_path: Path
) -> None:
    address = f"file://{tmp_path}/there"
    with pytest.raises(KeyboardInterrupt):
        publish(release, address, _stop_at(step))
    assert len(_there(address) if step else {}) == step
    assert f"2025H1/r1/{MANIFEST}" not in (_there(address) if step else {})
    with pytest.raises(HcipError, match="no release is published"):
        fetch(f"{address}/2025H1/r1", tmp_path / "back")
    assert publish(release, address).written == 7 - step
    assert _there(address) == _of(release)


def _stop_at(step: int) -> Callable[[str], None]:
    begun: list[str] = []

    def stop(path: str) -> None:
        if len(begun) == step:
            raise KeyboardInterrupt
        begun.append(path)

    return stop


@pytest.mark.parametrize("step", [4, 7])
def test_a_process_that_is_killed_leaves_nothing_published(step: int, release: Path, s3: str) -> None:
    address = f"{s3}/killed-{step}"
    with pytest.raises(HcipError), BackgroundCall(_publish_and_die, release, address, step) as dying:
        dying.result()
    assert 0 < len(_there(address)) < 7 and f"2025H1/r1/{MANIFEST}" not in _there(address)
    publish(release, address)
    assert _there(address) == _of(release)


def _publish_and_die(release: Path, address: str, step: int) -> None:
    begun: list[str] = []

    def die(path: str) -> None:
        begun.append(path)
        if len(begun) == step:
            while not _there(address):  # until a file has arrived
                time.sleep(0.05)
            os.kill(os.getpid(), signal.SIGKILL)

    publish(release, address, die)


@pytest.mark.parametrize("left", ["audit/table.csv", MANIFEST])
def test_a_partly_written_file_is_written_again(left: str, release: Path, tmp_path: Path) -> None:
    """Storage other than object storage may keep the beginning of a file."""
    place = tmp_path / "there" / "2025H1" / "r1" / left
    place.parent.mkdir(parents=True)
    place.write_bytes((release / left).read_bytes()[:5])
    publish(release, f"file://{tmp_path}/there")
    assert _there(f"file://{tmp_path}/there") == _of(release)


def test_a_published_release_is_never_replaced(release: Path, s3: str, tmp_path: Path) -> None:
    publish(release, f"{s3}/taken")
    other = _release(tmp_path / "other", rows="another\n")
    with pytest.raises(HcipError, match="a different file is at this address"):
        publish(other, f"{s3}/taken")
    assert _there(f"{s3}/taken") == _of(release)


def test_two_releases_of_one_name_do_not_mix(release: Path, s3: str, tmp_path: Path) -> None:
    """If another release is published under the same name between files and manifest, the other one is refused."""
    other = _release(tmp_path / "other", rows="1\nand a row that comes after\n")

    def meanwhile(path: str) -> None:
        if path.endswith(MANIFEST):
            with pytest.raises(HcipError, match="a different file is at this address"):
                publish(other, f"{s3}/race")

    publish(release, f"{s3}/race", meanwhile)
    assert _there(f"{s3}/race") == _of(release)


def test_a_file_that_was_exchanged_before_the_manifest_publishes_nothing(release: Path, s3: str) -> None:
    def exchange(path: str) -> None:
        if path.endswith(MANIFEST):
            fsspec.filesystem("s3").pipe_file(f"{BUCKET}/exchanged/2025H1/r1/audit/table.csv", b"other")

    with pytest.raises(HcipError, match="the stored file differs from the one"):
        publish(release, f"{s3}/exchanged", exchange)
    assert f"2025H1/r1/{MANIFEST}" not in _there(f"{s3}/exchanged")


def test_the_server_itself_refuses_a_second_manifest(release: Path, s3: str) -> None:
    """The server's condition keeps two publications apart, not a check beforehand."""
    system = fsspec.filesystem("s3")
    system.pipe_file(f"{BUCKET}/condition", b"first", mode="create")
    with pytest.raises(FileExistsError):
        system.pipe_file(f"{BUCKET}/condition", b"second", mode="create")


def test_a_file_that_differs_from_the_manifest_is_not_published(release: Path, tmp_path: Path) -> None:
    (release / "audit" / "table.csv").write_text("changed", encoding="utf-8")
    with pytest.raises(HcipError, match="does not match the release's manifest"):
        publish(release, f"file://{tmp_path}/there")
    assert not (tmp_path / "there" / "2025H1" / "r1" / MANIFEST).exists()


@pytest.mark.parametrize(
    ("address", "code", "message"),
    [
        ("releases", 2, "is not an address"),
        ("nowhere://bucket", 2, "not a supported kind of storage"),
        ("gs://bucket", 2, "not installed"),
        ("s3://there-is-no-such-bucket/x", 1, "refused the request or cannot be reached"),
    ],
)
def test_an_unusable_address_is_named(
    address: str, code: int, message: str, release: Path, s3: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["publish", str(release), "--to", address])
    reported = capsys.readouterr().err
    assert ended.value.code == code and message in reported and "What to do" in reported


def test_the_command_publishes_a_home_once(tmp_path: Path, s3: str, capsys: pytest.CaptureFixture[str]) -> None:
    _release(tmp_path), _release(tmp_path, 2, supersedes="0" * 64)
    for expected in ("published, 7 files", "already published"):
        cli.main(["publish", "--to", f"{s3}/home", "--home", str(tmp_path)])
        assert capsys.readouterr().out.count(expected) == 2


def test_no_file_is_fetched_to_outside_its_folder(s3: str, tmp_path: Path) -> None:
    manifest = {"name": "x", "resources": [{"path": "../../../outside", "hash": "sha256:0"}], "inputs": []}
    fsspec.filesystem("s3").pipe_file(f"{BUCKET}/evil/2025H1/r1/{MANIFEST}", json.dumps(manifest).encode())
    with scratch_folder("test") as scratch, pytest.raises(HcipError, match="cannot be read"):
        fetch(f"{s3}/evil/2025H1/r1", scratch)

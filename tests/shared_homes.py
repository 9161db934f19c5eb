"""Small hand-made homes that machines share: files, receipts and ledger lines without any intake.

Belongs here: making them, and killing a machine at one write or at each in turn. Does not belong here: the storage that
they share.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from hcip_pipeline.home.folders import Home
from hcip_pipeline.ledger.lines import Entry, append
from hcip_pipeline.shared_home import fetching
from hcip_pipeline.shared_home.address import Storage
from hcip_pipeline.shared_home.synchronizing import Synchronized, synchronize

#: every kind of thing that can be accepted
KINDS = ("hospital", "cms", "reference", "program", "norms", "release")


class KilledError(BaseException):
    """The machine was killed."""


@dataclass(frozen=True)
class Machine:
    """A machine's home, and the storage in which it is shared."""

    home: Home
    address: str

    def synchronize(
        self, reported: list[str] | None = None, *, held: tuple[str, ...] = (), removed: tuple[Path, ...] = ()
    ) -> Synchronized:
        report: Callable[[str], None] = (lambda _: None) if reported is None else reported.append
        return synchronize(self.home, self.address, report, held=held, removed=removed)

    def files(self) -> dict[str, bytes]:
        """The shared files of the home."""
        root = self.home.root
        found = [path for folder in ("lake", "inbox", "releases") for path in (root / folder).rglob("*")]
        return {
            path.relative_to(root).as_posix(): path.read_bytes()
            for path in [*found, root / "ledger.jsonl"]
            if path.is_file()
        }


def accept(machine: Machine, kind: str, key: str = "", text: str = "1", ccn: str = "210001") -> None:
    """Write files, receipt and ledger line as an intake, a build or a release does."""
    home = machine.home
    files: dict[str, str] = {}

    def write(path: str, content: str, *, is_covered: bool = True) -> None:
        file = home.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        file.write_text(content, encoding="utf-8")
        if is_covered:
            files[path] = hashlib.sha256(content.encode()).hexdigest()

    match kind:
        case "hospital":
            key = key or "2025Q1"
            write(f"lake/hospital/discharges/quarter={key}/{ccn}.r1.parquet", f"rows {text}")
            write(f"lake/quarantine/hospital/quarter={key}/{ccn}.r1.parquet", f"refused {text}", is_covered=False)
            write(f"lake/seals/hospital/discharges/quarter={key}/{ccn}.r1.parquet.json", text, is_covered=False)
            write(f"lake/hospital/receipts/quarter={key}/{ccn}.r1.json", f"receipt {text}")
            write(f"inbox/hospital/{key}/{ccn}/discharges.csv", f"sent {text}")
            name = f"hospital/{key}/{ccn}.r1"
        case "cms":
            key = key or "2025-04"
            write(f"lake/cms/part_a/month={key}/archive.zip.parquet", f"claims {text}")
            write(f"lake/cms/receipts/month={key}/archive.zip.0.json", f"receipt {text}")
            name = f"cms/{key}/archive.zip.0"
        case "reference":
            write("lake/reference/hospitals.parquet", f"hospitals {text}")
            write("lake/reference/receipt.json", f"receipt {text}")
            name = "reference"
        case "program":
            key = key or "2025H1"
            write(f"lake/program/period={key}/care_partners.parquet", f"partners {text}")
            write(f"lake/program/period={key}/receipts/care_partners.json", f"receipt {text}")
            name = f"program/{key}"
        case "norms":
            name = key = key or "2024-abc"
            write(f"lake/norms/{key}/frozen_norms.parquet", f"norms {text}")
            write(f"lake/norms/{key}/manifest.json", f"manifest {text}")
        case "release":
            name = key = key or "2025H1/r1"
            source = f"source {text}"
            sha256 = hashlib.sha256(source.encode()).hexdigest()
            write(f"lake/known/{sha256[:2]}/{sha256}.parquet", source, is_covered=False)
            write("lake/known/policies/p1.yaml", "policy", is_covered=False)
            record = {"policy_sha256": "p1", "sources": {"discharges": [sha256]}}
            write(f"lake/known/{key.replace('/', '_')}.json", json.dumps(record))
            write(f"releases/{key}/incentives/table.csv", f"paid {text}", is_covered=False)
            write(f"releases/{key}/datapackage.json", f"manifest {text}")
            write(f"releases/{key}.sig", f"signature {text}", is_covered=False)
        case _:
            raise AssertionError(kind)
    entry = Entry(kind if kind in ("norms", "release") else "acceptance", name, files)  # type: ignore[arg-type]
    append(home, lambda lines: [*([] if lines else [Entry("start", "a new home")]), entry])


@contextmanager
def killed_at(step: int, *, after: bool) -> Iterator[list[str]]:
    """Kill the machine before or after its ``step``-th write into the storage; yields the writes it began."""
    begun: list[str] = []
    real = Storage.create

    def create(self: Storage, path: str, content: bytes) -> bool:
        begun.append(path)
        if len(begun) > step:
            raise KilledError
        if len(begun) == step and not after:
            raise KilledError
        done = real(self, path, content)
        if len(begun) == step:
            raise KilledError
        return done

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Storage, "create", create)
        yield begun


def kill_at_every_write(begin: Callable[[int], tuple[Machine, Machine, Machine]], *, after: bool) -> list[str]:
    """Kill a machine at each of its writes in turn: nothing is left half shared, and it continues where it stopped.

    Args:
        begin: makes the machines of a step, counted from 1: the one that shares its files, one that reads after it was
            killed, and one that reads when it is done.

    Returns:
        The writes of an undisturbed machine.
    """
    for step in range(1, 100):
        one, other, last = begin(step)
        try:
            with killed_at(step, after=after) as begun:
                one.synchronize()
        except KilledError:
            pass
        else:
            break
        is_committed = after and begun[step - 1].startswith("commits/")
        other.synchronize()
        assert other.files() == (one.files() if is_committed else {}), step
        one.synchronize()
        last.synchronize()
        assert last.files() == one.files(), step
    assert len(begun) == step - 1, "every write was a step"
    return begun


@contextmanager
def killed_while_fetching(step: int) -> Iterator[list[str]]:
    """Kill the machine before it reads its ``step``-th object."""
    begun: list[str] = []
    real = fetching.get_object

    def get(storage: Storage, sha256: str) -> bytes:
        begun.append(sha256)
        if len(begun) >= step:
            raise KilledError
        return real(storage, sha256)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fetching, "get_object", get)
        yield begun


Make = Callable[[str], Machine]


@pytest.fixture(name="make")
def make_machines(tmp_path: Path) -> Make:
    """A function that makes machines with empty homes that share one address."""

    def machine(name: str) -> Machine:
        (tmp_path / name).mkdir()
        return Machine(Home(tmp_path / name), f"file://{tmp_path}/there")

    return machine


def accept_all(machine: Machine, text: str = "1") -> None:
    for kind in KINDS:
        accept(machine, kind, text=text)


def remove(machine: Machine, path: str) -> Path:
    file = machine.home.root / path
    file.unlink()
    return file


def without_inbox(machine: Machine) -> dict[str, bytes]:
    """The files without the inbox, which keeps what was put into it, and without sources kept under their hash."""
    return {
        path: content
        for path, content in machine.files().items()
        if not path.startswith("inbox/") and not (path.startswith("lake/known/") and path.endswith(".parquet"))
    }

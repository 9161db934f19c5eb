"""Seals of the lake: the sha256 of every accepted file, and what happens to a file that no longer matches its seal.

Belongs here: sealing, finding damaged files, setting them aside. Does not belong here: reading the lake, ingesting
files.

A broken disk or a stray program can change a figure in a file that still reads without errors; its seal reveals that.
The lake's rows come from the inbox, so a damaged file is set aside with its receipt, and the next run ingests it again.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from hcip_pipeline.errors import HcipError
from hcip_pipeline.files.atomic import write_json
from hcip_pipeline.files.hashes import file_sha256
from hcip_pipeline.home.folders import Home

_DAMAGED = ".damaged"


def seal_path(home: Home, path: Path) -> Path:
    """The path of a lake file's seal."""
    relative = path.relative_to(home.lake)
    return home.lake / "seals" / relative.parent / f"{relative.name}.json"


def seal(home: Home, files: Iterable[Path]) -> int:
    """Seal files of the lake in their current state; returns how many.

    Call it for files that this run wrote, before anything else can have touched them.
    """
    sealed = 0
    for path in files:
        stat = path.stat()
        write_json({"bytes": stat.st_size, "sha256": file_sha256(path)}, seal_path(home, path))
        sealed += 1
    return sealed


def snapshot(folders: Iterable[Path]) -> dict[Path, tuple[int, int, int]]:
    """The tables and receipts in these folders, with the inode, size and time that identify each version of a file."""
    found = {}
    for folder in folders:
        for path in sorted([*folder.glob("*.parquet"), *folder.glob("*.json")]):
            stat = path.stat()
            found[path] = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
    return found


def changed_since(before: dict[Path, tuple[int, int, int]], folders: Iterable[Path]) -> Iterator[Path]:
    """Files of these folders that were written after a snapshot. Reads no clock, because clocks may be set back."""
    yield from (path for path, identity in snapshot(folders).items() if before.get(path) != identity)


def check_seals(home: Home, files: Iterable[Path], recorded: Mapping[str, str] | None = None) -> int:
    """Check that files of the lake are unchanged; returns how many there are.

    A file without a seal counts as damaged, and so does one that was changed together with its seal. A damaged file
    that came from the inbox is set aside with its receipt, so that the next run ingests it again.

    Args:
        recorded: path within the home -> sha256 in the home's ledger.

    Raises:
        HcipError: a file does not match its seal; names it and what to do.
    """
    checked, damaged = 0, []
    for path in files:
        checked += 1
        sealed = _seal_of(home, path)
        held = sealed.get("sha256") if recorded is None else recorded.get(path.relative_to(home.root).as_posix())
        is_whole = held is not None and path.exists() and path.stat().st_size == sealed.get("bytes")
        if not is_whole or not held == sealed.get("sha256") == file_sha256(path):
            damaged.append(path)
    if damaged:
        raise damage(home, damaged)
    return checked


def _seal_of(home: Home, path: Path) -> dict[str, Any]:
    """The content of a file's seal; empty if the seal is missing or unreadable."""
    try:
        sealed = json.loads(seal_path(home, path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return sealed if isinstance(sealed, dict) else {}


def damage(home: Home, damaged: list[Path]) -> HcipError:
    """The error for damaged files of the lake, after setting aside those that can be accepted again."""
    returnable = [path for path in damaged if _receipts_of(home, path)]
    for path in returnable:
        for file in (path, *_receipts_of(home, path)):
            with suppress(FileNotFoundError):
                file.replace(file.with_name(file.name + _DAMAGED))
        seal_path(home, path).unlink(missing_ok=True)
    names = ", ".join(str(path.relative_to(home.lake)) for path in damaged[:5])
    more = f" and {len(damaged) - 5} more" if len(damaged) > 5 else ""
    is_frozen = any(path.is_relative_to(home.lake / "norms") for path in damaged)
    if is_frozen:
        fix = "restore the norm table from a backup: it is frozen, and a run does not compute it again"
    else:
        fix = "run it again (`hcip run`): damaged files were set aside and are ingested again from the inbox"
    return HcipError(
        f"the lake is damaged: {names}{more} is not what was ingested",
        file=damaged[0],
        rule="LAKE-DAMAGED",
        fix=fix,
    )


def _receipts_of(home: Home, path: Path) -> list[Path]:
    """The receipts by which a file of the lake was accepted; none for a file that does not come from the inbox."""
    parts = path.relative_to(home.lake).parts
    if len(parts) != 4 or parts[0] not in ("hospital", "cms"):
        return []
    folder = home.lake / parts[0] / "receipts" / parts[2]
    name = path.name.removesuffix(".parquet")
    if parts[0] == "hospital":
        return sorted(folder.glob(f"{name}.json"))
    # An archive is refused if a newer one of its series is in the lake, so the newer ones are ingested again after it.
    series = name.rpartition(".D")[0]
    return sorted(each for each in folder.glob(f"{series}.D*.json") if each.name >= name)


def unreadable(files: Iterable[Path]) -> list[Path]:
    """The files that are not intact Parquet files; every row group is read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    broken = []
    for path in files:
        try:
            with pq.ParquetFile(path) as file:
                for group in range(file.num_row_groups):
                    file.read_row_group(group)
        except (OSError, pa.ArrowException):
            broken.append(path)
    return broken


def sweep(folders: Iterable[Path]) -> int:
    """Remove the half-written files of killed runs from folders that no other run works on; returns how many."""
    swept = 0
    for folder in folders:
        for path in folder.glob(".*"):
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
            swept += 1
    return swept

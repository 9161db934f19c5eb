"""Seals of the lake: the sha256 of every file accepted, and what becomes of one that is no longer what was written.

Belongs here: sealing, finding damaged files, setting them aside. Does not belong here: reading the lake, and taking
files in.

A broken disk or a stray program can change a figure and leave a file that reads well; the seal shows it. What the lake
holds comes from the inbox, so a damaged file is set aside with its receipt, and the next run ingests it again.
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
    """Where the seal of a lake file is."""
    relative = path.relative_to(home.lake)
    return home.lake / "seals" / relative.parent / f"{relative.name}.json"


def seal(home: Home, files: Iterable[Path]) -> int:
    """Seal files of the lake as they are now; returns how many. A file that has its seal keeps it.

    Call it for what this run wrote, before anything else can have touched it.
    """
    sealed = 0
    for path in files:
        stat = path.stat()
        write_json({"bytes": stat.st_size, "sha256": file_sha256(path)}, seal_path(home, path))
        sealed += 1
    return sealed


def snapshot(folders: Iterable[Path]) -> dict[Path, tuple[int, int, int]]:
    """Which tables and receipts are in these folders, and what distinguishes each from another in its place."""
    found = {}
    for folder in folders:
        for path in sorted([*folder.glob("*.parquet"), *folder.glob("*.json")]):
            stat = path.stat()
            found[path] = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
    return found


def changed_since(before: dict[Path, tuple[int, int, int]], folders: Iterable[Path]) -> Iterator[Path]:
    """Files of these folders that were written after a snapshot. No clock is read, since clocks are set back."""
    yield from (path for path, identity in snapshot(folders).items() if before.get(path) != identity)


def check_seals(home: Home, files: Iterable[Path], recorded: Mapping[str, str] | None = None) -> int:
    """Make sure that files of the lake are what was written; returns how many there are.

    A file without a seal is damaged, and so is one that was changed together with its seal. A damaged file that came
    from the inbox is set aside with its receipt, so that the next run ingests it again.

    Args:
        recorded: path within the home -> sha256 that the home's ledger holds.

    Raises:
        HcipError: a file is not what was sealed; names it and the way out.
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
    """What a file's seal holds; nothing where there is none, or none that can be read."""
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
        fix = "put the norm table back from a backup: it is frozen, and never made again unasked"
    else:
        fix = "run it again (`hcip run`): damaged files were set aside and are ingested again from the inbox"
    return HcipError(
        f"the lake is damaged: {names}{more} is not what was ingested",
        file=damaged[0],
        rule="LAKE-DAMAGED",
        fix=fix,
    )


def _receipts_of(home: Home, path: Path) -> list[Path]:
    """The receipts that state a file of the lake was accepted; none for what does not come from an inbox file."""
    parts = path.relative_to(home.lake).parts
    if len(parts) != 4 or parts[0] not in ("hospital", "cms"):
        return []
    folder = home.lake / parts[0] / "receipts" / parts[2]
    name = path.name.removesuffix(".parquet")
    if parts[0] == "hospital":
        return sorted(folder.glob(f"{name}.json"))
    # An archive is refused when a newer one of its series is in the lake: the newer ones come after it again.
    series = name.rpartition(".D")[0]
    return sorted(each for each in folder.glob(f"{series}.D*.json") if each.name >= name)


def unreadable(files: Iterable[Path]) -> list[Path]:
    """Those of the files that are not whole Parquet files: every row group is read."""
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
    """Remove what a killed run left half-written in folders that no one else works on; returns how many pieces."""
    swept = 0
    for folder in folders:
        for path in folder.glob(".*"):
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
            swept += 1
    return swept

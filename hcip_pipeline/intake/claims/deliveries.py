"""Functions for deliveries of claim files in any shape.

Belongs here: which deliveries are at a path, why one cannot be read, and moving an accepted one's tables into the lake.
Does not belong here: the rules of a shape (``cclf``, ``bcda``), or writing its tables (``lake_tables``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol, TypeVar

from hcip_pipeline.errors import HcipError
from hcip_pipeline.files.received import CLAIMS, open_file
from hcip_pipeline.home.folders import Home
from hcip_pipeline.periods import Month


class _Delivery(Protocol):
    @property
    def paths(self) -> tuple[Path, ...]: ...


D = TypeVar("D", bound=_Delivery)


def deliveries_at(
    path: Path, find: Callable[[Path], tuple[list[D], list[HcipError]]]
) -> tuple[list[D], list[HcipError]]:
    """The deliveries at a path and its faulty files: all of a folder, or those that a single file belongs to.

    Args:
        path: a folder or a file.
        find: finds the deliveries of a folder and its files that belong to none.
    """
    if path.is_dir():
        return find(path)
    found, strays = find(path.parent)
    return [each for each in found if path in each.paths], [stray for stray in strays if stray.file == path.name]


def reading_fault(path: Path) -> HcipError | None:
    """Why a file cannot be opened; None if it can."""
    try:
        with open_file(path, CLAIMS):
            return None
    except HcipError as error:
        return error


def unreadable(error: HcipError | OSError, fix: str) -> HcipError:
    """The error for a delivery whose files have disappeared, are locked or are too large."""
    return error if isinstance(error, HcipError) else HcipError(str(error.strerror), rule="FILE-UNREADABLE", fix=fix)


def move_into_lake(home: Home, month: Month, archive: str, tables: Iterable[str], staging: Path) -> None:
    """Move an accepted delivery's tables from ``staging`` to their places in the lake."""
    for table in tables:
        target = home.lake_cms(table, month) / f"{archive}.parquet"
        target.parent.mkdir(parents=True, exist_ok=True)
        (staging / f"{table}.parquet").replace(target)

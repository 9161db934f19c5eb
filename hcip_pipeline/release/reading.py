"""Reading a release, or one that is being written, table by table.

Belongs here: finding the files of a table and combining them. Does not belong here: writing (``publishing.writer``),
and checking the files against the manifest (``verification``).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.home.records import read_record
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.reference.invented import MARK
from hcip_pipeline.release.layouts import MANIFEST, folder_of


@dataclass(frozen=True)
class ReleaseFiles:
    """The files of one release below ``folder``; ``number`` is the n of ``r<n>``."""

    folder: Path
    period: PerformancePeriod
    number: int

    @classmethod
    def at(cls, folder: Path) -> ReleaseFiles:
        """The release in ``releases/<period>/r<n>``.

        Raises:
            HcipError: the folder is not a release.
        """
        number = folder.name[1:]
        if folder.name[:1] != "r" or not (number.isascii() and number.isdigit()) or not (folder / MANIFEST).is_file():
            raise HcipError("this is not a release", file=folder, fix="name a folder such as releases/2025H1/r1")
        return cls(folder, PerformancePeriod.parse(folder.parent.name), int(number))

    @property
    def name(self) -> str:
        """``2025H1_r1``, as in file names."""
        return f"{self.period}_r{self.number}"

    @functools.cached_property
    def manifest(self) -> dict[str, Any]:
        """``datapackage.json``; it does not exist yet while the release is being written.

        Raises:
            HcipError: RECORD-DAMAGED; the file is missing, cut or not JSON.
        """
        return read_record(self.folder / MANIFEST, fix="restore the release from a backup")

    @functools.cached_property
    def hospitals(self) -> list[str]:
        """CMS certification numbers of the hospitals with files of their own, in order."""
        suffix = f"_incentives_{self.name}.parquet"
        names = [path.name for path in (self.folder / "incentives").glob(f"HCIP_*{suffix}")]
        return sorted(name.removeprefix("HCIP_").removesuffix(suffix) for name in names)

    def paths(self, table: str, owner: str | None = None, folder: str | None = None) -> list[Path]:
        """The table's Parquet files, ordered by owner.

        Args:
            owner: a hospital's CMS certification number, or ``STATE``; None: any owner.
            folder: for a table that is in two folders, such as ``regulator`` for ``savings``.
        """
        where = folder or folder_of(table)
        names = self.folder.glob(f"{where}/HCIP_{owner or '*'}_{table}_{self.name}.parquet")
        # an owner has no underscore: `physician_cells` must not be taken for the cells of `physician`
        rest = f"_{table}_{self.name}.parquet"
        return sorted(path for path in names if "_" not in path.name.removeprefix("HCIP_").removesuffix(rest))

    def has(self, table: str, owner: str | None = None, folder: str | None = None) -> bool:
        """Whether the release has the table."""
        return bool(self.paths(table, owner, folder))

    def table(self, name: str, owner: str | None = None, folder: str | None = None) -> pl.DataFrame:
        """A table in its contract's columns and types, ordered by owner, then by its key.

        Raises:
            HcipError: the release has no such table, or its files are not as they were released.
        """
        paths = self.paths(name, owner, folder)
        if not paths:
            whose = f" of {owner}" if owner else ""
            raise HcipError(
                f"the release has no table {name}{whose}",
                file=self.folder,
                fix="run the period again, or ask for another",
            )
        try:
            return pl.read_parquet(paths, hive_partitioning=False).drop(MARK, strict=False)
        except pl.exceptions.PolarsError as error:
            raise HcipError(
                f"the release's table {name} cannot be read: {str(error).splitlines()[0]}",
                file=paths[0].parent,
                fix="`hcip verify` lists the changed files; restore them from a backup",
            ) from error


def releases_of(home: Home, period: PerformancePeriod) -> list[Path]:
    """Folders of the period's releases, oldest first."""
    folder = home.releases / str(period)
    if not folder.is_dir():
        return []
    return sorted(
        (
            path
            for path in folder.iterdir()
            if path.name[:1] == "r" and path.name.isascii() and path.name[1:].isdigit() and path.is_dir()
        ),
        key=lambda path: int(path.name[1:]),
    )


def released_periods(home: Home) -> list[PerformancePeriod]:
    """Periods that have a release, in order."""
    names = sorted(path.name for path in home.releases.glob("????H[12]") if path.is_dir())
    return [period for name in names if releases_of(home, period := PerformancePeriod.parse(name))]


def released_before(home: Home, period: PerformancePeriod) -> list[PerformancePeriod]:
    """Earlier periods that have a release, in order."""
    return [each for each in released_periods(home) if each < period]


_NAMED = re.compile(r"releases/([0-9]{4}H[12])/(r[0-9]+)/" + re.escape(MANIFEST))


def releases_among(home: Home, inputs: Iterable[Mapping[str, Any]]) -> list[ReleaseFiles]:
    """The releases of earlier periods that a release names among its inputs, oldest period first."""
    named = [match for item in inputs if (match := _NAMED.fullmatch(str(item["file"])))]
    return [ReleaseFiles.at(home.releases / match[1] / match[2]) for match in sorted(named, key=lambda each: each[1])]


def counted_payments(incentives: pl.DataFrame) -> pl.DataFrame:
    """The rows of ``incentives`` that count in later periods: those that are payable.

    A held amount was not paid and counts once a restatement makes it payable. The exception is an amount held only
    until a later period of the same year is settled again: it counts now, so that the later period leaves it its part
    of the year's cap.
    """
    return incentives.filter((pl.col("status") == "PAYABLE") | _waits_for_later())


def _waits_for_later() -> pl.Expr:
    return (pl.col("status") == "HELD") & pl.col("reasons").str.split("|").list.contains("LATER_PERIOD_PAID")


def waits_for_later(folder: Path) -> bool:
    """Whether a release has a payment that waits for a later half-year of the same year to be settled again."""
    return not released_frame(folder, "incentives").filter(_waits_for_later()).is_empty()


def released_frame(folder: Path, table: str) -> pl.DataFrame:
    """A released table, all its files combined.

    Raises:
        HcipError: the release has no such table.
    """
    return ReleaseFiles.at(folder).table(table)

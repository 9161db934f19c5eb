"""Names of BCDA files, and the names that this program gives to exports. Pure."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

_NAME = re.compile(r"(?P<test>T\.)?BCDA\.(?P<scope>ALL|SINCE)\.D(?P<date>[0-9]{6})\.T(?P<time>[0-9]{7})")
_DATA = (".ndjson", ".ndjson.gz")


@dataclass(frozen=True)
class ExportName:
    """An export's name, made from its manifest: BCDA gives an export no name of its own.

    Attributes:
        is_test: from CMS's sandbox.
        is_since: contains only changes since a date.
        file_date, file_time: from the manifest's ``transactionTime``, as CMS writes it.
    """

    is_test: bool
    is_since: bool
    file_date: dt.date
    file_time: str

    @classmethod
    def parse(cls, name: str) -> ExportName | None:
        """Parse a name; None if it is not an export's."""
        match = _NAME.fullmatch(name)
        if match is None:
            return None
        try:
            file_date = dt.datetime.strptime(match["date"], "%y%m%d").date()
        except ValueError:
            return None
        return cls(bool(match["test"]), match["scope"] == "SINCE", file_date, match["time"])

    @property
    def month(self) -> str:
        """The month of delivery, as ``2025-03``."""
        return f"{self.file_date:%Y-%m}"

    @property
    def series(self) -> tuple[str, bool, int]:
        """Every export is a series of its own; if several contain the same claim, the newest counts."""
        return (str(self), False, self.file_date.year)

    def __str__(self) -> str:
        scope = "SINCE" if self.is_since else "ALL"
        return f"{'T.' if self.is_test else ''}BCDA.{scope}.D{self.file_date:%y%m%d}.T{self.file_time}"


def is_data_file(name: str) -> bool:
    """Whether a file contains resources, one per line: ``.ndjson``, or compressed ``.ndjson.gz``."""
    return name.lower().endswith(_DATA)


def is_manifest(name: str) -> bool:
    """Whether a file may be an export's manifest."""
    return name.lower().endswith(".json")


def is_export_file(name: str) -> bool:
    """Whether a file of ``cms/<month>/`` belongs to a BCDA export, by its name."""
    return is_data_file(name) or is_manifest(name)

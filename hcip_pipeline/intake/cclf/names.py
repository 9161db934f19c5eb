"""CMS's names of archives and files (inputs.md, "CMS monthly files"). Pure."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

_NAME = re.compile(
    r"(?P<kind>[PT])\.(?P<organization>[A-Z0-9]+(?:\.[A-Z0-9]+){0,2})"
    r"\.ZC(?P<file>[0-9AB]?)(?P<run>[YR])(?P<year>[0-9][0-9])"
    r"\.D(?P<date>[0-9]{6})\.T(?P<time>[0-9]{7})(?:\.(?:zip|txt))?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class CclfName:
    """The parts of a name. ``file`` is empty for an archive, else 0–9, A or B.

    ``organization`` is the part before ``ZC``: ``A1234.ACO``, ``D1234``, ``K1234.ACO``, ``BCD.A0001`` …
    """

    is_test: bool
    organization: str
    file: str
    is_run_out: bool
    performance_year: int
    file_date: dt.date
    file_time: str

    @classmethod
    def parse(cls, name: str) -> CclfName | None:
        """Parse a name; None if it is not one of CMS's."""
        match = _NAME.fullmatch(name)
        if match is None:
            return None
        try:
            file_date = dt.datetime.strptime(match["date"], "%y%m%d").date()
        except ValueError:
            return None
        return cls(
            is_test=match["kind"].upper() == "T",
            organization=match["organization"].upper(),
            file=match["file"].upper(),
            is_run_out=match["run"].upper() == "R",
            performance_year=2000 + int(match["year"]),
            file_date=file_date,
            file_time=match["time"],
        )

    @property
    def table(self) -> str:
        """``cclf1`` … ``cclfb``; ``cclf0`` is the control file; empty for an archive."""
        return f"cclf{self.file.lower()}" if self.file else ""

    @property
    def month(self) -> str:
        """The month of delivery, as ``2025-03``."""
        return f"{self.file_date:%Y-%m}"

    @property
    def series(self) -> tuple[str, bool, int]:
        """The files that CMS delivers once a month: an organization's for a performance year, or their run-out."""
        return (self.organization, self.is_run_out, self.performance_year)

    def __str__(self) -> str:
        return (
            f"{'T' if self.is_test else 'P'}.{self.organization}.ZC{self.file}{'R' if self.is_run_out else 'Y'}"
            f"{self.performance_year % 100:02d}.D{self.file_date:%y%m%d}.T{self.file_time}"
        )

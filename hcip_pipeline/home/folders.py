"""The paths of a home folder (outputs.md, "Home folder"), and who may read its files.

Belongs here: paths, and the permissions of files written to them. Does not belong here: reading or writing anything.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from hcip_pipeline.errors import HcipError


def restrict_umask() -> None:
    """Deny everyone but this process's user and group access to the files that it writes from now on."""
    os.umask(os.umask(0o077) | 0o027)


def not_writable(folder: Path, error: OSError) -> HcipError:
    """The error for a folder of the home that cannot be written."""
    return HcipError(
        f"the home is not writable: {error.strerror}", file=folder, fix="grant write permission, or free disk space"
    )


@dataclass(frozen=True)
class Home:
    """Everything a run reads and writes, below one folder."""

    root: Path

    @classmethod
    def locate(cls, path: str | Path | None = None) -> Home:
        """The home at ``path``, else ``$HCIP_HOME``, else ``./hcip_home``."""
        return cls(Path(path or os.environ.get("HCIP_HOME") or "hcip_home").expanduser().resolve())

    @property
    def inbox(self) -> Path:
        """Files as they were sent; never changed."""
        return self.root / "inbox"

    @property
    def lake(self) -> Path:
        """Accepted rows as Parquet, with receipts."""
        return self.root / "lake"

    @property
    def quarantine(self) -> Path:
        """Rows that were refused."""
        return self.lake / "quarantine"

    @property
    def warehouse(self) -> Path:
        """One DuckDB file per build; can be deleted at any time."""
        return self.root / "warehouse"

    @property
    def releases(self) -> Path:
        """Immutable releases, one folder per half-year."""
        return self.root / "releases"

    @property
    def studies(self) -> Path:
        """Results of studies."""
        return self.root / "studies"

    @property
    def interim(self) -> Path:
        """Reports of quarters between releases; nothing in them is payable."""
        return self.root / "interim"

    @property
    def dagster(self) -> Path:
        """History of runs."""
        return self.root / "dagster"

    @property
    def policy(self) -> Path:
        """The policy file of the region."""
        return self.inbox / "policy.yaml"

    @property
    def lake_reference(self) -> Path:
        """Reference tables in the lake."""
        return self.lake / "reference"

    def lake_program(self, period: object) -> Path:
        """Program tables of a half-year in the lake."""
        return self.lake / "program" / f"period={period}"

    def lake_hospital(self, table: str, quarter: object) -> Path:
        """A hospital table of one quarter."""
        return self.lake / "hospital" / table / f"quarter={quarter}"

    def lake_cms(self, table: str, month: object) -> Path:
        """A claim table of one month."""
        return self.lake / "cms" / table / f"month={month}"

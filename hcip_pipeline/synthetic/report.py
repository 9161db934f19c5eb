"""The report on a synthetic state: what was written, for people and for ``truth/state.json``.

Belongs here: counts and paths. Does not belong here: what was planted, which is in the files of ``truth/``.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from decimal import Decimal
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class SynthReport:
    """What was written.

    Attributes:
        truth: the folder, next to the inbox, that records what was planted.
        total_charges: of each hospital's first submissions, in dollars.
        submissions: folders of hospital submissions, including resubmissions.
        cms_archives: monthly archives from CMS, including run-outs.
        defects: rows of ``truth/defects.csv``: the findings that the intake must make, whether planted, a consequence
            of that, or one of the few cells missing in any hospital's abstracts.
    """

    inbox: Path
    truth: Path
    seed: int
    hospitals: tuple[str, ...]
    quarters: tuple[str, ...]
    periods: tuple[str, ...]
    submissions: int
    discharges: int
    charge_lines: int
    total_charges: Decimal
    physicians: int
    care_partners: int
    protocols: int
    cms_archives: int
    defects: int

    def as_dict(self) -> dict[str, Any]:
        """The facts for ``--json``: paths and dollars as text."""
        plain = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}
        return plain | {
            "inbox": str(self.inbox),
            "truth": str(self.truth),
            "total_charges": f"{self.total_charges:.2f}",
        }

    @classmethod
    def from_dict(cls, content: dict[str, Any], inbox: Path, truth: Path) -> SynthReport:
        """The report that :meth:`as_dict` wrote, for the state in these folders."""
        values = {f.name: content[f.name] for f in fields(cls) if f.name not in ("inbox", "truth")}
        values = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
        return cls(**values | {"inbox": inbox, "truth": truth, "total_charges": Decimal(values["total_charges"])})

    def summary(self) -> str:
        """The report as a few lines of text."""
        archives = f", {self.cms_archives} archives from CMS" if self.cms_archives else ""
        return "\n".join(
            (
                f"{len(self.hospitals)} hospitals, {self.quarters[0]} to {self.quarters[-1]}: {self.discharges:,}"
                f" discharges with {self.charge_lines:,} charge lines, ${self.total_charges:,.2f} charged",
                f"{self.physicians:,} physicians, {self.care_partners:,} care partners, {self.protocols} protocols,"
                f" {self.submissions} submissions{archives}",
                f"inbox: {self.inbox}",
                f"truth: {self.truth} ({self.defects:,} findings that the intake must make)",
            )
        )

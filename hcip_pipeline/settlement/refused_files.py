"""Files of a half-year's inbox whose newest version was refused, while the run settled the period without it.

Belongs here: finding them in the receipts, for commands to print. Does not belong here: judging a file (``intake``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hcip_pipeline.home.folders import Home
from hcip_pipeline.home.records import read_record
from hcip_pipeline.intake.program.receipts import receipts_of
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.rules.problem import Problem
from hcip_pipeline.tables.file_names import shown_path


@dataclass(frozen=True)
class RefusedFile:
    """A refused program file, survey form or protocol.

    Attributes:
        file: path below the inbox, as a log may show it.
        message: the first error with its place and rule, and how many more the receipt lists.
        fix: how to correct the first error.
        in_force: version that counts instead; 0 if there is none.
    """

    file: str
    message: str
    fix: str
    in_force: int

    def __str__(self) -> str:
        counts = f"version {self.in_force} still counts" if self.in_force else "no version counts"
        return f"inbox/{self.file} was refused, and {counts}: {self.message}"

    def as_dict(self) -> dict[str, Any]:
        """The refusal for JSON."""
        return asdict(self)


def refused_files(home: Home, period: PerformancePeriod) -> list[RefusedFile]:
    """Program files and protocols of ``period`` that are in the inbox and refused, by path.

    Raises:
        HcipError: a receipt cannot be read.
    """
    lake = home.lake_program(period)
    found: list[RefusedFile] = []
    names = {path.name.rsplit(".r", 1)[0] for path in (lake / "receipts").glob("*.r*.json")}
    for name in names:
        newest = receipts_of(name, lake)[-1]
        found += _refused(home, newest, f"program/{period}/{newest['file']}")
    protocols = lake / "receipts" / "protocols.json"
    if protocols.is_file():
        for receipt in read_record(protocols, "protocols")["protocols"]:
            found += _refused(home, receipt, receipt["file"])
    return sorted(found, key=lambda each: each.file)


def _refused(home: Home, receipt: Mapping[str, Any], file: str) -> Iterator[RefusedFile]:
    problems = [Problem.from_dict(problem) for problem in receipt["problems"]]
    errors = [problem for problem in problems if problem.severity == "ERROR"]
    if receipt["status"] != "refused" or not errors or not (home.inbox / file).is_file():
        return
    first = errors[0].message if errors[0].column == Path(file).name else str(errors[0])  # the file as a whole
    more = f" (and {len(errors) - 1} more in its receipt)" if len(errors) > 1 else ""
    message = f"{first} [{errors[0].rule}]{more}"
    yield RefusedFile(shown_path(file), message, errors[0].fix, int(receipt.get("in_force") or 0))

"""The receipt of a program file or survey form: what became of it, and the version that holds.

Belongs here: the receipt, its number, and finding those of before. Does not belong here: judging a file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from hcip_pipeline.plain_lines import wrapped
from hcip_pipeline.records import read_record

Status = Literal["accepted", "refused", "absent"]


@dataclass(frozen=True)
class ProgramReceipt:
    """What became of one program file.

    Attributes:
        status: ``absent`` when the inbox holds no such file.
        version: counted from 1 as files of this name came in; 0 for an absent one.
        times_as_given: first and last day of each date column, as the file itself says; no clock is read.
        in_force: the version that holds; 0 when none does and the table is empty.
        rules_broken: breaches by rule, warnings included.
        problems: the first breaches of each rule and column, in words.
    """

    table: str
    period: str
    file: str
    status: Status
    version: int = 0
    sha256: str = ""
    bytes: int = 0
    rows: int = 0
    blank_rows: int = 0
    ignored_columns: tuple[str, ...] = ()
    times_as_given: dict[str, list[str]] = field(default_factory=dict)
    rules_broken: dict[str, int] = field(default_factory=dict)
    problems: tuple[dict[str, object], ...] = ()
    in_force: int = 0
    rows_in_force: int = 0

    def summary(self) -> str:
        """One line for a person."""
        held = f"version {self.in_force} in force, {self.rows_in_force} rows" if self.in_force else "the table is empty"
        if self.status == "absent":
            return f"{self.table}: no file; {held}"
        broken = ", ".join(f"{rule} {count}" for rule, count in sorted(self.rules_broken.items()))
        return f"{self.table}: {self.status}, {held}" + (f" ({broken})" if broken else "")

    def details(self, indent: int = 0) -> str:
        """The verdict on the file, then each problem with its place and its way out, within 80 columns."""
        verdict = wrapped(f"{self.file}: {self.status}, {self.rows:,} row{'s' * (self.rows != 1)}", indent)
        return "\n".join([verdict, *(told_problem(problem, indent) for problem in self.problems)])


def told_problem(problem: Mapping[str, object], indent: int = 0) -> str:
    """A problem of a receipt with its place and its way out, within 80 columns."""
    place = [f"row {problem['row']}"] if problem.get("row") is not None else []
    place += [f"column {problem['column']}"] if problem["column"] else []
    where = f"{', '.join(place)}: " if place else ""
    said = wrapped(f"{problem['severity']} {problem['rule']} {where}{problem['message']}", indent + 2, indent + 4)
    return said + "\n" + wrapped(f"What to do: {problem['fix']}", indent + 4, indent + 6)


def numbered(receipt: ProgramReceipt, earlier: list[dict[str, Any]]) -> ProgramReceipt:
    """The same number for the same verdict on the same bytes as the last; else the next."""
    if not earlier:
        return replace(receipt, version=1)
    last = earlier[-1]
    same = all(last.get(name) == value for name, value in _verdict(receipt).items())
    return replace(receipt, version=last["version"] + (0 if same else 1))


def _verdict(receipt: ProgramReceipt) -> dict[str, Any]:
    plain = json.loads(json.dumps(asdict(receipt)))
    return {name: plain[name] for name in plain if name not in ("version", "in_force", "rows_in_force")}


def receipt_in_force(name: str, lake: Path) -> dict[str, Any] | None:
    """The receipt of the version of a table that holds; None when the table is empty for want of a file."""
    return next((old for old in reversed(receipts_of(name, lake)) if old["status"] == "accepted"), None)


def receipts_of(name: str, lake: Path) -> list[dict[str, Any]]:
    """Receipts of a table so far, oldest first."""
    files = (lake / "receipts").glob(f"{name}.r*.json") if (lake / "receipts").is_dir() else iter(())
    found = [read_record(file, "version", "status") for file in files]
    return sorted(found, key=lambda receipt: int(receipt["version"]))

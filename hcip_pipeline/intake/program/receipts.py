"""The receipt of a program file or survey form: its outcome, and the version in force.

Belongs here: the receipt, its number, and finding earlier receipts. Does not belong here: judging a file.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from hcip_pipeline.home.records import read_record
from hcip_pipeline.plain_lines import wrapped
from hcip_pipeline.rules.catalog import current_id
from hcip_pipeline.rules.problem import Problem
from hcip_pipeline.rules.rendering import problem_text

Status = Literal["accepted", "refused", "absent"]


@dataclass(frozen=True)
class ProgramReceipt:
    """The outcome for one program file.

    Attributes:
        status: ``absent`` if the inbox has no such file.
        version: numbered from 1 in the order in which files of this name arrived; 0 if absent.
        times_as_given: first and last day of each date column of the file; no clock is read.
        in_force: the version in force; 0 if there is none and the table is empty.
        rules_broken: breaches by rule, warnings included.
        problems: the first breaches of each rule and column.
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
    problems: tuple[Problem, ...] = ()
    in_force: int = 0
    rows_in_force: int = 0

    def as_dict(self) -> dict[str, Any]:
        """The receipt for JSON."""
        return asdict(self) | {"problems": [problem.as_dict() for problem in self.problems]}

    def summary(self) -> str:
        """One line for a person."""
        held = f"version {self.in_force} in force, {self.rows_in_force} rows" if self.in_force else "the table is empty"
        if self.status == "absent":
            return f"{self.table}: no file; {held}"
        broken = ", ".join(f"{rule} {count}" for rule, count in sorted(self.rules_broken.items()))
        return f"{self.table}: {self.status}, {held}" + (f" ({broken})" if broken else "")

    def details(self, indent: int = 0) -> str:
        """The verdict on the file, then each problem with its place and what to do, within 80 columns."""
        verdict = wrapped(f"{self.file}: {self.status}, {self.rows:,} row{'s' * (self.rows != 1)}", indent)
        return "\n".join([verdict, *(problem_text(problem, indent) for problem in self.problems)])


def numbered(receipt: ProgramReceipt, earlier: list[dict[str, Any]]) -> ProgramReceipt:
    """The receipt with the last number if it has the last verdict on the same bytes, else with the next number."""
    if not earlier:
        return replace(receipt, version=1)
    last = earlier[-1]
    same = all(last.get(name) == value for name, value in _verdict(receipt).items())
    return replace(receipt, version=last["version"] + (0 if same else 1))


def _verdict(receipt: ProgramReceipt) -> dict[str, Any]:
    plain = json.loads(json.dumps(receipt.as_dict()))
    return {name: plain[name] for name in plain if name not in ("version", "in_force", "rows_in_force")}


def receipt_in_force(name: str, lake: Path) -> dict[str, Any] | None:
    """The receipt of a table's version in force; None if no file was accepted and the table is empty."""
    return next((old for old in reversed(receipts_of(name, lake)) if old["status"] == "accepted"), None)


def receipts_of(name: str, lake: Path) -> list[dict[str, Any]]:
    """All receipts of a table, oldest first."""
    files = (lake / "receipts").glob(f"{name}.r*.json") if (lake / "receipts").is_dir() else iter(())
    found = [_with_current_ids(read_record(file, "version", "status")) for file in files]
    return sorted(found, key=lambda receipt: int(receipt["version"]))


def _with_current_ids(receipt: dict[str, Any]) -> dict[str, Any]:
    """A receipt with the current ids of its rules, so that the same file judged again gets the same verdict."""
    problems = [Problem.from_dict(problem).as_dict() for problem in receipt.get("problems", ())]
    broken = {current_id(rule): count for rule, count in receipt.get("rules_broken", {}).items()}
    return receipt | {"problems": problems, "rules_broken": dict(sorted(broken.items()))}

"""A problem: one breach of a rule, with its place in the file.

Belongs here: the attributes of every problem, and its JSON form. Does not belong here: how it is shown to people
(``rendering``), and finding problems.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hcip_pipeline.errors import HcipError
from hcip_pipeline.rules.catalog import RULES, current_id
from hcip_pipeline.rules.rule import Severity


@dataclass(frozen=True)
class Problem:
    """One breach of a rule. Its text contains no cell that could identify a patient.

    Attributes:
        rule: the rule's id; empty for an error that no rule of the catalog describes.
        message: what is wrong here.
        row: the line of the file (the header is line 1), if the problem has one.
        column: the column, cell, condition or key concerned.
        file: the file's name; empty if the reader already knows it, or for a submission as a whole.
        rows: how many rows break the rule, if they are counted together.
        value: the cell, redacted.
        fix: what to do about it; by default the rule's own text.
    """

    rule: str
    message: str
    row: int | None = None
    column: str = ""
    file: str = field(default="", kw_only=True)
    rows: int | None = field(default=None, kw_only=True)
    value: str = field(default="", kw_only=True)
    fix: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        if not self.fix and self.rule in RULES:
            object.__setattr__(self, "fix", RULES[self.rule].fix)

    @property
    def severity(self) -> Severity:
        """Severity of the rule; an error outside the catalog refuses the file."""
        return RULES[self.rule].severity if self.rule in RULES else "ERROR"

    @property
    def refuses(self) -> bool:
        """Whether the whole file, archive or submission is refused."""
        return RULES[self.rule].refuses if self.rule in RULES else True

    @property
    def place(self) -> str:
        """``row 3, column npi``; empty for a file as a whole."""
        where = [f"row {self.row}"] if self.row is not None else []
        return ", ".join([*where, f"column {self.column}"] if self.column else where)

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.place else self.message

    def as_dict(self) -> dict[str, object]:
        """The problem for JSON: always rule, severity, row, column, message and fix; other fields only if not empty."""
        content: dict[str, object] = {
            "rule": self.rule,
            "severity": self.severity,
            "row": self.row,
            "column": self.column,
            "message": self.message,
            "fix": self.fix,
        }
        more = {"file": self.file, "rows": self.rows, "value": self.value}
        return content | {name: value for name, value in more.items() if value not in ("", None)}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Problem:
        """Read a problem from JSON, including JSON of earlier versions: former ids become current ones."""
        return cls(
            current_id(content.get("rule") or content.get("id") or ""),
            content["message"],
            content.get("row"),
            content.get("column") or content.get("subject") or "",
            file=content.get("file") or "",
            rows=content.get("rows"),
            value=content.get("value") or "",
            fix=content.get("fix") or "",
        )

    @classmethod
    def from_error(cls, error: HcipError) -> Problem:
        """The problem that kept a file from being read."""
        return cls(error.rule, error.message, error.row, file=error.file, fix=error.fix)


def tally(problems: Iterable[Problem]) -> Counter[str]:
    """Breaches by rule."""
    return Counter(problem.rule for problem in problems)

"""The error that refuses a table, with every problem found in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from hcip_pipeline.errors import HcipError
from hcip_pipeline.rules.catalog import RULES
from hcip_pipeline.rules.problem import Problem

#: How many problems of one rule and column are listed; all are counted.
LISTED_PER_RULE = 5
#: How many problems one message shows.
LISTED_IN_MESSAGE = 20


class TableRefusedError(HcipError):
    """A table that cannot be accepted, with every problem found.

    Args:
        path: the file.
        problems: the problems, at most :data:`LISTED_PER_RULE` for each rule and column.
        counts: the total number of breaches of each rule.
    """

    def __init__(self, path: Path, problems: Sequence[Problem], counts: Counter[str]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.row or 0, problem.column)))
        self.counts = counts
        errors = [problem for problem in self.problems if problem.severity == "ERROR"]
        first = errors[0]
        total = sum(count for rule, count in counts.items() if RULES[rule].severity == "ERROR")
        if total == 1:
            message = f"column {first.column}: {first.message}" if first.column else first.message
        else:
            lines = [f"{problem} [{problem.rule}]" for problem in errors[:LISTED_IN_MESSAGE]]
            more = [f"and {total - len(lines)} more"] if total > len(lines) else []
            message = f"{total} errors: " + "; ".join(lines + more)
        super().__init__(
            message,
            fix="; ".join(dict.fromkeys(problem.fix for problem in errors)),
            file=path,
            row=first.row,
            rule=first.rule if total == 1 else "",
        )

    def __reduce__(self) -> tuple[object, ...]:
        """For another process, which receives the problems rather than the message."""
        return type(self), (Path(self.file), self.problems, self.counts)

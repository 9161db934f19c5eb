"""A rule for received files: its id, its severity, what is wrong, and how to fix it.

Belongs here: the attributes of every rule. Does not belong here: the rules themselves (one module per kind of file),
and how a rule is evaluated (next to the reader of the file).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: ERROR and WARN apply to a row or a file, SUBMISSION to a hospital's submission as a whole.
Severity = Literal["ERROR", "WARN", "SUBMISSION"]


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes:
        id: uppercase words joined by hyphens.
        severity: ERROR excludes the row or file; WARN is counted but accepted; SUBMISSION concerns the submission.
        columns: the columns it checks; empty for a file or a submission.
        description: what is wrong.
        fix: what to do about it.
        refuses: whether a breach refuses the whole file, archive or submission.
        follows: whether the row itself is valid and is excluded only because of another row; such rows do not count
            toward the 1% limit.
    """

    id: str
    severity: Severity
    columns: tuple[str, ...]
    description: str
    fix: str
    refuses: bool = False
    follows: bool = False


def refusal(id_: str, description: str, fix: str) -> Rule:
    """A rule that refuses the whole file."""
    return Rule(id_, "ERROR", (), description, fix, refuses=True)


def warning(id_: str, description: str, fix: str) -> Rule:
    """A rule whose breach is reported but accepted."""
    return Rule(id_, "WARN", (), description, fix)


def by_id(*rules: Rule) -> dict[str, Rule]:
    """Rules by id.

    Raises:
        ValueError: two different rules have the same id.
    """
    found: dict[str, Rule] = {}
    for rule in rules:
        if found.setdefault(rule.id, rule) != rule:
            raise ValueError(f"two rules have the id {rule.id}")
    return found

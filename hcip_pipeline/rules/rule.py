"""A rule on a file that is received: its id, its severity, what is wrong, and the way out.

Belongs here: what every rule has. Does not belong here: the rules themselves, a module for each kind of file, and how
a rule is evaluated, which is next to the reader of the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: ERROR and WARN are about a row or a file; SUBMISSION is about a hospital's submission as a whole.
Severity = Literal["ERROR", "WARN", "SUBMISSION"]


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes:
        id: words in capitals, joined by hyphens.
        severity: an ERROR keeps out the row or the file; a WARN is counted and accepted; SUBMISSION is about the whole.
        columns: the columns it looks at; empty for a file or a submission.
        description: what is wrong, in words.
        fix: what to do about it, in words.
        refuses: whether a breach refuses the whole file, archive or submission.
        follows: the row itself is in order and shares the fate of another: not counted toward the 1%.
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
    """A rule whose breach is reported, and accepted."""
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

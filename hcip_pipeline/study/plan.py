"""A study before it is built: its name, its build, and what must be stated about it.

Belongs here: values only. Does not belong here: where data and policy come from (``sparcs_study``, ``window_study``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from hcip_pipeline.errors import UsageError
from hcip_pipeline.periods import Window
from hcip_pipeline.policy.model import Policy
from hcip_pipeline.rules.problem import Problem
from hcip_pipeline.warehouse.spec import BuildSpec

#: Said of every study (outputs.md, "Commands").
STATEMENTS = (
    "the window is its own base year",
    "every responsible physician counts as a care partner",
    "nothing is payable",
)


@dataclass(frozen=True)
class StudyInput:
    """A file the study came from; ``rows_read`` = ``accepted`` + ``excluded``."""

    file: str
    sha256: str
    rows_read: int
    accepted: int
    excluded: int


@dataclass(frozen=True)
class StudyPlan:
    """A study before it is built.

    Attributes:
        title: what it is, for a heading.
        statements: what a reader must know to read the figures right.
        problems: rules that rows of the input break, and how many rows do.
        identifier: what identifies physicians: ``NPI`` or ``licence number``; empty where nothing does.
    """

    title: str
    spec: BuildSpec
    statements: tuple[str, ...]
    inputs: tuple[StudyInput, ...]
    problems: tuple[Problem, ...] = ()
    identifier: str = "NPI"

    @property
    def name(self) -> str:
        """Name of the study."""
        return self.spec.name

    @property
    def window(self) -> Window:
        """The window that is studied."""
        return next(window for window in self.spec.windows if window.name == "performance")

    @property
    def policy(self) -> Policy:
        """The policy of the study."""
        return self.spec.policy


def check_name(name: str) -> str:
    """The name itself.

    Raises:
        UsageError: it would not do as a folder's name.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", name):
        raise UsageError(
            f"'{name}' cannot name a study", fix="use letters, digits, dots, dashes and underscores, at most 64"
        )
    return name

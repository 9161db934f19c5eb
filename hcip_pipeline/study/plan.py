"""A study before it is built: its name, its build specification, and statements about it.

Belongs here: values only. Does not belong here: choosing data and policy (``sparcs_study``, ``window_study``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from hcip_pipeline.errors import UsageError
from hcip_pipeline.periods import Window
from hcip_pipeline.policy.model import Policy
from hcip_pipeline.rules.problem import Problem
from hcip_pipeline.warehouse.spec import BuildSpec

#: Statements about every study (outputs.md, "Commands").
STATEMENTS = (
    "the window is its own base year",
    "every responsible physician counts as a care partner",
    "nothing is payable",
)


@dataclass(frozen=True)
class StudyInput:
    """An input file of the study; ``rows_read`` = ``accepted`` + ``excluded``."""

    file: str
    sha256: str
    rows_read: int
    accepted: int
    excluded: int


@dataclass(frozen=True)
class StudyPlan:
    """A study before it is built.

    Attributes:
        title: heading of the study.
        statements: remarks that a reader needs to interpret the figures.
        problems: rules broken by rows of the input, with the number of rows.
        identifier: the identifier of physicians, such as ``NPI`` or ``license number``; empty if there is none.
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
        """The studied window."""
        return next(window for window in self.spec.windows if window.name == "performance")

    @property
    def policy(self) -> Policy:
        """The policy of the study."""
        return self.spec.policy


def check_name(name: str) -> str:
    """Check the name of a study and return it.

    Raises:
        UsageError: it is not valid as a folder name.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", name):
        raise UsageError(
            f"'{name}' is not a valid study name",
            fix="use at most 64 letters, digits, dots, dashes and underscores; begin with a letter or digit",
        )
    return name

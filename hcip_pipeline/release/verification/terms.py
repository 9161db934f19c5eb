"""The policy in a release's manifest, read from its text (methodology §13).

Belongs here: the parameters that verification needs, their defaults, and reading them as exact numbers. Does not belong
here: bounds, which the pipeline enforces.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal
from fractions import Fraction
from typing import Any

import yaml

from .exact import RATIO, quotient


class UnreadablePolicyError(Exception):
    """The text is not a policy."""


@dataclass(frozen=True)
class Terms:
    """Parameters with their names and defaults in methodology §13."""

    version: str
    base_year: int
    baseline_window: str = "same_half"
    cost_method: str = "markup"
    exclusions: tuple[str, ...] = (
        "NON_ACUTE_HOSPITAL", "NEWBORN", "PSYCHIATRIC", "NORMAL_DELIVERY", "REHABILITATION", "UNGROUPABLE", "DIED",
        "LEFT_AGAINST_ADVICE", "TRANSFERRED_OUT", "STILL_PATIENT", "NON_POSITIVE_COST", "NO_RESPONSIBLE_PHYSICIAN",
        "COST_OUTLIER",
    )  # fmt: skip
    norm_method: str = "physician_percentile"
    best_practice_percentile: Decimal = Decimal("0.25")
    ceiling_percentile: Decimal = Decimal("0.75")
    improvement_percentile: Decimal = Decimal("0.75")
    min_cases_per_physician: int = 2
    min_physicians_per_cell: int = 5
    min_cases_per_cell: int = 20
    incentive_rate: Decimal = Decimal("0.10")
    mpi_floor: Decimal | None = Decimal(100)
    mpi_ceiling: Decimal | None = Decimal(3000)
    improvement_share: Decimal = Decimal("0.66666667")
    performance_exponent: Decimal = Decimal(1)
    performance_gate: str = "cell_mean"
    min_baseline_cases: int = 5
    medical_improvement_cap: str = "mpi"
    variable_cost_factor: Decimal = Decimal("0.5")
    limit_scope: str = "participating"
    physician_cap_percent: Decimal = Decimal(25)
    condition_failure: str = "lose_weight"
    small_cell_threshold: int = 10
    min_reliability: Decimal | None = None
    certainty_replicates: int = 200


_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


def read_terms(text: str) -> Terms:
    """The policy in ``text``.

    Raises:
        UnreadablePolicyError: it is not YAML, not a mapping, or a value does not have its parameter's type.
    """
    try:
        written = yaml.load(text, Loader=yaml.BaseLoader)  # every scalar stays text, so numbers stay exact
        return Terms(
            **{field.name: _value(field.type, written[field.name]) for field in fields(Terms) if field.name in written}
        )
    except (yaml.YAMLError, TypeError, ValueError, ArithmeticError) as error:
        raise UnreadablePolicyError from error


def _value(kind: Any, written: Any) -> Any:
    if kind.startswith("tuple"):
        return tuple(str(each) for each in written)
    if kind.endswith("None") and written in _NULLS:
        return None
    if kind == "int":
        return int(written)
    return written if kind == "str" else _number(written)


def _number(written: str) -> Decimal:
    """``2/3``, ``0.25`` or ``25`` as a number; a ratio has 8 places."""
    text = written.replace("_", "").replace(" ", "")
    if "/" not in text:
        return Decimal(text)
    ratio = Fraction(text)
    return quotient(ratio.numerator, ratio.denominator, RATIO) or Decimal(0)

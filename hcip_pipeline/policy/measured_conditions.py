"""Conditions of payment that name a computed measure: evaluated from the data instead of a report (methodology §12).

Belongs here: which measures a condition may name, and reading its threshold. Does not belong here: the measures'
values (``dbt_project/models/intermediate/quality``) and the outcome (``int_condition_outcomes``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

#: Measure -> its label. Computed from hospitals' own discharges. The Medicare measures depend on claims, and late files
#: from CMS must not move a payment; so the result of a condition on one of them is reported.
MEASURES_OF_CONDITIONS = {
    "readmission_rate": "Unplanned readmissions within 30 days",
    "readmission_rate_adjusted": "Unplanned readmissions within 30 days, adjusted for case mix",
    "planned_readmission_rate": "Planned returns within 30 days",
    "hac_per_1000": "Hospital-acquired conditions per 1,000 discharges",
}

#: Words of a threshold -> how the measure must compare with it.
OPERATORS = {
    "below": "below", "under": "below", "less than": "below", "<": "below",
    "at most": "at most", "no more than": "at most", "<=": "at most", "≤": "at most",
    "at least": "at least", "no less than": "at least", ">=": "at least", "≥": "at least",
    "above": "above", "over": "above", "more than": "above", ">": "above",
}  # fmt: skip

_THRESHOLD = re.compile(
    r"\s*(?P<words>[a-z ]+?|[<>]=?|[≤≥])\s*(?P<number>[0-9]{1,6}(\.[0-9]{1,6})?)\s*(?P<percent>%)?\s*"
)


@dataclass(frozen=True)
class Threshold:
    """``below``, ``at most``, ``at least`` or ``above`` a value; a share is a fraction of 1."""

    operator: str
    value: Decimal


def parse_threshold(measure: str, text: str | None) -> Threshold:
    """Read the threshold of a measure, such as ``at most 12.5%`` or ``below 25``.

    Raises:
        ValueError: it cannot be read, or a share is not between 0 and 1 (0% and 100%).
    """
    example = "at most 25" if measure == "hac_per_1000" else "at most 12.5%"
    found = _THRESHOLD.fullmatch((text or "").lower())
    operator = OPERATORS.get(" ".join(found["words"].split())) if found else None
    if found is None or operator is None:
        raise ValueError(f"{measure} is computed, and its threshold cannot be read: write it as '{example}'")
    value = Decimal(found["number"]) / (100 if found["percent"] else 1)
    if measure == "hac_per_1000" and found["percent"]:
        raise ValueError(f"{measure} is counted per 1,000 discharges: write its threshold as '{example}'")
    if measure != "hac_per_1000" and value > 1:
        raise ValueError(f"{measure} is a fraction of 1: write its threshold as '{example}'")
    return Threshold(operator, value)

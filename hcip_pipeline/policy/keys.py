"""The meaning of each key of a policy: the text for policy files, documentation and messages (methodology §13).

Belongs here: a key's meaning, default and bounds, taken from the model if it has them. Does not belong here: the
validation itself (``model``), and the layout of pages and files (``guides``).
"""

from __future__ import annotations

import typing
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pydantic.fields import FieldInfo

from hcip_pipeline.policy.model import EXCLUSION_REASONS, Elections, Policy


@dataclass(frozen=True)
class PolicyKey:
    """One key of the policy.

    Attributes:
        section: section of the methodology.
        type: the kind of value, as text.
        default: as written in a policy file; empty if the key is required.
        bounds: the permitted values, as text.
        is_election: a hospital's protocol may choose another value.
    """

    name: str
    section: str
    meaning: str
    type: str
    default: str
    bounds: str
    is_election: bool


#: key -> (section, meaning)
_MEANINGS = {
    "version": ("§13", "Name of this version of the policy. It appears in every release."),
    "base_year": ("§1", "Calendar year whose statewide data set the norms: the year before the program's first."),
    "baseline_window": (
        "§1",
        "What 'prior year' means for improvement: the same half of the previous calendar year, or all of it.",
    ),
    "cost_method": (
        "§2",
        "How cost is determined: from charges by the regulator's markup or by the cost-to-charge ratio (rcc), or as "
        "the source reports it.",
    ),
    "exclusions": ("§3", "Reasons for which a case does not count. A reason that is not in the list excludes nothing."),
    "surgical_fallback": (
        "§4",
        "Who is responsible for a surgical case without an operating physician: no one, or the attending physician.",
    ),
    "outlier_sd": ("§5", "Standard deviations from the mean of its cell beyond which a case is a cost outlier."),
    "outlier_tails": (
        "§5",
        "Whether outliers are excluded at both ends of the cost distribution or only at its high end.",
    ),
    "norm_method": ("§6", "The reading of 'best practice' that sets the norms. All three are reported side by side."),
    "best_practice_percentile": ("§6", "Percentile of physicians' mean costs that sets the best-practice norm."),
    "ceiling_percentile": ("§6", "Percentile above which a physician earns no performance incentive."),
    "improvement_percentile": ("§6", "Percentile X of the improvement incentive's cost ceiling."),
    "min_cases_per_physician": ("§6", "Cases that a physician needs in a cell for the mean to count in the norm."),
    "min_physicians_per_cell": ("§6", "Physicians that a cell needs to have a norm."),
    "min_cases_per_cell": ("§6", "Cases that a cell needs to have a norm."),
    "incentive_rate": ("§6", "Share of the best-practice variance that is available as incentive."),
    "mpi_floor": ("§6", "Lowest maximum physician incentive per case, in dollars. null means no minimum."),
    "mpi_ceiling": ("§6", "Highest maximum physician incentive per case, in dollars. null means no maximum."),
    "improvement_share": (
        "§6",
        "Share of the maximum incentive that rewards improvement; the rest rewards performance. A hospital may change "
        "it from its third period on.",
    ),
    "performance_exponent": ("§7", "Exponent of the performance curve. 1 is a straight line."),
    "performance_gate": (
        "§7",
        "cell_mean: a physician whose own mean cost in the cell is above the ceiling earns no performance incentive "
        "there. none: only the case's own cost matters.",
    ),
    "min_baseline_cases": ("§8", "Baseline cases that an improvement incentive needs."),
    "medical_improvement_cap": (
        "§8",
        "Whether the medical improvement incentive is capped at the improvement part of the maximum physician "
        "incentive.",
    ),
    "variable_cost_factor": ("§10", "Share of core cost that varies with volume and counts as savings."),
    "limit_scope": ("§10", "Internal savings that fund the distribution limit: those of participating physicians, or "
                           "of all."),
    "physician_cap_percent": (
        "§9",
        "Cap on a physician's incentive, in percent of Medicare's approved amounts under the fee schedule. A hospital "
        "may only lower it.",
    ),
    "pfs_cap_basis": ("§9", "Calendar year of the approved amounts that the cap is based on: the period's, or the "
                            "previous one."),
    "condition_failure": (
        "§9",
        "What an unmet condition of payment costs: its weight, or the whole incentive.",
    ),
    "require_complete": (
        "§13",
        "What must be available before a period is built. hospitals: each quarter of the period and its baseline from "
        "every acute hospital with data in the base year. all: CMS months, too. none: nothing.",
    ),
    "small_cell_threshold": ("§13", "Counts from 1 to this number are hidden in files that leave the hospital."),
    "retention_years": ("§13", "Years that data and releases are kept."),
    "min_reliability": (
        "§14",
        "Reliability below which a physician's figure is marked 'not reliable enough to compare'; no payment "
        "depends on it. null marks none.",
    ),
    "certainty_replicates": ("§14", "How often cases are redrawn for chance ranges and intervals."),
}  # fmt: skip

#: attribute of a constraint of the model -> its text and unit
_LIMITS = (
    ("ge", "at least", ""),
    ("gt", "more than", ""),
    ("le", "at most", ""),
    ("min_length", "at least", " character"),
    ("max_length", "at most", " characters"),
)
_WORDS = {int: "whole number", str: "text", Decimal: "number"}


def policy_keys() -> tuple[PolicyKey, ...]:
    """Every key in the order of the model."""
    return tuple(_key(name, field) for name, field in Policy.model_fields.items())


def _key(name: str, field: FieldInfo) -> PolicyKey:
    section, meaning = _MEANINGS[name]
    kinds = _alternatives(field.annotation)
    words = "list of reasons" if name == "exclusions" else _words(kinds)
    return PolicyKey(
        name, section, meaning, words, _default(field), _bounds(name, field, kinds), name in Elections.model_fields
    )


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    """The members of a union, else the type itself; aliases with constraints are resolved."""
    arguments = typing.get_args(annotation)
    is_union = typing.get_origin(annotation) not in (typing.Literal, typing.Annotated, tuple)
    return arguments if arguments and is_union else (annotation,)


def _words(kinds: tuple[Any, ...]) -> str:
    found = []
    for kind in kinds:
        if typing.get_origin(kind) is typing.Literal:
            found.append("one of a list")
        elif kind is type(None):
            found.append("null")
        else:
            found.append(_WORDS[_plain(kind)])
    return " or ".join(found)


def _plain(kind: Any) -> Any:
    while typing.get_origin(kind) is typing.Annotated:
        kind = typing.get_args(kind)[0]
    return kind


def _constraints(field: FieldInfo, kinds: tuple[Any, ...]) -> list[Any]:
    found = list(field.metadata)
    for kind in kinds:
        for item in getattr(kind, "__metadata__", ()):
            found += item.metadata if isinstance(item, FieldInfo) else [item]
    return found


def _bounds(name: str, field: FieldInfo, kinds: tuple[Any, ...]) -> str:
    if name == "exclusions":
        return ", ".join(EXCLUSION_REASONS)
    for kind in kinds:
        if typing.get_origin(kind) is typing.Literal:
            return ", ".join(typing.get_args(kind))
    limits = _constraints(field, kinds)
    parts = [
        f"{words} {_number(getattr(limit, name))}{unit}"
        for limit in limits
        for name, words, unit in _LIMITS
        if getattr(limit, name, None) is not None
    ]
    return ", ".join(parts)


def _number(value: Any) -> str:
    return f"{value:,}" if value >= 10_000 else str(value)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return ""
    value = field.default
    if value is None:
        return "null"
    if isinstance(value, tuple):
        return "[" + ", ".join(value) + "]"
    return "2/3" if value == Decimal("0.66666667") else f"{value:f}" if isinstance(value, Decimal) else str(value)

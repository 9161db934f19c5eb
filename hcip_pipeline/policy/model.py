"""The policy and its bounds (methodology §13). Unknown keys and values out of bounds are refused."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

#: methodology §3, in its order: the first that applies is a case's ``exclusion_reason``
EXCLUSION_REASONS = (
    "NON_ACUTE_HOSPITAL",
    "NEWBORN",
    "PSYCHIATRIC",
    "SUBSTANCE_USE",
    "NORMAL_DELIVERY",
    "REHABILITATION",
    "UNGROUPABLE",
    "DIED",
    "LEFT_AGAINST_ADVICE",
    "TRANSFERRED_OUT",
    "HOSPICE",
    "STILL_PATIENT",
    "NON_POSITIVE_COST",
    "NO_RESPONSIBLE_PHYSICIAN",
    "COST_OUTLIER",
)
DEFAULT_EXCLUSIONS = tuple(reason for reason in EXCLUSION_REASONS if reason not in ("SUBSTANCE_USE", "HOSPICE"))

NORM_METHODS = ("physician_percentile", "case_percentile", "mean_below_threshold")


#: ASCII only: Python would read the digits of any script as a number.
_NUMBER = re.compile(r"[+-]?([0-9]{1,30}(\.[0-9]{0,30})?|\.[0-9]{1,30})([eE][+-]?[0-9]{1,2})?")
_RATIO = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{0,30})? */ *[0-9]{1,30}")

#: No amount of the program comes near it, and sums of many such amounts still fit into every column of money.
MAX_MONEY = 10**11


def _exact(value: object) -> object:
    """``2/3``, ``0.25`` or ``25`` as an exact decimal of at most 8 places."""
    if isinstance(value, bool):
        raise ValueError("needs a number")
    if isinstance(value, str) and "/" not in value and not _NUMBER.fullmatch(value.strip()):
        raise ValueError(f"{ascii(value)[:40]} is not a number: write digits, such as 0.25")
    if isinstance(value, str) and "/" in value:
        if not _RATIO.fullmatch(value.strip()):
            raise ValueError(f"{ascii(value)[:40]} is not a ratio such as 2/3")
        try:
            ratio = Fraction(value.replace(" ", ""))
        except (ValueError, ZeroDivisionError) as error:
            raise ValueError(f"{ascii(value)[:40]} is not a ratio such as 2/3") from error
        units = ratio * 10**8
        return Decimal(int(units + Fraction(1, 2)) if units >= 0 else -int(-units + Fraction(1, 2))).scaleb(-8)
    if isinstance(value, float):
        return Decimal(repr(value))
    return value


def _ratio(value: Decimal) -> Decimal:
    return value.quantize(Decimal("1e-8"), rounding=ROUND_HALF_UP)


Number = Annotated[Decimal, BeforeValidator(_exact)]
Share = Annotated[Number, Field(ge=0, le=1)]
Money = Annotated[Number, Field(ge=0, le=MAX_MONEY, decimal_places=2)]


class Policy(BaseModel):
    """One policy version. Every field is a key of methodology §13, with its default and bounds."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)

    version: str = Field(min_length=1, max_length=100)
    base_year: int = Field(ge=2000, le=2100)
    baseline_window: Literal["same_half", "full_year"] = "same_half"
    cost_method: Literal["markup", "rcc", "reported"] = "markup"
    exclusions: tuple[str, ...] = DEFAULT_EXCLUSIONS
    surgical_fallback: Literal["none", "attending"] = "none"
    outlier_sd: Annotated[Number, Field(gt=0, le=100, decimal_places=2)] = Decimal(3)
    outlier_tails: Literal["both", "high"] = "both"
    norm_method: Literal["physician_percentile", "case_percentile", "mean_below_threshold"] = "physician_percentile"
    best_practice_percentile: Share = Decimal("0.25")
    ceiling_percentile: Share = Decimal("0.75")
    improvement_percentile: Share = Decimal("0.75")
    min_cases_per_physician: int = Field(default=2, ge=1, le=1_000_000)
    min_physicians_per_cell: int = Field(default=5, ge=1, le=1_000_000)
    min_cases_per_cell: int = Field(default=20, ge=1, le=1_000_000)
    incentive_rate: Share = Decimal("0.10")
    mpi_floor: Money | None = Decimal(100)
    mpi_ceiling: Money | None = Decimal(3000)
    improvement_share: Share = Decimal("0.66666667")
    performance_exponent: Annotated[Number, Field(gt=0, le=100)] = Decimal(1)
    performance_gate: Literal["cell_mean", "none"] = "cell_mean"
    min_baseline_cases: int = Field(default=5, ge=1, le=1_000_000)
    medical_improvement_cap: Literal["mpi", "none"] = "mpi"
    variable_cost_factor: Share = Decimal("0.5")
    limit_scope: Literal["participating", "all"] = "participating"
    physician_cap_percent: Annotated[Number, Field(ge=0, le=25)] = Decimal(25)
    pfs_cap_basis: Literal["current_year", "prior_year"] = "current_year"
    condition_failure: Literal["lose_weight", "lose_all"] = "lose_weight"
    require_complete: Literal["hospitals", "all", "none"] = "hospitals"
    small_cell_threshold: int = Field(default=10, ge=0, le=1_000)
    retention_years: int = Field(default=10, ge=1, le=100)
    min_reliability: Share | None = None
    certainty_replicates: int = Field(default=200, ge=20, le=10_000)

    @field_validator("exclusions")
    @classmethod
    def _known_reasons(cls, reasons: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [reason for reason in reasons if reason not in EXCLUSION_REASONS]
        if unknown:
            raise ValueError(f"unknown exclusion reason {', '.join(unknown)}; known: {', '.join(EXCLUSION_REASONS)}")
        return tuple(reason for reason in EXCLUSION_REASONS if reason in reasons)

    @field_validator("improvement_share")
    @classmethod
    def _share_is_a_ratio(cls, share: Decimal) -> Decimal:
        return _ratio(share)

    @field_validator(
        "best_practice_percentile", "ceiling_percentile", "improvement_percentile", "incentive_rate",
        "variable_cost_factor", "physician_cap_percent", "performance_exponent", "min_reliability",
    )  # fmt: skip
    @classmethod
    def _at_most_eight_places(cls, value: Decimal | None) -> Decimal | None:
        if value is not None and _ratio(value) != value:
            raise ValueError("has more than 8 decimal places")
        return value

    @model_validator(mode="after")
    def _floor_below_ceiling(self) -> Policy:
        if self.mpi_floor is not None and self.mpi_ceiling is not None and self.mpi_floor > self.mpi_ceiling:
            raise ValueError("mpi_floor is above mpi_ceiling")
        return self


class Elections(BaseModel):
    """What a hospital's protocol may choose for itself; an absent key leaves the policy's value in force."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mpi_floor: Money | None = None
    mpi_ceiling: Money | None = None
    improvement_share: Share | None = None
    physician_cap_percent: Annotated[Number, Field(ge=0, le=25)] | None = None

    @field_validator("improvement_share")
    @classmethod
    def _share_is_a_ratio(cls, share: Decimal | None) -> Decimal | None:
        return None if share is None else _ratio(share)

    def over(self, policy: Policy) -> Policy:
        """The policy in force at this hospital: a key that is given, even as null, overrides the policy's.

        The smaller of two caps counts: a hospital may only lower it.
        """
        chosen = {name: getattr(self, name) for name in self.model_fields_set}
        for name in ("improvement_share", "physician_cap_percent"):
            if name in chosen and chosen[name] is None:
                del chosen[name]  # null means "no election": unlike a bound, these cannot be absent
        if "physician_cap_percent" in chosen:
            chosen["physician_cap_percent"] = min(chosen["physician_cap_percent"], policy.physician_cap_percent)
        return Policy.model_validate(policy.model_dump() | chosen)

"""Reads a file of changes for ``hcip what-if``: cases, conditions of payment and care partners.

Belongs here: the file's format. Does not belong here: whether a case exists, and the effect of a change on payments.
"""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import polars as pl
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from hcip_pipeline.files.yaml_files import load_yaml, validate_yaml
from hcip_pipeline.policy.model import MAX_MONEY
from hcip_pipeline.tables.contract_columns import npi_fails_check_digit


def _in_quotes(value: object) -> object:
    """Refuse an identifier that is not text: YAML reads 045 as the number 37."""
    if not isinstance(value, str):
        raise ValueError('is an identifier: write it in quotes, such as "045"')
    return value


def _npi(value: object) -> object:
    text = _in_quotes(value)
    if not (isinstance(text, str) and len(text) == 10 and text.isascii() and text.isdigit()):
        raise ValueError("is not an NPI: ten digits in quotes")
    if _fails_check_digit(text):
        raise ValueError(f"{text} fails the check digit of an NPI")
    return text


@cache
def _fails_check_digit(npi: str) -> bool:
    return bool(pl.select(npi_fails_check_digit(pl.lit(npi))).item())


Text = Annotated[str, BeforeValidator(_in_quotes), Field(min_length=1, max_length=100)]
Npi = Annotated[str, BeforeValidator(_npi)]
Answer = Annotated[bool, Field(strict=True)]


class _Change(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CaseChange(_Change):
    """Other facts about one case.

    Args:
        hospital, account: the case.
        npi: its responsible physician.
        counted: whether it counts, regardless of the exclusion rules.
        apr_drg, severity_of_illness: its cell.
        cost: its total cost in dollars.
    """

    hospital: Text
    account: Text
    npi: Npi | None = None
    counted: Answer | None = None
    apr_drg: Annotated[str, BeforeValidator(_in_quotes), Field(pattern=r"^[0-9]{3}$")] | None = None
    severity_of_illness: Annotated[str, BeforeValidator(_in_quotes), Field(pattern="^[1-4]$")] | None = None
    cost: Decimal | None = Field(default=None, ge=0, lt=MAX_MONEY, decimal_places=2)

    @model_validator(mode="after")
    def _changes_something(self) -> CaseChange:
        if all(getattr(self, name) is None for name in CHANGES_OF_A_CASE):
            raise ValueError(f"changes nothing: give one of {', '.join(CHANGES_OF_A_CASE)}")
        return self


CHANGES_OF_A_CASE = ("npi", "counted", "apr_drg", "severity_of_illness", "cost")


class _OfPartner(_Change):
    hospital: Text
    npi: Npi


class ConditionChange(_OfPartner):
    """A care partner's condition of payment, met or not."""

    condition: Text
    met: Answer


class PartnerChange(_OfPartner):
    """A physician on the hospital's certified list for the whole period, or not on it.

    Args:
        interventions: intervention of the protocol -> approved activities performed.
    """

    certified: Answer = True
    name: str = "(certified)"
    interventions: dict[str, Annotated[int, Field(strict=True, ge=1, le=10**6)]] = {}

    @model_validator(mode="after")
    def _certified_to_perform(self) -> PartnerChange:
        if self.interventions and not self.certified:
            raise ValueError("a physician who is not certified cannot have interventions: remove them, or certify")
        return self


class Changes(_Change):
    """All changes of a file."""

    cases: tuple[CaseChange, ...] = ()
    conditions: tuple[ConditionChange, ...] = ()
    care_partners: tuple[PartnerChange, ...] = ()

    @model_validator(mode="after")
    def _each_once(self) -> Changes:
        keys: list[tuple[Any, ...]] = [("case", each.hospital, each.account) for each in self.cases]
        keys += [("condition", each.hospital, each.npi, each.condition) for each in self.conditions]
        keys += [("care partner", each.hospital, each.npi) for each in self.care_partners]
        if not keys:
            raise ValueError("changes nothing: give cases, conditions or care_partners")
        twice = sorted(key for key, times in Counter(keys).items() if times > 1)
        if twice:
            kind, *words = twice[0]
            raise ValueError(f"the {kind} {' '.join(words)} is changed twice: write it once, with all its changes")
        return self


def read_changes(path: Path) -> Changes:
    """The changes of a file.

    Raises:
        HcipError: it is not YAML, has an unknown key or a value out of bounds, or changes something twice.
    """
    return validate_yaml(Changes, load_yaml(path, "file of changes"), path, "file of changes")

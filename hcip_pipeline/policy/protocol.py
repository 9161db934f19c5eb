"""A hospital's implementation protocol as data: the sections of the source document (inputs.md, sections A to E).

Belongs here: what a protocol file may contain. Does not belong here: whether it satisfies the program's rules
(``protocol_checks``), and which file is in force (``intake.protocol.ingest``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from hcip_pipeline.errors import UsageError
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.policy.interventions import CATALOG
from hcip_pipeline.policy.measured_conditions import MEASURES_OF_CONDITIONS, Threshold, parse_threshold
from hcip_pipeline.policy.model import Elections, Number

#: Meeting frequency of a committee -> the minimum number of meetings in a half-year.
MEETINGS_PER_HALF_YEAR = {"monthly": 6, "bi-monthly": 3, "quarterly": 2, "bi-annually": 1}

#: The narrative questions of Table 1, in its order -> the question, shortened.
MODEL_PLAN_QUESTIONS = {
    "care_partner_engagement": "how care partners are engaged",
    "information_systems": "which information systems track the interventions",
    "administering_staff": "who administers the program",
    "information_sharing": "how clinical and other information is shared with providers",
    "cms_data_use": "how the monthly CMS files are used",
    "incentive_data_use": "how data support incentive payments",
    "opportunity_identification": "how opportunities for improvement are found",
    "monitoring_and_reporting": "how results are monitored and reported",
    "communication_and_education": "how physicians and staff are informed and trained",
    "care_partner_feedback": "how feedback of care partners improves the interventions",
}


def _code(value: object) -> object:
    """Refuse numbers: YAML reads an unquoted code as a number, and one with leading zeros as octal."""
    if isinstance(value, int | float | Decimal):
        raise ValueError("is a code, not a number: write it in quotes, leading zeros kept")
    if isinstance(value, str) and not value.isascii():
        raise ValueError(
            f"{ascii(value)[:40]} contains letters or digits of another script: write a code in A-Z and 0-9"
        )
    return value


def _words(value: object) -> object:
    """Accept text that looks like a number, such as a threshold of 12.5."""
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return str(value)
    return value


def _day(value: object) -> object:
    """Refuse numbers, which would be read as seconds since 1970."""
    if isinstance(value, int | float | Decimal):
        raise ValueError("is a number, not a date: write YYYY-MM-DD")
    return value


def _several(value: object) -> object:
    return [value] if isinstance(value, str) else value


Text = Annotated[str, Field(min_length=1, max_length=1000)]
Narrative = Annotated[str, Field(max_length=10_000)]
Code = Annotated[str, BeforeValidator(_code), Field(min_length=1, max_length=40)]
Day = Annotated[dt.date, BeforeValidator(_day)]
Percent = Annotated[Number, Field(ge=0, le=100, decimal_places=6)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Contact(_Section):
    """The contact person for the agreement (section A)."""

    name: Text
    title: Text | None = None
    street_address: Text | None = None
    city: Text | None = None
    state: Text | None = None
    zip_code: Code | None = None
    telephone: Code | None = None
    fax: Code | None = None
    email: Text | None = None


class Hospital(_Section):
    """The participant hospital (section A)."""

    legal_name: Text
    doing_business_as: Text | None = None
    tin: Code | None = None
    ccn: Annotated[Code, Field(pattern=r"^[0-9A-Z]{6}$")]
    contact: Contact


class KeyPerson(_Section):
    """One of the key personnel (section B)."""

    name: Text
    responsibility: Text
    percent_of_time: Percent


class CommitteeMember(_Section):
    """A member of the oversight committee (section B); a member may represent several groups."""

    member: Text
    credentials: Text | None = None
    title: Text | None = None
    organization: Text | None = None
    represents: Annotated[
        tuple[Literal["hospital", "physician", "consumer"], ...], BeforeValidator(_several), Field(min_length=1)
    ]
    role: Literal["CEO", "CFO", "CMO"] | None = None

    @property
    def is_physician(self) -> bool:
        """Whether the member represents physicians or has a physician's degree."""
        degrees = (self.credentials or "").upper().replace(".", "").replace(",", " ").split()
        return "physician" in self.represents or not {"MD", "DO", "MBBS"}.isdisjoint(degrees)


class ChosenIntervention(_Section):
    """The hospital's answers on one intervention of the catalog (section D, Table 2)."""

    id: Annotated[str, Field(min_length=1)]
    include: bool
    existing_strategy: bool = False
    condition_of_payment: bool = False
    non_cash_resources: Narrative | None = None
    explanation: Narrative | None = None

    @field_validator("id")
    @classmethod
    def _in_catalog(cls, id_: str) -> str:
        if id_ not in CATALOG:
            raise ValueError(f"'{id_}' is not in the catalog of interventions: {', '.join(CATALOG)}")
        return id_


class ConditionOfPayment(_Section):
    """A condition of payment with its weight in percent, and the interventions it depends on (section E).

    If ``measure`` is the name of a computed measure, the condition is evaluated from the data, for the whole hospital
    or for each physician; otherwise its result is reported.
    """

    id: Annotated[Code, Field(pattern=r"^[A-Za-z0-9_.-]+$")]
    description: Text
    measure: Text
    threshold: Annotated[Text, BeforeValidator(_words)] | None = None
    level: Literal["hospital", "physician"] = "hospital"
    weight: Annotated[Percent, Field(gt=0)]
    interventions: Annotated[tuple[str, ...], BeforeValidator(_several)] = ()

    @model_validator(mode="after")
    def _threshold_can_be_read(self) -> ConditionOfPayment:
        if self.measure in MEASURES_OF_CONDITIONS:
            parse_threshold(self.measure, self.threshold)
        elif self.level == "physician":
            names = ", ".join(MEASURES_OF_CONDITIONS)
            raise ValueError(f"condition {self.id}: only a computed measure has a level; they are {names}")
        return self

    @property
    def computed(self) -> Threshold | None:
        """The threshold of the computed measure; None if the result is reported."""
        return parse_threshold(self.measure, self.threshold) if self.measure in MEASURES_OF_CONDITIONS else None


class Protocol(_Section):
    """An implementation protocol: ``<inbox>/protocols/<ccn>/<year>.yaml``."""

    submitted_on: Day | None = None
    hospital: Hospital
    key_personnel: tuple[KeyPerson, ...] = ()
    oversight_committee: tuple[CommitteeMember, ...]
    meeting_frequency: Literal["monthly", "bi-monthly", "quarterly", "bi-annually"]
    report_frequency: Literal["monthly", "bi-monthly", "quarterly", "bi-annually", "annually"] | None = None
    model_plan: dict[str, Narrative] = Field(default_factory=dict)
    interventions: tuple[ChosenIntervention, ...]
    conditions_of_payment: tuple[ConditionOfPayment, ...]
    elections: Elections = Elections()
    monitoring: Narrative | None = None
    communication: Narrative | None = None
    incentive_administration: Narrative | None = None
    approved_on: Day | None = None
    first_performance_period: str

    @field_validator("model_plan")
    @classmethod
    def _known_questions(cls, plan: dict[str, str]) -> dict[str, str]:
        if unknown := [key for key in plan if key not in MODEL_PLAN_QUESTIONS]:
            raise ValueError(f"unknown {', '.join(unknown)}; the questions are {', '.join(MODEL_PLAN_QUESTIONS)}")
        return plan

    @field_validator("elections", mode="before")
    @classmethod
    def _no_elections(cls, value: object) -> object:
        return {} if value is None else value

    @field_validator("first_performance_period")
    @classmethod
    def _is_a_period(cls, key: str) -> str:
        try:
            return str(PerformancePeriod.parse(key))
        except UsageError as error:
            raise ValueError(f"{error.message}: {error.fix}") from error

    @model_validator(mode="after")
    def _once_each(self) -> Protocol:
        for what, ids in (
            ("intervention", [intervention.id for intervention in self.interventions]),
            ("condition of payment", [condition.id for condition in self.conditions_of_payment]),
            ("oversight committee member", [member.member for member in self.oversight_committee]),
        ):
            if repeated := _repeated(ids):
                raise ValueError(f"the {what} {', '.join(repeated)} appears twice")
        for condition in self.conditions_of_payment:
            if unknown := [id_ for id_ in condition.interventions if id_ not in CATALOG]:
                raise ValueError(f"condition {condition.id}: {', '.join(unknown)} is not in the catalog")
            if repeated := _repeated(condition.interventions):
                raise ValueError(f"condition {condition.id}: the intervention {', '.join(repeated)} appears twice")
        return self

    @property
    def total_weight(self) -> Decimal:
        """Total weight in percent; exactly 100 if the protocol allows payments."""
        return sum((condition.weight for condition in self.conditions_of_payment), Decimal(0))

    @property
    def terms(self) -> dict[str, Any]:
        """The protocol's terms that move payments, sorted: conditions, elections, included interventions."""
        elections = {name: getattr(self.elections, name) for name in sorted(self.elections.model_fields_set)}
        return {
            "conditions": sorted(
                [c.id, c.measure, c.threshold or "", c.level or "", f"{c.weight.normalize():f}"]
                for c in self.conditions_of_payment
            ),
            "elections": {
                name: None if value is None else f"{Decimal(value).normalize():f}" for name, value in elections.items()
            },
            "interventions": sorted(chosen.id for chosen in self.interventions if chosen.include),
        }


def period_number(first: PerformancePeriod, period: PerformancePeriod) -> int:
    """1 in a program's first performance period, 2 in the next; 0 or less before it."""
    return 2 * (period.year - first.year) + (period.half - first.half) + 1


def program_year(first: PerformancePeriod, period: PerformancePeriod) -> int | None:
    """Program year: two periods each, from the first performance period (methodology §1); None before it."""
    number = period_number(first, period)
    return (number + 1) // 2 if number >= 1 else None


def _repeated(ids: Sequence[str]) -> list[str]:
    return sorted({id_ for id_ in ids if ids.count(id_) > 1})

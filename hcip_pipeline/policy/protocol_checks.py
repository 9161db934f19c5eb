"""Whether an implementation protocol satisfies the program's rules (inputs.md, "Implementation protocol").

Belongs here: one finding a breach, with severity and fix. Does not belong here: what a file may hold (``protocol``);
a file that breaks that is refused whole. A finding refuses nothing: it tells why a payment is held, or warns.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from pydantic import ValidationError

from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.policy.model import Elections, Policy
from hcip_pipeline.policy.protocol import MEETINGS_PER_HALF_YEAR, MODEL_PLAN_QUESTIONS, Protocol, period_number

#: From this period on a hospital may change the split between improvement and performance (methodology §13).
FIRST_PERIOD_TO_CHANGE_SPLIT = 3

#: Words an answer to a narrative question may have (Table 1).
MAX_ANSWER_WORDS = 200


Severity = Literal["ERROR", "WARN"]

#: Without a policy elections are judged by themselves alone.
_NO_POLICY = Policy(version="none", base_year=2000, mpi_floor=None, mpi_ceiling=None)


@dataclass(frozen=True)
class FindingRule:
    """What a finding means: an ERROR breaks a rule of the program, a WARN asks for attention."""

    severity: Severity
    meaning: str
    fix: str


FINDING_RULES = {
    "PROTOCOL_REFUSED": FindingRule("ERROR", "the protocol cannot be read", "correct the file and send it again"),
    "COMMITTEE_NO_CEO": FindingRule("ERROR", "the committee has no CEO", "name the member whose role is CEO"),
    "COMMITTEE_NO_CFO": FindingRule("ERROR", "the committee has no CFO", "name the member whose role is CFO"),
    "COMMITTEE_NO_CMO": FindingRule("ERROR", "the committee has no CMO", "name the member whose role is CMO"),
    "COMMITTEE_NO_CONSUMER": FindingRule(
        "ERROR", "the committee has no consumer representative", "name a member who represents consumers"
    ),
    "COMMITTEE_FEW_PHYSICIANS": FindingRule(
        "ERROR", "fewer than half of the committee are physicians", "appoint physicians until they are half"
    ),
    "MEETINGS_TOO_FEW": FindingRule(
        "WARN",
        "the committee met less often than its protocol states",
        "report the meetings that are missing, or hold them",
    ),
    "WEIGHTS_NOT_100": FindingRule(
        "ERROR", "the weights of the conditions do not total 100%", "set the weights so that they total exactly 100"
    ),
    "NOT_APPROVED": FindingRule("ERROR", "the protocol is not approved", "state approved_on once it is approved"),
    "APPROVED_AFTER_START": FindingRule(
        "ERROR",
        "the protocol was approved after the period began",
        "nothing for this period; approve the next protocol before its period starts",
    ),
    "CONDITIONS_CHANGED": FindingRule(
        "ERROR",
        "the conditions changed and the day of approval did not",
        "state in approved_on the day on which the committee approved the change",
    ),
    "NOT_STARTED": FindingRule(
        "ERROR", "the first performance period is still to come", "correct first_performance_period, or wait for it"
    ),
    "FIRST_PERIOD_CHANGED": FindingRule(
        "ERROR",
        "the hospital's protocols name different first performance periods",
        "file an approved correction in program/<period>/program_corrections.csv that states which is correct",
    ),
    "NO_INTERVENTION": FindingRule("ERROR", "no intervention is included", "include at least one intervention"),
    "CONDITION_NOT_TIED": FindingRule(
        "WARN",
        "a condition of payment is not tied to an included intervention",
        "name in its interventions those that are included",
    ),
    "CONDITION_NOT_INCLUDED": FindingRule(
        "WARN", "an intervention is a condition of payment and not included", "include it, or clear the mark"
    ),
    "INTERVENTION_WITHOUT_CONDITION": FindingRule(
        "WARN", "an intervention is marked as a condition of payment and no condition rests on it", "name it in one"
    ),
    "TIN_NOT_NINE_DIGITS": FindingRule("WARN", "the TIN has not nine digits", "correct the TIN"),
    "SPLIT_CHANGED_EARLY": FindingRule(
        "ERROR",
        "improvement_share is changed before the third period",
        "leave it out until the third period; the policy's share is in force",
    ),
    "CAP_ABOVE_POLICY": FindingRule(
        "WARN",
        "the elected physician_cap_percent is above the policy's",
        "nothing, or elect a lower one: a hospital may only lower it, and the policy's is in force",
    ),
    "ELECTIONS_CONTRADICT": FindingRule(
        "ERROR", "the elections contradict each other or the policy", "correct them; the policy is in force instead"
    ),
    "MODEL_PLAN_INCOMPLETE": FindingRule("WARN", "a question of the model plan is not answered", "answer it"),
    "MODEL_PLAN_TOO_LONG": FindingRule(
        "WARN", f"an answer of the model plan has more than {MAX_ANSWER_WORDS} words", "shorten it"
    ),
    "KEY_PERSONNEL_MISSING": FindingRule("WARN", "no key personnel are named", "name them"),
}

#: Findings under which the conditions of payment are not locked (methodology §9, step 2).
UNLOCKING = frozenset({"WEIGHTS_NOT_100", "NOT_APPROVED", "APPROVED_AFTER_START", "CONDITIONS_CHANGED"})


@dataclass(frozen=True)
class Finding:
    """One breach of a rule by a protocol; ``subject`` is the condition, intervention or key it concerns."""

    id: str
    message: str
    subject: str = ""

    @property
    def severity(self) -> Severity:
        """Severity of the rule."""
        return FINDING_RULES[self.id].severity

    @property
    def fix(self) -> str:
        """What to do about it."""
        return FINDING_RULES[self.id].fix


@dataclass(frozen=True)
class ProgramStart:
    """When a hospital's program began, and who says so (methodology §15).

    Attributes:
        accepted: the first performance period that the first accepted protocol names; None where none was accepted.
        others: different ones that later protocols name, in order.
        corrected: the one that an approved correction names.
        filed_in: the period of the program folder that holds the correction.
    """

    accepted: str | None
    others: tuple[str, ...] = ()
    corrected: str | None = None
    filed_in: str | None = None

    @property
    def first(self) -> str | None:
        """The first performance period in force."""
        return self.corrected or self.accepted

    @property
    def is_changed(self) -> bool:
        """The protocols disagree and no correction settles it."""
        return bool(self.others) and self.corrected is None

    def period_number(self, period: PerformancePeriod) -> int | None:
        """1 in the first performance period; None where there is none."""
        return period_number(PerformancePeriod.parse(self.first), period) if self.first else None


def check_protocol(
    protocol: Protocol,
    period: PerformancePeriod,
    policy: Policy | None = None,
    met_on: Sequence[dt.date] | None = None,
    start: ProgramStart | None = None,
) -> list[Finding]:
    """Every finding about a protocol as it is in force in a period.

    Args:
        protocol: the hospital's protocol.
        period: the performance period it is judged for.
        policy: the region's policy, against which elections are read; None judges them by themselves.
        met_on: the days the committee met, as reported; None when nothing is known of meetings.
        start: when the hospital's program began; None takes the protocol's own word.
    """
    start = start or ProgramStart(accepted=protocol.first_performance_period)
    return [
        *_committee(protocol),
        *_meetings(protocol, period, met_on),
        *_conditions(protocol),
        *_dates(protocol, period, start),
        *_hospital(protocol),
        *_model_plan(protocol),
        *elections_in_force(protocol, period, policy, start)[1],
    ]


def conditions_changed(protocol: Protocol, before: Protocol) -> list[Finding]:
    """Whether the conditions differ from an earlier version of the same protocol under the same approval."""
    if protocol.approved_on == before.approved_on and _terms(protocol) != _terms(before):
        message = f"the conditions of payment changed and approved_on is still {protocol.approved_on}"
        return [Finding("CONDITIONS_CHANGED", message)]
    return []


def elections_in_force(
    protocol: Protocol, period: PerformancePeriod, policy: Policy | None = None, start: ProgramStart | None = None
) -> tuple[Elections, list[Finding]]:
    """The elections that hold in a period, and why others do not; the policy's own value stands in for those.

    A change of the split before the third period is left out; elections that contradict each other or the policy are
    left out whole. A hospital may lower the cap and never raise it: of the policy's and its own the smaller counts.

    Args:
        start: when the hospital's program began; None takes the protocol's own word.
    """
    policy = policy or _NO_POLICY
    chosen = {name: getattr(protocol.elections, name) for name in protocol.elections.model_fields_set}
    for name in ("improvement_share", "physician_cap_percent"):
        if chosen.get(name) is None:
            chosen.pop(name, None)
    findings: list[Finding] = []
    number = (start or ProgramStart(accepted=protocol.first_performance_period)).period_number(period)
    is_changed = chosen.get("improvement_share", policy.improvement_share) != policy.improvement_share
    if is_changed and (number or 0) < FIRST_PERIOD_TO_CHANGE_SPLIT:
        del chosen["improvement_share"]
        message = f"improvement_share is changed in period {number} of the hospital, before its third"
        findings.append(Finding("SPLIT_CHANGED_EARLY", message, "improvement_share"))
    cap = chosen.get("physician_cap_percent")
    if cap is not None and cap > policy.physician_cap_percent:
        message = f"physician_cap_percent is {cap}, above the policy's {policy.physician_cap_percent}"
        findings.append(Finding("CAP_ABOVE_POLICY", message, "physician_cap_percent"))
    elections = Elections.model_validate(chosen)
    try:
        elections.over(policy)
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        findings.append(Finding("ELECTIONS_CONTRADICT", f"with the policy, {reason}", "elections"))
        elections = Elections()
    return elections, findings


def _committee(protocol: Protocol) -> Iterator[Finding]:
    committee = protocol.oversight_committee
    roles = {member.role for member in committee}
    for role in ("CEO", "CFO", "CMO"):
        if role not in roles:
            yield Finding(f"COMMITTEE_NO_{role}", f"no member of the oversight committee is the {role}", role)
    if not any("consumer" in member.represents for member in committee):
        yield Finding("COMMITTEE_NO_CONSUMER", "no member of the oversight committee represents consumers")
    physicians = sum(member.is_physician for member in committee)
    if 2 * physicians < len(committee) or not committee:
        yield Finding(
            "COMMITTEE_FEW_PHYSICIANS", f"{physicians} of the committee's {len(committee)} members are physicians"
        )


def _meetings(protocol: Protocol, period: PerformancePeriod, met_on: Sequence[dt.date] | None) -> Iterator[Finding]:
    if met_on is None:
        return
    held = len({day for day in met_on if period.start <= day <= period.end})
    needed = MEETINGS_PER_HALF_YEAR[protocol.meeting_frequency]
    if held < needed:
        yield Finding(
            "MEETINGS_TOO_FEW",
            f"{held} meetings are reported in {period}; {protocol.meeting_frequency} means at least {needed}",
        )


def _conditions(protocol: Protocol) -> Iterator[Finding]:
    if protocol.total_weight != Decimal(100):
        yield Finding("WEIGHTS_NOT_100", f"the weights of the conditions total {protocol.total_weight}, not 100")
    included = {chosen.id for chosen in protocol.interventions if chosen.include}
    if not included:
        yield Finding("NO_INTERVENTION", "no intervention of the catalogue is included")
    tied = {id_ for condition in protocol.conditions_of_payment for id_ in condition.interventions}
    for condition in protocol.conditions_of_payment:
        outside = [id_ for id_ in condition.interventions if id_ not in included]
        if outside:
            message = f"condition {condition.id} rests on {', '.join(outside)}, not included"
            yield Finding("CONDITION_NOT_TIED", message, condition.id)
        elif not condition.interventions:
            yield Finding("CONDITION_NOT_TIED", f"condition {condition.id} names no intervention", condition.id)
    for chosen in protocol.interventions:
        if chosen.condition_of_payment and not chosen.include:
            message = f"{chosen.id} is a condition of payment and not included"
            yield Finding("CONDITION_NOT_INCLUDED", message, chosen.id)
        if chosen.condition_of_payment and chosen.id not in tied:
            message = f"{chosen.id} is marked as a condition of payment and no condition names it"
            yield Finding("INTERVENTION_WITHOUT_CONDITION", message, chosen.id)


def _dates(protocol: Protocol, period: PerformancePeriod, start: ProgramStart) -> Iterator[Finding]:
    if protocol.approved_on is None:
        yield Finding("NOT_APPROVED", "the protocol names no day of approval", "approved_on")
    # "Prior to the start of the performance period": the first day of the period is too late.
    elif protocol.approved_on >= period.start:
        message = f"approved on {protocol.approved_on}; {period} began on {period.start}"
        yield Finding("APPROVED_AFTER_START", message, "approved_on")
    number = start.period_number(period)
    if number is not None and number < 1:
        message = f"the first performance period is {start.first}, after {period}"
        yield Finding("NOT_STARTED", message, "first_performance_period")
    if start.is_changed:
        message = f"{start.accepted} in the first protocol that was accepted, {', '.join(start.others)} in a later one"
        yield Finding("FIRST_PERIOD_CHANGED", message, "first_performance_period")


def _hospital(protocol: Protocol) -> Iterator[Finding]:
    if not re.fullmatch(r"[0-9]{9}|[0-9]{2}-[0-9]{7}", protocol.hospital.tin or ""):
        digits = sum(sign.isascii() and sign.isdigit() for sign in protocol.hospital.tin or "")
        yield Finding("TIN_NOT_NINE_DIGITS", f"the TIN has {digits} digits, not nine", "tin")
    if not protocol.key_personnel:
        yield Finding("KEY_PERSONNEL_MISSING", "no key personnel are named", "key_personnel")


def _model_plan(protocol: Protocol) -> Iterator[Finding]:
    for key, question in MODEL_PLAN_QUESTIONS.items():
        words = len(protocol.model_plan.get(key, "").split())
        if not words:
            yield Finding("MODEL_PLAN_INCOMPLETE", f"it is not answered {question}", key)
        elif words > MAX_ANSWER_WORDS:
            yield Finding("MODEL_PLAN_TOO_LONG", f"the answer has {words} words, {MAX_ANSWER_WORDS} are asked", key)


def _terms(protocol: Protocol) -> list[tuple[str, str, str | None, str, Decimal]]:
    return sorted((c.id, c.measure, c.threshold, c.level, c.weight) for c in protocol.conditions_of_payment)

"""Checks an implementation protocol against the program's rules (inputs.md, "Implementation protocol").

Belongs here: finding each breach. Does not belong here: the rules (``rules.protocols``), and what a file may contain
(``protocol``): a file that violates that is refused as a whole. A breach found here refuses nothing: it explains a
hold, or warns.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pydantic import ValidationError

from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.policy.model import Elections, Policy
from hcip_pipeline.policy.protocol import MEETINGS_PER_HALF_YEAR, MODEL_PLAN_QUESTIONS, Protocol, period_number
from hcip_pipeline.rules.problem import Problem
from hcip_pipeline.rules.protocols import MAX_ANSWER_WORDS

#: From this period on, a hospital may change the split between improvement and performance (methodology §13).
FIRST_PERIOD_TO_CHANGE_SPLIT = 3

#: Without a policy, elections are judged only by themselves.
_NO_POLICY = Policy(version="none", base_year=2000, mpi_floor=None, mpi_ceiling=None)

#: Rules whose breach leaves the conditions of payment unlocked (methodology §9, step 2).
UNLOCKING = frozenset({"WEIGHTS-NOT-100", "NOT-APPROVED", "APPROVED-AFTER-START", "CONDITIONS-CHANGED"})


@dataclass(frozen=True)
class ProgramStart:
    """When a hospital's program began, according to which documents (methodology §15).

    Attributes:
        accepted: the first performance period named in the first accepted protocol; None if none was accepted.
        others: other first periods named in later protocols, in order.
        corrected: the first period given by an approved correction.
        filed_in: the period of the program folder that contains the correction.
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
        """1 in the first performance period; None if the hospital has none."""
        return period_number(PerformancePeriod.parse(self.first), period) if self.first else None


def check_protocol(
    protocol: Protocol,
    period: PerformancePeriod,
    policy: Policy | None = None,
    met_on: Sequence[dt.date] | None = None,
    start: ProgramStart | None = None,
) -> list[Problem]:
    """Every breach of a rule by a protocol in force in a period.

    Args:
        protocol: the hospital's protocol.
        period: the performance period it is judged for.
        policy: the region's policy, with which elections are compared; None judges them by themselves.
        met_on: the days the committee met, as reported; None if nothing is known of meetings.
        start: when the hospital's program began; None uses the protocol's own first period.
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


def conditions_changed(protocol: Protocol, before: Protocol) -> list[Problem]:
    """A problem if the conditions differ from those of an earlier version of the protocol with the same approval."""
    if protocol.approved_on == before.approved_on and _terms(protocol) != _terms(before):
        message = f"the conditions of payment changed, but approved_on is still {protocol.approved_on}"
        return [Problem("CONDITIONS-CHANGED", message)]
    return []


def elections_in_force(
    protocol: Protocol, period: PerformancePeriod, policy: Policy | None = None, start: ProgramStart | None = None
) -> tuple[Elections, list[Problem]]:
    """The elections in force in a period, and why others are not; the policy's values replace those.

    A change of the split before the third period is left out; if elections contradict each other or the policy, all
    are left out. A hospital may lower the cap but never raise it: the smaller of the policy's and its own counts.

    Args:
        start: when the hospital's program began; None uses the protocol's own first period.
    """
    policy = policy or _NO_POLICY
    chosen = {name: getattr(protocol.elections, name) for name in protocol.elections.model_fields_set}
    for name in ("improvement_share", "physician_cap_percent"):
        if chosen.get(name) is None:
            chosen.pop(name, None)
    problems: list[Problem] = []
    number = (start or ProgramStart(accepted=protocol.first_performance_period)).period_number(period)
    is_changed = chosen.get("improvement_share", policy.improvement_share) != policy.improvement_share
    if is_changed and (number or 0) < FIRST_PERIOD_TO_CHANGE_SPLIT:
        del chosen["improvement_share"]
        message = f"improvement_share is changed in the hospital's period {number}, before its third"
        problems.append(Problem("SPLIT-CHANGED-EARLY", message, column="improvement_share"))
    cap = chosen.get("physician_cap_percent")
    if cap is not None and cap > policy.physician_cap_percent:
        message = f"physician_cap_percent is {cap}, above the policy's {policy.physician_cap_percent}"
        problems.append(Problem("CAP-ABOVE-POLICY", message, column="physician_cap_percent"))
    elections = Elections.model_validate(chosen)
    try:
        elections.over(policy)
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        problems.append(Problem("ELECTIONS-CONTRADICT", f"with the policy, {reason}", column="elections"))
        elections = Elections()
    return elections, problems


def _committee(protocol: Protocol) -> Iterator[Problem]:
    committee = protocol.oversight_committee
    roles = {member.role for member in committee}
    for role in ("CEO", "CFO", "CMO"):
        if role not in roles:
            yield Problem(f"COMMITTEE-NO-{role}", f"the oversight committee has no {role}", column=role)
    if not any("consumer" in member.represents for member in committee):
        yield Problem("COMMITTEE-NO-CONSUMER", "the oversight committee has no consumer representative")
    physicians = sum(member.is_physician for member in committee)
    if 2 * physicians < len(committee) or not committee:
        yield Problem(
            "COMMITTEE-FEW-PHYSICIANS", f"{physicians} of the committee's {len(committee)} members are physicians"
        )


def _meetings(protocol: Protocol, period: PerformancePeriod, met_on: Sequence[dt.date] | None) -> Iterator[Problem]:
    if met_on is None:
        return
    held = len({day for day in met_on if period.start <= day <= period.end})
    needed = MEETINGS_PER_HALF_YEAR[protocol.meeting_frequency]
    if held < needed:
        yield Problem(
            "MEETINGS-TOO-FEW",
            f"{held} meetings are reported in {period}; {protocol.meeting_frequency} means at least {needed}",
        )


def _conditions(protocol: Protocol) -> Iterator[Problem]:
    if protocol.total_weight != Decimal(100):
        yield Problem("WEIGHTS-NOT-100", f"the weights of the conditions total {protocol.total_weight}, not 100")
    included = {chosen.id for chosen in protocol.interventions if chosen.include}
    if not included:
        yield Problem("NO-INTERVENTION", "no intervention of the catalog is included")
    tied = {id_ for condition in protocol.conditions_of_payment for id_ in condition.interventions}
    for condition in protocol.conditions_of_payment:
        outside = [id_ for id_ in condition.interventions if id_ not in included]
        if outside:
            message = f"condition {condition.id} depends on interventions that are not included: {', '.join(outside)}"
            yield Problem("CONDITION-NOT-TIED", message, column=condition.id)
        elif not condition.interventions:
            yield Problem("CONDITION-NOT-TIED", f"condition {condition.id} names no intervention", column=condition.id)
    for chosen in protocol.interventions:
        if chosen.condition_of_payment and not chosen.include:
            message = f"{chosen.id} is a condition of payment but not included"
            yield Problem("CONDITION-NOT-INCLUDED", message, column=chosen.id)
        if chosen.condition_of_payment and chosen.id not in tied:
            message = f"{chosen.id} is marked as a condition of payment, but no condition names it"
            yield Problem("INTERVENTION-WITHOUT-CONDITION", message, column=chosen.id)


def _dates(protocol: Protocol, period: PerformancePeriod, start: ProgramStart) -> Iterator[Problem]:
    if protocol.approved_on is None:
        yield Problem("NOT-APPROVED", "the protocol has no approval date", column="approved_on")
    # "Prior to the start of the performance period": the first day of the period is too late.
    elif protocol.approved_on >= period.start:
        message = f"approved on {protocol.approved_on}; {period} began on {period.start}"
        yield Problem("APPROVED-AFTER-START", message, column="approved_on")
    number = start.period_number(period)
    if number is not None and number < 1:
        message = f"the first performance period is {start.first}, after {period}"
        yield Problem("NOT-STARTED", message, column="first_performance_period")
    if start.is_changed:
        message = f"{start.accepted} in the first accepted protocol, {', '.join(start.others)} in a later one"
        yield Problem("FIRST-PERIOD-CHANGED", message, column="first_performance_period")


def _hospital(protocol: Protocol) -> Iterator[Problem]:
    if not re.fullmatch(r"[0-9]{9}|[0-9]{2}-[0-9]{7}", protocol.hospital.tin or ""):
        digits = sum(sign.isascii() and sign.isdigit() for sign in protocol.hospital.tin or "")
        yield Problem("TIN-NOT-NINE-DIGITS", f"the TIN has {digits} digits, not nine", column="tin")
    if not protocol.key_personnel:
        yield Problem("KEY-PERSONNEL-MISSING", "no key personnel are named", column="key_personnel")


def _model_plan(protocol: Protocol) -> Iterator[Problem]:
    for key, question in MODEL_PLAN_QUESTIONS.items():
        words = len(protocol.model_plan.get(key, "").split())
        if not words:
            yield Problem("MODEL-PLAN-INCOMPLETE", f"not answered: {question}", column=key)
        elif words > MAX_ANSWER_WORDS:
            yield Problem(
                "MODEL-PLAN-TOO-LONG", f"the answer has {words} words; the limit is {MAX_ANSWER_WORDS}", column=key
            )


def _terms(protocol: Protocol) -> list[tuple[str, str, str | None, str, Decimal]]:
    return sorted((c.id, c.measure, c.threshold, c.level, c.weight) for c in protocol.conditions_of_payment)

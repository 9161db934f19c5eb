"""What can be wrong with a hospital's implementation protocol (inputs.md, "Implementation protocol").

Belongs here: the rules. An ERROR is a breach of the program's rules, which may hold payments; the file itself is
accepted. Does not belong here: how a protocol is judged (``policy.protocol_checks``).
"""

from __future__ import annotations

from hcip_pipeline.rules import files
from hcip_pipeline.rules.rule import Rule, by_id, refusal, warning

#: What to do about conditions that were approved after a period began; the audit, agendas and pages use it, too.
LATE_CONDITIONS = (
    "if the conditions were approved before the period began, with weights that total 100%, the hospital files the "
    "protocol that shows it, and the period is then restated; otherwise the payments stay held"
)
#: The end of a fix that may come too late.
LATE_FIX = "payments for a period that began before the approval stay held"
#: The most words that an answer to a narrative question may have (Table 1).
MAX_ANSWER_WORDS = 200


#: Rules on the oversight committee: its members and its meetings.
OF_COMMITTEE = frozenset(
    {
        "COMMITTEE-NO-CEO", "COMMITTEE-NO-CFO", "COMMITTEE-NO-CMO", "COMMITTEE-NO-CONSUMER", "COMMITTEE-FEW-PHYSICIANS",
        "MEETINGS-TOO-FEW",
    }
)  # fmt: skip


def _breach(id_: str, description: str, fix: str) -> Rule:
    return Rule(id_, "ERROR", (), description, fix)


RULES = by_id(
    refusal("PROTOCOL-REFUSED", "the protocol cannot be read", "correct the file and send it again"),
    _breach("COMMITTEE-NO-CEO", "the committee has no CEO", "name the member whose role is CEO"),
    _breach("COMMITTEE-NO-CFO", "the committee has no CFO", "name the member whose role is CFO"),
    _breach("COMMITTEE-NO-CMO", "the committee has no CMO", "name the member whose role is CMO"),
    _breach(
        "COMMITTEE-NO-CONSUMER",
        "the committee has no consumer representative",
        "name a member who represents consumers",
    ),
    _breach(
        "COMMITTEE-FEW-PHYSICIANS",
        "fewer than half of the committee members are physicians",
        "appoint physicians until they are half of the committee",
    ),
    warning(
        "MEETINGS-TOO-FEW",
        "the committee met less often than its protocol states",
        "report the missing meetings, or hold them",
    ),
    _breach(
        "WEIGHTS-NOT-100",
        "the weights of the conditions do not total 100%",
        f"set the weights so that they total exactly 100, and have them approved; {LATE_FIX}",
    ),
    _breach("NOT-APPROVED", "the protocol is not approved", f"enter approved_on once it is approved; {LATE_FIX}"),
    _breach(
        "APPROVED-AFTER-START",
        "the protocol was approved after the period began",
        LATE_CONDITIONS,
    ),
    _breach(
        "CONDITIONS-CHANGED",
        "the conditions changed but the approval date did not",
        f"enter in approved_on the date on which the committee approved the change; {LATE_FIX}",
    ),
    _breach(
        "NOT-STARTED",
        "the first performance period is in the future",
        "correct first_performance_period, or wait for it",
    ),
    _breach(
        "FIRST-PERIOD-CHANGED",
        "the hospital's protocols name different first performance periods",
        "file an approved correction in program/<period>/program_corrections.csv that says which is correct",
    ),
    _breach("NO-INTERVENTION", "no intervention is included", "include at least one intervention"),
    warning(
        "CONDITION-NOT-TIED",
        "a condition of payment is not tied to an included intervention",
        "list included interventions under the condition",
    ),
    warning(
        "CONDITION-NOT-INCLUDED",
        "an intervention is a condition of payment but is not included",
        "include it, or clear the mark",
    ),
    warning(
        "INTERVENTION-WITHOUT-CONDITION",
        "an intervention is marked as a condition of payment, but no condition refers to it",
        "list it under a condition",
    ),
    files.RULES["TIN-NOT-NINE-DIGITS"],
    _breach(
        "SPLIT-CHANGED-EARLY",
        "improvement_share is changed before the third period",
        "leave it out until the third period; the policy's share applies",
    ),
    warning(
        "CAP-ABOVE-POLICY",
        "the elected physician_cap_percent is above the policy's",
        "nothing, or elect a lower one: a hospital may only lower the cap, and the policy's applies",
    ),
    _breach(
        "ELECTIONS-CONTRADICT",
        "the elections contradict each other or the policy",
        "correct them; until then the policy applies",
    ),
    warning("MODEL-PLAN-INCOMPLETE", "a question of the model plan is not answered", "answer it"),
    warning("MODEL-PLAN-TOO-LONG", f"an answer of the model plan has more than {MAX_ANSWER_WORDS} words", "shorten it"),
    warning("KEY-PERSONNEL-MISSING", "no key personnel are named", "name them"),
)

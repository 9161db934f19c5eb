"""What the codes of ``incentives.reasons`` mean (methodology §9), to whoever asks about a payment.

Does not belong here: how a report tells a physician (``reports.words``).
"""

from __future__ import annotations

_HELD = "held: "
REASONS = {
    "NO_CASES": "there was no counted case in a cell with a norm",
    "NOTHING_EARNED": "the cases earned nothing: none cost less than P75, and there was no improvement",
    "NO_BASELINE": "too few cases in the baseline window to measure the improvement of every stream",
    "CONDITIONS_NOT_MET": "a condition of payment was not met",
    "CONDITION_RESULTS_MISSING": "no result was reported for a condition of payment, which counts as not met",
    "NOT_LISTED_WHOLE_PERIOD": "not on the certified care-partner list for the whole period",
    "SCREENING_FAILED": "the screening failed",
    "SCREENING_NOT_CLEARED": "held: the screening is not cleared yet",
    "EXCLUDED_INDIVIDUAL": "on an exclusion list during the period",
    "ARRANGEMENT_SIGNED_LATE": "the arrangement was not signed by the first day of the period",
    "NO_APPROVED_ACTIVITY": "no approved activity was performed",
    "COMMITTEE_ADJUSTMENT": "the oversight committee reduced the amount",
    "PFS_CAP": "the Physician Fee Schedule cap was reached",
    "DISTRIBUTION_LIMIT": "the hospital's distribution limit was reached",
    "NO_PROTOCOL": "held: the hospital has no approved implementation protocol in force",
    "CONDITIONS_NOT_LOCKED": "held: the conditions of payment were not fixed before the period, or do not total 100%",
    "HELD_NO_PFS_CAP": "held: neither a cap notice nor Medicare claims say what the fee schedule allows",
    "POOL_CONTESTED": "held: the hospital contests its pool notice",
}


def in_words(reason: str) -> str:
    """The meaning of a reason code.

    Raises:
        KeyError: there is no such reason.
    """
    return REASONS[reason]


def holds_in_words(reasons: str | None) -> list[str]:
    """What an amount waits for, from the ``reasons`` cell of its row."""
    words = [in_words(reason) for reason in (reasons or "").split("|") if reason]
    return [said.removeprefix(_HELD) for said in words if said.startswith(_HELD)]

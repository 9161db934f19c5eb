"""What was in the files of an export, counted, and what of it was odd but harmless, in words.

Belongs here: the counts of a file and their words. Does not belong here: reading (``reader``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class FileCount:
    """What was in one file: every line is a resource that was read, or one that is counted apart.

    Attributes:
        not_adjudicated: claims of a shared system, or not complete.
        withdrawn: claims whose ``status`` is not active: an earlier delivery of them counts no more.
        other_claims: of a type that CCLF does not hold.
        superseded: resources of which the export has a newer version, or the same once more.
        odd: how often each of ``claim_checks.COUNTED`` is there.
    """

    file: str
    resource: str
    lines: int = 0
    read: int = 0
    not_adjudicated: int = 0
    withdrawn: int = 0
    other_claims: int = 0
    superseded: int = 0
    odd: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    widened: Counter[str] = field(default_factory=Counter)
    rounded: Counter[str] = field(default_factory=Counter)


#: what was found odd in claims that are read (``claim_checks.COUNTED``), in words: how often, and in which file
_ODD = {
    "without_payment": "BCDA-NO-AMOUNT: {} Part A claims of {} state no payment (payment.amount) and count as unpaid",
    "lines_without_payment": "BCDA-NO-AMOUNT: {} lines of Part B and equipment claims of {} state no payment "
    "(CLM_LINE_CVRD_PD_AMT) and count as unpaid",
    "lines_without_date": "BCDA-NO-DATE: {} lines of Part B and equipment claims of {} have no date of service and "
    "count in no period",
    "without_adjustment_code": "BCDA-NO-ADJUSTMENT: {} claims of {} have no adjustment code and count as originals",
    "of_other_profile": "BCDA-PROFILE: {} claims of {} name another version of their profile (meta.profile) than 2, "
    "the one that is read, or none",
}


def noted(counts: Sequence[FileCount]) -> list[str]:
    """What was odd but harmless, in words."""
    notes = []
    for count in counts:
        if wide := sum(count.widened.values()):
            notes.append(f"BCDA-CODE-WIDTH: {wide} codes of {count.file} were brought to the digits of their kind")
        if places := sum(count.rounded.values()):
            notes.append(f"BCDA-PLACES: {places} numbers of {count.file} had more places than their format")
        if count.not_adjudicated:
            notes.append(
                f"BCDA-NOT-ADJUDICATED: {count.not_adjudicated} claims of {count.file} are not adjudicated (of a "
                "shared system, not complete, or no claims); they are counted, and nothing is settled on them"
            )
        if count.withdrawn:
            notes.append(
                f"BCDA-WITHDRAWN: {count.withdrawn} claims of {count.file} have a status other than active; nothing is "
                "settled on them, nor on what was delivered of them before"
            )
        if count.superseded:
            notes.append(
                f"BCDA-OLDER: {count.superseded} resources of {count.file} are older versions or repeats of others in "
                "the export; the newest version counts, once"
            )
        if count.other_claims:
            notes.append(
                f"BCDA-CLAIM-TYPE: {count.other_claims} claims of {count.file} are of types that CCLF does not hold"
            )
        notes += [f"{text.format(count.odd[name], count.file)}" for name, text in _ODD.items() if count.odd[name]]
    return notes

"""Counts of the resources in an export's files, and warnings about harmless oddities.

Belongs here: the counts of a file and the messages about them. Does not belong here: reading (``reader``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from hcip_pipeline.rules.problem import Problem


@dataclass
class FileCount:
    """Counts of one file: every line is a resource that was read, or one that is counted separately.

    Attributes:
        not_adjudicated: claims of a shared system, or not complete.
        withdrawn: claims whose ``status`` is not active: their earlier deliveries no longer count.
        other_claims: claims of types that CCLF does not contain.
        superseded: resources that are repeated, or of which the export has a newer version.
        odd: how often each of ``claim_checks.COUNTED`` occurs.
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


#: oddities of claims that are read (``claim_checks.COUNTED``): rule, and message with {} for the count and the file
_ODD = {
    "without_payment": (
        "BCDA-NO-AMOUNT", "Part A claims without a payment (payment.amount): {}; they count as unpaid",
    ),
    "lines_without_payment": (
        "BCDA-NO-AMOUNT",
        "lines of Part B and equipment claims without a payment (CLM_LINE_CVRD_PD_AMT): {}; they count as unpaid",
    ),
    "without_lines": (
        "BCDA-NO-LINES", "Part B and equipment claims without a line (item): {}; they do not count",
    ),
    "lines_without_date": (
        "BCDA-NO-DATE",
        "lines of Part B and equipment claims without a date of service: {}; they count in no period",
    ),
    "without_adjustment_code": (
        "BCDA-NO-ADJUSTMENT", "claims without an adjustment code: {}; they count as originals",
    ),
    "of_other_profile": (
        "BCDA-PROFILE",
        "claims that name no profile, or a version other than 2 (meta.profile): {}; they are read as version 2",
    ),
}  # fmt: skip


def noted(counts: Sequence[FileCount]) -> list[Problem]:
    """Warnings about harmless oddities in each file."""
    return [
        Problem(rule, message.format(f"{number:,} in {count.file}"))
        for count in counts
        for rule, message, number in _found(count)
        if number
    ]


def _found(count: FileCount) -> Iterator[tuple[str, str, int]]:
    """Rule, message and count of each oddity of one file."""
    yield "BCDA-CODE-WIDTH", "codes padded or trimmed to their standard length: {}", sum(count.widened.values())
    yield "BCDA-PLACES", "numbers with more decimal places than their format: {}", sum(count.rounded.values())
    yield (
        "BCDA-NOT-ADJUDICATED",
        "claims of a shared system, incomplete claims or preauthorizations: {}; they are counted but not used in the "
        "settlement",
        count.not_adjudicated,
    )
    yield (
        "BCDA-WITHDRAWN",
        "claims with a status other than active: {}; neither they nor their earlier deliveries are used in the "
        "settlement",
        count.withdrawn,
    )
    yield (
        "BCDA-OLDER",
        "older versions or repeats of other resources in the export: {}; the newest version counts, once",
        count.superseded,
    )
    yield "BCDA-CLAIM-TYPE", "claims of types that CCLF does not contain: {}", count.other_claims
    for name, (rule, message) in _ODD.items():
        yield rule, message, count.odd[name]

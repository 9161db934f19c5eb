"""Submissions of the baseline that were replaced since an earlier half-year was released (methodology §15).

Belongs here: submissions of half-years without a release, such as those before a hospital's program began; only the
ledger shows that they were replaced. Does not belong here: submissions that differ from those that a release was made
from (``program_changes``).
"""

from __future__ import annotations

from collections.abc import Iterable

from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.hospital.receipts import SubmissionReceipt
from hcip_pipeline.ledger.lines import read_ledger
from hcip_pipeline.periods import PerformancePeriod, Quarter
from hcip_pipeline.release.reading import released_before, releases_of

_ACCEPTED = ("acceptance", "found")

#: the reason that a replaced submission puts on the hospital's payments
REASON = "BASELINE_REPLACED"


def baseline_replaced(
    home: Home, period: PerformancePeriod, in_force: Iterable[SubmissionReceipt]
) -> list[tuple[str, str, str]]:
    """Replaced submissions of the baseline: hospital, reason code, and a description.

    Args:
        in_force: receipts of the baseline's submissions in force.
    """
    before = released_before(home, period)
    if not before:
        return []
    reference = f"{before[-1]}/{releases_of(home, before[-1])[0].name}"
    lines = read_ledger(home)
    released = next(
        (line.sequence for line in lines if (line.entry.kind, line.entry.name) == ("release", reference)), None
    )
    if released is None:
        return []
    # A submission has another line whenever its receipt changes; the first one is its acceptance.
    accepted = {line.entry.name: line.sequence for line in reversed(lines) if line.entry.kind in _ACCEPTED}
    found = []
    for receipt in in_force:
        quarter = Quarter.parse(receipt.quarter)
        if releases_of(home, PerformancePeriod(quarter.year, 1 if quarter.number <= 2 else 2)):
            continue
        stem = f"hospital/{quarter}/{receipt.ccn}.r"
        counted_since = accepted.get(f"{stem}{receipt.version}", 0)
        has_earlier = any(name.startswith(stem) and at < counted_since for name, at in accepted.items())
        if has_earlier and counted_since > released:
            detail = f"{receipt.submission} was accepted after {reference.replace('/', '_')} was released"
            found.append((receipt.ccn, REASON, f"{detail}; improvement is measured from the new data"))
    return found

"""A hospital's distribution limit (methodology §9, step 6), and every incentive after it.

Belongs here: one hospital's limit and its apportionment. Does not belong here: the savings behind it (``savings``).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from .earlier import Earlier
from .exact import ZERO, apportioned
from .hospital import Hospital
from .programs import program_year
from .report import Findings
from .tables import Row
from .waterfall import Partner

#: from this program year on, no more is paid than was saved
_CUMULATIVE_FROM = 2


def check_limit(
    hospital: Hospital,
    row: Row | None,
    saved_to_date: Decimal | None,
    partners: Mapping[str, Partner],
    earlier: Earlier,
    findings: Findings,
) -> dict[str, Decimal]:
    """Recompute the limit and apply it.

    Args:
        row: the hospital's row of ``distribution_limits``.
        saved_to_date: internal savings to date in the policy's scope; None if unknown.

    Returns:
        NPI -> final incentive.
    """
    before = {npi: partner.after_cap for npi, partner in partners.items()}
    if row is None:
        if partners:
            expected = "a row for the hospital in distribution_limits"
            findings.differ("distribution_limit", "savings/", "", expected, "none", key=hospital.ccn)
        return before
    first = hospital.first_period
    paid = None if earlier.missing(first) else sum(earlier.paid(hospital.ccn, first).values(), ZERO)
    year = program_year(hospital.period, first)
    others = hospital.programs.others.get(hospital.ccn, ZERO)
    saved_to_date = row["internal_savings_to_date"] if saved_to_date is None else saved_to_date
    paid = row["earlier_incentives"] if paid is None else paid
    cumulative = None
    if year is not None and year >= _CUMULATIVE_FROM:
        cumulative = max(ZERO, saved_to_date - paid - others)
    limits = [limit for limit in (cumulative, row["incentive_pool"]) if limit is not None]
    limit = min(limits, default=None)
    final = before if limit is None else apportioned(before, limit)
    findings.compare(
        "distribution_limit",
        row,
        {
            "program_year": year,
            "internal_savings_to_date": saved_to_date,
            "earlier_incentives": paid,
            "other_program_amounts_to_date": others,
            "cumulative_limit": cumulative,
            "distribution_limit": limit,
            "incentives_before_limit": sum(before.values(), ZERO),
            "incentives_after_limit": sum(final.values(), ZERO),
        },
    )
    return final

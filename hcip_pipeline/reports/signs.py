"""Warning signs shown next to payments: the guardrails' findings about a hospital and its care partners.

Belongs here: listing the findings, assigning them to care partners, and adding up the payable amounts concerned. Does
not belong here: the rules for a finding (``dbt_project/models/marts/quality/guardrails.sql``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from hcip_pipeline.reports import words
from hcip_pipeline.reports.figures import Row, Tables


def signs_of(current: Tables, ccn: str) -> tuple[Row, ...]:
    """The guardrails' findings: the hospital's first, then care partners' by name; ``text`` has the wording."""
    names = {row["npi"]: row["name"] or row["npi"] for row in current.of_hospital("incentives", ccn)}
    found = [
        row
        | {
            "who": "The hospital" if row["level"] == "hospital" else names.get(row["npi"], row["npi"]),
            "text": in_words(row),
        }
        for row in current.of_hospital("guardrails", ccn)
        if row["is_finding"]
    ]
    return tuple(sorted(found, key=lambda row: (row["level"] != "hospital", row["who"], row["sign"])))


def by_partner(signs: Iterable[Row]) -> dict[str, list[Row]]:
    """NPI -> findings about the care partner; findings about the hospital as a whole are left out."""
    found: dict[str, list[Row]] = {}
    for row in signs:
        if row["level"] == "care_partner":
            found.setdefault(row["npi"], []).append(row)
    return found


def payable_with_signs(payments: Iterable[Row], signs: Mapping[str, list[Row]]) -> tuple[int, Decimal]:
    """Number and dollars of payable payments to care partners with an open sign."""
    amounts = [row["final_incentive"] for row in payments if row["status"] == "PAYABLE" and row["npi"] in signs]
    return len(amounts), sum(amounts, Decimal("0.00"))


def in_words(row: Row) -> str:
    """A finding with its numerator, its denominator and the expected numbers."""
    text = f"{words.SIGNS[row['sign']]}: {row['observed']:,}"
    if row["cases"] is not None:
        text += f" of {words.plural(row['cases'], 'discharge')}"
    whose = "hospital" if row["level"] == "hospital" else "physician"
    expected = [
        f"{words.number(row[column], 1)} {source}"
        for column, source in (
            ("expected_by_past", f"based on the {whose}'s own past"),
            ("expected_as_state", "based on the state"),
        )
        if row[column] is not None
    ]
    return f"{text}; expected: {', '.join(expected)}" if expected else text

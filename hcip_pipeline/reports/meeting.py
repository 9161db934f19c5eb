"""Material for a meeting of the oversight committee: decisions, results by quarter, the payment list, and the form for
reporting payments.

Belongs here: selecting and ordering the parts of a hospital's release that a meeting needs. Does not belong here: the
committee's report on the half-year (``oversight``), the agenda's items (``agenda``), quarters (``quarters``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import polars as pl

from hcip_pipeline.audit.findings import UnreportedPayments, unreported_payments
from hcip_pipeline.contracts.program import PAYMENTS
from hcip_pipeline.release.spreadsheets import neutralized
from hcip_pipeline.reports import words
from hcip_pipeline.reports.agenda import Item, agenda
from hcip_pipeline.reports.figures import ReportSource, Row
from hcip_pipeline.reports.missing import MissingItem
from hcip_pipeline.reports.oversight import Committee
from hcip_pipeline.reports.pages import release_page
from hcip_pipeline.reports.quarters import Quarters, by_quarter
from hcip_pipeline.reports.signs import by_partner
from hcip_pipeline.reports.waterfall import REDUCTIONS

#: maximum number of names that an open question lists
NAMES_SHOWN = 6


@dataclass(frozen=True)
class Question:
    """Gaps of one kind: what is missing, for whom, and what to do about it."""

    missing: str
    who: str
    count: int
    consequence: str
    what_to_do: str


@dataclass(frozen=True)
class Meeting:
    """The content of a committee's meeting about a half-year."""

    items: tuple[Item, ...]
    roster: tuple[Row, ...]
    meetings: tuple[Row, ...]
    quarters: Quarters
    questions: tuple[Question, ...]
    to_pay: tuple[Row, ...]
    not_paid: tuple[Row, ...]
    total: Decimal


def meeting(source: ReportSource, ccn: str, committee: Committee, missing: Sequence[MissingItem]) -> Meeting:
    """Everything a meeting of the hospital's committee needs."""
    current = source.current
    signs = by_partner(committee.signs)
    listed = {row["npi"]: row for row in current.of_hospital("payment_list", ccn)}
    payments = [row | {"reductions": reductions(row)} for row in committee.payments]
    to_pay = tuple(row | {"tin": listed[row["npi"]]["tin"]} for row in payments if row["npi"] in listed)
    return Meeting(
        items=tuple(
            agenda(
                committee.payments, current.of_hospital("audit_findings", ccn), _unreported_earlier(source, ccn), signs
            )
        ),
        roster=tuple(current.of_hospital("committee_roster", ccn)),
        meetings=tuple(current.of_hospital("meetings_held", ccn)),
        quarters=by_quarter(source, ccn),
        questions=questions(missing),
        to_pay=to_pay,
        not_paid=tuple(row for row in payments if row["npi"] not in listed),
        total=sum((row["payable_amount"] for row in listed.values()), Decimal("0.00")),
    )


def _unreported_earlier(source: ReportSource, ccn: str) -> list[UnreportedPayments]:
    every = source.once(
        "unreported_payments", lambda of: unreported_payments(of.current.frame("payment_reconciliation"))
    )
    return [each for each in every if each.hospital_ccn == ccn and each.period != str(source.period)]


def reductions(row: Row) -> list[str]:
    """Each reduction of a payment with its amount; the payment's reasons explain it."""
    return [f"{name}: {words.money(-row[column])}" for column, name in REDUCTIONS.items() if row[column]]


def questions(missing: Sequence[MissingItem]) -> tuple[Question, ...]:
    """Missing information, with equal gaps of several care partners combined; the most frequent first."""
    kinds = Counter((item.missing, item.consequence, item.what_to_do) for item in missing)
    made = []
    for kind, count in kinds.most_common():
        same = [item for item in missing if (item.missing, item.consequence, item.what_to_do) == kind]
        names = [item.name or item.npi for item in same if item.npi]
        more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
        who = "; ".join(names[:NAMES_SHOWN]) + more if names else "The hospital"
        made.append(Question(kind[0], who, count, kind[1], kind[2]))
    return tuple(made)


def meeting_page(source: ReportSource, ccn: str, committee: Committee, content: Meeting) -> bytes:
    """The page to bring to a meeting."""
    return release_page(
        source,
        "meeting.html.j2",
        title=f"Committee meeting: {committee.hospital['hospital_name']}, {words.half(str(source.period))}",
        ccn=ccn,
        committee=committee,
        meeting=content,
    )


def payments_form(ccn: str, content: Meeting) -> bytes:
    """``payments.csv`` to fill in: care partners with payable amounts, and blanks for amount, date and reference."""
    rows = [
        {
            "hospital_ccn": ccn,
            "npi": row["npi"],
            "name": row["name"],
            "tin": row["tin"],
            "payable_amount": str(row["final_incentive"]),
        }
        for row in content.to_pay
    ]
    schema = dict.fromkeys(PAYMENTS.names, pl.String)
    frame = neutralized(pl.DataFrame(rows, schema=schema, orient="row"))
    return frame.write_csv(line_terminator="\r\n", quote_style="necessary").encode()

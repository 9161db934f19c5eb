"""Bills whose order is unknown because the date of their transaction (BHT04) cannot be read.

Belongs here: refusing the files if the order matters, and a warning if it does not. Does not belong here: the order
itself (``claims``).
"""

from __future__ import annotations

from hcip_pipeline.intake.hospital.submission_database import SubmissionDatabase
from hcip_pipeline.intake.x12.places import place_of
from hcip_pipeline.rules.problem import Problem

#: SQL for accounts whose bills would mean something else in another order: they are in several transactions, and one
#: replaces or voids others (7, 8), or two end on the same day.
_UNORDERED = """
    select account_no from raw_bills where account_no <> '' group by account_no
    having count(distinct st) > 1 and not bool_and(is_dated)
        and (bool_or(frequency not in ('1', '2', '3', '4', '5')) or count(*) > count(distinct last_day))"""


def order_problems(database: SubmissionDatabase) -> list[Problem]:
    """Report transactions whose date cannot be read; the files are refused if any bill depends on the order."""
    undated = "from raw_bills where not is_dated"
    unordered, row = database.one(
        f"select count(distinct account_no), min(row) {undated} and account_no in ({_UNORDERED})"
    )
    if unordered:
        words = "is in a transaction whose date (BHT04) cannot be read, and the order of its bills depends on that date"
        return [_problem(database, "B-ORDER", words, unordered - 1, "accounts", row)]
    transactions, row = database.one(f"select count(distinct st), min(row) {undated}")
    if not transactions:
        return []
    words = "is in a transaction whose date (BHT04) cannot be read"
    return [_problem(database, "B-ORDER-UNKNOWN", words, transactions - 1, "transactions", row)]


def _problem(database: SubmissionDatabase, rule: str, words: str, others: int, noun: str, row: int) -> Problem:
    file, segment, claim = place_of(database, row)
    more = f"; {others:,} other {noun if others > 1 else noun[:-1]} too" if others else ""
    return Problem(rule, f"segment {segment}, claim {claim} {words}{more}", file=file, row=segment)

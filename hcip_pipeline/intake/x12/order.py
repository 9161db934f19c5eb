"""Bills whose order cannot be known: the date of their transaction (BHT04) is none.

Belongs here: where it matters, which refuses the files, and where it does not, which is told. Does not belong here:
the order itself (``claims``).
"""

from __future__ import annotations

from hcip_pipeline.intake.hospital.submission_database import SubmissionDatabase
from hcip_pipeline.intake.x12.places import located
from hcip_pipeline.rules.problem import Problem

#: Bills of an account that are in several transactions, where one replaces or removes (7, 8), or ends on the day of
#: another one, mean something else in another order.
_UNORDERED = """
    select account_no from raw_bills where account_no <> '' group by account_no
    having count(distinct st) > 1 and not bool_and(is_dated)
        and (bool_or(frequency not in ('1', '2', '3', '4', '5')) or count(*) > count(distinct last_day))"""


def order_problems(database: SubmissionDatabase) -> list[Problem]:
    """Transactions without a date that can be read: refused where the order of bills depends on it, or else told."""
    undated = "from raw_bills where not is_dated"
    unordered, row = database.one(
        f"select count(distinct account_no), min(row) {undated} and account_no in ({_UNORDERED})"
    )
    if unordered:
        words = "is of a transaction whose date (BHT04) cannot be read, and the order of its bills depends on it"
        return [_problem(database, "B-ORDER", words, unordered - 1, "accounts", row)]
    transactions, row = database.one(f"select count(distinct st), min(row) {undated}")
    if not transactions:
        return []
    words = "is of a transaction whose date (BHT04) cannot be read"
    return [_problem(database, "B-ORDER-UNKNOWN", words, transactions - 1, "transactions", row)]


def _problem(database: SubmissionDatabase, rule: str, words: str, others: int, noun: str, row: int) -> Problem:
    file, segment, claim = database.one(
        f"select bill_file, segment, claim from ({located('discharges', f'select {row}::bigint as row')})"
    )
    more = f"; {others:,} other {noun if others > 1 else noun[:-1]} too" if others else ""
    return Problem(rule, f"segment {segment}, claim {claim} {words}{more}", file=file, row=int(segment))

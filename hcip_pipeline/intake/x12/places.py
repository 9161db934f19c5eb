"""Where a row of bills came from: its file, its segment there, and the claim by the last characters of its number.

Belongs here: translating overall segment numbers into places that people can find. Does not belong here: counting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hcip_pipeline.intake.hospital.receipts import RuleCount
from hcip_pipeline.intake.hospital.submission_database import SubmissionDatabase

#: Characters of an account number that a message shows; it never shows all of them.
_SHOWN = 4

#: SQL for the claim and the cell, over located rows of findings.
LABELED = "'claim ' || claim || case when value <> '' then ': ' || value else '' end"


def redacted_claim(account: str) -> str:
    """SQL for the last characters of an account number."""
    return f"'…' || right({account}, least({_SHOWN}, greatest(length({account}) - 1, 0)))"


def in_files(rows: str) -> str:
    """SQL: add to the rows of a query with ``row`` (an overall segment number) their file and segment number in it."""
    return (
        "select q.*, f.name as bill_file, q.row - f.first_row + 1 as segment"
        f" from ({rows}) q asof join raw_files f on q.row >= f.first_row"
    )


def located(table: str, rows: str) -> str:
    """Like :func:`in_files`, with the claim as well, for rows of ``table``."""
    account = redacted_claim("coalesce(b.account_no, '')")
    claims = "raw_bills" if table == "discharges" else "raw_charges"
    return f"select p.*, {account} as claim from ({in_files(rows)}) p left join {claims} b on b.row = p.row"


def place_of(database: SubmissionDatabase, row: int) -> tuple[str, int, str]:
    """File, segment in the file, and redacted claim of a bill, given its overall segment number."""
    file, segment, claim = database.one(
        f"select bill_file, segment, claim from ({located('discharges', f'select {row}::bigint as row')})"
    )
    return file, int(segment), claim


def with_places(database: SubmissionDatabase, counts: Sequence[RuleCount]) -> tuple[RuleCount, ...]:
    """The counts, each with its first places: file, segment and claim."""
    return tuple(_with_places(database, count) if count.lines else count for count in counts)


def _with_places(database: SubmissionDatabase, count: RuleCount) -> RuleCount:
    rows = database.run(
        located(count.table, "select unnest($1::bigint[]) as row") + " order by p.row", [list(count.lines)]
    ).fetchall()
    places = tuple(f"{file} segment {segment}, claim {claim}" for _, file, segment, claim in rows)
    return replace(count, lines=tuple(int(row[2]) for row in rows), places=places)

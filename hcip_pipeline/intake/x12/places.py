"""Where a row of bills came from: its file, its segment there, and the claim by the last signs of its number.

Belongs here: from the number of a segment among all to what people look for. Does not belong here: counting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hcip_pipeline.intake.hospital.receipts import RuleCount
from hcip_pipeline.intake.hospital.submission_database import SubmissionDatabase

#: Signs of an account number that a message shows, and never all of it.
_SHOWN = 4

#: SQL, over rows of findings that are located: the claim, and the cell.
LABELED = "'claim ' || claim || case when value <> '' then ': ' || value else '' end"


def redacted_claim(account: str) -> str:
    """SQL of an account number by its last signs."""
    return f"'…' || right({account}, least({_SHOWN}, greatest(length({account}) - 1, 0)))"


def in_files(rows: str) -> str:
    """SQL: rows of a query with ``row`` (a segment among all), with their file and their segment in it besides."""
    return (
        "select q.*, f.name as bill_file, q.row - f.first_row + 1 as segment"
        f" from ({rows}) q asof join raw_files f on q.row >= f.first_row"
    )


def located(table: str, rows: str) -> str:
    """The same with the claim besides, of rows of ``table``."""
    account = redacted_claim("coalesce(b.account_no, '')")
    claims = "raw_bills" if table == "discharges" else "raw_charges"
    return f"select p.*, {account} as claim from ({in_files(rows)}) p left join {claims} b on b.row = p.row"


def place_of(database: SubmissionDatabase, row: int) -> tuple[str, int, str]:
    """File, segment in it, and redacted claim of a bill, by the number of its segment among all."""
    file, segment, claim = database.one(
        f"select bill_file, segment, claim from ({located('discharges', f'select {row}::bigint as row')})"
    )
    return file, int(segment), claim


def with_places(database: SubmissionDatabase, counts: Sequence[RuleCount]) -> tuple[RuleCount, ...]:
    """The counts with the first places of each: file, segment and claim."""
    return tuple(_with_places(database, count) if count.lines else count for count in counts)


def _with_places(database: SubmissionDatabase, count: RuleCount) -> RuleCount:
    rows = database.run(
        located(count.table, "select unnest($1::bigint[]) as row") + " order by p.row", [list(count.lines)]
    ).fetchall()
    places = tuple(f"{file} segment {segment}, claim {claim}" for _, file, segment, claim in rows)
    return replace(count, lines=tuple(int(row[2]) for row in rows), places=places)

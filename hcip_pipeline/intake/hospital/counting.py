"""Rows, dollars and rules of a submission, counted from the working tables of ``outcomes``.

Belongs here: the counts of a receipt. Does not belong here: deciding the outcome of a row (``outcomes``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from hcip_pipeline.intake.hospital import limits
from hcip_pipeline.intake.hospital.cost_factors import UNMAPPED
from hcip_pipeline.intake.hospital.edits import DRG_CODE, MARKS, Check, redacted
from hcip_pipeline.intake.hospital.outcomes import lines_by_code
from hcip_pipeline.intake.hospital.receipts import RuleCount, Tally
from hcip_pipeline.intake.hospital.statements import statement
from hcip_pipeline.intake.hospital.submission_database import SubmissionDatabase
from hcip_pipeline.rules.hospital import RULES

#: Number of rows of each rule that are listed by line; all are counted.
_LISTED = 10


@dataclass(frozen=True)
class TableCount:
    """Rows and dollars of one file; rows that repeat an earlier one byte for byte are counted separately."""

    read: int = 0
    accepted: int = 0
    quarantined: int = 0
    error_rows: int = 0
    dollars_read: Decimal = Decimal(0)
    dollars_accepted: Decimal = Decimal(0)
    dollars_quarantined: Decimal = Decimal(0)
    repeated: int = 0
    dollars_repeated: Decimal = Decimal(0)

    @property
    def tallies(self) -> tuple[Tally, Tally]:
        """Counts for discharges and charge lines."""
        rows = Tally(Decimal(self.read), Decimal(self.accepted), Decimal(self.quarantined))
        return rows, Tally(self.dollars_read, self.dollars_accepted, self.dollars_quarantined)


@dataclass(frozen=True)
class SubmissionCounts:
    """Counts over a submission; rates are shares of rows read.

    Attributes:
        discharges, charges: rows read, without repeated ones.
        unmapped, unmapped_dollars, dollars: charge lines without a rate center, their dollars, and all dollars.
    """

    tables: dict[str, TableCount] = field(default_factory=dict)
    rules: tuple[RuleCount, ...] = ()
    rate_centers: tuple[str, ...] = ()
    discharges: int = 0
    charges: int = 0
    npi_missing: int = 0
    patient_id_missing: int = 0
    unmapped: int = 0
    unmapped_dollars: Decimal = Decimal(0)
    dollars: Decimal = Decimal(0)


def count(
    database: SubmissionDatabase,
    tables: tuple[str, ...],
    d_warnings: list[Check],
    c_warnings: list[Check],
    *,
    any_found: bool,
) -> SubmissionCounts:
    """Rows, dollars and rules, counted independently of one another so that they can be reconciled.

    Args:
        any_found: the result of ``outcomes.decide``.
    """
    quarantined: dict[str, tuple[int, int]] = {}
    rules_met: list[RuleCount] = []
    if any_found:
        quarantined, rules_met = _count_found(database)
    result: dict[str, TableCount] = {}
    more: dict[str, Any] = {}
    if "discharges" in tables:
        more |= _count_discharges(database, quarantined.get("discharges", (0, 0)), result, rules_met, d_warnings)
    if "charges" in tables:
        # Without discharges next to them (a single file is checked) lines are kept unless broken by themselves.
        with_fate = "join fate using (account_no) where k is not null and not broken"
        kept = with_fate if "discharges" in tables else "where not broken"
        by_code = "all_codes"
        if any_found:  # usually not; then the lines need not be read again
            database.run(f"create table by_code as {lines_by_code(f'c {kept}', c_warnings)}")
            by_code = "by_code"
        more |= _count_charges(database, by_code, quarantined.get("charges", (0, 0)), result, rules_met, c_warnings)
    return SubmissionCounts(tables=result, rules=tuple(rules_met), **more)


def _count_found(database: SubmissionDatabase) -> tuple[dict[str, tuple[int, int]], list[RuleCount]]:
    """By file, the quarantined rows and those of them that break a rule themselves; and every broken ERROR rule."""
    database.run(statement("findings", redacted=redacted("value", '"column"')))
    following = ", ".join(f"'{rule.id}'" for rule in RULES.values() if rule.follows)
    counts = database.run(statement("quarantined_rows", following=following)).fetchall()
    by_rule = database.run(statement("findings_by_rule", listed=_LISTED)).fetchall()
    return (
        {row[0]: (row[1], row[2]) for row in counts},
        [RuleCount(row[0], row[1], row[2], row[3], tuple(row[4])) for row in by_rule],
    )


def _count_discharges(
    database: SubmissionDatabase,
    bad: tuple[int, int],
    result: dict[str, TableCount],
    found: list[RuleCount],
    warnings: list[Check],
) -> dict[str, Any]:
    low, high = limits.COST_TO_CHARGE_BOUNDS
    unlikely = f"total_charges > 0 and (cost < total_charges * {low} or cost > total_charges * {high})"
    asked = [*_with_marks(database, "d", warnings), Check("D-COST-TO-CHARGE", "total_charges", unlikely)]
    flags = [f"{_counted_on(check.rule)} and ({check.sql})" for check in asked]
    row = database.one(statement("count_discharges", warnings=flags, listed=_LISTED, drg_code=DRG_CODE))
    result["discharges"] = TableCount(row[0], row[1], *bad, *row[2:5])
    found += [
        RuleCount(check.rule, "discharges", check.column, rows, tuple(lines))
        for check, rows, lines in zip(asked, row[7::2], row[8::2], strict=True)
        if rows
    ]
    return {"discharges": row[0], "npi_missing": row[5], "patient_id_missing": row[6]}


def _with_marks(database: SubmissionDatabase, table: str, warnings: list[Check]) -> list[Check]:
    """The checks whose mark some row has. Usually no row has any, and one query for all marks is cheaper."""
    marks = [check.sql for check in warnings if check.sql.endswith(MARKS)]
    found = database.one(f"select {', '.join(f'coalesce(bool_or({mark}), false)' for mark in marks)} from {table}")
    unmet = {mark for mark, is_met in zip(marks, found, strict=True) if not is_met}
    return [check for check in warnings if check.sql not in unmet]


def _counted_on(rule: str) -> str:
    """The rows on which a warning is counted: all that were read, or accepted rows if it depends on several cells."""
    return "kept" if rule in ("D-STAY-LONG", "D-AGE", "D-COST-TO-CHARGE") else "shape_ok"


def _count_charges(
    database: SubmissionDatabase,
    by_code: str,
    bad: tuple[int, int],
    result: dict[str, TableCount],
    found: list[RuleCount],
    warnings: list[Check],
) -> dict[str, Any]:
    total = limits.TOTAL_REVENUE_CODE
    lines_read, dollars_read, accepted, dollars_accepted, centers = database.one(
        statement("count_charges", by_code=by_code, total=total)
    )
    unmapped, unmapped_dollars, warned = database.one(statement("count_unmapped", unmapped=UNMAPPED))
    refused = database.one(statement("quarantined_charges", total=total)) if bad[0] else (Decimal(0),)
    result["charges"] = TableCount(int(lines_read), int(accepted), *bad, dollars_read, dollars_accepted, refused[0])
    if warned:
        found += _warnings(database, "charges", "(from c where not broken)", warnings)
    if unmapped:
        rows, lines = database.one(statement("unmapped_lines", listed=_LISTED, unmapped=UNMAPPED))
        if rows:
            found.append(RuleCount("C-REVENUE-CODE-UNMAPPED", "charges", "revenue_code", rows, tuple(lines)))
    return {
        "charges": int(lines_read),
        "unmapped": int(unmapped),
        "unmapped_dollars": unmapped_dollars,
        "dollars": dollars_read,
        "rate_centers": tuple(sorted(centers)),
    }


def _warnings(database: SubmissionDatabase, table: str, kept: str, checks: list[Check]) -> list[RuleCount]:
    reported = ", ".join(f"count(*) filter ({c.sql}), min(row, {_LISTED}) filter ({c.sql})" for c in checks)
    row = database.one(f"select {reported} from {kept}")
    return [
        RuleCount(check.rule, table, check.column, rows, tuple(lines))
        for check, rows, lines in zip(checks, row[::2], row[1::2], strict=True)
        if rows
    ]

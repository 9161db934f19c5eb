"""Data quality by hospital and quarter: how often each rule was broken, against a year before and the state.

Belongs here: rates read off receipts, worst first, with the way out; their suppression and their page.
Does not belong here: a rule, or a count of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal

import polars as pl

from hcip_pipeline.contracts.hospital import DATA_QUALITY
from hcip_pipeline.home import Home
from hcip_pipeline.intake.hospital import pages
from hcip_pipeline.intake.hospital.ingest import receipts
from hcip_pipeline.intake.hospital.receipts import SubmissionReceipt
from hcip_pipeline.intake.hospital.rules import RULES
from hcip_pipeline.periods import Quarter

_PLACES = Decimal("1e-8")
_SCHEMA = {column.name: column.polars_type for column in DATA_QUALITY.columns}

#: table, rule, column
_Key = tuple[str, str, str]
#: rows that break it; None for a rule about the submission as a whole
_Counts = dict[_Key, int | None]


def data_quality(home: Home, quarters: Iterable[Quarter], *, small_cell_threshold: int = 0) -> pl.DataFrame:
    """Rates by rule in the columns of ``DATA_QUALITY``.

    Every hospital counts with the version in force, or with its newest one where none was accepted.

    Args:
        small_cell_threshold: for a table that leaves a hospital: counts of 1 to this are left empty with their rates,
            and so is the state's rate where it would tell them.

    Returns:
        By quarter, worst first: what refuses a submission, then what quarantines rows, then warnings; each by rate.
    """
    rows: list[dict[str, object]] = []
    for quarter in sorted(set(quarters)):
        now, before = _by_hospital(home, quarter), _by_hospital(home, quarter.year_before())
        state = _State(now.values(), small_cell_threshold)
        for ccn, receipt in now.items():
            old = before.get(ccn)
            for key, count in _counts(receipt).items():
                rows.append(_row(receipt, old, key, count, state))
    return _worst_first(pl.DataFrame(rows, schema=_SCHEMA))


class _State:
    """Counts over all hospitals of a quarter, and which of them are too small to tell."""

    def __init__(self, of_quarter: Iterable[SubmissionReceipt], threshold: int) -> None:
        self.threshold = threshold
        self.counts: Counter[_Key] = Counter()
        self.read: Counter[str] = Counter()
        self.with_small: set[_Key] = set()
        for receipt in of_quarter:
            for table in ("discharges", "charges"):
                self.read[table] += receipt.rows(table, "read")
            for key, count in _counts(receipt).items():
                if count is not None:
                    self.counts[key] += count
                    if self.is_small(count):
                        self.with_small.add(key)

    def is_small(self, count: int | None) -> bool:
        return count is not None and 1 <= count <= self.threshold

    def rate(self, key: _Key) -> Decimal | None:
        """Empty where one hospital's count is: what the others have would tell it."""
        return None if key in self.with_small else _rate(self.counts[key], self.read[key[0]])


def _row(
    receipt: SubmissionReceipt, old: SubmissionReceipt | None, key: _Key, count: int | None, state: _State
) -> dict[str, object]:
    table, name, column = key
    rule = RULES[name]
    told = None if state.is_small(count) else count
    old_count = (_counts(old).get(key) or 0) if old and count is not None else None
    old_told = None if state.is_small(old_count) else old_count
    return {
        "quarter": receipt.quarter,
        "hospital_ccn": receipt.ccn,
        "table": table,
        "rule": name,
        "column": column,
        "severity": rule.severity,
        "status": receipt.status,
        "rows": told,
        "rows_read": receipt.rows(table, "read") if table else None,
        "rate": _rate(told, receipt.rows(table, "read")),
        "year_before_rate": _rate(old_told, old.rows(table, "read")) if old else None,
        "state_rate": state.rate(key) if count is not None else None,
        "description": rule.description,
        "fix": rule.fix,
    }


def data_quality_page(frame: pl.DataFrame, ccn: str, name: str) -> str:
    """A hospital's own page, one section a quarter, newest first."""
    own = frame.filter(pl.col("hospital_ccn") == ccn)
    quarters = sorted(set(own.get_column("quarter").to_list()), reverse=True)
    sections = [{"heading": quarter, "rows": _rows(own.filter(pl.col("quarter") == quarter))} for quarter in quarters]
    return pages.quality_page(f"Data quality: {name}", f"Hospital {ccn}", sections)


def state_page(frame: pl.DataFrame, names: dict[str, str]) -> str:
    """All hospitals by quarter, worst first, for the people who run the program."""
    quarters = sorted(set(frame.get_column("quarter").to_list()), reverse=True)
    sections = []
    for quarter in quarters:
        rows = _rows(frame.filter(pl.col("quarter") == quarter))
        for row in rows:
            row["hospital"] = names.get(str(row["hospital_ccn"]), str(row["hospital_ccn"]))
        sections.append({"heading": quarter, "rows": rows})
    return pages.quality_page("Data quality", "All hospitals", sections)


def _rows(frame: pl.DataFrame) -> list[dict[str, object]]:
    """Rows of a page: a few dozen rules."""
    rows = frame.to_dicts()
    widest = max((row["rate"] or Decimal(0) for row in rows), default=Decimal(0)) or Decimal(1)
    for row in rows:
        row["bar"] = f"{(row['rate'] or 0) / widest * 100:.1f}"
        row["refuses"] = RULES[row["rule"]].refuses
    return rows


def _by_hospital(home: Home, quarter: Quarter) -> dict[str, SubmissionReceipt]:
    chosen: dict[str, SubmissionReceipt] = {}
    for receipt in receipts(home, quarter):  # by hospital and version
        earlier = chosen.get(receipt.ccn)
        if receipt.ccn and (earlier is None or receipt.in_force or not earlier.in_force):
            chosen[receipt.ccn] = receipt
    return chosen


def _counts(receipt: SubmissionReceipt) -> _Counts:
    counts: _Counts = {(count.table, count.rule, count.column): count.rows for count in receipt.rules}
    return counts | {("", problem.rule, ""): None for problem in receipt.problems}


def _rate(rows: int | None, read: int) -> Decimal | None:
    if rows is None or not read:
        return None
    return (Decimal(rows) / Decimal(read)).quantize(_PLACES, rounding=ROUND_HALF_UP)


def _worst_first(frame: pl.DataFrame) -> pl.DataFrame:
    refusing = [rule.id for rule in RULES.values() if rule.refuses]
    order = (
        pl.when(pl.col("rule").is_in(refusing))
        .then(0)
        .otherwise(pl.col("severity").replace_strict({"ERROR": 1, "WARN": 2, "SUBMISSION": 3}, default=3))
    )
    by: Sequence[pl.Expr | str] = ("quarter", order, "rate", "hospital_ccn", "table", "rule", "column")
    return frame.sort(by, descending=[False, False, True, False, False, False, False], nulls_last=True)

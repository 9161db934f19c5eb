"""Data quality by hospital and quarter: how often each rule was broken, compared with a year earlier and the state.

Belongs here: counts taken from receipts, and their rates, worst first, with the fix. Does not belong here: any rule or
counting; what may leave a hospital, and the pages of a release (``release.data_quality``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import polars as pl

from hcip_pipeline.contracts.hospital import DATA_QUALITY
from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.hospital.ingest import receipts
from hcip_pipeline.intake.hospital.receipts import SubmissionReceipt
from hcip_pipeline.periods import Quarter
from hcip_pipeline.rules.hospital import RULES
from hcip_pipeline.rules.rule import Rule

#: Instead of a hospital: all hospitals of a quarter. Instead of a table: a rule on a whole submission. Instead of a
#: column: a rule on a whole row.
STATE = "STATE"
SUBMISSION = "submission"
WHOLE = "(whole)"

_PLACES = Decimal("1e-8")
_SCHEMA = DATA_QUALITY.schema
_COUNTED = {name: _SCHEMA[name] for name in (*DATA_QUALITY.key, "status", "rows", "rows_read")}
_TABLES = ("discharges", "charges")

#: A function that returns the receipts of a quarter.
Received = Callable[[Quarter], Sequence[SubmissionReceipt]]

#: table, rule, column
_Key = tuple[str, str, str]


def counted(home: Home, quarters: Iterable[Quarter], received: Received | None = None) -> pl.DataFrame:
    """Rows by rule, for the quarters and the same quarters a year earlier: each hospital's, and ``STATE``'s.

    Every hospital counts with the version in force, or with its newest one if none was accepted. A file in which no
    rule was broken still has a row, with an empty rule, so that a rate of zero differs from a missing file.

    Args:
        received: returns the receipts of a quarter, by hospital and version; None: the home's current receipts.

    Returns:
        The key of ``DATA_QUALITY``, status, rows (empty for a rule on a whole submission) and rows_read.
    """
    rows: list[dict[str, Any]] = []
    for quarter in sorted({each for q in quarters for each in (q, q.year_before())}):
        total: Counter[_Key] = Counter()
        read: Counter[str] = Counter()
        for receipt in _by_hospital(received(quarter) if received else receipts(home, quarter)).values():
            counts = _counts(receipt)
            for table in _TABLES:
                read[table] += receipt.rows(table, "read")
            for (table, rule, column), count in counts.items():
                whose = (str(quarter), receipt.ccn, table, rule, column, receipt.status)
                rows.append(_counted_row(*whose, count, receipt.rows(table, "read") if table in _TABLES else None))
                if count is not None:
                    total[table, rule, column] += count
        for (table, rule, column), count in total.items():
            rows.append(_counted_row(str(quarter), STATE, table, rule, column, None, count, read[table]))
    return pl.DataFrame(rows, schema=_COUNTED)


def _counted_row(*cells: object) -> dict[str, Any]:
    return dict(zip(_COUNTED, cells, strict=True))


def _by_hospital(received: Iterable[SubmissionReceipt]) -> dict[str, SubmissionReceipt]:
    chosen: dict[str, SubmissionReceipt] = {}
    for receipt in received:
        earlier = chosen.get(receipt.ccn)
        if receipt.ccn and (earlier is None or receipt.in_force or not earlier.in_force):
            chosen[receipt.ccn] = receipt
    return chosen


def _counts(receipt: SubmissionReceipt) -> dict[_Key, int | None]:
    counts: dict[_Key, int | None] = {(table, "", WHOLE): 0 for table in _TABLES if receipt.rows(table, "read")}
    counts |= {(count.table, count.rule, count.column or WHOLE): count.rows for count in receipt.rules}
    return counts | {(SUBMISSION, problem.rule, WHOLE): None for problem in receipt.problems}


def data_quality(counts: pl.DataFrame, quarters: Iterable[Quarter]) -> pl.DataFrame:
    """Rates in the columns of ``DATA_QUALITY``.

    Args:
        counts: as ``counted`` returns them; a column ``suppressed`` lists the hidden columns of a row.

    Returns:
        By quarter, worst first: rules that refuse a submission, rules that quarantine rows, rows that follow those,
        warnings, remarks; each by rate.
    """
    every = counts.to_dicts()  # rules by hospital and quarter: a few thousand at most
    by_key = {tuple(row[name] for name in DATA_QUALITY.key): row for row in every}
    read = {(row["quarter"], row["hospital_ccn"], row["table"]): row["rows_read"] for row in every}
    reported = []
    for quarter in sorted(set(quarters)):
        before = str(quarter.year_before())
        for row in every:
            if row["quarter"] == str(quarter) and row["rule"]:
                reported.append(_with_rates(row, by_key, read, before))
    return _worst_first(pl.DataFrame(reported, schema=_SCHEMA))


def _with_rates(
    row: dict[str, Any],
    by_key: Mapping[tuple[Any, ...], dict[str, Any]],
    read: Mapping[tuple[str, str, str], int | None],
    before: str,
) -> dict[str, Any]:
    rule = RULES[row["rule"]]
    what = (row["table"], row["rule"], row["column"])
    hidden = ["rows", "rate"] if _is_hidden(row) else []
    rates: dict[str, Decimal | None] = {"rate": _rate(row["rows"], row["rows_read"])}
    is_counted = row["rows_read"] is not None
    if not is_counted and row["table"] != SUBMISSION:
        hidden += ["rows_read", "rate"]
    for name, quarter, ccn in (
        ("year_before_rate", before, row["hospital_ccn"]),
        ("state_rate", row["quarter"], STATE),
    ):
        other = by_key.get((quarter, ccn, *what), {"rows": 0})
        of_file = (quarter, ccn, row["table"])
        rates[name] = _rate(other["rows"], read.get(of_file)) if is_counted else None
        hides_file = row["table"] != SUBMISSION and of_file in read and (read[of_file] is None or not is_counted)
        if hides_file or (is_counted and _is_hidden(other)):
            hidden.append(name)
    facts = {name: row[name] for name in _COUNTED}
    words = {"severity": rule.severity, "description": rule.description, "fix": rule.fix}
    return facts | words | rates | {"suppressed": "|".join(dict.fromkeys(hidden)) or None}


def _is_hidden(row: Mapping[str, Any]) -> bool:
    return "rows" in (row.get("suppressed") or "").split("|")


def _rate(rows: int | None, read: int | None) -> Decimal | None:
    if rows is None or not read:
        return None
    return (Decimal(rows) / Decimal(read)).quantize(_PLACES, rounding=ROUND_HALF_UP)


def _worst_first(frame: pl.DataFrame) -> pl.DataFrame:
    order = pl.col("rule").replace_strict({rule.id: _rank(rule) for rule in RULES.values()}, return_dtype=pl.Int8)
    by: Sequence[pl.Expr | str] = ("quarter", order, "rate", "hospital_ccn", "table", "rule", "column")
    return frame.sort(by, descending=[False, False, True, False, False, False, False], nulls_last=True)


def _rank(rule: Rule) -> int:
    if rule.severity == "SUBMISSION":
        return 0 if rule.refuses else 4
    if rule.severity == "ERROR":
        return 2 if rule.follows else 1
    return 3

"""Judging the rows of a public file: every rule by its SQL, and each row either in quarantine or accepted.

Belongs here: code for the files of every state. Does not belong here: the rules and what a cell means.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from hcip_pipeline.contracts.table import LIMITS
from hcip_pipeline.rules.catalog import find_rule
from hcip_pipeline.rules.problem import Problem

#: The shape of a cell without its content: letters as ``A``, digits as ``9``.
_REDACTED = "regexp_replace(regexp_replace(left(coalesce({}, ''), 24), '[\\pL]', 'A', 'g'), '[0-9]', '9', 'g')"
_MONEY = r"\$?\s*([0-9]+|[0-9]{1,3}(,[0-9]{3})+)(\.[0-9]*)?"


@dataclass(frozen=True)
class Edit:
    """How one rule is evaluated.

    Attributes:
        rule: its id (``rules``).
        column: the printed column that it judges; empty for the row as a whole.
        broken: SQL over the printed columns and their readings, true for a breach; may name ``$values``.
        shown: the printed column whose shape quarantine shows, if it is not ``column``.
    """

    rule: str
    column: str
    broken: str
    shown: str = ""

    @property
    def keeps_row(self) -> bool:
        """Whether a row that breaks the rule is accepted and counted; otherwise it is quarantined."""
        return find_rule(self.rule).severity == "WARN"


def text(column: str) -> str:
    """SQL for a cell's text; null if it is blank."""
    return f"nullif(trim({column}), '')"


def labels(cell: str, codes: Mapping[str, str]) -> str:
    """SQL for the code of a label, regardless of case; null for an unknown label."""
    whens = " ".join(f"when '{label}' then '{code}'" for label, code in codes.items())
    return f"case lower({cell}) {whens} end"


def money(column: str, *, signed: bool = False) -> str:
    """SQL for an amount in dollars; null if the cell is not an amount, or is over the limit for money."""
    cell = f"trim({column})"
    amount = f"try_cast(regexp_replace({cell}, '[$,\\s]', '', 'g') as decimal(18,2))"
    pattern = f"-?{_MONEY}" if signed else _MONEY
    size = f"abs({amount})" if signed else amount
    return f"case when regexp_full_match({cell}, '{pattern}') and {size} <= {LIMITS['money'][1]} then {amount} end"


@contextmanager
def study_database(near: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory DuckDB database that spills to a folder next to the study's tables."""
    with tempfile.TemporaryDirectory(prefix=".spill-", dir=near) as spill:
        database = duckdb.connect(config={"temp_directory": spill})
        try:
            yield database
        finally:
            database.close()


def number(database: duckdb.DuckDBPyConnection, sql: str) -> int:
    """The whole number that a query returns; 0 if it returns none."""
    row = database.execute(sql).fetchone()
    return int(row[0]) if row and row[0] is not None else 0


def judge(
    database: duckdb.DuckDBPyConnection,
    file_name: str,
    edits: Sequence[Edit],
    *,
    strays: Sequence[Edit] = (),
    malformed: tuple[str, str] | None = None,
    values: Mapping[str, object] | None = None,
    suffix: str = "",
) -> None:
    """Judge the rows of ``cells<suffix>``, which has a ``source_row``.

    Creates ``broken<suffix>`` (one row per row and rule), ``quarantine<suffix>`` (those of them that break an ERROR)
    and the view ``accepted<suffix>`` (the other rows).

    Args:
        strays: rules for rows that do not belong in the file; no other rule is judged on such a row.
        malformed: the rule on lines that are not rows, and SQL for their ``source_row``.
        values: the values of ``$names`` in the rules' SQL.
    """
    cells, broken, accepted = f"cells{suffix}", f"broken{suffix}", f"accepted{suffix}"
    given = values or {}
    database.execute(
        f"create or replace table {broken} "
        "(source_row bigint, column_name varchar, rule varchar, redacted_value varchar)"
    )
    if malformed:
        rule, lines = malformed
        database.execute(f"insert into {broken} select source_row, '', ?, '' from ({lines})", [rule])

    def insert(edit: Edit, rows: str) -> None:
        cell = edit.shown or edit.column
        redacted = _REDACTED.format(cell) if cell else "''"
        used = {name: value for name, value in given.items() if f"${name}" in edit.broken}
        database.execute(
            f"insert into {broken} select source_row, '{edit.column}', '{edit.rule}', {redacted} "
            f"from {rows} where {edit.broken}",
            used,
        )

    for edit in strays:
        insert(edit, cells)
    database.execute(
        f"""create or replace table stray{suffix} as select source_row from {broken};
        create or replace view discharged{suffix} as from {cells} anti join stray{suffix} using (source_row)"""
    )
    for edit in edits:
        if not edit.keeps_row:
            insert(edit, f"discharged{suffix}")
    database.execute(f"create or replace table quarantine{suffix} as select ? as file, * from {broken}", [file_name])
    database.execute(
        f"create or replace view {accepted} as from {cells} anti join quarantine{suffix} using (source_row)"
    )
    for edit in edits:
        if edit.keeps_row:
            insert(edit, accepted)


def counted_problems(
    database: duckdb.DuckDBPyConnection, rules: Sequence[str], file_name: str = "", *, suffix: str = ""
) -> list[Problem]:
    """Each rule that rows broke in the last call of ``judge``, in the order of ``rules``, with the first such row."""
    found = database.execute(f"select rule, count(*), min(source_row) from broken{suffix} group by rule").fetchall()
    counts = {rule: (rows, first if file_name else None) for rule, rows, first in found}
    return [
        Problem(rule, find_rule(rule).description, counts[rule][1], file=file_name, rows=counts[rule][0])
        for rule in rules
        if rule in counts
    ]

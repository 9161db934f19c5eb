"""Reading, judging and counting the files of one delivery (a quarter, a year).

Belongs here: the steps that are the same for every state. Does not belong here: what a cell means and which rules there
are, which a state defines in ``StateFiles`` and its edits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from hcip_pipeline.contracts.public_layouts import read_layouts
from hcip_pipeline.files.received import Ceiling
from hcip_pipeline.intake.state_files.edits import Edit, counted_problems, judge, number
from hcip_pipeline.intake.state_files.layouts import recognize
from hcip_pipeline.intake.state_files.lines import read_lines, scan
from hcip_pipeline.rules.catalog import find_rule
from hcip_pipeline.rules.problem import Problem


@dataclass(frozen=True)
class StateFiles:
    """The properties of a state's files.

    Attributes:
        layouts: name of the layout data (``contracts/data/<layouts>.yaml``); empty if every file has a header.
        rules: prefix of the ids of its rules: ``TEXAS`` for ``TEXAS-LAYOUT``, ``-MALFORMED-ROW``, ``-TOO-LARGE`` and
            ``-UNREADABLE``, which every state has.
        fields: table -> its fields that are read.
        ceiling: of one file.
    """

    layouts: str
    rules: str
    fields: Mapping[str, Sequence[str]]
    ceiling: Ceiling


@dataclass(frozen=True)
class PublicFile:
    """A file that was read; ``rows_read`` = ``accepted`` + ``quarantined``; ``error_rows`` have faults of their own."""

    delivery: str
    table: str
    file: str
    form: str
    sha256: str
    rows_read: int
    accepted: int
    error_rows: int

    @property
    def quarantined(self) -> int:
        """The number of rows left out."""
        return self.rows_read - self.accepted


class FileReader:
    """Reads the files of one delivery.

    Args:
        database: gets the tables.
        state: the properties of the state's files.
        delivery: the name of the delivery, such as ``2019Q1``.
        folder: the folder to which file names in messages are relative.
        paths: table -> its file.

    Raises:
        HcipError: a file has no known layout.
    """

    def __init__(
        self,
        database: duckdb.DuckDBPyConnection,
        state: StateFiles,
        delivery: str,
        folder: Path,
        paths: Mapping[str, Path],
    ) -> None:
        self.database, self.delivery, self.paths = database, delivery, paths
        self.names = {table: path.relative_to(folder).as_posix() for table, path in paths.items()}
        self.files: list[PublicFile] = []
        self.problems: list[Problem] = []
        self._state = state
        self._read: dict[str, tuple[int, str]] = {}  # table -> rows and hash
        self._encodings: dict[str, str] = {}
        layouts = read_layouts(state.layouts) if state.layouts else {}
        self._forms = {
            table: recognize(path, layouts.get(table, ()), state.fields[table], state.ceiling, self._rule("LAYOUT"))
            for table, path in paths.items()
        }

    def _rule(self, name: str) -> str:
        return f"{self._state.rules}-{name}"

    def lines(self, table: str, name: str, readings: Mapping[str, str] | None = None) -> None:
        """Create the table ``name`` of a file's cells with their readings; ``malformed_<name>`` has the other lines.

        Args:
            readings: name -> SQL over the cells, which have the names of their fields in lower case.

        Raises:
            HcipError: the file is over its ceiling, or is not text.
            ValueError: a reading has the name of a field.
        """
        if same := {field.lower() for field in self._state.fields[table]} & set(readings or {}):
            raise ValueError(f"a reading needs a name that no field has: {', '.join(sorted(same))}")
        path, unreadable = self.paths[table], self._rule("UNREADABLE")
        scanned = scan(path, self._state.ceiling, self._rule("TOO-LARGE"), unreadable=unreadable)
        rows = read_lines(
            self.database,
            scanned,
            self._forms[table],
            self._state.fields[table],
            name,
            readings=", ".join(f"{sql} as {column}" for column, sql in (readings or {}).items()),
            rule=unreadable,
        )
        self._read[table] = (rows, scanned.sha256)
        self._encodings[table] = "" if scanned.encoding == "utf-8" else f", in {scanned.encoding.capitalize()}"

    def count_lines(self, table: str, name: str) -> None:
        """Count the rows of a file that is judged only by the form of its lines."""
        accepted = number(self.database, f"select count(*) from {name}")
        faulty = self._read[table][0] - accepted
        if faulty:
            first = number(self.database, f"select min(source_row) from malformed_{name}")
            self.note(self._rule("MALFORMED-ROW"), table, faulty, first)
        self._add_file(table, accepted, faulty)

    def judge(
        self,
        table: str,
        name: str,
        edits: Sequence[Edit],
        *,
        suffix: str = "",
        values: Mapping[str, object] | None = None,
    ) -> None:
        """Judge the rows of ``cells<suffix>``, made from the file that was read as ``name``, and count them.

        Args:
            values: the values of ``$names`` in the rules' SQL.
        """
        malformed = self._rule("MALFORMED-ROW")
        lines = f"from malformed_{name}"
        judge(self.database, self.names[table], edits, malformed=(malformed, lines), values=values, suffix=suffix)
        rules = (malformed, *(edit.rule for edit in edits))
        quarantined = f"select count(distinct source_row) from quarantine{suffix}"
        follows = ", ".join(f"'{rule}'" for rule in rules if find_rule(rule).follows) or "''"
        accepted = number(self.database, f"select count(*) from accepted{suffix}")
        left_out = number(self.database, quarantined)
        rows = self._read[table][0]
        if rows != accepted + left_out:
            raise AssertionError(f"{rows} rows read, {accepted} accepted and {left_out} quarantined")
        self.problems += counted_problems(self.database, rules, self.names[table], suffix=suffix)
        self._add_file(table, accepted, number(self.database, f"{quarantined} where rule not in ({follows})"))

    def note(self, rule: str, table: str, rows: int, first: int) -> None:
        """Record how many rows of a file break a rule."""
        self.problems.append(Problem(rule, find_rule(rule).description, first, file=self.names[table], rows=rows))

    def rows_under(self, rule: str) -> tuple[int, int]:
        """How many rows break a rule, and the first of them; zeros if none do."""
        found = next((problem for problem in self.problems if problem.rule == rule), None)
        return (found.rows or 0, found.row or 0) if found else (0, 0)

    def _add_file(self, table: str, accepted: int, faulty: int) -> None:
        rows, sha256 = self._read[table]
        words = self._forms[table].words + self._encodings[table]
        self.files.append(PublicFile(self.delivery, table, self.names[table], words, sha256, rows, accepted, faulty))

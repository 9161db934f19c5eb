"""The engine that one submission at a time is judged in: its settings, its working tables, statements read once.

Belongs here: how SQL is run for a verdict. Does not belong here: any SQL of a rule (``edits``, ``outcomes``).

A small submission costs what its statements cost to read and plan, whatever it holds: a text that was run before is
not read again, so what differs between submissions is in variables, not in the text.
"""

from __future__ import annotations

import tempfile
from contextlib import suppress
from typing import Any

import duckdb

from hcip_pipeline.intake.hospital.folders import Submission

#: SQL for what the submission on the bench is: its folder's hospital, the first and the last day of its quarter.
CCN = "getvariable('ccn')"
FIRST_DAY = "getvariable('first_day')"
LAST_DAY = "getvariable('last_day')"

_MOST_TEXTS = 256
_parsed: dict[str, list[duckdb.Statement]] = {}


class Bench:
    """A connection of its own, with the tables of one submission in the schema ``work``."""

    def __init__(self) -> None:
        self._spill = tempfile.TemporaryDirectory(prefix="hcip-")  # what memory cannot hold, gone with the bench
        self.con = duckdb.connect(config={"temp_directory": self._spill.name})
        # Working tables live for one submission: compressing them in between costs more than all the edits.
        self.con.execute("set checkpoint_threshold = '1TB'")
        self.con.execute("create schema work; set search_path = 'work,main'")

    def close(self) -> None:
        with suppress(duckdb.Error):  # stopped twice by somebody in a hurry: a thread is still at it, and ends with it
            self.con.close()
        self._spill.cleanup()

    def clear(self, submission: Submission) -> None:
        """Forget the submission before, and say which comes now."""
        quarter = submission.quarter
        self.con.execute(
            "drop schema work cascade; create schema work; set search_path = 'work,main';"
            f" set variable first_day = date '{quarter.start}'; set variable last_day = date '{quarter.end}'"
        )
        self.con.execute("set variable ccn = ?", [submission.ccn])

    def run(self, sql: str, parameters: list[Any] | None = None) -> duckdb.DuckDBPyConnection:
        """Run SQL whose text other submissions will run too."""
        statements = _parsed.get(sql)
        if statements is None:
            if len(_parsed) >= _MOST_TEXTS:  # of files with ever other headers
                _parsed.clear()
            statements = _parsed[sql] = self.con.extract_statements(sql)
        for statement in statements:
            self.con.execute(statement, parameters)
        return self.con

    def one(self, sql: str) -> tuple[Any, ...]:
        """The row of an aggregate."""
        row = self.run(sql).fetchone()
        assert row is not None  # an aggregate always has a row
        return row

"""The database in which submissions are judged one at a time: settings, working tables, statements parsed once.

Belongs here: how SQL is run for a verdict. Does not belong here: any SQL of a rule (``edits``, ``outcomes``).

Values that differ between submissions are variables, so that the text of a statement stays the same (``parsed_sql``).
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb

from hcip_pipeline import parsed_sql
from hcip_pipeline.files.scratch import scratch_folder
from hcip_pipeline.intake.hospital.folders import Submission

#: SQL for the submission in the database: its folder's hospital, and the first and last day of its quarter.
CCN = "getvariable('ccn')"
FIRST_DAY = "getvariable('first_day')"
LAST_DAY = "getvariable('last_day')"

#: Memory of one database: this share of the engine's default (4/5 of the machine or container), since two may judge at
#: the same time, and not more than the largest hospital needs to be judged without spilling to disk.
_SHARE_OF_MEMORY = (2, 5)
_MOST_MEMORY = 4 * 1024**3
_UNITS = {"bytes": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3, "TiB": 1024**4}


@contextmanager
def plain_path(path: Path) -> Iterator[str]:
    """A path that the engine takes literally: a name with glob characters is reached through a link without them."""
    if not any(sign in str(path) for sign in "*?[]{}"):
        yield str(path)
        return
    with scratch_folder("link") as folder:
        link = folder / f"file{path.suffix}"
        link.symlink_to(path.absolute())
        yield str(link)


@functools.cache
def memory_limit() -> int:
    """Bytes of memory that a database may use before it spills to disk."""
    with duckdb.connect() as engine:
        row = engine.execute("select current_setting('memory_limit')").fetchone()
    number, unit = str(row[0] if row else "4 GiB").split()
    return min(_MOST_MEMORY, int(float(number) * _UNITS[unit]) * _SHARE_OF_MEMORY[0] // _SHARE_OF_MEMORY[1])


class SubmissionDatabase:
    """A separate connection, with the tables of one submission in the schema ``work``.

    Args:
        spill: the folder for data that does not fit in memory; the system's temporary folder if there is no home.
    """

    def __init__(self, spill: Path | None = None) -> None:
        if spill is not None:
            spill.mkdir(parents=True, exist_ok=True)
        self._scratch = ExitStack()  # removed with the database
        self.spill = self._scratch.enter_context(scratch_folder("database", spill))
        self.con = duckdb.connect(config={"temp_directory": str(self.spill)})
        if threads := os.environ.get("HCIP_THREADS"):
            self.con.execute(f"set threads = {int(threads)}")
        self.con.execute(f"set memory_limit = '{memory_limit()}B'")
        # Working tables exist for one submission: compressing them meanwhile costs more than all the edits.
        self.con.execute("set checkpoint_threshold = '1TB'")
        self.con.execute("create schema work; set search_path = 'work,main'")

    def close(self) -> None:
        """Close the database."""
        with suppress(duckdb.Error):  # interrupted twice: a thread still uses it and ends with it
            self.con.close()
        self._scratch.close()

    def restart(self) -> None:
        """Drop all findings on the submission, but not the files that were loaded."""
        tables = self.con.execute(
            "select table_name from duckdb_tables() where schema_name = 'work' and not starts_with(table_name, 'raw_')"
        ).fetchall()
        for (name,) in tables:
            self.con.execute(f"drop table work.{name}")

    def clear(self, submission: Submission) -> None:
        """Drop the previous submission's tables, and set the next submission."""
        quarter = submission.quarter
        self.con.execute(
            "drop schema work cascade; create schema work; set search_path = 'work,main';"
            f" set variable first_day = date '{quarter.start}'; set variable last_day = date '{quarter.end}'"
        )
        self.con.execute("set variable ccn = ?", [submission.ccn])

    def run(self, sql: str, parameters: list[Any] | None = None) -> duckdb.DuckDBPyConnection:
        """Run SQL whose text is the same for other submissions."""
        return parsed_sql.execute(self.con, sql, parameters)

    def one(self, sql: str) -> tuple[Any, ...]:
        """The single row of an aggregate query."""
        row = self.run(sql).fetchone()
        assert row is not None  # an aggregate always has a row
        return row

"""Dagster's history of runs against the ledger: a history that was emptied is noticed.

Belongs here: whether the history's files are databases. Does not belong here: what is in them, which is Dagster's.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

from hcip_pipeline.errors import HcipError
from hcip_pipeline.home import Home
from hcip_pipeline.ledger.lines import ledger_path

#: another process may be creating a database just now
_WAIT_SECONDS = 2.0


def check_history(home: Home) -> None:
    """Make sure that the home's history of runs can be opened, where it is kept in SQLite files.

    Raises:
        HcipError: a file of it is empty or no database. Names it and the way out.
    """
    if not ledger_path(home).is_file():
        return  # a new home: whatever is there is being made
    broken = [path for path in sorted(home.dagster.rglob("*.db")) if not _is_database(path)]
    if broken:
        time.sleep(_WAIT_SECONDS)
    for path in broken:
        if not _is_database(path):
            raise HcipError(
                "the history of runs was emptied or is damaged",
                file=path,
                rule="HISTORY-DAMAGED",
                fix="restore the folder dagster/ from its backup, or move it away to begin a new history: "
                "what was accepted and released is in the ledger, and no figure depends on the history",
            )


def _is_database(path: Path) -> bool:
    """Whether SQLite reads it: reading the file itself would end the locks that this process holds on it."""
    try:
        if not path.stat().st_size:
            return False
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            connection.execute("pragma schema_version").fetchall()
    except (FileNotFoundError, sqlite3.OperationalError):
        return True  # its run was deleted just now, or another process is busy with it
    except sqlite3.DatabaseError:
        return False
    return True

"""Dagster's history of runs against the ledger: a history that was emptied is noticed.

Belongs here: whether the history's files are databases. Does not belong here: what is in them, which is Dagster's.
"""

from __future__ import annotations

import time
from pathlib import Path

from hcip_pipeline.errors import HcipError
from hcip_pipeline.home import Home
from hcip_pipeline.ledger.lines import ledger_path

_HEADER = b"SQLite format 3\0"
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
    try:
        with path.open("rb") as file:
            return file.read(len(_HEADER)) == _HEADER
    except FileNotFoundError:
        return True  # its run was deleted just now

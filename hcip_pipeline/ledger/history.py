"""Noticing that Dagster's history of runs was emptied or damaged.

Belongs here: checking that the history's files are databases. Does not belong here: their content, which is Dagster's.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.ledger.lines import ledger_path

_HEADER = b"SQLite format 3\0"
#: another process may be creating a database at this moment
_WAIT_SECONDS = 2.0


def check_history(home: Home) -> list[Path]:
    """Make sure that the home's history of runs can be opened, if it is kept in SQLite files.

    Returns:
        Empty databases of single runs. If a process was killed while it created one, the run never started; otherwise
        it is damage (``history_damaged``). Dagster knows which.

    Raises:
        HcipError: another file of the history is empty or not a database. Names it and the way out.
    """
    if not ledger_path(home).is_file():
        return []  # a new home, whose history is being created
    paths = sorted(home.dagster.rglob("*.db"))
    empty = [path for path in paths if path.parent.name == "runs" and not _is_kept_open(path) and is_empty(path)]
    broken = [path for path in paths if path not in empty and not _is_database(path)]
    if broken:
        time.sleep(_WAIT_SECONDS)
    for path in broken:
        if not _is_database(path):
            raise history_damaged(path)
    return empty


def history_damaged(path: Path) -> HcipError:
    """The error that names a damaged database of the history, and the way out."""
    return HcipError(
        "the history of runs was emptied or is damaged",
        file=path,
        rule="HISTORY-DAMAGED",
        fix="restore the folder dagster/ from a backup, or move it away to start a new history: acceptances and "
        "releases are in the ledger, and no figure depends on the history",
    )


def is_empty(path: Path) -> bool:
    """Whether a file exists and has no bytes."""
    try:
        return not path.stat().st_size
    except FileNotFoundError:
        return False  # its run was deleted just now


def _is_database(path: Path) -> bool:
    try:
        return _opens(path) if _is_kept_open(path) else _has_header(path)
    except FileNotFoundError:
        return True  # its run was deleted just now


def _is_kept_open(path: Path) -> bool:
    """Whether a run keeps it open (``assets.instance``): reading the file directly would drop this process's locks."""
    return path.parent.name == "history" or path.name == "index.db"


def _opens(path: Path) -> bool:
    if not path.stat().st_size:
        return False
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True)) as connection:
            connection.execute("pragma schema_version").fetchall()
    except sqlite3.OperationalError:
        return True  # another process is busy with it
    except sqlite3.DatabaseError:
        return False
    return True


def _has_header(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_HEADER)) == _HEADER

"""SQL that is run again and again: DuckDB parses each text once a process, whatever the connection.

Belongs here: keeping what was parsed. Does not belong here: any statement. A small table costs what its statements cost
to parse and plan, whatever it holds, so what differs from run to run is better in parameters than in the text.
"""

from __future__ import annotations

import atexit
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

#: several times what the intake runs; beyond it, texts of files with ever other headers would stay for nothing
_MOST_TEXTS = 1024
_parsed: dict[str, list[duckdb.Statement]] = {}
atexit.register(_parsed.clear)  # DuckDB complains of statements that outlive it


def execute(
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[Any] | Mapping[str, Any] | None = None
) -> duckdb.DuckDBPyConnection:
    """Run SQL as ``connection.execute`` does; for texts that will be run again in this process.

    Args:
        parameters: of each statement of the text.

    Raises:
        duckdb.Error: as ``connection.execute``.
    """
    statements = _parsed.get(sql)
    if statements is None:
        if len(_parsed) >= _MOST_TEXTS:
            _parsed.clear()
        statements = _parsed[sql] = connection.extract_statements(sql)
    for statement in statements:
        connection.execute(statement, parameters)
    return connection

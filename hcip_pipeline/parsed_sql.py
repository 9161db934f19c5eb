"""SQL that runs many times: DuckDB parses each text once per process, for all connections.

Belongs here: caching the parsed statements. Does not belong here: any statement. For small tables, parsing and planning
take most of the time, so values that differ between runs should be parameters, not part of the text.
"""

from __future__ import annotations

import atexit
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

#: several times as many as the intake runs; without a limit, files with ever new headers would fill the memory
_MOST_TEXTS = 1024
_parsed: dict[str, list[duckdb.Statement]] = {}
atexit.register(_parsed.clear)  # DuckDB complains about statements that outlive it


def execute(
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[Any] | Mapping[str, Any] | None = None
) -> duckdb.DuckDBPyConnection:
    """Run SQL as ``connection.execute`` does; for texts that this process will run again.

    Args:
        parameters: passed to each statement of the text.

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

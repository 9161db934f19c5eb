"""A SQLAlchemy dialect of DuckDB for Great Expectations, which duckdb-engine does not fully support.

Belongs here: the differences from duckdb-engine. Does not belong here: expectations.
"""

from __future__ import annotations

from typing import Any

import duckdb_engine
import sqlalchemy as sa
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg2 import PGExecutionContext_psycopg2
from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy

#: driver name of a connection string
DRIVER = "hcip_duckdb"

_TYPES = {"VARCHAR": sa.String, "DATE": sa.Date, "BIGINT": sa.BigInteger, "BOOLEAN": sa.Boolean}


class _Buffered(PGExecutionContext_psycopg2):
    """Fetches rows at once: a DuckDB cursor loses them when its connection runs the next statement."""

    def post_exec(self) -> None:
        if self.cursor.description:
            rows = self.cursor.fetchall()
            self.cursor_fetch_strategy = FullyBufferedCursorFetchStrategy(self.cursor, initial_buffer=rows)


class Dialect(duckdb_engine.Dialect):
    """DuckDB that presents itself as PostgreSQL, so that expectations with regular expressions are passed to it."""

    name = "postgresql"
    execution_ctx_cls = _Buffered
    supports_statement_cache = False

    def get_columns(self, connection: Any, table_name: str, schema: str | None = None, **_: Any) -> list[Any]:
        """Columns of a table with their types."""
        described = connection.exec_driver_sql(f'describe "{table_name}"').fetchall()
        return [
            {"name": row[0], "type": _TYPES.get(row[1].split("(")[0], sa.Numeric)(), "nullable": True, "default": None}
            for row in described
        ]

    def get_pk_constraint(self, *_: Any, **__: Any) -> Any:
        """None: DuckDB's views have no primary keys."""
        return {"constrained_columns": [], "name": None}

    def get_foreign_keys(self, *_: Any, **__: Any) -> list[Any]:
        """None: DuckDB's views have no foreign keys."""
        return []

    get_indexes = get_unique_constraints = get_check_constraints = get_foreign_keys


registry.register(DRIVER, __name__, "Dialect")

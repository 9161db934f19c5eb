"""Dagster's SQLite event log with connections that stay open: the same files, a quarter of the time.

The stock class opens and closes a database for every event, a thousand times in a run of a half-year, and asks Alembic
for each new run: 9 s of a run, here 2 s. Runs in this process use it; the UI reads the same files with its own class.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import dagster._check as check
import sqlalchemy as db
from dagster._core.events import DagsterEventType
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log.schema import SqlEventLogStorageMetadata
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME, SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData

#: where Alembic keeps what version a database is of
_REVISION = db.Table("alembic_version", db.MetaData(), db.Column("version_num", db.String(32), primary_key=True))

#: the index and the runs that are being written or looked at
_OPEN = 4


class HeldSqliteEventLogStorage(SqliteEventLogStorage):
    """:class:`SqliteEventLogStorage`, holding its last few databases open."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: OrderedDict[str, db.Engine] = OrderedDict()
        self._tables: set[str] = set()
        self._columns: set[str] = set()
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> "HeldSqliteEventLogStorage":
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[db.Connection]:
        with self._db_lock:
            engine = self._engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.connect() as connection, connection.begin():
                yield connection

    def has_table(self, table_name: str) -> bool:
        """Asked at every event; a table that is there stays there."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def _has_asset_key_col_on_connection(self, conn: db.Connection, column_name: str) -> bool:
        if column_name not in self._columns and super()._has_asset_key_col_on_connection(conn, column_name):
            self._columns.add(column_name)
        return column_name in self._columns

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """A run's plans, hundreds at once: one transaction for the run and one for the index, not two an event."""
        planned = DagsterEventType.ASSET_MATERIALIZATION_PLANNED, DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED
        if {event.run_id for event in events} != {events[0].run_id} or any(
            event.dagster_event_type not in planned for event in events
        ):
            super().store_event_batch(events)
            return
        statements = [self.prepare_insert_event(event) for event in events]
        with self.run_connection(events[0].run_id) as run:
            for statement in statements:
                run.execute(statement)
        with self.index_transaction() as index:
            ids = [check.not_none(index.execute(one).inserted_primary_key)[0] for one in statements]
            for event, event_id in zip(events, ids, strict=True):
                if event.dagster_event_type == planned[0]:
                    self._store_asset_event(index, event, event_id)
        for event, event_id in zip(events, ids, strict=True):
            if event.dagster_event_type == planned[1]:
                self.store_asset_check_event(event, event_id)

    def _initdb(self, engine: db.Engine, for_index_shard: bool = False) -> None:
        """A run's database gets the tables and the revision of the index, without reading Alembic's whole history."""
        if for_index_shard:
            super()._initdb(engine, for_index_shard=True)
            return
        with self._engine(INDEX_SHARD_NAME).connect() as index:
            revision: str = index.execute(db.select(_REVISION.c.version_num)).scalar_one()
        with engine.connect() as connection:
            connection.execute(db.text("pragma journal_mode = wal"))
            SqlEventLogStorageMetadata.create_all(connection)
            _REVISION.create(connection, checkfirst=True)
            if connection.execute(db.select(_REVISION.c.version_num)).first() is None:
                connection.execute(_REVISION.insert().values(version_num=revision))
            connection.commit()

    def _engine(self, shard: str) -> db.Engine:
        if shard not in self._engines:
            engine = db.create_engine(
                self.conn_string_for_shard(shard), connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS}
            )
            db.event.listen(engine, "connect", _relax)
            self._engines[shard] = engine
        self._engines.move_to_end(shard)
        while len(self._engines) > _OPEN:
            self._engines.popitem(last=False)[1].dispose()
        return self._engines[shard]

    def dispose(self) -> None:
        for engine in self._engines.values():
            engine.dispose()
        self._engines.clear()
        super().dispose()


def _relax(connection: Any, _record: Any) -> None:
    """A power cut may lose the last events, never the database; results do not lie here."""
    connection.execute("pragma synchronous = normal")

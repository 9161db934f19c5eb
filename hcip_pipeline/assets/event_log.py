"""Dagster's SQLite event log with connections that stay open: the same files, a fraction of the time.

The stock class opens and closes a database for every event, a thousand times in a run of a half-year, asks Alembic for
each new run, composes each statement anew, and reads back what it has just written, once for each table that another
one comes from and for each check. Runs in this process use this one; the UI reads the same files with its own class.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import dagster as dg
import sqlalchemy as db
from dagster import AssetRecordsFilter, EventRecordsResult
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluation
from dagster._core.event_api import EventLogCursor, EventLogRecord
from dagster._core.events import DagsterEventType
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.event_log.base import AssetDetails, AssetEntry, AssetRecord
from dagster._core.storage.event_log.schema import (
    AssetCheckExecutionsTable,
    AssetKeyTable,
    SqlEventLogStorageMetadata,
    SqlEventLogStorageTable,
)
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME, SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData
from sqlalchemy.dialects import sqlite

#: where Alembic keeps what version a database is of
_REVISION = db.Table("alembic_version", db.MetaData(), db.Column("version_num", db.String(32), primary_key=True))

#: the index and the runs that are being written or looked at
_OPEN = 4

_PLANNED = DagsterEventType.ASSET_MATERIALIZATION_PLANNED, DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED

#: what a step says of its outputs, hundreds of times: in the run's own file it waits for what follows it
_IN_BULK = (
    DagsterEventType.STEP_OUTPUT,
    DagsterEventType.ASSET_MATERIALIZATION,
    DagsterEventType.ASSET_CHECK_EVALUATION,
)
_WAITING = 200

_INSERT = SqlEventLogStorageTable.insert()
_INSERT_MANY = _INSERT.returning(SqlEventLogStorageTable.c.id, sort_by_parameter_order=True)
_INSERT_CHECK = AssetCheckExecutionsTable.insert()


def _upsert(*columns: str) -> Any:
    statement = sqlite.insert(AssetKeyTable)
    return statement.on_conflict_do_update(
        index_elements=[AssetKeyTable.c.asset_key], set_={name: statement.excluded[name] for name in columns}
    )


_PLAN_ASSET = _upsert("last_run_id", "last_materialization_timestamp")
_MADE_ASSET = _upsert("last_materialization", "last_run_id", "last_materialization_timestamp").returning(
    AssetKeyTable.c.id, AssetKeyTable.c.asset_details
)

#: (asset, check, run) is what was planned; the checks here have no partitions of their own
_CHECK_DONE = (
    AssetCheckExecutionsTable.update()
    .where(
        AssetCheckExecutionsTable.c.asset_key == db.bindparam("of_asset"),
        AssetCheckExecutionsTable.c.check_name == db.bindparam("of_check"),
        AssetCheckExecutionsTable.c.run_id == db.bindparam("of_run"),
        AssetCheckExecutionsTable.c.partition.is_(None),
    )
    .values(
        {
            name: db.bindparam(name)
            for name in (
                "execution_status",
                "evaluation_event",
                "evaluation_event_timestamp",
                "evaluation_event_storage_id",
                "materialization_event_storage_id",
            )
        }
    )
)


class HeldSqliteEventLogStorage(SqliteEventLogStorage):
    """:class:`SqliteEventLogStorage`, holding its last few databases open."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: OrderedDict[str, db.Engine] = OrderedDict()
        self._tables: set[str] = set()
        self._columns: set[str] = set()
        #: rows for the file of one run, in order
        self._waiting: list[dict[str, Any]] = []
        self._waiting_run = ""
        #: what the step that is being written has made: its newest materialization of each asset
        self._made: dict[dg.AssetKey, AssetRecord] = {}
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
            with engine.connect() as connection:
                if shard == self._waiting_run and self._waiting:
                    with connection.begin():
                        connection.execute(_INSERT, self._waiting)
                    self._waiting = []
                with connection.begin():
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

    def store_event(self, event: EventLogEntry) -> None:
        """An event in the run's own file, and in the index if it is about an asset or a check."""
        kind = event.dagster_event_type if event.is_dagster_event else None
        if kind not in _IN_BULK:
            if kind is not None:
                self._made = {}
            super().store_event(event)
            return
        row = self._event_to_row(event)
        self._wait(event.run_id, row)
        if kind == DagsterEventType.ASSET_MATERIALIZATION:
            self._store_materialization(event, row)
        elif kind == DagsterEventType.ASSET_CHECK_EVALUATION:
            self._store_evaluation(event, row)

    def _wait(self, run_id: str, row: dict[str, Any]) -> None:
        if self._waiting and (run_id != self._waiting_run or len(self._waiting) >= _WAITING):
            self._write_waiting()
        self._waiting_run = run_id
        self._waiting.append(row)

    def _write_waiting(self) -> None:
        if self._waiting:
            with self.run_connection(self._waiting_run):
                pass  # connecting writes them

    def _store_materialization(self, event: EventLogEntry, row: dict[str, Any]) -> None:
        key = event.get_dagster_event().asset_key
        assert key is not None
        with self.index_transaction() as index:
            event_id = _insert(index, row)
            self._store_asset_event_tags(index, [event], [event_id])
            values = self._get_asset_entry_values(event, event_id, has_asset_key_index_cols=True)
            asset = index.execute(_MADE_ASSET, {"asset_key": row["asset_key"], **values}).one()
        self._made[key] = AssetRecord(
            storage_id=asset.id,
            asset_entry=AssetEntry(
                asset_key=key,
                last_materialization_record=EventLogRecord(storage_id=event_id, event_log_entry=event),
                last_run_id=event.run_id,
                asset_details=AssetDetails.from_db_string(asset.asset_details),
            ),
        )

    def _store_evaluation(self, event: EventLogEntry, row: dict[str, Any]) -> None:
        evaluation = event.get_dagster_event().event_specific_data
        assert isinstance(evaluation, AssetCheckEvaluation)
        status = AssetCheckExecutionRecordStatus
        target = evaluation.target_materialization_data
        with self.index_transaction() as index:
            event_id = _insert(index, row)
            of = {
                "of_asset": evaluation.asset_key.to_string(),
                "of_check": evaluation.check_name,
                "of_run": event.run_id,
            }
            values = {
                "execution_status": (status.SUCCEEDED if evaluation.passed else status.FAILED).value,
                "evaluation_event": row["event"],
                "evaluation_event_timestamp": row["timestamp"],
                "evaluation_event_storage_id": event_id,
                "materialization_event_storage_id": target.storage_id if target else None,
            }
            is_planned = evaluation.partition is None and index.execute(_CHECK_DONE, of | values).rowcount
        if not is_planned:
            self.store_asset_check_event(event, event_id)

    def get_asset_records(self, asset_keys: Sequence[dg.AssetKey] | None = None) -> Sequence[AssetRecord]:
        """Asked for each table that another table of the same build comes from."""
        if asset_keys and all(key in self._made for key in asset_keys):
            return [self._made[key] for key in asset_keys]
        return super().get_asset_records(asset_keys)

    def fetch_materializations(
        self,
        records_filter: dg.AssetKey | AssetRecordsFilter,
        limit: int,
        cursor: str | None = None,
        ascending: bool = False,
    ) -> EventRecordsResult:
        """Asked for each check: which materialization it is about."""
        if isinstance(records_filter, AssetRecordsFilter) and limit == 1 and not cursor and not ascending:
            made = self._made.get(records_filter.asset_key)
            newest = made.asset_entry.last_materialization_record if made else None
            partitions = records_filter.asset_partitions
            if newest and partitions == [newest.partition_key] and not any(records_filter[2:]):
                after = EventLogCursor.from_storage_id(newest.storage_id).to_string()
                return EventRecordsResult([newest], cursor=after, has_more=True)
        return super().fetch_materializations(records_filter, limit, cursor, ascending)

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """A run's plans, hundreds at once: one transaction for the run and one for the index, not two an event."""
        if {event.run_id for event in events} != {events[0].run_id} or any(
            event.dagster_event_type not in _PLANNED for event in events
        ):
            super().store_event_batch(events)
            return
        rows = [self._event_to_row(event) for event in events]
        with self.run_connection(events[0].run_id) as run:
            run.execute(_INSERT, rows)
        with self.index_transaction() as index:
            ids: Sequence[int] = index.execute(_INSERT_MANY, rows).scalars().all()
            assets: list[dict[str, Any]] = []
            checks: list[dict[str, Any]] = []
            for event, row, event_id in zip(events, rows, ids, strict=True):
                if event.dagster_event_type == _PLANNED[0]:
                    values = self._get_asset_entry_values(event, event_id, has_asset_key_index_cols=True)
                    assets.append({"asset_key": row["asset_key"], **values})
                else:
                    checks += self._planned_checks(event, row, event_id)
            if assets:
                index.execute(_PLAN_ASSET, assets)
            if checks:
                index.execute(_INSERT_CHECK, checks)

    def _planned_checks(self, event: EventLogEntry, row: dict[str, Any], event_id: int) -> Iterator[dict[str, Any]]:
        planned: Any = event.get_dagster_event().event_specific_data
        subset = planned.partitions_subset
        for partition in subset.get_partition_keys() if subset else [None]:
            yield {
                "asset_key": planned.asset_key.to_string(),
                "check_name": planned.check_name,
                "partition": partition,
                "run_id": event.run_id,
                "execution_status": AssetCheckExecutionRecordStatus.PLANNED.value,
                "evaluation_event": row["event"],
                "evaluation_event_timestamp": row["timestamp"],
                "evaluation_event_storage_id": event_id,
            }

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
        self._write_waiting()
        for engine in self._engines.values():
            engine.dispose()
        self._engines.clear()
        super().dispose()


def _insert(connection: db.Connection, row: dict[str, Any]) -> int:
    """Gives the id of the row."""
    key: Any = connection.execute(_INSERT, row).inserted_primary_key
    return int(key[0])


def _relax(connection: Any, _record: Any) -> None:
    """A power cut may lose the last events, never the database; results do not lie here."""
    connection.execute("pragma synchronous = normal")

"""Which version of a claim counts: an export may hold several of one resource, and the newest is the record
(formats.md §3).

Belongs here: finding older versions (``meta.lastUpdated``) and taking their rows out of the tables that were written.
Does not belong here: the same claim in two exports, of which the later export counts (``macros/claims.sql``).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hcip_pipeline.contracts.cms import TABLES
from hcip_pipeline.intake.claim_tables import RowGroups, table_file


class Versions:
    """The claims of an export as they come, by resource id.

    Args:
        connection: gets the table ``seen``.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        connection.execute(
            "create table seen (id varchar, updated timestamptz, file varchar, row bigint, is_read boolean)"
        )

    def add(self, file: str) -> None:
        """Note the claims of a piece of a file, from the table ``claims``."""
        self._connection.execute(
            "insert into seen select id, try_cast(meta.lastUpdated as timestamptz), $file, _row, "
            "is_adjudicated and part is not null from claims where id is not null",
            {"file": file},
        )

    def older(self) -> dict[str, set[int]]:
        """File -> lines of claims that were read and of which the export has a newer version.

        Versions of the same moment stay: repeats are counted where claims are matched.
        """
        found: dict[str, set[int]] = defaultdict(set)
        rows = self._connection.execute(
            "select file, row from (select *, max(updated) over (partition by id) as newest from seen) "
            "where updated < newest and is_read"
        ).fetchall()
        for file, row in rows:
            found[file].add(row)
        return dict(found)


def take_out(folder: Path, older: Mapping[str, set[int]]) -> dict[str, Counter[str]]:
    """Write the export's tables again without the rows of older versions.

    Args:
        folder: of the tables, ``<table>.parquet``.
        older: file -> lines.

    Returns:
        File -> table -> rows that were taken out.
    """
    gone: dict[str, Counter[str]] = defaultdict(Counter)
    lines = {file: pa.array(sorted(rows), pa.int64()) for file, rows in older.items()}
    for table in TABLES:
        path = folder / f"{table}.parquet"
        all_rows = path.replace(path.with_suffix(".all"))
        with pq.ParquetFile(all_rows) as source, table_file(folder, table) as writer:
            groups = RowGroups(writer)
            for batch in source.iter_batches():
                rows = pa.Table.from_batches([batch], schema=source.schema_arrow)
                for file, of_file in lines.items():
                    is_older = pc.and_(
                        pc.equal(rows["source_file"], file), pc.is_in(rows["source_row"].cast(pa.int64()), of_file)
                    )
                    kept = rows.filter(pc.invert(is_older))
                    gone[file][table] += rows.num_rows - kept.num_rows
                    rows = kept
                groups.add(rows)
            groups.finish()
        all_rows.unlink()
    return gone

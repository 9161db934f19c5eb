"""Versions of a resource: an export may contain several, and the newest one counts (formats.md §3).

Belongs here: finding older versions (``meta.lastUpdated``) and removing their rows from the tables that were written.
Does not belong here: the same claim in two exports, where the later export counts (``macros/claims.sql``).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hcip_pipeline.contracts.cms import TABLES
from hcip_pipeline.errors import HcipError
from hcip_pipeline.intake.claims.lake_tables import RowGroups, table_file
from hcip_pipeline.tables.file_names import shown_path


class Versions:
    """A record of all resources of an export.

    Args:
        connection: gets the table ``seen``.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        connection.execute(
            "create table seen (kind varchar, id varchar, identity varchar, updated timestamptz, digest varchar, "
            "file varchar, row bigint, outcome varchar)"
        )

    def add(self, kind: str, file: str, source: str, *, identity: str = "null", outcome: str = "'read'") -> None:
        """Record the resources of a piece of a file.

        Args:
            kind: type of the resources.
            file: name of the file.
            source: the table that contains them.
            identity: SQL for the identity of a claim, which is the same under another resource id; null for none.
            outcome: SQL for what happens to a resource: ``read``, ``withdrawn``, or ``left`` out.
        """
        self._connection.execute(
            f"insert into seen select $kind, id, {identity}, try_cast(meta.lastUpdated as timestamptz), _digest, "
            f"$file, _row, {outcome} from {source} as claim",
            {"kind": kind, "file": file},
        )

    def older(self) -> dict[str, dict[int, str]]:
        """File -> line -> outcome, for resources that another version in the export supersedes.

        The version with the newest time stamp counts, and the first of identical versions. Two resources with the same
        claim identity are versions of one claim.

        Raises:
            HcipError: ``BCDA-VERSIONS``: two versions with the same time stamp differ.
        """
        self._connection.execute(
            f"""create or replace temp table by_id as {_placed("kind, id", "(from seen where id is not null)")};
            create or replace temp table counting as
            select * from seen where outcome = 'read' and identity is not null
            and (file, row) not in (select (file, row) from by_id where place > 1);
            create or replace temp table by_identity as {_placed("kind, identity", "counting")}"""
        )
        for name in ("by_id", "by_identity"):
            self._refuse_contradictions(name)
        found: dict[str, dict[int, str]] = defaultdict(dict)
        rows = self._connection.execute(
            "select file, row, outcome from by_id where place > 1 "
            "union all select file, row, outcome from by_identity where place > 1"
        ).fetchall()
        for file, row, outcome in rows:
            if outcome != "left":
                found[file][row] = outcome
        return dict(found)

    def _refuse_contradictions(self, name: str) -> None:
        found = self._connection.execute(
            f"""select kind, file, row, counting_file, counting_row from {name}
            where place > 1 and updated is not distinct from newest and digest <> counting_digest
            order by file, row limit 1"""
        ).fetchone()
        if found:
            kind, file, row, other_file, other_row = found
            where = f"line {other_row}" if other_file == file else f"{shown_path(other_file)}, line {other_row}"
            raise HcipError(
                f"the {kind} is also in {where}, with different content and the same time stamp (meta.lastUpdated): "
                "it is not known which of the two is current",
                fix="start the job again; files of two jobs must not be in one folder",
                file=file, row=int(row), rule="BCDA-VERSIONS",
            )  # fmt: skip


def _placed(key: str, source: str) -> str:
    """SQL for the rows whose key ``source`` has several times, with their place from the newest, and the newest."""
    first = ", ".join(
        f"first_value({column}) over versions as {name}"
        for name, column in {
            "newest": "updated", "counting_digest": "digest", "counting_file": "file", "counting_row": "row",
        }.items()
    )  # fmt: skip
    return f"""select kind, id, identity, updated, digest, file, row, outcome,
        row_number() over versions as place, {first}
        from {source} where ({key}) in (select ({key}) from {source} group by {key} having count(*) > 1)
        window versions as (partition by {key} order by updated desc nulls last, file, row)"""


def remove_rows(folder: Path, older: Mapping[str, Collection[int]]) -> dict[str, Counter[str]]:
    """Rewrite the export's tables without the rows of older versions.

    Args:
        folder: of the tables, ``<table>.parquet``.
        older: file -> lines.

    Returns:
        File -> table -> number of rows removed.
    """
    removed: dict[str, Counter[str]] = defaultdict(Counter)
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
                    removed[file][table] += rows.num_rows - kept.num_rows
                    rows = kept
                groups.add(rows)
            groups.finish()
        all_rows.unlink()
    return removed

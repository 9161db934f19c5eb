"""Reading an export: pieces of ndjson through DuckDB's JSON reader into rows of the CCLF tables.

Belongs here: running the SQL of ``tables`` piece by piece, counting, and refusing values that cannot be read. Does not
belong here: which files there are (``exports``), whether the export is accepted (``month``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa

from hcip_pipeline import parsed_sql
from hcip_pipeline.contracts.cms import LAYOUTS, TABLES
from hcip_pipeline.errors import HcipError
from hcip_pipeline.intake.bcda import tables
from hcip_pipeline.intake.bcda.claim_checks import COUNTED, KNOWN_MAJOR, MAJOR, REFUSING, checks_sql, refuse_first
from hcip_pipeline.intake.bcda.counts import FileCount
from hcip_pipeline.intake.bcda.exports import DataFile, version_refusal
from hcip_pipeline.intake.bcda.faults import fault_of, other_resource
from hcip_pipeline.intake.bcda.lines import MAX_LINE_BYTES, PIECE_BYTES, LinePiece, pieces
from hcip_pipeline.intake.bcda.mapping import mapping
from hcip_pipeline.intake.bcda.schema import SCHEMAS
from hcip_pipeline.intake.bcda.versions import Versions, remove_rows
from hcip_pipeline.intake.claims.lake_tables import RowGroups, table_file, table_schema

#: The tag of a claim that CMS has withdrawn.
WITHDRAWN = "Withdrawn"
_KINDS = {
    "date": "a date of year, month and day",
    "money": "an amount of money, or is too large",
    "quantity": "a number, or is too large",
    "integer": "a whole number, or is too large",
    "text": "a text",
}
#: DuckDB's memory limit; the rest of the process needs about 200 MB.
_MEMORY = "1GB"
_THREADS = 2


class ExportReader:
    """Writes the tables of an export into a folder.

    Args:
        folder: gets one Parquet file per table.
        lineage: the columns that say where the rows of the export come from, except for the file.
        known: files of ``patient_numbers`` of earlier exports, oldest first.
    """

    def __init__(self, folder: Path, lineage: Mapping[str, object], known: Sequence[Path] = ()) -> None:
        self._folder = folder
        self._lineage = lineage
        self._known = [str(path) for path in known]
        self.counts: list[FileCount] = []
        self.unknown_claims = 0
        self.first_unknown: tuple[str, int] | None = None

    def read(self, files: Iterable[DataFile], piece_bytes: int = PIECE_BYTES) -> None:
        """Read the files, Coverage and Patient before ExplanationOfBenefit.

        Raises:
            HcipError: one of the rules in ``rules``.
        """
        with ExitStack() as stack:
            self._connection = stack.enter_context(duckdb.connect())
            self._connection.execute(f"set memory_limit = '{_MEMORY}'; set threads = {_THREADS}")
            self._connection.execute(f"set temp_directory = '{(self._folder / 'spill').as_posix()}'")
            self._writers = {name: RowGroups(stack.enter_context(table_file(self._folder, name))) for name in TABLES}
            self._prepare()
            last = ""
            for file in files:
                if last == "Patient" and file.resource == "ExplanationOfBenefit":
                    self._number_patients()
                self._read_file(file, piece_bytes)
                last = file.resource
            older = self._versions.older()
            for writer in self._writers.values():
                writer.finish()
        if older:
            self._keep_newest(older)
        claims = [count for count in self.counts if count.resource == "ExplanationOfBenefit"]
        read = sum(count.read for count in claims)
        if read and read == sum(count.odd["without_adjustment_code"] for count in claims):
            raise version_refusal("no claim has an adjustment code", claims[0].file)

    def shared_numbers(self) -> tuple[int, str, int] | None:
        """Medicare numbers shared by several persons: how many, and file and line of the first; None if there are none.

        Several Patient resources of one person are common, for example after CMS has merged records.
        """
        people = pl.scan_parquet(self._folder / "cclf8.parquet").filter(pl.col("bene_mbi_id").is_not_null())
        sex = pl.col("bene_sex_cd").replace("0", None)
        born = pl.col("bene_dob")
        several = (born.drop_nulls().n_unique().over("bene_mbi_id") > 1) | (
            sex.drop_nulls().n_unique().over("bene_mbi_id") > 1
        )
        found = people.filter(several).select("bene_mbi_id", "source_file", "source_row").collect()
        if found.is_empty():
            return None
        return found["bene_mbi_id"].n_unique(), str(found["source_file"][0]), int(found["source_row"][0])

    def _prepare(self) -> None:
        run = self._run
        covered = [c.name for c in TABLES["cclf8"].columns]
        empty = ", ".join(f"null::varchar as {name}" for name in covered)
        run(
            "create table coverages as select null::varchar as id, null::timestamptz as updated, "
            f"null::varchar as patient_id, {empty} where false"
        )
        run("create table patients (patient_id varchar, mbi varchar, age bigint, updated timestamptz)")
        self._versions = Versions(self._connection)
        for age, path in enumerate(self._known):
            run(
                "insert into patients select patient_id, bene_mbi_id, $age, null from read_parquet($path)",
                {"age": age, "path": path},
            )
        self._number_patients()

    def _run(self, sql: str, parameters: Mapping[str, Any] | None = None) -> duckdb.DuckDBPyConnection:
        """Run SQL that is the same for every piece of every export."""
        return parsed_sql.execute(self._connection, sql, parameters)

    def _keep_newest(self, older: Mapping[str, Mapping[int, str]]) -> None:
        """Keep one version of each resource in the tables, and count the others separately."""
        removed = remove_rows(self._folder, older)
        for count in self.counts:
            if of_file := older.get(count.file):
                outcomes = Counter(of_file.values())
                count.superseded = len(of_file)
                count.read -= outcomes["read"]
                count.withdrawn -= outcomes["withdrawn"]
                count.rows -= removed[count.file]

    def _number_patients(self) -> None:
        """Keep one number per patient, the newest."""
        self._run(
            "create or replace table patients as select distinct on (patient_id) * from patients where mbi is not null "
            "order by patient_id, age desc, updated desc nulls last, mbi"
        )

    def _read_file(self, file: DataFile, piece_bytes: int) -> None:
        count = FileCount(file.path.name, file.resource)
        self.counts.append(count)
        if file.resource == "Patient":
            names = [c.name for c in TABLES["cclf8"].columns]
            largest = ", ".join(f"max({name}) as {name}" for name in names)
            self._run(
                f"create or replace temp table covered as select patient_id, {largest} from ("
                "select distinct on (coalesce(id, uuid()::varchar)) * from coverages "
                "order by coalesce(id, ''), updated desc nulls last) group by patient_id"
            )
        for piece in pieces(file, self._folder, piece_bytes):
            count.lines += piece.lines
            self._load(file, piece)
            {"ExplanationOfBenefit": self._claims, "Patient": self._people, "Coverage": self._coverages}[file.resource](
                count
            )
        if file.count is not None and file.count != count.lines:
            raise HcipError(
                f"the manifest states {file.count} resources, but the file has {count.lines}",
                fix="download the file again; part of it is missing or repeated", file=count.file, rule="BCDA-COUNT",
            )  # fmt: skip

    def _load(self, file: DataFile, piece: LinePiece) -> None:
        """Load the piece's resources into the table ``resources``."""
        try:
            self._run(
                "create or replace temp table resources as select * from read_json($path, columns = $columns, "
                "format = 'newline_delimited', maximum_object_size = $most)",
                {"path": str(piece.path), "columns": SCHEMAS[file.resource], "most": MAX_LINE_BYTES * 2},
            )
        except duckdb.Error as error:
            raise fault_of(file, piece.path, is_last=True) from error
        other = self._run(
            "select _row, resourceType from resources where resourceType is distinct from $type order by _row limit 1",
            {"type": file.resource},
        ).fetchall()
        if other:
            raise other_resource(file, int(other[0][0]), other[0][1])

    def _coverages(self, count: FileCount) -> None:
        self._refuse_older("Coverage", count)
        self._run(f"insert into coverages by name {tables.coverage_sql('resources')}")
        self._versions.add("Coverage", count.file, "resources")
        count.read = count.lines

    def _people(self, count: FileCount) -> None:
        run = self._run
        self._refuse_older("Patient", count)
        self._versions.add("Patient", count.file, "resources")
        run(f"create or replace temp table people as {tables.people_sql('resources')}")
        run(
            f"insert into patients select id, mbi, {len(self._known)}, try_cast(meta.lastUpdated as timestamptz) "
            "from people"
        )
        for table in ("cclf8", "cclf9"):
            self._convert(table, count)
        numbers = "select _row as source_row, id as patient_id, mbi as bene_mbi_id from people"
        self._write("patient_numbers", numbers, count)
        count.read = count.lines

    def _refuse_older(self, kind: str, count: FileCount) -> None:
        """Refuse a resource of version 1 or 2, recognized by its profile."""
        row = self._run(f"select min(_row) from resources where coalesce({MAJOR[kind]}, 0) < {KNOWN_MAJOR}").fetchall()[
            0
        ][0]
        if row is not None:
            raise version_refusal(f"the {kind} is not of version 3 (meta.profile)", count.file, int(row))

    def _claims(self, count: FileCount) -> None:
        run = self._run
        run(f"create or replace temp table claims as {tables.claims_sql('resources')}")
        self._versions.add(
            "ExplanationOfBenefit", count.file, "claims",
            identity=f"part || '|' || trim(claim_id) || '|' || coalesce({tables.adjustment_sql()}, '')",
            outcome="case when is_read then 'read' when is_adjudicated and is_withdrawn then 'withdrawn' "
            "else 'left' end",
        )  # fmt: skip
        found = run(
            """select count(*) filter (where not is_adjudicated),
            count(*) filter (where is_adjudicated and is_withdrawn),
            count(*) filter (where is_adjudicated and not is_withdrawn and part is null),
            count(*) filter (where is_read and mbi is null), min(_row) filter (where is_read and mbi is null)
            from claims"""
        ).fetchall()[0]
        count.not_adjudicated += found[0]
        count.withdrawn += found[1]
        count.other_claims += found[2]
        count.read = count.lines - count.not_adjudicated - count.withdrawn - count.other_claims
        if found[3]:
            self.unknown_claims += found[3]
            self.first_unknown = self.first_unknown or (count.file, int(found[4]))
        judged = run(checks_sql("claims")).fetchall()[0]
        refuse_first(judged[: len(REFUSING)], count.file)
        count.odd.update({name: int(sum_ or 0) for name, sum_ in zip(COUNTED, judged[len(REFUSING) :], strict=True)})
        parts = {part for (part,) in run("select distinct part from claims where is_read").fetchall()}
        for table, part in tables.CLAIM_TABLES.items():
            if part in parts:
                self._convert(table, count)
        tags = f"""select _row as source_row, trim(claim_id) as cur_clm_uniq_id,
            {tables.adjustment_sql()} as clm_adjsmt_type_cd, part,
            case when is_withdrawn then '{WITHDRAWN}' else final_action end as final_action
            from claims as claim where is_adjudicated and part is not null
            and (is_withdrawn and claim_id is not null or not is_withdrawn and final_action is not null)"""
        self._write("claim_tags", tags, count)

    def _convert(self, table: str, count: FileCount) -> None:
        """Convert and write the table's rows of this piece; a value that cannot be read refuses the export."""
        run = self._run
        run(f"create or replace temp table typed as {tables.typed_sql(table, f'({tables.cleaned_sql(table)})')}")
        fields = LAYOUTS[table].fields
        bad = ", ".join(f"min(source_row) filter (where {tables.unreadable(f)})" for f in fields)
        wide, places = tables.odd(table)
        found = run(f"select {wide}, {places}, {bad} from typed").fetchall()[0]
        count.widened[table] += found[0]
        count.rounded[table] += found[1]
        faults = [(row, f) for f, row in zip(fields, found[2:], strict=True) if row is not None]
        if faults:
            row, field = min(faults, key=lambda fault: (fault[0], fault[1].name))
            element = mapping()[table, field.name].cms_path.strip() or "the resource"
            raise HcipError(
                f"{field.name.upper()} is not {_KINDS[field.kind]} (read from {element})",
                fix="ask CMS for the export again", file=count.file, row=row, rule="BCDA-VALUE",
            )  # fmt: skip
        self._write(table, f"select source_row, {', '.join(f.name for f in fields)} from typed", count)

    def _write(self, table: str, sql: str, count: FileCount) -> None:
        schema = table_schema(table)
        rows: pa.Table = self._connection.sql(sql).to_arrow_table()
        lineage = {**self._lineage, "source_file": count.file}
        columns = [
            pa.repeat(pa.scalar(lineage[name], schema.field(name).type), rows.num_rows)
            if name in lineage
            else rows[name].cast(schema.field(name).type)
            for name in schema.names
        ]
        self._writers[table].add(pa.table(columns, schema=schema))
        count.rows[table] += rows.num_rows

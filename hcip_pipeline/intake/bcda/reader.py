"""Reading an export: DuckDB's JSON reader over pieces of ndjson, and the rows of CCLF's tables out of it.

Belongs here: running the SQL of ``tables`` piece by piece, counting, and refusing what cannot be read. Does not belong
here: which files there are (``exports``), whether the export is accepted (``month``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa

from hcip_pipeline.contracts.cms import LAYOUTS, TABLES
from hcip_pipeline.errors import HcipError
from hcip_pipeline.intake.bcda import tables
from hcip_pipeline.intake.bcda.exports import DataFile, version_refusal
from hcip_pipeline.intake.bcda.faults import fault_of, other_resource
from hcip_pipeline.intake.bcda.lines import MAX_LINE_BYTES, PIECE_BYTES, Piece, pieces
from hcip_pipeline.intake.bcda.schema import SCHEMAS
from hcip_pipeline.intake.bcda.versions import Versions, take_out
from hcip_pipeline.intake.claim_tables import RowGroups, table_file, table_schema

#: What DuckDB may hold; the rest of the process needs some 200 MB.
_MEMORY = "1GB"
_THREADS = 2


@dataclass
class FileCount:
    """What was in one file: every line is a resource that was read, or one that is counted apart.

    Attributes:
        not_adjudicated: claims of a shared system, or not complete.
        other_claims: of a type that CCLF does not hold.
        superseded: claims of which the export has a newer version.
    """

    file: str
    resource: str
    lines: int = 0
    read: int = 0
    not_adjudicated: int = 0
    other_claims: int = 0
    superseded: int = 0
    rows: Counter[str] = field(default_factory=Counter)
    widened: Counter[str] = field(default_factory=Counter)
    rounded: Counter[str] = field(default_factory=Counter)


class ExportReader:
    """Writes the tables of an export into a folder.

    Args:
        folder: gets one Parquet file a table.
        lineage: what every row of the export states about where it comes from, but for its file.
        known: files of ``patient_numbers`` of earlier exports, oldest first.
    """

    def __init__(self, folder: Path, lineage: Mapping[str, object], known: Sequence[Path] = ()) -> None:
        self._folder = folder
        self._lineage = lineage
        self._known = [str(path) for path in known]
        self.counts: list[FileCount] = []
        self.unknown_claims = 0
        self._adjusted = self._adjudicated = 0

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
        if self._adjudicated and not self._adjusted:
            first = next(count.file for count in self.counts if count.resource == "ExplanationOfBenefit")
            raise version_refusal("no claim has an adjustment code", first)

    def _prepare(self) -> None:
        run = self._connection.execute
        covered = [c.name for c in TABLES["cclf8"].columns]
        empty = ", ".join(f"null::varchar as {name}" for name in covered)
        run(f"create table coverages as select null::varchar as patient_id, {empty} where false")
        run("create table patients (patient_id varchar, mbi varchar, age bigint)")
        self._versions = Versions(self._connection)
        for age, path in enumerate(self._known):
            run(
                "insert into patients select patient_id, bene_mbi_id, $age from read_parquet($path)",
                {"age": age, "path": path},
            )
        self._number_patients()

    def _keep_newest(self, older: Mapping[str, set[int]]) -> None:
        """Leave one version of each claim in the tables, and count the others apart."""
        gone = take_out(self._folder, older)
        for count in self.counts:
            if count.resource == "ExplanationOfBenefit" and count.file in older:
                count.superseded = len(older[count.file])
                count.read -= count.superseded
                count.rows -= gone[count.file]

    def _number_patients(self) -> None:
        """One number a patient, the newest."""
        self._connection.execute(
            "create or replace table patients as select patient_id, max_by(mbi, age) as mbi, max(age) as age "
            "from patients where mbi is not null group by patient_id"
        )

    def _read_file(self, file: DataFile, piece_bytes: int) -> None:
        count = FileCount(file.path.name, file.resource)
        self.counts.append(count)
        if file.resource == "Patient":
            names = [c.name for c in TABLES["cclf8"].columns]
            largest = ", ".join(f"max({name}) as {name}" for name in names)
            self._connection.execute(
                f"create or replace temp table covered as select patient_id, {largest} from coverages "
                "group by patient_id"
            )
        for piece in pieces(file, self._folder, piece_bytes):
            count.lines += piece.lines
            self._load(file, piece)
            {"ExplanationOfBenefit": self._claims, "Patient": self._people, "Coverage": self._coverages}[file.resource](
                count
            )
        if file.count is not None and file.count != count.lines:
            raise HcipError(
                f"the manifest states {file.count} resources, the file holds {count.lines}",
                fix="download the file again; part of it is missing or repeated", file=count.file, rule="BCDA-COUNT",
            )  # fmt: skip

    def _load(self, file: DataFile, piece: Piece) -> None:
        """The piece's resources as the table ``resources``."""
        try:
            self._connection.execute(
                "create or replace temp table resources as select * from read_json($path, columns = $columns, "
                "format = 'newline_delimited', maximum_object_size = $most)",
                {"path": str(piece.path), "columns": SCHEMAS[file.resource], "most": MAX_LINE_BYTES * 2},
            )
        except duckdb.Error as error:
            raise fault_of(file, piece.path, is_last=True) from error
        other = self._connection.execute(
            "select _row, resourceType from resources where resourceType is distinct from $type order by _row limit 1",
            {"type": file.resource},
        ).fetchall()
        if other:
            raise other_resource(file, int(other[0][0]), other[0][1])

    def _coverages(self, count: FileCount) -> None:
        self._connection.execute(f"insert into coverages by name {tables.coverage_sql('resources')}")
        count.read = count.lines

    def _people(self, count: FileCount) -> None:
        run = self._connection.execute
        old = run(
            "select min(_row) from resources where not list_contains(list_transform(coalesce(meta.profile, []), "
            "lambda p: coalesce(try_cast(regexp_extract(p, 'C4BB-Patient[|]([0-9]+)', 1) as integer), 0) >= 2), true)"
        ).fetchall()[0]
        if old[0] is not None:
            raise version_refusal("the Patient is not of version 3 (meta.profile)", count.file, int(old[0]))
        run(f"create or replace temp table people as {tables.people_sql('resources')}")
        run(f"insert into patients select id, mbi, {len(self._known)} from people")
        for table in ("cclf8", "cclf9"):
            self._convert(table, count)
        numbers = "select _row as source_row, id as patient_id, mbi as bene_mbi_id from people"
        self._write("patient_numbers", numbers, count)
        count.read = count.lines

    def _claims(self, count: FileCount) -> None:
        run = self._connection.execute
        run(f"create or replace temp table claims as {tables.claims_sql('resources')}")
        self._versions.add(count.file)
        found = run(
            """select count(*) filter (where not is_adjudicated),
            count(*) filter (where is_adjudicated and part is null),
            min(_row) filter (where is_adjudicated and part is not null and claim_id is null),
            count(*) filter (where is_adjudicated and part is not null and mbi is null),
            count(*) filter (where is_adjudicated),
            count(*) filter (where is_adjudicated and list_contains(info_keys, 'CLM_ADJSTMT_TYPE_CD')) from claims"""
        ).fetchall()[0]
        count.not_adjudicated += found[0]
        count.other_claims += found[1]
        count.read = count.lines - count.not_adjudicated - count.other_claims
        if found[2] is not None:
            raise HcipError(
                "the claim has no claim id", fix="export from BCDA v3 (/api/v3/)", file=count.file, row=int(found[2]),
                rule="BCDA-NO-CLAIM-ID",
            )  # fmt: skip
        self.unknown_claims += found[3]
        self._adjudicated += found[4]
        self._adjusted += found[5]
        parts = {part for (part,) in run("select distinct part from claims where is_adjudicated").fetchall()}
        for table, part in tables.CLAIM_TABLES.items():
            if part in parts:
                self._convert(table, count)
        tags = f"""select _row as source_row, trim(claim_id) as cur_clm_uniq_id,
            {tables.adjustment_sql()} as clm_adjsmt_type_cd, part, final_action
            from claims as claim where is_adjudicated and part is not null and final_action is not null"""
        self._write("claim_tags", tags, count)

    def _convert(self, table: str, count: FileCount) -> None:
        """The table's rows of this piece, from text to its types; a value that cannot be read refuses the export."""
        run = self._connection.execute
        run(f"create or replace temp table cleaned as {tables.cleaned_sql(table)}")
        run(f"create or replace temp table typed as {tables.typed_sql(table, 'cleaned')}")
        fields = LAYOUTS[table].fields
        bad = ", ".join(f"min(source_row) filter (where {tables.unreadable(f)})" for f in fields)
        wide, places = tables.odd(table)
        found = run(f"select {wide}, {places}, {bad} from typed").fetchall()[0]
        count.widened[table] += found[0]
        count.rounded[table] += found[1]
        faults = [(row, f) for f, row in zip(fields, found[2:], strict=True) if row is not None]
        if faults:
            row, field = min(faults, key=lambda fault: (fault[0], fault[1].name))
            raise HcipError(
                f"what {field.name.upper()} is read from is not a {field.kind}",
                fix="ask CMS for the export again", file=count.file, row=row, rule="BCDA-VALUE",
            )  # fmt: skip
        self._write(table, f"select source_row, {', '.join(f.name for f in fields)} from typed", count)

    def _write(self, table: str, sql: str, count: FileCount) -> None:
        schema = table_schema(table)
        rows: pa.Table = self._connection.sql(sql).to_arrow_table()
        said = {**self._lineage, "source_file": count.file}
        columns = [
            pa.repeat(pa.scalar(said[name], schema.field(name).type), rows.num_rows)
            if name in said
            else rows[name].cast(schema.field(name).type)
            for name in schema.names
        ]
        self._writers[table].add(pa.table(columns, schema=schema))
        count.rows[table] += rows.num_rows


def noted(counts: Sequence[FileCount]) -> list[str]:
    """What was odd but harmless, in words."""
    notes = []
    for count in counts:
        if wide := sum(count.widened.values()):
            notes.append(f"BCDA-CODE-WIDTH: {wide} codes of {count.file} were brought to the digits of their kind")
        if places := sum(count.rounded.values()):
            notes.append(f"BCDA-PLACES: {places} numbers of {count.file} had more places than their format")
        if count.not_adjudicated:
            notes.append(
                f"BCDA-NOT-ADJUDICATED: {count.not_adjudicated} claims of {count.file} are not adjudicated (of a "
                "shared system, or not complete); they are counted, and nothing is settled on them"
            )
        if count.superseded:
            notes.append(
                f"BCDA-OLDER: {count.superseded} claims of {count.file} are older versions of claims in the export; "
                "the newest version counts"
            )
        if count.other_claims:
            notes.append(
                f"BCDA-CLAIM-TYPE: {count.other_claims} claims of {count.file} are of types that CCLF does not hold"
            )
    return notes

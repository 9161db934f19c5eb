"""The New York SPARCS adapter (inputs.md, "New York SPARCS"): the public discharge file as tables of the lake.

Belongs here: reading one file, judging its rows, and the receipt. Does not belong here: names and labels
(``columns``), the edits (``edits``) and the resulting tables (``lake_tables``).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from hcip_pipeline.errors import HcipError
from hcip_pipeline.files.received import SPARCS, sha256_of
from hcip_pipeline.intake.sparcs.columns import COLUMNS, SparcsHeader, check_size, read_header, utf8_copy
from hcip_pipeline.intake.sparcs.edits import EDITS, MALFORMED, READINGS, STRAY_EDITS
from hcip_pipeline.intake.sparcs.lake_tables import write_tables
from hcip_pipeline.intake.state_files.edits import counted_problems, judge, number, study_database
from hcip_pipeline.rules.problem import Problem
from hcip_pipeline.rules.sparcs import RULES

#: Rules whose breach by a row is not a fault of the file.
_BLAMELESS = ("SPARCS-NOT-A-DISCHARGE", "SPARCS-FACILITY-REDACTED")
#: Hospitals without an id are numbered from here; no published id is this high.
_FIRST_BY_NAME = 900_000


@dataclass(frozen=True)
class SparcsReceipt:
    """The file that was read and the outcome for its rows; ``rows_read`` = ``accepted`` + ``quarantined``.

    Attributes:
        file, sha256, year, grouper_version: the file that was read, and the name given to its grouping.
        rows_read, accepted, quarantined: rows, without the header and blank lines.
        error_rows: rows that are faulty or of another year; notes and withheld facilities do not count.
        has_license_numbers: whether any physician is identified; if not, only norms over cases are possible.
        ignored_columns: columns of the file that no published year has.
        problems: every rule that any row breaks, with the number of rows; those of an ERROR are in quarantine.
        folder: the folder of the Parquet tables (``into`` of ``read_sparcs``).
    """

    file: str
    sha256: str
    year: int
    grouper_version: str
    rows_read: int
    error_rows: int
    accepted: int
    quarantined: int
    hospitals: int
    has_license_numbers: bool
    ignored_columns: tuple[str, ...]
    problems: tuple[Problem, ...]
    folder: Path

    @property
    def rule_counts(self) -> dict[str, int]:
        """Rows by rule."""
        return {problem.rule: problem.rows or 0 for problem in self.problems}

    def as_dict(self) -> dict[str, object]:
        """The receipt for JSON, without the folder on this machine."""
        content = {name: value for name, value in asdict(self).items() if name != "folder"}
        return content | {"problems": [problem.as_dict() for problem in self.problems]}


def read_sparcs(file: Path, year: int, into: Path) -> SparcsReceipt:
    """Read the discharges of one year from a SPARCS file and write the study's tables as Parquet into ``into``.

    Args:
        file: CSV or CSV.GZ with any year's column names.
        year: the requested discharge year; rows of other years are quarantined.
        into: a folder, created if it does not exist. It gets ``discharges`` (LAKE_DISCHARGES, by ``source_row``),
            ``charges`` (LAKE_CHARGES, empty: the file has none), ``receipts`` (RECEIPTS; rows whose facility cannot be
            read are under UNKNOWN), ``hospitals``, ``apr_drg`` and ``quarantine``.

    Returns:
        The receipt. ``source_row`` counts records from the header as 1; blank lines are not counted.

    Raises:
        HcipError: the file cannot be read, is not a SPARCS file, or has no usable discharge of that year.
    """
    header = read_header(file)
    check_size(file, header.is_gzip)
    grouper_version = f"SPARCS-{year}"
    into.mkdir(parents=True, exist_ok=True)
    with study_database(into) as database, TemporaryDirectory(prefix="hcip-", dir=into) as copies:
        copy = Path(copies) / "discharges.csv"
        is_recoded = utf8_copy(file, header.is_gzip, copy)
        _load(database, copy if is_recoded else file, replace(header, is_gzip=header.is_gzip and not is_recoded))
        by_name = _identify_by_name(database, file)
        _read_cells(database)
        has_licenses = _flag(database, "attending_license is not null or operating_license is not null")
        judge(
            database,
            file.name,
            EDITS,
            strays=STRAY_EDITS,
            malformed=(MALFORMED, "from malformed"),
            values={"year": year, "has_license_numbers": has_licenses},
        )
        rows_read, accepted = _count_rows(database)
        problems = _problems_of_rows(database, accepted)
        problems += _problems_of_file(rows_read, is_recoded=is_recoded, by_name=by_name)
        if not accepted:
            raise _nothing_usable(database, file, year, rows_read, problems)
        write_tables(database, file.name, year, grouper_version, into)
        hospitals = number(database, "select count(distinct facility) from accepted")
        blameless = ", ".join(f"'{rule}'" for rule in _BLAMELESS)
        faulty = f"select count(distinct source_row) from quarantine where rule not in ({blameless})"
        error_rows = number(database, faulty)
    return SparcsReceipt(
        file=file.name,
        sha256=sha256_of(file, SPARCS),
        year=year,
        grouper_version=grouper_version,
        rows_read=rows_read,
        error_rows=error_rows,
        accepted=accepted,
        quarantined=rows_read - accepted,
        hospitals=hospitals,
        has_license_numbers=has_licenses,
        ignored_columns=header.unknown,
        problems=problems,
        folder=into,
    )


def _flag(database: duckdb.DuckDBPyConnection, condition: str) -> bool:
    return bool(number(database, f"select count(*) from (select 1 from cells where {condition} limit 1)"))


def _load(database: duckdb.DuckDBPyConnection, file: Path, header: SparcsHeader) -> None:
    """Create the tables ``printed``, the cells as text, and ``malformed``, the lines that are not rows."""
    cells = {f"c{position}": "varchar" for position in range(len(header.names))}
    printed = ", ".join(
        f"c{header.positions[column.name]} as {column.name}"
        if column.name in header.positions
        else f"cast(null as varchar) as {column.name}"
        for column in COLUMNS
    )
    # No published cell has line ends, so a quoted cell with one is a stray quotation mark that swallows rows.
    swallows = " or ".join(f"contains({cell}, chr(10))" for cell in cells)
    try:
        database.execute(
            f"""create table printed as
            select row_number() over () as accepted_row, {printed}, coalesce({swallows}, false) as has_line_end
            from read_csv(?, auto_detect = false, header = true, delim = ',', quote = '"', escape = '"',
                          columns = {cells}, compression = ?, store_rejects = true)""",
            [str(file), "gzip" if header.is_gzip else "none"],
        )
    except duckdb.Error as error:
        damaged = "GZIP" in str(error).upper()  # the rest of the engine's message may quote a patient's row
        raise HcipError(
            "cannot be unpacked: the gzip file is damaged" if damaged else "cannot be read as comma-separated text",
            file=file,
            fix="download the file again",
        ) from None
    database.execute(
        """create table malformed as
        select line as source_row, bool_or(error_type in ('UNQUOTED VALUE', 'LINE SIZE OVER MAXIMUM')) as has_open_quote
        from reject_errors group by line"""
    )
    _refuse_open_quotes(database, file)


def _identify_by_name(database: duckdb.DuckDBPyConnection, file: Path) -> bool:
    """If no row has a facility id, number the hospitals in the order of their names; returns whether it was done."""
    if number(database, "select count(*) from printed where trim(facility_id) <> ''"):
        return False
    if not number(database, "select count(*) from printed where trim(facility_name) <> ''"):
        if not number(database, "select count(*) from printed"):
            return False
        raise HcipError(
            "names no hospital: facility id and facility name are blank in every row",
            file=file,
            rule="SPARCS-FACILITY-ID",
            fix="use a file that has one of them",
        )
    database.execute(
        f"""create table numbered as
        select name, cast({_FIRST_BY_NAME} + row_number() over (order by name) as varchar) as id
        from (select distinct lower(trim(facility_name)) as name from printed where trim(facility_name) <> '')"""
    )
    database.execute(
        "update printed set facility_id = numbered.id from numbered where lower(trim(facility_name)) = numbered.name"
    )
    return True


def _problems_of_file(rows: int, *, is_recoded: bool, by_name: bool) -> tuple[Problem, ...]:
    found = ["SPARCS-WINDOWS-1252"] * is_recoded + ["SPARCS-BY-NAME"] * by_name
    return tuple(_counted(rule, rows) for rule in found)


def _counted(rule: str, rows: int) -> Problem:
    return Problem(rule, RULES[rule].description, rows=rows)


def _refuse_open_quotes(database: duckdb.DuckDBPyConnection, file: Path) -> None:
    row = number(
        database,
        """select min(line) from (select min(source_row) as line from malformed where has_open_quote
        union all select min(accepted_row) + 1 from printed where has_line_end)""",
    )
    if row:
        raise HcipError(
            "a quotation mark is never closed, so the rows after it cannot be separated",
            file=file,
            row=row,
            rule="SPARCS-OPEN-QUOTE",
            fix="close the quotation mark in that line, or download the file again",
        )


def _read_cells(database: duckdb.DuckDBPyConnection) -> None:
    """Create the table ``cells``: ``printed`` with the readings of its cells and each row's place in the file."""
    readings = ", ".join(f"{sql} as {name}" for name, sql in READINGS.items())
    # The reader numbers only the rows it accepts; the lines it rejected are put back between them.
    database.execute(
        f"""create table cells as
        with gaps as (
            select source_row - place as first_row_after, max(place) as lines_before
            from (select source_row, row_number() over (order by source_row) as place from malformed)
            group by first_row_after
        )
        select printed.* exclude (accepted_row, has_line_end), {readings},
               accepted_row + 1 + coalesce(lines_before, 0) as source_row
        from printed asof left join gaps on accepted_row >= first_row_after"""
    )
    database.execute("drop table printed")


def _count_rows(database: duckdb.DuckDBPyConnection) -> tuple[int, int]:
    """Rows read and rows accepted; fails if any row is in neither or both places."""
    accepted = number(database, "select count(*) from accepted")
    quarantined = number(database, "select count(distinct source_row) from quarantine")
    rows_read = number(database, "select (select count(*) from cells) + (select count(*) from malformed)")
    if rows_read != accepted + quarantined:
        raise AssertionError(f"{rows_read} rows read, {accepted} accepted and {quarantined} quarantined")
    return rows_read, accepted


def _problems_of_rows(database: duckdb.DuckDBPyConnection, accepted: int) -> tuple[Problem, ...]:
    problems = counted_problems(database, (MALFORMED, *(edit.rule for edit in (*STRAY_EDITS, *EDITS))))
    if accepted:
        several = number(
            database,
            """select count(*) from (select drg from accepted where drg is not null group by drg
            having count(distinct mdc_code) > 1 or count(distinct drg_type_code) > 1)""",
        )
        if several:
            problems.append(_counted("SPARCS-DRG-SEVERAL-MDC", several))
    return tuple(problems)


def _nothing_usable(
    database: duckdb.DuckDBPyConnection, file: Path, year: int, rows_read: int, problems: tuple[Problem, ...]
) -> HcipError:
    if not rows_read:
        return HcipError("has a header but no discharges", file=file, fix="download the file again")
    years = [
        str(row[0])
        for row in database.execute("select distinct year from cells where year is not null order by 1").fetchall()
    ]
    if years and str(year) not in years:
        return HcipError(
            f"has no discharges of {year}, only of {', '.join(years[:10])}",
            file=file,
            rule="SPARCS-OTHER-YEAR",
            fix=f"ask for the year of the file (--year {years[-1]}), or use the file of {year}",
        )
    worst = max((problem for problem in problems if problem.severity == "ERROR"), key=lambda problem: problem.rows or 0)
    first = number(database, f"select min(source_row) from quarantine where rule = '{worst.rule}'")
    counted = ", ".join(f"{problem.rule} {problem.rows}" for problem in problems)
    return HcipError(
        f"none of its {rows_read} rows can be used ({counted}); first: {worst.message}",
        file=file,
        row=first,
        rule=worst.rule,
        fix=worst.fix,
    )

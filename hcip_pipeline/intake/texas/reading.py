"""Texas's inpatient public use data file (PUDF): its quarters as tables of the lake, with real charge lines.

Belongs here: one quarter after another, from the files to Parquet, and the receipt. Does not belong here: finding the
files (``folder``), what a cell means and the edits (``edits``), and code that states share (``state_files``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl

from hcip_pipeline.contracts.hospital import LAKE_CHARGES, LAKE_DISCHARGES
from hcip_pipeline.contracts.reference import APR_DRG, HOSPITALS
from hcip_pipeline.contracts.run import RECEIPTS
from hcip_pipeline.errors import HcipError
from hcip_pipeline.files.received import TEXAS
from hcip_pipeline.intake.state_files.edits import study_database
from hcip_pipeline.intake.state_files.lake_tables import write_contract, write_quarantine
from hcip_pipeline.intake.state_files.reading import FileReader, PublicFile, StateFiles
from hcip_pipeline.intake.texas import edits
from hcip_pipeline.intake.texas.folder import find_files
from hcip_pipeline.periods import Quarter
from hcip_pipeline.rules.problem import Problem

#: The publisher's codes of physicians have no check digit, like license numbers.
IDENTIFIER_TYPE = "LICENSE"
#: The largest share of records of other quarters that a file may have.
MOST_OF_OTHERS = Decimal("0.1")
#: Among this many amounts, some should have cents.
ROWS_WITH_CENTS = 100

_STATE = StateFiles(
    "texas_pudf",
    "TEXAS",
    {"base1": edits.BASE, "base2": edits.BASE_2, "charges": edits.CHARGES, "facility": edits.FACILITY},
    TEXAS,
)
_MEMORY = "3GB"


@dataclass(frozen=True)
class TexasReceipt:
    """The files that were read and the outcome for their rows.

    Attributes:
        quarters: the quarters read, in order.
        files: for each quarter, base 1, base 2 (only counted), charges and facility.
        problems: every rule that rows break, with the number of rows and the first of them.
        hospitals: ids of hospitals with an accepted record, in order.
        folder: the folder of the Parquet tables.
    """

    quarters: tuple[str, ...]
    files: tuple[PublicFile, ...]
    problems: tuple[Problem, ...]
    hospitals: tuple[str, ...]
    folder: Path

    def parquet(self, table: str) -> list[Path]:
        """The files of a table with one row per discharge or line, by quarter."""
        return [self.folder / f"{table}_{quarter}.parquet" for quarter in self.quarters]


def read_texas(
    folder: Path,
    quarters: Sequence[Quarter],
    into: Path,
    apr_drgs: pl.DataFrame,
    progress: Callable[[str], None] | None = None,
) -> TexasReceipt:
    """Read whole quarters of the PUDF and write a study's tables as Parquet into ``into``.

    Args:
        folder: the unpacked files, in either form, or a folder of folders.
        into: created if it does not exist; gets ``discharges_<quarter>``, ``charges_<quarter>``, ``receipts``,
            ``hospitals``, ``apr_drg`` and ``quarantine_<quarter>``.
        apr_drgs: the table ``apr_drg`` in force, for labels and surgical groups, which the file does not have.
        progress: called with each step.

    Raises:
        HcipError: a file is missing, of an unknown layout or of another quarter, or has no usable record.
    """
    report = progress or (lambda _: None)
    found = find_files(folder, quarters)
    into.mkdir(parents=True, exist_ok=True)
    files: list[PublicFile] = []
    problems: list[Problem] = []
    with study_database(into) as database:
        database.execute(f"set memory_limit = '{_MEMORY}'")
        _prepare(database, apr_drgs)
        for quarter in quarters:
            one = _Quarter(database, quarter, folder, found[quarter], into, report)
            one.read()
            files += one.reader.files
            problems += one.reader.problems
        _write_shared(database, into)
        hospitals = [row[0] for row in database.execute("select distinct hospital from seen order by 1").fetchall()]
    return TexasReceipt(tuple(str(q) for q in quarters), tuple(files), tuple(problems), tuple(hospitals), into)


def _prepare(database: duckdb.DuckDBPyConnection, apr_drgs: pl.DataFrame) -> None:
    database.register("given_apr_drgs", apr_drgs.select(APR_DRG.names).to_arrow())
    database.execute(
        """create table known as from given_apr_drgs;
        create table all_facilities (hospital varchar, name varchar, is_acute boolean, quarter varchar);
        create table earlier (record varchar, hospital varchar, quarter varchar);
        create table seen (hospital varchar, name varchar, quarter varchar);
        create table groups_seen (grouper varchar, drg varchar, mdc varchar, cases bigint);
        create table received (hospital varchar, quarter varchar, rows_read bigint, rows_excluded bigint,
                               amount_read decimal(18, 2), amount_excluded decimal(18, 2))"""
    )


class _Quarter:
    """One quarter's files on their way into the lake."""

    def __init__(
        self,
        database: duckdb.DuckDBPyConnection,
        quarter: Quarter,
        folder: Path,
        paths: dict[str, Path],
        into: Path,
        report: Callable[[str], None],
    ) -> None:
        self.database, self.quarter, self.paths, self.into, self.report = database, str(quarter), paths, into, report
        self.year = quarter.year
        self.reader = FileReader(database, _STATE, self.quarter, folder, paths)

    def read(self) -> None:
        """Read facilities, records and charge lines; then judge them together and write the tables of the lake."""
        self.report(f"reading the discharges of {self.quarter}")
        self._read_facilities()
        if "base2" in self.paths:
            self.reader.lines("base2", "second_records")
            self.reader.count_lines("base2", "second_records")
        self._read_records()
        self.report(f"reading the charge lines of {self.quarter}")
        self._read_charges()
        self.report(f"judging the records and lines of {self.quarter}")
        self._judge_records()
        self._judge_charges()
        self.report(f"writing the tables of {self.quarter}")
        self._write()

    def _read_facilities(self) -> None:
        self.reader.lines("facility", "facility_rows")
        self.reader.count_lines("facility", "facility_rows")
        self.database.execute(
            f"""create or replace table facilities as
            select trim(thcic_id) as hospital, any_value(nullif(trim(provider_name), '')) as name,
                   bool_or(trim(fac_acute_care_ind) not in ('', '{edits.INVALID}', 'N', '0')) as is_acute
            from facility_rows where trim(thcic_id) <> '' group by all"""
        )
        self.database.execute("insert into all_facilities select *, ? from facilities", [self.quarter])

    def _read_records(self) -> None:
        self.reader.lines("base1", "records", edits.READINGS)
        self.database.execute(
            """create or replace table cells as
            select records.*,
                   row_number() over (partition by record order by source_row) > 1
                   or (record, hospital, quarter) in (select (record, hospital, quarter) from earlier) as is_repeated,
                   case when severity is not null and grouped in (select apr_drg from known) then grouped end as drg
            from records; drop table records"""
        )
        self._refuse_other_quarter()
        self._refuse_other_facilities()

    def _judge_records(self) -> None:
        self.reader.judge("base1", "records", edits.EDITS, values={"quarter": self.quarter})
        self._refuse_nothing_usable()
        rows, with_cents = self.database.execute(
            "select count(*), count(*) filter (where contains(total_charges, '.')) from accepted"
        ).fetchall()[0]
        self._refuse_other_charges(rows)
        if rows >= ROWS_WITH_CENTS and not with_cents:
            self.reader.note("TEXAS-NO-CENTS", "base1", rows, 1)

    def _refuse_nothing_usable(self) -> None:
        if self.reader.files[-1].accepted:
            return
        worst = max((p for p in self.reader.problems if p.severity == "ERROR"), key=lambda p: p.rows or 0, default=None)
        raise HcipError(
            f"has no usable record{f' ({worst.message})' if worst else ''}",
            file=self.paths["base1"],
            row=worst.row if worst else None,
            rule=worst.rule if worst else "TEXAS-LAYOUT",
            fix=worst.fix if worst else "download the file again",
        )

    def _refuse_other_quarter(self) -> None:
        """A few percent of discharges are late; with more records of other quarters, it is not the quarter's file."""
        rows = self.database.execute(
            """select quarter, count(*), min(source_row) filter (where quarter <> $quarter) from cells
            where quarter is not null group by quarter order by 2 desc, 1""",
            {"quarter": self.quarter},
        ).fetchall()
        others = [(quarter, count, row) for quarter, count, row in rows if quarter != self.quarter]
        records, of_others = (sum(count for _, count, _ in each) for each in (rows, others))
        if of_others > MOST_OF_OTHERS * records:
            raise HcipError(
                f"is named for {self.quarter}, but {of_others:,} of its {records:,} records were discharged in other "
                f"quarters, most of them in {others[0][0]}",
                file=self.paths["base1"],
                row=others[0][2],
                rule="TEXAS-OTHER-QUARTER",
                fix="name the file for the quarter it contains, such as base1_1q2019.txt; use one file per quarter",
            )

    def _refuse_other_facilities(self) -> None:
        """A hospital that is missing from the facility file is not acute, and all its cases are excluded."""
        named, missing, row = self.database.execute(
            f"""select count(*), count(*) filter (where hospital not in (select hospital from facilities)),
            min(source_row) filter (where hospital not in (select hospital from facilities))
            from cells where hospital is not null and hospital not in {edits.listed(edits.POOLED)}"""
        ).fetchall()[0]
        if 2 * missing > named:
            raise HcipError(
                f"has the hospitals of only {named - missing:,} of the {named:,} records of base 1 (the first without "
                f"one is in its row {row}); a hospital that is not in it counts as not acute",
                file=self.paths["facility"],
                rule="TEXAS-OTHER-FACILITIES",
                fix="use the complete facility file of the same quarter",
            )

    def _read_charges(self) -> None:
        self.reader.lines("charges", "line_rows", edits.LINE_READINGS)
        self.database.execute(
            """create or replace table billed as
            select record, coalesce(sum(charge) filter (where revenue is distinct from '0001'), 0) as charge
            from line_rows where record is not null group by record;
            create or replace table differing as select cells.record
            from cells inner join billed using (record) where abs(billed.charge - cells.charges) > 1"""
        )

    def _refuse_other_charges(self, records: int) -> None:
        """Lines that miss most totals are read wrongly: cents without a point, another quarter, lines twice."""
        differing, first = self.reader.rows_under("TEXAS-CHARGES-DIFFER")
        if 2 * differing > records:
            raise HcipError(
                f"has lines that differ by more than $1 from the total charges of {differing:,} of the "
                f"{records:,} records, the first of which is in row {first} of base 1",
                file=self.paths["charges"],
                rule="TEXAS-OTHER-CHARGES",
                fix="use base 1 and charges of the same quarter, each once, with amounts as published",
            )

    def _judge_charges(self) -> None:
        self.database.execute(
            """create or replace table owners as
            select record, bool_or(is_accepted) as of_record, min(hospital) filter (where is_accepted) as hospital
            from (
                select record, hospital, source_row not in (select source_row from quarantine) as is_accepted
                from cells where record is not null
            )
            group by record;
            create or replace view cells_lines as
            select line_rows.*, owners.hospital, owners.of_record from line_rows left join owners using (record)"""
        )
        self.reader.judge("charges", "line_rows", edits.LINE_EDITS, suffix="_lines")

    def _write(self) -> None:
        lineage = {"submission": f"'texas_pudf/{self.quarter}'", "source_row": "source_row"}
        discharge = lineage | {
            "hospital_ccn": "hospital",
            "account_no": f"'{self.quarter}-' || record",
            "sex": "sex",
            "zip_code": "zip",
            "nature_of_admission": "nature",
            "source_of_admission": "source",
            "discharge_disposition": "coalesce(patient_status, '')",  # excludes nothing
            "attending_npi": "attending",
            "operating_npi": "operating",
            "principal_diagnosis": "diagnosis",
            "grouper_version": "grouper",
            "apr_drg": "drg",
            "severity_of_illness": "severity",
            "risk_of_mortality": "mortality",
            "total_charges": "charges",
            "discharge_year": str(self.year),
            "length_of_stay": "days",
            "identifier_type": f"'{IDENTIFIER_TYPE}'",
            "source_file": _quoted(self.reader.names["base1"]),
        }
        line = lineage | {
            "hospital_ccn": "hospital",
            "account_no": f"'{self.quarter}-' || record",
            "revenue_code": "coalesce(revenue, '')",  # in no range of revenue_codes: UNMAPPED
            "units": "units",
            "charge": "charge",
            "source_file": _quoted(self.reader.names["charges"]),
        }
        database, into = self.database, self.into
        write_contract(database, LAKE_DISCHARGES, discharge, "accepted", into, f"discharges_{self.quarter}")
        name = f"charges_{self.quarter}"
        write_contract(database, LAKE_CHARGES, line, "accepted_lines", into, name, is_ordered=True)
        write_quarantine(database, into, f"quarantine_{self.quarter}", ("quarantine", "quarantine_lines"))
        database.execute(
            f"""insert into earlier select record, hospital, quarter from accepted;
            insert into seen select hospital, any_value(hospital_name), '{self.quarter}' from accepted
                group by hospital;
            insert into groups_seen select grouper, drg, mdc, count(*) from accepted where drg is not null group by all;
            insert into received
            select coalesce(hospital, 'UNKNOWN'), '{self.quarter}', count(*), count(*) filter (where is_out),
                   coalesce(sum(charges), 0), coalesce(sum(charges) filter (where is_out), 0)
            from (
                select hospital, charges, source_row in (select source_row from quarantine) as is_out from cells
                union all select null, null, true from malformed_records
            ) group by all;
            drop view cells_lines; drop table line_rows; drop table quarantine_lines cascade"""
        )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _write_shared(database: duckdb.DuckDBPyConnection, into: Path) -> None:
    """Write hospitals, groups and receipts of all quarters; the last quarter's facility file takes precedence."""
    pooled = ", ".join(f"'{hospital}'" for hospital in edits.POOLED)
    hospitals = f"""(
        select seen.hospital, coalesce(arg_max(facility.name, facility.quarter), arg_max(seen.name, seen.quarter),
                                       seen.hospital) as name,
               case when seen.hospital not in ({pooled})
                         and coalesce(arg_max(facility.is_acute, facility.quarter), false)
                    then 'Y' else 'N' end as acute
        from seen left join all_facilities as facility using (hospital)
        group by seen.hospital
    )"""
    groups = """(
        select distinct on (seen.grouper, seen.drg) seen.grouper as grouper_version, seen.drg as apr_drg, label,
               coalesce(seen.mdc, known.mdc) as mdc, type, service_line
        from (
            select grouper, drg, arg_max(mdc, (cases, mdc)) as mdc
            from (select grouper, drg, mdc, sum(cases) as cases from groups_seen group by all) group by all
        ) as seen
        inner join known on known.apr_drg = seen.drg
        order by seen.grouper, seen.drg, known.grouper_version = seen.grouper desc, known.grouper_version desc
    )"""
    named = {"ccn": "hospital", "name": "name", "acute": "acute"}
    write_contract(database, HOSPITALS, named, hospitals, into, "hospitals")
    write_contract(database, APR_DRG, {name: name for name in APR_DRG.names}, groups, into, "apr_drg")
    received = {name: name for name in RECEIPTS.names} | {"hospital_ccn": "hospital"}
    write_contract(database, RECEIPTS, received, "received", into, "receipts")

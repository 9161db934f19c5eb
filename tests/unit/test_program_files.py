"""Program files: what each may contain, which version is in force, and what the receipts report."""

from __future__ import annotations

import datetime as dt
import json
import time
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hcip_pipeline.contracts.program import TABLES
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.program.ingest import ProgramReceipt, ingest_program, program_periods
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.tables.contract_columns import npi_fails_check_digit

# ruff: noqa: E501 - each row of the table of breaches stays on one line

PERIOD = PerformancePeriod(2025, 1)
NPI, OTHER_NPI = "1234567893", "1215000005"

PARTNERS = (
    "hospital_ccn,npi,name,tin,specialty,participation_start,participation_end,arrangement_signed,screening_status,"
    "certified_on\n"
)
RESULTS = "hospital_ccn,npi,condition_id,met,source,reported_on\n"
ACTIVITY = "hospital_ccn,npi,intervention_id,activities,reported_on\n"
ADJUSTMENTS = "hospital_ccn,npi,adjustment_amount,reason,approved_by,approved_on\n"
CAPS = "hospital_ccn,npi,calendar_year,approved_amount,notice_date\n"
POOLS = "hospital_ccn,incentive_pool,contested,notice_date\n"
OTHERS = "hospital_ccn,program,kind,amount\n"
PAYMENTS = "hospital_ccn,npi,paid_amount,paid_on,reference\n"
MEETINGS = "hospital_ccn,met_on,members_present,physicians_present\n"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def put(home: Home, table: str, text: str | bytes) -> Path:
    path = home.inbox / "program" / str(PERIOD) / f"{table}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def ingest(home: Home, table: str) -> ProgramReceipt:
    return next(receipt for receipt in ingest_program(home, PERIOD).receipts if receipt.table == table)


def lake(home: Home, table: str) -> pl.DataFrame:
    return pl.read_parquet(home.lake_program(PERIOD) / f"{table}.parquet")


# Accepted


def test_absent_files_are_typed_empty_tables_and_reported(home: Home) -> None:
    intake = ingest_program(home, PERIOD)
    assert {receipt.status for receipt in intake.receipts} == {"absent"}
    assert "care_partners: no file; the table is empty" in [receipt.summary() for receipt in intake.receipts]
    intake.require_in_force()
    for name, table in TABLES.items():
        assert lake(home, name).is_empty()
        assert lake(home, name).schema == pl.DataFrame(schema=table.schema).schema


def test_a_file_is_read_exactly_and_ordered_by_key(home: Home) -> None:
    rows = f"210043,{OTHER_NPI},-0.50,late charts,committee,2025-08-01\n210043,{NPI},-1000,=SUM(A1),chair,2025-08-02\n"
    put(home, "committee_adjustments", ADJUSTMENTS + rows)
    receipt = ingest(home, "committee_adjustments")
    assert receipt.status == "accepted"
    assert (receipt.rows, receipt.version, receipt.in_force) == (2, 1, 1)
    assert receipt.times_as_given == {"approved_on": ["2025-08-01", "2025-08-02"]}
    assert lake(home, "committee_adjustments").rows() == [
        ("210043", OTHER_NPI, Decimal("-0.50"), "late charts", "committee", dt.date(2025, 8, 1)),
        ("210043", NPI, Decimal("-1000.00"), "=SUM(A1)", "chair", dt.date(2025, 8, 2)),
    ]


def test_a_condition_met_is_y_n_or_blank(home: Home) -> None:
    put(home, "condition_results", RESULTS + f"210043,{NPI},a,Y,,\n210043,{NPI},b,N,,\n210043,{NPI},c,,,\n")
    assert ingest(home, "condition_results").status == "accepted"
    assert lake(home, "condition_results").get_column("met").to_list() == ["Y", "N", None]


def test_an_open_end_may_be_written_as_9999_12_31(home: Home) -> None:
    put(home, "care_partners", PARTNERS + f"210043,{NPI},Kim,,,2024-01-01,9999-12-31,2023-12-01,cleared,2023-12-02\n")
    assert ingest(home, "care_partners").status == "accepted"


def test_a_payment_taken_back_is_negative(home: Home) -> None:
    put(home, "payments", PAYMENTS + f"210043,{NPI},-12.00,2025-11-01,R-1\n")
    assert ingest(home, "payments").status == "accepted"


def test_a_header_without_rows_is_accepted_with_a_warning(home: Home) -> None:
    put(home, "pool_notices", POOLS)
    receipt = ingest(home, "pool_notices")
    assert (receipt.status, receipt.rules_broken) == ("accepted", {"FILE-NO-ROWS": 1})


@pytest.mark.parametrize(
    ("table", "text", "rule", "column"),
    [
        ("pool_notices", "hospital_ccn,incentive_pool,contested,notice_date,note\n210043,1.00,N,2025-10-01,x\n", "COLUMN-UNKNOWN", "note"),
        ("care_partners", PARTNERS + f"210043,{NPI},Kim,12345,,2024-01-01,,2023-12-01,cleared,2023-12-02\n", "TIN-NOT-NINE-DIGITS", "tin"),
        ("committee_meetings", MEETINGS + "210043,2025-07-01,5,3\n", "DATE-OUTSIDE-PERIOD", "met_on"),
        ("intervention_activity", ACTIVITY + f"210043,{NPI},handwashing,3,\n", "INTERVENTION-UNKNOWN", "intervention_id"),
    ],
)  # fmt: skip
def test_a_file_with_warnings_is_accepted_and_the_warnings_are_reported(
    home: Home, table: str, text: str, rule: str, column: str
) -> None:
    put(home, table, text)
    receipt = ingest(home, table)
    assert receipt.status == "accepted"
    assert [(problem.rule, problem.column) for problem in receipt.problems] == [(rule, column)]


def test_a_result_for_a_condition_that_the_protocol_lacks_is_reported(home: Home) -> None:
    put(home, "condition_results", RESULTS + f"210043,{NPI},charts,Y,,\n210043,{NPI},chart,Y,,\n210044,{NPI},x,Y,,\n")
    receipts = ingest_program(home, PERIOD, {("210043", "charts")}).receipts
    receipt = next(receipt for receipt in receipts if receipt.table == "condition_results")
    assert [(problem.rule, problem.row) for problem in receipt.problems] == [("CONDITION-UNKNOWN", 3)]


# Refused


@pytest.mark.parametrize(
    ("table", "text", "rule", "row", "column"),
    [
        ("care_partners", PARTNERS + f"210043,{NPI},Kim,,,2024-01-01,2023-01-01,,cleared,\n", "DATE-ORDER", 2, "participation_end"),
        ("care_partners", PARTNERS + "210043,1234567890,Kim,,,2024-01-01,,,cleared,\n", "NPI-CHECK-DIGIT", 2, "npi"),
        ("care_partners", PARTNERS + "210043,123456789X,Kim,,,2024-01-01,,,cleared,\n", "CELL-FORMAT", 2, "npi"),
        ("care_partners", PARTNERS + "210043,=1234567893,Kim,,,2024-01-01,,,cleared,\n", "CELL-TOO-LONG", 2, "npi"),
        ("care_partners", PARTNERS + f"210099,{NPI},Kim,,,2024-01-01,,,cleared,\n", "CCN-UNKNOWN", 2, "hospital_ccn"),
        ("care_partners", PARTNERS + f"210043,{NPI},Kim,,,0204-01-01,,,cleared,\n", "DATE-IMPLAUSIBLE", 2, "participation_start"),
        ("care_partners", PARTNERS + f"210043,{NPI},,,,2024-01-01,,,cleared,\n", "CELL-MISSING", 2, "name"),
        ("care_partners", PARTNERS + f"210043,{NPI},A,,,2024-01-01,,,cleared,\n" * 2, "KEY-REPEATED", 3, "hospital_ccn, npi"),
        ("condition_results", RESULTS + f"210043,{NPI},,Y,,\n", "CELL-MISSING", 2, "condition_id"),
        ("intervention_activity", ACTIVITY + f"210043,{NPI},vaccination,-1,\n", "NUMBER-OUT-OF-RANGE", 2, "activities"),
        ("intervention_activity", ACTIVITY + f"210043,{NPI},vaccination,1.5,\n", "CELL-FORMAT", 2, "activities"),
        ("committee_adjustments", ADJUSTMENTS + f"210043,{NPI},0.01,x,y,2025-08-01\n", "ADJUSTMENT-INCREASE", 2, "adjustment_amount"),
        ("committee_adjustments", ADJUSTMENTS + f"210043,{NPI},-0.005,x,y,2025-08-01\n", "CELL-FORMAT", 2, "adjustment_amount"),
        ("committee_adjustments", ADJUSTMENTS + f"210043,{NPI},-5,,y,2025-08-01\n", "CELL-MISSING", 2, "reason"),
        ("committee_adjustments", ADJUSTMENTS + f"210043,{NPI},-5,x,,2025-08-01\n", "CELL-MISSING", 2, "approved_by"),
        ("pfs_cap_notices", CAPS + f"210043,{NPI},2025,-1,2025-10-01\n", "AMOUNT-NEGATIVE", 2, "approved_amount"),
        ("pfs_cap_notices", CAPS + f"210043,{NPI},25,1,2025-10-01\n", "NUMBER-OUT-OF-RANGE", 2, "calendar_year"),
        ("pool_notices", POOLS + "210043,100,,2025-10-01\n", "CELL-MISSING", 2, "contested"),
        ("pool_notices", POOLS + "210043,-100,N,2025-10-01\n", "AMOUNT-NEGATIVE", 2, "incentive_pool"),
        ("pool_notices", POOLS + "210043,99999999999999999,N,2025-10-01\n", "CELL-FORMAT", 2, "incentive_pool"),
        ("other_program_amounts", OTHERS + "210043,ECIP,savings,1\n", "VALUE-NOT-ALLOWED", 2, "kind"),
        ("other_program_amounts", OTHERS + "210043,ECIP,incentive,-1\n", "AMOUNT-NEGATIVE", 2, "amount"),
        ("payments", PAYMENTS + f"210043,{NPI},10,2025-02-29,R\n", "CELL-FORMAT", 2, "paid_on"),
        ("payments", PAYMENTS + f"210043,{NPI},10,2025-10-01,\n", "CELL-MISSING", 2, "reference"),
        ("committee_meetings", MEETINGS + "210043,2025-02-01,3,4\n", "PARTS-EXCEED-TOTAL", 2, "physicians_present"),
        ("committee_meetings", MEETINGS + "210043,2025-02-01,0,0\n", "NUMBER-OUT-OF-RANGE", 2, "members_present"),
        ("committee_meetings", b"hospital_ccn,met_on\n210043,2025-02-01,5\n", "ROW-RAGGED", 2, ""),
        ("committee_meetings", b"", "FILE-EMPTY", None, ""),
    ],
)  # fmt: skip
def test_a_bad_row_refuses_its_file(
    home: Home, table: str, text: str | bytes, rule: str, row: int | None, column: str
) -> None:
    put(home, table, text)
    receipt = ingest(home, table)
    assert receipt.status == "refused"
    first = next(problem for problem in receipt.problems if problem.severity == "ERROR")
    assert (first.rule, first.row, first.column) == (rule, row, column)
    assert first.fix
    assert lake(home, table).is_empty()


def test_every_problem_is_listed_at_once(home: Home) -> None:
    rows = f"210099,{NPI},5,x,y,2025-08-01\n210043,1234567890,abc,,y,01/08/2025\n"
    put(home, "committee_adjustments", ADJUSTMENTS + rows)
    receipt = ingest(home, "committee_adjustments")
    assert receipt.rules_broken == {
        "ADJUSTMENT-INCREASE": 1, "CCN-UNKNOWN": 1, "CELL-FORMAT": 2, "CELL-MISSING": 1, "NPI-CHECK-DIGIT": 1
    }  # fmt: skip
    assert len(receipt.problems) == 6


def test_nothing_in_force_after_a_refusal_stops_the_period(home: Home) -> None:
    put(home, "care_partners", PARTNERS + f"210043,{NPI},Kim,,,2024-01-01,,,maybe,\n")
    intake = ingest_program(home, PERIOD)
    with pytest.raises(
        HcipError,
        match=r"care_partners\.csv: row 2, column screening_status: 'maybe' is not one of cleared, failed, pending",
    ):
        intake.require_in_force()


# Versions


def test_a_refused_file_leaves_the_earlier_version_in_force(home: Home) -> None:
    put(home, "pool_notices", POOLS + "210043,100,N,2025-10-01\n")
    ingest(home, "pool_notices")
    put(home, "pool_notices", POOLS + "210043,lots,N,2025-10-01\n")
    receipt = ingest(home, "pool_notices")
    assert (receipt.status, receipt.version, receipt.in_force, receipt.rows_in_force) == ("refused", 2, 1, 1)
    assert lake(home, "pool_notices").get_column("incentive_pool").to_list() == [Decimal(100)]
    ingest_program(home, PERIOD).require_in_force()


def test_a_corrected_file_supersedes_and_all_versions_are_kept(home: Home) -> None:
    for amount in ("100", "lots", "200"):
        put(home, "pool_notices", POOLS + f"210043,{amount},N,2025-10-01\n")
        ingest_program(home, PERIOD)
    folder = home.lake_program(PERIOD)
    receipts = [json.loads(path.read_text()) for path in sorted((folder / "receipts").glob("pool_notices.r*.json"))]
    assert [(receipt["version"], receipt["status"]) for receipt in receipts] == [
        (1, "accepted"), (2, "refused"), (3, "accepted")
    ]  # fmt: skip
    assert [path.name for path in sorted((folder / "history").iterdir())] == [
        "pool_notices.r1.parquet", "pool_notices.r3.parquet"
    ]  # fmt: skip
    assert lake(home, "pool_notices").get_column("incentive_pool").to_list() == [Decimal(200)]


def test_the_same_file_again_has_the_same_version_and_the_same_bytes(home: Home) -> None:
    put(home, "pool_notices", POOLS + "210043,100,N,2025-10-01\n")
    first = ingest_program(home, PERIOD)
    before = {path: path.read_bytes() for path in home.lake.rglob("*") if path.is_file()}
    time.sleep(0.01)
    put(home, "pool_notices", POOLS + "210043,100,N,2025-10-01\n")
    assert ingest_program(home, PERIOD) == first
    assert {path: path.read_bytes() for path in home.lake.rglob("*") if path.is_file()} == before


def test_a_hospital_added_to_the_reference_lets_the_same_file_in(home: Home) -> None:
    put(home, "pool_notices", POOLS + "990001,100,N,2025-10-01\n")
    assert ingest(home, "pool_notices").status == "refused"
    hospitals = home.inbox / "reference" / "hospitals.csv"
    hospitals.parent.mkdir()
    hospitals.write_text("ccn,name,acute,county,system\n990001,New,Y,,\n")
    receipt = ingest(home, "pool_notices")
    assert (receipt.status, receipt.version) == ("accepted", 2)


def test_a_file_that_disappears_leaves_its_last_version_in_force(home: Home) -> None:
    path = put(home, "pool_notices", POOLS + "210043,100,N,2025-10-01\n")
    ingest(home, "pool_notices")
    path.unlink()
    receipt = ingest(home, "pool_notices")
    assert (receipt.status, receipt.in_force, receipt.rows_in_force) == ("absent", 1, 1)


def test_a_killed_intake_is_finished_by_the_next(home: Home) -> None:
    put(home, "pool_notices", POOLS + "210043,100,N,2025-10-01\n")
    ingest(home, "pool_notices")
    (home.lake_program(PERIOD) / "pool_notices.parquet").unlink()
    (home.lake_program(PERIOD) / "history" / ".pool_notices.r2.parquet.99.tmp").write_bytes(b"half")
    assert ingest(home, "pool_notices").version == 1
    assert lake(home, "pool_notices").height == 1


# Other files


def test_unknown_files_are_reported_with_a_suggestion(home: Home) -> None:
    put(home, "care_partner", "x")
    (home.inbox / "program" / str(PERIOD) / "Payments.CSV").write_text("x")
    (home.inbox / "program" / str(PERIOD) / ".DS_Store").write_text("x")
    unknown = ingest_program(home, PERIOD).unknown_files
    assert unknown == ("care_partner.csv (perhaps care_partners.csv?)",)
    assert program_periods(home.inbox) == ["2025H1"]


def test_a_link_is_not_followed(home: Home, tmp_path: Path) -> None:
    secret = tmp_path / "elsewhere.csv"
    secret.write_text(POOLS + "210043,100,N,2025-10-01\n")
    path = put(home, "pool_notices", "x")
    path.unlink()
    path.symlink_to(secret)
    receipt = ingest(home, "pool_notices")
    assert (receipt.status, receipt.sha256) == ("refused", "")
    assert receipt.rules_broken == {"FILE-IS-LINK": 1}


# The check digit of an NPI


def luhn(npi: str) -> bool:
    """The textbook way, digit by digit from the right, over 80840 and the NPI; an NPI begins with 1 or 2."""
    total = 0
    for position, digit in enumerate(reversed("80840" + npi)):
        value = int(digit) * (1 + position % 2)
        total += value - 9 * (value > 9)
    return total % 10 == 0 and npi[0] in "12"


@settings(deadline=None)
@given(st.lists(st.integers(0, 3 * 10**9).map(lambda n: f"{n:010}"), min_size=1, max_size=50))
def test_the_check_digit_equals_the_textbooks(npis: list[str]) -> None:
    frame = pl.DataFrame({"npi": npis}).select(npi_fails_check_digit(pl.col("npi")))
    assert frame.to_series().to_list() == [not luhn(npi) for npi in npis]

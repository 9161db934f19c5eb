"""Medicare's readmissions and rates: every trap of methodology §12 on claims, each with the few claims that set it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from hcip_pipeline.periods import PerformancePeriod
from tests.claims_models import connect, empty, fill, rows

D = Decimal
A, B, C = "210001", "210002", "210003"
PERIOD = PerformancePeriod(2025, 1)
WINDOWS = (PERIOD.window, PERIOD.baseline("same_half"))
#: claim types: a stay, a skilled nursing facility, home health
STAY, NURSING, HOME_HEALTH = "60", "20", "10"


def day(text: str) -> dt.date:
    """``02-01`` is of 2025."""
    return dt.date.fromisoformat(text if len(text) > 5 else f"2025-{text}")


def claim(person: str, ccn: str, from_: str, thru: str, status: str = "01", **other: Any) -> dict[str, Any]:
    """A final inpatient claim of an emergency."""
    fields = {"clm_type_cd": STAY, "clm_adjsmt_type_cd": "0", "clm_admsn_type_cd": "1", "clm_pmt_amt": D(1000)}
    return fields | delivered("2025-09") | {
        "cur_clm_uniq_id": f"{person}{ccn}{from_}{thru}", "bene_mbi_id": person, "clm_blg_prvdr_oscar_num": ccn,
        "clm_from_dt": day(from_), "clm_thru_dt": day(thru), "bene_ptnt_stus_cd": status,
    } | other  # fmt: skip


def delivered(month: str) -> dict[str, Any]:
    return {
        "source_archive": month, "source_file": "f", "source_row": 1, "file_date": day(f"{month}-15"),
        "delivery_month": month, "is_run_out": False,
    }  # fmt: skip


def named(person: str, month: str, **other: Any) -> dict[str, Any]:
    """A beneficiary in the file of a month."""
    return {"bene_mbi_id": person, "bene_zip_cd": "21201"} | delivered(month) | other


@pytest.fixture(scope="module")
def views() -> duckdb.DuckDBPyConnection:
    connection = connect()
    windows = ", ".join(f"('{w.name}', date '{w.start}', date '{w.end}', {w.calendar_year})" for w in WINDOWS)
    connection.execute(f"insert into lake.windows (window_name, start_date, end_date, calendar_year) values {windows}")
    return connection


@pytest.fixture
def warehouse(views: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    empty(views)
    fill(views, "cclf8", [named("nobody", "2025-09")])  # as on the day of the run: the data reach 15 September
    return views


def followed(warehouse: duckdb.DuckDBPyConnection, *claims: dict[str, Any]) -> dict[tuple[str, str], int | None]:
    """Hospital and day of each index discharge of the period -> days to the readmission."""
    fill(warehouse, "cclf1", claims)
    found = rows(warehouse, "from int_medicare_returns where window_name = 'performance'")
    assert len({(row["mbi"], row["admit_date"]) for row in found}) == len(found), "an index counts once"
    return {
        (row["hospital_ccn"], f"{row['discharge_date']:%m-%d}"): row["days_to_return"] if row["is_readmitted"] else None
        for row in found
    }


def test_a_return_within_thirty_days_to_any_hospital(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert followed(
        warehouse,
        claim("p", A, "02-01", "02-05"),
        claim("p", B, "03-07", "03-09"),  # the thirtieth day
        claim("q", A, "02-01", "02-06"),
        claim("q", A, "03-09", "03-10"),  # a day too late
    ) == {(A, "02-05"): 30, (B, "03-09"): None, (A, "02-06"): None, (A, "03-10"): None}


@pytest.mark.parametrize(("back", "days"), [("02-05", 0), ("02-06", 1)])
def test_who_goes_home_and_is_admitted_elsewhere_is_readmitted(
    warehouse: duckdb.DuckDBPyConnection, back: str, days: int
) -> None:
    """The same or the next day: nobody sent them on."""
    found = followed(warehouse, claim("p", A, "02-01", "02-05"), claim("p", B, back, "02-08"))
    assert found == {(A, "02-05"): days, (B, "02-08"): None}


def test_a_stay_of_one_day_before_another_counts_once(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Both begin on one day: one episode, for its key is the day it began."""
    found = followed(warehouse, claim("p", A, "02-05", "02-05"), claim("p", B, "02-05", "02-08"))
    assert found == {(B, "02-08"): None}


def test_claims_of_one_hospital_with_adjacent_dates_are_one_stay(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Billed in parts: methodology §11 joins them before anybody asks for readmissions."""
    found = followed(
        warehouse,
        claim("p", A, "02-01", "02-05", "30"),
        claim("p", A, "02-06", "02-10"),
        claim("p", A, "02-12", "02-14"),
    )
    assert found == {(A, "02-10"): 2, (A, "02-14"): None}


def test_a_transfer_chain_is_one_episode_and_its_last_hospital_answers(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = followed(
        warehouse,
        claim("p", A, "02-01", "02-03", "02"),
        claim("p", B, "02-03", "02-06", "02"),  # the same day
        claim("p", C, "02-07", "02-10"),  # the next day, home from there
        claim("p", A, "02-20", "02-22"),
    )
    assert found == {(C, "02-10"): 10, (A, "02-22"): None}


def test_a_chain_is_told_by_the_receiving_hospital_too(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = followed(warehouse, claim("p", A, "02-01", "02-03"), claim("p", B, "02-04", "02-10", clm_admsn_src_cd="4"))
    assert found == {(B, "02-10"): None}


def test_two_days_after_a_transfer_begins_another_episode(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Sent on, and nobody received them: no index, and the later stay stands alone."""
    found = followed(warehouse, claim("p", A, "02-01", "02-03", "02"), claim("p", B, "02-05", "02-10"))
    assert found == {(B, "02-10"): None}


def test_overlapping_claims_are_one_episode_and_the_last_to_end_answers(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = followed(
        warehouse,
        claim("p", A, "02-01", "02-20"),
        claim("p", B, "02-05", "02-07"),  # away for two days
        claim("p", C, "03-01", "03-02"),
    )
    assert found == {(A, "02-20"): 9, (C, "03-02"): None}


def test_the_earliest_later_admission_counts_not_the_next_row(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = followed(
        warehouse,
        claim("p", B, "02-25", "02-27"),
        claim("p", A, "02-01", "02-10"),
        claim("p", C, "02-15", "02-18"),
    )
    assert (found[A, "02-10"], found[C, "02-18"]) == (5, 7)


def test_a_planned_return_is_passed_over_for_the_unplanned_one(warehouse: duckdb.DuckDBPyConnection) -> None:
    planned = claim("p", A, "02-20", "02-23", clm_admsn_type_cd="3")
    procedure = {"cur_clm_uniq_id": planned["cur_clm_uniq_id"], "clm_val_sqnc_num": 1, "clm_prcdr_cd": "0SR90JZ"}
    fill(warehouse, "cclf3", [procedure | delivered("2025-09")])
    found = followed(
        warehouse,
        claim("p", A, "02-01", "02-05"),
        planned,
        claim("p", B, "03-01", "03-02"),
        claim("q", A, "02-01", "02-06", "81"),  # home, planned to return
        claim("q", A, "02-10", "02-11"),
    )
    assert (found[A, "02-05"], found[A, "02-23"], found[A, "02-06"]) == (24, 6, None)


@pytest.mark.parametrize("status", ["20", "40", "41", "42", "07", "30", "02", "88"])
def test_who_is_no_index(warehouse: duckdb.DuckDBPyConnection, status: str) -> None:
    """Dead, against advice, still a patient, sent on."""
    found = followed(warehouse, claim("p", A, "02-01", "02-05", status), claim("p", A, "02-10", "02-12"))
    assert found == {(A, "02-12"): None}


def test_death_ends_the_index_and_not_the_readmission(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = followed(warehouse, claim("p", A, "02-01", "02-05"), claim("p", A, "02-09", "02-10", "20"))
    assert found == {(A, "02-05"): 4}


def test_the_windows_last_day_is_in_it_and_followed_beyond(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = followed(
        warehouse,
        claim("p", A, "06-26", "06-30"),
        claim("p", B, "07-30", "08-02"),  # the thirtieth day, a month after the window
        claim("q", A, "06-26", "07-01"),  # of the next one
        claim("r", A, "2024-12-28", "2024-12-31"),  # of the one before
    )
    assert found == {(A, "06-30"): 30}


def test_an_index_needs_thirty_days_before_the_newest_file(warehouse: duckdb.DuckDBPyConnection) -> None:
    """The file of June is of the 15th: what happened after it will stand in a later one."""
    fill(warehouse, "cclf8", [named("p", "2025-06"), named("p", "2025-07", is_run_out=True)])
    found = followed(
        warehouse,
        claim("p", A, "05-10", "05-16"),
        claim("p", B, "06-14", "06-15"),
        claim("q", A, "05-10", "05-17"),  # a day too late to be followed
    )
    assert found == {(A, "05-16"): 29}


def test_a_cancelled_readmission_was_none(warehouse: duckdb.DuckDBPyConnection) -> None:
    back = claim("p", B, "02-20", "02-22")
    cancelled = back | {"cur_clm_uniq_id": "9", "clm_adjsmt_type_cd": "1"}
    assert followed(warehouse, claim("p", A, "02-01", "02-05"), back, cancelled) == {(A, "02-05"): None}


def test_another_number_of_the_same_person_is_the_same_person(warehouse: duckdb.DuckDBPyConnection) -> None:
    link = {"hicn_mbi_xref_ind": "M", "prvs_num": "old", "crnt_num": "new"}
    fill(warehouse, "cclf9", [link | delivered("2025-09")])
    assert followed(warehouse, claim("old", A, "02-01", "02-05"), claim("new", B, "02-09", "02-10")) == {
        (A, "02-05"): 4,
        (B, "02-10"): None,
    }


def measured(warehouse: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], tuple[int, int, Decimal | None]]:
    """Hospital and measure -> numerator, denominator, value of the period."""
    return {
        (row["hospital_ccn"], row["measure"]): (row["numerator"], row["denominator"], row["value"])
        for row in rows(warehouse, "from int_medicare_measures")
    }


def test_readmitted_without_post_acute_care_in_between(warehouse: duckdb.DuckDBPyConnection) -> None:
    """64 of 100 nationally: care before the readmission counts, care after it or after another stay does not."""
    fill(
        warehouse,
        "cclf1",
        [
            claim("p", A, "02-01", "02-05"),
            claim("p", "215001", "02-06", "02-14", clm_type_cd=NURSING),
            claim("p", A, "02-15", "02-16"),
            claim("q", A, "02-01", "02-05"),
            claim("q", A, "02-15", "02-16"),
            claim("q", "217001", "02-17", "03-20", clm_type_cd=HOME_HEALTH),
        ],
    )
    found = measured(warehouse)
    assert found[A, "readmission_share"] == (2, 4, D("0.5"))
    assert found[A, "readmitted_without_post_acute"] == (1, 2, D("0.5"))


def test_rates_per_thousand_go_by_where_people_live_and_how_long(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Two people of A's area over six months, one of them dead after two; B's hospital treats one of them."""
    months = [f"2025-0{month}" for month in range(1, 7)]
    died = {"bene_death_dt": day("02-11")}
    fill(
        warehouse,
        "cclf8",
        [
            *(named("p", month) for month in months),
            *(named("q", month, **(died if month >= "2025-03" else {})) for month in months),
            named("p", "2025-09"),
        ],
    )
    fill(
        warehouse,
        "cclf1",
        [
            claim("p", A, "2024-02-01", "2024-02-05"),  # 21201 is A's area by the end of the baseline
            claim("p", B, "02-01", "02-05"),
            claim("p", B, "02-15", "02-16"),
            claim("q", A, "02-09", "02-11", "20"),
        ],
    )
    found = measured(warehouse)
    # 6 + 2 beneficiary-months; 1 readmission and 3 admissions: × 1000 ÷ (8 ÷ 12).
    assert found[A, "readmissions_per_1000"] == (1, 8, D(1500))
    assert found[A, "admissions_per_1000"] == (3, 8, D(4500))
    assert (B, "readmissions_per_1000") not in found
    assert found[B, "readmission_share"][:2] == (1, 2)

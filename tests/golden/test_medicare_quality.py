"""Medicare's readmissions and rates: every trap of methodology §12, each with the few claims that set it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
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
    """A day of 2025, such as ``02-01``."""
    return dt.date.fromisoformat(text if len(text) > 5 else f"2025-{text}")


def claim(person: str, ccn: str, from_: str, thru: str, status: str = "01", **other: Any) -> dict[str, Any]:
    """A final inpatient claim for an emergency admission."""
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
    """A beneficiary in a month's file."""
    return {"bene_mbi_id": person, "bene_zip_cd": "21201"} | delivered(month) | other


#: trap -> its claims, and, by hospital and day of each index discharge, the days to the readmission
TRAPS: dict[str, tuple[list[dict[str, Any]], dict[tuple[str, str], int | None]]] = {
    "the thirtieth day counts, at any hospital, and the next does not": (
        [
            claim("p", A, "02-01", "02-05"), claim("p", B, "03-07", "03-09"),
            claim("q", A, "02-01", "02-06"), claim("q", A, "03-09", "03-10"),
        ],
        {(A, "02-05"): 30, (B, "03-09"): None, (A, "02-06"): None, (A, "03-10"): None},
    ),
    "who goes home and is admitted elsewhere the same day is readmitted": (
        [claim("p", A, "02-01", "02-05"), claim("p", B, "02-05", "02-08")],
        {(A, "02-05"): 0, (B, "02-08"): None},
    ),
    "and so is who is admitted elsewhere the next day": (
        [claim("p", A, "02-01", "02-05"), claim("p", B, "02-06", "02-08")],
        {(A, "02-05"): 1, (B, "02-08"): None},
    ),
    "two stays that begin on one day are one episode: its key is the day": (
        [claim("p", A, "02-05", "02-05"), claim("p", B, "02-05", "02-08")],
        {(B, "02-08"): None},
    ),
    "claims of one hospital with adjacent dates are one stay, billed in parts": (
        [
            claim("p", A, "02-01", "02-05", "30"), claim("p", A, "02-06", "02-10"),
            claim("p", A, "02-12", "02-14"),
        ],
        {(A, "02-10"): 2, (A, "02-14"): None},
    ),
    "a transfer chain of the same and the next day is one episode, and its last hospital answers": (
        [
            claim("p", A, "02-01", "02-03", "02"), claim("p", B, "02-03", "02-06", "02"),
            claim("p", C, "02-07", "02-10"), claim("p", A, "02-20", "02-22"),
        ],
        {(C, "02-10"): 10, (A, "02-22"): None},
    ),
    "a chain is recognized by the receiving hospital too": (
        [claim("p", A, "02-01", "02-03"), claim("p", B, "02-04", "02-10", clm_admsn_src_cd="4")],
        {(B, "02-10"): None},
    ),
    "two days after a transfer begins another episode, and who was sent on is no index": (
        [claim("p", A, "02-01", "02-03", "02"), claim("p", B, "02-05", "02-10")],
        {(B, "02-10"): None},
    ),
    "overlapping claims are one episode, and the last to end answers": (
        [claim("p", A, "02-01", "02-20"), claim("p", B, "02-05", "02-07"), claim("p", C, "03-01", "03-02")],
        {(A, "02-20"): 9, (C, "03-02"): None},
    ),
    "the earliest later admission counts, not the next row": (
        [claim("p", B, "02-25", "02-27"), claim("p", A, "02-01", "02-10"), claim("p", C, "02-15", "02-18")],
        {(A, "02-10"): 5, (C, "02-18"): 7, (B, "02-27"): None},
    ),
    "a planned return is passed over for the unplanned one": (
        [
            claim("p", A, "02-01", "02-05"),
            claim("p", A, "02-20", "02-23", clm_admsn_type_cd="3", procedure="0SR90JZ"),
            claim("p", B, "03-01", "03-02"),
        ],
        {(A, "02-05"): 24, (A, "02-23"): 6, (B, "03-02"): None},
    ),
    "who goes home to come back as planned is not readmitted": (
        [claim("p", A, "02-01", "02-06", "81"), claim("p", A, "02-10", "02-11")],
        {(A, "02-06"): None, (A, "02-11"): None},
    ),
    **{
        f"no index: status {status}": (
            [claim("p", A, "02-01", "02-05", status), claim("p", A, "02-10", "02-12")],
            {(A, "02-12"): None},
        )
        for status in ("20", "40", "41", "42", "07", "30", "02", "88")
    },
    "death ends the index and not the readmission": (
        [claim("p", A, "02-01", "02-05"), claim("p", A, "02-09", "02-10", "20")],
        {(A, "02-05"): 4},
    ),
    "the window's last day is in it and is followed beyond": (
        [
            claim("p", A, "06-26", "06-30"), claim("p", B, "07-30", "08-02"),
            claim("q", A, "06-26", "07-01"), claim("r", A, "2024-12-28", "2024-12-31"),
        ],
        {(A, "06-30"): 30},
    ),
    "a cancelled readmission was none": (
        [
            claim("p", A, "02-01", "02-05"), claim("p", B, "02-20", "02-22"),
            claim("p", B, "02-20", "02-22", clm_adjsmt_type_cd="1"),
        ],
        {(A, "02-05"): None},
    ),
    "another number of the same person is the same person": (
        [claim("old", A, "02-01", "02-05"), claim("new", B, "02-09", "02-10")],
        {(A, "02-05"): 4, (B, "02-10"): None},
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def views() -> duckdb.DuckDBPyConnection:
    connection = connect()
    windows = ", ".join(f"('{w.name}', date '{w.start}', date '{w.end}', {w.calendar_year})" for w in WINDOWS)
    connection.execute(f"insert into lake.windows (window_name, start_date, end_date, calendar_year) values {windows}")
    return connection


@pytest.fixture
def warehouse(views: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    empty(views)
    return views


def returns(
    warehouse: duckdb.DuckDBPyConnection, traps: Mapping[str, list[dict[str, Any]]]
) -> dict[str, dict[tuple[str, str], int | None]]:
    """The followed index discharges of all traps, computed at once: no person is in two of them."""
    claims, procedures, links = [], [], []
    for number, made in enumerate(traps.values()):
        for each in made:
            own = {name: f"{number}/{each[name]}" for name in ("cur_clm_uniq_id", "bene_mbi_id")}
            claims.append(each | own)
            if "procedure" in each:
                procedures.append(own | {"clm_val_sqnc_num": 1, "clm_prcdr_cd": each["procedure"]})
        links.append({"hicn_mbi_xref_ind": "M", "prvs_num": f"{number}/old", "crnt_num": f"{number}/new"})
    fill(warehouse, "cclf1", claims)
    fill(warehouse, "cclf3", [each | delivered("2025-09") for each in procedures])
    fill(warehouse, "cclf9", [each | delivered("2025-09") for each in links])
    found: dict[str, dict[tuple[str, str], int | None]] = {name: {} for name in traps}
    for row in rows(warehouse, "from int_medicare_returns where window_name = 'performance'"):
        place = (row["hospital_ccn"], f"{row['discharge_date']:%m-%d}")
        of_trap = found[list(traps)[int(row["mbi"].split("/")[0])]]
        assert place not in of_trap, "an index counts once"
        of_trap[place] = row["days_to_return"] if row["is_readmitted"] else None
    return found


@pytest.fixture(scope="module")
def followed(views: duckdb.DuckDBPyConnection) -> dict[str, dict[tuple[str, str], int | None]]:
    """Followed discharges with data up to September 15."""
    empty(views)
    fill(views, "cclf8", [named("nobody", "2025-09")])
    return returns(views, {name: claims for name, (claims, _) in TRAPS.items()})


@pytest.mark.parametrize("trap", TRAPS)
def test_who_is_followed_and_readmitted(followed: dict[str, dict[tuple[str, str], int | None]], trap: str) -> None:
    assert followed[trap] == TRAPS[trap][1]


def test_an_index_needs_thirty_days_before_the_newest_file(warehouse: duckdb.DuckDBPyConnection) -> None:
    """June's file is dated the 15th: later events will be in a later file."""
    fill(warehouse, "cclf8", [named("p", "2025-06"), named("p", "2025-07", is_run_out=True)])
    a_day_too_late = claim("q", A, "05-10", "05-17")
    claims = [claim("p", A, "05-10", "05-16"), claim("p", B, "06-14", "06-15"), a_day_too_late]
    assert returns(warehouse, {"end": claims}) == {"end": {(A, "05-16"): 29}}


def measured(warehouse: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], tuple[int, int, Decimal | None]]:
    """Hospital and measure -> numerator, denominator, value of the period."""
    return {
        (row["hospital_ccn"], row["measure"]): (row["numerator"], row["denominator"], row["value"])
        for row in rows(warehouse, "from int_medicare_measures")
    }


def test_readmitted_without_post_acute_care_in_between(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Care before the readmission counts; care after it, or after another stay, does not. (Nationally, 64 of 100.)"""
    fill(warehouse, "cclf8", [named("nobody", "2025-09")])
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


def test_rates_per_thousand_are_by_area_and_months_of_residence(warehouse: duckdb.DuckDBPyConnection) -> None:
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

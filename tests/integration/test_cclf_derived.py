"""Models derived from final claims: stays, episodes, readmissions, post-acute services, approved amounts, marts."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hcip_pipeline.warehouse.build import build
from tests.claims_models import connect, empty, fill, rows
from tests.scenario import HOSPITAL, Case, Scenario, npi, table

D = Decimal
OTHER = "210002"
SURGEON, ATTENDING = npi(1), npi(2)
FILE = {
    "source_archive": "a", "source_file": "f", "source_row": 1, "file_date": dt.date(2025, 9, 15),
    "delivery_month": "2025-09", "is_run_out": False,
}  # fmt: skip


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(f"2025-{text}")


def claim(number: int, ccn: str, from_: str, thru: str, **other: Any) -> dict[str, Any]:
    """One Part A claim; by default an inpatient claim of $1,000."""
    fields = {
        "cur_clm_uniq_id": str(number), "bene_mbi_id": "M1", "clm_type_cd": "60", "clm_blg_prvdr_oscar_num": ccn,
        "clm_from_dt": day(from_), "clm_thru_dt": day(thru), "clm_adjsmt_type_cd": "0", "clm_pmt_amt": D("1000.00"),
        "bene_ptnt_stus_cd": "01", "clm_admsn_type_cd": "1", "clm_atndg_prvdr_npi_num": ATTENDING,
    }  # fmt: skip
    return fields | other | FILE


def line(number: int, day_: str, allowed: str, **other: Any) -> dict[str, Any]:
    fields = {
        "cur_clm_uniq_id": str(number), "clm_line_num": 1, "bene_mbi_id": "M1", "clm_type_cd": "71",
        "clm_cntl_num": str(number), "clm_adjsmt_type_cd": "0", "clm_line_from_dt": dt.date.fromisoformat(day_),
        "clm_line_cvrd_pd_amt": D(allowed) * D("0.8"), "clm_line_alowd_chrg_amt": D(allowed),
        "clm_rndrg_prvdr_npi_num": SURGEON, "clm_carr_pmt_dnl_cd": "1", "clm_prcsg_ind_cd": "A",
    }  # fmt: skip
    return fields | other | FILE


@pytest.fixture(scope="module")
def views() -> duckdb.DuckDBPyConnection:
    return connect()


@pytest.fixture
def warehouse(views: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    empty(views)
    return views


def stays(warehouse: duckdb.DuckDBPyConnection, *claims: dict[str, Any]) -> list[tuple[Any, ...]]:
    fill(warehouse, "cclf1", claims)
    query = "select hospital_ccn, admit_date, discharge_date, claims from int_inpatient_stays order by 1, 2"
    return [tuple(row.values()) for row in rows(warehouse, query)]


def test_overlapping_and_adjacent_claims_are_one_stay(warehouse):
    assert stays(
        warehouse,
        claim(1, HOSPITAL, "01-01", "01-20", bene_ptnt_stus_cd="30"),
        claim(2, HOSPITAL, "01-21", "01-30"),
        claim(3, HOSPITAL, "01-05", "01-08"),
        claim(4, HOSPITAL, "02-01", "02-02"),
        claim(5, OTHER, "01-30", "02-03"),
    ) == [
        (HOSPITAL, day("01-01"), day("01-30"), 3),
        (HOSPITAL, day("02-01"), day("02-02"), 1),
        (OTHER, day("01-30"), day("02-03"), 1),
    ]


def test_a_denied_claim_is_a_stay_without_its_payment(warehouse):
    fill(warehouse, "cclf1", [claim(1, HOSPITAL, "01-01", "01-05", clm_mdcr_npmt_rsn_cd="N")])
    assert rows(warehouse, "select is_denied, payment_amount from int_inpatient_stays") == [
        {"is_denied": True, "payment_amount": D("0.00")}
    ]


def test_only_inpatient_claims_make_a_stay(warehouse):
    assert (
        stays(
            warehouse,
            *(claim(n, HOSPITAL, "01-01", "01-05", clm_type_cd=t) for n, t in enumerate(("10", "20", "40", "50"))),
        )
        == []
    )


def test_a_transfer_on_the_same_or_the_next_day_is_one_episode(warehouse):
    fill(
        warehouse,
        "cclf1",
        [
            claim(1, HOSPITAL, "01-01", "01-05", bene_ptnt_stus_cd="02"),
            claim(2, OTHER, "01-06", "01-09"),
            claim(3, HOSPITAL, "01-11", "01-12"),
            claim(4, "213025", "01-12", "01-20"),  # a rehabilitation hospital is not an acute hospital
        ],
    )
    found = rows(
        warehouse,
        """select admit_date, discharge_date, stays, first_hospital_ccn, hospital_ccn
        from int_inpatient_episodes order by 1""",
    )
    assert [tuple(row.values()) for row in found] == [
        (day("01-01"), day("01-09"), 2, HOSPITAL, OTHER),
        (day("01-11"), day("01-12"), 1, HOSPITAL, HOSPITAL),
    ]


def readmissions(warehouse: duckdb.DuckDBPyConnection, *claims: dict[str, Any]) -> dict[dt.date, dt.date | None]:
    fill(warehouse, "cclf1", claims)
    found = rows(warehouse, "select admit_date, readmission_date from int_episode_readmissions")
    return {row["admit_date"]: row["readmission_date"] for row in found}


def test_readmission_is_the_earliest_unplanned_admission_within_30_days(warehouse):
    fill(warehouse, "cclf3", [{"cur_clm_uniq_id": "2", "clm_val_sqnc_num": 1, "clm_prcdr_cd": "0SR90JZ"} | FILE])
    assert readmissions(
        warehouse,
        claim(1, HOSPITAL, "01-01", "01-05"),
        claim(2, OTHER, "01-10", "01-12", clm_admsn_type_cd="3"),  # planned: elective, with a procedure
        claim(3, OTHER, "02-04", "02-06"),  # day 30 after the first, day 23 after the second
        claim(4, OTHER, "03-09", "03-10"),  # day 31 after the third
    ) == {day("01-01"): day("02-04"), day("01-10"): day("02-04"), day("02-04"): None, day("03-09"): None}


@pytest.mark.parametrize("status", ["20", "07", "30"])
def test_a_patient_who_died_left_or_is_still_there_is_not_an_index(warehouse, status):
    first = claim(1, HOSPITAL, "01-01", "01-05", bene_ptnt_stus_cd=status)
    assert list(readmissions(warehouse, first, claim(2, HOSPITAL, "01-10", "01-12"))) == [day("01-10")]


def test_post_acute_services_belong_to_the_newest_episode_before_them(warehouse):
    fill(
        warehouse,
        "cclf1",
        [
            claim(1, HOSPITAL, "01-01", "01-05"),
            claim(2, HOSPITAL, "01-20", "01-25"),
            claim(3, "215101", "01-05", "01-19", clm_type_cd="20", clm_pmt_amt=D("300.00")),
            claim(4, "217102", "01-27", "02-20", clm_type_cd="10", clm_pmt_amt=D("200.00")),
            claim(5, "213025", "01-25", "02-01", clm_pmt_amt=D("50.00")),
            claim(6, "215101", "05-01", "05-19", clm_type_cd="20"),  # too late
            claim(7, "215101", "01-27", "01-28", clm_type_cd="20", clm_mdcr_npmt_rsn_cd="N"),  # denied
        ],
    )
    found = rows(
        warehouse,
        "select claim_id, service, episode_admit_date, days_after_discharge from int_post_acute_services order by 1",
    )
    assert [tuple(row.values()) for row in found] == [
        ("3", "skilled_nursing", day("01-01"), 0),
        ("4", "home_health", day("01-20"), 2),
        ("5", "rehabilitation", day("01-20"), 0),
    ]


def test_approved_amounts_leave_out_denials_equipment_other_years_and_other_patients(warehouse):
    fill(warehouse, "cclf1", [claim(1, HOSPITAL, "01-01", "01-05"), claim(2, HOSPITAL, "02-01", "02-05")])
    fill(
        warehouse,
        "cclf5",
        [
            line(10, "2025-03-01", "100.01"),
            line(11, "2025-12-31", "50.00"),
            line(12, "2024-12-31", "7.00"),
            line(13, "2025-03-01", "7.00", clm_type_cd="72"),
            line(14, "2025-03-01", "7.00", clm_carr_pmt_dnl_cd="0"),
            line(15, "2025-03-01", "7.00", clm_prcsg_ind_cd="C"),
            line(16, "2025-03-01", "7.00", bene_mbi_id="M2"),
            line(17, "2025-03-01", "7.00", clm_adjsmt_type_cd="0"),
            line(18, "2025-03-01", "7.00", clm_adjsmt_type_cd="1", clm_cntl_num="17"),
            line(19, "2025-03-01", "9.00", clm_rndrg_prvdr_npi_num=None, rndrg_prvdr_npi_num=ATTENDING),
            line(20, "2025-03-01", "1.00", clm_carr_pmt_dnl_cd=None, clm_prcsg_ind_cd="R"),
        ],
    )
    found = rows(warehouse, "select npi, calendar_year, pfs_approved_amount from int_pfs_approved_by_claims order by 3")
    assert [tuple(row.values()) for row in found] == [(ATTENDING, 2025, D("9.00")), (SURGEON, 2025, D("151.01"))]


def test_final_claims_that_may_count_twice_are_counted_by_reason_and_stay_in_every_total(warehouse):
    fill(
        warehouse,
        "cclf1",
        [
            claim(1, HOSPITAL, "01-01", "01-05", clm_pmt_amt=D("10.00")),  # replaced by 2 and not cancelled
            claim(2, HOSPITAL, "01-01", "01-05", clm_adjsmt_type_cd="2", clm_pmt_amt=D("11.00")),
            claim(9, HOSPITAL, "02-01", "02-05", clm_pmt_amt=D("20.00")),  # 10 is newer
            claim(10, HOSPITAL, "02-01", "02-05", clm_pmt_amt=D("21.00")),
            claim(11, HOSPITAL, "03-01", "03-05", clm_adjsmt_type_cd="2", clm_pmt_amt=D("30.00")),  # alone
            claim(12, HOSPITAL, "04-01", "04-05"),  # properly cancelled
            claim(13, HOSPITAL, "04-01", "04-05", clm_adjsmt_type_cd="1"),
            claim(14, HOSPITAL, "04-01", "04-05", clm_adjsmt_type_cd="2"),
            claim(15, HOSPITAL, "05-01", "05-05", clm_mdcr_npmt_rsn_cd="N"),  # denied, then paid: one payment
            claim(16, HOSPITAL, "05-01", "05-05", clm_adjsmt_type_cd="2"),
            claim(17, HOSPITAL, "05-01", "05-05", clm_adjsmt_type_cd="1", clm_pmt_amt=D("7.00")),
            claim(18, HOSPITAL, "06-01", "06-05", clm_pmt_amt=D("40.00")),  # cancelled with a different amount
            claim(19, HOSPITAL, "06-01", "06-05", clm_adjsmt_type_cd="1", clm_pmt_amt=D("41.00")),
            claim(20, HOSPITAL, "06-01", "06-05", clm_adjsmt_type_cd="2", clm_pmt_amt=D("42.00")),
        ],
    )
    fill(
        warehouse,
        "cclf5",
        [
            line(30, "2025-02-01", "100.00", clm_cntl_num="X"),
            line(31, "2025-02-01", "90.00", clm_cntl_num="X", clm_adjsmt_type_cd="2"),
            line(31, "2025-02-01", "5.00", clm_cntl_num="X", clm_adjsmt_type_cd="2", clm_line_num=2),
            line(32, "2025-02-02", "40.00", clm_adjsmt_type_cd="2"),
            line(33, "2025-02-03", "1.00"),
            line(34, "2025-02-03", "2.00", clm_cntl_num=None),  # the claim has no key
            line(35, "2025-02-03", "3.00", clm_cntl_num=None),
        ],
    )
    found = rows(
        warehouse, "select part, claim_id, doubt_reason, paid_amount from int_doubtful_claims order by part, 2"
    )
    assert [tuple(row.values()) for row in found] == [
        ("A", "1", "REPLACED_NOT_CANCELLED", D("10.00")),
        ("A", "11", "ADJUSTMENT_ALONE", D("30.00")),
        ("A", "18", "REPLACED_NOT_CANCELLED", D("40.00")),
        ("A", "9", "SEVERAL_UNDER_KEY", D("20.00")),
        ("B", "30", "REPLACED_NOT_CANCELLED", D("80.00")),
        ("B", "32", "ADJUSTMENT_ALONE", D("32.00")),
    ]
    approved = rows(warehouse, "select npi, pfs_approved_amount, pfs_amount_in_doubt from int_pfs_approved_by_claims")
    assert [tuple(row.values()) for row in approved] == [(SURGEON, D("241.00"), D("140.00"))]


def test_beneficiary_months_count_presence_and_end_with_the_date_of_death(warehouse):
    def named(month: str, mbi: str, death: str | None = None, run_out: bool = False) -> dict[str, Any]:
        lineage = FILE | {
            "delivery_month": month,
            "file_date": dt.date.fromisoformat(f"{month}-15"),
            "is_run_out": run_out,
        }
        return {"bene_mbi_id": mbi, "bene_death_dt": day(death) if death else None} | lineage

    fill(
        warehouse,
        "cclf8",
        [
            named("2025-01", "M1"), named("2025-01", "M1"),  # two hospice ranges
            named("2025-02", "M1"), named("2025-03", "M1"),
            named("2025-04", "M1", death="02-10"),  # reported late
            named("2025-01", "M2"), named("2025-03", "M2"),  # absent in February
            named("2025-02", "M3", run_out=True),
        ],
    )  # fmt: skip
    found = rows(warehouse, "select mbi, delivery_month from int_beneficiary_months order by 1, 2")
    assert [tuple(row.values()) for row in found] == [
        ("M1", "2025-01"), ("M1", "2025-02"), ("M2", "2025-01"), ("M2", "2025-03"),
    ]  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(chains=st.lists(st.integers(1, 6), min_size=1, max_size=6), seed=st.randoms())
def test_chains_of_any_length_over_any_months_resolve_to_their_end(
    views: duckdb.DuckDBPyConnection, chains: list[int], seed: Any
) -> None:
    links, expected = [], {}
    for person, length in enumerate(chains):
        names = [f"{person}-{n}" for n in range(length + 1)]
        expected |= dict.fromkeys(names, names[-1])
        links += list(itertools.pairwise(names))
    seed.shuffle(links)
    fill(
        views,
        "cclf9",
        [
            {"hicn_mbi_xref_ind": "M", "prvs_num": before, "crnt_num": after}
            | FILE | {"file_date": dt.date(2025, seed.randint(1, 12), 15)}
            for before, after in links
        ],
    )  # fmt: skip
    found = rows(views, "select mbi, current_mbi from int_current_identifiers")
    assert {row["mbi"]: row["current_mbi"] for row in found} == expected


def test_a_number_replaced_twice_ends_at_the_one_named_last(warehouse):
    link = {"hicn_mbi_xref_ind": "M", "prvs_num": "A"}
    fill(
        warehouse,
        "cclf9",
        [
            link | {"crnt_num": "C"} | FILE | {"file_date": dt.date(2025, 1, 15)},
            link | {"crnt_num": "B"} | FILE | {"file_date": dt.date(2025, 2, 15)},
            {"hicn_mbi_xref_ind": "H", "prvs_num": "B", "crnt_num": "Z"} | FILE,
        ],
    )
    found = {row["mbi"]: row["current_mbi"] for row in rows(warehouse, "select * from int_current_identifiers")}
    assert found == {"A": "B", "B": "B", "C": "B"}


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """A hip replacement with skilled nursing and a readmission, as the hospital and as Medicare report it."""
    scenario = Scenario([Case(SURGEON, 5000, day("02-05"), days=4, attending=ATTENDING)])
    spec = scenario.spec()
    birth, mbi = dt.date(1950, 1, 1), {"bene_mbi_id": "M1"}
    own = spec.sources["discharges"].with_columns(  # type: ignore[union-attr]
        birth_date=pl.lit(birth), sex=pl.lit("F")
    )
    cms = {
        "cclf1": [
            claim(1, HOSPITAL, "02-01", "02-05", bene_mbi_id="M0", bene_ptnt_stus_cd="03"),
            claim(2, "215101", "02-05", "02-15", clm_type_cd="20", clm_pmt_amt=D("300.00")),
            claim(3, OTHER, "02-20", "02-22"),
            claim(4, HOSPITAL, "05-01", "05-02"),
            claim(5, OTHER, "06-01", "06-03", clm_adjsmt_type_cd="1"),
            claim(2, "215101", "02-05", "02-15", clm_type_cd="20", clm_pmt_amt=D("300.00")) | {"is_run_out": True},
        ],
        "cclf5": [
            line(10, "2025-02-01", "650.00", clm_cntl_num="X", clm_adjsmt_type_cd="2"),
            line(9, "2025-02-01", "50.00", clm_cntl_num="X"),
        ],
        "cclf8": [mbi | {"bene_dob": birth, "bene_sex_cd": "2"} | FILE],
        "cclf9": [{"hicn_mbi_xref_ind": "M", "prvs_num": "M0", "crnt_num": "M1"} | FILE],
    }
    frames = {name: table(name, content) for name, content in cms.items()}
    spec = type(spec)(**spec.__dict__ | {"sources": dict(spec.sources) | frames | {"discharges": own}})
    file: Path = tmp_path_factory.mktemp("claims") / "claims"
    built = build(spec, file, threads=1, select="+post_acute +claims_report +int_pfs_approved_by_claims")
    with duckdb.connect(built.file, read_only=True) as connection:
        connection.execute("set search_path = 'marts,intermediate,staging,lake'")
        yield connection


@pytest.mark.slow
def test_post_acute_by_hospital_service_line_and_physician(settled):
    found = rows(settled, "select * from post_acute order by service_line")
    assert [(r["hospital_ccn"], r["service_line"], r["npi"], r["episodes"], r["readmissions"]) for r in found] == [
        (HOSPITAL, "Orthopedics", SURGEON, 1, 1),
        (HOSPITAL, "UNMATCHED", ATTENDING, 1, 0),  # and none of a hospital outside the region
    ]
    first = found[0]
    assert (first["skilled_nursing_amount"], first["post_acute_amount"]) == (D("300.00"), D("300.00"))
    assert (first["inpatient_amount"], first["readmitted_without_post_acute"]) == (D("1000.00"), 0)


@pytest.mark.slow
def test_the_report_accounts_for_every_row_and_cent(settled):
    report = {row["part"]: row for row in rows(settled, "select * from claims_report")}
    a = report["A"]
    assert (a["rows_delivered"], a["rows_repeated"], a["claim_versions"], a["final_claims"]) == (6, 1, 5, 4)
    assert (a["orphan_cancellations"], a["orphans_without_key"], a["orphan_amount"]) == (1, 1, D("1000.00"))
    assert a["signed_amount"] == a["final_amount"] - a["orphan_amount"] == D("2300.00")
    b = report["B"]
    assert b["final_amount"] == D("560.00")
    assert (b["claims_replaced"], b["replaced_amount"], b["claims_under_one_key"]) == (1, D("40.00"), 0)
    assert report["DME"]["rows_delivered"] == 0


@pytest.mark.slow
def test_the_estimate_of_approved_amounts_is_built_with_it(settled):
    found = rows(settled, "select hospital_ccn, npi, pfs_approved_amount from int_pfs_approved_by_claims order by 1")
    assert [tuple(row.values()) for row in found] == [(HOSPITAL, SURGEON, D("700.00")), (OTHER, SURGEON, D("700.00"))]

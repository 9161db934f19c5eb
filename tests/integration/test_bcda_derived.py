"""Models on BCDA claims: CMS's tags compared with the matching, and months with changes only."""

from __future__ import annotations

import datetime as dt
import itertools
from collections import Counter
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from tests.claims_models import connect, empty, fill, rows
from tests.integration.test_cclf_derived import FILE, claim


@pytest.fixture(scope="module")
def views() -> duckdb.DuckDBPyConnection:
    return connect()


@pytest.fixture
def warehouse(views: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    empty(views)
    return views


def _tag(number: int, final: bool, adjustment: str = "0", **other: Any) -> dict[str, Any]:
    tag = "FinalAction" if final else "NotFinalAction"
    columns = {"cur_clm_uniq_id": str(number), "clm_adjsmt_type_cd": adjustment, "part": "A", "final_action": tag}
    return FILE | columns | other


def test_claims_on_which_cms_and_the_matching_differ_are_counted_by_reason(warehouse):
    fill(
        warehouse,
        "cclf1",
        [
            claim(1, "210001", "01-02", "01-05"),
            claim(2, "210001", "02-02", "02-05"),
            claim(3, "210001", "02-02", "02-05", clm_adjsmt_type_cd="1"),  # cancels 2
            claim(4, "210001", "03-02", "03-05"),
            claim(5, "210001", "03-02", "03-05", clm_adjsmt_type_cd="2", clm_pmt_amt=Decimal(9)),  # 4 was not cancelled
            claim(6, "210001", "04-02", "04-05"),
            claim(7, "210001", "05-02", "05-05", clm_adjsmt_type_cd="1"),  # cancels nothing
            claim(8, "210001", "06-02", "06-05"),  # no tag
        ],
    )
    fill(
        warehouse,
        "claim_tags",
        [
            _tag(1, final=True),
            _tag(2, final=True),
            _tag(3, final=False, adjustment="1"),
            _tag(4, final=False),
            _tag(5, final=True, adjustment="2"),
            _tag(6, final=True, source_row=1),
            _tag(6, final=False, source_row=2),  # the newest tag counts
            _tag(7, final=True, adjustment="1"),
        ],
    )
    found = {int(row["claim_id"]): row["difference"] for row in rows(warehouse, "select * from int_tagged_claims")}
    assert found == {
        1: None, 2: "CANCELLED_HERE", 3: None, 4: "REPLACED_AT_CMS", 5: None, 6: "FINAL_HERE",
        7: "CANCELLATION_FINAL_AT_CMS",
    }  # fmt: skip


def test_a_month_of_changes_continues_the_last_whole_month(warehouse):
    def named(mbi: str, month: str, scope: str) -> dict[str, Any]:
        return FILE | {"bene_mbi_id": mbi, "delivery_month": month, "source_archive": f"BCDA.{scope}.D250101.T0000000"}

    fill(
        warehouse,
        "cclf8",
        [
            *(named(mbi, "2025-01", "ALL") for mbi in ("A", "B")),
            *(named(mbi, "2025-02", "SINCE") for mbi in ("B", "C")),
            named("D", "2025-03", "SINCE"),
            *(named(mbi, "2025-04", "ALL") for mbi in ("B", "D")),  # A and C are no longer enrolled
        ],
    )
    found = Counter(row["delivery_month"] for row in rows(warehouse, "select * from int_beneficiary_months"))
    assert found == {"2025-01": 2, "2025-02": 3, "2025-03": 4, "2025-04": 2}


def test_without_zip_codes_there_are_no_rates_by_area(warehouse):
    fill(warehouse, "cclf8", [FILE | {"bene_mbi_id": "M1"}])
    fill(warehouse, "cclf1", [claim(1, "210001", "01-02", "01-05")])
    assert rows(warehouse, "select * from int_beneficiary_areas") == []
    measures = {row["measure"] for row in rows(warehouse, "select measure from int_medicare_counts")}
    assert not measures & {"readmissions_per_1000", "admissions_per_1000"}


def _export(scope: str, moment: str) -> dict[str, Any]:
    day, time = moment.split("T")
    archive = f"BCDA.{scope}.D{day.replace('-', '')[2:]}.T{time}"
    return {"source_archive": archive, "file_date": dt.date.fromisoformat(day)}


_MORNING, _EVENING = "2025-09-15T0800000", "2025-09-15T2000000"


@pytest.mark.parametrize("scopes", list(itertools.product(("ALL", "SINCE"), repeat=2)))
def test_the_later_of_two_exports_of_a_day_counts(warehouse, scopes):
    """The later one by the time of the export, regardless of its scope."""
    versions = [
        claim(1, "210001", "01-02", "01-05", clm_pmt_amt=Decimal(paid)) | _export(scope, moment)
        for scope, moment, paid in zip(scopes, (_MORNING, _EVENING), (5, 9), strict=True)
    ]
    for delivered in (versions, versions[::-1]):
        fill(warehouse, "cclf1", delivered)
        (row,) = rows(warehouse, "select payment_amount from int_part_a_claims")
        assert row["payment_amount"] == Decimal(9)


def test_a_withdrawn_claim_no_longer_counts_unless_it_is_delivered_again(warehouse):
    def line(number: int, moment: str) -> dict[str, Any]:
        columns = {
            "cur_clm_uniq_id": str(number),
            "clm_line_num": 1,
            "clm_adjsmt_type_cd": "0",
            "clm_cntl_num": str(number),
        }
        return FILE | columns | {"clm_line_cvrd_pd_amt": Decimal(3)} | _export("ALL", moment)

    next_day = "2025-09-16T0800000"
    stays = [claim(n, "210001", "01-02", "01-05") | _export("ALL", _MORNING) for n in (1, 2, 3)]
    fill(warehouse, "cclf1", [*stays, claim(3, "210001", "01-02", "01-05") | _export("SINCE", next_day)])
    fill(warehouse, "cclf5", [line(1, _MORNING), line(11, _MORNING), line(12, _MORNING)])
    withdrawn = {"final_action": "Withdrawn", "clm_adjsmt_type_cd": None}
    tags = [_tag(n, final=False, part=part) | withdrawn | _export("SINCE", _EVENING) for n, part in
            ((2, "A"), (3, "A"), (11, "B"))]  # fmt: skip
    fill(warehouse, "claim_tags", [*tags, _tag(1, final=True) | _export("ALL", _MORNING)])
    assert {row["claim_id"] for row in rows(warehouse, "select claim_id from int_final_part_a_claims")} == {"1", "3"}
    lines = rows(warehouse, "select part, claim_id from int_professional_lines order by all")
    assert [(row["part"], row["claim_id"]) for row in lines] == [("B", "1"), ("B", "12")]
    assert {row["claim_id"] for row in rows(warehouse, "select claim_id from int_tagged_claims")} == {"1"}

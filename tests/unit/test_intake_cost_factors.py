"""Hospitals without cost factors: when a submission is refused for lack of them, and when it needs none."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from hcip_pipeline.intake.hospital.judging import Judge
from hcip_pipeline.policy.model import Policy
from tests.intake_submissions import CCN, POLICY, Draft, judged, reference, rules


def test_reported_costs_need_no_charge_lines(tmp_path: Path) -> None:
    draft = Draft(count=30)
    draft.discharges = draft.discharges.with_columns(reported_cost=pl.lit("400.00"))
    folder = draft.write(tmp_path / CCN)
    (folder / "charges.csv").unlink()
    reported = Policy(**(POLICY.model_dump() | {"cost_method": "reported"}))
    with Judge(reference(), reported.cost_method) as judge:
        assert judged(judge, folder).status == "accepted"
        no_column = judged(judge, Draft(count=30).write(tmp_path / "other" / CCN))
        assert "F-COLUMN-MISSING" in rules(no_column)
        draft.set("discharges", 0, "reported_cost", "")
        empty = judged(judge, draft.write(tmp_path / "third" / CCN))
        assert ("D-MONEY-INVALID", "reported_cost") in {(count.rule, count.column) for count in empty.rules}


@pytest.mark.parametrize("method", ["markup", "rcc", "reported"])
@pytest.mark.parametrize("rates", ["none at all", "none of this hospital", "no ALL", "ALL", "another year"])
def test_a_hospital_without_cost_factors_is_refused(tmp_path: Path, method: str, rates: str) -> None:
    tables = reference()
    factors = tables["cost_factors"].filter(pl.col("rate_year") == 2025)
    tables["cost_factors"] = {
        "none at all": factors.clear(),
        "none of this hospital": factors.filter(pl.col("hospital_ccn") != CCN),
        "no ALL": factors.with_columns(rate_center=pl.lit("MSG")),
        "ALL": factors,
        "another year": tables["cost_factors"].filter(pl.col("rate_year") == 2024),
    }[rates]
    draft = Draft(count=30)
    draft.discharges = draft.discharges.with_columns(reported_cost=pl.lit("400.00"))
    with Judge(tables, method) as judge:  # type: ignore[arg-type]
        receipt = judged(judge, draft.write(tmp_path / CCN))
    if rates == "ALL":
        assert receipt.problems == ()
    elif method == "reported" and rates == "none at all":
        assert rules(receipt) == {"S-COST-FACTORS-ABSENT"} and receipt.status == "accepted"
    else:
        assert rules(receipt) == {"S-COST-FACTOR-MISSING"} and receipt.status == "refused"
        if rates == "no ALL" and method != "reported":
            assert receipt.problems[0].message == f"no cost factor ({method}) for CDS, MIS"


def test_a_rate_that_lacks_its_number_is_not_covered_by_all(tmp_path: Path) -> None:
    tables = reference()
    all_rates = tables["cost_factors"].filter(pl.col("rate_year") == 2025)
    own = all_rates.with_columns(rate_center=pl.lit("MIS"), markup=pl.lit(None, pl.Decimal(18, 8)))
    tables["cost_factors"] = all_rates.vstack(own)
    with Judge(tables, "markup") as judge:
        receipt = judged(judge, Draft(count=30).write(tmp_path / CCN))
    assert [problem.message for problem in receipt.problems] == ["no cost factor (markup) for MIS"]

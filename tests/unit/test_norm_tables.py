"""When a new norm table is needed (methodology §1, §6): its key, and files that arrive after it was frozen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hcip_pipeline.policy.model import Policy
from hcip_pipeline.settlement.norm_tables import NormTable, norm_key

BASE: dict[str, Any] = {"version": "one", "base_year": 2023}


@pytest.mark.parametrize(
    "change",
    [
        {"version": "two"},
        {"base_year": 2022},
        {"cost_method": "rcc"},
        {"exclusions": ["NEWBORN"]},
        {"surgical_fallback": "attending"},
        {"outlier_sd": 2},
        {"outlier_tails": "high"},
        {"norm_method": "case_percentile"},
        {"best_practice_percentile": "0.2"},
        {"min_cases_per_cell": 30},
        {"incentive_rate": "0.2"},
    ],
)
def test_another_base_year_or_policy_gets_its_own_norm_table(change: dict[str, Any]) -> None:
    assert norm_key(Policy.model_validate(BASE | change)) != norm_key(Policy.model_validate(BASE))


@pytest.mark.parametrize(
    "change", [{"mpi_floor": 50}, {"performance_exponent": 2}, {"limit_scope": "all"}, {"baseline_window": "full_year"}]
)
def test_parameters_that_no_norm_depends_on_leave_the_table(change: dict[str, Any]) -> None:
    assert norm_key(Policy.model_validate(BASE | change)) == norm_key(Policy.model_validate(BASE))


def test_files_that_came_after_the_freeze_are_reported() -> None:
    first = {"file": "hospital/2023Q1/210001/discharges.csv", "sha256": "a", "rows": 1}
    table = NormTable(Path("none"), (first,), None)
    assert table.not_among([first]) == []
    later = {"file": "hospital/2023Q1/210001.r2/discharges.csv", "sha256": "b", "rows": 1}
    assert table.not_among([later]) == [later["file"]]
    assert table.not_among([first | {"sha256": "c"}]) == [first["file"]]

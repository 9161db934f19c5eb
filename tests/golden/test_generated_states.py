"""Every figure of invented states, by the real models and again in plain Python: equal to the last place.

The same states are tested for what must be true of any state.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.golden import plain_settlement, two_opinions
from tests.golden.generated_states import state
from tests.scenario import Settled

pytestmark = pytest.mark.slow

SEEDS = range(10)
EACH = pytest.mark.parametrize("seed", SEEDS)


@cache
def computed(seed: int) -> Settled:
    return state(seed).compute()


@cache
def plain(seed: int) -> plain_settlement.Settlement:
    return two_opinions.settle_plainly(state(seed))


@EACH
def test_norms_by_all_three_methods(seed: int) -> None:
    two_opinions.compare_norms(computed(seed), plain(seed))
    methods = {row["norm_method"] for row in computed(seed).rows("select norm_method from norms")}
    assert methods == {"physician_percentile", "case_percentile", "mean_below_threshold"}


@EACH
def test_exclusions(seed: int) -> None:
    two_opinions.compare_exclusions(computed(seed), plain(seed))


@EACH
def test_performance_of_every_case(seed: int) -> None:
    assert len(plain(seed).cases) > 50
    two_opinions.compare_cases(computed(seed), plain(seed))


@EACH
def test_improvement(seed: int) -> None:
    assert any(row["improvement_incentive"] for row in plain(seed).improvement.values())
    two_opinions.compare_improvement(computed(seed), plain(seed))


@EACH
def test_savings_and_limits(seed: int) -> None:
    two_opinions.compare_savings(computed(seed), plain(seed))


@EACH
def test_waterfall(seed: int) -> None:
    two_opinions.compare_waterfall(computed(seed), plain(seed))


@EACH
def test_final_is_at_most_every_step_and_that_at_most_calculated(seed: int) -> None:
    steps = ("conditions", "standing", "committee", "pfs_cap", "distribution_limit")
    for row in computed(seed).rows("select * from incentives"):
        running = [row["calculated_incentive"]]
        for step in steps:
            running.append(running[-1] + row[f"{step}_adjustment"])
        assert running == sorted(running, reverse=True)
        assert running[-1] == row["final_incentive"] >= 0
        assert row["status"] == "PAYABLE" or row["reasons"]
        if row["pfs_cap_amount"] is not None:
            assert row["final_incentive"] <= row["pfs_cap_amount"]


@EACH
def test_no_case_above_p75_earns_performance(seed: int) -> None:
    for case in computed(seed).rows("select * from incentive_cases"):
        assert 0 <= case["performance_incentive"] <= case["mpi_performance"]
        if case["cost"] > case["p75_cost"]:
            assert case["performance_incentive"] == 0


@EACH
def test_no_hospital_exceeds_a_limit(seed: int) -> None:
    limits = computed(seed).rows(
        "select limits.*, sum(final_incentive) as final from distribution_limits as limits"
        " inner join incentives using (hospital_ccn) group by all"
    )
    assert len(limits) >= 4
    for row in limits:
        for limit in (row["cumulative_limit"], row["incentive_pool"], row["distribution_limit"]):
            assert limit is None or row["final"] <= limit


@EACH
def test_cases_and_cents_are_conserved(seed: int) -> None:
    ledger = computed(seed).rows("select * from conservation")
    assert len({row["stage"] for row in ledger}) >= 7
    for row in ledger:
        assert row["cases_in"] == row["cases_kept"] + row["cases_excluded"], row
        assert row["amount_in"] == row["amount_kept"] + row["amount_excluded"], row


def test_the_plain_settlement_shares_no_code_with_the_pipeline() -> None:
    for path in Path(__file__).parent.glob("plain_*.py"):
        imported = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(node.module if str(node.module).startswith("tests") else str(node.module).split(".")[0])
        own = {f"tests.golden.{plain.stem}" for plain in Path(__file__).parent.glob("plain_*.py")}
        assert imported - own <= {
            "__future__",
            "collections",
            "dataclasses",
            "datetime",
            "fractions",
            "itertools",
            "typing",
        }

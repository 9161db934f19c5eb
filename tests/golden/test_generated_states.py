"""Every figure of invented states, through the real models and once more in plain Python: equal to the last place.

The same states are held to what must be true of any state.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.golden import plain_settlement
from tests.golden.generated_states import state
from tests.scenario import Scenario, Settled

pytestmark = pytest.mark.slow

SEEDS = range(10)
EACH = pytest.mark.parametrize("seed", [pytest.param(n, marks=pytest.mark.xdist_group(f"state-{n}")) for n in SEEDS])


@cache
def computed(seed: int) -> Settled:
    return state(seed).compute()


@cache
def plain(seed: int) -> plain_settlement.Settlement:
    return settle_plainly(state(seed))


def settle_plainly(scenario: Scenario) -> plain_settlement.Settlement:
    spec = scenario.spec()
    tables = {name: frame.to_dicts() for name, frame in spec.sources.items() if isinstance(frame, pl.DataFrame)}
    columns = ("hospital_ccn", "npi", "calendar_year", "pfs_approved_amount")
    tables["pfs_approved_amounts"] = [dict(zip(columns, row, strict=True)) for row in scenario.estimates]
    own = {ccn: elections.over(spec.policy).model_dump() for ccn, elections in spec.elections.items()}
    return plain_settlement.settle(tables, spec.policy.model_dump(), own, spec.name)


def by_key(rows: Iterable[Mapping[str, Any]], *key: str) -> dict[tuple[Any, ...], Mapping[str, Any]]:
    return {tuple(row[column] for column in key): row for row in rows}


def compare(found: Mapping[Any, Mapping[str, Any]], expected: Mapping[Any, Mapping[str, Any]]) -> None:
    """The same keys, and in each row every value that plain Python gives."""
    assert found.keys() == expected.keys()
    for key, row in expected.items():
        for column, value in row.items():
            got = found[key][column]
            assert (Fraction(got) if isinstance(value, Fraction) else got) == value, (key, column)


@EACH
def test_norms_by_all_three_methods(seed: int) -> None:
    names = {
        "best_practice_norm": "bpn", "p75_cost": "p75", "improvement_ceiling_cost": "ceiling",
        "maximum_physician_incentive": "mpi", "cost_weight": "cost_weight", "los_weight": "los_weight",
        "core_weight": "core_weight", "supply_drug_weight": "supply_drug_weight",
    }  # fmt: skip
    found = by_key(computed(seed).rows("select * from norms"), "norm_method", "apr_drg", "severity_of_illness")
    expected = {
        (method, *cell): {column: getattr(norm, name) for column, name in names.items()} | norm.facts
        for (method, cell), norm in plain(seed).norms.items()
    }
    assert {method for method, *_ in expected} >= {"physician_percentile", "case_percentile", "mean_below_threshold"}
    compare(found, expected)


@EACH
def test_exclusions(seed: int) -> None:
    rows = computed(seed).rows("select * from exclusions")
    found = by_key(rows, "window_name", "hospital_ccn", "exclusion_reason")
    compare(found, {key: {"cases": n, "cost": cost} for key, (n, cost) in plain(seed).excluded.items()})


@EACH
def test_performance_of_every_case(seed: int) -> None:
    found = by_key(computed(seed).rows("select * from incentive_cases"), "hospital_ccn", "account_no")
    assert len(found) > 50
    compare(found, plain(seed).cases)


@EACH
def test_improvement(seed: int) -> None:
    found = by_key(computed(seed).rows("select * from improvement"), "hospital_ccn", "npi", "stream")
    assert any(row["improvement_incentive"] for row in found.values())
    compare(found, plain(seed).improvement)


@EACH
def test_savings_and_limits(seed: int) -> None:
    compare(by_key(computed(seed).rows("select * from savings"), "hospital_ccn", "scope"), plain(seed).savings)
    limits = by_key(computed(seed).rows("select * from distribution_limits"), "hospital_ccn")
    compare(limits, {(ccn,): row for ccn, row in plain(seed).limits.items()})


@EACH
def test_waterfall(seed: int) -> None:
    rows = computed(seed).rows("select * from incentives")
    for row in rows:
        row["reasons"] = set(filter(None, row["reasons"].split("|")))
    expected = {key: {k: v for k, v in row.items() if k != "held"} for key, row in plain(seed).incentives.items()}
    compare(by_key(rows, "hospital_ccn", "npi"), expected)


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
        own = {"tests.golden.plain_cases", "tests.golden.plain_waterfall"}
        assert imported - own <= {
            "__future__",
            "collections",
            "dataclasses",
            "datetime",
            "fractions",
            "itertools",
            "typing",
        }

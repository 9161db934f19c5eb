"""Compares the models' results for a state with those of plain Python, to the last place.

Belongs here: the comparison, table by table. Does not belong here: either computation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any

import polars as pl

from tests.golden import plain_settlement
from tests.scenario import Scenario, Settled

_NORMS = {
    "best_practice_norm": "bpn", "p75_cost": "p75", "improvement_ceiling_cost": "ceiling",
    "maximum_physician_incentive": "mpi", "cost_weight": "cost_weight", "los_weight": "los_weight",
    "core_weight": "core_weight", "supply_drug_weight": "supply_drug_weight",
}  # fmt: skip


def settle_plainly(scenario: Scenario) -> plain_settlement.Settlement:
    """Settle a state in plain Python."""
    spec = scenario.spec()
    tables = {name: frame.to_dicts() for name, frame in spec.sources.items() if isinstance(frame, pl.DataFrame)}
    columns = ("hospital_ccn", "npi", "calendar_year", "pfs_approved_amount")
    tables["pfs_approved_amounts"] = [dict(zip(columns, row, strict=True)) for row in scenario.estimates]
    own = {ccn: elections.model_dump(exclude_unset=True) for ccn, elections in spec.elections.items()}
    return plain_settlement.settle(tables, spec.policy.model_dump(), own, spec.name)


def by_key(rows: Iterable[Mapping[str, Any]], *key: str) -> dict[tuple[Any, ...], Mapping[str, Any]]:
    return {tuple(row[column] for column in key): row for row in rows}


def _compare(found: Mapping[Any, Mapping[str, Any]], expected: Mapping[Any, Mapping[str, Any]]) -> None:
    """Compare the keys, and in each row every value that plain Python computes."""
    assert found.keys() == expected.keys()
    for key, row in expected.items():
        for column, value in row.items():
            got = found[key][column]
            assert (Fraction(got) if isinstance(value, Fraction) else got) == value, (key, column)


def compare_norms(settled: Settled, plain: plain_settlement.Settlement) -> None:
    found = by_key(settled.rows("select * from norms"), "norm_method", "apr_drg", "severity_of_illness")
    expected = {
        (method, *cell): {column: getattr(norm, name) for column, name in _NORMS.items()} | norm.facts
        for (method, cell), norm in plain.norms.items()
    }
    _compare(found, expected)


def compare_exclusions(settled: Settled, plain: plain_settlement.Settlement) -> None:
    found = by_key(settled.rows("select * from exclusions"), "window_name", "hospital_ccn", "exclusion_reason")
    _compare(found, {key: {"cases": n, "cost": cost} for key, (n, cost) in plain.excluded.items()})


def compare_cases(settled: Settled, plain: plain_settlement.Settlement) -> None:
    _compare(by_key(settled.rows("select * from incentive_cases"), "hospital_ccn", "account_no"), plain.cases)


def compare_improvement(settled: Settled, plain: plain_settlement.Settlement) -> None:
    found = by_key(settled.rows("select * from improvement"), "hospital_ccn", "npi", "stream")
    _compare(found, plain.improvement)


def compare_savings(settled: Settled, plain: plain_settlement.Settlement) -> None:
    _compare(by_key(settled.rows("select * from savings"), "hospital_ccn", "scope"), plain.savings)
    limits = by_key(settled.rows("select * from distribution_limits"), "hospital_ccn")
    _compare(limits, {(ccn,): row for ccn, row in plain.limits.items()})


def compare_waterfall(settled: Settled, plain: plain_settlement.Settlement) -> None:
    rows = settled.rows("select * from incentives")
    found = by_key(
        [row | {"reasons": set(filter(None, row["reasons"].split("|")))} for row in rows], "hospital_ccn", "npi"
    )
    _compare(
        found,
        {key: {k: v for k, v in row.items() if k not in ("held", "year_cap")} for key, row in plain.incentives.items()},
    )


COMPARISONS: tuple[Callable[[Settled, plain_settlement.Settlement], None], ...] = (
    compare_norms,
    compare_exclusions,
    compare_cases,
    compare_improvement,
    compare_savings,
    compare_waterfall,
)


def disagreements(settled: Settled, plain: plain_settlement.Settlement) -> list[str]:
    """Names of the comparisons in which the two results differ."""
    differing = []
    for comparison in COMPARISONS:
        try:
            comparison(settled, plain)
        except AssertionError:
            differing.append(comparison.__name__.removeprefix("compare_"))
    return differing

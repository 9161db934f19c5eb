"""The study of real New York hip replacements equals the plain Python computation (``plain_norms``) to the cent."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import duckdb
import pytest

from hcip_pipeline.home.folders import Home
from hcip_pipeline.study.result import StudyResult
from hcip_pipeline.study.sparcs_study import run_sparcs_study
from tests.real_data import plain_norms
from tests.real_data.plain_norms import Opportunity, PlainStudy, money

FILE = Path(__file__).parents[2].parent / "shared" / "data" / "sparcs" / "hip_replacement_2016.csv.gz"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not FILE.exists(), reason="the public file is not next to the checkout"),
]


@pytest.fixture(scope="module")
def plain() -> PlainStudy:
    return plain_norms.compute(FILE)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def study(home: Home) -> StudyResult:
    return run_sparcs_study(home, FILE, 2016)


def test_every_discharge_is_read(study: StudyResult) -> None:
    only = study.plan.inputs[0]
    assert (only.rows_read, only.accepted, only.excluded) == (11_583, 11_583, 0)


def test_exclusions(study: StudyResult, plain: PlainStudy) -> None:
    reasons = {row["exclusion_reason"]: row["cases"] for row in study.figures.tables["exclusions"].to_dicts()}
    in_normed_cells = sum(case.cell in plain.norms["physician_percentile"] for case in plain.counted)
    assert reasons.pop("NO_NORM") == len(plain.counted) - in_normed_cells
    assert reasons == dict(plain.exclusions)


@pytest.mark.parametrize("method", ["physician_percentile", "case_percentile", "mean_below_threshold"])
def test_norms(study: StudyResult, plain: PlainStudy, method: str) -> None:
    places = {"mean_cost": 4, "mean_los": 4, "cost_weight": 8, "los_weight": 8}
    expected = {
        cell: {
            name: money(value, places.get(name, 2)) if isinstance(value, Fraction) else value
            for name, value in asdict(norm).items()
        }
        for cell, norm in plain.norms[method].items()
    }
    found = {
        (row["apr_drg"], row["severity_of_illness"]): {name: row[name] for name in next(iter(expected.values()))}
        for row in study.figures.tables["norms"].to_dicts()
        if row["norm_method"] == method
    }
    assert found == expected
    assert len(found) == (4 if method == "case_percentile" else 3)


def test_performance_incentive_of_every_case(home: Home, study: StudyResult, plain: PlainStudy) -> None:
    with duckdb.connect(home.warehouse / "studies" / "sparcs-2016" / "hcip.duckdb", read_only=True) as build:
        rows = build.execute(
            "select cast(account_no as integer), performance_fraction, performance_incentive "
            "from intermediate.int_performance_incentives"
        ).fetchall()
    expected = {
        line: (money(fraction, 8), money(incentive)) for line, (fraction, incentive) in plain.case_incentives.items()
    }
    assert {line: (fraction, incentive) for line, fraction, incentive in rows} == expected


def test_performance_incentive_of_every_surgeon(study: StudyResult, plain: PlainStudy) -> None:
    found = {
        (row["hospital_ccn"], row["npi"]): row["performance_incentive"]
        for row in study.figures.tables["performance_incentives"].to_dicts()
    }
    assert found == {key: money(incentive) for key, incentive in plain.incentives.items()}
    assert study.figures.totals.performance_incentive == sum(found.values()) > 0


@pytest.mark.parametrize(
    ("table", "key", "attribute"),
    [("opportunity_by_hospital", "hospital_ccn", "by_hospital"), ("opportunity_by_physician", "npi", "by_physician")],
)
def test_opportunity(study: StudyResult, plain: PlainStudy, table: str, key: str, attribute: str) -> None:
    expected: dict[str, Opportunity] = getattr(plain, attribute)
    found = {row[key]: row for row in study.figures.tables[table].to_dicts()}
    assert set(found) == set(expected)
    for name, opportunity in expected.items():
        figures = {
            "cases": opportunity.cases,
            "cost": money(opportunity.cost),
            "best_practice_cost": money(opportunity.best_practice_cost),
            "cost_above_best_practice": money(opportunity.cost - opportunity.best_practice_cost),
            "potential_savings": money(opportunity.potential_savings),
            "best_practice_variance": money(opportunity.best_practice_variance),
            "available_incentive": money(opportunity.available_incentive),
        }
        assert {column: found[name][column] for column in figures} == figures


def test_case_mix_index_of_every_surgeon(study: StudyResult, plain: PlainStudy) -> None:
    norms = plain.norms["physician_percentile"]
    weights: dict[tuple[str, str], list[Fraction]] = {}
    for case in plain.counted:
        if case.cell in norms:
            weights.setdefault((case.hospital, case.physician), []).append(norms[case.cell].cost_weight)
    for row in study.figures.tables["performance_incentives"].to_dicts():
        own = weights[row["hospital_ccn"], row["npi"]]
        assert row["case_mix_index"] == money(plain_norms.rounded(plain_norms.mean(own), 8), 8)
        assert (row["medical_cases"], row["surgical_cases"]) == (0, len(own))


def test_totals_are_those_of_a_reviewed_run(study: StudyResult) -> None:
    """The file and the policy's defaults are fixed, so these change only if the methodology does."""
    totals = study.figures.totals
    assert (totals.cases, totals.excluded, totals.without_norm, totals.with_norm) == (11_583, 242, 30, 11_311)
    assert (totals.hospitals, totals.physicians) == (74, 328)
    assert totals.potential_savings == Decimal("30496728.60")
    assert totals.performance_incentive == Decimal("1467170.45")

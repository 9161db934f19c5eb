"""Properties of any settlement whose inputs change in a known way (methodology §0, §7, §9).

Properties of a single settlement are in ``test_generated_states``.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pytest

from hcip_pipeline.contracts.marts import MARTS
from hcip_pipeline.release.tables import write_table
from tests import settlement_models
from tests.golden.generated_states import state as generated_state
from tests.golden.plain_waterfall import scaled
from tests.scenario import Case, Norm, Row, Scenario, Settled, npi, table

pytestmark = pytest.mark.slow

D = Decimal
CELLS = ("301", "302", "303", "139")
NORMS = [Norm(10_000 + 2_000 * n, 16_000 + 3_000 * n, 300 + 111 * n, code) for n, code in enumerate(CELLS)]
PHYSICIANS = [npi(number) for number in range(120)]
#: a raised cost must not make a case an outlier of its cell, or stop it from being one
NO_OUTLIERS = {"exclusions": ["NO_RESPONSIBLE_PHYSICIAN"]}


def invented_cases(seed: int) -> list[Case]:
    """Five cases of each physician in the period and five in the baseline, around the norms of one or two cells."""
    rng = Random(seed)
    cases = []
    for physician in PHYSICIANS:
        for day in (dt.date(2024, 4, 1), dt.date(2025, 4, 1)):
            for _ in range(5):
                cell = rng.randrange(4)
                low, high = 1_000 * (7 + 2 * cell), 1_000 * (21 + 3 * cell)
                cost = D(rng.randint(low * 100, high * 100)).scaleb(-2)
                cases.append(Case(physician, cost, day, CELLS[cell], days=rng.randint(1, 8)))
    return cases


def settle(cases: list[Case], norms: list[Norm] = NORMS, **more: Any) -> Settled:
    return Scenario(cases, policy=NO_OUTLIERS, norms=norms, in_order=True, **more).compute()


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return invented_cases(1)


@pytest.fixture(scope="module")
def settled(cases: list[Case]) -> Settled:
    return settle(cases)


def performance(settled: Settled) -> dict[str, dict[str, Any]]:
    return {row["account_no"]: row for row in settled.rows("select * from incentive_cases")}


@pytest.mark.parametrize("seed", [1, 2])
def test_raising_a_cost_never_raises_an_incentive(cases: list[Case], settled: Settled, seed: int) -> None:
    """One case of every physician costs more, by a cent or by thousands."""
    rng = Random(seed)
    dearer = list(cases)
    chosen = {}
    for start in range(0, len(cases), 10):
        place = start + rng.randrange(5, 10)
        more = D(rng.choice([1, 100, 100_000, 1_000_000, 10_000_000])).scaleb(-2)
        dearer[place] = replace(cases[place], cost=D(cases[place].cost) + more)
        chosen[f"A{place + 1:05d}"] = cases[place].physician
    before, after = performance(settled), performance(settle(dearer))
    assert before.keys() == after.keys()
    for account in chosen:
        assert after[account]["cost"] > before[account]["cost"]
    for account, row in after.items():
        assert row["performance_incentive"] <= before[account]["performance_incentive"], account
    changed = {
        account
        for account in after
        if after[account]["performance_incentive"] < before[account]["performance_incentive"]
    }
    assert len(changed & chosen.keys()) > 20  # it does matter
    assert changed - chosen.keys()  # and the gate closes on a physician's other cases


def test_raising_costs_never_raises_the_improvement_incentive(cases: list[Case], settled: Settled) -> None:
    rng = Random(3)
    dearer = [
        replace(case, cost=D(case.cost) + rng.randrange(2_000)) if case.day.year == 2025 else case for case in cases
    ]
    query = "select npi, stream, improvement_incentive from improvement order by all"
    before, after = settled.rows(query), settle(dearer).rows(query)
    assert [row["npi"] for row in before] == [row["npi"] for row in after]
    assert all(
        new["improvement_incentive"] <= old["improvement_incentive"] for old, new in zip(before, after, strict=True)
    )
    assert before != after


def test_doubling_costs_and_norms_leaves_fractions(cases: list[Case], settled: Settled) -> None:
    doubled = [replace(case, cost=2 * D(case.cost)) for case in cases]
    norms = [
        replace(norm, best_practice_norm=2 * D(norm.best_practice_norm), p75_cost=2 * D(norm.p75_cost))
        for norm in NORMS
    ]
    twice = settle(doubled, norms)
    before, after = performance(settled), performance(twice)
    assert {row["cost"] for row in after.values()} == {2 * row["cost"] for row in before.values()}
    for account, row in after.items():
        for column in ("performance_fraction", "performance_incentive", "mpi_improvement"):
            assert row[column] == before[account][column]
    query = "select npi, improvement_fraction, improvement_incentive from improvement order by npi, stream"
    for old, new in zip(settled.rows(query), twice.rows(query), strict=True):
        if old["improvement_fraction"] is not None:
            # Adjusted costs are rounded to 4 places before they are compared: 0.0001 of a spread of thousands.
            assert abs(new["improvement_fraction"] - old["improvement_fraction"]) <= D("0.0000001")


def test_the_order_of_rows_changes_no_byte(tmp_path: Path) -> None:
    """Every table of the lake is shuffled, and the number of threads differs."""
    scenario = generated_state(1)
    spec = scenario.spec()
    shuffled = {
        name: source.sample(fraction=1, shuffle=True, seed=7) if isinstance(source, pl.DataFrame) else source
        for name, source in spec.sources.items()
    }
    files: list[dict[str, str]] = []
    for threads, given in ((1, spec), (2, replace(spec, sources=shuffled))):
        folder = tmp_path / str(threads)
        folder.mkdir()
        with settlement_models.run(scenario.with_norms(given, threads), threads, scenario.estimates) as connection:
            written = [
                write_table(connection.sql(f'from marts."{declared.name}"').pl(), declared, folder, declared.name)
                for area in ("norms", "incentives", "savings", "audit")
                for declared in MARTS[area]
            ]
        files.append({file.path.name: file.sha256 for pair in written for file in pair})
    assert len(files[0]) > 20
    assert files[0] == files[1]


# --- many hospitals ---------------------------------------------------------------------------------------------------


def earning(cents: int, physician: str, hospital: str) -> list[Case]:
    """Cases that earn ``cents`` in all, at most 100 dollars each."""
    parts = [10_000] * (cents // 10_000) + [cents % 10_000]
    return [Case(physician, 20_000 - part, dt.date(2025, 2, 1), hospital=hospital) for part in parts]


def weights(rng: Random) -> list[Decimal]:
    """One to six weights, of up to six decimals, that total 100."""
    cuts = sorted(rng.randrange(1, 10**8) for _ in range(rng.randrange(6)))
    return [D(b - a).scaleb(-6) for a, b in zip([0, *cuts], [*cuts, 10**8], strict=True) if b > a]


@pytest.fixture(scope="module")
def hospitals() -> tuple[Settled, dict[str, dict[str, Any]]]:
    """A hundred hospitals with conditions that everybody met, pools for most, and many small amounts."""
    rng = Random(5)
    stated: dict[str, dict[str, Any]] = {}
    rows: dict[str, list[Row]] = {"conditions": [], "condition_results": [], "pool_notices": []}
    cases = []
    for number in range(100):
        own = {"hospital_ccn": str(211_000 + number)}
        amounts = {npi(n): rng.choice([1, 3_333, rng.randint(1, 30_000)]) for n in range(rng.randint(1, 8))}
        pool = rng.choice([None, 0, sum(amounts.values()) - 1, rng.randint(0, 2 * sum(amounts.values()))])
        stated[own["hospital_ccn"]] = {"amounts": amounts, "pool": pool}
        for physician, cents in amounts.items():
            cases += earning(cents, physician, own["hospital_ccn"])
        for place, weight in enumerate(weights(rng)):
            condition = own | {"condition_id": f"c{place}"}
            rows["conditions"].append(condition | {"description": "any", "weight_percent": weight})
            rows["condition_results"] += [condition | {"npi": physician, "met": "Y"} for physician in amounts]
        if pool is not None:
            rows["pool_notices"].append(own | {"incentive_pool": D(pool).scaleb(-2), "contested": "N"})
    settled = Scenario(
        cases,
        policy=NO_OUTLIERS | {"improvement_share": 0, "mpi_floor": None},
        norms=[Norm(10_000, 20_000, 100)],
        in_order=True,
        sources={name: table(name, own_rows) for name, own_rows in rows.items()},
    ).compute()
    return settled, stated


def by_hospital(settled: Settled) -> dict[str, dict[str, dict[str, Any]]]:
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for row in settled.rows("select * from incentives"):
        found.setdefault(row["hospital_ccn"], {})[row["npi"]] = row
    return found


def test_conditions_all_met_leave_the_calculated_amount(
    hospitals: tuple[Settled, dict[str, dict[str, Any]]],
) -> None:
    settled, stated = hospitals
    for ccn, rows in by_hospital(settled).items():
        for physician, row in rows.items():
            assert row["calculated_incentive"] == D(stated[ccn]["amounts"][physician]).scaleb(-2)
            assert row["conditions_adjustment"] == 0
    parts = settled.rows("select sum(weighted_amount) as parts from conditions group by hospital_ccn, npi")
    whole = sum(sum(own["amounts"].values()) for own in stated.values())
    assert sum(row["parts"] for row in parts) != D(whole).scaleb(-2)  # rounding of the parts would have mattered


def test_a_limit_is_shared_out_to_the_cent(hospitals: tuple[Settled, dict[str, dict[str, Any]]]) -> None:
    settled, stated = hospitals
    limited = 0
    for ccn, rows in by_hospital(settled).items():
        amounts = {physician: Fraction(cents, 100) for physician, cents in stated[ccn]["amounts"].items()}
        before, pool = sum(amounts.values(), Fraction(0)), stated[ccn]["pool"]
        finals = {physician: Fraction(row["final_incentive"]) for physician, row in rows.items()}
        most = before if pool is None else min(before, Fraction(pool, 100))
        assert sum(finals.values(), Fraction(0)) == most
        for physician, final in finals.items():
            assert abs(final - amounts[physician] * most / before) < Fraction(1, 100)
        assert finals == scaled(amounts, most)
        limited += most < before
    assert limited > 40

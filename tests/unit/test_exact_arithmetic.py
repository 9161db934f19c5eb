"""round_div, percentile and clamp equal Python's fractions (methodology §0)."""

from __future__ import annotations

import random
from decimal import Decimal
from fractions import Fraction
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.macros import arithmetic

MACROS = arithmetic()
ENGINE = duckdb.connect(config={"threads": 1})
CASES = 20_000


def half_away(value: Fraction, scale: int) -> Decimal:
    """Round half away from zero, by integers only."""
    whole, rest = divmod(abs(value.numerator) * 10**scale, value.denominator)
    whole += rest * 2 >= value.denominator
    return Decimal(whole if value >= 0 else -whole).scaleb(-scale)


def column(values: list[int], scale: int) -> pl.Series:
    return pl.Series([Decimal(v).scaleb(-scale) for v in values], dtype=pl.Decimal(18, scale))


def evaluate(expression: str, **columns: pl.Series) -> list[Any]:
    frame = pl.DataFrame(columns).with_row_index("i")
    with ENGINE.cursor() as connection:
        connection.register("t", frame.to_arrow())
        return [row[0] for row in connection.execute(f"select {expression} from t order by i").fetchall()]


def magnitudes(rng: random.Random, count: int, digits: int) -> list[int]:
    """Integers of every size up to ``digits`` digits, either sign."""
    return [rng.choice((-1, 1)) * rng.randrange(10 ** rng.randint(1, digits)) for _ in range(count)]


@pytest.mark.parametrize("scale", [2, 4, 8])
def test_round_div_equals_fractions(scale: int) -> None:
    rng = random.Random(scale)
    numerators = magnitudes(rng, CASES, 9 + (8 - scale))
    denominators = [d or 1 for d in magnitudes(rng, CASES, 8)]
    got = evaluate(MACROS.round_div("n", "d", scale), n=column(numerators, 2), d=column(denominators, 2))
    for n, d, result in zip(numerators, denominators, got, strict=True):
        expected = half_away(Fraction(n, d), scale)
        assert result == expected, (n, d)


@pytest.mark.parametrize("scale", [2, 4, 8])
def test_round_div_rounds_ties_away_from_zero(scale: int) -> None:
    odd = [2 * k + 1 for k in range(-2000, 2000)]
    got = evaluate(MACROS.round_div("n", "d", scale), n=column(odd, 0), d=column([2 * 10**scale] * len(odd), 0))
    assert got == [half_away(Fraction(n, 2 * 10**scale), scale) for n in odd]
    assert got[-1] > 0 > got[0]


def test_round_div_by_zero_is_null() -> None:
    assert evaluate(MACROS.round_div("n", "d", 4), n=column([100], 2), d=column([0], 2)) == [None]


def test_round_div_refuses_what_does_not_fit() -> None:
    with pytest.raises(duckdb.Error):
        evaluate(MACROS.round_div("n", "d", 8), n=column([10**17], 2), d=column([1], 2))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.integers(-(10**11), 10**11), st.integers(10**4, 10**12)), min_size=1, max_size=150))
def test_round_div_of_ratios(pairs: list[tuple[int, int]]) -> None:
    """Money over a sum of weights: 2 and 8 places, four places out."""
    got = evaluate(
        MACROS.round_div("n", "d", 4), n=column([n for n, _ in pairs], 2), d=column([d for _, d in pairs], 8)
    )
    assert got == [half_away(Fraction(n, 100) / Fraction(d, 10**8), 4) for n, d in pairs]


def type7(values: list[Fraction], p: Fraction) -> Fraction:
    ordered = sorted(values)
    position = (len(ordered) - 1) * p
    low = position.numerator // position.denominator
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (position - low) * (ordered[high] - ordered[low])


@pytest.mark.parametrize("p", ["0", "0.1", "0.25", "0.33333333", "0.5", "0.75", "0.9", "1"])
def test_percentile_equals_fractions(p: str) -> None:
    rng = random.Random(p)
    groups = [[rng.randrange(10 ** rng.randint(3, 10)) for _ in range(rng.randint(1, 30))] for _ in range(1500)]
    frame = pl.DataFrame(
        {
            "g": [g for g, values in enumerate(groups) for _ in values],
            "x": column([v for values in groups for v in values], 4),
        }
    )
    sql = f"""
        select {MACROS.percentile("xs", f"cast('{p}' as decimal(18,8))", 2)}
        from (select g, {MACROS.sorted_list("x")} as xs from t group by g) order by g
    """
    with duckdb.connect() as connection:
        connection.register("t", frame.to_arrow())
        got = [row[0] for row in connection.execute(sql).fetchall()]
    assert got == [half_away(type7([Fraction(v, 10**4) for v in values], Fraction(p)), 2) for values in groups]


def test_clamp_keeps_values_within_its_bounds() -> None:
    got = evaluate(MACROS.clamp("x", "0", "1"), x=column([-5, 0, 3, 10, 11, 250], 1))
    assert got == [0, 0, Decimal("0.3"), 1, 1, 1]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**12), st.integers(0, 10**10)), min_size=1, max_size=300))
def test_product_is_exact_before_it_is_rounded(pairs: list[tuple[int, int]]) -> None:
    """charge × cost_factor, to cents."""
    expression = MACROS.round_to(MACROS.exact_product("a", "b"), 2)
    got = evaluate(expression, a=column([a for a, _ in pairs], 2), b=column([b for _, b in pairs], 8))
    assert got == [half_away(Fraction(a, 100) * Fraction(b, 10**8), 2) for a, b in pairs]

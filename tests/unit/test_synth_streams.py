"""The synthetic state's randomness: portable, independent by purpose, and with the given shares."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hcip_pipeline.synthetic.patients import _latest_before
from hcip_pipeline.synthetic.physicians import _npis
from hcip_pipeline.synthetic.stays import NOBODY
from hcip_pipeline.synthetic.streams import (
    cumulative,
    draw_rows,
    exactly,
    exp,
    largest_remainder,
    stream,
    triangular,
)

PINNED = [811485931, 948496895, 892340686]


def test_a_stream_is_the_same_each_time_and_differs_by_purpose_and_seed() -> None:
    # The numbers are pinned: a state made elsewhere, or later, must be the same.
    assert stream(7, "stays", "2025Q1").integers(0, 10**9, 3).tolist() == PINNED
    others = [stream(7, "stays", "2025Q2"), stream(8, "stays", "2025Q1"), stream(7, "charges", "2025Q1")]
    assert all(other.integers(0, 10**9, 3).tolist() != PINNED for other in others)


def test_exponentials_come_from_the_table() -> None:
    x = np.linspace(-7.9, 7.9, 1001)
    assert np.allclose(exp(x), np.exp(x), rtol=0.0011)
    assert exp(np.array([0.0, -99.0, 99.0])).tolist() == [1.0, exp(np.array([-8.0]))[0], exp(np.array([8.0]))[0]]


def test_rows_are_drawn_by_their_shares_and_never_if_the_share_is_zero() -> None:
    shares = cumulative(np.array([[1.0, 0.0, 3.0, 0.0], [0.0, 2.0, 0.0, 0.0]]))
    rng = np.random.default_rng(1)
    drawn = draw_rows(rng.random(20_000), np.repeat([0, 1], 10_000), shares)
    assert set(drawn[:10_000]) == {0, 2} and set(drawn[10_000:]) == {1}
    assert np.mean(drawn[:10_000] == 2) == pytest.approx(0.75, abs=0.02)
    extremes = draw_rows(np.array([0.0, 1 - 2**-53, 0.0, 1 - 2**-53]), np.array([0, 0, 1, 1]), shares)
    assert extremes.tolist() == [0, 2, 1, 1]


@given(st.integers(0, 10**6), st.lists(st.floats(0.001, 1000), min_size=1, max_size=50))
def test_parts_add_up_and_are_within_one_of_their_share(total: int, weights: list[float]) -> None:
    parts = largest_remainder(total, np.array(weights))
    assert parts.sum() == total
    exact = np.array(weights) / sum(weights) * total
    assert np.all(np.abs(parts - exact) < 1 + 1e-6)


def test_the_exact_number_of_each_group_is_picked_or_all_if_fewer() -> None:
    eligible = np.array([True] * 10 + [False] * 5 + [True] * 5)
    groups = np.array([0] * 6 + [1] * 9 + [2] * 5)
    picked = exactly(np.random.default_rng(3), eligible, groups, np.array([2, 9, 0]))
    assert np.bincount(groups[picked], minlength=3).tolist() == [2, 4, 0]
    assert eligible[picked].all() and len(set(picked)) == len(picked)


def test_triangular_draws_stay_within_their_bounds_around_the_peak() -> None:
    n = 20_000
    low, mode, high = (np.full(n, value) for value in (18.0, 64.0, 96.0))
    drawn = triangular(np.random.default_rng(5), low, mode, high)
    assert drawn.min() >= 18 and drawn.max() <= 96
    assert drawn.mean() == pytest.approx((18 + 64 + 96) / 3, abs=0.5)


@given(st.integers(1, 300), st.integers(0, 10**8 - 1))
def test_identifiers_differ_and_have_a_valid_check_digit(count: int, offset: int) -> None:
    npis = _npis(count, offset)
    assert len(set(npis)) == count
    for npi in npis:
        assert len(npi) == 10 and npi[0] == "2"
        digits = [int(digit) for digit in reversed("80840" + npi)]
        doubled = [sum(divmod(2 * digit, 10)) if place % 2 else digit for place, digit in enumerate(digits)]
        assert sum(doubled) % 10 == 0


@given(st.data())
def test_a_return_follows_a_free_discharge_of_its_key_by_a_few_days_at_most(data: st.DataObject) -> None:
    size = data.draw(st.integers(0, 30))
    keys = np.array(data.draw(st.lists(st.integers(0, 3), min_size=size, max_size=size)), dtype=np.int64)
    days = np.array(data.draw(st.lists(st.integers(100, 130), min_size=size, max_size=size)), dtype=np.int64)
    free = np.array(data.draw(st.lists(st.booleans(), min_size=size, max_size=size)), dtype=bool)
    wanted = np.array(data.draw(st.lists(st.integers(0, 3), max_size=20)), dtype=np.int64)
    day = np.array(
        data.draw(st.lists(st.integers(100, 135), min_size=len(wanted), max_size=len(wanted))), dtype=np.int64
    )
    found = _latest_before(keys, days, free, wanted, day)
    matched = found != NOBODY
    assert len(set(found[matched])) == matched.sum()
    assert np.array_equal(keys[found[matched]], wanted[matched]) and free[found[matched]].all()
    gap = day[matched] - days[found[matched]]
    assert ((gap >= 0) & (gap <= 6)).all()
    for row in np.flatnonzero(~matched):  # nobody with only one candidate is left out
        near = free & (keys == wanted[row]) & (days <= day[row]) & (days >= day[row] - 6)
        assert not near.any() or (found[matched][:, None] == np.flatnonzero(near)).any()


def test_the_table_covers_the_stated_range() -> None:
    assert exp(np.array([8.0]))[0] == pytest.approx(math.exp(8), rel=1e-9)

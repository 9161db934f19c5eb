"""Who takes which quarters and months in."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hcip_pipeline.assets.side_by_side import _shares
from hcip_pipeline.periods import Quarter

QUARTERS = [Quarter(year, quarter) for year in range(2020, 2030) for quarter in (1, 2, 3, 4)]


@given(st.integers(0, 40), st.one_of(st.none(), st.integers(1, 50)), st.integers(0, 3))
def test_every_partition_has_one_process(keys: int, processes: int | None, ahead: int) -> None:
    shares = _shares(QUARTERS[:keys], processes, ahead)
    assert [key for share in shares for key in share] == QUARTERS[:keys]
    assert all(shares[1:]) and len(shares) <= max(1, processes or os.cpu_count() or 1, 1)


@pytest.mark.parametrize(
    ("processors", "keys", "processes"), [(1, 40, 1), (2, 7, 1), (2, 8, 2), (2, 40, 2), (32, 12, 3)]
)
def test_a_process_more_must_pay(processors: int, keys: int, processes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: processors)
    assert len(_shares(QUARTERS[:keys], None, 0)) == processes

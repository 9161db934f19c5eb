"""Released tables hide small counts, and an attacker who tries every consistent table cannot recover them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from hcip_pipeline.release.suppression import MARK, CountTable, Remainder, Sum, suppressed

pytestmark = pytest.mark.slow

#: cell -> value, None where hidden
Seen = dict[str, int | None]


def grid(rows: Sequence[Sequence[int]]) -> pl.DataFrame:
    """Hospitals × (medical, surgical, all), with a row that adds up the hospitals."""
    hospitals = [(f"H{n}", *row, sum(row)) for n, row in enumerate(rows)]
    total = ("STATE", *(sum(column) for column in zip(*(row[1:] for row in hospitals), strict=True)))
    return pl.DataFrame([*hospitals, total], schema=["hospital", "medical", "surgical", "all"], orient="row")


def published(rows: Sequence[Sequence[int]], threshold: int, before: Sequence[pl.DataFrame] = ()) -> pl.DataFrame:
    table = CountTable(
        "grid",
        grid(rows),
        key=("hospital",),
        counts=("medical", "surgical", "all"),
        parts={"all": ("medical", "surgical")},
        totals={"hospital": "STATE"},
    )
    return suppressed([table], threshold, before={"grid": before})[0]


def flat(rows: Iterable[Iterable[Any]]) -> list[Any]:
    return list(itertools.chain.from_iterable(rows))


def inner(frame: pl.DataFrame) -> list[list[int | None]]:
    return [list(row) for row in frame.select("medical", "surgical", "all").iter_rows()]


def fitting(seen: list[list[int | None]], greatest: int) -> Iterator[tuple[tuple[int, ...], ...]]:
    """Every table of medical and surgical counts that fits the released one: the attacker's exhaustive search.

    The attacker also knows that no hidden count is zero.
    """
    hospitals = len(seen) - 1

    def choices(row: list[int | None]) -> list[tuple[int, int]]:
        def values(cell: int | None) -> Sequence[int]:
            return [cell] if cell is not None else range(1, greatest + 1)

        return [
            (m, s)
            for m, s in itertools.product(values(row[0]), values(row[1]))
            if (row[2] is None and m + s >= 1) or row[2] == m + s
        ]

    for rows in itertools.product(*(choices(seen[at]) for at in range(hospitals))):
        sums = (sum(r[0] for r in rows), sum(r[1] for r in rows))
        shown = (*sums, sum(sums))
        if all(was is None or was == now for was, now in zip(seen[-1], shown, strict=True)):
            yield tuple((*row, sum(row)) for row in (*rows, sums))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=3))
def test_every_small_count_stays_ambiguous(rows: list[tuple[int, int]]) -> None:
    threshold = 2
    seen = inner(published(rows, threshold))
    truth = inner(grid(rows))
    possible = list(fitting(seen, greatest=6))
    assert possible
    for at, row in enumerate(truth):
        for column, value in enumerate(row):
            if 1 <= value <= threshold:  # type: ignore[operator]
                found = {table[at][column] for table in possible}
                assert len(found) >= threshold, (seen, at, column)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=2),
    st.lists(st.integers(0, 3), min_size=4, max_size=4),
)
def test_two_releases_side_by_side_reveal_no_small_change(rows: list[tuple[int, int]], late: list[int]) -> None:
    threshold = 2
    first = published(rows, threshold)
    changed = [(m + late[2 * at], s + late[2 * at + 1]) for at, (m, s) in enumerate(rows)]
    second = published(changed, threshold, before=[first])
    for was, now, truth_was, truth_now in zip(
        *(flat(inner(frame)) for frame in (first, second, grid(rows), grid(changed))), strict=True
    ):
        assert not (was is None and now), "what was hidden stays hidden"
        if was is not None and now is not None:
            assert not 1 <= abs(now - was) <= threshold
        assert was in (None, truth_was) and now in (None, truth_now)
    hidden_before = {at for at, cell in enumerate(flat(inner(first))) if cell is None}
    possible = [flat(table) for table in fitting(inner(second), greatest=12)]
    for at, (before, now) in enumerate(zip(flat(inner(grid(rows))), flat(inner(grid(changed))), strict=True)):
        if at not in hidden_before and 1 <= abs(now - before) <= threshold:
            assert len({table[at] for table in possible}) >= threshold


def bounds(seen: Mapping[str, int | None], sums: Sequence[tuple[str, Sequence[str]]], cell: str) -> tuple[float, float]:
    """The attacker's linear program over all hidden counts."""
    names = list(seen)
    equal = np.zeros((len(sums), len(names)))
    for at, (total, parts) in enumerate(sums):
        equal[at, names.index(total)] = -1
        for part in parts:
            equal[at, names.index(part)] += 1
    limits = [(value, value) if value is not None else (0, None) for value in seen.values()]
    goal = np.zeros(len(names))
    goal[names.index(cell)] = 1
    low = linprog(goal, A_eq=equal, b_eq=np.zeros(len(sums)), bounds=limits)
    high = linprog(-goal, A_eq=equal, b_eq=np.zeros(len(sums)), bounds=limits)
    return low.fun, -high.fun if high.status == 0 else float("inf")


@pytest.mark.parametrize("seed", range(4))
def test_a_state_of_hospitals_and_regions(seed: int) -> None:
    """Two tables for one reader: hospitals within regions, streams within all cases, participants within everyone."""
    random = np.random.default_rng(seed)
    rows = []
    for ccn in range(12):
        medical, surgical = (int(random.choice([0, 3, 7, 12, 40, 250])) for _ in range(2))
        rows += [
            (f"H{ccn}", "all", medical, surgical, medical + surgical),
            (
                f"H{ccn}",
                "participating",
                medical // 2,
                surgical - surgical // 9,
                medical // 2 + surgical - surgical // 9,
            ),
        ]
    frame = pl.DataFrame(rows, schema=["hospital", "scope", "medical", "surgical", "cases"], orient="row")
    regions = {f"R{n}": [f"H{ccn}" for ccn in range(12) if ccn % 3 == n] for n in range(3)}
    of_region = pl.DataFrame(
        [
            (region, frame.filter(pl.col("hospital").is_in(members), pl.col("scope") == "all")["cases"].sum())
            for region, members in regions.items()
        ],
        schema=["region", "cases"],
        orient="row",
    )
    hospitals = CountTable(
        "hospitals",
        frame,
        key=("hospital", "scope"),
        counts=("medical", "surgical", "cases"),
        parts={"cases": ("medical", "surgical")},
        remainders=(Remainder("scope", "all", "participating"),),
    )
    regional = CountTable("regions", of_region, key=("region",), counts=("cases",))
    links = [
        Sum(
            regional.cell("cases", region=region),
            tuple(hospitals.cell("cases", hospital=ccn, scope="all") for ccn in members),
        )
        for region, members in regions.items()
    ]
    shown, shown_regions = suppressed([hospitals, regional], 10, sums=links)
    shuffled = [
        replace(table, frame=table.frame.sample(fraction=1, shuffle=True, seed=seed)) for table in (hospitals, regional)
    ]
    again = suppressed(shuffled, 10, sums=links[::-1])
    for table, one, other in zip((hospitals, regional), (shown, shown_regions), again, strict=True):
        assert one.sort(table.key).equals(other.sort(table.key)), "what is hidden does not depend on the order of rows"

    truth: dict[str, int] = {}
    seen: dict[str, int | None] = {}
    sums: list[tuple[str, Sequence[str]]] = []
    for real, public in zip(frame.iter_rows(named=True), shown.iter_rows(named=True), strict=True):
        name = f"{real['hospital']} {real['scope']}"
        for count in ("medical", "surgical", "cases"):
            truth[f"{name} {count}"], seen[f"{name} {count}"] = real[count], public[count]
        sums.append((f"{name} cases", [f"{name} medical", f"{name} surgical"]))
    for ccn in dict.fromkeys(frame["hospital"]):
        for count in ("medical", "surgical", "cases"):
            rest = f"{ccn} rest {count}"
            truth[rest], seen[rest] = truth[f"{ccn} all {count}"] - truth[f"{ccn} participating {count}"], None
            sums.append((f"{ccn} all {count}", [f"{ccn} participating {count}", rest]))
    for real, public in zip(of_region.iter_rows(named=True), shown_regions.iter_rows(named=True), strict=True):
        truth[real["region"]], seen[real["region"]] = real["cases"], public["cases"]
        sums.append((real["region"], [f"{ccn} all cases" for ccn in regions[real["region"]]]))

    small = [cell for cell, value in truth.items() if 1 <= value <= 10]
    assert len(small) > 20
    for cell in small:
        low, high = bounds(seen, sums, cell)
        assert high - low > 9 - 1e-6, cell
    assert any(value is not None for value in seen.values()), "hiding everything is no solution"


def test_figures_that_reveal_a_hidden_count_are_hidden_too() -> None:
    frame = pl.DataFrame({"ccn": ["A", "B"], "readmissions": [4, 40], "discharges": [200, 400], "rate": [0.02, 0.1]})
    table = CountTable(
        "quality",
        frame,
        key=("ccn",),
        counts=("readmissions", "discharges"),
        dependents={"readmissions": ("rate",), "discharges": ("rate",)},
        remainders=(Remainder("", "discharges", "readmissions"),),
    )
    (shown,) = suppressed([table], 10)
    assert shown.rows() == [("A", None, 200, None, "readmissions|rate"), ("B", 40, 400, 0.1, "")]


def test_a_remainder_is_a_count_too() -> None:
    frame = pl.DataFrame({"scope": ["all", "participating"], "cases": [105, 100]})
    table = CountTable(
        "savings", frame, key=("scope",), counts=("cases",), remainders=(Remainder("scope", "all", "participating"),)
    )
    (shown,) = suppressed([table], 10)
    assert shown["cases"].to_list() == [105, None]


def test_counts_that_reveal_nothing_are_shown() -> None:
    shown = published([(0, 11), (30, 40)], 10)
    assert inner(shown) == [[0, 11, 11], [30, 40, 70], [30, 51, 81]]
    assert shown[MARK].to_list() == ["", "", ""]
    assert inner(published([(1, 2), (3, 4)], 0)) == [[1, 2, 3], [3, 4, 7], [4, 6, 10]]


def test_relations_that_do_not_hold_are_refused() -> None:
    frame = pl.DataFrame({"ccn": ["A"], "medical": [1], "surgical": [2], "all": [4]})
    table = CountTable(
        "grid", frame, key=("ccn",), counts=("medical", "surgical", "all"), parts={"all": ("medical", "surgical")}
    )
    with pytest.raises(ValueError, match="not the sum"):
        suppressed([table], 10)


def test_the_whole_is_hidden_if_no_other_count_can_be() -> None:
    frame = pl.DataFrame({"ccn": ["A"], "part": [0], "whole": [5]})
    table = CountTable(
        "grid", frame, key=("ccn",), counts=("part", "whole"), remainders=(Remainder("", "whole", "part"),)
    )
    (shown,) = suppressed([table], 10)
    assert shown.rows() == [("A", 0, None, "whole")]

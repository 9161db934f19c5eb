"""No hidden count follows from everything that a reader can compare (docs/releases.md, "What is hidden").

States of nine hospitals are invented from the seed; ``HCIP_STATES`` tries more. The reader knows every column of every
released table, each relation between counts, two half-years whose windows overlap, and a restatement, and uses an
integer program to find the values that a hidden count may have.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from hcip_pipeline.contracts.quality_released import RELEASED
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.release.quality_tables import quality_tables
from hcip_pipeline.release.reading import ReleaseFiles
from tests.invented_quality import State, Year, state
from tests.knowledge import Knowledge, Name
from tests.laid_side_by_side import ROLES, Reader, same_where_equal

pytestmark = pytest.mark.slow

THRESHOLD = 10
HOSPITALS = [f"21000{number}" for number in range(1, 10)]
SEEDS = range(int(os.environ.get("HCIP_STATES", "2")))


def released(
    of: State,
    threshold: int = THRESHOLD,
    superseded: Sequence[ReleaseFiles] = (),
    earlier: Sequence[ReleaseFiles] = (),
    baseline: str = "same_half",
) -> dict[str, pl.DataFrame]:
    marts = of.marts()
    rules = SimpleNamespace(small_cell_threshold=threshold, baseline_window=baseline)
    draft: Any = SimpleNamespace(
        policy=SimpleNamespace(policy=rules),
        period=PerformancePeriod.parse(of.period),
        superseded=superseded,
        earlier=earlier,
        marts=lambda name: marts[name],
    )
    return {each.table.name: each.frame for each in quality_tables(draft)}


def published(frames: Mapping[str, pl.DataFrame], home: Path, name: str) -> ReleaseFiles:
    period, _, number = name.partition("_")
    folder = home / period / number
    (folder / "quality").mkdir(parents=True)
    (folder / "datapackage.json").write_text("{}")
    for table, frame in frames.items():
        frame.write_parquet(folder / "quality" / f"HCIP_STATE_{table}_{name}.parquet")
    return ReleaseFiles.at(folder)


def rows(frames: Mapping[str, pl.DataFrame]) -> dict[str, list[dict[str, Any]]]:
    return {name: frame.to_dicts() for name, frame in frames.items()}


def laid_side_by_side(seed: int, home: Path) -> tuple[Knowledge, list[tuple[Name, Name]]]:
    """Three releases, and the counts that are the same in two of them."""
    years = [Year.invented(1000 * seed + number, HOSPITALS) for number in range(3)]
    first = state("2024H1", years[0], years[1], seed)
    second = state("2025H1", years[1].with_late(seed), years[2], seed)
    third = state("2025H1", years[1].with_late(seed), years[2].with_late(seed + 1), seed)
    reported = published(released(first), home, "2024H1_r1")
    r1 = published(released(second, earlier=[reported]), home, "2025H1_r1")
    shown = {
        "2024H1_r1": ({name: reported.table(name, folder="quality") for name in ROLES}, first),
        "2025H1_r1": ({name: r1.table(name, folder="quality") for name in ROLES}, second),
        "2025H1_r2": (released(third, superseded=[r1], earlier=[reported]), third),
    }
    knowledge = Knowledge()
    for tag, (frames, of) in shown.items():
        Reader(knowledge, tag, rows(frames), rows(of.marts()))
    pairs: list[tuple[Name, Name]] = []
    for name in list(knowledge.least):
        tag, *which = name  # type: ignore[misc]
        if tag == "2025H1_r2":
            pairs.append((name, ("2025H1_r1", *which)))
        if str(tag).startswith("2025H1") and len(which) == 3 and str(which[2]).startswith("baseline_"):
            pairs.append((name, ("2024H1_r1", *which[:2], which[2].removeprefix("baseline_"))))
    return knowledge, pairs


@pytest.fixture(scope="module")
def known_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], tuple[Knowledge, list[tuple[Name, Name]]]]:
    """Returns what a reader of a seed's releases knows, made once."""
    return cache(lambda seed: laid_side_by_side(seed, tmp_path_factory.mktemp("seed")))


@pytest.mark.parametrize("seed", SEEDS)
def test_no_small_count_can_be_derived(
    seed: int, known_of: Callable[[int], tuple[Knowledge, list[tuple[Name, Name]]]]
) -> None:
    knowledge, pairs = known_of(seed)
    small = [value for value in knowledge.truth.values() if 1 <= value <= THRESHOLD]
    assert len(small) > 100
    assert not knowledge.given_away
    # a reader who uses only the relations, and one who assumes that two releases agree about the same thing
    same_where_equal(knowledge, pairs)
    assert not knowledge.confined(THRESHOLD)
    for ccn in random.Random(seed).sample(HOSPITALS, int(os.environ.get("HCIP_HOSPITALS", "1"))):
        own = [name for name in knowledge.least if members_of(name) == ccn]
        of_others = [name for name in knowledge.truth if (others_part(knowledge, name, ccn) or 0) > 0]
        assert len(own) > 50 and len(of_others) > 100
        found = knowledge.with_own(own).confined(THRESHOLD, of_others)
        assert not found, f"{ccn}, which knows its own counts"


def members_of(name: Name) -> str | None:
    """The hospitals of a count, joined by |; None for a part of the state's."""
    of = name[2] if name[1] == "the rest of" else name  # type: ignore[index]
    if of[1] in ("no return", "not followed"):
        return str(of[2])
    return str(of[1]) if len(of) == 4 and of[1] not in ROLES else None


def others_part(knowledge: Knowledge, name: Name, ccn: str) -> int | None:
    """The part of a count from hospitals other than ``ccn``; None if there is none, or it is unknown."""
    members = members_of(name)
    if members == ccn:
        return None
    if members is None or ccn not in members.split("|") or name[1] != members:  # type: ignore[index]
        return knowledge.truth[name]
    return knowledge.truth[name] - knowledge.truth.get((name[0], ccn, *name[2:]), 0)  # type: ignore[index]


def test_two_halves_and_the_year_disclose_no_small_count_of_late_discharges(tmp_path: Path) -> None:
    """A full-year baseline less the two released half-years gives the late discharges."""
    halves = [Year.invented(40 + number, HOSPITALS) for number in range(4)]
    whole = halves[0].plus(halves[1]).with_late(4)
    reported = []
    for period, before, now in (("2024H1", halves[2], halves[0]), ("2024H2", halves[2], halves[1])):
        reported.append(published(released(state(period, before, now, 5)), tmp_path, f"{period}_r1"))
    of = state("2025H1", whole, halves[3], 5)
    shown = {
        "baseline": (released(of, earlier=reported, baseline="full_year"), of),
        "2024H1": (
            {name: reported[0].table(name, folder="quality") for name in ROLES},
            state("2024H1", halves[2], halves[0], 5),
        ),
        "2024H2": (
            {name: reported[1].table(name, folder="quality") for name in ROLES},
            state("2024H2", halves[2], halves[1], 5),
        ),
    }
    knowledge = Knowledge()
    for tag, (frames, each) in shown.items():
        Reader(knowledge, tag, rows(frames), rows(each.marts()))
    came_late, told_late = [], []
    for name in knowledge.truth:
        if name[0] == "baseline" and str(name[-1]).startswith("baseline_"):  # type: ignore[index]
            parts = [(half, *name[1:-1], name[-1].removeprefix("baseline_")) for half in ("2024H1", "2024H2")]  # type: ignore[index]
            for found, of in ((came_late, knowledge.truth), (told_late, knowledge.known)):
                if all(each in of for each in (name, *parts)):
                    found.append(of[name] - sum(of[part] for part in parts))
    assert len(told_late) > 40
    assert [number for number in came_late if 1 <= number <= THRESHOLD]
    assert not [number for number in told_late if 1 <= abs(number) <= THRESHOLD]


@pytest.fixture(scope="module")
def one_release() -> tuple[dict[str, pl.DataFrame], dict[str, pl.DataFrame]]:
    """A release's tables as they leave, and as the build made them."""
    of = state("2025H1", Year.invented(1, HOSPITALS), Year.invented(2, HOSPITALS), 3)
    return released(of), of.marts()


def test_most_large_counts_are_shown(
    known_of: Callable[[int], tuple[Knowledge, list[tuple[Name, Name]]]],
) -> None:
    knowledge, _ = known_of(0)
    large = [n for n, value in knowledge.truth.items() if value > THRESHOLD and "|" not in str(n) and len(n) == 4]  # type: ignore[arg-type]
    assert len([name for name in large if name in knowledge.known]) > 0.5 * len(large)


@pytest.mark.parametrize("column", ["state_value", "place", "mean_days_to_return", "value"])
def test_the_reader_finds_what_a_column_discloses(
    column: str, one_release: tuple[dict[str, pl.DataFrame], dict[str, pl.DataFrame]]
) -> None:
    """The same tables with one column unhidden: this proves that the two tests above can fail."""
    frames, marts = one_release
    table = next(name for name in ("measure_leaders", "care_transitions") if column in ROLES[name])
    key = [name for name in RELEASED[table].key if name in marts[table].columns]
    left = frames[table].drop(column).join(marts[table].select(*key, column), on=key, how="left")
    knowledge = Knowledge()
    Reader(knowledge, "r1", rows(frames | {table: left}), rows(marts))
    assert knowledge.confined(THRESHOLD) or knowledge.given_away


def test_the_reader_knows_every_column() -> None:
    assert {name: set(roles) for name, roles in ROLES.items()} == {
        name: set(table.names) for name, table in RELEASED.items()
    }

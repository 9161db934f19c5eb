"""What a reader may lay next to a release: what was hidden there must not follow from the two together.

Belongs here: which releases these are, and how another period's counts are called in this one. Does not belong here:
hiding (``suppression``), and any table.

The period's own earlier releases count the same things. The period a year before counts what this one calls its
baseline; of a baseline of a full year each half is a part: what one of them hid stays hidden, what both showed adds up.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from hcip_pipeline.release.documents import Draft
from hcip_pipeline.release.reading import ReleaseFiles
from hcip_pipeline.release.suppression import MARK


def comparable(draft: Draft) -> list[ReleaseFiles]:
    """Earlier periods' releases that this one was made from, with all that they superseded, then its period's own."""
    earlier = [
        ReleaseFiles.at(folder)
        for newest in draft.earlier
        for number in range(1, newest.number + 1)
        if (folder := newest.folder.with_name(f"r{number}")).is_dir()
    ]
    return [*earlier, *draft.superseded]


def baselines(draft: Draft) -> Iterator[tuple[ReleaseFiles, bool]]:
    """Those that show this release's baseline, and whether of all of it."""
    is_whole = draft.policy.policy.baseline_window == "same_half"
    for release in comparable(draft):
        if release.period.year == draft.period.year - 1 and (not is_whole or release.period.half == draft.period.half):
            yield release, is_whole


def halves_of_baseline(draft: Draft) -> Iterator[tuple[ReleaseFiles, ReleaseFiles]]:
    """Pairs of releases that show the two halves of a baseline of a full year: any two lie side by side."""
    if draft.policy.policy.baseline_window == "same_half":
        return
    of_year = [release for release in comparable(draft) if release.period.year == draft.period.year - 1]
    for first, second in itertools.product(of_year, repeat=2):
        if (first.period.half, second.period.half) == (1, 2):
            yield first, second


def added(first: pl.DataFrame, second: pl.DataFrame, key: Sequence[str], counts: Mapping[str, str]) -> pl.DataFrame:
    """Two halves of a year as one: what both showed of the same thing, under the names of another release.

    Args:
        counts: name there -> name here.
    """
    both = first.join(second, on=list(key), how="inner", suffix="_second")
    sums = [(pl.col(there) + pl.col(f"{there}_second")).alias(here) for there, here in counts.items()]
    return both.select(*key, *sums, pl.lit("").alias(MARK))


def renamed(frame: pl.DataFrame, counts: Mapping[str, str], *, with_values: bool) -> pl.DataFrame:
    """A table as it was given out, its counts under the names that they have in another release.

    Args:
        counts: name there -> name here; marks of other columns are left out.
        with_values: also what was shown; else only what was hidden.
    """
    hidden = pl.col(MARK).fill_null("").str.split("|")
    marks = [pl.when(hidden.list.contains(there)).then(pl.lit(here)) for there, here in counts.items()]
    shown = [(pl.col(there) if with_values else pl.lit(None, pl.Int64)).alias(here) for there, here in counts.items()]
    others = [name for name in frame.columns if name not in (*counts, *counts.values(), MARK)]
    return frame.select(*others, *shown, pl.concat_str(marks, separator="|", ignore_nulls=True).alias(MARK))

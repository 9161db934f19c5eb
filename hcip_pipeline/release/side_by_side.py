"""Other releases that a reader may compare with a release: together they must not reveal a count that one of them hid.

Belongs here: which releases these are, and the names that another period's counts have in this one. Does not belong
here: hiding (``suppression``), and any table.

The period's own earlier releases count the same things. The period a year earlier counts this period's baseline. If
the baseline is a full year, each half-year is a part of it: a count that one of them hid stays hidden, and counts that
both showed add up.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from hcip_pipeline.release.documents import Draft
from hcip_pipeline.release.reading import ReleaseFiles
from hcip_pipeline.release.suppression import MARK


def comparable(draft: Draft) -> list[ReleaseFiles]:
    """The earlier periods' releases that this one was made from and those they superseded, then the period's own."""
    earlier = [
        ReleaseFiles.at(folder)
        for newest in draft.earlier
        for number in range(1, newest.number + 1)
        if (folder := newest.folder.with_name(f"r{number}")).is_dir()
    ]
    return [*earlier, *draft.superseded]


def baselines(draft: Draft) -> Iterator[tuple[ReleaseFiles, bool]]:
    """The releases that show counts of this release's baseline, each with whether it covers the whole baseline."""
    is_whole = draft.policy.policy.baseline_window == "same_half"
    for release in comparable(draft):
        if release.period.year == draft.period.year - 1 and (not is_whole or release.period.half == draft.period.half):
            yield release, is_whole


def halves_of_baseline(draft: Draft) -> Iterator[tuple[ReleaseFiles, ReleaseFiles]]:
    """All pairs of releases that show the two halves of a full-year baseline."""
    if draft.policy.policy.baseline_window == "same_half":
        return
    of_year = [release for release in comparable(draft) if release.period.year == draft.period.year - 1]
    for first, second in itertools.product(of_year, repeat=2):
        if (first.period.half, second.period.half) == (1, 2):
            yield first, second


def added(first: pl.DataFrame, second: pl.DataFrame, key: Sequence[str], counts: Mapping[str, str]) -> pl.DataFrame:
    """Two half-years as one: the sums of counts that both showed, under their names in this release.

    Args:
        counts: name there -> name here.
    """
    both = first.join(second, on=list(key), how="inner", suffix="_second")
    sums = [(pl.col(there) + pl.col(f"{there}_second")).alias(here) for there, here in counts.items()]
    return both.select(*key, *sums, pl.lit("").alias(MARK))


def renamed(frame: pl.DataFrame, counts: Mapping[str, str], *, with_values: bool) -> pl.DataFrame:
    """A published table with its counts under their names in this release.

    Args:
        counts: name there -> name here; marks of other columns are left out.
        with_values: keep the counts that were shown; otherwise only the marks of those hidden.
    """
    hidden = pl.col(MARK).fill_null("").str.split("|")
    marks = [pl.when(hidden.list.contains(there)).then(pl.lit(here)) for there, here in counts.items()]
    shown = [(pl.col(there) if with_values else pl.lit(None, pl.Int64)).alias(here) for there, here in counts.items()]
    others = [name for name in frame.columns if name not in (*counts, *counts.values(), MARK)]
    return frame.select(*others, *shown, pl.concat_str(marks, separator="|", ignore_nulls=True).alias(MARK))

"""What a reader may lay beside a release: what was hidden there must not follow from the two together.

Belongs here: which releases these are, and how another period's counts are called in this one. Does not belong here:
hiding (``suppression``), and any table.

The period's own earlier releases count the same things. The period a year before counts what this one calls its
baseline; of a baseline of a full year each of its two halves is a part, so that only what was hidden is taken over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import polars as pl

from hcip_pipeline.release.documents import Draft
from hcip_pipeline.release.reading import ReleaseFiles
from hcip_pipeline.release.suppression import MARK


def beside(draft: Draft) -> list[ReleaseFiles]:
    """Earlier periods' releases that this one was made from, with all that they superseded, then its period's own."""
    earlier = [
        ReleaseFiles.at(folder)
        for newest in draft.earlier
        for number in range(1, newest.number + 1)
        if (folder := newest.folder.with_name(f"r{number}")).is_dir()
    ]
    return [*earlier, *draft.superseded]


def baselines(draft: Draft) -> Iterator[tuple[ReleaseFiles, bool]]:
    """Those that tell of this release's baseline, and whether of all of it."""
    is_whole = draft.policy.policy.baseline_window == "same_half"
    for release in beside(draft):
        if release.period.year == draft.period.year - 1 and (not is_whole or release.period.half == draft.period.half):
            yield release, is_whole


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

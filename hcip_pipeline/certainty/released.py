"""The certainty tables of a release: those of each hospital, those for verification, and the regulator's.

Belongs here: the file of each table, and which counts can be computed from each other. Does not belong here: any figure
(``assessment``), and hiding counts (``release.suppression``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import polars as pl

from hcip_pipeline.contracts import certainty
from hcip_pipeline.contracts.disclosure import counts_of, dependents_of
from hcip_pipeline.release.derived import DerivedTable
from hcip_pipeline.release.documents import Draft
from hcip_pipeline.release.suppression import CountTable, Sum, suppressed

_STATE = "ALL"
_SAVINGS_KEY = ("hospital_ccn", "period", "scope")


def certainty_tables(draft: Draft) -> Iterator[DerivedTable]:
    """Every certainty table of the draft; those about care partners have one file per hospital."""
    for folder, tables in certainty.TABLES.items():
        for table in tables:
            frame = draft.certainty.get(table.name)
            if frame is None:
                continue
            if table is certainty.CERTAINTY_STREAMS:
                frame = _without_small_counts(draft, frame)
            if folder == "certainty":
                own = frame.partition_by("hospital_ccn", as_dict=True) if frame.height else {}
                for ccn in draft.hospitals:
                    yield DerivedTable(folder, table, own.get((ccn,), frame.clear()), ccn)
            else:
                yield DerivedTable(folder, table, frame)


def _without_small_counts(draft: Draft, streams: pl.DataFrame) -> pl.DataFrame:
    """The state's streams, with small counts hidden next to the hospitals' cases in ``regulator/savings``.

    The streams together are the hospitals' cases in cells with a norm, so a hospital's hidden count must not follow.
    """
    table, key = certainty.CERTAINTY_STREAMS, ("period", "stream")
    whole = streams.select(
        pl.lit(str(draft.period)).alias("period"), pl.lit(_STATE).alias("stream"), pl.col("cases").sum()
    )
    with_whole = pl.concat([streams, whole.unique()], how="diagonal_relaxed")
    stream_counts = CountTable(
        table.name, with_whole, key, counts_of(table), dependents_of(table), totals={"stream": _STATE}
    )
    hospitals = draft.table("savings", folder="savings").filter(pl.col("scope") == "all")
    hospital_counts = CountTable("savings", hospitals, _SAVINGS_KEY, ("cases",), owner="hospital_ccn")
    shown = draft.table("savings", folder="regulator").filter(pl.col("scope") == "all")
    cells = tuple(hospital_counts.cell("cases", **row) for row in hospitals.select(_SAVINGS_KEY).iter_rows(named=True))
    total = stream_counts.cell("cases", period=str(draft.period), stream=_STATE)
    is_all = int(whole["cases"].sum()) == int(hospitals["cases"].sum())
    before = {"savings": [shown], table.name: list(_before(draft))}
    hidden, _ = suppressed(
        [stream_counts, hospital_counts],
        draft.policy.policy.small_cell_threshold,
        sums=[Sum(total, cells)] if is_all and cells else [],
        before=before,
    )
    return hidden.filter(pl.col("stream") != _STATE).select(table.names)


def _before(draft: Draft) -> Iterable[pl.DataFrame]:
    name = certainty.CERTAINTY_STREAMS.name
    return (release.table(name, folder="regulator") for release in draft.superseded if release.has(name))

"""Data quality in a release: the state's table, and each hospital's own page and table (outputs.md, "A release").

Belongs here: which counts may leave a hospital, and the documents. Does not belong here: counting
(``intake.hospital.quality_of_data``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import polars as pl

from hcip_pipeline.contracts.hospital import DATA_QUALITY
from hcip_pipeline.intake.hospital import pages
from hcip_pipeline.intake.hospital.ingest import receipts
from hcip_pipeline.intake.hospital.quality_of_data import STATE, SUBMISSION, Received, counted, data_quality
from hcip_pipeline.intake.hospital.receipts import SubmissionReceipt
from hcip_pipeline.periods import Quarter
from hcip_pipeline.release.derived import DerivedTable
from hcip_pipeline.release.documents import Document, Draft
from hcip_pipeline.release.explained_release import names_of
from hcip_pipeline.release.quality_orders import rounded
from hcip_pipeline.release.side_by_side import comparable
from hcip_pipeline.release.spreadsheets import neutralized
from hcip_pipeline.release.suppression import MARK, CountTable, suppressed
from hcip_pipeline.rules.hospital import RULES

#: the key of a submitted file
_FILE = ["quarter", "hospital_ccn", "table"]


def state_table(draft: Draft) -> Iterator[DerivedTable]:
    """``quality/HCIP_STATE_data_quality_…``: every hospital's rates, small counts hidden."""
    counts = counted(draft.home, draft.period.quarters, draft.received)
    before = [each.table("data_quality") for each in comparable(draft) if each.has("data_quality")]
    threshold = draft.policy.policy.small_cell_threshold
    received = [receipt for quarter in draft.period.quarters for receipt in _received(draft)(quarter)]
    hidden = without_small_counts(counts, threshold, before, few_not_accepted(received, threshold))
    table = data_quality(hidden, draft.period.quarters)
    rows = [rounded(row, DATA_QUALITY, 1) for row in table.iter_rows(named=True)]
    yield DerivedTable("quality", DATA_QUALITY, pl.DataFrame(rows, schema=table.schema))


def _received(draft: Draft) -> Received:
    return draft.received or partial(receipts, draft.home)


def few_not_accepted(received: Iterable[SubmissionReceipt], threshold: int) -> pl.DataFrame:
    """Files of discharges whose number of rows must be hidden because only a few of their rows were not accepted.

    A reader could subtract the period's discharges, which quality/ shows, from the rows of a hospital or the state.
    """
    by_hospital: dict[str, dict[str, int]] = {STATE: {}}
    for receipt in received:
        if receipt.in_force:
            not_accepted = receipt.rows("discharges", "read") - receipt.rows("discharges")
            for ccn in (receipt.ccn, STATE):
                own = by_hospital.setdefault(ccn, {})
                own[receipt.quarter] = own.get(receipt.quarter, 0) + not_accepted
    hidden = {
        (quarter, who, "discharges")
        for ccn, quarters in by_hospital.items()
        if 1 <= sum(quarters.values()) <= threshold
        for quarter, not_accepted in quarters.items()
        if not_accepted
        for who in (ccn, STATE)
    }
    return pl.DataFrame(sorted(hidden), schema=dict.fromkeys(_FILE, pl.String), orient="row")


def hospital_documents(draft: Draft) -> Iterator[Document]:
    """``reports/<ccn>/data_quality.html``, ``.csv``: a hospital's own counts, and the state's counts that it may see.

    A hospital whose submissions were all refused gets these too, although it has no other file in the release.
    """
    quarters = draft.period.quarters
    names = names_of(draft.home).hospitals
    received = [receipt for quarter in quarters for receipt in _received(draft)(quarter)]
    owners = {*draft.hospitals, *(receipt.ccn for receipt in received if receipt.ccn in names)}
    counts = counted(draft.home, quarters, draft.received)
    for ccn in sorted(owners):
        own = data_quality(of_hospital(counts, ccn, draft.policy.policy.small_cell_threshold), quarters)
        own = own.filter(pl.col("hospital_ccn") == ccn)
        page = hospital_page(own, [r for r in received if r.ccn == ccn], quarters, ccn, names.get(ccn, ccn))
        yield Document(f"reports/{ccn}/data_quality.html", page.encode(), "text/html")
        yield Document(f"reports/{ccn}/data_quality.csv", _csv(own), "text/csv")


def _csv(frame: pl.DataFrame) -> bytes:
    return neutralized(frame).write_csv(line_terminator="\r\n", quote_style="necessary").encode()


def without_small_counts(
    counts: pl.DataFrame,
    threshold: int,
    before: Sequence[pl.DataFrame] = (),
    few_not_accepted: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """``counts`` as a reader outside the hospitals may see them.

    Counts of 1 to ``threshold`` are hidden, with everything that would reveal them. The number of rows of so small a
    file is hidden too, and the state's number, from which it could be subtracted. The same holds for a file whose
    number of rows differs by so little from an earlier release.

    Args:
        counts: from ``quality_of_data.counted``.
        before: the table in earlier releases, as published.
        few_not_accepted: more files whose number of rows is hidden.
    """
    few = pl.col("rows_read").is_between(1, threshold)
    small = counts.filter(few).select("quarter", "table").unique().with_columns(pl.lit(True).alias("with_few"))
    counts = counts.join(small, on=["quarter", "table"], how="left", maintain_order="left")
    is_shown = pl.col("with_few").is_null() | ~(few | (pl.col("hospital_ccn") == STATE))
    changed = _changed_by_few(counts, threshold, before)
    if few_not_accepted is not None:
        changed = pl.concat([changed, few_not_accepted])
    is_shown &= pl.struct(_FILE).is_in(changed.select(pl.struct(_FILE)).to_series().implode()).not_()
    counts = counts.with_columns(pl.when(is_shown).then("rows_read").alias("rows_read")).drop("with_few")
    table = CountTable(
        DATA_QUALITY.name, counts, DATA_QUALITY.key, ("rows",), totals={"hospital_ccn": STATE}, owner="hospital_ccn"
    )
    (hidden,) = suppressed([table], threshold, before={DATA_QUALITY.name: before})
    return hidden


def _changed_by_few(counts: pl.DataFrame, threshold: int, before: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Files whose number of rows is hidden, because an earlier release hid it or showed a number close to it."""

    def of_files(frame: pl.DataFrame, *more: pl.Expr) -> pl.DataFrame:
        return frame.filter(pl.col("table") != SUBMISSION).select(*_FILE, "rows_read", *more).unique()

    was_hidden = pl.col(MARK).fill_null("").str.split("|").list.contains("rows_read")
    mark = pl.when(was_hidden).then(pl.lit("rows_read")).otherwise(pl.lit("")).alias(MARK)
    files = of_files(counts)
    table = CountTable(
        "files", files, tuple(_FILE), ("rows_read",), totals={"hospital_ccn": STATE}, owner="hospital_ccn"
    )
    (hidden,) = suppressed([table], threshold, before={"files": [of_files(frame, mark) for frame in before]})
    return hidden.filter(pl.col(MARK) != "").select(_FILE)


def of_hospital(counts: pl.DataFrame, ccn: str, threshold: int) -> pl.DataFrame:
    """``counts`` as one hospital may see them: its own in full, the state's unless the other hospitals' are small."""
    own = counts.filter(pl.col("hospital_ccn") == ccn)
    key = [name for name in DATA_QUALITY.key if name != "hospital_ccn"]
    own_rows = own.select(*key, pl.col("rows").alias("own_rows"), pl.col("rows_read").alias("own_read"))
    state = counts.filter(pl.col("hospital_ccn") == STATE).join(own_rows, on=key, how="left", maintain_order="left")
    others = pl.col("rows") - pl.col("own_rows").fill_null(0)
    others_read = pl.col("rows_read") - pl.col("own_read").fill_null(0)
    few = others.is_between(1, threshold) | others_read.is_between(1, threshold)
    state = state.with_columns(
        pl.when(~few).then("rows").alias("rows"), pl.when(few).then(pl.lit("rows")).otherwise(pl.lit("")).alias(MARK)
    )
    return pl.concat([own.with_columns(pl.lit("").alias(MARK)), state.select(*own.columns, MARK)])


def hospital_page(
    own: pl.DataFrame, received: Sequence[SubmissionReceipt], quarters: Iterable[Quarter], ccn: str, name: str
) -> str:
    """A hospital's own page: the files it sent and their faults, one section per quarter, newest first.

    Args:
        own: the hospital's rows of ``quality_of_data.data_quality``, worst first.
        received: its receipts.
    """
    sections = []
    for quarter in sorted(quarters, reverse=True):
        versions = [receipt for receipt in received if receipt.quarter == str(quarter)]
        rows = _rows(own.filter(pl.col("quarter") == str(quarter)))
        in_force = next((r for r in versions if r.in_force), None)
        sections.append({"heading": str(quarter), "versions": versions, "in_force": in_force, "rows": rows})
    return pages.quality_page(f"Data quality: {name}", f"Hospital {ccn}", sections)


def _rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Rows for the page: at most a few dozen rules."""
    rows = frame.to_dicts()
    widest = max((row["rate"] or 0 for row in rows), default=0) or 1
    for row in rows:
        row["bar"] = f"{(row['rate'] or 0) / widest * 100:.1f}"
        row["refuses"] = RULES[row["rule"]].refuses
        row["is_hidden"] = {name: name in (row[MARK] or "").split("|") for name in ("state_rate", "year_before_rate")}
        row["where"] = "submission" if row["table"] == SUBMISSION else row["table"]
    return rows

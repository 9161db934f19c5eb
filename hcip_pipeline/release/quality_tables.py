"""``quality/`` as it leaves the program: the measures' tables with every small count hidden (outputs.md, "Privacy").

Belongs here: the tables, and the figures that would reveal a count. Does not belong here: which counts are equal or add
up (``quality_counts``), hiding (``suppression``), and new figures: all of them are the build's. Service lines, APR-DRGs
and codes too small to show are combined as OTHER, so that little else must be hidden.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import polars as pl

from hcip_pipeline.contracts.disclosure import dependents_of
from hcip_pipeline.contracts.quality_released import RELEASED
from hcip_pipeline.release.derived import DerivedTable
from hcip_pipeline.release.documents import Draft
from hcip_pipeline.release.quality_counts import ALL, CELLS, NO_AREA, OTHER, PER, STATE, Cell, Sets, part_table
from hcip_pipeline.release.quality_orders import (
    peers_among_shown,
    places_among_shown,
    rounded,
    without_totals_of_hidden_days,
)
from hcip_pipeline.release.reading import ReleaseFiles
from hcip_pipeline.release.side_by_side import added, baselines, halves_of_baseline, renamed
from hcip_pipeline.release.suppression import MARK, CountTable, Sum, suppressed

_FOLDER = "quality"
#: figures whose absence would reveal a hidden count: marked as hidden with it even if they are empty
_ALWAYS = frozenset({"place", "could_teach", "learner_ccns", "state_value"})

#: table -> the columns that name a part of the state's counts, and the counts
_PARTS = {
    "readmissions": (("service_line", "apr_drg"), ("index_discharges", "readmissions")),
    "hospital_acquired_conditions": (("code",), ("baseline_conditions", "conditions")),
    "care_transitions": (
        ("source", "destination"),
        ("discharges", "readmissions", "within_7_days", "without_post_acute"),
    ),
}
#: table -> the count of a part -> the state's count that the parts add up to
_WHOLE = {
    "readmissions": {"index_discharges": "denominator", "readmissions": "numerator"},
    "hospital_acquired_conditions": {"baseline_conditions": "baseline_numerator", "conditions": "numerator"},
    "care_transitions": {
        "discharges": "denominator",
        "readmissions": "numerator",
        "within_7_days": "within_7_days",
        "without_post_acute": "without_post_acute",
    },
}
#: table -> count in a release of the baseline's period -> its name here
_BASELINE_PARTS = {
    name: names
    for name, (_, counts) in _PARTS.items()
    if (names := {count: f"baseline_{count}" for count in counts if f"baseline_{count}" in counts})
}
_MEASURE = {"readmissions": "readmission_rate", "hospital_acquired_conditions": "hac_per_1000"}


def quality_tables(draft: Draft) -> Iterable[DerivedTable]:
    """The tables of ``quality/`` that count people."""
    threshold = draft.policy.policy.small_cell_threshold
    frames = {name: draft.marts(name) for name in CELLS}
    reported = next((each for each in reversed(draft.superseded) if all(each.has(name) for name in CELLS)), None)
    for name, combine in (("readmissions", _combine_lines), ("hospital_acquired_conditions", _combine_codes)):
        frames[name] = combine(frames[name], threshold, reported.table(name, folder=_FOLDER) if reported else None)
    all_hospitals = "|".join(sorted(set(frames["readmissions"]["hospital_ccn"]) - {STATE}))
    frames = _with_sets(frames, all_hospitals)
    sets = _sets(frames)
    before, released_sets = _earlier_versions(draft, all_hospitals, frames)
    state = frames["quality_scorecard"].filter(pl.col("entity_kind") == "state")["member_ccns"]
    for table in sets.groups_to_hide({all_hospitals, *state}, threshold).tables():
        before.setdefault(table.name, []).append(table.frame)
    for each in released_sets:
        sets.remember(each)
    tables = sets.tables()
    parts = [part_table(name, _part_rows(name, frames[name]), *_PARTS[name]) for name in _PARTS]
    sums = [*sets.sums(tables)]
    for part in parts:
        sums += _sums_of_parts(part, all_hospitals, tables)
    shown = suppressed([*tables, *parts], threshold, sums=sums, before=before)
    hidden = _hidden(shown[:2])
    marks = dict(zip(_PARTS, shown[2:], strict=True))
    emptied = {name: _emptied(name, frame, hidden, marks.get(name)) for name, frame in frames.items()}
    emptied["care_transitions"] = without_totals_of_hidden_days(emptied["care_transitions"])
    emptied["hospital_peers"] = peers_among_shown(emptied["hospital_peers"])
    emptied["measure_leaders"] = places_among_shown(emptied["measure_leaders"], emptied["hospital_peers"])
    for name, rows in emptied.items():
        yield DerivedTable(_FOLDER, RELEASED[name], _as_released(name, rows))


def _combine_lines(readmissions: pl.DataFrame, threshold: int, previous: pl.DataFrame | None) -> pl.DataFrame:
    """Combine APR-DRGs with a small count as OTHER of their service line, and such lines as OTHER of the state.

    Args:
        previous: the table in the period's previous release. What was shown separately there is shown separately
            again: whatever moves into or out of OTHER could be computed as the difference between the two releases.
    """
    of_state = readmissions["hospital_ccn"] == STATE
    totals = readmissions.filter(~of_state | (readmissions["service_line"] == ALL))
    lines = readmissions.filter(of_state & (readmissions["service_line"] != ALL) & (readmissions["apr_drg"] == ALL))
    codes = readmissions.filter(of_state & (readmissions["apr_drg"] != ALL))
    small = _is_small(("index_discharges", "readmissions"), threshold)
    small_line = small_code = small
    if previous is not None:
        separate = previous.filter(pl.col("hospital_ccn") == STATE)
        small_line = ~pl.col("service_line").is_in(separate["service_line"].to_list())
        small_code = ~pl.struct("service_line", "apr_drg").is_in(
            separate.select(pl.struct("service_line", "apr_drg")).to_series().to_list()
        )
    large = lines.filter(~small_line)["service_line"].to_list()
    lines = _summed(lines, pl.when(small_line).then(pl.lit(OTHER)).otherwise("service_line").alias("service_line"))
    codes = _summed(
        codes.filter(pl.col("service_line").is_in(large)),
        pl.when(small_code).then(pl.lit(OTHER)).otherwise("apr_drg").alias("apr_drg"),
    )
    return pl.concat([totals, lines, codes])


def _combine_codes(conditions: pl.DataFrame, threshold: int, previous: pl.DataFrame | None) -> pl.DataFrame:
    """Combine codes with a small count as OTHER, except those shown separately in ``previous``."""
    is_code = (conditions["hospital_ccn"] == STATE) & (conditions["code"] != ALL)
    small = _is_small(("baseline_conditions", "conditions"), threshold)
    if previous is not None:
        small = ~pl.col("code").is_in(previous.filter(pl.col("hospital_ccn") == STATE)["code"].to_list())
    codes = _summed(conditions.filter(is_code), pl.when(small).then(pl.lit(OTHER)).otherwise("code").alias("code"))
    state = conditions.filter((pl.col("hospital_ccn") == STATE) & (pl.col("code") == ALL))
    for name in ("baseline_discharges", "discharges"):  # every code is counted over the same discharges
        codes = codes.with_columns(pl.lit(state[name].first(), dtype=pl.Int64).alias(name))
    return pl.concat([conditions.filter(~is_code), codes])


def _is_small(counts: tuple[str, ...], threshold: int) -> pl.Expr:
    small = pl.any_horizontal(pl.col(name).is_between(1, threshold) for name in counts)
    if len(counts) == 2 and counts[0] == "index_discharges":
        small |= (pl.col(counts[0]) - pl.col(counts[1])).is_between(1, threshold)
    return small


def _summed(frame: pl.DataFrame, label: pl.Expr) -> pl.DataFrame:
    """Combine rows with the same label: counts are added, rates of several rows are left out."""
    labeled = frame.with_columns(label)
    key = [name for name in ("hospital_ccn", "service_line", "apr_drg", "code", "period") if name in frame.columns]
    counts = [n for n, t in frame.schema.items() if n not in key and t == pl.Int64]
    exact = [n for n in frame.columns if n == "expected"]
    rates = [n for n in frame.columns if n not in (*key, *counts, *exact)]
    single = pl.len() == 1
    together = labeled.group_by(key).agg(
        *(pl.col(n).sum() for n in (*counts, *exact)),
        *(pl.when(single).then(pl.col(n).first()).otherwise(None).alias(n) for n in rates),
    )
    return together.select(
        pl.when(pl.lit(n == "planned_returns")).then(None).otherwise(pl.col(n)).cast(frame.schema[n]).alias(n)
        for n in frame.columns
    )


def _with_sets(frames: dict[str, pl.DataFrame], all_hospitals: str) -> dict[str, pl.DataFrame]:
    """Add the hospitals that each row counts; for networks also those of their peers."""
    made = dict(frames)
    for name in _PARTS:
        members = pl.when(pl.col("hospital_ccn") == STATE).then(pl.lit(all_hospitals)).otherwise("hospital_ccn")
        made[name] = made[name].with_columns(members.alias("members"))
    state = frames["quality_scorecard"].filter(pl.col("entity_kind") == "state")
    of_state = dict(state.select("measure", "member_ccns").iter_rows())
    peers = [
        "|".join(
            ccn for ccn in of_state[measure].split("|") if ccn not in (NO_AREA, *members.split("|"))
        )
        for measure, members in frames["network_scorecard"].select("measure", "member_ccns").iter_rows()
    ]  # fmt: skip
    made["network_scorecard"] = made["network_scorecard"].with_columns(pl.Series("peer_ccns", peers, dtype=pl.String))
    of_state_only = state.select(
        "measure",
        pl.col("member_ccns").alias("state_ccns"),
        *(pl.col(name).alias(f"state_{name}") for name in ("numerator", "denominator")),
    )
    made["measure_leaders"] = made["measure_leaders"].join(of_state_only, on="measure", maintain_order="left")
    made["measure_leaders"] = made["measure_leaders"].with_columns(pl.col("value").alias("exact_value"))
    return made


def _sets(frames: dict[str, pl.DataFrame]) -> Sets:
    sets = Sets()
    for name in ("quality_scorecard", "network_scorecard", *_PARTS):
        sets.add(name, frames[name])
    return sets


def _part_rows(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    named = "service_line" if name == "readmissions" else _PARTS[name][0][-1]
    return frame.filter((pl.col("hospital_ccn") == STATE) & (pl.col(named) != ALL))


def _sums_of_parts(part: CountTable, all_hospitals: str, tables: tuple[CountTable, CountTable]) -> list[Sum]:
    """The state's counts are the sums of their parts, a service line's those of its APR-DRGs."""
    sums = []
    rows = part.frame.select(part.key).rows(named=True)
    groups: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        if part.name == "readmissions" and row["apr_drg"] != ALL:
            continue
        source = row.get("source")
        measure = _MEASURE.get(part.name) or ("readmission_rate" if source == "all_payer" else "readmission_share")
        groups.setdefault(measure, []).append(row)
    for measure, members in groups.items():
        table = tables[0] if measure.startswith("readmission_") else tables[1]
        for count, whole in _WHOLE[part.name].items():
            if measure == "readmission_rate" and count == "without_post_acute":
                continue
            total = table.cell(whole, members=all_hospitals, measure=measure)
            sums.append(Sum(total, tuple(part.cell(count, **row) for row in members)))
    if part.name == "readmissions":
        lines = {row["service_line"] for row in rows if row["apr_drg"] != ALL}
        for line in sorted(lines):
            codes = [row for row in rows if row["service_line"] == line and row["apr_drg"] != ALL]
            for count in part.counts:
                total = part.cell(count, service_line=line, apr_drg=ALL)
                sums.append(Sum(total, tuple(part.cell(count, **row) for row in codes)))
    return sums


def _earlier_versions(
    draft: Draft, all_hospitals: str, now: Iterable[str]
) -> tuple[dict[str, list[pl.DataFrame]], list[Sets]]:
    """The same counts in other releases: earlier ones of the period, and those of its baseline.

    Returns:
        Count table -> its published versions; and the counts of sets of hospitals.
    """
    before: dict[str, list[pl.DataFrame]] = {}
    released_sets: list[Sets] = []

    def published(release: ReleaseFiles) -> dict[str, pl.DataFrame] | None:
        if not all(release.has(name) for name in CELLS):
            return None
        return _with_sets({name: release.table(name, folder=_FOLDER) for name in now}, all_hospitals)

    for release in draft.superseded:
        if frames := published(release):
            released_sets.append(_sets(frames))
            for name in _PARTS:
                before.setdefault(name, []).append(_part_rows(name, frames[name]))
    for release, is_whole in baselines(draft):
        if frames := published(release):
            released_sets.append(_sets(frames).as_baseline(with_values=is_whole))
            for name, names in _BASELINE_PARTS.items():
                rows = renamed(_part_rows(name, frames[name]), names, with_values=is_whole)
                before.setdefault(name, []).append(rows)
    for first, second in halves_of_baseline(draft):
        if (one := published(first)) and (two := published(second)):
            released_sets.append(_sets(one).plus(_sets(two)).as_baseline(with_values=True))
            for name, names in _BASELINE_PARTS.items():  # OTHER may combine different rows in each
                is_separate = pl.all_horizontal(pl.col(*_PARTS[name][0]) != OTHER)
                rows, others = (_part_rows(name, frames[name]).filter(is_separate) for frames in (one, two))
                before.setdefault(name, []).append(added(rows, others, _PARTS[name][0], names))
    for sets in released_sets:
        for table in sets.tables():
            before.setdefault(table.name, []).append(table.frame)
    return before, released_sets


def _hidden(tables: Iterable[pl.DataFrame]) -> set[Cell]:
    return {
        (row["members"], row["measure"], count)
        for table in tables
        for row in table.select("members", "measure", MARK).iter_rows(named=True)
        for count in row[MARK].split("|")
        if count
    }


def _emptied(name: str, frame: pl.DataFrame, hidden: set[Cell], part: pl.DataFrame | None) -> list[dict[str, Any]]:
    """The rows without hidden counts and the figures that would reveal them; ``suppressed`` names the emptied cells.

    A figure is named if any row of the same measure has one, so that no one learns whether this row had one.
    """
    of_parts: dict[tuple[str, ...], list[str]] = {}
    if part is not None:
        key = _PARTS[name][0]
        of_parts = {tuple(row[c] for c in key): row[MARK].split("|") for row in part.iter_rows(named=True) if row[MARK]}
    given_away = dependents_of(RELEASED[name])
    known = {
        (row.get("measure"), column)
        for row in frame.iter_rows(named=True)
        for column, value in row.items()
        if value is not None or column in _ALWAYS
    }
    rows = []
    for row in frame.iter_rows(named=True):
        counts = [column for column, place in CELLS[name](row) if place in hidden]
        if part is not None and row["hospital_ccn"] == STATE:
            counts += of_parts.get(tuple(row[c] for c in _PARTS[name][0]), [])
        gone = [c for c in counts if c in RELEASED[name].names and row[c] is not None]
        of_counts = [c for count in counts for c in given_away.get(count, ())]
        gone += [c for c in dict.fromkeys(of_counts) if (row.get("measure"), c) in known]
        rounded_row = rounded(row, RELEASED[name], PER.get(row.get("measure") or "", 1))
        rows.append(rounded_row | dict.fromkeys(gone) | {MARK: "|".join(dict.fromkeys(gone))})
    return rows


def _as_released(name: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    schema = RELEASED[name].schema
    return pl.DataFrame([{c: row[c] for c in schema} for row in rows], schema=schema)

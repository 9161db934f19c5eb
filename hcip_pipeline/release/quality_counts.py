"""The counts of ``quality/``, each stored once: several tables may show the same count of the same hospitals.

Belongs here: which count a cell of a table shows, and which counts add up to which. Does not belong here: hiding
(``suppression``) and the released tables (``quality_tables``).

All groups are sets of hospitals: the figures of a hospital, a community, a network, its peers and the state are the
same counts summed over different sets. So each set's counts are stored once, and the tables point to them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from hcip_pipeline.release.suppression import MARK, CountTable, Remainder, Sum

OTHER, ALL, STATE, NO_AREA = "OTHER", "ALL", "STATE", "NONE"

#: counts of a set and measure; those without post-acute care and within 7 days are parts of the numerator
_COUNTS = (
    "baseline_denominator", "baseline_numerator", "baseline_without_post_acute",
    "denominator", "numerator", "without_post_acute", "within_7_days", "baseline_within_7_days",
)  # fmt: skip
#: in no table, but shown by releases of the baseline's period
_RELEASED_BEFORE = "baseline_within_7_days"
#: counts of a measure that equal another measure's: (measure, count) -> (measure, count)
_SAME = {
    ("readmission_rate_adjusted", "denominator"): ("readmission_rate", "denominator"),
    ("readmission_rate_adjusted", "numerator"): ("readmission_rate", "numerator"),
    ("planned_readmission_rate", "denominator"): ("readmission_rate", "denominator"),
    ("readmitted_without_post_acute", "denominator"): ("readmission_share", "numerator"),
    ("readmitted_without_post_acute", "numerator"): ("readmission_share", "without_post_acute"),
    ("admissions_per_1000", "denominator"): ("readmissions_per_1000", "denominator"),
}
#: measures whose remainders count people too, and the pairs of counts with such a remainder
_SHARES = ("readmission_rate", "readmission_share")
_LEFT_OVER = (
    ("denominator", "numerator"), ("baseline_denominator", "baseline_numerator"),
    ("numerator", "without_post_acute"), ("baseline_numerator", "baseline_without_post_acute"),
    ("numerator", "within_7_days"), ("baseline_numerator", _RELEASED_BEFORE),
)  # fmt: skip
#: counts of other measures that are parts of a count: discharges that can be followed, and readmissions among them
_PART_OF = {
    (whole, f"{window}denominator"): tuple((measure, f"{window}{count}") for measure, count in parts)
    for window in ("", "baseline_")
    for whole, parts in (
        ("hac_per_1000", (("readmission_rate", "denominator"),)),
        ("readmission_rate", (("readmission_rate", "numerator"), ("planned_readmission_rate", "numerator"))),
    )
}
_OF_SOURCE = {"all_payer": "readmission_rate", "medicare": "readmission_share"}

#: the base of a measure's rate; 1 for measures not named here, which are shares
PER = {"hac_per_1000": 1000, "readmissions_per_1000": 12000, "admissions_per_1000": 12000}

#: hospitals joined by |, measure, count
Cell = tuple[str, str, str]
Row = Mapping[str, Any]


def cell(members: str, measure: str, count: str) -> Cell:
    """The place of a count that several tables may show."""
    baseline, name = "baseline_" if count.startswith("baseline_") else "", count.removeprefix("baseline_")
    measure, name = _SAME.get((measure, name), (measure, name))
    return members, measure, baseline + name


def scorecard_cells(row: Row) -> Iterator[tuple[str, Cell]]:
    """The counts behind a row of the scorecard."""
    for count in ("baseline_denominator", "baseline_numerator", "denominator", "numerator"):
        yield count, cell(row["member_ccns"], row["measure"], count)


def network_cells(row: Row) -> Iterator[tuple[str, Cell]]:
    """The counts of the group and, if they are known, of its peers."""
    yield from scorecard_cells(row)
    for count in ("baseline_denominator", "baseline_numerator", "denominator", "numerator"):
        yield f"peer_{count}", cell(row["peer_ccns"], row["measure"], count)


def readmission_cells(row: Row) -> Iterator[tuple[str, Cell]]:
    """The counts behind a row of readmissions."""
    if row["service_line"] == ALL:
        yield "index_discharges", cell(row["members"], "readmission_rate", "denominator")
        yield "readmissions", cell(row["members"], "readmission_rate", "numerator")
        yield "planned_returns", cell(row["members"], "planned_readmission_rate", "numerator")


def condition_cells(row: Row) -> Iterator[tuple[str, Cell]]:
    """The counts behind a row of hospital-acquired conditions."""
    for baseline in ("baseline_", ""):
        yield f"{baseline}discharges", cell(row["members"], "hac_per_1000", f"{baseline}denominator")
        if row["code"] == ALL:
            yield f"{baseline}conditions", cell(row["members"], "hac_per_1000", f"{baseline}numerator")


def transition_cells(row: Row) -> Iterator[tuple[str, Cell]]:
    """The counts behind a row of care transitions."""
    if row["destination"] == ALL:
        measure = _OF_SOURCE[row["source"]]
        yield "discharges", cell(row["members"], measure, "denominator")
        yield "readmissions", cell(row["members"], measure, "numerator")
        yield "within_7_days", cell(row["members"], measure, "within_7_days")
        if row["source"] == "medicare":
            yield "without_post_acute", cell(row["members"], measure, "without_post_acute")


def peer_cells(row: Row) -> Iterator[tuple[str, Cell]]:
    """The counts behind a row of peers."""
    yield "discharges", cell(row["hospital_ccn"], "hac_per_1000", "denominator")
    if row["peer_ccn"]:
        yield "peer_discharges", cell(row["peer_ccn"], "hac_per_1000", "denominator")


def leader_cells(row: Row) -> Iterator[tuple[str, Cell]]:
    """The counts of the hospital, and of the state with which its value is compared."""
    for count in ("denominator", "numerator"):
        yield count, cell(row["hospital_ccn"], row["measure"], count)
        yield f"state_{count}", cell(row["state_ccns"], row["measure"], count)


#: table -> the cells that a row shows
CELLS = {
    "quality_scorecard": scorecard_cells,
    "network_scorecard": network_cells,
    "readmissions": readmission_cells,
    "hospital_acquired_conditions": condition_cells,
    "care_transitions": transition_cells,
    "hospital_peers": peer_cells,
    "measure_leaders": leader_cells,
}


@dataclass
class Sets:
    """Counts by set of hospitals and measure; a count that an earlier release hid is None."""

    values: dict[Cell, int | None] = field(default_factory=dict)

    def add(self, name: str, frame: pl.DataFrame) -> None:
        """Add the counts that a table shows."""
        for row in frame.iter_rows(named=True):
            was_hidden = set((row.get(MARK) or "").split("|"))
            for column, place in CELLS[name](row):
                if column in row and (row[column] is not None or column in was_hidden):
                    self.values[place] = row[column]

    def remember(self, released: Sets) -> None:
        """Add groups that another release showed and this one does not: readers know their sums too.

        Only sums that still hold are added: if the counts have changed since, the old sum reveals nothing.
        """
        for (members, measure, count), value in released.values.items():
            if count == _RELEASED_BEFORE and value is not None:
                if value <= (self.values.get((members, measure, "baseline_numerator")) or 0):
                    self.values[members, measure, count] = value
                continue
            if value is None or "|" not in members or (members, measure, count) in self.values:
                continue
            own = [self.values.get((each, measure, count)) for each in members.split("|")]
            if value == sum(each or 0 for each in own):
                self.values[members, measure, count] = value

    def as_baseline(self, *, with_values: bool) -> Sets:
        """A period's counts as another period's baseline counts; without values, only those that were hidden."""
        return Sets(
            {
                (members, measure, f"baseline_{count}"): value
                for (members, measure, count), value in self.values.items()
                if f"baseline_{count}" in _COUNTS and (with_values or value is None)
            }
        )

    def plus(self, other: Sets) -> Sets:
        """The sums of the counts that both have."""
        pairs = ((place, value, other.values.get(place)) for place, value in self.values.items())
        return Sets({place: one + two for place, one, two in pairs if one is not None and two is not None})

    def tables(self) -> tuple[CountTable, CountTable]:
        """One table of shares and one of other counts: only the remainders of shares count people."""
        rows: dict[tuple[str, str], dict[str, int | None]] = {}
        for (members, measure, count), value in sorted(self.values.items()):
            rows.setdefault((members, measure), {})[count] = value
        schema = {"members": pl.String, "measure": pl.String} | dict.fromkeys(_COUNTS, pl.Int64) | {MARK: pl.String}
        made = []
        for name, remainders in (("shares", tuple(Remainder("", *pair) for pair in _LEFT_OVER)), ("others", ())):
            mine = [
                {"members": members, "measure": measure, MARK: "|".join(c for c, v in counts.items() if v is None)}
                | counts
                for (members, measure), counts in rows.items()
                if (measure in _SHARES) == (name == "shares")
            ]
            frame = pl.DataFrame([{c: row.get(c) for c in schema} for row in mine], schema=schema)
            made.append(
                CountTable(name, frame, ("members", "measure"), _COUNTS, remainders=remainders, owner="members")
            )
        return made[0], made[1]

    def groups_to_hide(self, kept: set[str], threshold: int) -> Sets:
        """Groups that include a hospital with a small count, or exclude only that hospital, as if hidden before.

        If they were shown, so many sums would involve small counts that the state's own (``kept``) would be hidden.
        """
        small = {c for c, value in self.values.items() if "|" not in c[0] and value and value <= threshold}
        all_hospitals = {each for members in kept for each in members.split("|")} - {NO_AREA}

        def touches_small(members: str, measure: str, count: str) -> bool:
            inside = set(members.split("|"))
            outside = all_hospitals - inside
            looked_at = inside | outside if len(outside) == 1 else inside
            return any((each, measure, count) in small for each in looked_at)

        return Sets({c: None for c in self.values if "|" in c[0] and c[0] not in kept and touches_small(*c)})

    def sums(self, tables: Iterable[CountTable]) -> Iterator[Sum]:
        """A set's count is the sum of its hospitals'."""
        by_name = {table.name: table for table in tables}
        for members, measure, count in self.values:
            if "|" in members and count != _RELEASED_BEFORE:
                table = by_name["shares" if measure in _SHARES else "others"]
                # a hospital without a value for a measure, such as a psychiatric one, adds nothing to it
                shown = [each for each in members.split("|") if (each, measure, count) in self.values]
                parts = [table.cell(count, members=each, measure=measure) for each in shown]
                yield Sum(table.cell(count, members=members, measure=measure), tuple(parts))
            if (measure, count) in _PART_OF:
                yield from self._rest(by_name, members, measure, count)

    def _rest(self, by_name: Mapping[str, CountTable], members: str, measure: str, count: str) -> Iterator[Sum]:
        """The remainder of this count after other measures' parts: people who are in no table."""
        wholes = [(members, measure, count), *((members, *part) for part in _PART_OF[measure, count])]
        if all(self.values.get(each) is not None for each in wholes):
            total, *parts = (
                by_name["shares" if of in _SHARES else "others"].cell(name, members=members, measure=of)
                for _, of, name in wholes
            )
            yield Sum(total, tuple(parts), with_rest=True)


def part_table(name: str, rows: pl.DataFrame, key: tuple[str, ...], counts: tuple[str, ...]) -> CountTable:
    """The table of the parts into which the state's counts are divided."""
    left_over = (
        ("index_discharges", "readmissions"), ("discharges", "readmissions"), ("readmissions", "within_7_days"),
        ("readmissions", "without_post_acute"),
    )  # fmt: skip
    remainders = tuple(Remainder("", *pair) for pair in left_over if set(pair) <= set(counts))
    return CountTable(name, rows, key, counts, remainders=remainders)

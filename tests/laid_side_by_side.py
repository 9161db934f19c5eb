"""What an attacker learns about counts by comparing all released tables that leave the program, column by column.

Belongs here: reading tables as their reader would. It does not know how counts are hidden and shares no code with the
hiding. Does not belong here: the arithmetic (``knowledge``), and any state.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tests.knowledge import Knowledge, Name

Row = Mapping[str, Any]
Rows = list[dict[str, Any]]

STATE, ALL, NONE = "STATE", "ALL", "NONE"
_PER = {"hac_per_1000": 1000, "readmissions_per_1000": 12000, "admissions_per_1000": 12000}
_ADJUSTED = "readmission_rate_adjusted"


@dataclass(frozen=True)
class Ratio:
    """``per`` × one count of the row ÷ another; a ``per`` of 0 depends on the measure."""

    numerator: str
    denominator: str
    per: int = 1


@dataclass(frozen=True)
class MadeOf:
    """A figure made from these counts by more than a division; it is not shown if one of them is hidden."""

    counts: tuple[str, ...]


#: a label, or a figure about hospitals or from a public table: nothing about patients
LABEL = "label"
COUNT = "count"
ORDER = "order"
Role = str | Ratio | MadeOf

_NOW, _BEFORE = ("numerator", "denominator"), ("baseline_numerator", "baseline_denominator")
_PEERS = tuple(f"peer_{name}" for name in (*_NOW, *_BEFORE))
_OF_CARD: dict[str, Role] = {
    **dict.fromkeys(("period", "measure", "measure_label", "unit", "hospitals", "member_ccns", "suppressed"), LABEL),
    **dict.fromkeys((*_NOW, *_BEFORE), COUNT),
    "value": Ratio("numerator", "denominator", 0),
    "baseline_value": Ratio("baseline_numerator", "baseline_denominator", 0),
    "change": MadeOf((*_NOW, *_BEFORE)),
    "target_change": LABEL,
    "target_value": MadeOf(_BEFORE),
    "distance": MadeOf((*_NOW, *_BEFORE)),
    "is_on_track": MadeOf((*_NOW, *_BEFORE)),
}
_ADJUSTED_RATES = dict.fromkeys(
    ("observed_lower", "observed_upper", "adjusted_rate", "adjusted_lower", "adjusted_upper"),
    MadeOf(("index_discharges", "readmissions")),
)

#: table -> column -> the role of the column
ROLES: dict[str, dict[str, Role]] = {
    "quality_scorecard": _OF_CARD
    | dict.fromkeys(
        ("entity_kind", "entity_id", "entity_name", "reference_value", "reference_goal", "reference_note"), LABEL
    )
    | {"expected": MadeOf(("denominator",)), "lower_limit": MadeOf(_NOW), "upper_limit": MadeOf(_NOW)},
    "network_scorecard": _OF_CARD
    | dict.fromkeys(
        ("group_kind", "group_id", "topic", "group_name", "network_kind", "is_topic_measure", "peer_hospitals"), LABEL
    )
    | dict.fromkeys(_PEERS, COUNT)
    | {
        "peer_value": Ratio("peer_numerator", "peer_denominator", 0),
        "peer_baseline_value": Ratio("peer_baseline_numerator", "peer_baseline_denominator", 0),
        "peer_change": MadeOf(_PEERS),
        **dict.fromkeys(("difference", "difference_lower", "difference_upper"), MadeOf((*_NOW, *_BEFORE, *_PEERS))),
    },
    "readmissions": dict.fromkeys(("hospital_ccn", "service_line", "apr_drg", "period", "suppressed"), LABEL)
    | dict.fromkeys(("index_discharges", "readmissions", "planned_returns"), COUNT)
    | _ADJUSTED_RATES
    | {"observed_rate": Ratio("readmissions", "index_discharges"), "expected": MadeOf(("index_discharges",))},
    "hospital_acquired_conditions": dict.fromkeys(("hospital_ccn", "code", "period", "suppressed"), LABEL)
    | dict.fromkeys(("baseline_discharges", "baseline_conditions", "discharges", "conditions"), COUNT)
    | {
        "per_1000": Ratio("conditions", "discharges", 1000),
        "baseline_per_1000": Ratio("baseline_conditions", "baseline_discharges", 1000),
        "change": MadeOf(("conditions", "discharges", "baseline_conditions", "baseline_discharges")),
    },
    "care_transitions": dict.fromkeys(("source", "hospital_ccn", "destination", "period", "suppressed"), LABEL)
    | dict.fromkeys(("discharges", "readmissions", "within_7_days", "without_post_acute"), COUNT)
    | {
        "readmission_share": Ratio("readmissions", "discharges"),
        "mean_days_to_return": Ratio("days_to_return", "readmissions"),
    },
    "hospital_peers": dict.fromkeys(("hospital_ccn", "period", "suppressed"), LABEL)
    | dict.fromkeys(("discharges", "peer_discharges"), COUNT)
    | {
        "peer_rank": LABEL,  # a place by itself reveals nothing; which hospital has it does
        "case_mix_days": MadeOf(("discharges",)),
        "peer_case_mix_days": MadeOf(("peer_discharges",)),
        "peer_ccn": MadeOf(("discharges", "peer_discharges")),
        "distance": MadeOf(("discharges", "peer_discharges", "every hospital's discharges")),
    },
    "measure_leaders": dict.fromkeys(("measure", "period", "hospital_ccn", "hospital_name", "suppressed"), LABEL)
    | dict.fromkeys(_NOW, COUNT)
    | {
        "place": ORDER,
        "value": Ratio("numerator", "denominator", 0),
        "upper_limit": MadeOf(_NOW),
        "state_value": Ratio("state_numerator", "state_denominator", 0),
        "could_teach": MadeOf((*_NOW, "state_numerator", "state_denominator")),
        "learner_ccns": MadeOf((*_NOW, "state_numerator", "state_denominator", "the learners' counts")),
    },
}

#: counts that several measures share
_SAME = {
    (_ADJUSTED, "denominator"): ("readmission_rate", "denominator"),
    (_ADJUSTED, "numerator"): ("readmission_rate", "numerator"),
    ("planned_readmission_rate", "denominator"): ("readmission_rate", "denominator"),
    ("readmitted_without_post_acute", "denominator"): ("readmission_share", "numerator"),
    ("admissions_per_1000", "denominator"): ("readmissions_per_1000", "denominator"),
}
_SHARES = ("readmission_rate", "readmission_share", "planned_readmission_rate", "readmitted_without_post_acute")


def digits_of(value: Decimal) -> int:
    """Decimal places, without trailing zeros."""
    exponent = value.normalize().as_tuple().exponent
    return max(0, -int(exponent))


class Reader:
    """Adds the quality tables of one release to what is known; ``tag`` distinguishes releases."""

    def __init__(self, knowledge: Knowledge, tag: str, shown: Mapping[str, Rows], true: Mapping[str, Rows]) -> None:
        self.knowledge, self.tag, self.shown = knowledge, tag, shown
        card = shown["quality_scorecard"]
        self.state = {row["measure"]: row["member_ccns"] for row in card if row["entity_kind"] == "state"}
        self.everybody = "|".join(sorted({row["hospital_ccn"] for row in shown["readmissions"]} - {STATE}))
        self.singles: set[tuple[str, str]] = set()
        self.sets: set[tuple[str, str]] = set()
        self._seen: dict[Name, str] = {}
        truths = {name: self._by_key(name, rows) for name, rows in true.items()}
        for name in ROLES:
            for row in shown[name]:
                self._row(name, row, truths[name])
        for name in ROLES:
            for row in shown[name]:
                self._figures(name, row)
        self._sums()
        self._parts()
        self._days()
        self._places()

    # -- counts -----------------------------------------------------------------------------------------------------

    def name(self, members: str, measure: str, count: str) -> Name:
        baseline, plain = ("baseline_", count[9:]) if count.startswith("baseline_") else ("", count)
        measure, plain = _SAME.get((measure, plain), (measure, plain))
        if (measure, plain) == ("readmitted_without_post_acute", "numerator"):
            measure, plain = "readmission_share", "without_post_acute"
        if "|" in members:
            members = "|".join(sorted(members.split("|")))
        (self.sets if "|" in members else self.singles).add((members, measure))
        return (self.tag, members, measure, baseline + plain)

    def names(self, table: str, row: Row) -> dict[str, Name]:
        """Count column -> the count that it shows."""
        return dict(self._named(table, row))

    def _named(self, table: str, row: Row) -> Iterable[tuple[str, Name]]:
        if table in ("quality_scorecard", "network_scorecard"):
            for count in (*_NOW, *_BEFORE):
                yield count, self.name(row["member_ccns"], row["measure"], count)
            if table == "network_scorecard":
                inside = {*row["member_ccns"].split("|"), NONE}
                peers = "|".join(each for each in self.state[row["measure"]].split("|") if each not in inside)
                for count in (*_NOW, *_BEFORE):
                    yield f"peer_{count}", self.name(peers, row["measure"], count)
        elif table == "measure_leaders":
            for count in _NOW:
                yield count, self.name(row["hospital_ccn"], row["measure"], count)
                yield f"state_{count}", self.name(self.state[row["measure"]], row["measure"], count)
        elif table == "hospital_peers":
            yield "discharges", self.name(row["hospital_ccn"], "hac_per_1000", "denominator")
            if row["peer_ccn"]:
                yield "peer_discharges", self.name(row["peer_ccn"], "hac_per_1000", "denominator")
        else:
            members = self.everybody if row["hospital_ccn"] == STATE else row["hospital_ccn"]
            yield from self._of_state_or_part(table, row, members)

    def _of_state_or_part(self, table: str, row: Row, members: str) -> Iterable[tuple[str, Name]]:
        if table == "readmissions":
            whole = {
                "index_discharges": ("readmission_rate", "denominator"),
                "readmissions": ("readmission_rate", "numerator"),
                "planned_returns": ("planned_readmission_rate", "numerator"),
            }
            part = (row["service_line"], row["apr_drg"])
        elif table == "hospital_acquired_conditions":
            whole = {
                f"{window}{column}": ("hac_per_1000", f"{window}{count}")
                for window in ("", "baseline_")
                for column, count in (("discharges", "denominator"), ("conditions", "numerator"))
            }
            part = (row["code"], ALL)
        else:
            measure = {"all_payer": "readmission_rate", "medicare": "readmission_share"}[row["source"]]
            whole = {
                "discharges": (measure, "denominator"),
                "readmissions": (measure, "numerator"),
                "within_7_days": (measure, "within_7_days"),
                "days_to_return": (measure, "days_to_return"),
            }
            if row["source"] == "medicare":
                whole["without_post_acute"] = (measure, "without_post_acute")
            part = (row["source"], row["destination"]) if row["destination"] != ALL else (ALL, ALL)
        for column, (measure, count) in whole.items():
            if part[0] == ALL or (table == "hospital_acquired_conditions" and column.endswith("discharges")):
                yield column, self.name(members, measure, count)
            else:
                yield column, (self.tag, table, part, column)

    def _by_key(self, table: str, rows: Rows) -> dict[Name, int]:
        found: dict[Name, int] = {}
        for row in rows:
            for column, name in self.names(table, row).items():
                if row.get(column) is not None:
                    found[name] = row[column]
        return found

    def _row(self, table: str, row: Row, truth: Mapping[Name, int]) -> None:
        hidden = set((row["suppressed"] or "").split("|"))
        for column, name in self.names(table, row).items():
            if column not in row:
                self.knowledge.unknown(name)
            elif column in hidden:
                self.knowledge.hides(name)
            elif row[column] is not None:
                self.knowledge.shows(name, row[column])
            if name in truth:
                self.knowledge.truth[name] = truth[name]

    # -- figures ----------------------------------------------------------------------------------------------------

    def _figures(self, table: str, row: Row) -> None:
        names = self.names(table, row)
        for column, role in ROLES[table].items():
            value = row[column]
            if value is None or isinstance(role, str):
                continue
            if isinstance(role, MadeOf) or row.get("measure") == _ADJUSTED:
                counts = role.counts if isinstance(role, MadeOf) else (role.numerator, role.denominator)
                gone = [each for each in counts if names.get(each) in self.knowledge.hidden - set(self.knowledge.known)]
                if gone:
                    self.knowledge.given_away.append(f"{self.tag} {table}.{column} next to hidden {gone} in {row}")
            elif {role.numerator, role.denominator} <= set(names):
                numerator, denominator = names[role.numerator], names[role.denominator]
                per = role.per or _PER.get(row["measure"], 1)
                self.knowledge.ratio(numerator, denominator, float(value), digits_of(value), per)

    def _places(self) -> None:
        """The order of hospitals, and which ones the tables say do worse."""
        by_measure: dict[str, list[Row]] = {}
        for row in self.shown["measure_leaders"]:
            if row["place"] is not None:
                by_measure.setdefault(row["measure"], []).append(row)
        for measure, rows in by_measure.items():
            if measure == _ADJUSTED:
                continue
            placed = sorted(rows, key=lambda row: row["place"])
            pairs = [tuple(self.name(row["hospital_ccn"], measure, count) for count in _NOW) for row in placed]
            for before, after in itertools.pairwise(pairs):
                self.knowledge.in_order(before, after)  # type: ignore[arg-type]
            for row in placed:
                own = tuple(self.name(row["hospital_ccn"], measure, count) for count in _NOW)
                for ccn in (row["learner_ccns"] or "").split("|"):
                    if ccn:
                        other = tuple(self.name(ccn, measure, count) for count in _NOW)
                        self.knowledge.in_order(own, other)  # type: ignore[arg-type]
        self._peers()

    def _peers(self) -> None:
        """Similar hospitals and their distances, made from hospitals' sizes relative to the smallest and largest."""
        rows = self.shown["hospital_peers"]
        sizes = {row["hospital_ccn"]: self.name(row["hospital_ccn"], "hac_per_1000", "denominator") for row in rows}
        gone = sorted(ccn for ccn, name in sizes.items() if name not in self.knowledge.known)
        for row in rows:
            if row["peer_ccn"] in gone or (row["hospital_ccn"] in gone and row["peer_ccn"]):
                self.knowledge.given_away.append(f"{self.tag} hospital_peers places a hospital of hidden size: {row}")

    # -- relations --------------------------------------------------------------------------------------------------

    def _counts_of(self, members: str, measure: str) -> Iterable[str]:
        for window in ("", "baseline_"):
            for count in ("numerator", "denominator", "within_7_days", "without_post_acute", "days_to_return"):
                if (self.tag, members, measure, window + count) in self.knowledge.least:
                    yield window + count

    def _sums(self) -> None:
        """A group's count is the sum of its hospitals'; the part and the rest of a share make up the whole."""
        least = self.knowledge.least
        for members, measure in sorted(self.sets):
            for count in list(self._counts_of(members, measure)):
                parts = [(self.tag, each, measure, count) for each in members.split("|")]
                parts = [part for part in parts if part in least]
                if parts:
                    self.knowledge.equal((self.tag, members, measure, count), parts)
        for members, measure in sorted(self.sets | self.singles):
            for window in ("", "baseline_"):

                def of(count: str, measure: str = measure, members: str = members, window: str = window) -> Name:
                    return (self.tag, members, measure, window + count)

                if measure in ("readmission_rate", "readmission_share"):
                    self._within(of("numerator"), of("denominator"))
                    for part in ("within_7_days", "without_post_acute"):
                        self._within(of(part), of("numerator"))
                if measure == "readmission_rate":
                    planned = (self.tag, members, "planned_readmission_rate", f"{window}numerator")
                    discharges = (self.tag, members, "hac_per_1000", f"{window}denominator")
                    self._rest(of("denominator"), (of("numerator"), planned), ("no return", members, window))
                    self._rest(discharges, (of("denominator"),), ("not followed", members, window))

    def _within(self, part: Name, whole: Name) -> None:
        self._rest(whole, (part,), ("the rest of", part))

    def _rest(self, whole: Name, parts: tuple[Name, ...], called: tuple[Any, ...]) -> None:
        """The rest of a whole counts people too, although no table shows it."""
        least, truth = self.knowledge.least, self.knowledge.truth
        if whole in least and all(part in least for part in parts):
            rest: Name = (self.tag, *called)
            self.knowledge.equal(whole, (*parts, rest))
            if whole in truth and all(part in truth for part in parts):
                truth[rest] = truth[whole] - sum(truth[part] for part in parts)

    def _parts(self) -> None:
        """The state is the sum of its parts, a service line the sum of its APR-DRGs."""
        groups: dict[tuple[Any, ...], list[tuple[Name, Name]]] = {}
        lines: dict[tuple[Any, ...], list[Name]] = {}
        for table in ("readmissions", "hospital_acquired_conditions", "care_transitions"):
            for row in self.shown[table]:
                if row["hospital_ccn"] != STATE:
                    continue
                for column, name in self.names(table, row).items():
                    if name not in self.knowledge.least or name[1] != table:  # type: ignore[index]
                        continue
                    for inner in self._rests_of(column):
                        part = (self.tag, table, name[2], inner)  # type: ignore[index]
                        if part in self.knowledge.least:
                            self._within(part, name)
                    if table == "readmissions" and row["apr_drg"] != ALL:
                        lines.setdefault((row["service_line"], column), []).append(name)
                        continue
                    whole = {**row, "service_line": ALL, "apr_drg": ALL, "code": ALL, "destination": ALL}
                    total = self.names(table, {key: whole[key] for key in row})[column]
                    groups.setdefault((table, total), []).append((total, name))
        for (_, total), members in groups.items():
            if total in self.knowledge.least:
                self.knowledge.equal(total, [name for _, name in members])
        for (line, column), parts in lines.items():
            total = (self.tag, "readmissions", (line, ALL), column)
            if total in self.knowledge.least:
                self.knowledge.equal(total, parts)

    @staticmethod
    def _rests_of(column: str) -> tuple[str, ...]:
        return {
            "index_discharges": ("readmissions",),
            "discharges": ("readmissions",),
            "readmissions": ("within_7_days", "without_post_acute"),
        }.get(column, ())

    def _days(self) -> None:
        """Days from discharge to return: 0 to 7 for returns within 7 days, 8 to 30 for others; they add up, too."""
        for row in self.shown["care_transitions"]:
            names = self.names("care_transitions", row)
            days, back, soon = names["days_to_return"], names["readmissions"], names["within_7_days"]
            if back in self.knowledge.least and soon in self.knowledge.least:
                self.knowledge.relate({days: 1.0, soon: 1.0 * 8, back: -8.0}, 0, float("inf"))
                self.knowledge.relate({days: 1.0, soon: 23.0, back: -30.0}, -float("inf"), 0)


def same_where_equal(knowledge: Knowledge, pairs: Iterable[tuple[Name, Name]]) -> None:
    """Assume, as a reader would, that equal counts of the same thing in two releases are the same count."""
    for one, other in pairs:
        both = one in knowledge.least and other in knowledge.least
        if both and knowledge.truth.get(one) == knowledge.truth.get(other) is not None:
            knowledge.equal(one, (other,))


Pairing = Callable[[Name], Name | None]

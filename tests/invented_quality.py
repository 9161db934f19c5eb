"""The quality tables of an invented state, as a build would make them: many small hospitals with random counts.

Belongs here: counts by hospital, and the marts that add them up. Does not belong here: hiding, and expected results.
Figures follow the measures' definitions (methodology §12); interval limits are close enough for a test of hiding.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import polars as pl

from hcip_pipeline.contracts.marts import TABLES
from tests.invented_counts import CELLS, CODES, PLACES, Counts, Year

D = Decimal

MEASURES = (
    "readmission_rate", "readmission_rate_adjusted", "planned_readmission_rate", "hac_per_1000",
    "readmissions_per_1000", "admissions_per_1000", "readmission_share", "readmitted_without_post_acute",
)  # fmt: skip
_PER = {"hac_per_1000": 1000, "readmissions_per_1000": 12000, "admissions_per_1000": 12000}
#: measure -> the counts it is made from
_OF = {
    "readmission_rate": ("readmitted", "index"),
    "readmission_rate_adjusted": ("readmitted", "index"),
    "planned_readmission_rate": ("planned", "index"),
    "hac_per_1000": ("flags", "discharges"),
    "readmissions_per_1000": ("area_readmitted", "months"),
    "admissions_per_1000": ("admitted", "months"),
    "readmission_share": ("medicare_readmitted", "medicare_index"),
    "readmitted_without_post_acute": ("without_post_acute", "medicare_readmitted"),
}


def quotient(top: Decimal | int, bottom: Decimal | int, places: int = 8) -> Decimal | None:
    return (D(top) / D(bottom)).quantize(D(1).scaleb(-places), ROUND_HALF_UP) if bottom else None


@dataclass(frozen=True)
class State:
    """The counts of hospitals in both windows, and their communities and networks."""

    period: str
    before: Year
    now: Year
    communities: Mapping[str, tuple[str, ...]]
    networks: Mapping[tuple[str, str], tuple[str, ...]]

    @property
    def hospitals(self) -> list[str]:
        return sorted(set(self.now.counts) - {"NONE"})

    def marts(self) -> dict[str, pl.DataFrame]:
        made = {
            "quality_scorecard": self._scorecard(),
            "network_scorecard": self._networks(),
            "readmissions": self._readmissions(),
            "hospital_acquired_conditions": self._conditions(),
            "care_transitions": self._transitions(),
            "hospital_peers": self._peers(),
        }
        made["measure_leaders"] = self._leaders(made["quality_scorecard"], made["hospital_peers"])
        return {name: _frame(name, rows, self.period) for name, rows in made.items()}

    def _counted(self, members: Iterable[str], measure: str) -> Counts:
        events, over = _OF[measure]
        return {
            f"{window}{name}": sum(year.counts[ccn][count] for ccn in members)
            for window, year in (("baseline_", self.before), ("", self.now))
            for name, count in (("numerator", events), ("denominator", over))
        }

    def _measured(self, members: Sequence[str], measure: str, *, both: bool) -> dict[str, Any] | None:
        """None if nobody can be measured."""
        if both:
            own = {ccn: self._counted([ccn], measure) for ccn in members}
            members = [c for c, n in own.items() if n["baseline_denominator"] and n["denominator"]]
        counts = self._counted(members, measure)
        if not members or not (counts["denominator"] or counts["baseline_denominator"]):
            return None
        per = _PER.get(measure, 1)
        value = quotient(per * counts["numerator"], counts["denominator"])
        was = quotient(per * counts["baseline_numerator"], counts["baseline_denominator"])
        change = quotient(value - was, was) if value is not None and was else None
        target = (was * D("0.8")).quantize(D("1e-8")) if measure == "hac_per_1000" and was is not None else None
        return counts | {
            "measure": measure,
            "hospitals": len(members),
            "member_ccns": "|".join(sorted(members)),
            "value": value,
            "baseline_value": was,
            "change": change,
            "expected": D(counts["denominator"]) * D("0.12345678") if measure.endswith("adjusted") else None,
            "lower_limit": value and (value * D("0.9")).quantize(D("1e-8")),
            "upper_limit": (value is not None and ((value + D("0.001")) * D("1.1")).quantize(D("1e-8"))) or None,
            "target_change": D("-0.2") if target is not None else None,
            "target_value": target,
            "distance": value - target if value is not None and target is not None else None,
            "is_on_track": value <= target if value is not None and target is not None else None,
        }

    def _scorecard(self) -> list[dict[str, Any]]:
        entities = [("hospital", ccn, (ccn,)) for ccn in (*self.hospitals, "NONE")]
        entities += [("community", name, members) for name, members in self.communities.items()]
        entities.append(("state", "STATE", (*self.hospitals, "NONE")))
        rows = []
        for kind, name, members in entities:
            for measure in MEASURES:
                row = self._measured(members, measure, both=kind != "hospital")
                if row:
                    rows.append(row | {"entity_kind": kind, "entity_id": name, "entity_name": name})
        return rows

    def _networks(self) -> list[dict[str, Any]]:
        groups = [("network", *name, members) for name, members in self.networks.items()]
        groups += [("community", name, "ALL", members) for name, members in self.communities.items()]
        groups.append(("participants", "PROGRAM", "ALL", tuple(self.hospitals[::2])))
        rows = []
        for kind, name, topic, members in groups:
            for measure in MEASURES:
                row = self._measured(members, measure, both=True)
                others = [ccn for ccn in self.hospitals if ccn not in members]
                peers = self._measured(others, measure, both=True)
                if row and peers:
                    row |= {"group_kind": kind, "group_id": name, "topic": topic, "group_name": name}
                    row |= {f"peer_{column}": peers[column] for column in (*self._counted([], measure), "hospitals")}
                    row |= {f"peer_{column}": peers[column] for column in ("value", "baseline_value", "change")}
                    if row["change"] is not None and peers["change"] is not None:
                        apart = row["change"] - peers["change"]
                        row |= {"difference": apart, "difference_lower": apart - 1, "difference_upper": apart + 1}
                    rows.append(row)
        return rows

    def _state_parts(self, kind: str) -> dict[Any, int]:
        found: dict[Any, int] = {}
        for own in self.now.parts.values():
            for (of, part), count in own.items():
                if of == kind:
                    found[part] = found.get(part, 0) + count
        return found

    def _readmissions(self) -> list[dict[str, Any]]:
        def row(ccn: str, line: str, drg: str, index: int, back: int, planned: int | None) -> dict[str, Any]:
            rate = quotient(back, index)
            limits = dict.fromkeys(("observed_rate", "observed_lower", "observed_upper", "adjusted_rate"), rate)
            counts = {"index_discharges": index, "readmissions": back, "planned_returns": planned}
            named = {"hospital_ccn": ccn, "service_line": line, "apr_drg": drg}
            return named | counts | limits | {"expected": D(index) * D("0.11111111")}

        rows = []
        for ccn in self.hospitals:
            own = self.now.counts[ccn]
            rows.append(row(ccn, "ALL", "ALL", own["index"], own["readmitted"], own["planned"]))
        index, back = self._state_parts("index"), self._state_parts("readmitted")
        total = self._counted(self.hospitals, "planned_readmission_rate")
        everyone = self._counted(self.hospitals, "readmission_rate")
        rows.append(row("STATE", "ALL", "ALL", everyone["denominator"], everyone["numerator"], total["numerator"]))
        cells = [cell for cell in CELLS if index.get(cell)]
        for line in sorted({line for line, _ in cells}):
            own_cells = [cell for cell in cells if cell[0] == line]
            sums = [sum(of.get(cell, 0) for cell in own_cells) for of in (index, back)]
            rows.append(row("STATE", line, "ALL", *sums, 0))
            rows += [row("STATE", *cell, index[cell], back.get(cell, 0), 0) for cell in own_cells]
        return rows

    def _conditions(self) -> list[dict[str, Any]]:
        def row(ccn: str, code: str, counts: Counts) -> dict[str, Any]:
            rates = {}
            for window in ("", "baseline_"):
                rates[f"{window}per_1000"] = quotient(
                    1000 * counts[f"{window}numerator"], counts[f"{window}denominator"]
                )
            was = rates["baseline_per_1000"]
            return rates | {
                "hospital_ccn": ccn,
                "code": code,
                "baseline_discharges": counts["baseline_denominator"],
                "baseline_conditions": counts["baseline_numerator"],
                "discharges": counts["denominator"],
                "conditions": counts["numerator"],
                "change": quotient(rates["per_1000"] - was, was) if was and rates["per_1000"] is not None else None,
            }

        rows = [row(ccn, "ALL", self._counted([ccn], "hac_per_1000")) for ccn in self.hospitals]
        state = self._counted(self.hospitals, "hac_per_1000")
        rows.append(row("STATE", "ALL", state))
        then = State(self.period, self.before, self.before, {}, {})._state_parts("flags")
        now = self._state_parts("flags")
        for code in CODES:
            if then.get(code) or now.get(code):
                counts = {"baseline_numerator": then.get(code, 0), "numerator": now.get(code, 0)}
                rows.append(row("STATE", code, state | counts))
        return rows

    def _transitions(self) -> list[dict[str, Any]]:
        rows = []
        for source, names in (
            ("all_payer", ("index", "readmitted", "soon", "")),
            ("medicare", ("medicare_index", "medicare_readmitted", "medicare_soon", "without_post_acute")),
        ):

            def row(ccn: str, place: str, counts: Sequence[int | None], source: str = source) -> dict[str, Any]:
                seen, back, soon, without = counts
                days = 4 * (soon or 0) + 15 * ((back or 0) - (soon or 0))
                return {
                    "source": source,
                    "hospital_ccn": ccn,
                    "destination": place,
                    "discharges": seen,
                    "readmissions": back,
                    "readmission_share": quotient(back or 0, seen or 0),
                    "within_7_days": soon,
                    "mean_days_to_return": quotient(days, back or 0, 4),
                    "without_post_acute": without,
                }

            totals: list[int | None] = [0, 0, 0, 0 if source == "medicare" else None]
            for ccn in self.hospitals:
                own = self.now.counts[ccn]
                counts = [own[name] if name else None for name in names]
                if counts[0]:
                    rows.append(row(ccn, "ALL", counts))
                    totals = [None if t is None else t + (c or 0) for t, c in zip(totals, counts, strict=True)]
            rows.append(row("STATE", "ALL", totals))
            seen, back, soon, none = (self._state_parts(source + end) for end in ("", "_back", "_soon", "_none"))
            for place in PLACES:
                if seen.get(place):
                    without = none.get(place, 0) if source == "medicare" else None
                    rows.append(row("STATE", place, (seen[place], back.get(place, 0), soon.get(place, 0), without)))
        return rows

    def _peers(self) -> list[dict[str, Any]]:
        sizes = {ccn: self.now.counts[ccn]["discharges"] for ccn in self.hospitals}
        mix = {ccn: (D(3) + D(int(ccn)) % 7 / 4).quantize(D("0.0001")) for ccn in self.hospitals}
        spans = [max(of.values()) - min(of.values()) for of in (sizes, mix)]
        rows = []
        for ccn in self.hospitals:
            apart = []
            for peer in self.hospitals:
                if peer != ccn:
                    shares = [
                        quotient(of[ccn] - of[peer], span) or D(0) for of, span in zip((sizes, mix), spans, strict=True)
                    ]
                    apart.append((sum((share * share for share in shares), D(0)), peer))
            for rank, (far, peer) in enumerate(sorted(apart)[:5], start=1):
                row = {"hospital_ccn": ccn, "peer_rank": rank, "discharges": sizes[ccn], "case_mix_days": mix[ccn]}
                row |= {"peer_ccn": peer, "peer_discharges": sizes[peer], "peer_case_mix_days": mix[peer]}
                rows.append(row | {"distance": far.quantize(D("1e-8"), ROUND_HALF_UP)})
        return rows

    def _leaders(self, card: list[dict[str, Any]], peers: list[dict[str, Any]]) -> list[dict[str, Any]]:
        of_peer = {(row["peer_ccn"], row["hospital_ccn"]) for row in peers}
        state = {row["measure"]: row["value"] for row in card if row["entity_kind"] == "state"}
        rows = []
        for measure in state:
            own = [
                row for row in card
                if row["entity_kind"] == "hospital" and row["measure"] == measure
                and row["value"] is not None and row["entity_id"] != "NONE"
            ]  # fmt: skip
            own.sort(key=lambda row: (row["value"], row["entity_id"]))
            for place, row in enumerate(own, start=1):
                teaches = row["upper_limit"] is not None and row["upper_limit"] < state[measure]
                worse = [
                    other["entity_id"]
                    for other in own
                    if other["value"] > row["value"] and (row["entity_id"], other["entity_id"]) in of_peer
                ]
                rows.append(
                    {name: row[name] for name in ("measure", "numerator", "denominator", "value", "upper_limit")}
                    | {"place": place, "hospital_ccn": row["entity_id"], "hospital_name": row["entity_id"]}
                    | {"state_value": state[measure], "could_teach": teaches}
                    | {"learner_ccns": "|".join(sorted(worse)) or None if teaches else None}
                )
        return rows


def _frame(name: str, rows: list[dict[str, Any]], period: str) -> pl.DataFrame:
    table = TABLES[name]
    schema = table.schema
    texts = {column.name: "-" for column in table.columns if column.type == "text" and not column.nullable}
    named = ({"period": period} | texts | row for row in rows)
    return pl.DataFrame([{c: row.get(c) for c in schema} | {"period": period} for row in named], schema=schema)


def state(period: str, before: Year, now: Year, seed: int) -> State:
    """A state; for the same ``seed`` the same hospitals work together in every period."""
    chance = random.Random(seed)
    hospitals = sorted(set(now.counts) - {"NONE"})
    shuffled = chance.sample(hospitals, len(hospitals))
    communities = {
        "North": tuple(shuffled[:4]),
        "South": tuple(shuffled[4:7]),
        "East": (shuffled[7],),
        "West": (shuffled[8],),
    }
    networks = {
        (f"HIIN-{number}", topic): tuple(chance.sample(hospitals, chance.randint(2, 6)))
        for number, topic in enumerate(("Readmissions", "Sepsis"))
    }
    return State(period, before, now, communities, networks)

"""Random counts of an invented state: discharges, readmissions and flags by hospital, and their parts.

Belongs here: counts by hospital and half-year. Does not belong here: tables made from them (``invented_quality``).
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Counts = dict[str, int]

CELLS = [("Heart", "190"), ("Heart", "194"), ("Heart", "201"), ("Lungs", "139"), ("Lungs", "140"), ("Bones", "301")]

PLACES = ("home", "home_health", "skilled_nursing", "hospice")

CODES = ("HAC04", "HAC05", "HAC06")


def _split(chance: random.Random, total: int, over: Sequence[Any]) -> dict[Any, int]:
    weights = [chance.random() ** 3 + 0.01 for _ in over]
    found = dict.fromkeys(over, 0)
    for each in chance.choices(over, weights, k=total):
        found[each] += 1
    return found


@dataclass
class Year:
    """One period of every hospital: plain counts, and counts of parts by (kind, part)."""

    counts: dict[str, Counts]
    parts: dict[str, dict[tuple[str, Any], int]] = field(default_factory=dict)

    @classmethod
    def invented(cls, seed: int, hospitals: Sequence[str]) -> Year:
        chance = random.Random(seed)
        year = cls({})
        for ccn in hospitals:
            size = chance.choice([80, 150, 300, 500, 900])
            year.counts[ccn] = _hospital(chance, size)
            year.parts[ccn] = _hospital_parts(chance, year.counts[ccn])
        outside = dict.fromkeys(next(iter(year.counts.values())), 0)
        year.counts["NONE"] = outside | {"months": 900, "area_readmitted": chance.randint(0, 4), "admitted": 22}
        year.parts["NONE"] = {}
        return year

    def plus(self, other: Year) -> Year:
        """Two half-years as one."""

        def added(one: Mapping[Any, int], two: Mapping[Any, int]) -> dict[Any, int]:
            return {each: one.get(each, 0) + two.get(each, 0) for each in (*one, *two)}

        return Year(
            {ccn: added(own, other.counts[ccn]) for ccn, own in self.counts.items()},
            {ccn: added(own, other.parts[ccn]) for ccn, own in self.parts.items()},
        )

    def with_late(self, seed: int) -> Year:
        """The same with a few more discharges at some hospitals, none of them a return."""
        chance = random.Random(seed)
        counts = {ccn: dict(own) for ccn, own in self.counts.items()}
        parts = {ccn: dict(own) for ccn, own in self.parts.items()}
        for ccn in chance.sample(sorted(set(counts) - {"NONE"}), 3):
            late = chance.choice([1, 2, 5, 9, 12, 40])
            counts[ccn]["discharges"] += late
            counts[ccn]["index"] += late
            cell, place = chance.choice(CELLS), chance.choice(PLACES)
            for part in (("index", cell), ("all_payer", place)):
                parts[ccn][part] = parts[ccn].get(part, 0) + late
        return Year(counts, parts)


def _hospital(chance: random.Random, size: int) -> Counts:
    index = int(size * chance.uniform(0.6, 0.9))
    readmitted = int(index * chance.choice([0.01, 0.05, 0.12, 0.18]))
    medicare = int(index * chance.uniform(0.3, 0.6))
    back = int(medicare * chance.choice([0.02, 0.1, 0.2]))
    months = chance.choice([0, size // 2, size * 9])
    return {
        "discharges": size,
        "flags": chance.choice([0, 1, 2, 3, 5, 8, 14, 25]),
        "index": index,
        "readmitted": readmitted,
        "planned": chance.choice([0, 1, 2, 4, 9, 15]),
        "soon": int(readmitted * chance.random()),
        "medicare_index": medicare,
        "medicare_readmitted": back,
        "medicare_soon": int(back * chance.random()),
        "without_post_acute": int(back * chance.random()),
        "months": months,
        "area_readmitted": chance.choice([0, 3, 8, 40]) if months else 0,
        "admitted": chance.choice([2, 30, 90]) if months else 0,
    }


def _hospital_parts(chance: random.Random, own: Counts) -> dict[tuple[str, Any], int]:
    """Divide each count into parts; returns do not exceed the discharges they follow."""
    parts: dict[tuple[str, Any], int] = {}

    def divide(kind: str, total: str, within: Sequence[tuple[str, str]], over: Sequence[Any]) -> None:
        wholes = _split(chance, own[total], over)
        parts.update({(kind, each): n for each, n in wholes.items()})
        for name, count in within:
            of, name = (name.split("<")[1], name.split("<")[0]) if "<" in name else (kind, name)
            room = [each for each in over for _ in range(parts.get((of, each), 0))]
            for each in chance.sample(room, own[count]):
                parts[name, each] = parts.get((name, each), 0) + 1

    divide("index", "index", [("readmitted", "readmitted")], CELLS)
    divide("all_payer", "index", [("all_payer_back", "readmitted"), ("all_payer_soon<all_payer_back", "soon")], PLACES)
    returned = [("medicare_back", "medicare_readmitted"), ("medicare_soon<medicare_back", "medicare_soon")]
    divide("medicare", "medicare_index", [*returned, ("medicare_none<medicare_back", "without_post_acute")], PLACES)
    divide("flags", "flags", [], CODES)
    return parts

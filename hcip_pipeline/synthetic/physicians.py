"""The physicians of the state: identifiers, services, hospitals, and the cost of their stays year by year.

Belongs here: facts about physicians. Does not belong here: the program they take part in (``program_files``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from hcip_pipeline.synthetic.case_mix import DATA, CaseMix
from hcip_pipeline.synthetic.hospitals import Hospitals
from hcip_pipeline.synthetic.streams import Flags, Floats, Integers, exp, stream

TRENDS = ("improving", "steady", "worsening")
_TREND_SHARES = (0.42, 0.80)  # improving below the first, steady below the second
_DRIFT = np.array([-0.055, -0.004, 0.035])  # of the logarithm of cost, per year


@dataclass(frozen=True)
class Physicians:
    """One element for each physician, and one for each appointment (a physician at a hospital).

    Attributes:
        npi: valid identifiers from a range (first digit 2) that has never been assigned.
        cost_effect, days_effect: physicians × years, factors on the cost and days of their stays.
        active: physicians × years.
        at_physician, at_hospital, at_weight: the appointments, ordered by hospital and service.
        at_stays: expected stays of each appointment per year.
        first_year: the first of the years.
    """

    npi: tuple[str, ...]
    name: tuple[str, ...]
    service: Integers
    specialty: tuple[str, ...]
    home: Integers
    trend: Integers
    cost_effect: Floats
    days_effect: Floats
    active: Flags
    at_physician: Integers
    at_hospital: Integers
    at_weight: Floats
    at_stays: Floats
    first_year: int
    services: int

    def __len__(self) -> int:
        return len(self.npi)

    def roster(self, year: int) -> tuple[Integers, Floats]:
        """A year's appointments: their physicians, and keys for ``draw_grouped`` over hospital × service groups."""
        group = self.at_hospital * self.services + self.service[self.at_physician]
        active = self.active[self.at_physician, year - self.first_year]
        weight = np.where(active, self.at_weight, 0.0)
        starts = np.flatnonzero(np.diff(group, prepend=-1))
        sizes = np.diff(np.append(starts, len(group)))
        # If all physicians of a service are inactive, all of them serve it: its stays need a physician.
        away = np.add.reduceat(active.astype(np.int64), starts) == 0
        weight = np.where(np.repeat(away, sizes), self.at_weight, weight)
        running = np.cumsum(weight)
        before = np.repeat(running[starts] - weight[starts], sizes)
        total = np.repeat(running[starts + sizes - 1], sizes) - before
        share = (running - before) / total
        share[starts + sizes - 1] = 1.0
        return self.at_physician, group + share


def employ_physicians(
    hospitals: Hospitals, mix: CaseMix, local: Floats, discharges_per_year: int, years: Sequence[int], seed: int
) -> Physicians:
    """Make as many physicians for each service at each hospital as its stays need.

    Args:
        local: hospitals × APR-DRGs, the weights of ``local_mix``.
    """
    rng = stream(seed, "physicians")
    services = pl.read_csv(DATA / "services.csv")
    stays = np.zeros((len(hospitals), len(mix.services)))
    np.add.at(stays.T, mix.service, (local / np.cumsum(local, axis=1)[:, -1:]).T)
    stays *= (hospitals.volume * discharges_per_year)[:, None]
    need = np.rint(stays / services["stays_per_physician"].to_numpy()).astype(np.int64)
    need = np.where(hospitals.offers, np.maximum(need, services["fewest"].to_numpy()), 0)

    home = np.repeat(np.arange(len(hospitals)), need.sum(axis=1))
    service = np.concatenate([np.repeat(np.arange(len(mix.services)), row) for row in need])
    count = len(home)
    weight = exp(0.55 * rng.standard_normal(count))
    trend = np.searchsorted(_TREND_SHARES, rng.random(count), side="right")
    joins = np.where(rng.random(count) < 0.05, rng.integers(1, 4, count), 0)
    leaves = np.where(rng.random(count) < 0.04, rng.integers(1, 4, count), len(years) + 4)
    ordinal = np.arange(len(years))
    cost, days = _effects(trend, years, seed)

    away = _second_hospitals(hospitals, home, service, services["travels"].to_numpy() / 100, rng)
    at_physician = np.concatenate((np.arange(count), *(np.flatnonzero(other >= 0) for other in away)))
    at_hospital = np.concatenate((home, *(other[other >= 0] for other in away)))
    at_weight = np.concatenate((weight, *(0.4 * weight[other >= 0] for other in away)))
    order = np.lexsort((at_physician, service[at_physician], at_hospital))
    at_physician, at_hospital, at_weight = at_physician[order], at_hospital[order], at_weight[order]
    group = at_hospital * len(mix.services) + service[at_physician]
    in_all = np.bincount(group, at_weight, minlength=stays.size)
    first_names, last_names = load_names()
    names = (rng.integers(0, len(first_names), count), rng.integers(0, len(last_names), count))
    return Physicians(
        npi=tuple(_npis(count, int(rng.integers(0, 10**8)))),
        name=tuple(f"{last_names[last]}, {first_names[first]}" for first, last in zip(*names, strict=True)),
        service=service,
        specialty=tuple(services["specialty"].gather(service)),
        home=home,
        trend=trend,
        cost_effect=cost,
        days_effect=days,
        active=(ordinal >= joins[:, None]) & ((ordinal < leaves[:, None]) | (leaves <= joins)[:, None]),
        at_physician=at_physician,
        at_hospital=at_hospital,
        at_weight=at_weight,
        at_stays=stays.ravel()[group] * at_weight / in_all[group],
        first_year=years[0],
        services=len(mix.services),
    )


def load_names() -> tuple[list[str], list[str]]:
    """First and last names for invented people."""
    names = pl.read_csv(DATA / "names.csv")
    first, last = (names.filter(pl.col("kind") == kind).get_column("name").to_list() for kind in ("first", "last"))
    return first, last


def _effects(trend: Integers, years: Sequence[int], seed: int) -> tuple[Floats, Floats]:
    """Effects on cost and days: a first effect and a yearly drift for each physician; days follow cost by half."""
    start = stream(seed, "physicians", "start")
    cost = 0.15 * start.standard_normal(len(trend))
    days = 0.5 * cost + 0.08 * start.standard_normal(len(trend))
    costs, stays = [cost], [days]
    for year in years[1:]:
        drift = _DRIFT[trend] + 0.02 * stream(seed, "physicians", str(year)).standard_normal(len(trend))
        costs.append(costs[-1] + drift)
        stays.append(stays[-1] + 0.7 * drift)
    return exp(np.array(costs).T), exp(np.array(stays).T)


def _second_hospitals(
    hospitals: Hospitals, home: Integers, service: Integers, travels: Floats, rng: np.random.Generator
) -> list[Integers]:
    """A second and a third hospital of each physician; −1 if there is none."""
    places = len(hospitals)
    chances = (travels[service], travels[service] * 0.15)
    elsewhere: list[Integers] = []
    for chance in chances:
        other = (home + rng.integers(1, max(places, 2), len(home))) % places
        goes = (rng.random(len(home)) < chance) & (other != home) & hospitals.offers[other, service]
        for earlier in elsewhere:
            goes &= (earlier >= 0) & (other != earlier)
        elsewhere.append(np.where(goes, other, -1))
    return elsewhere


def _npis(count: int, offset: int) -> list[str]:
    """``count`` different NPIs with a valid check digit (Luhn over 80840 and the number)."""
    body = 2 * 10**8 + (np.arange(count) * 72_891_677 + offset) % 10**8
    digits = body[:, None] // 10 ** np.arange(8, -1, -1) % 10
    doubled = digits[:, ::2] * 2
    # The prefix 80840 adds 24 to the sum.
    total = 24 + (doubled // 10 + doubled % 10).sum(axis=1) + digits[:, 1::2].sum(axis=1)
    return (body * 10 + -total % 10).astype(str).tolist()

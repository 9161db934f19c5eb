"""The stays of a quarter, as numbers: hospital, case, dates, physicians and cost.

Belongs here: one draw of every fact that depends only on the case. Does not belong here: the patient (``patients``),
charge lines (``charges``) and the written abstract (``abstracts``).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from hcip_pipeline.periods import Quarter
from hcip_pipeline.synthetic.case_mix import DATA, CaseMix
from hcip_pipeline.synthetic.physicians import Physicians
from hcip_pipeline.synthetic.streams import (
    Flags,
    Floats,
    Integers,
    cumulative,
    draw_grouped,
    draw_rows,
    exp,
    stream,
    triangular,
)

if TYPE_CHECKING:
    from hcip_pipeline.synthetic.abstracts import Scene

FEMALE, MALE, UNKNOWN = 0, 1, 2
NOBODY = -1

#: Probability of death at each severity, relative to the APR-DRG's own rate.
_DEATHS_BY_SEVERITY = np.array([0.08, 0.35, 1.0, 2.6])
#: Discharges by weekday, Monday first: few people go home on a Sunday.
_WEEKDAYS = np.array([14.5, 15.5, 15.8, 15.7, 17.0, 12.0, 9.5])
_KINDS = ("medical", "surgical", "obstetric", "newborn", "behavioral", "rehabilitation")

_OUTLIERS = 0.0025
_LONGEST_STAY = 120


@dataclass
class Stays:
    """One element for each stay, ordered by hospital and discharge date; days count from 1970-01-01.

    Attributes:
        severity: 0 to 3 for severity of illness 1 to 4.
        attending, operating: physicians, or ``NOBODY``.
        cost: in dollars, in the prices of the first year, before the regulator's adjustments.
        mother: the stay of a newborn's mother, else ``NOBODY``.
        is_outlier: planted as an outlier.
    """

    hospital: Integers
    drg: Integers
    severity: Integers
    age: Integers
    sex: Integers
    admit: Integers
    discharge: Integers
    attending: Integers
    operating: Integers
    disposition: Integers
    is_scheduled: Flags
    cost: Floats
    mother: Integers
    is_outlier: Flags

    def __len__(self) -> int:
        return len(self.hospital)

    @property
    def days(self) -> Integers:
        """Length of stay (inputs.md: days between, at least 1)."""
        return np.maximum(self.discharge - self.admit, 1)

    def take(self, order: Integers) -> Stays:
        """The stays in the given order."""
        inverse = np.empty(len(order), dtype=np.int64)
        inverse[order] = np.arange(len(order))
        taken = {field.name: getattr(self, field.name)[order] for field in fields(self)}
        taken["mother"] = np.where(taken["mother"] == NOBODY, NOBODY, inverse[taken["mother"]])
        return Stays(**taken)


@dataclass(frozen=True)
class Dispositions:
    """Discharge dispositions by kind of stay and age: ``codes``, and running shares in a row per kind and age group."""

    codes: tuple[str, ...]
    shares: Floats

    @classmethod
    def load(cls) -> Dispositions:
        """Read the shipped table."""
        table = pl.read_csv(DATA / "dispositions.csv", schema_overrides={"disposition": pl.String})
        codes = tuple(sorted({*table["disposition"], "20"}))
        weights = np.zeros((len(_KINDS) * 2, len(codes)))
        for kind, elder, code, weight in table.iter_rows():
            weights[_KINDS.index(kind) * 2 + elder, codes.index(code)] = weight
        empty = weights.sum(axis=1) == 0  # a kind with only one age group: both rows are the same
        weights[empty] = weights[np.flatnonzero(empty) - 1]
        return cls(codes, cumulative(weights))

    def draw(self, rng: np.random.Generator, kinds: Integers, elder: Flags, dies: Flags) -> Integers:
        """Draw a disposition for each stay."""
        drawn = draw_rows(rng.random(len(kinds)), kinds * 2 + elder, self.shares)
        return np.where(dies, self.codes.index("20"), drawn)


def draw_stays(quarter: Quarter, counts: Integers, scene: Scene, local: Floats) -> Stays:
    """The stays that end in a quarter.

    Args:
        counts: number of stays at each hospital.
        local: each hospital's own case mix (``hospitals.local_mix``).
    """
    hospitals, mix, physicians = scene.hospitals, scene.mix, scene.physicians
    rng = stream(scene.seed, "stays", str(quarter))
    hospital, drg, mother = _draw_cases(rng, counts, mix, local)
    n = len(hospital)
    severity = draw_rows(rng.random(n), drg, mix.severity_shares)
    low, mode, high = mix.ages[drg].T
    age = np.where(high > 0, np.floor(triangular(rng, low, mode, np.maximum(high, 1))), 0).astype(np.int64)
    sex = _draw_sex(rng, mix, drg)
    attending, operating = _draw_physicians(rng, hospital, drg, mix, physicians, quarter.year)
    responsible = np.where(mix.surgical[drg], operating, attending)
    year = quarter.year - physicians.first_year

    is_outlier = rng.random(n) < _OUTLIERS
    far = np.where(is_outlier, 5 + 5 * rng.random(n), 1.0)
    z_days, z_cost = rng.standard_normal(n), rng.standard_normal(n)
    days = mix.days[drg, severity] * hospitals.days_effect[hospital] * physicians.days_effect[responsible, year]
    days = np.rint(days * exp(0.36 * z_days) * np.sqrt(far) - 0.05).astype(np.int64)
    days = np.minimum(days, _LONGEST_STAY)
    cost = mix.cost[drg, severity] * hospitals.cost_effect[hospital] * physicians.cost_effect[responsible, year]
    cost = cost * exp(mix.spread[drg] * (0.55 * z_days + 0.83 * z_cost)) * far

    dies = rng.random(n) < mix.deaths[drg] * _DEATHS_BY_SEVERITY[severity] * np.where(age >= 65, 1.2, 0.6)
    kinds = np.array([_KINDS.index(kind) for kind in mix.kind])[drg]
    discharge = _draw_dates(rng, quarter, n)
    stays = Stays(
        hospital=hospital,
        drg=drg,
        severity=severity,
        age=age,
        sex=sex,
        admit=discharge - days,
        discharge=discharge,
        attending=attending,
        operating=operating,
        disposition=scene.dispositions.draw(rng, kinds, age >= 65, dies),
        is_scheduled=rng.random(n) < mix.scheduled[drg],
        cost=cost,
        mother=mother,
        is_outlier=is_outlier,
    )
    _give_birth(rng, stays, quarter, mix)
    return stays.take(np.lexsort((rng.random(n), stays.discharge, stays.hospital)))


def _draw_cases(
    rng: np.random.Generator, counts: Integers, mix: CaseMix, local: Floats
) -> tuple[Integers, Integers, Integers]:
    """Hospital, APR-DRG and mother of each stay: one newborn per delivery, and a few twins."""
    delivery, newborn = mix.is_delivery, mix.of_kind("newborn")
    parts = np.stack([np.where(mask, local, 0.0) for mask in (~(delivery | newborn), delivery, newborn)], axis=1)
    totals = np.cumsum(parts, axis=2)[:, :, -1]
    share = totals[:, 1] / (totals[:, 0] + 2.015 * totals[:, 1])
    deliveries = np.floor(counts * share).astype(np.int64)
    newborns = deliveries + np.floor(deliveries * 0.015 + rng.random(len(counts))).astype(np.int64) * (deliveries > 0)
    numbers = np.stack((counts - deliveries - newborns, deliveries, newborns), axis=1).ravel()

    shape = (len(counts) * 3, len(mix.apr_drg))
    nothing = (totals == 0).reshape(-1, 1)  # such a row is never drawn from, but must not divide by zero
    row = np.repeat(np.arange(shape[0]), numbers)
    drg = draw_rows(rng.random(len(row)), row, cumulative(parts.reshape(shape) + nothing))

    starts = np.concatenate(([0], np.cumsum(numbers)[:-1]))
    is_newborn = row % 3 == 2
    rank = np.arange(len(row)) - starts[row]
    mothers = starts[row - 1] + rank % np.maximum(numbers[row - 1], 1)
    return row // 3, drg, np.where(is_newborn, mothers, NOBODY)


def _draw_sex(rng: np.random.Generator, mix: CaseMix, drg: Integers) -> Integers:
    only = np.array([{"F": FEMALE, "M": MALE}.get(sex, NOBODY) for sex in mix.sex])[drg]
    sex = np.where(rng.random(len(drg)) < 0.485, MALE, FEMALE)
    sex = np.where(rng.random(len(drg)) < 0.0002, UNKNOWN, sex)
    return np.where(only == NOBODY, sex, only)


def _draw_physicians(
    rng: np.random.Generator, hospital: Integers, drg: Integers, mix: CaseMix, physicians: Physicians, year: int
) -> tuple[Integers, Integers]:
    """A procedure has an operating physician; half of the time a hospitalist attends, otherwise the surgeon."""
    at, keys = physicians.roster(year)
    services = len(mix.services)
    service = draw_grouped(rng.random(len(drg)), hospital * services + mix.service[drg], keys)
    ward = draw_grouped(rng.random(len(drg)), hospital * services + mix.services.index("hospitalist"), keys)
    surgical = mix.surgical[drg] & ~mix.of_kind("obstetric")[drg]
    attending = np.where(surgical & (rng.random(len(drg)) < 0.45), at[ward], at[service])
    return attending, np.where(mix.surgical[drg], at[service], NOBODY)


def _draw_dates(rng: np.random.Generator, quarter: Quarter, n: int) -> Integers:
    first = np.datetime64(quarter.start, "D").astype(np.int64)
    last = np.datetime64(quarter.end, "D").astype(np.int64)
    days = np.arange(first, last + 1)
    weights = _WEEKDAYS[(days + 3) % 7]  # 1970-01-01 was a Thursday
    return days[np.searchsorted(cumulative(weights), rng.random(n), side="right")]


def _give_birth(rng: np.random.Generator, stays: Stays, quarter: Quarter, mix: CaseMix) -> None:
    """A newborn's stay starts on the day of the delivery; a healthy one leaves with the mother."""
    newborn = np.flatnonzero(stays.mother != NOBODY)
    mother = stays.mother[newborn]
    born = stays.admit[mother] + np.where(stays.days[mother] >= 2, rng.random(len(newborn)) < 0.4, 0)
    days = stays.days[newborn]
    healthy = np.array(mix.profiles)[mix.profile[stays.drg[newborn]]] == "nursery"
    last = np.datetime64(quarter.end, "D").astype(np.int64)
    leaves = np.minimum(np.maximum(born + days, stays.discharge[mother]), last)
    stays.admit[newborn] = born
    stays.discharge[newborn] = np.where(healthy, stays.discharge[mother], leaves)
    stays.age[newborn] = 0

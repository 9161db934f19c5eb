"""The patients: people who come back, are transferred to another hospital, or are born there.

Belongs here: identity, and the links between stays that follow from it. Does not belong here: the content of a stay
(``stays``).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from hcip_pipeline.periods import Quarter
from hcip_pipeline.synthetic.case_mix import CaseMix
from hcip_pipeline.synthetic.hospitals import Hospitals
from hcip_pipeline.synthetic.quality_effects import QualityEffects
from hcip_pipeline.synthetic.stays import NOBODY, Dispositions, Stays
from hcip_pipeline.synthetic.streams import Flags, Integers, cumulative, draw_rows, stream

#: Payer codes: Medicare, Medicare Advantage, Medicaid, Medicaid managed care, commercial, HMO, Blue Cross, self-pay,
#: workers' compensation.
PAYERS = ("01", "15", "02", "14", "05", "12", "16", "08", "07")
_PAYER_SHARES = cumulative(
    np.array([
        [0, 0, 6.0, 47, 19, 12, 13, 3, 0],  # under 18
        [11, 1, 5, 32, 19, 12, 15, 4, 1],  # 18 to 64
        [67, 22, 2, 0, 5, 0, 4, 0, 0],  # 65 and over
    ])
)  # fmt: skip
_MEDICAID_MANAGED_CARE = 3

_OUT_OF_STATE = np.array([17325, 17268, 19711, 20002, 20011, 22201, 22302, 25401, 26505, 15501])

#: Days after a discharge on which people come back: half of them within the first ten.
_WITHIN_30 = 0.78
_AGE_BANDS = np.array([35, 50, 65, 75])
#: How long a discharge is remembered, and how much later than the drawn day a return may be.
_REMEMBERED_DAYS = 76
_SLACK_DAYS = 6

_SENT_ON = ("02", "05", "43", "66", "82")
_GONE = ("20", "30")


@dataclass(frozen=True)
class People:
    """The patient of each stay, one element per stay; ``number`` is the same for every stay of one person."""

    number: Integers
    birth: Integers
    sex: Integers
    zip_code: Integers
    payer: Integers
    is_transfer_in: Flags


@dataclass
class _Recent:
    """Discharges after which the patient may still return."""

    hospital: Integers
    key: Integers
    discharge: Integers
    account: Integers
    sent_on: Flags
    free: Flags
    early: Flags
    number: Integers
    birth: Integers
    zip_code: Integers
    payer: Integers


@dataclass
class Population:
    """The people of the state, from quarter to quarter."""

    hospitals: Hospitals
    mix: CaseMix
    dispositions: Dispositions
    seed: int
    effects: QualityEffects
    people: int = 0
    _recent: _Recent | None = field(default=None, repr=False)

    def admit(self, quarter: Quarter, stays: Stays, account: Integers) -> tuple[People, pl.DataFrame]:
        """Assign a patient to every stay.

        Returns:
            The people, and one row per stay that follows another (``kind`` is transfer or return): hospital_ccn and
            account_no of both, and days between.
        """
        rng = stream(self.seed, "patients", str(quarter))
        n = len(stays)
        new = self._newcomers(rng, stays)
        now = _Recent(
            hospital=stays.hospital,
            key=stays.sex * 8 + np.searchsorted(_AGE_BANDS, stays.age, side="right"),
            discharge=stays.discharge,
            account=account,
            sent_on=np.isin(stays.disposition, self._codes(*_SENT_ON)),
            free=(stays.age >= 18) & ~np.isin(stays.disposition, self._codes(*_GONE)),
            early=self._sent_home_early(quarter, stays),
            number=new.number,
            birth=new.birth,
            zip_code=new.zip_code,
            payer=new.payer,
        )
        pool = now if self._recent is None else _join(self._recent, now)
        first = len(pool.hospital) - n
        parent = np.full(n, NOBODY)
        moved = self._link_transfers(rng, stays, pool, first, parent)
        spared = self._link_planted(quarter, stays, pool, first, parent)
        self._link_returns(rng, stays, pool, first, parent, spared)
        _follow(pool, first, parent)

        people = People(
            pool.number[first:], pool.birth[first:], stays.sex, pool.zip_code[first:], pool.payer[first:], moved
        )
        later = np.flatnonzero(parent != NOBODY)
        links = self._describe(pool, first, parent, later, moved, stays)
        last = int(stays.discharge.max(initial=0))
        keep = pool.free & (pool.discharge > last - _REMEMBERED_DAYS)
        self._recent = _Recent(**{name: values[keep] for name, values in vars(pool).items()})
        return people, links

    def _codes(self, *codes: str) -> list[int]:
        return [self.dispositions.codes.index(code) for code in codes if code in self.dispositions.codes]

    def _newcomers(self, rng: np.random.Generator, stays: Stays) -> People:
        """A new person for each stay; newborns share their mother's address and, except for Medicare, payer."""
        n = len(stays)
        newborn = stays.mother != NOBODY
        birth = stays.admit - np.where(newborn, 0, (stays.age * 1461) // 4 + rng.integers(0, 365, n))
        prefix = np.array([int(prefix) for prefix in self.hospitals.zip_prefix])
        zip_code = prefix[stays.hospital] * 100 + 1 + np.floor(45 * rng.random(n) * rng.random(n)).astype(np.int64)
        stranger = rng.random(n) < 0.03
        zip_code = np.where(stranger, _OUT_OF_STATE[rng.integers(0, len(_OUT_OF_STATE), n)], zip_code)
        payer = draw_rows(rng.random(n), (stays.age >= 18).astype(np.int64) + (stays.age >= 65), _PAYER_SHARES)
        mother = np.where(newborn, stays.mother, np.arange(n))
        payer = np.where(newborn & (payer[mother] < 2), _MEDICAID_MANAGED_CARE, payer[mother])
        number = self.people + np.arange(n)
        self.people += n
        return People(number, birth, stays.sex, zip_code[mother], payer, np.zeros(n, dtype=bool))

    def _link_transfers(
        self, rng: np.random.Generator, stays: Stays, pool: _Recent, first: int, parent: Integers
    ) -> Flags:
        """Patients who were sent on are admitted to another of the state's hospitals on the same or the next day."""
        moved = np.zeros(len(stays), dtype=bool)
        may_receive = (stays.age >= 18) & ~self.mix.of_kind("obstetric", "newborn")[stays.drg] & ~stays.is_scheduled
        may_receive &= stays.discharge > stays.admit  # so that a chain always moves on
        tiebreak = rng.random(len(stays))
        for days in (0, 1, 0, 1):
            index = np.flatnonzero(pool.free & pool.sent_on)
            taken = np.flatnonzero(may_receive & (parent == NOBODY))
            taken = taken[np.argsort(tiebreak[taken], kind="stable")]
            left = _ranked(pool.key[index] * 10**6 + pool.discharge[index] + days)
            right = _ranked(pool.key[first + taken] * 10**6 + stays.admit[taken])
            _, i, j = np.intersect1d(left, right, assume_unique=True, return_indices=True)
            source, target = index[i], taken[j]
            fits = (pool.hospital[source] != stays.hospital[target]) & (source != first + target)
            parent[target[fits]] = source[fits]
            moved[target[fits]] = True
            pool.free[source[fits]] = False
            tiebreak = rng.random(len(stays))
        return moved

    def _sent_home_early(self, quarter: Quarter, stays: Stays) -> Flags:
        if not self.effects.applies_in(quarter.year):
            return np.zeros(len(stays), dtype=bool)
        responsible = np.where(self.mix.surgical[stays.drg], stays.operating, stays.attending)
        return self.effects.sent_home_early(self.seed, str(quarter), responsible)

    def _may_return(self, stays: Stays) -> Flags:
        return ~(self.mix.of_kind("obstetric", "newborn")[stays.drg] | (stays.age < 18))

    def _link_planted(self, quarter: Quarter, stays: Stays, pool: _Recent, first: int, parent: Integers) -> Flags:
        """Link the returns of patients sent home too early; returns the admissions planted as no one's return."""
        if not self.effects.applies_in(quarter.year):
            return np.zeros(len(stays), dtype=bool)
        rng = stream(self.seed, "planted returns", str(quarter))
        rows = np.flatnonzero(self._may_return(stays) & ~stays.is_scheduled & (parent == NOBODY))
        days = 1 + np.floor(14 * rng.random(len(rows))).astype(np.int64)
        found = _latest_before(
            pool.key, pool.discharge, pool.free & pool.early & ~pool.sent_on,
            pool.key[first + rows], stays.admit[rows] - days,
        )  # fmt: skip
        fits = (found != NOBODY) & (found != first + rows)
        parent[rows[fits]] = found[fits]
        pool.free[found[fits]] = False
        return self.effects.returns_spared(self.seed, str(quarter), stays.hospital)

    def _link_returns(
        self, rng: np.random.Generator, stays: Stays, pool: _Recent, first: int, parent: Integers, spared: Flags
    ) -> None:
        """Some admissions are of people who were discharged some days earlier, mostly from the same hospital."""
        n = len(stays)
        kinds = self.mix.of_kind("medical", "behavioral")[stays.drg]
        chance = np.where(kinds, 0.20 + 0.03 * stays.severity, 0.09)
        chance = np.where(stays.is_scheduled, 0.05, chance)
        chance = np.where(self._may_return(stays), chance, 0.0)
        comes_back = (rng.random(n) < chance) & (parent == NOBODY) & ~spared
        elsewhere = rng.random(n) < 0.22
        for attempt in range(4):
            u = rng.random(n)
            days = np.where(rng.random(n) < _WITHIN_30, 1 + np.floor(25 * u * u), 24 + np.floor(40 * u))
            rows = np.flatnonzero(comes_back & (parent == NOBODY))
            same = ~elsewhere[rows] if attempt < 2 else np.zeros(len(rows), dtype=bool)
            for of_same in (True, False):
                some = rows[same == of_same]
                place, places = (pool.hospital, stays.hospital[some]) if of_same else (0, 0)
                index_key = pool.key + 1000 * place
                found = _latest_before(
                    index_key, pool.discharge, pool.free & ~pool.sent_on,
                    pool.key[first + some] + 1000 * places, stays.admit[some] - days[some].astype(np.int64),
                )  # fmt: skip
                fits = found != NOBODY
                parent[some[fits]] = found[fits]
                pool.free[found[fits]] = False

    def _describe(
        self, pool: _Recent, first: int, parent: Integers, later: Integers, moved: Flags, stays: Stays
    ) -> pl.DataFrame:
        ccn = np.array(self.hospitals.ccn)
        earlier = parent[later]
        return pl.DataFrame(
            {
                "kind": np.where(moved[later], "transfer", "return"),
                "hospital_ccn": ccn[pool.hospital[earlier]],
                "account_no": pool.account[earlier].astype(str),
                "next_hospital_ccn": ccn[stays.hospital[later]],
                "next_account_no": pool.account[first + later].astype(str),
                "days_between": stays.admit[later] - pool.discharge[earlier],
            }
        )


def _join(earlier: _Recent, later: _Recent) -> _Recent:
    return _Recent(**{name: np.concatenate((values, getattr(later, name))) for name, values in vars(earlier).items()})


def _follow(pool: _Recent, first: int, parent: Integers) -> None:
    """Give each stay that follows another the person of the first stay in its chain."""
    root = np.arange(len(pool.hospital))
    linked = np.flatnonzero(parent != NOBODY)
    root[first + linked] = parent[linked]
    while not np.array_equal(root, root[root]):
        root = root[root]
    for name in ("number", "birth", "zip_code", "payer"):
        setattr(pool, name, getattr(pool, name)[root])


def _ranked(keys: Integers) -> Integers:
    """``keys`` made unique by the rank among equal ones, in order."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    rank = np.empty(len(keys), dtype=np.int64)
    rank[order] = np.arange(len(keys)) - np.searchsorted(ordered, ordered, side="left")
    return keys * 10**5 + rank


def _latest_before(keys: Integers, days: Integers, free: Flags, wanted: Integers, day: Integers) -> Integers:
    """For each wanted key and day, a free element of that key on the day or just before it; each is used only once."""
    rows = np.flatnonzero(free)
    code = keys[rows] * 10**6 + days[rows]
    order = np.argsort(code, kind="stable")
    rows, code = rows[order], code[order]
    found = np.full(len(wanted), NOBODY)
    if not len(rows):
        return found
    goal = wanted * 10**6 + day
    at = np.maximum(np.searchsorted(code, goal, side="right") - 1, 0)
    near = (code[at] <= goal) & (goal - code[at] <= _SLACK_DAYS)
    candidates = np.flatnonzero(near)
    _, chosen = np.unique(at[candidates], return_index=True)
    found[candidates[chosen]] = rows[at[candidates[chosen]]]
    return found

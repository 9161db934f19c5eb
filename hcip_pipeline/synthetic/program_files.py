"""``inbox/program/<period>``: reports of committees, the regulator and CMS, for every half-year with a program.

Belongs here: the invented reports and what was planted in them. Does not belong here: ``payments``, which no one can
report before the period is settled.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from hcip_pipeline.contracts import program as contracts
from hcip_pipeline.contracts.table import Table
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.policy.protocol import MEETINGS_PER_HALF_YEAR
from hcip_pipeline.synthetic.abstracts import money
from hcip_pipeline.synthetic.case_mix import DATA
from hcip_pipeline.synthetic.files import write_contract, write_csv
from hcip_pipeline.synthetic.hospitals import Hospitals
from hcip_pipeline.synthetic.physicians import Physicians
from hcip_pipeline.synthetic.protocols import Program
from hcip_pipeline.synthetic.streams import Flags, Floats, Integers, exp, stream

#: Chance that a physician of each trend is a care partner: improving ones join more often.
_JOINS = np.array([0.80, 0.68, 0.55])
#: Approved amount under the fee schedule per stay, in cents, averaged over the stays of all payers.
_APPROVED_CENTS = 20_000
_SOURCES = ("Quality department", "Medical records", "Program survey")
_REASONS = (
    "Late quality reporting",
    "Peer review finding",
    "Incomplete documentation",
    "Committee decision on overlap",
)
#: Planted peculiarities of care partners, and their running shares.
_FATES = (
    ("JOINED_MID_PERIOD", 0.03), ("LEFT_MID_PERIOD", 0.045), ("SIGNED_LATE", 0.065), ("SCREENING_FAILED", 0.08),
    ("SCREENING_PENDING", 0.10), ("IDLE", 0.125),
)  # fmt: skip
_OTHER_PROGRAMS = ("Complex and Chronic Care Improvement Program", "Episode Care Improvement Program")


@dataclass(frozen=True)
class CarePartners:
    """The certified lists, one element per hospital and physician; dates are days from 1970-01-01, −1 for none.

    Attributes:
        stays: expected stays per year.
        planted: peculiarity of each, empty for most.
    """

    hospital: Integers
    physician: Integers
    stays: Floats
    start: Integers
    end: Integers
    signed: Integers
    screening: np.ndarray[tuple[int], np.dtype[np.str_]]
    idle: Flags
    planted: np.ndarray[tuple[int], np.dtype[np.str_]]


def certify(hospitals: Hospitals, physicians: Physicians, program: Program, last_year: int, seed: int) -> CarePartners:
    """Certify a good part of each hospital's physicians, from the hospital's first period on.

    A few join or leave in the middle of a period of the last year, sign late, fail the screening or do nothing.
    """
    rng = stream(seed, "care partners")
    candidate, place = physicians.at_physician, physicians.at_hospital
    eligible = pl.read_csv(DATA / "services.csv").get_column("joins").to_numpy() / 100
    wants = rng.random(len(candidate)) < _JOINS[physicians.trend[candidate]] * eligible[physicians.service[candidate]]
    wants &= physicians.active[candidate, -1]
    rows = np.flatnonzero(wants)
    hospital, physician = place[rows], candidate[rows]
    n = len(rows)
    starts = np.array([_day(period.start) for period in program.first_period])[hospital]
    u = rng.random(n)
    fate = np.searchsorted([share for _, share in _FATES], u, side="right")
    half = rng.integers(1, 3, n)
    middle = np.array([_day(dt.date(last_year, 3, 1)), _day(dt.date(last_year, 9, 1))])[half - 1]
    middle = middle + rng.integers(0, 40, n)
    begin = np.array([_day(dt.date(last_year, 1, 1)), _day(dt.date(last_year, 7, 1))])[half - 1]
    start = np.where(fate == 0, np.maximum(middle, starts + 20), starts)
    signed = np.where(fate == 0, start - 10, starts - rng.integers(15, 90, n))
    late = np.maximum(begin, starts) + rng.integers(5, 60, n)
    return CarePartners(
        hospital=hospital,
        physician=physician,
        stays=physicians.at_stays[rows],
        start=start,
        end=np.where((fate == 1) & (middle > starts + 20), middle, -1),
        signed=np.where(fate == 2, late, signed),
        screening=np.where(fate == 3, "failed", np.where(fate == 4, "pending", "cleared")),
        idle=fate == 5,
        planted=np.array([*(name for name, _ in _FATES), ""])[fate],
    )


@dataclass(frozen=True)
class ProgramState:
    """A state whose program files are written: its hospitals, physicians, programs and care partners."""

    hospitals: Hospitals
    physicians: Physicians
    program: Program
    partners: CarePartners
    seed: int


def write_program(
    folder: Path,
    truth: Path,
    state: ProgramState,
    periods: Sequence[PerformancePeriod],
) -> None:
    """Write each period's files, for the hospitals whose program has begun, and the list of planted care partners."""
    for period in periods:
        begun = np.array([first <= period for first in state.program.first_period])
        if begun.any():
            report = _Report(state, period, begun)
            for table, frame in report.tables():
                write_contract(folder / str(period), table, frame)
    special = pl.DataFrame(
        {
            "hospital_ccn": pl.Series(state.hospitals.ccn).gather(state.partners.hospital),
            "npi": pl.Series(state.physicians.npi).gather(state.partners.physician),
            "planted": state.partners.planted,
        }
    ).filter(pl.col("planted") != "")
    write_csv(truth / "care_partners.csv", special.sort("hospital_ccn", "npi"))


class _Report:
    """The files of one period."""

    def __init__(self, state: ProgramState, period: PerformancePeriod, begun: Flags) -> None:
        self.hospitals, self.physicians, self.program = state.hospitals, state.physicians, state.program
        self.partners = partners = state.partners
        self.period = period
        self.begun = np.flatnonzero(begun)
        self.seed = state.seed
        left = (partners.end >= 0) & (partners.end < _day(period.start))
        self.rows = np.flatnonzero(begun[partners.hospital] & (partners.start <= _day(period.end)) & ~left)
        self.listed = pl.DataFrame(
            {
                "hospital_ccn": pl.Series(self.hospitals.ccn).gather(partners.hospital[self.rows]),
                "npi": pl.Series(self.physicians.npi).gather(partners.physician[self.rows]),
            }
        )
        # One value per care partner, the same in all periods.
        character = stream(state.seed, "diligence").standard_normal(len(partners.hospital))
        self.diligence = np.clip(0.86 + 0.1 * character, 0.3, 0.99)

    def tables(self) -> tuple[tuple[Table, pl.DataFrame], ...]:
        return (
            (contracts.CARE_PARTNERS, self._care_partners()),
            (contracts.CONDITION_RESULTS, self._condition_results()),
            (contracts.INTERVENTION_ACTIVITY, self._intervention_activity()),
            (contracts.REDESIGN_RESULTS, self._redesign_results()),
            (contracts.COMMITTEE_ADJUSTMENTS, self._committee_adjustments()),
            (contracts.PFS_CAP_NOTICES, self._pfs_cap_notices()),
            (contracts.POOL_NOTICES, self._pool_notices()),
            (contracts.OTHER_PROGRAM_AMOUNTS, self._other_program_amounts()),
            (contracts.COMMITTEE_MEETINGS, self._committee_meetings()),
        )

    def _rng(self, what: str) -> np.random.Generator:
        return stream(self.seed, what, str(self.period))

    def _after(self, rng: np.random.Generator, count: int) -> pl.Series:
        """Report dates within the six weeks after the period."""
        return _dates(_day(self.period.end) + rng.integers(5, 45, count))

    def _care_partners(self) -> pl.DataFrame:
        rows, physicians = self.rows, self.physicians
        who = self.partners.physician[rows]
        end = self.partners.end[rows]
        end = np.where(end > _day(self.period.end), -1, end)  # not yet known when the list was certified
        return self.listed.with_columns(
            pl.Series("name", physicians.name).gather(who),
            pl.Series("tin", 890_000_000 + who * 97 % 10**6).cast(pl.String),
            pl.Series("specialty", physicians.specialty).gather(who),
            _dates(self.partners.start[rows]).alias("participation_start"),
            _dates(end).alias("participation_end"),
            _dates(self.partners.signed[rows]).alias("arrangement_signed"),
            pl.Series("screening_status", self.partners.screening[rows]),
            pl.lit(self.period.start - dt.timedelta(days=12)).alias("certified_on"),
        )

    def _per_partner(self, items: Sequence[Sequence[str]], name: str) -> tuple[pl.DataFrame, Integers]:
        """Every care partner with every item of their hospital, and the care partner of each row."""
        of = pl.DataFrame(
            {"hospital_ccn": self.hospitals.ccn, name: [list(ids) for ids in items]},
            schema={"hospital_ccn": pl.String, name: pl.List(pl.String)},
        )
        frame = (
            self.listed.with_columns(pl.Series("partner", self.rows))
            .join(of, on="hospital_ccn", how="left", maintain_order="left")
            .explode(name)
            .filter(pl.col(name).is_not_null())
        )
        return frame.drop("partner"), frame.get_column("partner").to_numpy()

    def _condition_results(self) -> pl.DataFrame:
        """Most are met; some results are blank, some are missing. Without a protocol there are no conditions."""
        rng = self._rng("condition results")
        ids = [
            [] if h == self.program.without_protocol else self.program.condition_ids(h)
            for h in range(len(self.hospitals))
        ]
        frame, partner = self._per_partner(ids, "condition_id")
        n = len(frame)
        u, v = rng.random(n), rng.random(n)
        met = pl.Series("met", np.where(u < self.diligence[partner], "Y", "N"))
        return frame.with_columns(
            met.set(pl.Series(v < 0.02), None),
            pl.Series("source", _SOURCES).gather(rng.integers(0, len(_SOURCES), n)),
            self._after(rng, n).alias("reported_on"),
        ).filter(pl.Series(rng.random(n) >= 0.015))

    def _intervention_activity(self) -> pl.DataFrame:
        rng = self._rng("intervention activity")
        frame, partner = self._per_partner(self.program.interventions, "intervention_id")
        n = len(frame)
        activities = np.floor(60 * rng.random(n) * rng.random(n)).astype(np.int64) + (rng.random(n) < 0.9)
        activities[self.partners.idle[partner]] = 0
        return frame.with_columns(pl.Series("activities", activities), self._after(rng, n).alias("reported_on")).filter(
            pl.Series(rng.random(n) >= 0.03)
        )

    def _redesign_results(self) -> pl.DataFrame:
        """Tracked results of each hospital's interventions: shares that rise slowly, some quarters unreported."""
        rng = self._rng("redesign results")
        tracked = [list(ids) for ids in self.program.interventions]
        frame = (
            pl.DataFrame(
                {"hospital_ccn": self.hospitals.ccn, "intervention_id": tracked},
                schema={"hospital_ccn": pl.String, "intervention_id": pl.List(pl.String)},
            )
            .filter(pl.col("hospital_ccn").is_in(pl.Series(self.hospitals.ccn).gather(self.begun).implode()))
            .explode("intervention_id")
            .filter(pl.col("intervention_id").is_not_null())
            .with_columns(pl.lit([str(quarter) for quarter in self.period.quarters]).alias("quarter"))
            .explode("quarter")
        )
        n = len(frame)
        asked = 40 + np.floor(260 * rng.random(n)).astype(np.int64)
        share = np.clip(0.62 + 0.05 * (self.period.year - 2023) + 0.2 * rng.standard_normal(n), 0.05, 1)
        return frame.with_columns(
            pl.lit("Eligible patients for whom it was completed").alias("measured"),
            pl.Series("numerator", np.floor(asked * share).astype(np.int64)),
            pl.Series("denominator", asked),
            self._after(rng, n).alias("reported_on"),
        ).filter(pl.Series(rng.random(n) >= 0.06))

    def _committee_adjustments(self) -> pl.DataFrame:
        rng = self._rng("committee adjustments")
        rows = np.flatnonzero(rng.random(len(self.listed)) < 0.03)
        n = len(rows)
        cents = -100 * rng.integers(1, 13, n) * 50
        return self.listed[rows].with_columns(
            money(cents).alias("adjustment_amount"),
            pl.Series("reason", _REASONS).gather(rng.integers(0, len(_REASONS), n)),
            pl.lit("Oversight Committee").alias("approved_by"),
            self._after(rng, n).alias("approved_on"),
        )

    def _pfs_cap_notices(self) -> pl.DataFrame:
        """Notices for most; the second half's covers the whole calendar year, the first half's only that half."""
        n = len(self.partners.hospital)
        rng = stream(self.seed, "fee schedule", str(self.period.year))
        expected = _APPROVED_CENTS * self.partners.stays * exp(0.6 * rng.standard_normal(n))
        year = np.rint(np.maximum(expected, 20_000)).astype(np.int64)
        is_reported = rng.random(n) < 0.93
        first_half = np.rint(year * (0.42 + 0.16 * rng.random(n))).astype(np.int64)
        some = is_reported[self.rows]
        amount = (first_half if self.period.half == 1 else year)[self.rows][some]
        return self.listed.filter(pl.Series(some)).with_columns(
            pl.lit(self.period.year).alias("calendar_year"),
            money(amount).alias("approved_amount"),
            pl.lit(self.period.end + dt.timedelta(days=62)).alias("notice_date"),
        )

    def _pool_notices(self) -> pl.DataFrame:
        """Notices for one hospital in three; in larger states, one of them is contested."""
        rng = self._rng("pool notices")
        chosen = self.begun[rng.random(len(self.begun)) < 0.34]
        n = len(chosen)
        cents = np.rint(90_000_000 * exp(0.6 * rng.standard_normal(n))).astype(np.int64)
        contested = (np.arange(n) == 0) & (len(self.begun) >= 8)
        return pl.DataFrame(
            {
                "hospital_ccn": pl.Series(self.hospitals.ccn).gather(chosen),
                "incentive_pool": money(cents),
                "contested": np.where(contested, "Y", "N"),
                "notice_date": self._after(rng, n),
            }
        )

    def _other_program_amounts(self) -> pl.DataFrame:
        rng = self._rng("other programs")
        shape = (len(self.begun), len(_OTHER_PROGRAMS), 2)
        place, which, kind = np.nonzero(rng.random(shape) < 0.22)
        cents = np.rint(1_500_000 * exp(0.8 * rng.standard_normal(len(place)))).astype(np.int64)
        return pl.DataFrame(
            {
                "hospital_ccn": pl.Series(self.hospitals.ccn).gather(self.begun[place]),
                "program": pl.Series(_OTHER_PROGRAMS).gather(which),
                "kind": pl.Series(("incentive", "intervention")).gather(kind),
                "amount": money(cents),
            }
        )

    def _committee_meetings(self) -> pl.DataFrame:
        """As many meetings as each protocol requires, evenly over the half-year."""
        rng = self._rng("committee meetings")
        numbers = np.array([MEETINGS_PER_HALF_YEAR[self.program.meetings[h]] for h in self.begun])
        place = np.repeat(np.arange(len(self.begun)), numbers)
        turn = np.arange(len(place)) - np.repeat(np.cumsum(numbers) - numbers, numbers)
        day = _day(self.period.start) + 180 * turn // numbers[place] + rng.integers(3, 25, len(place))
        present = rng.integers(4, 7, len(place))
        return pl.DataFrame(
            {
                "hospital_ccn": pl.Series(self.hospitals.ccn).gather(self.begun[place]),
                "met_on": _dates(day),
                "members_present": present,
                "physicians_present": np.minimum(present // 2 + rng.integers(0, 2, len(place)), 3),
            }
        )


def _day(day: dt.date) -> int:
    return (day - dt.date(1970, 1, 1)).days


def _dates(days: Integers) -> pl.Series:
    """Days from 1970-01-01 as dates; negative ones as null."""
    return (
        pl.DataFrame({"d": days.astype(np.int32)})
        .select(pl.when(pl.col("d") >= 0).then(pl.col("d").cast(pl.Date)))
        .to_series()
    )

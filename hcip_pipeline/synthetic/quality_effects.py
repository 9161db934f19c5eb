"""Effects on quality that are planted in a state's last year, and listed in ``truth/quality_effects.csv``.

Belongs here: which effects are planted, where, and their size. Does not belong here: drawing stays (``stays``), returns
(``patients``) and abstracts (``abstracts``), which take these effects into account.

There are three effects: a hospital that improves (fewer returns and fewer hospital-acquired conditions), a network
whose hospitals have fewer returns than their peers, and a physician who discharges too early (short stays, and patients
who come back).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from hcip_pipeline.synthetic.files import write_csv
from hcip_pipeline.synthetic.hospitals import Hospitals
from hcip_pipeline.synthetic.physicians import Physicians
from hcip_pipeline.synthetic.stays import NOBODY
from hcip_pipeline.synthetic.streams import Flags, Floats, Integers, stream

#: The network that does better than its peers, and the topic.
NETWORK, TOPIC = "LAN-03", "Care coordination"
#: Share of returns to a hospital, and of its hospital-acquired conditions, that do not happen.
_IMPROVING, _NETWORKED, _FEWER_CONDITIONS = 0.55, 0.4, 0.7
#: Factor on the days of the patients of the physician who discharges too early, and the share of them likely to return.
_DAYS_LEFT, _BACK_SOON = 0.4, 0.45
#: A service whose physicians have many stays.
_SERVICE = "Hospital Medicine"


@dataclass(frozen=True)
class QualityEffects:
    """The effects planted from ``year`` on; zeros and ``NOBODY`` if there are none.

    Attributes:
        fewer_returns, fewer_conditions: for each hospital, the share that does not happen.
        early: the physician who discharges too early.
    """

    year: int
    fewer_returns: Floats
    fewer_conditions: Floats
    early: int = NOBODY

    @classmethod
    def none(cls, hospitals: int) -> QualityEffects:
        """No effect at any hospital."""
        return cls(9999, np.zeros(hospitals), np.zeros(hospitals))

    def applies_in(self, year: int) -> bool:
        """Whether the effects apply in a year."""
        return year >= self.year

    def returns_spared(self, seed: int, quarter: str, hospital: Integers) -> Flags:
        """Which admissions, by hospital, are not a return though they would have been one."""
        return stream(seed, "returns spared", quarter).random(len(hospital)) < self.fewer_returns[hospital]

    def conditions_spared(self, seed: int, quarter: str, hospital: Integers) -> Flags:
        """Which stays, by hospital, have no hospital-acquired condition though they would have had one."""
        return stream(seed, "conditions spared", quarter).random(len(hospital)) < self.fewer_conditions[hospital]

    def sent_home_early(self, seed: int, quarter: str, physician: Integers) -> Flags:
        """Which stays end so early that the patient is likely to return."""
        ready = stream(seed, "sent home early", quarter).random(len(physician)) < _BACK_SOON
        return ready & (physician == self.early) & (self.early != NOBODY)


def plan_effects(
    hospitals: Hospitals,
    physicians: Physicians,
    members: Sequence[str],
    partners: Sequence[tuple[int, int]],
    years: Sequence[int],
) -> tuple[QualityEffects, Physicians]:
    """The effects of the last year, and the physicians, of whom the early one has shorter stays.

    A state with one year has no year to compare with, and one with two hospitals no peers: nothing is planted there.

    Args:
        members: hospitals of the network that does better than its peers.
        partners: (hospital, physician) of the care partners; the physician who discharges too early is one of them.
    """
    count = len(hospitals)
    if len(years) < 2 or count < 3:
        return QualityEffects.none(count), physicians
    networked = np.isin(hospitals.ccn, members)
    if networked.all():
        networked[:] = False
    improving = int(np.argmax(np.where(networked, 0.0, hospitals.volume)))
    fewer_returns = np.where(networked, _NETWORKED, 0.0)
    fewer_returns[improving] = _IMPROVING
    fewer_conditions = np.zeros(count)
    fewer_conditions[improving] = _FEWER_CONDITIONS
    early = _busiest(physicians, improving, partners)
    days = physicians.days_effect.copy()
    if early != NOBODY:
        days[early, -1] *= _DAYS_LEFT
    effects = QualityEffects(years[-1], fewer_returns, fewer_conditions, early)
    return effects, replace(physicians, days_effect=days)


def _busiest(physicians: Physicians, improving: int, partners: Sequence[tuple[int, int]]) -> int:
    """The busiest hospitalist who is a care partner, outside the improving hospital, active in the last two years."""
    specialty = np.array(physicians.specialty)[physicians.at_physician]
    fits = (specialty == _SERVICE) & (physicians.at_hospital != improving)
    fits &= physicians.active[physicians.at_physician, -1] & physicians.active[physicians.at_physician, -2]
    certified = set(partners)
    at = zip(physicians.at_hospital.tolist(), physicians.at_physician.tolist(), strict=True)
    fits &= np.array([pair in certified for pair in at])
    if not fits.any():
        return NOBODY
    return int(physicians.at_physician[np.argmax(np.where(fits, physicians.at_stays, -1.0))])


def record_quality_effects(
    truth: Path, hospitals: Hospitals, physicians: Physicians, effects: QualityEffects, members: Sequence[str]
) -> None:
    """Write ``quality_effects.csv``: one row per effect and hospital."""
    rows: list[tuple[str | int | None, ...]] = []
    improving = int(np.argmax(effects.fewer_conditions))
    for number in np.flatnonzero(effects.fewer_returns):
        ccn, share = hospitals.ccn[number], float(effects.fewer_returns[number])
        if ccn in members and number != improving:
            rows.append(("NETWORK_BEATS_PEERS", ccn, NETWORK, TOPIC, None, effects.year, f"{share:.2f} fewer returns"))
        if number == improving:
            fewer = float(effects.fewer_conditions[number])
            reported = f"{share:.2f} fewer returns, {fewer:.2f} fewer conditions"
            rows.append(("HOSPITAL_IMPROVES", ccn, None, None, None, effects.year, reported))
    if effects.early != NOBODY:
        at = hospitals.ccn[physicians.home[effects.early]]
        npi, reported = physicians.npi[effects.early], f"{_DAYS_LEFT:.2f} of the days, {_BACK_SOON:.2f} ready to return"
        rows.append(("DISCHARGES_TOO_EARLY", at, None, None, npi, effects.year, reported))
    names = ["effect", "hospital_ccn", "network_id", "topic", "npi", "from_year", "size"]
    schema = dict.fromkeys(names, pl.String) | {"from_year": pl.Int64}
    write_csv(truth / "quality_effects.csv", pl.DataFrame(rows, schema=schema, orient="row"))

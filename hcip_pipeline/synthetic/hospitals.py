"""The hospitals of the state: their size, services, cost and charges.

Belongs here: lasting facts about hospitals. Does not belong here: their stays, physicians and files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from hcip_pipeline.errors import UsageError
from hcip_pipeline.periods import Quarter
from hcip_pipeline.synthetic.case_mix import DATA, CaseMix
from hcip_pipeline.synthetic.streams import (
    Flags,
    Floats,
    Integers,
    cumulative_total,
    exp,
    largest_remainder,
    stream,
)

#: The minimum number of a hospital's discharges per quarter: below it, one more stay is a change of over 20%.
FEWEST_A_QUARTER = 12

#: Shares of a year's discharges by quarter: winter is busier.
_SEASONS = np.array([0.258, 0.248, 0.244, 0.250])

#: Rate centers with a row of their own in ``cost_factors``; the rest use the hospital's row ``ALL``.
RATED = ("MSG", "MIS", "OBS", "NUR", "OR", "IRC", "DEL", "EMG", "LAB", "RAD", "CAT", "RES", "PTH", "MSS", "CDS")


@dataclass(frozen=True)
class Hospitals:
    """One element for each hospital, ordered by CCN.

    Attributes:
        volume: share of the state's discharges.
        offers: hospitals × services.
        cost_effect, days_effect: factors on the cost and the days of every stay there.
        labor_market, ime, dsh: the regulator's adjustments, four decimals.
        markup: hospitals × (ALL, *RATED), charges over cost in the first rate year, 0 if there is no separate row.
        zip_prefix: first three digits of most patients' ZIP codes.
    """

    ccn: tuple[str, ...]
    name: tuple[str, ...]
    system: tuple[str, ...]
    volume: Floats
    offers: Flags
    cost_effect: Floats
    days_effect: Floats
    labor_market: Floats
    ime: Floats
    dsh: Floats
    markup: Floats
    zip_prefix: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ccn)

    def markup_in(self, rate_year: int) -> Floats:
        """``markup`` in a rate year, to four decimals: it rises by 0.4% per year."""
        return np.rint(self.markup * (1 + 0.004 * (rate_year - 2020)) * 10000) / 10000

    @property
    def adjustment(self) -> Floats:
        """The factor on the cost of the same care here, which the pipeline removes again (methodology §2)."""
        return self.labor_market * (1 + self.ime) * (1 + self.dsh)


def invented_hospitals() -> pl.DataFrame:
    """The hospitals that states are made of: none has a real hospital's name, number or county.

    ``ccn`` has Maryland's state code (21) and the facility type given by CMS's last four digits (State Operations
    Manual, section 2779A1), for rules that depend on either. CMS assigns numbers in order, and each of these is far
    above the highest of its range in Maryland: short-term hospitals from 210801 (real ones are below 210100),
    children's from 213390, psychiatric from 214490, federal from 21090F.

    Returns:
        One row per hospital in order of ``ccn``: the columns of the reference table, ``zip_prefix`` (first three digits
        of most patients' ZIP codes), and ``volume`` (relative discharges; null if it submits nothing).
    """
    text = dict.fromkeys(("ccn", "name", "acute", "county", "system", "zip_prefix"), pl.String)
    return pl.read_csv(DATA / "hospitals.csv", schema_overrides={**text, "volume": pl.Float64})


def choose_hospitals(mix: CaseMix, count: int, discharges_per_year: int, seed: int) -> Hospitals:
    """Choose ``count`` of the invented acute hospitals, evenly from large to small.

    If more are requested than there are acute ones, five others are included, whose cases count in no norm.

    Raises:
        UsageError: there are not that many hospitals, or so few discharges that a hospital's volume would be noise.
    """
    sending = invented_hospitals().drop_nulls("volume")
    known = sending.sort("volume", "ccn", descending=[True, False])
    acute = known.filter(pl.col("acute") == "Y")
    known = acute if count <= len(acute) else known
    if not 1 <= count <= len(known):
        raise UsageError(f"there are 1 to {len(sending)} hospitals, not {count}", fix=f"ask for at most {len(sending)}")
    chosen = known[((np.arange(count) + 0.5) * len(known) / count).astype(np.int64)]
    largest = np.argsort(-chosen["volume"].to_numpy(), kind="stable")
    rank = np.empty(count, dtype=np.int64)
    rank[largest] = np.arange(count)
    chosen = chosen.with_columns(pl.Series("rank", rank)).sort("ccn")

    rng = stream(seed, "hospitals")
    volume = chosen["volume"].cast(pl.Float64).to_numpy() * exp(0.06 * rng.standard_normal(count))
    volume = volume / cumulative_total(volume)
    if volume.min() * discharges_per_year < 4.5 * FEWEST_A_QUARTER:
        needed = int(4.5 * FEWEST_A_QUARTER / volume.min()) + 1
        raise UsageError(
            f"{discharges_per_year:,} discharges a year are too few for {count} hospitals",
            fix=f"ask for at least {needed:,}, or for fewer hospitals",
        )
    return Hospitals(
        ccn=tuple(chosen["ccn"]),
        name=tuple(chosen["name"]),
        system=tuple(chosen["system"].fill_null("")),
        volume=volume,
        offers=_offers(mix.services, chosen["rank"].to_numpy(), rng),
        cost_effect=exp(0.05 * rng.standard_normal(count)),
        days_effect=exp(0.04 * rng.standard_normal(count)),
        labor_market=_four(0.95 + 0.12 * rng.random(count)),
        ime=_four(np.where(chosen["rank"].to_numpy() < count * 0.4, 0.02 + 0.12 * rng.random(count), 0)),
        dsh=_four(0.005 + 0.06 * rng.random(count)),
        markup=_markups(count, rng),
        zip_prefix=tuple(chosen["zip_prefix"]),
    )


def quarterly_volumes(
    hospitals: Hospitals, discharges_per_year: int, quarters: Sequence[Quarter], seed: int
) -> Integers:
    """Discharges, quarters × hospitals: a year's add up to ``discharges_per_year``; none changes by 20% in a year."""
    volumes = []
    for quarter in quarters:
        ends = np.rint(np.cumsum(np.concatenate(([0.0], _SEASONS))) * discharges_per_year).astype(np.int64)
        total = int(ends[quarter.number] - ends[quarter.number - 1])
        noise = exp(0.02 * np.clip(stream(seed, "volumes", str(quarter)).standard_normal(len(hospitals)), -2, 2))
        volumes.append(largest_remainder(total, hospitals.volume * noise))
    return np.array(volumes)


def local_mix(hospitals: Hospitals, mix: CaseMix, seed: int) -> Floats:
    """Weight of each APR-DRG at each hospital (hospitals × APR-DRGs): 0 if its service is not offered."""
    taste = exp(0.2 * stream(seed, "local mix").standard_normal((len(hospitals), len(mix.apr_drg))))
    return mix.weight * taste * hospitals.offers[:, mix.service]


def _offers(services: tuple[str, ...], rank: Integers, rng: np.random.Generator) -> Flags:
    """The larger a hospital, the more it offers; the two largest offer everything."""
    share = pl.read_csv(DATA / "services.csv").get_column("offered_by").to_numpy() / 100
    place = (rank[:, None] + 0.5 + 1.5 * (rng.random((len(rank), len(services))) - 0.5)) / len(rank)
    offers = place < share
    return offers | (rank < 2)[:, None] | (share >= 1)


def _markups(count: int, rng: np.random.Generator) -> Floats:
    own = 1.16 + 0.26 * rng.random((count, 1))
    rated = own * (0.93 + 0.16 * rng.random((count, len(RATED))))
    rated[rng.random(rated.shape) < 0.08] = 0  # this hospital's row ALL covers that rate center, too
    return np.hstack((own, rated))


def _four(values: Floats) -> Floats:
    return np.rint(values * 10000) / 10000

"""Charge lines: a stay's cost spread over revenue codes, marked up by rate center.

Belongs here: from the cost of a stay to the hospital's charges. Does not belong here: the way back (methodology §2),
which is the pipeline's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from hcip_pipeline.periods import Quarter, rate_year
from hcip_pipeline.synthetic.case_mix import DATA, CaseMix
from hcip_pipeline.synthetic.hospitals import RATED, Hospitals
from hcip_pipeline.synthetic.stays import Stays
from hcip_pipeline.synthetic.streams import Floats, Integers, stream

DAYS, ICU, EACH = "days", "icu", "each"

#: Yearly price increase by component: supplies and drugs rise faster.
YEARLY_RISE = {"core": 0.031, "supply_drug": 0.046, "total": 0.034}


def price_level(component: str, years: int) -> float:
    """Prices after ``years`` years, to four decimals, for ``cost_index`` and for charges."""
    level = 1.0
    for _ in range(abs(years)):
        level = level * (1 + YEARLY_RISE[component]) if years > 0 else level / (1 + YEARLY_RISE[component])
    return round(level, 4)


@dataclass(frozen=True)
class Profile:
    """The revenue codes of one kind of stay, one element per code.

    Attributes:
        share: weight in the stay's cost.
        presence: share of stays that have the code, at the lowest severity.
        step: increase of ``presence`` per severity.
    """

    code: Integers
    share: Integers
    presence: Floats
    step: Floats
    unit: tuple[str, ...]


@dataclass(frozen=True)
class ChargeMaster:
    """Revenue codes with their rate center and component, and a profile for each kind of stay."""

    revenue_code: tuple[str, ...]
    rate: Integers
    is_supply: np.ndarray[tuple[int], np.dtype[np.bool_]]
    profiles: tuple[Profile, ...]

    @classmethod
    def load(cls, reference: Mapping[str, pl.DataFrame], mix: CaseMix) -> ChargeMaster:
        """Load the profiles; rate centers come from the reference table (the narrowest range wins)."""
        table = pl.read_csv(DATA / "charge_profiles.csv", schema_overrides={"revenue_code": pl.String})
        codes = table.get_column("revenue_code").unique().sort()
        ranges = reference["revenue_codes"].with_columns(
            width=pl.col("revenue_code_to").cast(pl.Int64) - pl.col("revenue_code_from").cast(pl.Int64)
        )
        mapped = (
            pl.DataFrame({"code": codes})
            .join_where(
                ranges, pl.col("code") >= pl.col("revenue_code_from"), pl.col("code") <= pl.col("revenue_code_to")
            )
            .sort("code", "width")
            .unique("code", keep="first", maintain_order=True)
            .join(reference["rate_centers"], on="rate_center", maintain_order="left")
        )
        if mapped["code"].to_list() != codes.to_list():
            raise ValueError("a revenue code of the charge profiles has no rate center")
        profiles = []
        for name in mix.profiles:
            rows = table.filter(pl.col("profile") == name)
            profiles.append(
                Profile(
                    code=np.searchsorted(codes.to_numpy().astype(str), rows["revenue_code"].to_numpy().astype(str)),
                    share=rows["share"].to_numpy(),
                    presence=rows["presence"].cast(pl.Float64).to_numpy() / 100,
                    step=rows["step"].cast(pl.Float64).to_numpy() / 100,
                    unit=tuple(rows["unit"]),
                )
            )
        rates = [RATED.index(center) + 1 if center in RATED else 0 for center in mapped["rate_center"]]
        return cls(tuple(codes), np.array(rates), (mapped["component"] == "supply_drug").to_numpy(), tuple(profiles))


@dataclass(frozen=True)
class Charges:
    """Charge lines ordered by stay and revenue code, and each stay's totals, in cents."""

    stay: Integers
    code: Integers
    service_date: Integers
    units: Integers
    charge: Integers
    total_charges: Integers
    reported_cost: Integers


def draw_charges(
    quarter: Quarter, stays: Stays, hospitals: Hospitals, mix: CaseMix, master: ChargeMaster, first_year: int, seed: int
) -> Charges:
    """The charge lines of a quarter's stays."""
    rng = stream(seed, "charges", str(quarter))
    own = hospitals.markup_in(rate_year(quarter.start))
    own = np.where(own > 0, own, own[:, :1])  # a rate center without its own row is charged by the row ALL
    years = quarter.year - first_year
    level = np.where(master.is_supply, price_level("supply_drug", years), price_level("core", years))
    profile_of = mix.profile[stays.drg]
    parts = []
    for number, profile in enumerate(master.profiles):
        rows = np.flatnonzero(profile_of == number)
        if len(rows):
            parts.append(_lines(rng, rows, profile, stays, mix))
    stay, code, date, units, cost = (np.concatenate(part) for part in zip(*parts, strict=True))
    order = np.argsort(stay * len(master.revenue_code) + code, kind="stable")
    stay, code, date, units, cost = stay[order], code[order], date[order], units[order], cost[order]

    hospital = stays.hospital[stay]
    book = np.rint(cost * level[code] * hospitals.adjustment[hospital] * 100)
    charge = np.maximum(np.rint(book * own[hospital, master.rate[code]]), 1).astype(np.int64)
    starts = np.searchsorted(stay, np.arange(len(stays)))
    return Charges(
        stay,
        code,
        date,
        units,
        charge,
        np.add.reduceat(charge, starts),
        np.add.reduceat(book.astype(np.int64), starts),
    )


def _lines(
    rng: np.random.Generator, rows: Integers, profile: Profile, stays: Stays, mix: CaseMix
) -> tuple[Integers, Integers, Integers, Integers, Floats]:
    """Stay, code, date, units and cost of the lines of the stays of one profile."""
    shape = (len(rows), len(profile.code))
    presence = profile.presence + stays.severity[rows][:, None] * profile.step
    present = rng.random(shape) < presence
    present[~present.any(axis=1), int(np.argmax(profile.share))] = True

    # Integer weights, so that their sum does not depend on the order.
    days = stays.days[rows]
    longer = np.clip(days / mix.days[stays.drg[rows], stays.severity[rows]], 0.3, 4.0)
    by_day = np.array([unit != EACH for unit in profile.unit])
    weight = profile.share * rng.integers(40, 161, shape)
    weight = np.where(by_day, np.rint(weight * longer[:, None]).astype(np.int64), weight)
    weight = np.where(present, weight, 0)
    at, column = np.nonzero(present)
    share = weight[at, column] / weight.sum(axis=1)[at]

    stay_days = days[at]
    u = rng.random(len(at))
    units = np.where(
        np.array([unit == DAYS for unit in profile.unit])[column],
        stay_days,
        np.where(
            np.array([unit == ICU for unit in profile.unit])[column],
            1 + np.floor(u * u * stay_days).astype(np.int64),
            1 + np.floor(5 * u * u * u).astype(np.int64) * (1 + stay_days // 4),
        ),
    )
    stay = rows[at]
    whole = np.array([unit == DAYS for unit in profile.unit])[column]
    within = np.floor(rng.random(len(at)) * (stays.discharge[stay] - stays.admit[stay] + 1)).astype(np.int64)
    date = stays.admit[stay] + np.where(whole, 0, within)
    return stay, profile.code[column], date, units, stays.cost[stay] * share

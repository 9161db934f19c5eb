"""``inbox/reference``: the state's own rates and lists; code tables are the shipped ones.

Belongs here: writing the values with which hospitals, charges and physicians were drawn. Does not belong here: drawing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from hcip_pipeline.contracts import reference as contracts
from hcip_pipeline.periods import Quarter, rate_year
from hcip_pipeline.synthetic.charges import YEARLY_RISE, price_level
from hcip_pipeline.synthetic.files import write_contract
from hcip_pipeline.synthetic.hospitals import RATED, Hospitals, invented_hospitals
from hcip_pipeline.synthetic.physicians import Physicians
from hcip_pipeline.synthetic.streams import Integers, stream

#: Professional fee forgone per day, by severity, in the first year, and its yearly rise.
_PER_DIEM = (56.0, 63.0, 71.0, 90.0)
_PER_DIEM_RISE = 0.012
#: The source of the rates, as given in their files.
_INVENTED = pl.lit("SYNTHETIC: invented with the state").alias("source")

#: id, name, kind, topic, share of the hospitals that are members, late start (0 or 1), years until it ends (0: no end).
_NETWORKS = (
    ("HEN-01", "Chesapeake Hospital Engagement Network", "HEN", "Adverse drug events", 0.5, 1, 2),
    ("HIIN-01", "Mid-Atlantic Improvement and Innovation Network", "HIIN", "Readmissions", 0.7, 0, 0),
    ("HIIN-01", "Mid-Atlantic Improvement and Innovation Network", "HIIN", "Sepsis", 0.4, 0, 0),
    ("QIN-07", "Potomac Quality Innovation Network", "QIN-QIO", "Care coordination", 0.6, 1, 0),
    ("LAN-03", "Bay Region Learning and Action Network", "LAN", "Care coordination", 0.35, 0, 3),
)


def write_references(
    folder: Path,
    hospitals: Hospitals,
    physicians: Physicians,
    care_partners: Integers,
    quarters: Sequence[Quarter],
    seed: int,
    odd_rate: tuple[str, float] | None = None,
) -> None:
    """Write ``hospitals``, ``cost_factors``, ``cost_index``, ``per_diem``, ``networks`` and ``excluded_individuals``.

    Args:
        care_partners: physicians who are care partners; at least one of the excluded individuals is among them.
        odd_rate: a rate center and its markup, added for every hospital and rate year.
    """
    years = range(quarters[0].year - 1, quarters[-1].year + 2)
    first = quarters[0].year
    write_contract(folder, contracts.COST_FACTORS, _cost_factors(hospitals, quarters, odd_rate).with_columns(_INVENTED))
    write_contract(
        folder,
        contracts.COST_INDEX,
        pl.DataFrame(
            [(year, name, f"{100 * price_level(name, year - first):.2f}") for year in years for name in YEARLY_RISE],
            schema=["calendar_year", "component", "index_value"],
            orient="row",
        ).with_columns(_INVENTED),
    )
    amounts = [
        (year, str(severity), f"{amount * (1 + _PER_DIEM_RISE * (year - first)):.2f}")
        for year in years
        for severity, amount in enumerate(_PER_DIEM, 1)
    ]
    fees = pl.DataFrame(amounts, schema=["year", "severity", "amount"], orient="row")
    write_contract(folder, contracts.PER_DIEM, fees.with_columns(_INVENTED))
    write_contract(folder, contracts.HOSPITALS, invented_hospitals().drop("zip_prefix", "volume"))
    write_contract(folder, contracts.NETWORKS, _networks(hospitals, first, seed))
    write_contract(
        folder, contracts.EXCLUDED_INDIVIDUALS, _excluded_individuals(physicians, care_partners, first, seed)
    )


def _excluded_individuals(physicians: Physicians, care_partners: Integers, first_year: int, seed: int) -> pl.DataFrame:
    """Some physicians of the state: all excluded before the first year, most of them still, some reinstated since."""
    rng = stream(seed, "excluded individuals")
    count = min(max(3, len(physicians) // 150), len(physicians))
    rows = rng.permutation(len(physicians))[:count]
    partners = rng.permutation(np.unique(care_partners))[: 1 + count // 3]
    rows = np.unique(np.concatenate((partners, rows[len(partners) :])))
    count = len(rows)
    days = rng.integers(60, 900, count)
    start = dt.date(first_year, 1, 1)
    effective = [start - dt.timedelta(days=int(day)) for day in days]
    back = (rng.random(count) < 0.34) & ~np.isin(rows, care_partners)
    reinstated = [
        day + dt.timedelta(days=int(n)) if b else None for day, n, b in zip(effective, days // 2, back, strict=True)
    ]
    return pl.DataFrame(
        {
            "npi": pl.Series(physicians.npi).gather(rows),
            "source": pl.Series(("LEIE", "SAM", "STATE")).gather(rng.integers(0, 3, count)),
            "effective_date": effective,
            "reinstated_date": pl.Series(reinstated, dtype=pl.Date),
        }
    )


def _cost_factors(
    hospitals: Hospitals, quarters: Sequence[Quarter], odd_rate: tuple[str, float] | None
) -> pl.DataFrame:
    centers = ("ALL", *RATED, *([odd_rate[0]] if odd_rate else []))
    shape = (len(hospitals), len(centers))
    frames = []
    for year in range(rate_year(quarters[0].start), rate_year(quarters[-1].start) + 2):
        own = hospitals.markup_in(year)
        markup = (np.insert(own, own.shape[1], odd_rate[1], axis=1) if odd_rate else own).ravel()
        frames.append(
            pl.DataFrame(
                {
                    "hospital_ccn": np.repeat(hospitals.ccn, shape[1]),
                    "rate_center": np.tile(centers, shape[0]),
                    "rate_year": np.full(len(markup), year),
                    "markup": markup,
                    "cost_to_charge": np.rint(10000 / np.maximum(markup, 0.1)) / 10000,
                    "labor_market": np.repeat(hospitals.labor_market, shape[1]),
                    "ime": np.repeat(hospitals.ime, shape[1]),
                    "dsh": np.repeat(hospitals.dsh, shape[1]),
                }
            ).filter(pl.col("markup") > 0)
        )
    four = pl.Decimal(18, 4)
    return pl.concat(frames).with_columns(
        pl.col("markup", "cost_to_charge", "labor_market", "ime", "dsh").round(4).cast(four)
    )


def network_members(hospitals: Hospitals, first_year: int, seed: int, network: str, topic: str) -> list[str]:
    """The hospitals that work with a network on a topic."""
    networks = _networks(hospitals, first_year, seed)
    mine = networks.filter((pl.col("network_id") == network) & (pl.col("topic") == topic))
    return mine.get_column("hospital_ccn").to_list()


def _networks(hospitals: Hospitals, first_year: int, seed: int) -> pl.DataFrame:
    rng = stream(seed, "networks")
    ccn = pl.Series(hospitals.ccn)
    frames = []
    for network, name, kind, topic, share, late, lasts in _NETWORKS:
        members = rng.random(len(hospitals)) < share
        members[int(rng.integers(0, len(hospitals)))] = True
        start = dt.date(first_year - 1 + late, 7 if late else 10, 1)
        end = dt.date(first_year + lasts, 9, 30) if lasts else None
        frames.append(
            pl.DataFrame({"hospital_ccn": ccn.filter(pl.Series(members))}).with_columns(
                pl.lit(network).alias("network_id"),
                pl.lit(name).alias("name"),
                pl.lit(kind).alias("kind"),
                pl.lit(topic).alias("topic"),
                pl.lit(start).alias("start"),
                pl.lit(end, dtype=pl.Date).alias("end"),
                pl.lit(max(1, round(share * len(hospitals) * 1.2))).alias("recruitment_goal"),
            )
        )
    return pl.concat(frames)

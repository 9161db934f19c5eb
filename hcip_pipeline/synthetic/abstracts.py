"""A quarter's stays as a hospital submits them: the tables ``discharges`` and ``charges``.

Belongs here: codes, texts and identifiers of the abstract, and the few cells that are missing in real ones. Does not
belong here: what happened in the stay (``stays``, ``patients``, ``charges``), and faults (``defects``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from hcip_pipeline.contracts.hospital import CHARGES, DISCHARGES
from hcip_pipeline.periods import Quarter
from hcip_pipeline.synthetic.case_mix import CaseMix
from hcip_pipeline.synthetic.charges import ChargeMaster, Charges
from hcip_pipeline.synthetic.comorbidities import Comorbidities
from hcip_pipeline.synthetic.hospitals import Hospitals
from hcip_pipeline.synthetic.patients import PAYERS, People
from hcip_pipeline.synthetic.physicians import Physicians
from hcip_pipeline.synthetic.quality_effects import QualityEffects
from hcip_pipeline.synthetic.stays import NOBODY, Dispositions, Stays
from hcip_pipeline.synthetic.streams import Flags, Floats, Integers, exactly, stream

#: Shares of stays with a missing cell: well below those at which the intake warns about a submission.
MISSING = {"patient_id": 0.004, "attending_npi": 0.003, "operating_npi": 0.008}

#: The grouper version of discharges from October 2024 on; each earlier October introduced the version one lower.
_NEWEST_GROUPER, _NEWEST_GROUPER_YEAR = 42, 2024
_OLDEST_GROUPER = 33


@dataclass(frozen=True)
class Scene:
    """The state's facts from which every quarter is written."""

    hospitals: Hospitals
    mix: CaseMix
    physicians: Physicians
    dispositions: Dispositions
    master: ChargeMaster
    comorbidities: Comorbidities
    effects: QualityEffects
    seed: int


def account_numbers(quarter: Quarter, stays: Stays) -> Integers:
    """Account numbers: two digits of the year, one of the quarter, and each hospital's stays numbered from 1."""
    starts = np.searchsorted(stays.hospital, stays.hospital, side="left")
    return (quarter.year % 100 * 10 + quarter.number) * 10**6 + 1 + np.arange(len(stays)) - starts


def grouper_version(quarter: Quarter) -> str:
    """The APR-DRG version in force: a new one each October."""
    years = quarter.year + (quarter.number == 4) - 1 - _NEWEST_GROUPER_YEAR
    return str(min(max(_NEWEST_GROUPER + years, _OLDEST_GROUPER), _NEWEST_GROUPER))


def write_discharges(
    scene: Scene, quarter: Quarter, stays: Stays, people: People, charges: Charges, account: Integers
) -> pl.DataFrame:
    """The table ``discharges`` of all hospitals, ordered by hospital and account number."""
    rng = stream(scene.seed, "abstracts", str(quarter))
    mix, n = scene.mix, len(stays)
    missing = _missing_cells(rng, scene, stays)
    codes = scene.comorbidities.draw(rng, mix.of_kind("obstetric")[stays.drg], mix.of_kind("newborn")[stays.drg], stays)
    hac_flags = codes.hac_flags
    if scene.effects.applies_in(quarter.year):
        hac_flags = hac_flags.set(
            pl.Series(scene.effects.conditions_spared(scene.seed, str(quarter), stays.hospital)), None
        )
    npi = pl.Series(scene.physicians.npi)
    mortality = np.clip(stays.severity + rng.integers(-1, 2, n) * (rng.random(n) < 0.4), 0, 3) + 1
    columns = {
        "hospital_ccn": pl.Series(scene.hospitals.ccn).gather(stays.hospital),
        "account_no": pl.Series(account).cast(pl.String),
        "patient_id": _patient_ids(people.number, scene.seed, missing["patient_id"]),
        "birth_date": _dates(people.birth),
        "sex": pl.Series(("F", "M", "U")).gather(stays.sex),
        "zip_code": pl.Series(people.zip_code).cast(pl.String).str.zfill(5),
        "admit_date": _dates(stays.admit),
        "discharge_date": _dates(stays.discharge),
        "nature_of_admission": _nature(rng, mix, stays),
        "source_of_admission": _source(rng, stays, people),
        "discharge_disposition": pl.Series(scene.dispositions.codes).gather(stays.disposition),
        "primary_payer": pl.Series(PAYERS).gather(people.payer),
        "attending_npi": npi.gather(_or_null(stays.attending, missing["attending_npi"])),
        "operating_npi": npi.gather(_or_null(stays.operating, missing["operating_npi"])),
        "principal_diagnosis": _pick(rng, mix.diagnoses, stays.drg),
        "diagnoses": codes.diagnoses,
        "procedures": _procedures(rng, mix, stays),
        "grouper_version": pl.repeat(grouper_version(quarter), n, eager=True),
        "apr_drg": pl.Series(mix.apr_drg).gather(stays.drg),
        "severity_of_illness": pl.Series(stays.severity + 1).cast(pl.String),
        "risk_of_mortality": pl.Series(mortality).cast(pl.String),
        "hac_flags": hac_flags,
        "total_charges": money(charges.total_charges),
        "reported_cost": money(charges.reported_cost),
    }
    return pl.DataFrame(columns).select(DISCHARGES.names)


def write_charges(scene: Scene, stays: Stays, charges: Charges, account: Integers) -> pl.DataFrame:
    """The table ``charges`` of all hospitals, ordered as ``discharges``."""
    columns = {
        "hospital_ccn": pl.Series(scene.hospitals.ccn).gather(stays.hospital[charges.stay]),
        "account_no": pl.Series(account).cast(pl.String).gather(charges.stay),
        "revenue_code": pl.Series(scene.master.revenue_code).gather(charges.code),
        "service_date": _dates(charges.service_date),
        "units": pl.Series(charges.units),
        "charge": money(charges.charge),
    }
    return pl.DataFrame(columns).select(CHARGES.names)


def money(cents: Integers) -> pl.Series:
    """Cents as dollars, exactly."""
    return (pl.Series(cents).cast(pl.Decimal(18, 2)) / 100).cast(pl.Decimal(18, 2))


def _dates(days: Integers) -> pl.Series:
    return pl.Series(days.astype(np.int32)).cast(pl.Date)


def _or_null(physicians: Integers, missing: Flags) -> pl.Series:
    """Row numbers to gather; a null gathers a null."""
    there = (physicians != NOBODY) & ~missing
    return pl.DataFrame({"p": physicians, "there": there}).select(pl.when("there").then("p")).to_series()


def _missing_cells(rng: np.random.Generator, scene: Scene, stays: Stays) -> dict[str, Flags]:
    """Which stays lack which cell: in no submission more than the share allows; small ones lack none."""
    missing = {}
    surgical = scene.mix.surgical[stays.drg]
    for column, share in MISSING.items():
        eligible = surgical if column == "operating_npi" else np.ones(len(stays), dtype=bool)
        counts = np.bincount(stays.hospital[eligible], minlength=len(scene.hospitals))
        flags = np.zeros(len(stays), dtype=bool)
        flags[exactly(rng, eligible, stays.hospital, np.floor(counts * share).astype(np.int64))] = True
        missing[column] = flags
    return missing


def _patient_ids(number: Integers, seed: int, missing: Flags) -> pl.Series:
    scrambled = (number * 7_368_787 + seed % 10**6 * 1_000_003) % 10**10
    ids = pl.DataFrame({"n": scrambled, "missing": missing})
    return ids.select(pl.when(~pl.col("missing")).then("P" + pl.col("n").cast(pl.String).str.zfill(10))).to_series()


def _nature(rng: np.random.Generator, mix: CaseMix, stays: Stays) -> pl.Series:
    u = rng.random(len(stays))
    nature = np.where(stays.is_scheduled, "5", np.where(u < 0.86, "3", np.where(u < 0.995, "4", "6")))
    nature = np.where(mix.is_delivery[stays.drg], "1", nature)
    nature = np.where(mix.of_kind("newborn")[stays.drg], "2", nature)
    return pl.Series(np.where(mix.of_kind("rehabilitation")[stays.drg], "8", nature))


def _source(rng: np.random.Generator, stays: Stays, people: People) -> pl.Series:
    """01 from home, 02 clinic, 04 another hospital, 05 nursing facility (newborns: born here), 06 other facility."""
    u = rng.random(len(stays))
    nursing = np.where(stays.age >= 75, 0.09, 0.01)
    source = np.where(u < nursing, "05", np.where(u < nursing + 0.08, "02", np.where(u > 0.99, "06", "01")))
    source = np.where(stays.mother != NOBODY, "05", source)
    return pl.Series(np.where(people.is_transfer_in, "04", source))


def _pick(rng: np.random.Generator, choices: tuple[tuple[str, ...], ...], rows: Integers) -> pl.Series:
    """One of the choices of each row, the first one most often; null if there is none."""
    sizes = np.array([len(choice) for choice in choices])
    starts = np.cumsum(sizes) - sizes
    u: Floats = rng.random(len(rows))
    at = starts[rows] + np.floor(u * u * sizes[rows]).astype(np.int64)
    picked = pl.DataFrame({"at": at, "some": sizes[rows] > 0}).select(pl.when("some").then("at")).to_series()
    return pl.Series([code for choice in choices for code in choice]).gather(picked)


def _procedures(rng: np.random.Generator, mix: CaseMix, stays: Stays) -> pl.Series:
    """The main procedure with its date: always for a procedural APR-DRG, else for one stay in three."""
    u = rng.random(len(stays))
    sooner = np.where(mix.surgical[stays.drg], u * u * u, u)
    day = stays.admit + np.floor(sooner * (stays.discharge - stays.admit + 1)).astype(np.int64)
    always = mix.surgical[stays.drg] | mix.is_delivery[stays.drg]
    return (
        pl.DataFrame(
            {
                "code": _pick(rng, mix.procedures, stays.drg),
                "day": _dates(day),
                "done": always | (rng.random(len(stays)) < 0.33),
            }
        )
        .select(pl.when("done").then(pl.col("code") + ":" + pl.col("day").cast(pl.String)))
        .to_series()
    )

"""Secondary diagnoses, and the complications that happen in a hospital.

Belongs here: ICD-10-CM codes other than the principal diagnosis. Does not belong here: the principal diagnosis
and procedures, which follow from the APR-DRG (``case_mix``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from hcip_pipeline.synthetic.case_mix import DATA
from hcip_pipeline.synthetic.stays import Stays
from hcip_pipeline.synthetic.streams import Flags, stream

#: Categories of hospital-acquired conditions, and a diagnosis that was not present on admission for each.
_COMPLICATIONS = {
    "HAC04": "L89153", "HAC05": "S72001A", "HAC06": "T83511A", "HAC07": "T80211A", "HAC08": "T8141XA",
    "HAC10": "I82401",
}  # fmt: skip
_COMPLICATION_RATE = np.array([0.0015, 0.005, 0.013, 0.03])

#: Kinds of patients, in the order of the sets.
_PATIENTS = ("adult", "obstetric", "newborn")
_SETS = 300


@dataclass(frozen=True)
class Diagnoses:
    """``diagnoses`` and ``hac_flags``, one element per stay."""

    diagnoses: pl.Series
    hac_flags: pl.Series


@dataclass(frozen=True)
class Comorbidities:
    """Ready-made sets of secondary diagnoses, by kind of patient (adult, obstetric, newborn) and severity."""

    sets: tuple[str, ...]

    @classmethod
    def prepare(cls, seed: int) -> Comorbidities:
        """Prepare the tables to draw from."""
        rng = stream(seed, "comorbidities")
        sets = []
        codes = pl.read_csv(DATA / "comorbidities.csv")
        for patients in _PATIENTS:
            # The front of a pool is frequent: ranks are drawn toward it.
            pool = codes.filter(pl.col("patients") == patients).get_column("code").to_list()
            for severity in range(4):
                for _ in range(_SETS):
                    few, many = severity, min(3 + 3 * severity, len(pool))
                    size = int(rng.integers(few, many + 1))
                    places = sorted({int(len(pool) * rng.random() * rng.random()) for _ in range(size)})
                    present = np.array(("Y", "N", "U"))[np.searchsorted((0.94, 0.97), rng.random(len(places)))]
                    sets.append("|".join(f"{pool[place]}:{poa}" for place, poa in zip(places, present, strict=True)))
        return cls(tuple(sets))

    def draw(self, rng: np.random.Generator, obstetric: Flags, newborn: Flags, stays: Stays) -> Diagnoses:
        """Secondary diagnoses by severity; a few stays have a complication, flagged and not present on admission."""
        n = len(stays)
        pool = np.where(newborn, 2, np.where(obstetric, 1, 0))
        chosen = (pool * 4 + stays.severity) * _SETS + rng.integers(0, _SETS, n)
        which = rng.integers(0, len(_COMPLICATIONS), n)
        complicated = (rng.random(n) < _COMPLICATION_RATE[stays.severity]) & ~newborn & ~obstetric
        frame = pl.DataFrame(
            {
                "listed": pl.Series(self.sets).gather(chosen),
                "flag": pl.Series(tuple(_COMPLICATIONS)).gather(which),
                "code": pl.Series(tuple(_COMPLICATIONS.values())).gather(which),
                "complicated": complicated,
            }
        )
        acquired = pl.when("complicated").then(pl.col("code") + ":N")
        both = pl.concat_str(pl.col("listed").replace("", None), acquired, separator="|", ignore_nulls=True)
        written = frame.select(
            pl.when(both != "").then(both).alias("diagnoses"), pl.when("complicated").then("flag").alias("hac_flags")
        )
        return Diagnoses(written["diagnoses"], written["hac_flags"])

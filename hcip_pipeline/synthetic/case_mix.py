"""The case mix of the state's hospitals: APR-DRGs with their frequency, severity, cost, stay, ages and codes.

Belongs here: the tables of ``data/`` that describe cases, as arrays. Does not belong here: drawing stays from them
(``stays``), and the meaning of APR-DRGs (the reference table).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from hcip_pipeline.synthetic.streams import Flags, Floats, Integers, cumulative

DATA = Path(__file__).parent / "data"

#: Factors of each severity on the cost and the days of severity 1, medical and procedural.
COST_BY_SEVERITY = {"M": (1.0, 1.28, 1.86, 3.5), "P": (1.0, 1.2, 1.75, 3.1)}
DAYS_BY_SEVERITY = {"M": (1.0, 1.25, 1.8, 3.0), "P": (1.0, 1.25, 2.0, 3.6)}
#: Spread of a cell's costs around its middle, as the standard deviation of their logarithm.
COST_SPREAD = {"M": 0.36, "P": 0.22}

#: Youngest, most frequent and oldest age of each group of patients.
AGES = {
    "newborn": (0, 0, 0), "infant": (0, 0, 4), "child": (1, 4, 17), "mother": (17, 29, 45), "young": (18, 33, 62),
    "any": (3, 45, 95), "middle": (22, 54, 82), "adult": (18, 64, 96), "elder": (42, 76, 101),
}  # fmt: skip

DELIVERIES = ("540", "541", "560")


@dataclass(frozen=True)
class CaseMix:
    """One element for each APR-DRG, in the order of the file."""

    apr_drg: tuple[str, ...]
    kind: tuple[str, ...]
    service: Integers
    profile: Integers
    surgical: Flags
    weight: Floats
    severity_shares: Floats
    cost: Floats
    days: Floats
    spread: Floats
    ages: Floats
    sex: tuple[str, ...]
    deaths: Floats
    scheduled: Floats
    diagnoses: tuple[tuple[str, ...], ...]
    procedures: tuple[tuple[str, ...], ...]
    services: tuple[str, ...]
    profiles: tuple[str, ...]

    def of_kind(self, *kinds: str) -> Flags:
        """Which APR-DRGs are of these kinds."""
        return np.isin(self.kind, kinds)

    @property
    def is_delivery(self) -> Flags:
        """Whether each APR-DRG is a delivery."""
        return np.isin(self.apr_drg, DELIVERIES)


def load_case_mix(reference: Mapping[str, pl.DataFrame]) -> CaseMix:
    """The case mix of ``data/case_mix.csv``; types (medical, procedural) come from the reference table."""
    types = reference["apr_drg"].unique("apr_drg", keep="last").select("apr_drg", "type")
    table = pl.read_csv(DATA / "case_mix.csv", schema_overrides={"apr_drg": pl.String}).join(
        types, on="apr_drg", how="left", maintain_order="left"
    )
    services = tuple(pl.read_csv(DATA / "services.csv").get_column("service"))
    profiles = tuple(table.get_column("profile").unique().sort())
    stream = table.get_column("type").to_list()
    severities = np.arange(4)

    def by_severity(first: str, factors: Mapping[str, tuple[float, ...]]) -> Floats:
        return np.array(
            [[value * factors[s][i] for i in severities] for value, s in zip(table[first], stream, strict=True)]
        )

    return CaseMix(
        apr_drg=tuple(table["apr_drg"]),
        kind=tuple(table["kind"]),
        service=np.array([services.index(s) for s in table["service"]]),
        profile=np.array([profiles.index(p) for p in table["profile"]]),
        surgical=np.array([s == "P" for s in stream]),
        weight=table["weight"].cast(pl.Float64).to_numpy(),
        severity_shares=cumulative(table.select("sev1", "sev2", "sev3", "sev4").cast(pl.Float64).to_numpy()),
        cost=by_severity("cost", COST_BY_SEVERITY),
        days=by_severity("days", DAYS_BY_SEVERITY),
        spread=np.array([COST_SPREAD[s] for s in stream]),
        ages=np.array([AGES[a] for a in table["ages"]], dtype=np.float64),
        sex=tuple(table["sex"]),
        deaths=table["deaths"].cast(pl.Float64).to_numpy() / 1000,
        scheduled=table["scheduled"].cast(pl.Float64).to_numpy() / 100,
        diagnoses=tuple(tuple(codes.split()) for codes in table["diagnoses"]),
        procedures=tuple(tuple((codes or "").split()) for codes in table["procedures"]),
        services=services,
        profiles=profiles,
    )

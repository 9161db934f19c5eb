"""What other readings of "responsible physician" would have paid: the whole settlement, norms included, for each.

Belongs here: the readings, and who gains and loses by them. Does not belong here: the policy's own reading.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import polars as pl
from scipy.stats import kendalltau

from hcip_pipeline.contracts import marts, run
from hcip_pipeline.home import Home
from hcip_pipeline.simulation.released_build import WITHOUT_COSTS, ReleasedBuild, with_norms_build
from hcip_pipeline.simulation.workbench import Workbench
from hcip_pipeline.warehouse.spec import BuildSpec

Progress = Callable[[str], None]

STATE = "STATE"
_KEY = ["hospital_ccn", "npi"]
#: Models that are asked for in the period's build.
TARGETS = (marts.INCENTIVES.name, marts.SAVINGS.name, marts.DISTRIBUTION_LIMITS.name)


@dataclass(frozen=True)
class Reading:
    """Another reading of methodology §4.

    Args:
        words: for a person.
        policy: keys of the policy that it sets.
        patches: model -> the query in its place.
    """

    words: str
    policy: Mapping[str, Any] = field(default_factory=dict)
    patches: Mapping[str, str] = field(default_factory=dict)


READINGS = {
    "attending": Reading(
        "the attending physician of every case",
        patches={"stg_discharges": "select * replace (attending_npi as operating_npi) from {model}"},
    ),
    "operating": Reading(
        "the operating physician of surgical cases, the attending one where there is none",
        policy={"surgical_fallback": "attending"},
    ),
    "undisputed": Reading(
        "without the cases whose attending and operating physicians differ",
        patches={
            "int_rule_exclusions": """
                select hospital_ccn, account_no, exclusion_reasons from {model}
                union all
                select hospital_ccn, account_no, ['PHYSICIANS_DIFFER'] from hcip.staging.stg_discharges
                where attending_npi <> operating_npi
                    and (hospital_ccn, account_no) not in (select (hospital_ccn, account_no) from {model})"""
        },
    ),
}


@dataclass(frozen=True)
class Attribution:
    """The readings beside the release.

    Attributes:
        hospitals: one row a reading and hospital, and the state: calculated incentive then, dollars moved (Σ of the
            changes' absolute values), Kendall's tau-b of the two rankings (4 places; empty where it is undefined), and
            how many care partners change between paid and unpaid, and how many their quartile.
        partners: one row a reading and care partner: cases and calculated incentive, as released and then.
    """

    hospitals: pl.DataFrame
    partners: pl.DataFrame


def other_readings(
    home: Home, released: ReleasedBuild, threads: int | None = None, progress: Progress = lambda _: None
) -> Attribution:
    """Settle the period of a release by every reading.

    Args:
        released: opened with :data:`TARGETS` among its targets.
    """
    frozen = run.FROZEN["frozen_norms"]

    def norms(bench: Workbench, spec: BuildSpec) -> dict[str, pl.DataFrame]:
        tables = {}
        for name, reading in READINGS.items():
            progress(f"norms: {reading.words}")
            then = replace(spec, policy=spec.policy.model_copy(update=dict(reading.policy)))
            bench.compute(then, {}, patches=reading.patches, kept=WITHOUT_COSTS)
            tables[name] = bench.table(marts.NORMS).select(frozen.names)
        return tables

    found = []
    for name, table in with_norms_build(home, released.policy, norms, threads, progress).items():
        reading = READINGS[name]
        progress(f"payments: {reading.words}")
        then = replace(released.spec, policy=released.policy.model_copy(update=dict(reading.policy)))
        given = {frozen.name: (frozen, table)}
        released.bench.compute(then, given, patches=reading.patches, kept=WITHOUT_COSTS)
        found.append(_compared(name, released.payments, released.bench.table(marts.INCENTIVES)))
    partners = pl.concat(found)
    return Attribution(_summed(partners), partners)


def _compared(name: str, before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """One row a care partner: the list of care partners is the hospital's, whoever was responsible."""
    cases = pl.col("medical_cases") + pl.col("surgical_cases")
    own = before.select(*_KEY, "name", cases.alias("cases"), pl.col("calculated_incentive").alias("calculated"))
    then = after.select(*_KEY, cases.alias("cases_then"), pl.col("calculated_incentive").alias("calculated_then"))
    return own.join(then, on=_KEY, validate="1:1").select(pl.lit(name).alias("reading"), pl.all()).sort(_KEY)


def _summed(partners: pl.DataFrame) -> pl.DataFrame:
    rows = []
    state = partners.with_columns(pl.lit(STATE).alias("hospital_ccn"))
    for (reading, ccn), own in [
        *partners.group_by(["reading", "hospital_ccn"], maintain_order=True),
        *state.group_by(["reading", "hospital_ccn"], maintain_order=True),
    ]:
        before, then = own["calculated"], own["calculated_then"]
        rows.append(
            {
                "reading": reading,
                "hospital_ccn": ccn,
                "care_partners": own.height,
                "calculated": before.sum(),
                "calculated_then": then.sum(),
                "dollars_moved": (then - before).abs().sum(),
                "rank_correlation": _tau(before, then),
                "now_unpaid": int(((before > 0) & (then == 0)).sum()),
                "now_paid": int(((before == 0) & (then > 0)).sum()),
                "other_quartile": int((_quartile(before) != _quartile(then)).sum()),
            }
        )
    money = dict.fromkeys(("calculated", "calculated_then", "dollars_moved"), pl.Decimal(18, 2))
    order = {name: place for place, name in enumerate(READINGS)}
    frame = pl.DataFrame(rows, schema_overrides=money | {"rank_correlation": pl.Decimal(5, 4)})
    is_state = pl.col("hospital_ccn") == STATE
    return frame.sort(pl.col("reading").replace_strict(order), is_state, "hospital_ccn")


def _tau(before: pl.Series, then: pl.Series) -> Decimal | None:
    """Kendall's tau-b; None where a ranking has only ties."""
    if before.n_unique() < 2 or then.n_unique() < 2:
        return None
    cents = [(series * 100).cast(pl.Int64).to_numpy() for series in (before, then)]
    return Decimal(repr(float(kendalltau(*cents).statistic))).quantize(Decimal("0.0001"), ROUND_HALF_UP)


def _quartile(amounts: pl.Series) -> pl.Series:
    """0 to 3, by rank; equal amounts share the higher rank."""
    return (amounts.rank("max") * 4 - 1).cast(pl.Int64) // len(amounts)

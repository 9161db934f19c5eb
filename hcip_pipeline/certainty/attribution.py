"""What other readings of "responsible physician" would have paid: the whole settlement, norms included, by each.

Belongs here: the readings, and who gains and loses by them. Does not belong here: the policy's own reading.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import polars as pl

from hcip_pipeline.certainty.bridge import PATCH, bridge_rows, cell_rows, grouped_cases, place_bridge, version_rows
from hcip_pipeline.certainty.bridge import READING as BRIDGE
from hcip_pipeline.certainty.ranges import STATE
from hcip_pipeline.contracts import certainty, marts, run
from hcip_pipeline.home.folders import Home
from hcip_pipeline.messages import Progress
from hcip_pipeline.policy.model import Policy
from hcip_pipeline.release.tables import write_parquet
from hcip_pipeline.settlement.norm_tables import norm_key
from hcip_pipeline.simulation.released_build import WITHOUT_COSTS, ReleasedBuild, with_norms_build
from hcip_pipeline.simulation.workbench import BUILD, Workbench
from hcip_pipeline.warehouse.project import project_digest
from hcip_pipeline.warehouse.spec import BuildSpec

_KEY = ["hospital_ccn", "npi"]
#: the models needed from the period's build
TARGETS = (marts.INCENTIVES.name, marts.SAVINGS.name, marts.DISTRIBUTION_LIMITS.name)


@dataclass(frozen=True)
class OtherReading:
    """Another reading of methodology §4.

    Args:
        words: its description.
        policy: the policy's keys that it sets.
        patches: model -> the query in its place.
    """

    words: str
    policy: Mapping[str, Any] = field(default_factory=dict)
    patches: Mapping[str, str] = field(default_factory=dict)


READINGS = {
    "attending": OtherReading(
        "the attending physician of every case",
        patches={"stg_discharges": "select * replace (attending_npi as operating_npi) from {model}"},
    ),
    "operating": OtherReading(
        "the operating physician of surgical cases, or the attending physician if there is none",
        policy={"surgical_fallback": "attending"},
    ),
    "undisputed": OtherReading(
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
    BRIDGE: OtherReading("base year and baseline grouped by the period's version", patches={"stg_discharges": PATCH}),
}
_GROUPED = "grouped_cases"
#: the period's dates for a base-year build: none of its cases is in the period
_NEVER = dt.date(1, 1, 1)


@dataclass(frozen=True)
class OtherReadings:
    """The results of settling by other readings.

    Attributes:
        partners: ``contracts.certainty.ATTRIBUTION``.
        grouper_cases: ``GROUPER_CASES``; None if one grouper version grouped every case.
        grouper_cells: ``GROUPER_CELLS``; None without a bridge.
    """

    partners: pl.DataFrame
    grouper_cases: pl.DataFrame | None = None
    grouper_cells: pl.DataFrame | None = None


@dataclass(frozen=True)
class _BaseYear:
    """The base year by other readings: its norms by each, and its cases by grouper version."""

    norms: dict[str, pl.DataFrame]
    grouped: pl.DataFrame


def other_readings(
    home: Home, released: ReleasedBuild, threads: int | None = None, progress: Progress = lambda _: None
) -> OtherReadings:
    """Settle the period of a build by every reading, and by the grouper bridge if there is one.

    Args:
        released: a build opened with :data:`TARGETS` among its targets.

    Raises:
        HcipError: the base year cannot be rebuilt, or a check of the project fails for a reading.
    """
    frozen, bench, period = run.FROZEN["frozen_norms"], released.bench, released.spec.name
    bridge = bridge_rows(home)
    window = released.spec.windows[0]
    base_year = _base_year(home, released.policy, bridge, threads, progress)
    place_bridge(bench, bridge, window.start, window.end)
    found = []
    for name, table in base_year.norms.items():
        reading = READINGS[name]
        progress(f"payments: {reading.words}")
        spec = replace(released.spec, policy=released.policy.model_copy(update=dict(reading.policy)))
        bench.compute(spec, {frozen.name: (frozen, table)}, patches=reading.patches, kept=WITHOUT_COSTS)
        found.append(_compared(period, name, released.payments, bench))
    versions = version_rows(bench, base_year.grouped, period)
    by_method = pl.col("norm_method") == released.policy.norm_method
    cells = None
    if BRIDGE in base_year.norms:
        own = bench.lake(frozen).filter(by_method)
        cells = cell_rows(own, base_year.norms[BRIDGE].filter(by_method), period)
    is_mixed = versions["grouper_version"].n_unique() > 1
    return OtherReadings(pl.concat(found), versions if is_mixed else None, cells)


def _base_year(home: Home, policy: Policy, bridge: pl.DataFrame, threads: int | None, progress: Progress) -> _BaseYear:
    """The base year by every reading; kept with its build, which serves all its periods."""
    frozen = run.FROZEN["frozen_norms"]
    wanted = [name for name in READINGS if name != BRIDGE or bridge.height]
    digest = hashlib.sha256(f"{project_digest()} {bridge.hash_rows(seed=0).sum()}".encode()).hexdigest()
    folder = home.warehouse / f"norms-{norm_key(policy)}" / "readings" / digest[:16]
    kept = {name: folder / f"{name}.parquet" for name in (*wanted, _GROUPED)}
    if all(path.is_file() for path in kept.values()):
        frames = {name: pl.read_parquet(path) for name, path in kept.items()}
        return _BaseYear({name: frames[name] for name in wanted}, frames[_GROUPED])

    def compute(bench: Workbench, spec: BuildSpec) -> _BaseYear:
        tables = {}
        place_bridge(bench, bridge, _NEVER, _NEVER)
        for name in wanted:
            progress(f"norms: {READINGS[name].words}")
            by_reading = replace(spec, policy=spec.policy.model_copy(update=dict(READINGS[name].policy)))
            bench.compute(by_reading, {}, patches=READINGS[name].patches, kept=WITHOUT_COSTS)
            tables[name] = bench.table(marts.NORMS).select(frozen.names)
        return _BaseYear(tables, grouped_cases(bench, "'base_year'"))

    found = with_norms_build(home, policy, compute, threads, progress)
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in {**found.norms, _GROUPED: found.grouped}.items():
        temporary = kept[name].with_suffix(f".{os.getpid()}.tmp")
        write_parquet(table, temporary)
        temporary.replace(kept[name])
    return found


def _compared(period: str, name: str, payments: pl.DataFrame, bench: Workbench) -> pl.DataFrame:
    """One row per care partner: the list of care partners is the hospital's, whichever physician was responsible."""
    cases = pl.col("medical_cases") + pl.col("surgical_cases")
    released = payments.select(*_KEY, cases.alias("cases"), "calculated_incentive")
    by_reading = bench.table(marts.INCENTIVES).select(
        *_KEY, cases.alias("cases_then"), pl.col("calculated_incentive").alias("calculated_then")
    )
    both = released.join(by_reading, on=_KEY, validate="1:1").join(_moved_cases(bench), on=_KEY, how="left")
    named = both.with_columns(
        pl.lit(period).alias("period"), pl.lit(name).alias("reading"), pl.col("cases_gained", "cases_lost").fill_null(0)
    )
    return named.select(certainty.ATTRIBUTION.names).sort(_KEY)


def _moved_cases(bench: Workbench) -> pl.DataFrame:
    """The number of cases that a care partner has only by the reading, and only as released."""
    released, by_reading = (
        f"(select hospital_ccn, npi, account_no from {place} where window_name = 'performance')"
        for place in (f"{BUILD}.intermediate.int_partner_cases", bench.place("intermediate", "int_partner_cases"))
    )
    return bench.connection.sql(
        f"""select hospital_ccn, npi,
            count(*) filter (where own.account_no is null) as cases_gained,
            count(*) filter (where moved.account_no is null) as cases_lost
        from {released} as own full join {by_reading} as moved using (hospital_ccn, npi, account_no)
        group by hospital_ccn, npi"""
    ).pl()


def reading_rows(partners: pl.DataFrame) -> pl.DataFrame:
    """Each reading by hospital and for the state: ``contracts.certainty.CERTAINTY_READINGS``."""
    rows = []
    state = partners.with_columns(pl.lit(STATE).alias("hospital_ccn"))
    for (reading, period, ccn), own in [
        *partners.group_by(["reading", "period", "hospital_ccn"], maintain_order=True),
        *state.group_by(["reading", "period", "hospital_ccn"], maintain_order=True),
    ]:
        released, by_reading = own["calculated_incentive"], own["calculated_then"]
        rows.append(
            {
                "hospital_ccn": ccn,
                "period": period,
                "reading": reading,
                "care_partners": own.height,
                "calculated_incentive": released.sum(),
                "calculated_then": by_reading.sum(),
                "dollars_moved": (by_reading - released).abs().sum(),
                "rank_correlation": _tau(released, by_reading),
                "now_unpaid": int(((released > 0) & (by_reading == 0)).sum()),
                "now_paid": int(((released == 0) & (by_reading > 0)).sum()),
                "other_quartile": int((_quartile(released) != _quartile(by_reading)).sum()),
            }
        )
    table = certainty.CERTAINTY_READINGS
    return pl.DataFrame(rows, schema=table.schema).sort(table.key)


def _tau(one: pl.Series, other: pl.Series) -> Decimal | None:
    """Kendall's tau-b; None if a ranking has only ties."""
    from scipy.stats import kendalltau  # takes longer to import than most commands take to run

    if one.n_unique() < 2 or other.n_unique() < 2:
        return None
    cents = [(series * 100).cast(pl.Int64).to_numpy() for series in (one, other)]
    return Decimal(repr(float(kendalltau(*cents).statistic))).quantize(Decimal("0.0001"), ROUND_HALF_UP)


def _quartile(amounts: pl.Series) -> pl.Series:
    """The quartile of each amount, 0 to 3, by how many amounts are less; all zeros are in the lowest."""
    return (amounts.rank("min").cast(pl.Int64) - 1) * 4 // len(amounts)

"""How sure the payments of a release are: reliability, the chance test, and an interval around each payment.

Belongs here: the figures and their tables. Does not belong here: drawing cases (``replicates``), variance components
(``reliability``).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, fields
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import polars as pl

from hcip_pipeline.certainty import replicates
from hcip_pipeline.certainty.attribution import STATE, TARGETS, other_readings
from hcip_pipeline.certainty.reliability import Components, components
from hcip_pipeline.home import Home
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.release.tables import write_csv
from hcip_pipeline.simulation.released_build import open_build

Progress = Callable[[str], None]

REPLICATES = 200
TABLES = ("reliability", "physicians", "hospitals", "partners", "attribution", "attribution_partners")
_PARTNER = ["hospital_ccn", "npi"]
_PLACES = 8
#: measure -> the figure of a case, and the weight of its cell
_MEASURES = {"cost": ("total_cost", "cost_weight"), "days": ("length_of_stay", "los_weight")}


@dataclass(frozen=True)
class Certainty:
    """What a release's figures rest on.

    Attributes:
        reliability: one row a stream and measure: cases, physicians, variance within and between them (of cost or days
            relative to the state's mean for the case's cell), cases for a reliability of 0.7.
        physicians: one row a care partner, stream and measure: cases and reliability, 4 places.
        hospitals: one row a hospital, and the state: calculated, what chance alone would have calculated (mean, 5th and
            95th percentile), and how many care partners lie above the 95th percentile of theirs; dollars.
        partners: one row a care partner: calculated, an interval around it from samples of the own cases, and what
            chance alone would have calculated; dollars.
        attribution, attribution_partners: other readings of the responsible physician (``attribution.Attribution``).
        is_synthetic: the release is of invented data.
    """

    period: str
    release: str
    replicates: int
    reliability: pl.DataFrame
    physicians: pl.DataFrame
    hospitals: pl.DataFrame
    partners: pl.DataFrame
    attribution: pl.DataFrame
    attribution_partners: pl.DataFrame
    is_synthetic: bool = False

    def as_dict(self) -> dict[str, Any]:
        """For JSON; money and ratios as text."""
        facts: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            is_table = isinstance(value, pl.DataFrame)
            facts[field.name] = json.loads(json.dumps(value.to_dicts(), default=str)) if is_table else value
        return facts

    def write(self, folder: Path) -> list[Path]:
        """The tables as CSV, in the place of earlier ones; the same release gives the same bytes."""
        folder.mkdir(parents=True, exist_ok=True)
        written = []
        for name in TABLES:
            written.append(folder / f"{name}.csv")
            write_csv(getattr(self, name), written[-1], is_synthetic=self.is_synthetic)
        return written


def assess(
    home: Home,
    period: PerformancePeriod,
    *,
    draws: int = REPLICATES,
    threads: int | None = None,
    progress: Progress = lambda _: None,
) -> Certainty:
    """Compute how sure the newest release of a period is.

    Args:
        draws: replicates of the chance test and of the intervals.

    Raises:
        HcipError: the period is not released, or its warehouse holds another build.
    """
    with open_build(home, period, (replicates.TARGET, *TARGETS), threads, progress) as released:
        bench, spec = released.bench, released.spec
        progress("reliability of physicians' figures")
        names = bench.connection.sql("select hospital_ccn, npi, name from hcip.intermediate.int_care_partners").pl()
        reliability, physicians = _reliability(bench.connection, names)
        calculated = bench.connection.sql(
            f"select hospital_ccn, npi, calculated_incentive from hcip.intermediate.{replicates.TARGET}"
        ).pl()
        replicates.prepare(bench)
        shuffled = replicates.shuffled(bench, spec, draws, progress)
        resampled = replicates.resampled(bench, spec, draws, progress)
        readings = other_readings(home, released, threads, progress)
        release, is_synthetic = released.folder.name, released.is_synthetic
    partners = (
        names.join(calculated, on=_PARTNER)
        .join(_spread(resampled, _PARTNER, "interval").drop("interval_mean"), on=_PARTNER)
        .join(_spread(shuffled, _PARTNER, "chance"), on=_PARTNER)
        .sort(_PARTNER)
    )
    return Certainty(
        str(period),
        release,
        draws,
        reliability,
        physicians,
        _hospitals(partners, shuffled),
        partners,
        readings.hospitals,
        readings.partners,
        is_synthetic,
    )


def percentile(ordered: list[int], share: Fraction) -> Decimal:
    """The percentile of whole cents by linear interpolation between order statistics (methodology §0), 2 places."""
    place = share * (len(ordered) - 1)
    below = place.numerator // place.denominator
    above = min(below + 1, len(ordered) - 1)
    return _cents(ordered[below] + (place - below) * (ordered[above] - ordered[below]))


def _cents(cents: Fraction) -> Decimal:
    return _rounded(cents / 100, 2)


def _rounded(value: Fraction, places: int) -> Decimal:
    """Half away from zero; ``value`` is never negative here."""
    return Decimal(int(value * 10**places + Fraction(1, 2))).scaleb(-places)


def _spread(draws: pl.DataFrame, key: list[str], name: str) -> pl.DataFrame:
    """Mean, 5th and 95th percentile of the replicates' sums for each key, dollars."""
    sums = draws.group_by([*key, "replicate"]).agg(pl.col("calculated_incentive").sum())
    cents = sums.with_columns((pl.col("calculated_incentive") * 100).cast(pl.Int64).alias("cents"))
    rows = []
    for *values, ordered in cents.group_by(key).agg(pl.col("cents").sort()).iter_rows():
        mean = _cents(Fraction(sum(ordered), len(ordered)))
        rows.append((*values, mean, percentile(ordered, Fraction(1, 20)), percentile(ordered, Fraction(19, 20))))
    schema = dict.fromkeys(key, pl.String()) | {
        f"{name}_{figure}": pl.Decimal(18, 2) for figure in ("mean", "low", "high")
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def _hospitals(partners: pl.DataFrame, shuffled: pl.DataFrame) -> pl.DataFrame:
    own = partners.group_by("hospital_ccn").agg(
        pl.len().alias("care_partners"),
        (pl.col("calculated_incentive") > pl.col("chance_high")).sum().alias("above_chance"),
        pl.col("calculated_incentive").sum(),
    )
    state = own.select(pl.lit(STATE).alias("hospital_ccn"), pl.exclude("hospital_ccn").sum())
    chance = _spread(shuffled, ["hospital_ccn"], "chance")
    of_state = _spread(shuffled.with_columns(pl.lit(STATE).alias("hospital_ccn")), ["hospital_ccn"], "chance")
    both = pl.concat([own.sort("hospital_ccn"), state]).join(
        pl.concat([chance, of_state]), on="hospital_ccn", maintain_order="left"
    )
    return both.with_columns((pl.col("calculated_incentive") - pl.col("chance_mean")).alias("difference"))


def _reliability(connection: Any, partners: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Variance components of each stream and measure, and the reliability of each care partner's own figure."""
    streams, physicians = [], []
    for measure, (figure, weight) in _MEASURES.items():
        # Relative to the state: figure ÷ (weight × mean), mean = Σ figure ÷ Σ weight of the stream (4 places).
        rows = connection.execute(
            f"""with cases as (
                select cases.npi, cases.stream, cast({figure} as decimal(18, 2)) as figure, norms.{weight} as weight
                from hcip.intermediate.int_counted_cases as cases
                inner join hcip.intermediate.int_norms_in_force as norms using (apr_drg, severity_of_illness)
                where window_name = 'performance' and npi is not null and norms.{weight} > 0
            )
            select stream, npi, list(cast(figure * 100 as hugeint)), list(cast(weight * 100000000 as hugeint))
            from cases group by stream, npi"""
        ).fetchall()
        for stream in sorted({row[0] for row in rows}):
            own = [row for row in rows if row[0] == stream]
            found = _components_of(own)
            unit = 10 ** (2 * _PLACES)
            streams.append(
                (stream, measure, found.cases, found.physicians, _rounded(found.within / unit, _PLACES),
                 _rounded(found.between / unit, _PLACES), found.cases_needed())
            )  # fmt: skip
            physicians += [
                (npi, stream, measure, len(figures), _rounded(found.reliability(len(figures)), 4))
                for _, npi, figures, _ in own
            ]
    variance = pl.Decimal(38, _PLACES)
    by_stream = pl.DataFrame(
        streams, orient="row",
        schema={"stream": pl.String, "measure": pl.String, "cases": pl.Int64, "physicians": pl.Int64,
                "variance_within": variance, "variance_between": variance, "cases_for_reliability_0_7": pl.Int64},
    )  # fmt: skip
    by_physician = pl.DataFrame(
        physicians, orient="row",
        schema={"npi": pl.String, "stream": pl.String, "measure": pl.String, "cases": pl.Int64,
                "reliability": pl.Decimal(5, 4)},
    )  # fmt: skip
    ordered = ["hospital_ccn", "npi", "name", "stream", "measure", "cases", "reliability"]
    return by_stream, partners.join(by_physician, on="npi").select(ordered).sort(ordered[:2] + ordered[3:5])


def _components_of(rows: list[tuple[str, str, list[int], list[int]]]) -> Components:
    """Components of figure ÷ (weight × mean), each case's ratio in whole units of 10⁻⁸."""
    figures, weights = sum(sum(row[2]) for row in rows), sum(sum(row[3]) for row in rows)
    if figures <= 0:
        return components({})
    mean = Fraction(int(Fraction(figures * 10**6, weights) * 10**4 + Fraction(1, 2)), 10**4)
    sums = {}
    for _, npi, own, cells in rows:
        ratios = [_units(figure, weight, mean) for figure, weight in zip(own, cells, strict=True)]
        sums[npi] = (len(ratios), sum(ratios), sum(ratio * ratio for ratio in ratios))
    return components(sums)


def _units(figure: int, weight: int, mean: Fraction) -> int:
    """figure ÷ (weight × mean) in units of 10⁻⁸, rounded half up; ``figure`` in hundredths, ``weight`` in 10⁻⁸."""
    numerator = figure * 10**6 * 10**_PLACES * mean.denominator
    denominator = weight * mean.numerator
    return (2 * numerator + denominator) // (2 * denominator)

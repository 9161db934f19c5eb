"""Physicians' figures relative to the state, and how reliable each is.

Belongs here: the sums that variance components are estimated from, and the table of reliability. Does not belong here:
the components themselves (``reliability``).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

import duckdb
import polars as pl

from hcip_pipeline.certainty.reliability import Components, components
from hcip_pipeline.contracts import certainty
from hcip_pipeline.policy.model import Policy

_PLACES = 8
#: measure -> the figure of a case, and the weight of its cell
_FIGURES = {"cost": ("total_cost", "cost_weight"), "days": ("length_of_stay", "los_weight")}

#: (stream, measure) -> variance components
StateComponents = Mapping[tuple[str, str], Components]


def physician_figures(connection: duckdb.DuckDBPyConnection, period: str, catalog: str = "") -> pl.DataFrame:
    """Sums of every responsible physician's cases in a build, as ``contracts.certainty.PHYSICIAN_FIGURES``.

    A case's figure is its cost (or days) ÷ (the weight of its cell × the state's mean of the stream), 8 places; the
    mean is Σ cost ÷ Σ weight, 4 places.

    Args:
        catalog: the build's catalog within the connection.
    """
    place = f"{catalog}." if catalog else ""
    sums: dict[tuple[str, str], dict[str, object]] = {}
    for measure, (figure, weight) in _FIGURES.items():
        rows = connection.execute(
            f"""with cases as (
                select cases.npi, cases.stream, cast({figure} as decimal(18, 2)) as figure, norms.{weight} as weight
                from {place}intermediate.int_counted_cases as cases
                inner join {place}intermediate.int_norms_in_force as norms using (apr_drg, severity_of_illness)
                where window_name = 'performance' and npi is not null and stream is not null and norms.{weight} > 0
            )
            select stream, npi, list(cast(figure * 100 as hugeint)), list(cast(weight * 100000000 as hugeint))
            from cases group by stream, npi order by stream, npi"""
        ).fetchall()
        for stream in certainty.STREAMS:
            own = [row for row in rows if row[0] == stream]
            figures, weights = sum(sum(row[2]) for row in own), sum(sum(row[3]) for row in own)
            if figures <= 0:
                continue
            mean = Fraction(int(Fraction(figures * 10**6, weights) * 10**4 + Fraction(1, 2)), 10**4)
            for _, npi, values, cells in own:
                ratios = [_units(value, cell, mean) for value, cell in zip(values, cells, strict=True)]
                row = sums.setdefault((stream, npi), {"cases": len(ratios)})
                row[f"{measure}_sum"] = Decimal(sum(ratios)).scaleb(-_PLACES)
                row[f"{measure}_squares"] = Decimal(sum(ratio * ratio for ratio in ratios)).scaleb(-2 * _PLACES)
    numbers: dict[str, int] = {}
    found = []
    for (stream, _), row in sorted(sums.items()):
        numbers[stream] = numbers.get(stream, 0) + 1
        found.append({"period": period, "stream": stream, "physician_number": numbers[stream], **row})
    table = certainty.PHYSICIAN_FIGURES
    return pl.DataFrame(found, schema=table.schema)


def _units(figure: int, weight: int, mean: Fraction) -> int:
    """figure ÷ (weight × mean) in units of 10⁻⁸, rounded half up; ``figure`` in hundredths, ``weight`` in 10⁻⁸."""
    numerator = figure * 10**6 * 10**_PLACES * mean.denominator
    denominator = weight * mean.numerator
    return (2 * numerator + denominator) // (2 * denominator)


def state_components(figures: pl.DataFrame) -> StateComponents:
    """Variance components of each stream and measure, in units of 10⁻¹⁶."""
    found = {}
    for (stream,), own in figures.group_by("stream"):
        for measure in certainty.MEASURES:
            columns = own.select("physician_number", "cases", f"{measure}_sum", f"{measure}_squares").drop_nulls()
            found[str(stream), measure] = components(
                {
                    str(number): (cases, int(total.scaleb(_PLACES)), int(squares.scaleb(2 * _PLACES)))
                    for number, cases, total, squares in columns.iter_rows()
                }
            )
    return found


def variance(value: Fraction) -> Decimal:
    """A variance in units of 10⁻¹⁶ as a number with 8 places."""
    return rounded(value / 10 ** (2 * _PLACES), _PLACES)


def rounded(value: Fraction, places: int) -> Decimal:
    """``value`` rounded half away from zero; it is never negative here."""
    return Decimal(int(value * 10**places + Fraction(1, 2))).scaleb(-places)


def reliability(cases: pl.DataFrame, state: StateComponents, period: str, policy: Policy) -> pl.DataFrame:
    """The reliability of care partners' figures, as ``contracts.certainty.RELIABILITY``.

    Args:
        cases: a release's ``incentive_cases``.
    """
    rows = []
    counted = cases.group_by("hospital_ccn", "npi", "stream").len().sort("hospital_ccn", "npi", "stream")
    for ccn, npi, stream, number in counted.iter_rows():
        for measure in certainty.MEASURES:
            own = state.get((stream, measure), components({}))
            found = rounded(own.reliability(number), 4)
            least = policy.min_reliability
            rows.append(
                {
                    "hospital_ccn": ccn,
                    "period": period,
                    "npi": npi,
                    "stream": stream,
                    "measure": measure,
                    "cases": number,
                    "variance_between": variance(own.between),
                    "variance_within": variance(own.within),
                    "reliability": found,
                    "cases_needed": own.cases_needed(),
                    "is_comparable": None if least is None else found >= least,
                }
            )
    return pl.DataFrame(rows, schema=certainty.RELIABILITY.schema)


def stream_rows(figures: pl.DataFrame, state: StateComponents, period: str) -> pl.DataFrame:
    """Variance components, one row per stream, with every count."""
    rows = []
    for (stream,), own in figures.group_by("stream"):
        row: dict[str, object] = {
            "period": period,
            "stream": stream,
            "cases": int(own["cases"].sum()),
            "physicians": own.height,
        }
        for measure in certainty.MEASURES:
            found = state[str(stream), measure]
            row[f"{measure}_between"] = variance(found.between)
            row[f"{measure}_within"] = variance(found.within)
            row[f"{measure}_cases_needed"] = found.cases_needed()
        rows.append(row)
    columns = [column for column in certainty.CERTAINTY_STREAMS.columns if column.name != "suppressed"]
    return pl.DataFrame(rows, schema={column.name: column.polars_type for column in columns}).sort("stream")

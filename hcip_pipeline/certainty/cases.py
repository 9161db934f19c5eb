"""A release's cases of care partners as whole numbers, from which the chance test and the intervals are drawn.

Belongs here: reading a release's tables into arrays, and sums over them. Does not belong here: drawing (``draws``), and
the incentives of the sums (``incentives``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from hcip_pipeline.policy.model import Policy

Integers = npt.NDArray[np.int64]
#: returns a table of a release, or of the build that it is written from, by name
Tables = Callable[[str], pl.DataFrame]

PARTNER = ("hospital_ccn", "npi")
_CELL = ("apr_drg", "severity_of_illness")
_GROUP = ("hospital_ccn", *_CELL, "stream")
_IN_BOTH = ("cost", "length_of_stay", "cost_weight", "los_weight")
#: decimal places of amounts; all others are whole numbers
_PLACES = {"cost": 2, "mpi_improvement": 2, "wide": 2, "per_diem": 2, "cost_weight": 8, "los_weight": 8}


class SumsByNumber:
    """Sums of rows by a key: a whole number, dense from 0 on."""

    def __init__(self, keys: Integers) -> None:
        self.size = int(keys.max()) + 1 if len(keys) else 0
        self.order = np.argsort(keys, kind="stable")
        self._starts = np.searchsorted(keys[self.order], np.arange(self.size))

    def of_ordered(self, values: Integers) -> Integers:
        """Sums of values given in :attr:`order`."""
        if not self.size:
            return np.zeros((0, *values.shape[1:]), np.int64)
        return np.add.reduceat(values, self._starts, axis=0)

    def of(self, values: Integers) -> Integers:
        """Sums of values given in the order of the keys."""
        return self.of_ordered(values[self.order])


@dataclass(frozen=True)
class WindowCases:
    """Cases of one window, ordered by group (hospital, cell and stream) and account.

    Attributes:
        names: ``<hospital>|<account>|`` of each case, the part of the hashed text that identifies it.
        group: number of the group within which a case may be reassigned.
        slot: care partner and stream: twice the partner's row, plus one in surgery.
        amounts: column name -> cents, days or units of 10⁻⁸.
    """

    names: pl.DataFrame
    group: Integers
    slot: Integers
    amounts: dict[str, Integers]
    slots: int

    @cached_property
    def by_slot(self) -> SumsByNumber:
        """Sums by those slots (care partner and stream) that have cases."""
        return SumsByNumber(self._dense)

    @cached_property
    def present(self) -> Integers:
        """The slots that have cases."""
        return np.unique(self.slot)

    @cached_property
    def _dense(self) -> Integers:
        return np.searchsorted(self.present, self.slot)

    def spread(self, sums: Integers) -> Integers:
        """Sums of the slots that have cases, spread over all slots; others are 0."""
        whole = np.zeros((self.slots, *sums.shape[1:]), np.int64)
        whole[self.present] = sums
        return whole


@dataclass(frozen=True)
class ReleasedCases:
    """The cases that a release's calculated incentives come from.

    Attributes:
        partners: every care partner, ordered by hospital and NPI.
        now, before: cases of the performance period and of the baseline.
        seat: case of the performance period -> its seat, a care partner and cell.
        seat_partner, seat_gate: seat -> care partner, and gate: a physician and cell over all hospitals.
        gate_cases, gate_cents, gate_p75: gate -> cases and cost that are never drawn, and P75.
        trend: trend of the baseline's dollars, in units of 10⁻⁸.
    """

    partners: pl.DataFrame
    now: WindowCases
    before: WindowCases
    seat: Integers
    seat_partner: Integers
    seat_gate: Integers
    gate_cases: Integers
    gate_cents: Integers
    gate_p75: Integers
    trend: int


def released_cases(tables: Tables, policy: Policy) -> ReleasedCases:
    """Read the tables that payments were calculated from.

    Args:
        tables: returns ``incentives``, ``incentive_cases``, ``baseline_cases``, ``physician_cells`` and ``rates``.
    """
    partners = tables("incentives").select(PARTNER).sort(PARTNER)
    rates = tables("rates")
    cases = _earning(_placed(tables("incentive_cases"), partners), rates, policy)
    seats = cases.select("partner", "npi", *_CELL).unique().sort("partner", *_CELL)
    gates = cases.select("npi", *_CELL, "p75_cost").unique().sort("npi", *_CELL)
    others = _other_cases(cases, gates, tables("physician_cells"))
    trend = rates.filter((pl.col("rate") == "trend") & (pl.col("subject") == "baseline:total"))["rate_value"]
    return ReleasedCases(
        partners,
        _window(cases, len(partners), (*_IN_BOTH, "mpi_improvement", "wide", "per_diem", "earned")),
        _window(_placed(tables("baseline_cases"), partners), len(partners), _IN_BOTH),
        _index(cases, seats, ("partner", *_CELL)),
        seats["partner"].cast(pl.Int64).to_numpy(),
        _index(seats, gates, ("npi", *_CELL)),
        others["cases"].to_numpy(),
        _whole(others["cost"], 2),
        _whole(gates["p75_cost"], 2),
        int(_whole(trend, 8)[0]) if len(trend) else 10**8,
    )


def _placed(cases: pl.DataFrame, partners: pl.DataFrame) -> pl.DataFrame:
    """Cases in the order of their places, with the row of their care partner."""
    return cases.join(partners.with_row_index("partner"), on=PARTNER, how="inner").sort(*_GROUP, "account_no")


def _earning(cases: pl.DataFrame, rates: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """The cases with their amounts for improvement, and the performance incentive of each without the gate."""
    fees = rates.filter(pl.col("rate") == "per_diem").select(
        pl.col("subject").str.strip_prefix("severity:").alias("severity_of_illness"),
        pl.col("rate_value").alias("per_diem"),
    )
    cases = cases.join(fees, on="severity_of_illness", how="left", maintain_order="left").with_columns(
        pl.when(pl.col("stream") == "medical").then(pl.col("per_diem")).fill_null(0),
        (pl.col("improvement_ceiling_cost") - pl.col("best_practice_norm")).alias("wide"),
    )
    fraction, maximum = _whole(cases["performance_fraction"], 8), _whole(cases["mpi_performance"], 2)
    if policy.performance_exponent != 1:  # the one floating-point step (methodology §0), rounded at once
        fraction = np.floor((fraction / 10**8) ** float(policy.performance_exponent) * 10**8 + 0.5).astype(np.int64)
    earned = (2 * maximum * fraction + 10**8) // (2 * 10**8)
    released = _whole(cases["performance_incentive"], 2)
    return cases.with_columns(pl.Series("earned", np.where(released > 0, released, earned), dtype=pl.Int64))


def _other_cases(cases: pl.DataFrame, gates: pl.DataFrame, cells: pl.DataFrame) -> pl.DataFrame:
    """Cases and cost of each physician and cell at hospitals where the physician is not a care partner."""
    key = ["npi", *_CELL]
    own = cases.group_by(key).agg(pl.len().cast(pl.Int64).alias("own_cases"), pl.col("cost").sum().alias("own_cost"))
    both = gates.join(own, on=key, how="left").join(cells.select(*key, "cases", "cost"), on=key, how="left")
    return both.sort(key).select(
        (pl.col("cases") - pl.col("own_cases")).fill_null(0), (pl.col("cost") - pl.col("own_cost")).fill_null(0)
    )


def _whole(series: pl.Series, places: int) -> Integers:
    """Decimals of at most ``places`` places as whole numbers in units of the last place."""
    exact = series.cast(pl.Decimal(38, places)).to_frame("value")
    return exact.select((pl.col("value") * 10**places).cast(pl.Int64)).to_series().to_numpy()


def _window(cases: pl.DataFrame, partners: int, columns: Sequence[str]) -> WindowCases:
    amounts = {
        name: _whole(cases[name], _PLACES[name]) if name in _PLACES else cases[name].cast(pl.Int64).to_numpy()
        for name in columns
    }
    slot = cases["partner"].cast(pl.Int64).to_numpy() * 2 + (cases["stream"] == "surgical").cast(pl.Int64).to_numpy()
    names = cases.select(pl.concat_str("hospital_ccn", pl.lit("|"), "account_no", pl.lit("|")).alias("name"))
    group = cases.select(pl.struct(_GROUP).rle_id().cast(pl.Int64)).to_series().to_numpy()
    return WindowCases(names, group, slot, amounts, 2 * partners)


def _index(rows: pl.DataFrame, of: pl.DataFrame, key: Sequence[str]) -> Integers:
    """For each of ``rows``, the row of ``of`` with the same key."""
    found = rows.select(key).join(of.select(key).with_row_index("row"), on=key, how="left", maintain_order="left")
    return found["row"].cast(pl.Int64).to_numpy()


def in_cents(dollars: pl.Series) -> Integers:
    """Money as whole cents."""
    return _whole(dollars, 2)

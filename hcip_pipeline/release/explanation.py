"""One payment, explained: everything the release contains about it, and the file rows that its cases came from.

Belongs here: gathering the figures of one care partner, for the command and for the physician's report. Does not belong
here: how they are shown (``explanation_text``), where a case is in the inbox (``explanation_sources``), and any
figure that is neither in the release nor a sum over its rows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any, Protocol

import polars as pl

from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.policy.model import Policy
from hcip_pipeline.release.explanation_sources import CaseSource

#: A row of a released table, by column.
Row = Mapping[str, Any]
Cell = tuple[str, str]


class ReleasedTables(Protocol):
    """Tables of a release, on disk or about to be written; ``owner`` is a hospital, None is the state."""

    def table(self, name: str, owner: str | None = None) -> pl.DataFrame:
        """A table of the release; one hospital's if ``owner`` is given."""
        ...


@dataclass(frozen=True)
class Names:
    """Names of hospitals and APR-DRGs, as far as they are known."""

    hospitals: Mapping[str, str] = field(default_factory=dict)
    apr_drgs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ExplainedCase:
    """One case: what it cost, what it earned, and where it is.

    Attributes:
        row: its line in the release's file of cases; the header is line 1.
        performance_fraction, performance_incentive: None for a baseline case, which earns nothing.
        source: its lines in the inbox; None if the lake is not available or no longer contains the case.
    """

    apr_drg: str
    severity_of_illness: str
    stream: str
    length_of_stay: int
    cost: Decimal
    cost_weight: Decimal
    los_weight: Decimal
    performance_fraction: Decimal | None
    performance_incentive: Decimal | None
    row: int
    source: CaseSource | None


@dataclass(frozen=True)
class ExplainedCell:
    """A cell with the physician's cases in it: its norm in base-year and performance-year dollars.

    Attributes:
        trend: factor from base-year to performance-year dollars.
        own_cases, own_mean_cost: over all hospitals, as the performance gate compares them.
        is_gated: the mean is above ``p75_cost``, so the cell's cases earn no performance incentive.
    """

    apr_drg: str
    label: str
    severity_of_illness: str
    base_year: int
    base_best_practice_norm: Decimal
    base_p75_cost: Decimal
    base_maximum_physician_incentive: Decimal
    trend: Decimal
    best_practice_norm: Decimal
    p75_cost: Decimal
    improvement_ceiling_cost: Decimal
    mpi_improvement: Decimal
    mpi_performance: Decimal
    cost_weight: Decimal
    los_weight: Decimal
    own_cases: int
    own_mean_cost: Decimal
    is_gated: bool
    performance_incentive: Decimal
    cases: tuple[ExplainedCase, ...]


@dataclass(frozen=True)
class StreamSums:
    """The parts of an average: sums over one stream's cases in one window."""

    cases: int
    cost: Decimal
    cost_weight: Decimal
    days: int
    los_weight: Decimal


@dataclass(frozen=True)
class ExplainedStream:
    """The improvement of one stream: ``figures`` is its row of ``improvement``, ``now`` and ``baseline`` the sums."""

    stream: str
    figures: Row
    now: StreamSums
    baseline: StreamSums


@dataclass(frozen=True)
class ExplainedLimit:
    """The hospital's distribution limit: its row, and how many care partners share the available amount."""

    figures: Row
    care_partners: int


@dataclass(frozen=True)
class Explanation:
    """One care partner's payment at one hospital, from its cases to the last cap.

    Attributes:
        release: such as ``r1``.
        incentive, inputs: the rows of ``incentives`` and ``payment_inputs``.
        cells: by APR-DRG and severity, with their cases.
        streams: medical and surgical, if there are cases.
        baseline_cases: the cases in the baseline window.
        conditions: the rows of ``conditions``.
        baseline_window: first and last day.
        case_file, baseline_file: paths within the release.
        stale: why the release is stale, one sentence per reason (``rests_on``).
    """

    period: str
    release: str
    hospital_ccn: str
    hospital_name: str
    npi: str
    name: str
    policy: Policy
    baseline_window: tuple[dt.date, dt.date]
    incentive: Row
    inputs: Row
    cells: tuple[ExplainedCell, ...]
    streams: tuple[ExplainedStream, ...]
    baseline_cases: tuple[ExplainedCase, ...]
    conditions: tuple[Row, ...]
    limit: ExplainedLimit | None
    case_file: str
    baseline_file: str
    stale: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The same facts for JSON: money as text, and no account numbers."""
        facts = asdict(self) | {
            "policy": {"version": self.policy.version, **{name: getattr(self.policy, name) for name in _PARAMETERS}}
        }
        plain: dict[str, Any] = _plain(facts)
        return plain


#: the policy's parameters that the explanation depends on
_PARAMETERS = (
    "base_year", "norm_method", "performance_exponent", "performance_gate", "baseline_window", "min_baseline_cases",
    "medical_improvement_cap", "condition_failure", "limit_scope", "pfs_cap_basis",
)  # fmt: skip


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Decimal):
        return format(value, "f")
    return value if isinstance(value, str | int | bool | None) else str(value)


@dataclass(frozen=True)
class Explainer:
    """Explains any payment of one release.

    Attributes:
        tables: of the release.
        policy: under which the release was made.
        sources: (hospital, account numbers) -> where the cases are in the inbox; None without a lake.
    """

    period: PerformancePeriod
    release: str
    policy: Policy
    tables: ReleasedTables
    names: Names = field(default_factory=Names)
    sources: Sources | None = None

    def payment(self, ccn: str, npi: str) -> Explanation:
        """Explain the payment of a care partner at a hospital.

        Raises:
            KeyError: there is no such payment.
        """
        own = _Own(self.tables, ccn, npi)
        incentives, inputs = own.rows("incentives"), own.rows("payment_inputs")
        if not incentives or not inputs:
            raise KeyError((ccn, npi))
        cases, baseline = own.numbered("incentive_cases"), own.numbered("baseline_cases")
        accounts = {str(row["account_no"]) for row in (*cases, *baseline)}
        sources = self.sources(ccn, accounts) if self.sources is not None else {}
        window = self.period.baseline(self.policy.baseline_window)
        return Explanation(
            str(self.period),
            self.release,
            ccn,
            self.names.hospitals.get(ccn, ""),
            npi,
            incentives[0]["name"] or "",
            self.policy,
            (window.start, window.end),
            incentives[0],
            inputs[0],
            self._cells(npi, cases, sources),
            tuple(_stream(row, cases, baseline) for row in own.rows("improvement")),
            tuple(_case(row, sources) for row in baseline),
            own.rows("conditions"),
            self._limit(ccn),
            f"incentives/HCIP_{ccn}_incentive_cases_{self.period}_{self.release}.csv",
            f"incentives/HCIP_{ccn}_baseline_cases_{self.period}_{self.release}.csv",
        )

    def _cells(self, npi: str, cases: Sequence[Row], sources: Mapping[str, CaseSource]) -> tuple[ExplainedCell, ...]:
        norms = self.tables.table("norms").filter(pl.col("norm_method") == self.policy.norm_method)
        by_cell = {_cell(row): row for row in norms.iter_rows(named=True)}
        means = self.tables.table("physician_cells").filter(pl.col("npi") == npi)
        own_means = {_cell(row): row for row in means.iter_rows(named=True)}
        rates = self.tables.table("rates").filter(rate="trend", subject="base_year:total")
        (trend,) = rates["rate_value"]
        gate = self.policy.performance_gate == "cell_mean"
        return tuple(
            ExplainedCell(
                apr_drg=cell[0],
                label=self.names.apr_drgs.get(cell[0], ""),
                severity_of_illness=cell[1],
                base_year=self.policy.base_year,
                base_best_practice_norm=by_cell[cell]["best_practice_norm"],
                base_p75_cost=by_cell[cell]["p75_cost"],
                base_maximum_physician_incentive=by_cell[cell]["maximum_physician_incentive"],
                trend=trend,
                best_practice_norm=own[0]["best_practice_norm"],
                p75_cost=own[0]["p75_cost"],
                improvement_ceiling_cost=own[0]["improvement_ceiling_cost"],
                mpi_improvement=own[0]["mpi_improvement"],
                mpi_performance=own[0]["mpi_performance"],
                cost_weight=own[0]["cost_weight"],
                los_weight=own[0]["los_weight"],
                own_cases=own_means[cell]["cases"],
                own_mean_cost=own_means[cell]["mean_cost"],
                is_gated=gate and own_means[cell]["mean_cost"] > own[0]["p75_cost"],
                performance_incentive=sum((row["performance_incentive"] for row in own), Decimal(0)),
                cases=tuple(_case(row, sources) for row in own),
            )
            for cell, own in sorted(_grouped(cases).items())
        )

    def _limit(self, ccn: str) -> ExplainedLimit | None:
        limits = self.tables.table("distribution_limits").filter(pl.col("hospital_ccn") == ccn)
        if not limits.height:
            return None
        return ExplainedLimit(limits.row(0, named=True), self.tables.table("incentives", ccn).height)


class Sources(Protocol):
    """Finds a hospital's cases in the inbox, by account number."""

    def __call__(self, ccn: str, accounts: set[str], /) -> Mapping[str, CaseSource]:
        """Account number -> where the case came from."""
        ...


class _Own:
    """One care partner's rows of the hospital's tables."""

    def __init__(self, tables: ReleasedTables, ccn: str, npi: str) -> None:
        self.tables, self.ccn, self.npi = tables, ccn, npi

    def rows(self, table: str) -> tuple[Row, ...]:
        return tuple(self.tables.table(table, self.ccn).filter(pl.col("npi") == self.npi).iter_rows(named=True))

    def numbered(self, table: str) -> tuple[Row, ...]:
        """The care partner's cases with their line in the file (``row``), which is ordered by account number."""
        frame = self.tables.table(table, self.ccn).sort("account_no").with_row_index("row", offset=2)
        return tuple(frame.filter(pl.col("npi") == self.npi).iter_rows(named=True))


def _cell(row: Row) -> Cell:
    return row["apr_drg"], row["severity_of_illness"]


def _grouped(cases: Iterable[Row]) -> dict[Cell, list[Row]]:
    grouped: dict[Cell, list[Row]] = {}
    for case in cases:
        grouped.setdefault(_cell(case), []).append(case)
    return grouped


def _case(row: Row, sources: Mapping[str, CaseSource]) -> ExplainedCase:
    return ExplainedCase(
        row["apr_drg"],
        row["severity_of_illness"],
        row["stream"],
        row["length_of_stay"],
        row["cost"],
        row["cost_weight"],
        row["los_weight"],
        row.get("performance_fraction"),
        row.get("performance_incentive"),
        row["row"],
        sources.get(row["account_no"]),
    )


def _stream(figures: Row, cases: Sequence[Row], baseline: Sequence[Row]) -> ExplainedStream:
    stream = figures["stream"]
    now, before = (_sums([row for row in rows if row["stream"] == stream]) for rows in (cases, baseline))
    return ExplainedStream(stream, figures, now, before)


def _sums(rows: Sequence[Row]) -> StreamSums:
    def total(column: str) -> Decimal:
        return sum((row[column] for row in rows), Decimal(0))

    return StreamSums(
        len(rows),
        total("cost"),
        total("cost_weight"),
        sum(row["length_of_stay"] for row in rows),
        total("los_weight"),
    )

"""The certainty of payments (methodology §14), from the release's own tables.

Belongs here: reliability from its sums; figures of hospitals, the state and readings from payments. Does not belong
here: figures that need draws (``draws``).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from typing import Any

from .exact import CENTS, RATIO, ZERO
from .package import Package
from .report import Findings
from .tables import Row, Table
from .terms import Terms

STATE = "STATE"
_MEASURES = ("cost", "days")
_ENOUGH = Fraction(7, 10)
_PLACES = 4


@dataclass(frozen=True)
class _Components:
    """The variance between and within physicians."""

    between: Fraction
    within: Fraction

    def reliability(self, cases: int) -> Decimal:
        share = self.between / (self.between + self.within / cases) if self.between else Fraction(0)
        return _rounded(share, _PLACES)

    @property
    def cases_needed(self) -> int | None:
        if not self.between:
            return None
        needed = self.within / self.between * _ENOUGH / (1 - _ENOUGH)
        return max(1, -(-needed.numerator // needed.denominator))


def check_certainty(package: Package, incentives: Iterable[Table], terms: Terms, findings: Findings) -> None:
    """Check every table that needs no draws.

    Args:
        incentives: the table of each hospital.
    """
    figures = package.optional("audit", "physician_figures")
    if figures is None:
        return
    state = _components(figures)
    _check_streams(package.optional("regulator", "certainty_streams"), figures, state, findings)
    ranges: dict[tuple[str, str], Row] = {}
    readings: list[Row] = []
    for table in incentives:
        own = {row["npi"]: row for row in table}
        for ccn in {row["hospital_ccn"] for row in own.values()}:
            _check_reliability(package.optional("certainty", "reliability", ccn), state, own, terms, findings)
            ranges |= _check_ranges(package.optional("certainty", "payment_ranges", ccn), own, findings)
            readings += _check_readings(package.optional("certainty", "attribution", ccn), own, findings)
    _check_hospitals(package.optional("regulator", "certainty_hospitals"), ranges, findings)
    _check_reading_sums(package.optional("regulator", "certainty_readings"), readings, findings)


def _components(figures: Table) -> Mapping[tuple[str, str], _Components]:
    """One-way random effects by the method of moments, for each stream and measure."""
    streams: dict[str, list[Row]] = defaultdict(list)
    for row in figures:
        streams[row["stream"]].append(row)
    found = {}
    for stream, rows in streams.items():
        for measure in _MEASURES:
            sums = [
                (row["cases"], Fraction(row[f"{measure}_sum"]), Fraction(row[f"{measure}_squares"])) for row in rows
            ]
            found[stream, measure] = _variances(sums)
    return found


def _variances(sums: Sequence[tuple[int, Fraction, Fraction]]) -> _Components:
    groups, cases = len(sums), sum(n for n, _, _ in sums)
    if groups < 2 or cases <= groups:
        return _Components(Fraction(0), Fraction(0))
    whole = sum((total for _, total, _ in sums), Fraction(0))
    group_squares = sum((total * total / n for n, total, _ in sums), Fraction(0))
    within = (sum((square for _, _, square in sums), Fraction(0)) - group_squares) / (cases - groups)
    between_square = (group_squares - whole * whole / cases) / (groups - 1)
    per_group = (cases - Fraction(sum(n * n for n, _, _ in sums), cases)) / (groups - 1)
    return _Components(max(Fraction(0), (between_square - within) / per_group), within)


def _check_streams(
    table: Table | None, figures: Table, state: Mapping[tuple[str, str], _Components], findings: Findings
) -> None:
    for row in table or ():
        own = [each for each in figures if each["stream"] == row["stream"]]
        expected: dict[str, Any] = {"cases": sum(each["cases"] for each in own), "physicians": len(own)}
        for measure in _MEASURES:
            components = state.get((row["stream"], measure), _Components(Fraction(0), Fraction(0)))
            expected[f"{measure}_between"] = _rounded(components.between, RATIO)
            expected[f"{measure}_within"] = _rounded(components.within, RATIO)
            expected[f"{measure}_cases_needed"] = components.cases_needed
        hidden = str(row["suppressed"] or "").split("|")
        findings.compare("certainty", row, {name: None if name in hidden else v for name, v in expected.items()})


def _check_reliability(
    table: Table | None,
    state: Mapping[tuple[str, str], _Components],
    own: Mapping[str, Row],
    terms: Terms,
    findings: Findings,
) -> None:
    for row in table or ():
        partner = own.get(row["npi"])
        components = state.get((row["stream"], row["measure"]), _Components(Fraction(0), Fraction(0)))
        cases = partner[f"{row['stream']}_cases"] if partner else 0
        reliability = components.reliability(cases) if cases else ZERO
        least = terms.min_reliability
        findings.compare(
            "certainty",
            row,
            {
                "cases": cases,
                "variance_between": _rounded(components.between, RATIO),
                "variance_within": _rounded(components.within, RATIO),
                "reliability": reliability,
                "cases_needed": components.cases_needed,
                "is_comparable": None if least is None else reliability >= least,
            },
        )


def _check_ranges(table: Table | None, own: Mapping[str, Row], findings: Findings) -> dict[tuple[str, str], Row]:
    if table is None:
        return {}
    rows = {row["npi"]: row for row in table}
    findings.fact("certainty", table.path, "care partners", sorted(own), sorted(rows))
    for npi, row in rows.items():
        calculated = own[npi]["calculated_incentive"] if npi in own else None
        above = calculated is not None and calculated > row["chance_high"]
        findings.compare("certainty", row, {"calculated_incentive": calculated, "is_above_chance": above})
        for low, high in (("interval_low", "interval_high"), ("chance_low", "chance_high")):
            findings.require("certainty", row, low, ZERO <= row[low] <= row[high], f"0 to {row[high]}, the {high}")
    return {(row["hospital_ccn"], row["npi"]): row for row in rows.values()}


def _check_hospitals(table: Table | None, ranges: Mapping[tuple[str, str], Row], findings: Findings) -> None:
    if table is None:
        return
    hospitals = sorted({ccn for ccn, _ in ranges})
    listed = [row["hospital_ccn"] for row in table]
    findings.fact("certainty", table.path, "hospitals", [*hospitals, STATE] if ranges else listed, listed)
    for row in table:
        own = [each for (ccn, _), each in ranges.items() if row["hospital_ccn"] in (ccn, STATE)]
        calculated = sum((each["calculated_incentive"] for each in own), ZERO)
        means = sum((each["chance_mean"] for each in own), ZERO)
        expected = {
            "care_partners": len(own),
            "above_chance": sum(each["is_above_chance"] for each in own),
            "calculated_incentive": calculated,
            "difference": calculated - row["chance_mean"],
        }
        findings.compare("certainty", row, expected)
        near = abs(means - row["chance_mean"]) <= Decimal(len(own) + 1).scaleb(-CENTS)  # each mean is rounded
        findings.require("certainty", row, "chance_mean", near, f"about {means}, the sum of the care partners' means")


def _check_readings(table: Table | None, own: Mapping[str, Row], findings: Findings) -> list[Row]:
    for row in table or ():
        partner = own.get(row["npi"])
        if partner is None:
            findings.require("certainty", row, "npi", False, "a care partner of the hospital")
            continue
        cases = partner["medical_cases"] + partner["surgical_cases"]
        expected = {"cases": cases, "calculated_incentive": partner["calculated_incentive"]}
        if {"cases_gained", "cases_lost"} <= set(row.table.columns):  # the first releases with readings have neither
            expected["cases_then"] = cases + int(row["cases_gained"]) - int(row["cases_lost"])
        findings.compare("certainty", row, expected)
    return list(table or ())


def _check_reading_sums(table: Table | None, partners: Sequence[Row], findings: Findings) -> None:
    for row in table or ():
        own = [
            each
            for each in partners
            if each["reading"] == row["reading"] and row["hospital_ccn"] in (each["hospital_ccn"], STATE)
        ]
        released = [each["calculated_incentive"] for each in own]
        by_reading = [each["calculated_then"] for each in own]
        pairs = list(zip(released, by_reading, strict=True))
        quartiles = zip(_quartiles(released), _quartiles(by_reading), strict=True)
        findings.compare(
            "certainty",
            row,
            {
                "care_partners": len(own),
                "calculated_incentive": sum(released, ZERO),
                "calculated_then": sum(by_reading, ZERO),
                "dollars_moved": sum((abs(b - a) for a, b in pairs), ZERO),
                "rank_correlation": _tau(pairs),
                "now_unpaid": sum(a > 0 == b for a, b in pairs),
                "now_paid": sum(a == 0 < b for a, b in pairs),
                "other_quartile": sum(a != b for a, b in quartiles),
            },
        )


def _quartiles(amounts: Sequence[Decimal]) -> list[int]:
    """The quartile of each amount, 0 to 3, by how many amounts are less."""
    ordered = sorted(amounts)
    return [bisect_left(ordered, amount) * 4 // len(amounts) for amount in amounts]


def _tau(pairs: Sequence[tuple[Decimal, Decimal]]) -> Decimal | None:
    """Kendall's tau-b, 4 places (Knight 1966); None if a ranking has only ties."""
    seen: list[Decimal] = []
    swaps = 0
    for _, value in sorted(pairs):
        swaps += len(seen) - bisect_right(seen, value)
        insort(seen, value)
    every = len(pairs) * (len(pairs) - 1) // 2
    first, second, both = (_tied(each) for each in ((a for a, _ in pairs), (b for _, b in pairs), pairs))
    if every in (first, second):
        return None
    context = Context(prec=40, rounding=ROUND_HALF_UP)
    root = context.sqrt(Decimal((every - first) * (every - second)))
    tau = context.divide(Decimal(every - first - second + both - 2 * swaps), root)
    return tau.quantize(Decimal(1).scaleb(-_PLACES), context=context)


def _tied(values: Iterable[object]) -> int:
    """The number of pairs of equal values."""
    return sum(number * (number - 1) // 2 for number in Counter(values).values())


def _rounded(value: Fraction, places: int) -> Decimal:
    return Decimal(int(value * 10**places + Fraction(1, 2))).scaleb(-places)

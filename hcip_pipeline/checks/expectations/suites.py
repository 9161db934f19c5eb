"""What stakeholders may expect of the files: each statement in their own terms, with the expectation that checks it.

Belongs here: the suites as data. Does not belong here: evaluating them; Great Expectations is not even imported.

Expectations on columns, keys, empty cells and codes are derived from each table's contract. Those written by hand are
what a hospital, a committee or the regulator would ask about the files as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hcip_pipeline.contracts import audit, marts
from hcip_pipeline.contracts.hospital import DATA_QUALITY, LAKE_CHARGES, LAKE_DISCHARGES
from hcip_pipeline.contracts.table import Table
from hcip_pipeline.periods import PerformancePeriod, Quarter

_NPI = "^[12][0-9]{9}$"
_CCN = "^[0-9A-Z]{6}$"
#: share of rows that must have a patient and a physician (inputs.md, "Edits")
_MOST = 0.98
#: share of rows in which a cell must be in its usual range
_NEARLY_ALL = 0.995


@dataclass(frozen=True)
class Expectation:
    """One expectation.

    Attributes:
        statement: what is expected, as a sentence for readers.
        kind: name of a class of ``great_expectations.expectations``.
        arguments: arguments of that class.
    """

    statement: str
    kind: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Suite:
    """The expectations of one table; ``about`` tells readers what the table is."""

    table: str
    title: str
    about: str
    expectations: tuple[Expectation, ...]


def of_submissions(quarter: Quarter, hospitals: int) -> tuple[Suite, ...]:
    """Incoming data: the discharges and charge lines of a quarter that are in force.

    Args:
        hospitals: least number of hospitals, that of a year earlier.
    """
    discharges = (
        _distinct("hospital_ccn", hospitals, f"There are at least as many hospitals as a year earlier ({hospitals})"),
        _between("discharge_date", quarter.start, quarter.end, f"Every discharge is in {quarter}"),
        _not_less("discharge_date", "admit_date", "No discharge is before its admission"),
        _between("length_of_stay", 1, 365, "Stays last from one day to one year", mostly=_NEARLY_ALL),
        _filled("patient_id", "At least 98% of discharges have the statewide patient id", mostly=_MOST),
        _filled("attending_npi", "At least 98% of discharges name their attending physician", mostly=_MOST),
        _matches("attending_npi", _NPI, "An attending physician's NPI is ten digits", mostly=_MOST),
        _matches("operating_npi", _NPI, "A surgeon's NPI is ten digits", mostly=_MOST),
        _filled("severity_of_illness", "Nearly every discharge has a severity of illness", mostly=_NEARLY_ALL),
        _between("total_charges", 1, 10_000_000, "The charges of a stay are $1 to $10 million", mostly=_NEARLY_ALL),
        _matches("zip_code", "^[0-9]{5}(-?[0-9]{4})?$", "ZIP codes are five or nine digits", mostly=_MOST),
        *_of_contract(LAKE_DISCHARGES),
    )
    charges = (
        _distinct("hospital_ccn", hospitals, f"There are at least as many hospitals as a year earlier ({hospitals})"),
        _matches("revenue_code", "^[0-9]{4}$", "Revenue codes are four digits", mostly=_NEARLY_ALL),
        _between("charge", 0, 5_000_000, "The charge of a line is $0 to $5 million", mostly=_NEARLY_ALL),
        _filled("service_date", "Nearly every charge line has a date", mostly=_MOST),
        _between("units", 0, 10_000, "A charge line has 0 to 10,000 units", mostly=_NEARLY_ALL),
        *_of_contract(LAKE_CHARGES),
    )
    return (
        Suite("discharges", f"Discharges of {quarter}", "accepted discharges, one row each", discharges),
        Suite("charges", f"Charge lines of {quarter}", "accepted charge lines, one row each", charges),
    )


def of_release(
    period: PerformancePeriod, small_cell_threshold: int, more_columns: Sequence[str] = ()
) -> tuple[Suite, ...]:
    """Outgoing data: the tables of a release that people look at first.

    Args:
        more_columns: columns that every table has besides those of its contract.
    """
    small_counts = list(range(1, small_cell_threshold + 1))
    reductions = [column.name for column in marts.INCENTIVES.columns if column.name.endswith("_adjustment")]
    incentives = (
        _in_set("period", [str(period)], f"Every payment is for {period}"),
        _matches("npi", _NPI, "A physician's NPI is ten digits"),
        _between("final_incentive", 0, None, "No payment is negative"),
        _not_less("calculated_incentive", "final_incentive", "No one is paid more than was calculated"),
        *(_between(name, None, 0, f"{_words(name)} never adds to a payment") for name in reductions),
        *_of_contract(marts.INCENTIVES, more_columns),
    )
    cases = (
        _between("performance_fraction", 0, 1, "No extra payment for costs below best practice"),
        _between("cost", 0.01, None, "Every case that counts has a cost"),
        _not_less("mpi_performance", "performance_incentive", "No case earns more than its maximum incentive"),
        _not_less("p75_cost", "best_practice_norm", "Best practice costs no more than the 75th percentile"),
        *_of_contract(marts.INCENTIVE_CASES, more_columns),
    )
    norms = (
        _not_less("p75_cost", "best_practice_norm", "Best practice costs no more than the 75th percentile"),
        _between("cost_weight", 0.00000001, None, "Every cost weight is positive"),
        _not_in_set("cases", small_counts, f"No cell shows 1 to {small_cell_threshold} cases"),
        *_of_contract(audit.PUBLIC_NORMS, more_columns),
    )
    savings = (
        _in_set("period", [str(period)], f"Every figure is for {period}"),
        _between("cases", 0, None, "No number of cases is negative"),
        *_of_contract(marts.SAVINGS, more_columns),
    )
    conservation = (
        _not_less("cases_in", "cases_kept", "No more cases are kept than were received"),
        _sums("cases_in", "cases_kept", "cases_excluded", "Cases received equal cases kept plus cases excluded"),
        *_of_contract(marts.CONSERVATION, more_columns),
    )
    quality = (
        _not_in_set("rows", small_counts, f"No count of 1 to {small_cell_threshold} rows is shown"),
        _between("rate", 0, 1, "A rate is between 0 and 1"),
        *_of_contract(DATA_QUALITY, more_columns),
    )
    about = {table.name: table.grain for table in (*marts.TABLES.values(), DATA_QUALITY)}
    return tuple(
        Suite(name, title, about[name], expectations)
        for name, title, expectations in (
            ("incentives", f"Payments of {period}", incentives),
            ("incentive_cases", f"Cases of {period} that earn incentives", cases),
            ("norms", "Statewide norms", norms),
            ("savings", f"Savings of {period}", savings),
            ("conservation", "What happened to every case and dollar", conservation),
            ("data_quality", "Data quality, as shown to the regulator", quality),
        )
    )


def _of_contract(table: Table, more_columns: Sequence[str] = ()) -> Iterator[Expectation]:
    yield Expectation("There is at least one row", "ExpectTableRowCountToBeBetween", {"min_value": 1})
    columns = {"column_set": [*table.names, *more_columns], "exact_match": True}
    yield Expectation("The columns are those of the data dictionary", "ExpectTableColumnsToMatchSet", columns)
    if len(table.key) > 1:
        statement = f"No two rows share {', '.join(table.key[:-1])} and {table.key[-1]}"
        yield Expectation(statement, "ExpectCompoundColumnsToBeUnique", {"column_list": list(table.key)})
    for column in table.columns:
        if not column.nullable:
            yield _filled(column.name, f"{column.name} is never empty")
        if column.allowed:
            yield _in_set(column.name, list(column.allowed), f"{column.name} is one of {', '.join(column.allowed)}")
        if column.name == "hospital_ccn" and table is not DATA_QUALITY:
            yield _matches(column.name, _CCN, "hospital_ccn is a CMS certification number")


def _words(name: str) -> str:
    return name.replace("_", " ").replace("pfs", "fee-schedule").capitalize()


def _column(statement: str, kind: str, column: str, mostly: float = 1.0, **arguments: Any) -> Expectation:
    return Expectation(statement, kind, {"column": column, "mostly": mostly, **arguments})


def _filled(column: str, statement: str, mostly: float = 1.0) -> Expectation:
    return _column(statement, "ExpectColumnValuesToNotBeNull", column, mostly)


def _matches(column: str, regex: str, statement: str, mostly: float = 1.0) -> Expectation:
    return _column(statement, "ExpectColumnValuesToMatchRegex", column, mostly, regex=regex)


def _between(column: str, low: Any, high: Any, statement: str, mostly: float = 1.0) -> Expectation:
    return _column(statement, "ExpectColumnValuesToBeBetween", column, mostly, min_value=low, max_value=high)


def _in_set(column: str, values: list[str], statement: str) -> Expectation:
    return _column(statement, "ExpectColumnValuesToBeInSet", column, value_set=values)


def _not_in_set(column: str, values: list[int], statement: str) -> Expectation:
    return _column(statement, "ExpectColumnValuesToNotBeInSet", column, value_set=values)


def _distinct(column: str, least: int, statement: str) -> Expectation:
    return Expectation(statement, "ExpectColumnUniqueValueCountToBeBetween", {"column": column, "min_value": least})


def _not_less(greater: str, less: str, statement: str) -> Expectation:
    pair = {"column_A": greater, "column_B": less, "or_equal": True, "ignore_row_if": "either_value_is_missing"}
    return Expectation(statement, "ExpectColumnPairValuesAToBeGreaterThanB", pair)


def _sums(total: str, first: str, second: str, statement: str) -> Expectation:
    query = f"select * from {{batch}} where {total} <> {first} + {second}"
    return Expectation(statement, "UnexpectedRowsExpectation", {"unexpected_rows_query": query})

"""One hospital's tables, and the elections in force there (methodology §13, H).

Belongs here: reading them, and checking what must be the same for all its care partners. Does not belong here: a
payment.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from .package import Package
from .programs import Programs, program_year
from .report import Findings
from .tables import Row, Table
from .terms import Terms

#: from its second program year (third period) on, a hospital may split the MPI differently from the policy
_SPLIT_MAY_CHANGE_IN_PROGRAM_YEAR = 2
_GREATEST_CAP_PERCENT = Decimal(25)

_OF_THE_HOSPITAL = (
    "physician_cap_percent", "mpi_floor", "mpi_ceiling", "improvement_share", "protocol_approved_on",
    "first_performance_period", "program_year", "has_locked_conditions",
)  # fmt: skip


@dataclass(frozen=True)
class Hospital:
    """The parts of the release that are about one hospital."""

    ccn: str
    period: str
    start: dt.date
    end: dt.date
    incentives: Table
    cases: Table
    baseline: Table
    improvement: Table
    conditions: Table
    measures: Table
    inputs: dict[str, Row]
    programs: Programs
    held: Mapping[str, list[str]]

    @property
    def any_input(self) -> Row | None:
        """A row with the hospital's elections; None if it has no care partner."""
        return next(iter(self.inputs.values()), None)

    @property
    def first_period(self) -> str:
        """The first performance period of its program; empty if it has none."""
        return self.programs.first.get(self.ccn, "")


def read_hospital(package: Package, ccn: str, programs: Programs, held: Mapping[str, list[str]]) -> Hospital:
    """The hospital's tables.

    Args:
        held: NPI -> codes of the holds that follow from national lists.

    Raises:
        UnreadableTableError: one of them is missing or cannot be read.
    """
    first_half = package.half == 1
    return Hospital(
        ccn,
        package.period,
        dt.date(package.year, 1 if first_half else 7, 1),
        dt.date(package.year, 6, 30) if first_half else dt.date(package.year, 12, 31),
        package.table("incentives", ccn),
        package.table("incentive_cases", ccn),
        package.table("baseline_cases", ccn),
        package.table("improvement", ccn),
        package.table("conditions", ccn),
        package.table("quality_measures", ccn),
        {row["npi"]: row for row in package.table("payment_inputs", ccn)},
        programs,
        held,
    )


def check_elections(hospital: Hospital, terms: Terms, findings: Findings) -> None:
    """Check bounds, the policy's values if nothing can be elected, and one value for all care partners."""
    partners = sorted(row["npi"] for row in hospital.incentives)
    path = hospital.incentives.path
    findings.fact("elections", path, "care partners", partners, sorted(hospital.inputs), key=hospital.ccn)
    first = hospital.any_input
    if first is None:
        return
    expected = {column: first[column] for column in _OF_THE_HOSPITAL}
    expected["first_performance_period"] = hospital.first_period
    expected["program_year"] = program_year(hospital.period, hospital.first_period)
    if (expected["program_year"] or 0) < _SPLIT_MAY_CHANGE_IN_PROGRAM_YEAR:
        expected["improvement_share"] = terms.improvement_share
    protocol = hospital.programs.protocols.get(hospital.ccn)
    expected["protocol_approved_on"] = protocol["protocol_approved_on"] if protocol else None
    expected["has_locked_conditions"] = bool(protocol and protocol["has_locked_conditions"])
    if protocol is None:
        expected |= {"mpi_floor": terms.mpi_floor, "mpi_ceiling": terms.mpi_ceiling}
        expected |= {"physician_cap_percent": terms.physician_cap_percent, "has_locked_conditions": False}
    for row in hospital.inputs.values():
        findings.compare("elections", row, expected)
        cap, floor, ceiling = row["physician_cap_percent"], row["mpi_floor"], row["mpi_ceiling"]
        most = min(_GREATEST_CAP_PERCENT, terms.physician_cap_percent)
        within = cap is not None and 0 <= cap <= most
        condition = f"0 to {most} (a hospital may only lower the policy's cap)"
        findings.require("elections", row, "physician_cap_percent", within, condition)
        within = row["improvement_share"] is not None and 0 <= row["improvement_share"] <= 1
        findings.require("elections", row, "improvement_share", within, "0 to 1")
        in_order = floor is None or ceiling is None or 0 <= floor <= ceiling
        findings.require("elections", row, "mpi_floor", in_order, "not above mpi_ceiling")
        if row["has_locked_conditions"]:
            approved = row["protocol_approved_on"]
            in_time = approved is not None and approved < hospital.start
            findings.require("elections", row, "has_locked_conditions", in_time, "approved before the period")

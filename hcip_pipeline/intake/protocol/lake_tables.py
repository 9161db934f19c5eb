"""The protocol tables of the lake (``contracts.protocol``), from the protocols in force in a period."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from hcip_pipeline.contracts.protocol import TABLES
from hcip_pipeline.files.atomic import write_parquet
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.policy.interventions import CATALOG
from hcip_pipeline.policy.model import Policy
from hcip_pipeline.policy.protocol import ConditionOfPayment, Protocol, period_number, program_year
from hcip_pipeline.policy.protocol_checks import UNLOCKING, ProgramStart, elections_in_force

if TYPE_CHECKING:
    from hcip_pipeline.intake.protocol.ingest import ProtocolFile

_ELECTIVE = ("mpi_floor", "mpi_ceiling", "improvement_share", "physician_cap_percent")


def write_protocol_tables(
    files: Sequence[ProtocolFile],
    period: PerformancePeriod,
    policy: Policy,
    meetings_reported: Mapping[str, int],
    starts: Mapping[str, ProgramStart],
    folder: Path,
) -> None:
    """Write the protocol tables of a period into ``folder``."""
    for name, frame in protocol_tables(files, period, policy, meetings_reported, starts).items():
        write_parquet(frame, folder / f"{name}.parquet")


def protocol_tables(
    files: Sequence[ProtocolFile],
    period: PerformancePeriod,
    policy: Policy,
    meetings_reported: Mapping[str, int],
    starts: Mapping[str, ProgramStart],
) -> dict[str, pl.DataFrame]:
    """The tables by name, typed and ordered by key.

    Args:
        starts: when each hospital's program began; a program may no longer have a protocol in force.
    """
    terms = {file.ccn: file.protocol.terms for file in files if file.protocol is not None}
    in_force = [(file, file.protocol) for file in files if file.protocol is not None]
    return {
        "protocols": _frame(
            "protocols",
            [_protocol(file, p, period, policy, meetings_reported, starts[file.ccn]) for file, p in in_force],
        ),
        "programs": _frame("programs", [_program(ccn, start, period, terms.get(ccn)) for ccn, start in starts.items()]),
        "conditions": _frame("conditions", (row for file, p in in_force for row in _conditions(file.ccn, p))),
        "protocol_interventions": _frame(
            "protocol_interventions", (row for file, p in in_force for row in _interventions(file.ccn, p))
        ),
        "protocol_committee": _frame(
            "protocol_committee", (row for file, p in in_force for row in _committee(file.ccn, p))
        ),
        "protocol_findings": _frame("protocol_findings", (row for file in files for row in _findings(file))),
    }


def _frame(name: str, rows: Iterable[dict[str, Any]]) -> pl.DataFrame:
    table = TABLES[name]
    return pl.DataFrame(list(rows), schema=table.schema, orient="row").sort(table.key)


def _protocol(
    file: ProtocolFile,
    protocol: Protocol,
    period: PerformancePeriod,
    policy: Policy,
    meetings: Mapping[str, int],
    start: ProgramStart,
) -> dict[str, Any]:
    elections, _ = elections_in_force(protocol, period, policy, start)
    effective = elections.over(policy)
    return {
        "hospital_ccn": file.ccn,
        "protocol_year": file.year,
        "legal_name": protocol.hospital.legal_name,
        "tin": protocol.hospital.tin,
        "approved_on": protocol.approved_on,
        "first_performance_period": protocol.first_performance_period,
        "meeting_frequency": protocol.meeting_frequency,
        "meetings_reported": meetings.get(file.ccn, 0),
        "weight_total_percent": protocol.total_weight,
        "has_locked_conditions": UNLOCKING.isdisjoint(problem.rule for problem in file.problems),
        **{name: _decimal(getattr(effective, name)) for name in _ELECTIVE},
        **{f"has_elected_{name}": name in elections.model_fields_set for name in _ELECTIVE},
        "version": file.version,
        "sha256": file.sha256,
    }


def _program(
    ccn: str, start: ProgramStart, period: PerformancePeriod, terms: Mapping[str, Any] | None
) -> dict[str, Any]:
    first = PerformancePeriod.parse(start.first) if start.first else None
    return {
        "hospital_ccn": ccn,
        "accepted_first_period": start.accepted,
        "other_first_periods": "|".join(start.others) or None,
        "corrected_first_period": start.corrected,
        "correction_filed_in": start.filed_in,
        "first_performance_period": start.first,
        "period_number": period_number(first, period) if first else None,
        "program_year": program_year(first, period) if first else None,
        "is_first_period_changed": start.is_changed,
        "terms": None if terms is None else json.dumps(terms, sort_keys=True),
    }


def _decimal(value: Decimal | None) -> Decimal | None:
    return None if value is None else Decimal(value)


def _conditions(ccn: str, protocol: Protocol) -> list[dict[str, Any]]:
    return [
        _threshold(condition)
        | {
            "hospital_ccn": ccn,
            "condition_id": condition.id,
            "description": condition.description,
            "measure": condition.measure,
            "threshold": condition.threshold,
            "weight_percent": condition.weight,
            "intervention_ids": "|".join(condition.interventions) or None,
        }
        for condition in protocol.conditions_of_payment
    ]


def _threshold(condition: ConditionOfPayment) -> dict[str, Any]:
    """The columns of a condition that is computed; empty for one that is reported."""
    if (threshold := condition.computed) is None:
        return {}
    return {
        "computed_measure": condition.measure,
        "measured_level": condition.level,
        "threshold_operator": threshold.operator,
        "threshold_value": threshold.value,
    }


def _interventions(ccn: str, protocol: Protocol) -> list[dict[str, Any]]:
    return [
        {
            "hospital_ccn": ccn,
            "intervention_id": chosen.id,
            "category": CATALOG[chosen.id].category,
            "wording": (CATALOG[chosen.id].is_own and chosen.explanation) or CATALOG[chosen.id].wording,
            "is_included": chosen.include,
            "is_existing_strategy": chosen.existing_strategy,
            "is_condition_of_payment": chosen.condition_of_payment,
            "non_cash_resources": chosen.non_cash_resources,
        }
        for chosen in protocol.interventions
    ]


def _committee(ccn: str, protocol: Protocol) -> list[dict[str, Any]]:
    return [
        {
            "hospital_ccn": ccn,
            "member": member.member,
            "credentials": member.credentials,
            "title": member.title,
            "organization": member.organization,
            "represents": "|".join(member.represents),
            "role": member.role,
            "is_physician": member.is_physician,
        }
        for member in protocol.oversight_committee
    ]


def _findings(file: ProtocolFile) -> list[dict[str, Any]]:
    return [
        {
            "hospital_ccn": file.ccn,
            "protocol_year": file.year,
            "finding_id": problem.rule,
            "subject": problem.column,
            "severity": problem.severity,
            "message": problem.message,
            "fix": problem.fix,
        }
        for problem in file.problems
    ]

"""Implementation protocols, ``inbox/protocols/<ccn>/<year>.yaml``: most in order, one missing, one approved too late.

Belongs here: the invented documents. Does not belong here: what a protocol may contain (``policy.protocol``).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

from hcip_pipeline.periods import PerformancePeriod, Quarter
from hcip_pipeline.policy.interventions import CATALOG
from hcip_pipeline.policy.protocol import MODEL_PLAN_QUESTIONS
from hcip_pipeline.synthetic.hospitals import Hospitals
from hcip_pipeline.synthetic.physicians import load_names
from hcip_pipeline.synthetic.streams import stream

#: The committees' conditions: id, description, measure, threshold, and the intervention it depends on. The first two
#: have computed measures: they are evaluated, and their reported results are only shown.
_CONDITIONS = (
    ("COMPLICATIONS", "Hospital-acquired complications stay low", "hac_per_1000", "at most 12",
     "infection_and_sepsis_prevention"),
    ("READMISSIONS", "Readmissions within 30 days stay low", "readmission_rate", "at most 15%",
     "readmission_risk_transition"),
    ("CHARTS", "Charts are completed on time", "charts open after 30 days", "at most 3", "patient_flow"),
    ("CARE-PLAN", "Care plans are written and followed", "share of high-risk patients with a plan", "at least 90%",
     "high_risk_care_plan"),
    ("FOLLOW-UP", "Follow-up is arranged before discharge", "share of discharges with an appointment", "at least 80%",
     "follow_up_appointment"),
    ("MEDICATIONS", "Medications are reconciled", "share of discharges with a reconciled list", "at least 95%",
     "medication_reconciliation"),
)  # fmt: skip

#: Weights in percent, and the conditions that have them.
_WEIGHTS = (
    (("25", "25", "10", "40"), (0, 1, 2, 3)),
    (("33.34", "33.33", "33.33"), (1, 4, 5)),
    (("30", "30", "20", "20"), (1, 0, 4, 2)),
    (("50", "50"), (1, 5)),
    (("20", "20", "20", "20", "20"), (0, 1, 2, 3, 5)),
)
_OTHER_INTERVENTIONS = (
    "vte_prophylaxis", "bedside_medication_delivery", "heart_failure_care", "patient_and_family_education",
    "vaccination", "palliative_care", "surgical_improvement", "advance_directives",
)  # fmt: skip

#: Elections by hospital, in turn; the split may be changed from a hospital's third period on (methodology §13).
_ELECTIONS: tuple[dict[str, object], ...] = (
    {},
    {"mpi_floor": None, "mpi_ceiling": None},
    {"mpi_floor": 150, "mpi_ceiling": 2500, "physician_cap_percent": 20},
    {"physician_cap_percent": 22.5},
    {"mpi_floor": 50},
)
_LATER_SHARES = ("1/2", "2/3", "0.4", "1/3")

_ANSWERS = (
    "Service lines with the largest variance are approached first, department by department.",
    "The electronic record reports each intervention; what it cannot report is kept in a log.",
    "The program coordinator, with the chief medical officer.",
    "Results go to the quality committee each month and to the physicians each half-year.",
    "To see post-acute care and readmissions elsewhere.",
    "The committee reviews each calculated payment against the conditions.",
    "Costs by service line and cost center are compared with statewide norms.",
    "Quarterly data, half-yearly reports, a dashboard for each physician.",
    "Department meetings, a handbook, and a talk with each physician.",
    "Physicians of the committee bring their colleagues' remarks to every meeting.",
)
_FREQUENCIES = ("quarterly", "monthly", "quarterly", "bi-monthly", "quarterly")


@dataclass(frozen=True)
class Program:
    """Each hospital's program: its first period, its committee's meetings, its interventions and conditions.

    Attributes:
        without_protocol, approved_late: one hospital each (−1 in a state too small to spare one).
    """

    first_period: tuple[PerformancePeriod, ...]
    meetings: tuple[str, ...]
    interventions: tuple[tuple[str, ...], ...]
    conditions: tuple[tuple[int, ...], ...]
    weights: tuple[tuple[str, ...], ...]
    without_protocol: int
    approved_late: int

    def condition_ids(self, hospital: int) -> list[str]:
        """Conditions of payment of a hospital's protocol."""
        return [_CONDITIONS[number][0] for number in self.conditions[hospital]]


def plan_program(
    hospitals: Hospitals, first_period: PerformancePeriod, base_year: int, end: Quarter, seed: int
) -> Program:
    """Plan each hospital's program. All but one start in ``first_period``; that one a year earlier, or else later."""
    rng = stream(seed, "program")
    count = len(hospitals)
    order = rng.permutation(count)
    # The large hospitals have no faults, so that there is much to settle.
    small = np.argsort(hospitals.volume, kind="stable")
    years = 1 if first_period.year - 1 <= base_year else -1
    other = PerformancePeriod(first_period.year + years, first_period.half)
    starts = [first_period] * count
    if count >= 4 and other.year <= end.year:
        starts[int(small[-2])] = other
    chosen = [(number + int(order[0])) % len(_WEIGHTS) for number in range(count)]
    interventions = []
    for number in range(count):
        tied = {_CONDITIONS[c][4] for c in _WEIGHTS[chosen[number]][1]}
        extra = rng.permutation(len(_OTHER_INTERVENTIONS))[: int(rng.integers(2, 5))]
        chosen_ids = tied | {_OTHER_INTERVENTIONS[e] for e in extra}
        interventions.append(tuple(id_ for id_ in CATALOG if id_ in chosen_ids))
    return Program(
        first_period=tuple(starts),
        meetings=tuple(_FREQUENCIES[number % len(_FREQUENCIES)] for number in range(count)),
        interventions=tuple(interventions),
        conditions=tuple(_WEIGHTS[number][1] for number in chosen),
        weights=tuple(_WEIGHTS[number][0] for number in chosen),
        without_protocol=int(small[min(1, count // 3)]) if count >= 3 else -1,
        approved_late=int(small[2 if count >= 6 else 0]) if count >= 4 else -1,
    )


def write_protocols(folder: Path, hospitals: Hospitals, program: Program, end: Quarter, seed: int) -> int:
    """Write a file for each hospital and year from its first period to the end; returns how many."""
    written = 0
    for number, ccn in enumerate(hospitals.ccn):
        if number == program.without_protocol:
            continue
        for year in range(program.first_period[number].year, end.year + 1):
            path = folder / ccn / f"{year}.yaml"
            path.parent.mkdir(parents=True, exist_ok=True)
            late = number == program.approved_late and year == end.year
            document = _document(hospitals, program, number, year, late=late, seed=seed)
            title = f"# Implementation protocol, {hospitals.name[number]}, {year} (synthetic)\n"
            text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110)
            path.write_text(title + text, encoding="utf-8")
            written += 1
    return written


def _document(
    hospitals: Hospitals, program: Program, number: int, year: int, *, late: bool, seed: int
) -> dict[str, object]:
    ccn = hospitals.ccn[number]
    rng = stream(seed, "protocol", ccn)
    people = _people(rng)
    tied = {_CONDITIONS[c][4] for c in program.conditions[number]}
    approved = dt.date(year, 2, 18) if late else dt.date(year - 1, 11, 20 - int(rng.integers(0, 12)))
    return {
        "submitted_on": dt.date(year - 1, 10, 1 + int(rng.integers(0, 20))),
        "hospital": {
            "legal_name": f"{hospitals.name[number]}, Inc.",
            "doing_business_as": hospitals.name[number],
            # No identification number starts with 89.
            "tin": f"89{int(ccn[:6], 36) % 10**7:07d}",
            "ccn": ccn,
            "contact": {
                "name": people[0],
                "title": "Program Coordinator",
                "telephone": f"410-555-01{number % 100:02d}",
                "email": f"hcip@{ccn.lower()}.example",
            },
        },
        "key_personnel": [
            {"name": people[0], "responsibility": "Program Coordinator", "percent_of_time": 25},
            {"name": people[1], "responsibility": "Chief Medical Officer", "percent_of_time": 5},
            {"name": people[2], "responsibility": "Chief Financial Officer", "percent_of_time": 5},
        ],
        "oversight_committee": [
            {"member": people[3], "title": "President", "represents": "hospital", "role": "CEO"},
            {"member": people[2], "title": "Vice President, Finance", "represents": "hospital", "role": "CFO"},
            {
                "member": people[1],
                "credentials": "MD",
                "title": "Chief Medical Officer",
                "represents": ["hospital", "physician"],
                "role": "CMO",
            },
            {"member": people[4], "organization": "Patient and Family Council", "represents": "consumer"},
            {"member": people[5], "credentials": "MD", "title": "Hospitalist", "represents": "physician"},
            {"member": people[6], "credentials": "DO", "title": "Orthopedic Surgeon", "represents": "physician"},
        ],
        "meeting_frequency": program.meetings[number],
        "report_frequency": "quarterly",
        "model_plan": dict(zip(MODEL_PLAN_QUESTIONS, _ANSWERS, strict=True)),
        "interventions": [
            {"id": id_, "include": True, "existing_strategy": n % 3 == 0, "condition_of_payment": id_ in tied}
            for n, id_ in enumerate(program.interventions[number])
        ],
        "conditions_of_payment": [
            dict(
                zip(
                    ("id", "description", "measure", "threshold", "weight", "interventions"),
                    (*_CONDITIONS[c][:4], _number(weight), [_CONDITIONS[c][4]]),
                    strict=True,
                )
            )
            for c, weight in zip(program.conditions[number], program.weights[number], strict=True)
        ],
        "elections": _elections(program, number, year),
        "approved_on": approved,
        "first_performance_period": str(program.first_period[number]),
    }


def _elections(program: Program, number: int, year: int) -> dict[str, object]:
    elections = dict(_ELECTIONS[number % len(_ELECTIONS)])
    first = program.first_period[number]
    if year > first.year and PerformancePeriod(year, 1) >= PerformancePeriod(first.year + 1, first.half):
        elections["improvement_share"] = _LATER_SHARES[number % len(_LATER_SHARES)]
    return elections


def _number(text: str) -> int | float:
    return float(text) if "." in text else int(text)


def _people(rng: np.random.Generator) -> list[str]:
    """Seven different invented names."""
    first_names, last_names = load_names()
    first, last = rng.permutation(len(first_names))[:7], rng.permutation(len(last_names))[:7]
    return [f"{first_names[f]} {last_names[n]}" for f, n in zip(first, last, strict=True)]

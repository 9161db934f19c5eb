"""Quality measures that conditions of payment may use (methodology §12, §9 step 2).

Belongs here: a measure's value from the counts next to it, and whether a condition on it is met. Does not belong here:
the counts themselves, because no file of a release contains the cases behind them.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from .exact import RATIO, quotient
from .hospital import Hospital
from .report import Findings
from .tables import Row

#: (level, subject, measure) -> value in the period; None if there was nothing to measure
Measured = Mapping[tuple[str, str, str], Decimal | None]

#: multipliers of rates; those over months of enrollment are per 1,000 years
_PER = {"hac_per_1000": 1000, "readmissions_per_1000": 12000, "admissions_per_1000": 12000}


def check_measures(hospital: Hospital, findings: Findings) -> Measured:
    """Check every value of the hospital's measures against its counts."""
    measured = {}
    for row in hospital.measures:
        value = _value(row, "")
        findings.compare("measures", row, {"value": value, "baseline_value": _value(row, "baseline_")})
        measured[row["level"], row["subject"], row["measure"]] = value
    return measured


def _value(row: Row, window: str) -> Decimal | None:
    events = row[window + "numerator"]
    if row["measure"] == "readmission_rate_adjusted":
        expected = row[window + "expected"]
        return (
            quotient(events * row["base_rate"], expected, RATIO) if expected and row["base_rate"] is not None else None
        )
    return quotient(events * _PER.get(row["measure"], 1), row[window + "denominator"], RATIO)


def outcome(condition: Row, measured: Measured) -> dict[str, Any]:
    """Whether a condition is met: by its measure if that has a value, else as reported."""
    subject = condition["npi"] if condition["measured_level"] == "physician" else "ALL"
    value = measured.get((condition["measured_level"], subject, condition["computed_measure"]))
    if not condition["computed_measure"] or value is None:
        reported = condition["reported"]
        return {"measured_value": None, "source": "REPORTED" if reported else "", "met": reported}
    threshold = condition["threshold_value"]
    reached = {
        "below": value < threshold,
        "at most": value <= threshold,
        "at least": value >= threshold,
        "above": value > threshold,
    }
    met = reached.get(condition["threshold_operator"], False)
    return {"measured_value": value, "source": "MEASURED", "met": "Y" if met else "N"}

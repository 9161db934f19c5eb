"""Verification recomputes measures from their counts and conditions from their measures."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from hcip_pipeline.release.verification.measures import check_measures, outcome
from hcip_pipeline.release.verification.report import Findings
from hcip_pipeline.release.verification.shapes import SHAPES
from hcip_pipeline.release.verification.tables import Row, Table

D = Decimal
_SHAPE = SHAPES["committee", "quality_measures"]


def _measures(*rows: dict[str, Any]) -> Any:
    columns = tuple(_SHAPE.types)
    table = Table(_SHAPE, "committee/HCIP_210001_quality_measures_2025H1_r1.csv", columns)
    table.rows = [Row(table, line, tuple(row.get(c) for c in columns)) for line, row in enumerate(rows, start=2)]
    return SimpleNamespace(measures=table)


def _row(measure: str, numerator: int, denominator: int, **other: Any) -> dict[str, Any]:
    now = {"numerator": numerator, "denominator": denominator}
    before = {"baseline_numerator": 0, "baseline_denominator": 0}
    return (
        {"hospital_ccn": "210001", "period": "2025H1", "level": "hospital", "subject": "ALL", "measure": measure}
        | now
        | before
        | other
    )


def test_values_follow_from_counts() -> None:
    findings = Findings()
    rows = (
        _row("readmission_rate", 1, 3, value=D("0.33333333")),
        _row("hac_per_1000", 2, 300, value=D("6.66666667")),
        _row("readmissions_per_1000", 5, 1200, value=D("50")),
        _row("readmission_rate_adjusted", 8, 90, expected=D("10"), base_rate=D("0.12"), value=D("0.096")),
        _row("readmission_rate_adjusted", 8, 90, level="physician", subject="x", base_rate=D("0.12")),
    )
    measured = check_measures(_measures(*rows), findings)
    assert not findings.listed
    assert measured["hospital", "ALL", "readmission_rate_adjusted"] == D("0.096")
    assert measured["physician", "x", "readmission_rate_adjusted"] is None  # nothing was expected


def test_a_wrong_value_is_reported() -> None:
    findings = Findings()
    check_measures(_measures(_row("readmission_rate", 1, 3, value=D("0.33333334"))), findings)
    (reported,) = findings.listed
    assert "value" in str(reported)


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [
        (("hospital", "at most", "0.2"), ("MEASURED", "Y", D("0.2"))),
        (("hospital", "below", "0.2"), ("MEASURED", "N", D("0.2"))),
        (("physician", "at least", "0.5"), ("MEASURED", "Y", D("0.5"))),
    ],
)
def test_a_measured_condition_is_met_by_its_threshold(
    threshold: tuple[str, str, str], expected: tuple[str, str, Decimal]
) -> None:
    measured = {("hospital", "ALL", "readmission_rate"): D("0.2"), ("physician", "1", "readmission_rate"): D("0.5")}
    level, operator, value = threshold
    condition: Any = {"npi": "1", "computed_measure": "readmission_rate", "measured_level": level, "reported": "N"}
    found = outcome(condition | {"threshold_operator": operator, "threshold_value": D(value)}, measured)
    assert (found["source"], found["met"], found["measured_value"]) == expected


@pytest.mark.parametrize(("reported", "source"), [("Y", "REPORTED"), ("", "")])
def test_without_a_value_the_report_counts(reported: str, source: str) -> None:
    condition: Any = {
        "npi": "1",
        "computed_measure": "readmission_rate",
        "measured_level": "physician",
        "reported": reported,
    }
    found = outcome(condition, {("physician", "1", "readmission_rate"): None})
    assert (found["source"], found["met"], found["measured_value"]) == (source, reported, None)

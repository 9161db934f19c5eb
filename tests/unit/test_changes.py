"""A file of changes for ``hcip what-if``: an invalid value is refused with its key."""

from __future__ import annotations

from pathlib import Path

import pytest

from hcip_pipeline.certainty.changes import CaseChange, Changes, read_changes
from hcip_pipeline.errors import HcipError

CASE = 'cases: [{hospital: "210001", account: "A-1", %s}]'
PARTNER = 'care_partners: [{hospital: "210001", npi: "1234567893", %s}]'
BOMB = "a: &a [x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
WRONG = {
    "true or false as a word": (CASE % 'counted: "yes"', "cases.0.counted"),
    "true or false as a number": (CASE % "counted: 1", "cases.0.counted"),
    "a cost that is true": (CASE % "cost: true", "cases.0.cost"),
    "a cost below zero": (CASE % "cost: -0.01", "cases.0.cost"),
    "a cost with half a cent": (CASE % "cost: 1.005", "cases.0.cost"),
    "a cost that is not a number": (CASE % "cost: .nan", "not a number"),
    "a severity that is not text": (CASE % "severity_of_illness: 2", "in quotes"),
    "a severity of five": (CASE % 'severity_of_illness: "5"', "cases.0.severity_of_illness"),
    "an APR-DRG in octal": (CASE % "apr_drg: 045", "in quotes"),
    "an NPI of other digits": (CASE % 'npi: "١٢٣٤٥٦٧٨٩٣"', "ten digits"),
    "a list in the place of a case": ("cases: [[[]]]", "cases.0"),
    "one case, not a list": ('cases: {hospital: "1", account: "1"}', "cases"),
    "activities of nobody": (PARTNER % "certified: false, interventions: {records: 1}", "not certified"),
    "activities that are true": (PARTNER % "interventions: {records: true}", "interventions.records"),
    "a condition without met": ('conditions: [{hospital: "1", npi: "1234567893", condition: a}]', "missing"),
    "a list": ("- cases", "a mapping"),
    "empty": ("", "a mapping"),
    "a value of Python": ("!!python/object:os.system {}", "not valid YAML"),
    "itself": ("cases: &a [*a]", "cases.0"),
    "a bomb": (
        BOMB + "cases: *i",
        "unknown key",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "message"), WRONG.values(), ids=WRONG)
def test_an_invalid_file_of_changes_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "changes.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(HcipError, match=message) as refused:
        read_changes(path)
    assert refused.value.file == str(path) and refused.value.fix


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(HcipError, match="no file of changes here"):
        read_changes(tmp_path / "absent.yaml")


def test_changes_of_every_case_of_a_state_are_read_in_linear_time() -> None:
    """Quadratic work would take minutes for a state's cases."""
    cases = tuple(
        CaseChange.model_construct(hospital="210001", account=str(number), counted=False) for number in range(20_000)
    )
    assert len(Changes(cases=cases).cases) == 20_000

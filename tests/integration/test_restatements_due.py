"""An input of a released half-year was edited later: the next half-year's run names it (methodology §15)."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from hcip_pipeline.intake.period_intake import files_in_force, ingest_period
from hcip_pipeline.periods import PerformancePeriod, Quarter
from hcip_pipeline.policy.loader import load_policy
from hcip_pipeline.reference.tables import write_lake_reference
from hcip_pipeline.release.notes import NoteRule
from hcip_pipeline.settlement.restatements_due import restatements_due
from tests.half_years import A, B, HalfYears

pytestmark = pytest.mark.slow

EARLIER, LATER = "2025H1", "2025H2"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> HalfYears:
    """The earlier half-year, ingested, with a release that lists its inputs."""
    state = HalfYears.make(tmp_path_factory.mktemp("due") / "home", 3)
    period = PerformancePeriod.parse(EARLIER)
    write_lake_reference(state.home.inbox, state.home.lake_reference)
    ingest_period(state.home, period, load_policy(state.home.policy).policy)
    sent = state.home.inbox / "hospital" / "2025Q1" / A
    sent.mkdir(parents=True)
    (sent / "discharges.csv").write_text("account_no\n1\n", encoding="utf-8")
    inputs = [*files_in_force(state.home, period), {"file": f"hospital/2025Q1/{A}/discharges.csv", "sha256": "1"}]
    folder = state.home.releases / EARLIER / "r1"
    folder.mkdir(parents=True)
    (folder / "datapackage.json").write_text(json.dumps({"inputs": inputs}), encoding="utf-8")
    return state


@pytest.fixture
def state(made: HalfYears, tmp_path: Path) -> HalfYears:
    return made.copy(tmp_path / "home")


def due(state: HalfYears, period: str = LATER) -> list[str]:
    notes = restatements_due(state.home, PerformancePeriod.parse(period))
    assert {note.rule for note in notes} <= {NoteRule.RESTATEMENT_DUE}
    return [str(note) for note in notes]


def edit(table: str, ccn: str, **changes: str) -> Callable[[HalfYears], None]:
    def change(state: HalfYears) -> None:
        rows = state.rows(EARLIER, table)
        at = next(at for at, row in enumerate(rows) if row["hospital_ccn"] == ccn)
        state.write(EARLIER, table, [row | changes if at == n else row for n, row in enumerate(rows)])

    return change


def resubmit(state: HalfYears) -> None:
    first = state.home.inbox / "hospital" / "2025Q1" / A
    shutil.copytree(first, first.with_name(f"{A}.r2"))


def send_late(state: HalfYears) -> None:
    first = state.home.inbox / "hospital" / "2025Q1" / A
    shutil.copytree(first, state.home.inbox / "hospital" / "2025Q2" / B)


def refuse(state: HalfYears) -> None:
    (state.home.inbox / "program" / EARLIER / "condition_results.csv").write_text("nothing\n", encoding="utf-8")


def ingest_again(state: HalfYears) -> None:
    edit("other_program_amounts", B, amount="12.34")(state)
    ingest_period(state.home, PerformancePeriod.parse(LATER), load_policy(state.home.policy).policy)


@pytest.mark.parametrize(
    ("change", "file", "hospitals"),
    [
        (edit("condition_results", A, met="N"), "program/2025H1/condition_results.csv changed", A),
        (edit("intervention_activity", B, activities="0"), "program/2025H1/intervention_activity.csv changed", B),
        (lambda s: s.correct(EARLIER, B, "2024H1"), "program/2025H1/program_corrections.csv is new", B),
        (refuse, "program/2025H1/condition_results.csv changed", ""),
        (resubmit, f"hospital/2025Q1/{A}.r2 is new", A),
        (send_late, f"hospital/2025Q2/{B} is new", B),
        (ingest_again, "program/2025H1/other_program_amounts.csv changed", B),
    ],
    ids=["a result", "an activity", "a correction", "refused", "a resubmission", "a late submission", "ingested again"],
)
def test_an_edited_input_of_a_released_half_year_is_named(
    state: HalfYears, change: Callable[[HalfYears], None], file: str, hospitals: str
) -> None:
    change(state)
    (reported,) = due(state)
    whose = f" ({hospitals})" if hospitals else ""
    assert reported == f"2025H1: {file} since r1{whose}: a restatement is due, `hcip run 2025H1 --onward`"
    assert not due(state, EARLIER), "the half-year itself is built anew instead"


def as_before(state: HalfYears) -> None:
    path = state.home.inbox / "program" / EARLIER / "condition_results.csv"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))


def report_payments(state: HalfYears) -> None:
    row = {"hospital_ccn": A, "npi": "1000000012", "paid_amount": "1.00", "paid_on": "2025-12-01", "reference": "a"}
    state.write(EARLIER, "payments", [row])


def of_a_later_quarter(state: HalfYears) -> None:
    assert Quarter.parse("2025Q3") not in PerformancePeriod.parse(EARLIER).quarters
    resubmit(state)
    (state.home.inbox / "hospital" / "2025Q1").rename(state.home.inbox / "hospital" / "2025Q3")


@pytest.mark.parametrize("change", [lambda _: None, as_before, report_payments, of_a_later_quarter])
def test_an_edit_that_changes_none_of_its_rows_is_not_named(
    state: HalfYears, change: Callable[[HalfYears], None]
) -> None:
    change(state)
    assert due(state) == []

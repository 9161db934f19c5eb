"""The survey form of a release, completed and returned: read as results and activities, each problem with its cell."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest
from click.testing import CliRunner

from hcip_pipeline import cli
from hcip_pipeline.contracts import survey
from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.program.ingest import ProgramIntake, ProgramReceipt, ingest_program
from hcip_pipeline.intake.program.receipts import receipt_in_force
from hcip_pipeline.intake.survey.ingest import survey_names
from hcip_pipeline.release.documents import Draft
from hcip_pipeline.release.reading import ReleaseFiles
from hcip_pipeline.reports.figures import ReportSource
from hcip_pipeline.reports.survey_form import survey_form
from tests.released_state import PERIOD, A, State, released, unreleased  # noqa: F401 - fixtures
from tests.scenario import npi

NAME = survey.form_name(A, PERIOD)
CONDITIONS, ACTIVITIES = survey.CONDITIONS.name, survey.ACTIVITIES.name


@pytest.fixture
def form(released: Path) -> Any:  # noqa: F811
    """The form as it was sent out, to be filled in."""
    return openpyxl.load_workbook(released / "reports" / A / NAME)


@pytest.fixture
def computed_form(released: Path, unreleased: State) -> Any:  # noqa: F811
    """A form in which condition A1 is measured for everybody and met, and A3 should be measured but has no data."""
    inputs = json.loads((released / "datapackage.json").read_bytes())["inputs"]
    draft = Draft(unreleased.home, PERIOD, 1, unreleased.policy, ReleaseFiles.at(released), (A,), tuple(inputs))
    source = ReportSource(draft)
    for row in source.current.of_hospital("conditions", A):
        if row["condition_id"] == "A1":
            row |= {"source": "MEASURED", "met": "Y", "computed_measure": "readmission_rate"}
        if row["condition_id"] == "A3":
            row |= {"source": None, "met": None, "computed_measure": "readmission_rate"}
    return openpyxl.load_workbook(io.BytesIO(survey_form(source, A)))


@pytest.fixture
def send(tmp_path: Path) -> Callable[[Any], ProgramIntake]:
    """Puts a workbook into the inbox and ingests the period's program files."""
    home = Home(tmp_path)
    folder = home.inbox / "program" / str(PERIOD)
    folder.mkdir(parents=True)

    def sending(book: Any) -> ProgramIntake:
        book.save(folder / NAME)
        return ingest_program(home, PERIOD)

    return sending


def _line(sheet: Any, physician: str, subject: str) -> int:
    (line,) = (row[0].row for row in sheet.iter_rows(min_row=5) if (row[0].value, row[2].value) == (physician, subject))
    return int(line)


def _survey(intake: ProgramIntake) -> ProgramReceipt:
    (receipt,) = (receipt for receipt in intake.receipts if receipt.table == f"survey_{A}")
    return receipt


def _lake(tmp_path: Path, table: str) -> pl.DataFrame:
    return pl.read_parquet(Home(tmp_path).lake_program(PERIOD) / f"{table}.parquet")


def test_filled_in_cells_become_results_and_activities(
    form: Any, send: Callable[[Any], ProgramIntake], tmp_path: Path
) -> None:
    sheet = form[CONDITIONS]
    line = _line(sheet, npi(2), "A3")
    assert sheet[f"F{line}"].value is None, "the form shows what is missing as a blank"
    sheet[f"F{line}"], sheet[f"G{line}"] = "Y", "chart review"
    form[ACTIVITIES][f"E{_line(form[ACTIVITIES], npi(3), 'patient_flow')}"] = 12
    intake = send(form)
    receipt = _survey(intake)
    assert (receipt.status, receipt.problems, intake.unknown_files) == ("accepted", (), ())
    results = _lake(tmp_path, "condition_results")
    assert results.filter((pl.col("npi") == npi(2)) & (pl.col("condition_id") == "A3")).select(
        "hospital_ccn", "met", "source"
    ).rows() == [(A, "Y", "chart review")]
    assert results.height == 9, "the form also holds what was reported before"
    activities = _lake(tmp_path, "intervention_activity")
    assert activities.filter(pl.col("npi") == npi(3))["activities"].to_list() == [12]


def test_a_blank_stays_missing(form: Any, send: Callable[[Any], ProgramIntake], tmp_path: Path) -> None:
    send(form)
    assert (npi(2), "A3") not in _lake(tmp_path, "condition_results").select("npi", "condition_id").rows()


@pytest.mark.parametrize(
    ("sheet", "column", "value", "rule"),
    [
        (CONDITIONS, "F", "perhaps", "VALUE-NOT-ALLOWED"),
        (CONDITIONS, "F", '=IF(1,"Y","N")', "SURVEY-FORMULA"),
        (CONDITIONS, "H", "last week", "CELL-FORMAT"),
        (CONDITIONS, "A", "1234567890", "NPI-CHECK-DIGIT"),
        (ACTIVITIES, "E", 2.5, "CELL-FORMAT"),
        (ACTIVITIES, "E", -1, "NUMBER-OUT-OF-RANGE"),
    ],
)
def test_a_cell_that_cannot_be_read_is_reported_with_its_address(
    form: Any, send: Callable[[Any], ProgramIntake], sheet: str, column: str, value: object, rule: str
) -> None:
    form[sheet][f"{column}6"] = value
    receipt = _survey(send(form))
    assert receipt.status == "refused"
    (problem,) = (problem for problem in receipt.problems if problem.rule == rule)
    assert problem.column == f"{sheet}!{column}6"
    assert problem.fix


def test_another_form_is_refused(form: Any, send: Callable[[Any], ProgramIntake]) -> None:
    form[survey.COVER][survey.PERIOD_CELL] = "2019H1"
    (problem,) = _survey(send(form)).problems
    assert (problem.rule, problem.column) == ("SURVEY-OTHER-FORM", f"{survey.COVER}!{survey.PERIOD_CELL}")


def test_a_changed_sheet_is_refused(form: Any, send: Callable[[Any], ProgramIntake]) -> None:
    form[CONDITIONS].delete_cols(2)
    del form[ACTIVITIES]
    problems = _survey(send(form)).problems
    assert [(problem.rule, problem.column) for problem in problems] == [
        ("SURVEY-CHANGED", f"{CONDITIONS}!B4"),
        ("SURVEY-CHANGED", ACTIVITIES),
    ]


def test_a_file_that_is_not_a_workbook_is_refused(
    form: Any, send: Callable[[Any], ProgramIntake], tmp_path: Path
) -> None:
    send(form)
    (Home(tmp_path).inbox / "program" / str(PERIOD) / NAME).write_bytes(b"PK\x03\x04 not a workbook")
    receipt = _survey(ingest_program(Home(tmp_path), PERIOD))
    assert (receipt.status, list(receipt.rules_broken)) == ("refused", ["SURVEY-UNREADABLE"])
    assert receipt.in_force == 1, "the form before it stays in force"
    assert _lake(tmp_path, "condition_results").height == 8


def test_a_csv_file_that_differs_counts_and_the_conflict_is_reported(
    form: Any, send: Callable[[Any], ProgramIntake], tmp_path: Path
) -> None:
    csv = Home(tmp_path).inbox / "program" / str(PERIOD) / "condition_results.csv"
    csv.write_text(
        f"hospital_ccn,npi,condition_id,met,source,reported_on\n{A},{npi(3)},A2,N,registry,\n{A},{npi(2)},A3,,,\n"
    )
    line = _line(form[CONDITIONS], npi(3), "A2")
    form[CONDITIONS][f"F{line}"] = "Y"
    form[CONDITIONS][f"F{_line(form[CONDITIONS], npi(2), 'A3')}"] = "N"
    receipt = _survey(send(form))
    assert receipt.status == "accepted"
    (problem,) = receipt.problems
    assert (problem.rule, problem.column) == ("SURVEY-CONFLICT", f"{CONDITIONS}!F{line}")
    results = {
        row[:2]: row[2] for row in _lake(tmp_path, "condition_results").select("npi", "condition_id", "met").rows()
    }
    assert results[npi(3), "A2"] == "N"
    assert results[npi(2), "A3"] == "N", "a blank of the CSV file states nothing"


@pytest.fixture
def all_otherwise(released: Path, tmp_path: Path, send: object) -> None:  # noqa: F811
    """A later CSV file that differs from every result, computed or reported."""
    rows = ReleaseFiles.at(released).table("conditions", A).select("npi", "condition_id", "met").rows()
    lines = [f"{A},{npi_},{condition},{'N' if met == 'Y' else 'Y'},,\n" for npi_, condition, met in rows]
    folder = Home(tmp_path).inbox / "program" / str(PERIOD)
    (folder / "condition_results.csv").write_text(
        "hospital_ccn,npi,condition_id,met,source,reported_on\n" + "".join(lines)
    )


@pytest.mark.usefixtures("all_otherwise")
@pytest.mark.parametrize("kind", ["form", "computed_form"])
def test_an_untouched_form_conflicts_with_nothing(
    kind: str, request: pytest.FixtureRequest, send: Callable[[Any], ProgramIntake]
) -> None:
    receipt = _survey(send(request.getfixturevalue(kind)))
    assert (receipt.status, receipt.problems, receipt.rules_broken) == ("accepted", (), {})
    assert receipt.rows > 0, "the form holds what was reported"


@pytest.mark.usefixtures("all_otherwise")
def test_only_a_newly_typed_answer_is_a_conflict(form: Any, send: Callable[[Any], ProgramIntake]) -> None:
    line = _line(form[CONDITIONS], npi(2), "A3")
    form[CONDITIONS][f"F{line}"] = "N"
    (problem,) = _survey(send(form)).problems
    assert (problem.rule, problem.column) == ("SURVEY-CONFLICT", f"{CONDITIONS}!F{line}")


@pytest.mark.usefixtures("all_otherwise")
def test_a_form_without_its_original_answers_is_read_as_typed(form: Any, send: Callable[[Any], ProgramIntake]) -> None:
    del form[survey.SENT_OUT]
    receipt = _survey(send(form))
    assert (receipt.status, receipt.rules_broken) == ("accepted", {"SURVEY-CONFLICT": 8})


def test_a_computed_condition_is_shown_and_one_without_data_is_asked(computed_form: Any) -> None:
    sheet = computed_form[CONDITIONS]
    computed, asked = (sheet[_line(sheet, npi(2), condition)] for condition in ("A1", "A3"))
    assert [cell.value for cell in computed[5:8]] == ["Y", survey.COMPUTED, ""]
    assert all(cell.protection.locked for cell in computed[5:8])
    assert [(cell.value, cell.protection.locked) for cell in asked[5:8]] == [(None, False)] * 3
    assert computed_form[survey.SENT_OUT].sheet_state == "hidden"


def test_a_computed_condition_is_never_a_reported_result_even_if_overwritten(
    computed_form: Any, send: Callable[[Any], ProgramIntake], tmp_path: Path
) -> None:
    sheet = computed_form[CONDITIONS]
    line = _line(sheet, npi(2), "A1")
    sheet[f"F{line}"] = "N"
    sheet[f"F{_line(sheet, npi(2), 'A3')}"] = "Y"
    receipt = _survey(send(computed_form))
    (problem,) = receipt.problems
    assert (receipt.status, problem.rule, problem.column) == (
        "accepted",
        "SURVEY-COMPUTED",
        f"{CONDITIONS}!F{line}",
    )
    results = _lake(tmp_path, "condition_results").select("npi", "condition_id").rows()
    assert "A1" not in {condition for _, condition in results} and (npi(2), "A3") in results


def test_a_hospital_can_check_its_form_before_sending_it(form: Any, tmp_path: Path) -> None:
    form[CONDITIONS]["F6"] = "perhaps"
    form.save(tmp_path / NAME)
    checked = CliRunner().invoke(cli.cli, ["check", str(tmp_path / NAME)])
    assert checked.exit_code == 1
    assert f"{CONDITIONS}!F6" in checked.output and "What to do: use one of the allowed values" in checked.output


def test_a_form_is_an_input_of_the_release(form: Any, send: Callable[[Any], ProgramIntake], tmp_path: Path) -> None:
    send(form)
    lake = Home(tmp_path).lake_program(PERIOD)
    assert survey_names(lake) == [f"survey_{A}"]
    receipt = receipt_in_force(f"survey_{A}", lake)
    assert receipt is not None and receipt["file"] == NAME
    assert len(receipt["sha256"]) == 64

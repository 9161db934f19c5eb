"""The preflight of program and reference files, protocols, policy: the intake's verdict, rules and places."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from hcip_pipeline.assets.execution import IngestReport
from hcip_pipeline.cli import main
from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.kept_files import check_kept_files
from hcip_pipeline.intake.period_intake import PeriodIntake
from hcip_pipeline.intake.program.ingest import ingest_program
from hcip_pipeline.operations.summary import print_ingest
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.plain_lines import WIDTH
from hcip_pipeline.rules.rendering import render_text

PERIOD = PerformancePeriod(2025, 1)
ROW = {
    "hospital_ccn": "210001", "npi": "1234567893", "adjustment_amount": "-12.50", "reason": "late charts",
    "approved_by": "the committee", "approved_on": "2025-06-30",
}  # fmt: skip
Cells = dict[str, str]
Write = Callable[[Path, pl.DataFrame], None]


def _table(change: Cells) -> pl.DataFrame:
    return pl.DataFrame([ROW, ROW | {"npi": "1497758544"} | change])


def _csv(folder: Path, frame: pl.DataFrame) -> None:
    (folder / "committee_adjustments.csv").write_text(frame.write_csv())


def _semicolons(folder: Path, frame: pl.DataFrame) -> None:
    (folder / "Committee_Adjustments.CSV").write_bytes(frame.write_csv(separator=";").encode("cp1252"))


def _workbook(folder: Path, frame: pl.DataFrame) -> None:
    frame.write_excel(folder / "committee_adjustments.xlsx")


def _parquet(folder: Path, frame: pl.DataFrame) -> None:
    frame.write_parquet(folder / "committee_adjustments.parquet")


def _twice(folder: Path, frame: pl.DataFrame) -> None:
    _csv(folder, frame)
    _parquet(folder, frame)


CHANGES: dict[str, Cells] = {
    "as it should be": {},
    "month first": {"approved_on": "6/30/2025"},
    "dollars": {"adjustment_amount": "($12.50)"},
    "an increase": {"adjustment_amount": "12.50"},
    "lost digits": {"npi": "1.49776E+09"},
    "another check digit": {"npi": "1497758545"},
    "thousands, or three decimals": {"adjustment_amount": "-1.230"},
    "a placeholder": {"approved_by": "N/A"},
    "a placeholder of a key": {"npi": "NULL"},
    "blanks of the web": {"npi": "1497758544\u00a0"},
    "twice the same key": {"npi": "1234567893"},
}


@pytest.mark.parametrize("write", [_csv, _semicolons, _workbook, _parquet, _twice])
@pytest.mark.parametrize("change", CHANGES)
def test_a_program_file_is_judged_as_the_intake_judges_it(tmp_path: Path, write: Write, change: str) -> None:
    home = Home(tmp_path)
    folder = home.inbox / "program" / str(PERIOD)
    folder.mkdir(parents=True)
    write(folder, _table(CHANGES[change]))
    checked = check_kept_files(folder)
    taken = [r for r in ingest_program(home, PERIOD).receipts if r.table == "committee_adjustments"]
    assert checked is not None
    for each in checked:
        assert (each.accepted, each.problems) == (taken[0].status == "accepted", taken[0].problems)
        assert all(len(line) <= WIDTH for line in render_text([each.verdict]).split("\n"))


def test_a_refusal_names_row_column_and_rule_and_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _csv(tmp_path, _table({"adjustment_amount": "12.50"}))
    file = str(tmp_path / "committee_adjustments.csv")

    def run(*arguments: str) -> int:
        with pytest.raises(SystemExit) as done:
            main(["check", *arguments])
        return int(done.value.code or 0)

    assert run(file) == 2
    assert "--period 2025H1" in capsys.readouterr().err
    assert run(file, "--period", "2025H1") == 1
    stated = " ".join(capsys.readouterr().out.split())
    assert "REFUSED: committee_adjustments.csv, 2 rows" in stated
    assert "ADJUSTMENT-INCREASE: row 3, column adjustment_amount:" in stated and "What to do:" in stated
    assert run(str(tmp_path), "--period", "2025H1", "--json") == 1
    assert json.loads(capsys.readouterr().out)[0]["problems"][0]["rule"] == "ADJUSTMENT-INCREASE"


def test_ingest_reports_refusals_and_conversions_of_program_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = Home(tmp_path)
    folder = home.inbox / "program" / str(PERIOD)
    folder.mkdir(parents=True)
    _csv(folder, _table({"adjustment_amount": "12.50", "approved_on": "6/30/2025"}))
    notice = "hospital_ccn,incentive_pool,contested,notice_date\n210001,1000000.00,no,2025-07-01\n"
    (folder / "pool_notices.csv").write_text(notice)
    report = IngestReport({}, {}, {str(PERIOD): PeriodIntake(ingest_program(home, PERIOD), ())})
    print_ingest(home, report)
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines()[:-1])) <= WIDTH  # the last line names the lake
    stated = " ".join(out.split())
    assert "committee_adjustments.csv: refused" in stated and "row 3, column adjustment_amount:" in stated
    assert "WARN CODE-SPELLING row 2, column contested: in this cell" in stated and not report.ok


@pytest.mark.parametrize(
    ("name", "text", "rule"),
    [
        ("per_diem.csv", "year,severity,amount\n2025,1,1200.00\n2025,2,1.50\n2025,3,2\n2025,4,3\n", None),
        ("per_diem.csv", "year;severity;amount\n2025;1;$1,200.00\n2025;2;1.50\n2025;3;2\n2025;4;3\n", "NUMBER-FORM"),
        ("per_diem.csv", "year,severity,amount\n2025,9,1200.00\n", "VALUE-NOT-ALLOWED"),
        ("revenue_codes.csv", "revenue_code_from,revenue_code_to,rate_center\n0120,0120,XYZ\n", "RATE-CENTER-UNKNOWN"),
    ],
)
def test_a_reference_file_is_judged_among_the_others(tmp_path: Path, name: str, text: str, rule: str | None) -> None:
    folder = tmp_path / "inbox" / "reference"
    folder.mkdir(parents=True)
    (folder / name).write_text(text)
    (each,) = check_kept_files(folder / name) or ()
    reported = {problem.rule for problem in each.problems}
    assert each.accepted == (rule in (None, "NUMBER-FORM"))
    assert rule in reported if rule else not reported


def test_a_protocol_and_a_policy_are_judged(tmp_path: Path) -> None:
    place = tmp_path / "inbox" / "protocols" / "210001"
    place.mkdir(parents=True)
    (place / "2025.yaml").write_text("hospital: {ccn: '210001'}\n")
    (tmp_path / "inbox" / "policy.yaml").write_text("version: a\nbase_year: 1800\n")
    (protocol,) = check_kept_files(tmp_path / "inbox" / "protocols") or ()
    (policy,) = check_kept_files(tmp_path / "inbox" / "policy.yaml") or ()
    assert (protocol.file, protocol.accepted, policy.accepted) == ("210001/2025.yaml", False, False)
    assert all(problem.message for each in (protocol, policy) for problem in each.problems)


def test_an_unknown_file_among_program_files_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "2025H1"
    folder.mkdir()
    _csv(folder, _table({}))
    (folder / "care_partner.csv").write_text("npi\n")
    found = check_kept_files(folder) or []
    assert [(each.kind, each.accepted) for each in found] == [("program", True), ("unknown", True)]
    assert check_kept_files(tmp_path) is None

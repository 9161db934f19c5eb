"""A state with planted faults: the intake finds all of them, and nothing else."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.hospital.ingest import ingest_quarter, quarantine_path
from hcip_pipeline.intake.hospital.receipts import SubmissionReceipt
from hcip_pipeline.periods import Quarter
from hcip_pipeline.policy.loader import load_policy
from hcip_pipeline.rules.hospital import RULES
from hcip_pipeline.synthetic import StateArguments, SynthReport, generate_state

pytestmark = pytest.mark.slow

#: Rules that generated files do not break: they contain no link out of the inbox, the table of cost factors is there,
#: and a folder changes only after it was accepted. Faults of a whole file or column are not planted in rows
#: (``tests.unit.intake_shapes`` sends such files).
NOT_PLANTED = {
    "S-OUTSIDE-INBOX", "S-COST-FACTORS-ABSENT", "S-CHANGED", "D-DATE-FORM", "C-DATE-FORM", "D-ROW-REPEATED",
    "C-ROW-REPEATED", "F-DELIMITER", "F-WINDOWS-1252", "F-LETTER-CASE", "F-PARQUET-TYPE", "F-BLANK-ROWS", "F-FORMULA",
    "S-UNMAPPED-MOST", "D-GROUPER-UNKNOWN", "S-GROUPER-VERSION", "D-CODE-SCRIPT",
    "C-CODE-SCRIPT", "F-TOO-LARGE", "F-DATE-FORMS", "F-ID-MIXED", "D-ID-FORM", "C-ID-FORM", "D-KEY-PLACEHOLDER",
    "D-PATIENT-ID-SHARED",
    "F-SHEETS-IGNORED",
    *(rule for rule in RULES if rule.startswith("B-")),  # rules for bills, which are written without faults
}  # fmt: skip


def _state(root: Path, *, defects: bool) -> tuple[Home, SynthReport, list[SubmissionReceipt]]:
    home = Home(root)
    report = generate_state(
        home.inbox,
        StateArguments(
            hospitals=2,
            discharges_per_year=4_000,
            start=Quarter(2024, 1),
            end=Quarter(2025, 1),
            seed=11,
            cms=False,
            defects=defects,
        ),
    )
    policy = load_policy(home.policy).policy
    receipts = [receipt for key in report.quarters for receipt in ingest_quarter(home, Quarter.parse(key), policy)]
    return home, report, receipts


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, SynthReport, list[SubmissionReceipt]]:
    return _state(tmp_path_factory.mktemp("faulty"), defects=True)


@pytest.fixture(scope="module")
def truth(faulty: tuple[Home, SynthReport, list[SubmissionReceipt]]) -> pl.DataFrame:
    return _truth(faulty[1])


def _truth(report: SynthReport) -> pl.DataFrame:
    schema = {"source_row": pl.Int64}
    frame = pl.read_csv(report.truth / "defects.csv", infer_schema=False).cast(schema)  # type: ignore[arg-type]
    return frame.with_columns(pl.col("column").fill_null(""), pl.col("file").fill_null(""))


def _severity(rule: str) -> str:
    return RULES[rule].severity


def _with_severity(truth: pl.DataFrame, severity: str) -> pl.DataFrame:
    return truth.filter(pl.col("rule").replace_strict({rule: _severity(rule) for rule in RULES}) == severity)


def test_every_rule_is_planted(truth: pl.DataFrame) -> None:
    assert set(RULES) - set(truth["rule"]) == NOT_PLANTED


def test_quarantine_holds_the_planted_errors_and_their_consequences(
    faulty: tuple[Home, SynthReport, list[SubmissionReceipt]], truth: pl.DataFrame
) -> None:
    home, _, receipts = faulty
    found: set[tuple[object, ...]] = set()
    for receipt in receipts:
        path = quarantine_path(home, Quarter.parse(receipt.quarter), receipt.stem)
        found |= set(pl.read_parquet(path).select("submission", "file", "row", "column", "rule").iter_rows())
    expected = _with_severity(truth, "ERROR").select("submission", "file", "source_row", "column", "rule")
    assert found == set(expected.iter_rows())
    assert len(expected) == expected.n_unique()


def test_warnings_are_the_planted_ones_and_the_gaps(
    faulty: tuple[Home, SynthReport, list[SubmissionReceipt]], truth: pl.DataFrame
) -> None:
    _compare_warnings(faulty[2], _with_severity(truth, "WARN"))


def test_submissions_get_the_faults_that_were_planted_in_them(
    faulty: tuple[Home, SynthReport, list[SubmissionReceipt]], truth: pl.DataFrame
) -> None:
    found = {
        ("unrecognized" if not receipt.ccn else receipt.submission, problem.rule)
        for receipt in faulty[2]
        for problem in receipt.problems
    }
    planted = _with_severity(truth, "SUBMISSION").select("submission", "rule").iter_rows()
    assert found == {("unrecognized" if rule == "S-FOLDER-NAME" else name, rule) for name, rule in planted}


def test_the_first_submissions_stay_in_force(faulty: tuple[Home, SynthReport, list[SubmissionReceipt]]) -> None:
    _, report, receipts = faulty
    in_force = {(receipt.quarter, receipt.ccn) for receipt in receipts if receipt.in_force}
    assert in_force == {(quarter, ccn) for quarter in report.quarters for ccn in report.hospitals}


def test_a_clean_state_has_gaps_and_nothing_else(tmp_path: Path) -> None:
    _, report, receipts = _state(tmp_path, defects=False)
    truth = _truth(report)
    assert {receipt.status for receipt in receipts} == {"accepted"}
    assert [problem for receipt in receipts for problem in receipt.problems] == []
    assert set(truth["origin"]) == {"gap"} and {_severity(rule) for rule in truth["rule"]} == {"WARN"}
    _compare_warnings(receipts, truth)


def _compare_warnings(receipts: list[SubmissionReceipt], truth: pl.DataFrame) -> None:
    """Compare counts by submission, file, column and rule, and the first rows, the only ones that a receipt lists."""
    found = {
        (receipt.submission, f"{rule.table}.csv", rule.column, rule.rule): (rule.rows, rule.lines)
        for receipt in receipts
        for rule in receipt.rules
        if _severity(rule.rule) == "WARN"
    }
    expected = {}
    for key, rows in truth.group_by("submission", "file", "column", "rule"):
        lines = sorted(rows["source_row"])
        expected[key] = (len(lines), tuple(lines[:10]))
    assert found == expected

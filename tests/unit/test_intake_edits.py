"""Every edit: a fault is found by exactly the rule for it, at its row and column."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from hcip_pipeline.intake.hospital.folders import submission_at
from hcip_pipeline.intake.hospital.judging import Judge
from hcip_pipeline.intake.hospital.receipts import SubmissionReceipt
from hcip_pipeline.rules.hospital import ROW_RULES, RULES
from tests.intake_submissions import CCN, OTHER_CCN, QUARTER, Draft, reference


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    with Judge(reference()) as judge:
        yield judge


def judged(judge: Judge, draft: Draft, tmp_path: Path, ending: str = ".csv") -> SubmissionReceipt:
    folder = draft.write(tmp_path / CCN, ending)
    return judge.judge(submission_at(folder, QUARTER, tmp_path))


def found(receipt: SubmissionReceipt) -> dict[tuple[str, str], tuple[int, tuple[int, ...]]]:
    return {(count.rule, count.column): (count.rows, count.lines) for count in receipt.rules}


Findings = dict[tuple[str, int], set[tuple[str, str]]]


def findings(judge: Judge) -> Findings:
    """Rules and columns by file and line."""
    by_line: Findings = {}
    for file, row, column, rule in judge.con.execute('select file, row, "column", rule from findings').fetchall():
        by_line.setdefault((file, row), set()).add((rule, column))
    return by_line


#: (column, cell) -> (rule, column)
DISCHARGE_FAULTS = [
    ("account_no", "", "D-KEY-MISSING", "account_no"),
    ("hospital_ccn", "", "D-KEY-MISSING", "hospital_ccn"),
    ("hospital_ccn", "999999", "D-CCN-UNKNOWN", "hospital_ccn"),
    ("hospital_ccn", OTHER_CCN, "D-CCN-NOT-FOLDER", "hospital_ccn"),
    ("birth_date", "03/09/1956", "D-DATE-UNREADABLE", "birth_date"),
    ("birth_date", "1956-02-30", "D-DATE-UNREADABLE", "birth_date"),
    ("admit_date", "2025-1-5", "D-DATE-UNREADABLE", "admit_date"),
    ("admit_date", "", "D-DATE-UNREADABLE", "admit_date"),
    ("admit_date", "infinity", "D-DATE-UNREADABLE", "admit_date"),
    ("admit_date", "2025-01-05 00:00:00", "D-DATE-UNREADABLE", "admit_date"),
    ("discharge_date", "20250105", "D-DATE-UNREADABLE", "discharge_date"),
    ("discharge_date", "2025-04-01", "D-DISCHARGE-OUTSIDE-QUARTER", "discharge_date"),
    ("admit_date", "2025-03-31", "D-DISCHARGE-BEFORE-ADMISSION", "discharge_date"),
    ("apr_drg", "999", "D-APR-DRG-UNKNOWN", "apr_drg"),
    ("grouper_version", "40", "D-GROUPER-UNKNOWN", "grouper_version"),
    ("severity_of_illness", "0", "D-SEVERITY-INVALID", "severity_of_illness"),
    ("severity_of_illness", "", "D-SEVERITY-INVALID", "severity_of_illness"),
    ("discharge_disposition", "98", "D-DISPOSITION-UNKNOWN", "discharge_disposition"),
    ("discharge_disposition", "", "D-DISPOSITION-UNKNOWN", "discharge_disposition"),
    ("total_charges", "601.01", "D-CHARGES-DIFFER", "total_charges"),
    ("total_charges", "-600.00", "D-MONEY-INVALID", "total_charges"),
    ("total_charges", "600.005", "D-MONEY-INVALID", "total_charges"),
    ("total_charges", "6,00.00", "D-MONEY-INVALID", "total_charges"),
    ("total_charges", "1e3", "D-MONEY-INVALID", "total_charges"),
    ("total_charges", "NaN", "D-MONEY-INVALID", "total_charges"),
    ("total_charges", "99999999999999999999.00", "D-MONEY-INVALID", "total_charges"),
    ("patient_id", "P" * 33, "D-TEXT-TOO-LONG", "patient_id"),
    ("diagnoses", "x" * 4001, "D-TEXT-TOO-LONG", "diagnoses"),
]


#: One fault per discharge, three lines per discharge: fault n is in line 2 + n of discharges.
PLANTED_ON_DISCHARGES = {2 + n: fault for n, fault in enumerate(DISCHARGE_FAULTS)}


@pytest.fixture(scope="module")
def faulty_discharges(judge: Judge, tmp_path_factory: pytest.TempPathFactory) -> Findings:
    draft = Draft()
    for line, (column, cell, _, _) in PLANTED_ON_DISCHARGES.items():
        draft.set("discharges", line - 2, column, cell)
    judged(judge, draft, tmp_path_factory.mktemp("discharges"))
    return findings(judge)


@pytest.mark.parametrize("line", PLANTED_ON_DISCHARGES)
def test_a_faulty_discharge_is_quarantined_with_its_lines(faulty_discharges: Findings, line: int) -> None:
    column, _, rule, named = PLANTED_ON_DISCHARGES[line]
    assert faulty_discharges[("discharges", line)] == {(rule, named)}
    # A discharge that lost its account number leaves its lines without a discharge.
    follows = ("C-NO-DISCHARGE", "account_no") if column == "account_no" else ("C-DISCHARGE-QUARANTINED", "")
    for number in range(3):
        assert faulty_discharges[("charges", 2 + 3 * (line - 2) + number)] == {follows}


def test_no_other_row_is_quarantined_with_the_discharges(faulty_discharges: Findings) -> None:
    planted = {("discharges", line) for line in PLANTED_ON_DISCHARGES}
    planted |= {("charges", 2 + 3 * n + k) for n in range(len(DISCHARGE_FAULTS)) for k in range(3)}
    assert set(faulty_discharges) == planted


CHARGE_FAULTS = [
    ("account_no", "", "C-KEY-MISSING", "account_no"),
    ("hospital_ccn", "", "C-KEY-MISSING", "hospital_ccn"),
    ("hospital_ccn", "999999", "C-CCN-UNKNOWN", "hospital_ccn"),
    ("hospital_ccn", OTHER_CCN, "C-CCN-NOT-FOLDER", "hospital_ccn"),
    ("service_date", "2025-13-01", "C-DATE-UNREADABLE", "service_date"),
    ("charge", "EUR 200.00", "C-MONEY-INVALID", "charge"),
    ("charge", "(200.00", "C-MONEY-INVALID", "charge"),
    ("charge", "", "C-MONEY-INVALID", "charge"),
    ("revenue_code", "", "C-CELL-EMPTY", "revenue_code"),
    ("revenue_code", "02000", "C-TEXT-TOO-LONG", "revenue_code"),
]


#: One fault per discharge, in the second of its three lines.
PLANTED_ON_CHARGES = {3 + 3 * n: fault for n, fault in enumerate(CHARGE_FAULTS)}


@pytest.fixture(scope="module")
def faulty_charges(judge: Judge, tmp_path_factory: pytest.TempPathFactory) -> Findings:
    draft = Draft()
    for line, (column, cell, _, _) in PLANTED_ON_CHARGES.items():
        draft.set("charges", line - 2, column, cell)
    judged(judge, draft, tmp_path_factory.mktemp("charges"))
    return findings(judge)


@pytest.mark.parametrize("line", PLANTED_ON_CHARGES)
def test_a_faulty_charge_line_takes_its_discharge_along(faulty_charges: Findings, line: int) -> None:
    column, _, rule, named = PLANTED_ON_CHARGES[line]
    assert faulty_charges[("charges", line)] == {(rule, named)}
    assert (
        faulty_charges[("charges", line - 1)]
        == faulty_charges[("charges", line + 1)]
        == {("C-DISCHARGE-QUARANTINED", "")}
    )
    # A line that lost its account number no longer shows its discharge, whose sum then differs.
    expected = ("D-CHARGES-DIFFER", "total_charges") if column == "account_no" else ("D-LINE-QUARANTINED", "")
    assert faulty_charges[("discharges", 2 + (line - 3) // 3)] == {expected}


def test_no_other_row_is_quarantined_with_the_charges(faulty_charges: Findings) -> None:
    assert len(faulty_charges) == 4 * len(CHARGE_FAULTS)


WARNINGS = [
    ("discharges", "attending_npi", "", "D-ATTENDING-NPI"),
    ("discharges", "attending_npi", "1234567890", "D-ATTENDING-NPI"),
    ("discharges", "attending_npi", "12345", "D-ATTENDING-NPI"),
    ("discharges", "operating_npi", "", "D-OPERATING-NPI-MISSING"),
    ("discharges", "operating_npi", "1234567890", "D-OPERATING-NPI-INVALID"),
    ("discharges", "patient_id", "", "D-PATIENT-ID-MISSING"),
    ("discharges", "patient_id", "   ", "D-PATIENT-ID-MISSING"),
    ("discharges", "admit_date", "2023-12-31", "D-STAY-LONG"),
    ("discharges", "birth_date", "1904-01-01", "D-AGE"),
    ("discharges", "birth_date", "2025-03-30", "D-AGE"),
    ("discharges", "sex", "X", "D-CODE-UNKNOWN"),
    ("discharges", "nature_of_admission", "7", "D-CODE-UNKNOWN"),
    ("discharges", "risk_of_mortality", "5", "D-CODE-UNKNOWN"),
    ("charges", "revenue_code", "0999", "C-REVENUE-CODE-UNMAPPED"),
    ("discharges", "source_of_admission", "10", "D-CODE-UNKNOWN"),
    ("discharges", "primary_payer", "ZZ", "D-CODE-UNKNOWN"),
    ("charges", "units", "1.5", "C-UNITS-UNREADABLE"),
    ("charges", "units", "99999999999999999999", "C-UNITS-UNREADABLE"),
]


@pytest.fixture(scope="module")
def warned(judge: Judge, tmp_path_factory: pytest.TempPathFactory) -> SubmissionReceipt:
    draft = Draft()
    for n, (table, column, cell, _) in enumerate(WARNINGS):
        draft.set(table, 2 * n, column, cell)  # even rows are surgical
    return judged(judge, draft, tmp_path_factory.mktemp("warned"))


@pytest.mark.parametrize("rule", sorted({rule for *_, rule in WARNINGS}))
def test_a_warning_is_counted_and_the_row_accepted(warned: SubmissionReceipt, rule: str) -> None:
    lines: dict[str, list[int]] = {}
    for n, (_, column, _, planted) in enumerate(WARNINGS):
        if planted == rule:
            lines.setdefault("discharge_date" if rule == "D-STAY-LONG" else column, []).append(2 + 2 * n)
    assert {column: list(where) for (name, column), (_, where) in found(warned).items() if name == rule} == lines


def test_no_row_is_quarantined_for_a_warning(warned: SubmissionReceipt) -> None:
    assert warned.status == "accepted"
    also = {"D-PATIENT-ID-SHARED"}  # by the discharges whose birth date was changed
    assert {name for name, _ in found(warned)} == {rule for *_, rule in WARNINGS} | also
    assert (warned.rows("discharges"), warned.rows("charges")) == (120, 360)


def test_cost_to_charge_outside_its_bounds_is_a_warning(tmp_path: Path) -> None:
    tables = reference()
    tables["cost_factors"] = tables["cost_factors"].with_columns(pl.lit("12").cast(pl.Decimal(18, 8)).alias("markup"))
    with Judge(tables) as judge:
        receipt = judged(judge, Draft(), tmp_path)
    assert found(receipt)["D-COST-TO-CHARGE", "total_charges"][0] == 120


def test_a_clean_submission_breaks_no_rule(judge: Judge, tmp_path: Path) -> None:
    receipt = judged(judge, Draft(), tmp_path)
    assert receipt.rules == ()
    assert receipt.problems == ()
    assert receipt.rows("discharges") == 120


def test_both_rows_of_a_repeated_key_are_quarantined(judge: Judge, tmp_path: Path) -> None:
    draft = Draft()
    draft.discharges = draft.discharges.vstack(draft.discharges[4].with_columns(sex=pl.lit("F"), zip_code=pl.lit("1")))
    receipt = judged(judge, draft, tmp_path)
    assert found(receipt)["D-KEY-REPEATED", "account_no"] == (2, (6, 122))
    assert found(receipt)["C-DISCHARGE-QUARANTINED", ""] == (3, (14, 15, 16))


def test_a_charge_line_with_no_discharge_is_an_error(judge: Judge, tmp_path: Path) -> None:
    draft = Draft()
    draft.charges = draft.charges.vstack(draft.charges[0].with_columns(account_no=pl.lit("NOWHERE")))
    receipt = judged(judge, draft, tmp_path)
    assert found(receipt) == {("C-NO-DISCHARGE", "account_no"): (1, (362,))}
    assert receipt.rows("charges") == 360


@pytest.mark.parametrize("off", ["599.00", "601.00"])
def test_a_sum_may_be_off_by_a_dollar(judge: Judge, tmp_path: Path, off: str) -> None:
    assert judged(judge, Draft().set("discharges", 4, "total_charges", off), tmp_path).rules == ()


def test_a_total_line_is_never_added(judge: Judge, tmp_path: Path) -> None:
    draft = Draft()
    total = draft.charges[0].with_columns(revenue_code=pl.lit("0001"), charge=pl.lit("600.00"))
    draft.charges = draft.charges.vstack(total)
    receipt = judged(judge, draft, tmp_path)
    charges = receipt.file("charges")
    assert charges is not None
    assert receipt.rules == ()
    assert charges.rows.accepted == 361  # the line is kept and accounted for
    assert charges.dollars.accepted == 120 * 600


@pytest.mark.parametrize("drg", ["", "955", "956"])
@pytest.mark.parametrize("severity", ["", "0"])
def test_a_case_that_could_not_be_grouped_needs_no_severity(
    judge: Judge, tmp_path: Path, drg: str, severity: str
) -> None:
    draft = Draft().set("discharges", 5, "apr_drg", drg).set("discharges", 5, "severity_of_illness", severity)
    assert judged(judge, draft, tmp_path).rules == ()


def test_a_ragged_line_spoils_only_itself(judge: Judge, tmp_path: Path) -> None:
    folder = Draft().write(tmp_path / CCN)
    lines = (folder / "discharges.csv").read_text().splitlines()
    lines[5] += ",more"
    (folder / "discharges.csv").write_text("\n".join(lines) + "\n")
    receipt = judge.judge(submission_at(folder, QUARTER, tmp_path))
    assert found(receipt) == {("D-ROW-SHAPE", ""): (1, (6,)), ("C-DISCHARGE-QUARANTINED", ""): (3, (14, 15, 16))}


def test_a_control_character_spoils_only_its_row(judge: Judge, tmp_path: Path) -> None:
    receipt = judged(judge, Draft().set("discharges", 4, "diagnoses", "I10:Y\x0bE119"), tmp_path)
    assert found(receipt)["D-CONTROL-CHARACTER", ""] == (1, (6,))
    assert receipt.rows("discharges") == 119


def test_consequences_do_not_count_toward_the_share_of_error_rows(judge: Judge, tmp_path: Path) -> None:
    draft = Draft()  # one bad line of 360, and therefore one discharge of 120
    receipt = judged(judge, draft.set("charges", 13, "charge", "x").set("charges", 0, "charge", "y"), tmp_path)
    discharges = receipt.file("discharges")
    assert discharges is not None
    assert discharges.error_rows == 0
    assert discharges.rows.quarantined == 2
    assert receipt.status == "accepted"


@pytest.mark.parametrize(("bad", "status"), [(1, "accepted"), (2, "refused")])
def test_error_rows_over_one_percent_refuse_the_submission(judge: Judge, tmp_path: Path, bad: int, status: str) -> None:
    draft = Draft(count=100)
    for row in range(bad):
        draft.set("discharges", row, "discharge_disposition", "zz")
    receipt = judged(judge, draft, tmp_path)
    assert receipt.status == status
    assert ("S-ERROR-RATE" in {problem.rule for problem in receipt.refusals}) == (status == "refused")
    if status == "refused":
        assert receipt.rows("discharges") == 0
        assert receipt.rows("discharges", "quarantined") == 100


@pytest.mark.parametrize(
    ("column", "cells", "rule"),
    [("attending_npi", 3, "S-NPI-MISSING"), ("patient_id", 2, "S-PATIENT-ID-MISSING")],
)
def test_shares_over_their_limit_are_reported_for_the_submission(
    judge: Judge, tmp_path: Path, column: str, cells: int, rule: str
) -> None:
    draft = Draft(count=100)
    for row in range(cells - 1):
        draft.set("discharges", row, column, "")
    at_the_bound = judged(judge, draft, tmp_path)
    assert rule not in {problem.rule for problem in at_the_bound.problems}
    receipt = judged(judge, draft.set("discharges", cells, column, ""), tmp_path)
    (problem,) = receipt.problems
    assert problem.rule == rule and problem.message.startswith(f"{cells} of 100 discharges have no")
    assert receipt.status == "accepted"


def test_unmapped_revenue_codes_over_one_percent_are_reported(judge: Judge, tmp_path: Path) -> None:
    draft = Draft(count=100)
    for row in range(4):
        draft.set("charges", row, "revenue_code", "0999")
    receipt = judged(judge, draft, tmp_path)
    assert [(problem.rule, problem.message) for problem in receipt.problems] == [
        ("S-UNMAPPED", "4 of 300 charge lines have no rate center")
    ]


def test_every_file_format_breaks_the_same_rules(judge: Judge, tmp_path: Path) -> None:
    draft = Draft().set("discharges", 4, "discharge_date", "bad").set("charges", 100, "units", "x")
    receipts = [judged(judge, draft, tmp_path / ending, ending) for ending in (".csv", ".csv.gz", ".parquet")]
    assert len({receipt.rules for receipt in receipts}) == 1
    assert len({tuple(file.rows for file in receipt.files) for receipt in receipts}) == 1


def test_typed_parquet_is_read_as_its_text(judge: Judge, tmp_path: Path) -> None:
    draft = Draft()
    draft.discharges = draft.discharges.with_columns(
        pl.col("admit_date", "discharge_date", "birth_date").str.to_date(),
        pl.col("total_charges").cast(pl.Decimal(18, 2)),
    )
    draft.charges = draft.charges.with_columns(pl.col("units").cast(pl.Int32))
    receipt = judged(judge, draft, tmp_path, ".parquet")
    assert receipt.rules == ()
    assert receipt.status == "accepted"


@pytest.mark.parametrize(
    ("column", "dtype"), [("apr_drg", pl.Int64), ("total_charges", pl.Int64), ("admit_date", pl.Int32)]
)
def test_parquet_types_that_lose_something_are_refused(
    judge: Judge, tmp_path: Path, column: str, dtype: type[pl.DataType]
) -> None:
    draft = Draft()
    cast = pl.col(column).str.to_date() if column == "admit_date" else pl.col(column).cast(pl.Float64)
    draft.discharges = draft.discharges.with_columns(cast.cast(dtype))
    receipt = judged(judge, draft, tmp_path, ".parquet")
    assert [problem.rule for problem in receipt.refusals] == ["F-COLUMN-TYPE"]


def test_quarantine_never_shows_a_long_cell_as_it_is(judge: Judge, tmp_path: Path) -> None:
    judged(judge, Draft().set("discharges", 4, "birth_date", "Möbius 9/3"), tmp_path)
    values = judge.con.execute("select value from findings where rule = 'D-DATE-UNREADABLE'").fetchall()
    assert values == [("AAAAAA 9/9",)]


def test_every_row_rule_has_a_unique_id_and_a_fix() -> None:
    assert len(RULES) == len({rule.id for rule in RULES.values()})
    for rule in RULES.values():
        assert rule.description and rule.fix, rule.id
        assert rule.severity in ("ERROR", "WARN", "SUBMISSION")
    assert all(rule.id[:2] in ("D-", "C-") for rule in ROW_RULES)

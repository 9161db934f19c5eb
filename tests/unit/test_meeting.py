"""The committee's meeting: decisions by amount, the payment list, the completed form, changes by quarter."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest
from click.testing import CliRunner

from hcip_pipeline import cli
from hcip_pipeline.audit.finding_rules import RULES
from hcip_pipeline.audit.findings import UnreportedPayments
from hcip_pipeline.contracts.program import PAYMENTS
from hcip_pipeline.policy.measured_conditions import MEASURES_OF_CONDITIONS
from hcip_pipeline.release.reading import ReleaseFiles
from hcip_pipeline.reports import words
from hcip_pipeline.reports.agenda import NOT_ON_AGENDA, TITLES, agenda
from hcip_pipeline.reports.quarters import measures_by_quarter
from hcip_pipeline.reports.signs import in_words, payable_with_signs
from tests.html_tables import Page
from tests.released_state import PERIOD, A, B, C, released, unreleased  # noqa: F401 - fixtures

D = Decimal


def _page(released: Path, path: str) -> Page:  # noqa: F811
    return Page((released / path).read_text(encoding="utf-8"))


def test_every_rule_of_the_audit_is_on_the_agenda_or_declared_not_to_be() -> None:
    assert set(TITLES) | NOT_ON_AGENDA == set(RULES)
    assert not set(TITLES) & NOT_ON_AGENDA


def _payment(npi: str, amount: str, status: str, reasons: str = "") -> dict[str, Any]:
    return {"npi": npi, "name": f"Dr. {npi}", "final_incentive": D(amount), "status": status, "reasons": reasons}


def test_decisions_are_ordered_by_amount_and_equal_holds_are_one_item() -> None:
    payments = [
        _payment("1", "10.00", "PAYABLE"),
        _payment("2", "7.00", "PAYABLE"),
        *(_payment(str(n), "20.00", "HELD", "NO_PROTOCOL") for n in range(3, 8)),
        _payment("8", "1.00", "HELD", "SCREENING_NOT_CLEARED"),
        _payment("9", "0.00", "ZERO", "NO_CASES"),
    ]
    finding = {"period": "2025H2", "rule": "COMMITTEE", "npi": None, "amount": None, "what_to_do": "name a CMO"}
    own = {"rule": "PAYMENTS_NOT_REPORTED", "amount": D("17.00"), "what_to_do": "", "npi": None, "period": "2025H2"}
    findings = [finding | {"finding": "there is no CMO"}, own | {"finding": "$17.00 is payable for 2025H2"}]
    items = agenda(payments, findings, [UnreportedPayments(A, "2025H1", 1, D("5.00"))], {"2": [{}]})
    reported = [(item.title, item.care_partners, item.amount) for item in items]
    assert reported == [
        ("Resolve held payments", 5, D("100.00")),
        ("Approve the payments", 2, D("17.00")),
        ("Review warning signs before paying", 1, D("7.00")),
        ("Payments not reported yet", None, D("5.00")),
        ("Resolve held payments", 1, D("1.00")),
        ("The committee's membership or meetings", None, None),
    ]


def test_a_single_finding_is_worded_without_the_rule_id() -> None:
    finding = {"period": "2025H2", "rule": "PROTOCOL", "npi": None, "amount": None, "what_to_do": "approve in time"}
    (item,) = agenda([], [finding | {"finding": "approved on 2025-07-02 [APPROVED_AFTER_START]"}], [], {})
    assert item.subject == "approved on 2025-07-02"


@pytest.mark.parametrize("hospital", [A, B, C])
def test_the_workbook_and_the_page_have_the_same_decisions(released: Path, hospital: str) -> None:  # noqa: F811
    book = openpyxl.load_workbook(released / "reports" / hospital / "oversight.xlsx", read_only=True)
    heads, *rows = list(book["Decisions"].iter_rows(min_row=4, max_col=4, values_only=True))
    assert heads == ("Decision", "About", "Care partners", "Amount")
    shown = [
        [title, about, words.count(partners), words.money(None if amount is None else D(str(amount)))]
        for title, about, partners, amount in rows
    ]
    page = _page(released, f"reports/{hospital}/meeting.html")
    assert shown == [cells[:4] for cells in page.table("Decision", "About")]


def test_a_sign_shows_numerator_denominator_and_expectation() -> None:
    counts = {"sign": "READMISSIONS", "observed": 12, "cases": 90, "expected_by_past": D("5.06")}
    row = counts | {"level": "care_partner"}
    stated = (
        "More unplanned readmissions within 30 days: 12 of 90 discharges; expected: 5.1 based on the physician's own "
    )
    stated += "past"
    assert in_words(row | {"expected_as_state": None}) == stated
    assert in_words(row | {"expected_as_state": D("6")}) == f"{stated}, 6.0 based on the state"
    payments = [_payment("1", "10.00", "PAYABLE"), _payment("2", "5.00", "HELD"), _payment("3", "4.00", "PAYABLE")]
    assert payable_with_signs(payments, {"1": [], "2": []}) == (1, D("10.00"))


def test_values_that_look_the_same_are_not_reported_as_a_change() -> None:
    assert words.went("4.20", "4.20") == "stayed at 4.20"
    rows = [
        {"measure": measure, "quarter": quarter, "numerator": n, "denominator": 1000, "value": D(n) / per}
        for measure, per in (("readmission_rate", 1000), ("hac_per_1000", 1))
        for quarter, n in (("2025Q1", 100), ("2025Q2", {"readmission_rate": 100, "hac_per_1000": 97}[measure]))
    ]
    quarters, (readmissions, conditions) = measures_by_quarter(
        rows, [{"measure": "hac_per_1000", "threshold": "at most 90"}]
    )
    assert quarters == ("2025Q1", "2025Q2")
    assert [cell and cell["shown"] for cell in readmissions.cells] == ["10.0% (100 of 1,000)"] * 2
    assert (readmissions.trend, conditions.trend) == ("unchanged", "down 3.0")
    assert conditions.note == "condition of payment: at most 90"


def test_the_change_in_the_last_quarter_names_an_earlier_quarter_after_a_gap() -> None:
    def trend(*known: str) -> str:
        shown = ("2025Q1", "2025Q2", "2025Q3")
        rows = [
            {"measure": measure, "quarter": quarter, "numerator": n, "denominator": 100, "value": D(n) / 100}
            for measure in ("readmission_rate", "planned_readmission_rate")
            for n, quarter in enumerate(shown)
            if measure == "planned_readmission_rate" or quarter in known
        ]
        return measures_by_quarter(rows, [])[1][0].trend

    assert trend("2025Q2", "2025Q3") == "up 1.0 points"
    assert trend("2025Q1", "2025Q3") == "up 2.0 points since 2025Q1", "the quarter in between is missing"
    assert trend("2025Q1", "2025Q2") == words.NOTHING, "the last quarter has no result"


@pytest.mark.parametrize("hospital", [A, B, C])
def test_the_payment_list_has_the_payable_amounts(released: Path, hospital: str) -> None:  # noqa: F811
    payable = ReleaseFiles.at(released).table("incentives", hospital).filter(pl.col("status") == "PAYABLE")
    page = _page(released, f"reports/{hospital}/meeting.html")
    with (released / "reports" / hospital / "payments.csv").open(encoding="utf-8") as stream:
        form = list(csv.DictReader(stream))
    assert {row["npi"]: D(row["payable_amount"]) for row in form} == dict(payable["npi", "final_incentive"].iter_rows())
    if payable.height:
        *rows, together = page.table("Care partner", "NPI", "TIN")
        assert {cells[1]: cells[-1] for cells in rows} == {
            npi: words.money(amount) for npi, amount in payable["npi", "final_incentive"].iter_rows()
        }
        assert together[-1] == words.money(payable["final_incentive"].sum())
    else:
        assert "Nothing is payable." in page.text
    book = openpyxl.load_workbook(io.BytesIO((released / "reports" / hospital / "oversight.xlsx").read_bytes()))
    assert {"Decisions", "Payment list", "Members", "Interventions by quarter"} <= set(book.sheetnames)
    assert book["Payment list"].max_row == 4 + payable.height


def test_every_row_of_payments_has_reasons_and_signs(released: Path) -> None:  # noqa: F811
    heads = _page(released, f"reports/{A}/oversight.html").table("Care partner", "Calculated")
    assert all(len(cells) == 10 for cells in heads)


def test_the_completed_form_is_checked_by_the_intakes_rules(released: Path, tmp_path: Path) -> None:  # noqa: F811
    form = released / "reports" / A / "payments.csv"
    rows = list(csv.DictReader(io.StringIO(form.read_text(encoding="utf-8"))))
    assert rows and list(rows[0]) == list(PAYMENTS.names)
    file = tmp_path / str(PERIOD) / "payments.csv"
    file.parent.mkdir()

    def check() -> dict[str, Any]:
        with file.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, PAYMENTS.names)
            writer.writeheader()
            writer.writerows(rows)
        ran = CliRunner().invoke(cli.cli, ["check", str(file), "--json"], catch_exceptions=False)
        (reported,) = json.loads(ran.stdout)
        return reported | {
            "code": ran.exit_code,
            "rules": {(each["rule"], each["row"]) for each in reported["problems"]},
        }

    blank = check()
    assert blank["code"] == 1 and {("CELL-MISSING", 2)} <= blank["rules"]
    for at, row in enumerate(rows):
        row |= {"paid_amount": row["payable_amount"], "paid_on": "2026-05-04", "reference": f"EFT-{at}"}
    total = sum(D(row["payable_amount"]) for row in rows)
    filled = check()
    assert filled["code"] == 0 and not filled["rules"]
    assert filled["counts"] == {f"paid by {A}": f"${total:,.2f} to {len(rows)} care partner{'s' * (len(rows) != 1)}"}
    rows[0]["paid_amount"] = str(D(rows[0]["payable_amount"]) + D("0.01"))
    over = check()
    assert over["code"] == 0 and over["rules"] == {("PAID-OVER-PAYABLE", 2)}


def test_no_page_shows_a_measure_by_its_identifier(released: Path) -> None:  # noqa: F811
    for path in released.glob("reports/**/*.html"):
        if path.name != "explorer.html":
            text = Page(path.read_text(encoding="utf-8")).text
            assert not [measure for measure in MEASURES_OF_CONDITIONS if measure in text], path.name

"""One payment explained (``hcip explain``): it agrees with the release, and a reader can follow the sums."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from hcip_pipeline import cli
from hcip_pipeline.contracts.payment_reasons import PAYMENT_REASONS
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.policy.measured_conditions import MEASURES_OF_CONDITIONS
from hcip_pipeline.release.explained_release import explain, explainer
from hcip_pipeline.release.explanation import Explanation
from hcip_pipeline.release.explanation_text import render_text
from hcip_pipeline.release.reading import released_frame
from tests.released_state import A, B, C, released
from tests.scenario import npi

__all__ = ["released"]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def explained(released: Path) -> dict[tuple[str, str], Explanation]:
    """The explanation of every payment of the small state."""
    explaining = explainer(released)
    payments = released_frame(released, "incentives").select("hospital_ccn", "npi").rows()
    return {key: explaining.payment(*key) for key in payments}


def flat(text: str) -> str:
    return re.sub(r"[\s.]+", " ", text)


def test_the_cases_add_up_to_the_payment(explained: dict[tuple[str, str], Explanation]) -> None:
    for payment in explained.values():
        earned = sum((cell.performance_incentive for cell in payment.cells), Decimal(0))
        assert earned == payment.incentive["performance_incentive"]
        for stream in payment.streams:
            average = stream.now.cost / stream.now.cost_weight
            assert average.quantize(Decimal("0.0001"), rounding="ROUND_HALF_UP") == stream.figures["adjusted_cost"]
            assert stream.baseline.cases == stream.figures["baseline_cases"]
    assert sum(len(cell.cases) for payment in explained.values() for cell in payment.cells) > 100


def test_every_amount_and_every_reason_is_reported(explained: dict[tuple[str, str], Explanation]) -> None:
    reported = set()
    for payment in explained.values():
        text = render_text(payment)
        for column, value in payment.incentive.items():
            if column.endswith(("_adjustment", "_incentive", "_cap_amount")) and value:
                assert f"${abs(value):,.2f}" in text, column
        for row in payment.conditions:
            assert f"${row['weighted_amount']:,.2f}" in text
        for reason in filter(None, (payment.incentive["reasons"] or "").split("|")):
            assert PAYMENT_REASONS[reason].clause in " ".join(text.split())
            reported.add(reason)
        assert "None" not in text
    assert len(reported) > 9


def test_the_steps_are_shown_with_their_sums(explained: dict[tuple[str, str], Explanation]) -> None:
    capped = flat(render_text(explained[A, npi(1)]))
    assert "20% of $42,160 77" in capped
    assert "less $812 34 payable for the year's earlier period" in capped
    assert "the hospital contests" in flat(render_text(explained[C, npi(7)]))
    limited = flat(render_text(explained[B, npi(5)]))
    assert "Official pool notice: $917 17" in limited
    assert "each gets" in limited
    gated = [payment for payment in explained.values() if any(cell.is_gated for cell in payment.cells)]
    assert gated
    assert all("no case in this cell earns a performance incentive" in flat(render_text(payment)) for payment in gated)


@pytest.mark.parametrize(
    ("measure", "value", "threshold", "line"),
    [
        ("readmission_rate", "0.0438293", "0.150", "4.38293%; required: at most 15.00%."),
        ("hac_per_1000", "12.50", "25", "12.5; required: at most 25."),
    ],
)
def test_a_measured_condition_shows_the_measures_label(
    explained: dict[tuple[str, str], Explanation], measure: str, value: str, threshold: str, line: str
) -> None:
    payment = next(payment for payment in explained.values() if payment.conditions)
    measured = payment.conditions[0] | {
        "source": "MEASURED",
        "computed_measure": measure,
        "measured_level": "hospital",
        "measured_value": Decimal(value),
        "threshold_operator": "at most",
        "threshold_value": Decimal(threshold),
    }
    text = " ".join(render_text(replace(payment, conditions=(measured,))).split())
    assert f"{MEASURES_OF_CONDITIONS[measure]} (the hospital): {line}" in text and measure not in text


def test_without_a_lake_a_note_replaces_the_source_rows(explained: dict[tuple[str, str], Explanation]) -> None:
    payment = explained[A, npi(1)]
    assert all(case.source is None for cell in payment.cells for case in cell.cases)
    assert "The source rows are not available" in " ".join(render_text(payment).split())


def test_an_explanation_names_no_patient(released: Path, explained: dict[tuple[str, str], Explanation]) -> None:
    accounts = set(released_frame(released, "incentive_cases")["account_no"])
    for payment in explained.values():
        text = render_text(payment) + json.dumps(payment.as_dict())
        assert not accounts & set(re.findall(r"A\d{5}", text))


def test_the_row_is_that_of_the_released_file(released: Path, explained: dict[tuple[str, str], Explanation]) -> None:
    payment = explained[A, npi(2)]
    lines = (released / payment.case_file).read_text(encoding="utf-8").splitlines()
    for cell in payment.cells:
        for case in cell.cases:
            assert lines[case.row - 1].split(",")[3] == payment.npi
            assert str(case.cost) in lines[case.row - 1]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("2025H2", npi(1)), 0, "Physician Fee Schedule cap"),
        (("2025H2", npi(2)), 2, "is a care partner of 2 hospitals"),
        (("2025H2", npi(2), "--hospital", B), 0, "not on the certified care-partner list"),
        (("2025H2", npi(2), "--hospital", C), 1, "is not a care partner of 210003"),
        (("2025H2", npi(9)), 1, "is not one of the"),
        (("2026H1", npi(1)), 1, "has not been released"),
    ],
)
def test_hcip_explain_prints_the_explanation_or_why_there_is_none(
    arguments: tuple[str, ...], code: int, words: str, released: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = Home(released.parents[2])
    with pytest.raises(SystemExit) as ended:
        cli.main(["explain", *arguments, "--home", str(home.root)])
        raise SystemExit(0)
    assert ended.value.code == code
    captured = capsys.readouterr()
    assert words in " ".join((captured.out if code == 0 else captured.err).split())


def test_json_has_the_same_facts(released: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = Home(released.parents[2])
    cli.main(["explain", "2025H2", npi(1), "--json", "--home", str(home.root)])
    facts = json.loads(capsys.readouterr().out)
    row = released_frame(released, "incentives").filter(pl.col("npi") == npi(1)).row(0, named=True)
    assert facts["incentive"]["final_incentive"] == str(row["final_incentive"])
    earned = [Decimal(case["performance_incentive"]) for cell in facts["cells"] for case in cell["cases"]]
    assert sum(earned, Decimal(0)) == row["performance_incentive"]


def test_a_care_partner_is_found_by_name(released: Path) -> None:
    home = Home(released.parents[2])
    partners = released_frame(released, "incentives").select("hospital_ccn", "npi", "name").unique().sort("npi").rows()
    names = [name for _, _, name in partners]
    ccn, number, name = next(row for row in partners if names.count(row[2]) == 1)
    backwards = ", ".join(reversed(name.upper().split()))  # as in many lists of physicians
    assert explain(home, PerformancePeriod(2025, 2), backwards, ccn).incentive["npi"] == number
    with pytest.raises(HcipError, match="has the name or NPI 'Nobody At All'"):
        explain(home, PerformancePeriod(2025, 2), "Nobody At All")

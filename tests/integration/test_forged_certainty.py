"""Verification finds every forged figure of certainty, and no difference in the original release."""

from __future__ import annotations

from pathlib import Path

import pytest

from hcip_pipeline.release.verification import MOST_DRAWS, Proofs, verify_release
from tests import mutants
from tests.released_state import A, released, unreleased
from tests.settled_home import SettledHome

__all__ = ["released", "unreleased"]

pytestmark = pytest.mark.slow

#: table, owner, column, rule that detects the forgery
FORGED = (
    ("payment_ranges", A, "chance_high", "draws"),
    ("payment_ranges", A, "interval_low", "draws"),
    ("payment_ranges", A, "calculated_incentive", "certainty"),
    ("reliability", A, "reliability", "certainty"),
    ("reliability", A, "cases", "certainty"),
    ("certainty_hospitals", "STATE", "chance_low", "draws"),
    ("certainty_hospitals", "STATE", "care_partners", "certainty"),
    ("certainty_streams", "STATE", "days_between", "certainty"),
)


def more(cell: str) -> str:
    """The number plus one."""
    whole, point, rest = cell.partition(".")
    return f"{int(whole or 0) + 1}{point}{rest}"


def test_certainty_is_recomputed_draw_by_draw(released: Path) -> None:
    """A physician works at two of the state's hospitals, and the gate uses the cases at both."""
    report = verify_release(released, proofs=Proofs(draws=MOST_DRAWS))
    assert report.ok, report.text()
    assert report.tallies["draws"].rows > 8 and report.tallies["certainty"].rows > 20
    assert not [note for note in report.notes if "draws" in note]


def test_every_forged_figure_is_found(released: Path, tmp_path: Path) -> None:
    copy = mutants.copy_of(released, tmp_path)
    for table, owner, column, _ in FORGED:
        mutants.forge_cell(copy, table, owner, 2, column, more)
    reported = verify_release(copy, proofs=Proofs(draws=MOST_DRAWS)).listed
    for table, _, column, rule in FORGED:
        assert any(each.rule == rule and each.column == column and table in each.file for each in reported), (
            table,
            column,
        )


def test_forged_sums_of_physicians_are_found_in_figures_computed_from_them(released: Path, tmp_path: Path) -> None:
    copy = mutants.copy_of(released, tmp_path)
    mutants.forge_cell(copy, "physician_figures", "STATE", 2, "cost_squares", more)
    reported = verify_release(copy).listed
    assert {each.column for each in reported if each.rule == "certainty"} & {
        "cost_within",
        "cost_between",
        "reliability",
    }


def test_too_many_draws_are_left_out_and_named(released: Path) -> None:
    report = verify_release(released, proofs=Proofs(draws=1))
    assert report.ok and report.tallies["draws"].rows == 0
    assert any("too many draws" in note for note in report.notes)


#: figures of other readings: table, owner, column
FORGED_READINGS = (
    ("attribution", None, "cases_gained"),
    ("attribution", None, "cases_then"),
    ("certainty_readings", "STATE", "dollars_moved"),
    ("certainty_readings", "STATE", "other_quartile"),
    ("certainty_readings", "STATE", "now_paid"),
    ("certainty_readings", "STATE", "rank_correlation"),
)


def test_every_forged_figure_of_a_reading_is_found(settled_home: SettledHome, tmp_path: Path) -> None:
    copy = mutants.copy_of(settled_home.release.folder, tmp_path)
    first = min(path.name.split("_")[1] for path in (copy / "certainty").glob("*_attribution_*.csv"))
    for line, (table, owner, column) in enumerate(FORGED_READINGS, start=2):
        mutants.forge_cell(copy, table, owner or first, line, column, more)
    reported = verify_release(copy).listed
    for table, _, column in FORGED_READINGS:
        expected = "cases_then" if column == "cases_gained" else column
        assert any(each.rule == "certainty" and each.column == expected and table in each.file for each in reported), (
            column
        )

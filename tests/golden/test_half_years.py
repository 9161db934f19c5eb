"""Four half-years in order: holds resolved, pools settled, a restatement in between, program year two (§9, §15).

Every limit, cap and payment is compared with plain Python to the cent, and every release is verified from its own files
and the earlier ones.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hcip_pipeline.contracts.payment_reasons import PAYMENT_REASONS
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.release.reading import ReleaseFiles, releases_of
from hcip_pipeline.release.verification import verify_release
from tests.golden import plain_settlement
from tests.golden.plain_periods import Periods
from tests.half_years import FIRST, HALVES, A, B, C, D, HalfYears
from tests.scenario import npi

pytestmark = pytest.mark.slow

SEEDS = range(int(os.environ.get("HCIP_HALF_YEARS", "1")))
#: the verification rules that span half-years: each must have been applied
RULES = (
    "chain", "programs", "elections", "calculated", "conditions", "standing", "committee", "fee_schedule_cap",
    "distribution_limit", "final", "savings",
)  # fmt: skip
CHANGES = {reason.code for reason in PAYMENT_REASONS.values() if reason.step == "change"}
INCENTIVES = (
    "calculated_incentive", "conditions_adjustment", "standing_adjustment", "committee_adjustment", "pfs_cap_amount",
    "pfs_cap_adjustment", "distribution_limit_adjustment", "final_incentive", "status",
)  # fmt: skip


@dataclass
class Both:
    """A state settled by the pipeline and by plain Python, side by side."""

    state: HalfYears
    plain: Periods = field(default_factory=Periods)
    #: hospital -> year and first period of each of its protocols, in order; hospital -> folder and first period
    named: dict[str, list[tuple[int, str]]] = field(
        default_factory=lambda: {ccn: [(2024, first)] for ccn, first in FIRST.items()}
    )
    corrected: dict[str, tuple[str, str]] = field(default_factory=dict)

    def release(self, period: str, replaced: Sequence[tuple[str, str, str]] = ()) -> ReleaseFiles:
        """Settle a half-year by both, compare the results, and verify the release."""
        spec = self.state.spec(period, replaced)
        release = ReleaseFiles.at(self.state.release(period, spec))
        crossing = {"programs", "program_changes"}
        own = {
            name: frame.to_dicts()
            for name, frame in spec.sources.items()
            if isinstance(frame, pl.DataFrame) and name not in crossing and not name.startswith("earlier_")
        }
        elections = {ccn: elections.model_dump(exclude_unset=True) for ccn, elections in spec.elections.items()}
        folders = {each: {"other_program_amounts": self._typed(each)} for each in HALVES}
        policy = spec.policy.model_dump()
        named = {ccn: [n for year, n in reported if year <= int(period[:4])] for ccn, reported in self.named.items()}
        corrected = {ccn: first for ccn, (filed, first) in self.corrected.items() if filed <= period}
        plain = self.plain.settle(period, own, folders, named, corrected, policy, elections)
        self._compare(release, plain)
        report = verify_release(release.folder)
        assert report.ok, report.listed
        assert all(report.tallies[rule].figures for rule in RULES)
        return release

    def _typed(self, period: str) -> list[Mapping[str, Any]]:
        rows = self.state.rows(period, "other_program_amounts")
        return [row | {"amount": Fraction(row["amount"])} for row in rows]

    def _compare(self, release: ReleaseFiles, plain: plain_settlement.Settlement) -> None:
        rows = {(row["hospital_ccn"], row["npi"]): row for row in release.table("incentives").iter_rows(named=True)}
        assert rows.keys() == plain.incentives.keys()
        for key, expected in plain.incentives.items():
            for column in INCENTIVES:
                assert rows[key][column] == expected[column], (release.name, key, column)
            assert set(filter(None, rows[key]["reasons"].split("|"))) - CHANGES == expected["reasons"], key
        limits = {row["hospital_ccn"]: row for row in release.table("distribution_limits").iter_rows(named=True)}
        for ccn, limit in plain.limits.items():
            for column, value in limit.items():
                assert limits[ccn][column] == value, (release.name, ccn, column)

    def payable(self, year: int) -> dict[tuple[str, str], Fraction]:
        """Payable amounts of a year's newest releases."""
        found: dict[tuple[str, str], Fraction] = {}
        for period in (f"{year}H1", f"{year}H2"):
            folders = releases_of(self.state.home, PerformancePeriod.parse(period))
            rows = ReleaseFiles.at(folders[-1]).table("incentives").filter(pl.col("status") == "PAYABLE")
            for ccn, physician, amount in rows.select("hospital_ccn", "npi", "final_incentive").iter_rows():
                found[ccn, physician] = found.get((ccn, physician), Fraction(0)) + Fraction(amount)
        return found


def reasons(release: ReleaseFiles, ccn: str) -> set[str]:
    """Every reason on a hospital's payments that are not zero."""
    rows = release.table("incentives").filter((pl.col("hospital_ccn") == ccn) & (pl.col("calculated_incentive") > 0))
    return {reason for text in rows["reasons"] for reason in text.split("|") if reason}


def total(release: ReleaseFiles, ccn: str, status: str = "PAYABLE") -> Fraction:
    rows = release.table("incentives").filter(hospital_ccn=ccn, status=status)
    return sum(map(Fraction, rows["final_incentive"]), Fraction(0))


@pytest.mark.parametrize("seed", SEEDS)
def test_four_half_years(seed: int, tmp_path: Path) -> None:
    both = Both(HalfYears.make(tmp_path / "home", seed))
    state = both.state
    both.release("2024H1")
    contested = both.release("2024H2")
    assert "POOL_CONTESTED" in reasons(contested, A)
    assert (total(contested, A), total(contested, B) > 0) == (0, True)
    # The contested pool is settled: held amounts are payable, and count from here on.
    (notice,) = state.rows("2024H2", "pool_notices")
    state.write("2024H2", "pool_notices", [notice | {"contested": "N"}])
    settled = both.release("2024H2")
    assert (settled.number, total(settled, A) > 0) == (2, True)
    # B's screening is cleared, and a protocol moves the first period: payments are held, and the year's cap stays.
    first = both.release("2025H1")
    assert "EARLIER_PERIOD_RESTATED" in reasons(first, A), "the middle was restated after its first release"
    programs = {row["hospital_ccn"]: row for row in first.table("programs").iter_rows(named=True)}
    assert {ccn: programs[ccn]["program_year"] for ccn in (A, B, C, D)} == {A: 2, B: 1, C: None, D: 2}
    assert programs[D]["care_partners"] == 0
    state.edit_protocol(B, lambda content: content.update(first_performance_period="2025H2"), year=2025)
    both.named[B].append((2025, "2025H2"))
    held = both.release("2025H2")
    assert "FIRST_PERIOD_CHANGED" in reasons(held, B)
    assert total(held, B) == 0
    # A half-year in the middle is restated again, then everything after it.
    state.write("2024H2", "committee_adjustments", [])
    state.correct("2025H2", B, "2024H2")
    state.write("2024H1", "other_program_amounts", state.rows("2024H1", "other_program_amounts")[1:])
    both.release("2024H2")
    both.release("2025H1")
    both.corrected[B] = ("2025H2", "2024H2")
    last = both.release("2025H2")
    assert "FIRST_PERIOD_CHANGED" not in reasons(last, B)
    assert "OTHER_PROGRAMS_CHANGED" in reasons(last, A)
    for (ccn, physician), amount in both.payable(2025).items():
        cap = last.table("payment_inputs").filter(hospital_ccn=ccn, npi=physician).row(0, named=True)
        assert amount <= Fraction(cap["pfs_approved_amount"]) * 20 / 100, (ccn, physician)


def test_a_hospital_may_have_a_protocol_or_care_partners_or_neither(tmp_path: Path) -> None:
    """A protocol and an empty list in the second half-year of program year two do not stop the release."""
    both = Both(HalfYears.make(tmp_path / "home", 3, has_reports=False))
    state = both.state
    for period in ("2024H1", "2025H1"):
        both.release(period)
    partners = state.rows("2025H2", "care_partners")
    state.write("2025H2", "care_partners", [row for row in partners if row["hospital_ccn"] != A])
    without = both.release("2025H2")
    assert A not in set(without.table("incentives")["hospital_ccn"])
    savings = without.table("savings", folder="savings").filter(hospital_ccn=A, scope="all").row(0, named=True)
    assert savings["internal_savings_to_date"] != savings["internal_savings"]
    row = without.table("programs").filter(hospital_ccn=A).row(0, named=True)
    assert (row["first_performance_period"], row["program_year"], row["care_partners"]) == ("2024H1", 2, 0)


def test_the_annual_cap_does_not_depend_on_when_the_program_began(tmp_path: Path) -> None:
    """Moving the first period after the year's first half was paid does not pay more than the year's cap."""
    both = Both(HalfYears.make(tmp_path / "home", 5, has_reports=False))
    first = both.release("2025H1")
    paid = first.table("incentives").filter(hospital_ccn=B, npi=npi(2)).row(0, named=True)["final_incentive"]
    assert paid > 0
    both.state.correct("2025H2", B, "2025H2")
    both.corrected[B] = ("2025H2", "2025H2")
    second = both.release("2025H2")
    inputs = second.table("payment_inputs").filter(hospital_ccn=B, npi=npi(2)).row(0, named=True)
    assert (inputs["program_year"], inputs["earlier_period_incentive"]) == (1, paid)
    assert "FIRST_PERIOD_CORRECTED" in reasons(second, B)


def test_the_same_inbox_gives_the_same_figures_whichever_commands_ran_before(tmp_path: Path) -> None:
    """A run in a new home uses earlier periods' folders, and so does one after other commands."""
    fresh, used = (HalfYears.make(tmp_path / name, 2) for name in ("fresh", "used"))
    for state in (fresh, used):
        state.correct("2024H2", B, "2024H1")
        state.edit_protocol(A, lambda content: content.update(first_performance_period="2025H1"), year=2025)
    for period in ("2025H1", "2024H1", "2024H2"):
        used.spec(period)
    first, second = (state.spec("2025H2").sources for state in (fresh, used))
    for name in ("earlier_other_program_amounts", "earlier_payments", "programs", "protocols", "protocol_findings"):
        one, two = (frame for sources in (first, second) if isinstance(frame := sources[name], pl.DataFrame))
        assert one.equals(two), name
    amounts = pl.DataFrame(first["earlier_other_program_amounts"])
    assert sorted(amounts["period"].unique()) == ["2024H1", "2024H2", "2025H1"]
    programs = {row["hospital_ccn"]: row for row in pl.DataFrame(first["programs"]).iter_rows(named=True)}
    assert (programs[B]["first_performance_period"], programs[B]["correction_filed_in"]) == ("2024H1", "2024H2")
    assert (programs[A]["first_performance_period"], programs[A]["is_first_period_changed"]) == ("2024H1", True)


def test_an_exclusion_that_is_lifted_names_itself(tmp_path: Path) -> None:
    """Removed from the list between two half-years: the raised payment has a reason, which verification confirms."""
    both = Both(HalfYears.make(tmp_path / "home", 3, has_reports=False))
    listed = "npi,source,effective_date,reinstated_date\n{0},OIG,2023-01-01,\n"
    reference = both.state.home.inbox / "reference"
    reference.mkdir(exist_ok=True)
    (reference / "excluded_individuals.csv").write_text(listed.format(npi(1)), encoding="utf-8")
    first = both.release("2025H1")
    assert "EXCLUDED_INDIVIDUAL" in first.table("incentives").filter(hospital_ccn=A, npi=npi(1))["reasons"][0]
    (reference / "excluded_individuals.csv").write_text(listed.split("{")[0], encoding="utf-8")
    second = both.release("2025H2")
    assert "EXCLUSIONS_CHANGED" in reasons(second, A) and "EXCLUSIONS_CHANGED" not in reasons(second, B)
    (detail,) = second.table("program_changes").filter(reason="EXCLUSIONS_CHANGED")["detail"]
    assert npi(1) in detail and "2025H1_r1" in detail


def test_a_replaced_baseline_is_a_reason_of_the_payments_and_verifies(tmp_path: Path) -> None:
    """No release shows the earlier baseline, only the ledger does: verification accepts the reason as given."""
    both = Both(HalfYears.make(tmp_path / "home", 3, has_reports=False))
    release = both.release("2025H1", [(A, "BASELINE_REPLACED", "2024Q1/a.r2 was accepted later")])
    assert "BASELINE_REPLACED" in reasons(release, A) and "BASELINE_REPLACED" not in reasons(release, B)
    assert release.table("program_changes").filter(reason="BASELINE_REPLACED")["hospital_ccn"].to_list() == [A]

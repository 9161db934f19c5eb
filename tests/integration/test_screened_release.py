"""A release with care partners screened against national lists: payments, questions, findings, page, verification."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hcip_pipeline.home.folders import Home
from hcip_pipeline.publishing.content import Content
from hcip_pipeline.publishing.writer import write_release
from hcip_pipeline.reference.screening import write_lake_screening
from hcip_pipeline.release.reading import ReleaseFiles
from hcip_pipeline.release.verification import verify_release
from tests.released_state import PERIOD, B, State, compute, fresh_home, inputs_of, released, unreleased
from tests.scenario import npi, table
from tests.screening_lists import excluded, leie_text, nppes_text, ordering_text, put_list

__all__ = ["fresh_home", "released", "unreleased"]
pytestmark = pytest.mark.slow

ORGANIZATION, DEACTIVATED, ASKED = npi(3), npi(4), npi(5)
CLEARANCE = {
    "hospital_ccn": B, "npi": ASKED, "source": "OIG", "cleared_by": "C. Officer", "cleared_on": PERIOD.end,
    "reason": "another year of birth",
}  # fmt: skip


def put_lists(home: Home) -> None:
    """Write all three lists; the OIG's newest date is ten weeks before the period is due, NPPES has one date."""
    like = excluded(lastname="PHYSICIAN", firstname="5", midname="")
    put_list(home.inbox, "leie.csv", leie_text([like, excluded(lastname="NOBODY", excldate="20260120")]))
    rows = [(ORGANIZATION, "2", "", ""), (DEACTIVATED, "", "08/01/2025", ""), (npi(7), "1", "", "")]
    put_list(home.inbox, "nppes.csv", nppes_text(rows))
    put_list(home.inbox, "order_and_referring.csv", ordering_text([npi(number) for number in range(1, 8)]))
    put_list(home.inbox, "list_dates.csv", "list_name,list_date\nnppes,2026-03-10\n")


def screened(home: Home, state: State, *clearances: Mapping[str, Any]) -> State:
    """The state with the intake's findings from the lists in the home's inbox."""
    lake = home.lake_program(PERIOD)
    lake.mkdir(parents=True, exist_ok=True)
    partners = state.spec.sources["care_partners"]
    assert isinstance(partners, pl.DataFrame)
    partners.write_parquet(lake / "care_partners.parquet")
    table("screening_clearances", clearances).write_parquet(lake / "screening_clearances.parquet")
    write_lake_screening(home, PERIOD)
    names = ("screening", "screened_lists", "irregular_npis", "unused_clearances")
    found = {name: pl.read_parquet(lake / f"{name}.parquet") for name in names}
    return replace(state, spec=replace(state.spec, sources=dict(state.spec.sources) | found))


def released_in(home: Home, state: State, folder: Path) -> ReleaseFiles:
    lists = sorted((home.inbox / "reference").glob("*.csv"))
    inputs = [*inputs_of(home)]
    for path in lists:
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        inputs.append({"file": f"reference/{path.name}", "sha256": sha256, "rows": 1})
    built = compute(state, state.norms, folder)
    return ReleaseFiles.at(write_release(home, PERIOD, built, Content(state.policy, inputs)).folder)


def payments(files: ReleaseFiles) -> dict[str, tuple[Any, ...]]:
    rows = files.table("incentives").select("npi", "final_incentive", "status", "reasons").sort("npi", "status").rows()
    return {row[0]: row[1:] for row in rows}


def test_screening_findings_hold_payments_and_clearances_release_them(
    fresh_home: Home,
    unreleased: State,
    released: Path,
    tmp_path: Path,
) -> None:
    before = payments(ReleaseFiles.at(released))
    assert not ReleaseFiles.at(released).has("screening")
    put_lists(fresh_home)
    files = released_in(fresh_home, screened(fresh_home, unreleased), tmp_path / "asked")
    after = payments(files)

    # A question does not change a payment; a hold keeps the amount but makes it wait.
    assert after[ASKED] == before[ASKED] and after[ASKED][1] == "PAYABLE"
    for held, reason in ((ORGANIZATION, "NPI_NOT_AN_INDIVIDUAL"), (DEACTIVATED, "NPI_DEACTIVATED")):
        assert after[held][0] == before[held][0] > 0
        assert (after[held][1], reason in after[held][2].split("|")) == ("HELD", True)
    assert {n: row for n, row in after.items() if n not in (ORGANIZATION, DEACTIVATED)} == {
        n: row for n, row in before.items() if n not in (ORGANIZATION, DEACTIVATED)
    }

    root = files.folder
    missing = pl.read_csv(root / "reports" / B / "missing_information.csv", infer_schema=False)
    (asked,) = missing.filter(item="EXCLUSION_NAME_MATCH").to_dicts()
    assert asked["npi"] == ASKED
    assert "5 PHYSICIAN (FAMILY PRACTICE, ALBANY, NY, born 1960, excluded 2020-01-01)" in asked["missing"]
    assert DEACTIVATED in missing.filter(item="NPI_DEACTIVATED")["npi"].to_list()

    findings = files.table("audit_findings")
    (question,) = findings.filter(rule="EXCLUSION_NAME_MATCH").to_dicts()
    assert (question["npi"], question["amount"], question["severity"]) == (ASKED, after[ASKED][0], "medium")
    rules = {
        rule: findings.filter(rule=rule).height
        for rule in ("LIST_STALE", "LIST_UNDATED", "ATTENDING_NPI", "NOT_ON_ORDER_AND_REFERRING", "EXCLUSION_CLEARED")
    }
    # The attending NPI at A is an organization's; the one at B was deactivated on 1 August.
    assert rules == {
        "LIST_STALE": 1, "LIST_UNDATED": 1, "ATTENDING_NPI": 2, "NOT_ON_ORDER_AND_REFERRING": 1,
        "EXCLUSION_CLEARED": 0,
    }  # fmt: skip
    assert "of 2026-01-20: 71 days old on 2026-04-01" in findings.filter(rule="LIST_STALE")["finding"][0]
    page = (root / "audit" / "audit_report.html").read_text(encoding="utf-8")
    assert "NPPES (<code>reference/nppes.csv</code>)" in page and "2026-03-10" in page
    assert verify_release(root).ok

    # An answered question is reported and no longer asked; no payment changes.
    put_list(fresh_home.inbox, "list_dates.csv", "list_name,list_date\nleie,2026-03-10\nnppes,2026-03-10\n")
    answered = released_in(fresh_home, screened(fresh_home, unreleased, CLEARANCE), tmp_path / "answered")
    assert payments(answered) == after
    findings = answered.table("audit_findings")
    assert findings.filter(rule="EXCLUSION_NAME_MATCH").is_empty() and findings.filter(rule="LIST_STALE").is_empty()
    assert (
        "cleared by C. Officer on 2025-12-31: another year" in findings.filter(rule="EXCLUSION_CLEARED")["finding"][0]
    )
    missing = pl.read_csv(answered.folder / "reports" / B / "missing_information.csv", infer_schema=False)
    assert missing.filter(item="EXCLUSION_NAME_MATCH").is_empty()
    assert verify_release(answered.folder).ok


def test_a_hold_cannot_be_removed_from_the_table(
    fresh_home: Home,
    unreleased: State,
    tmp_path: Path,
) -> None:
    put_lists(fresh_home)
    root = released_in(fresh_home, screened(fresh_home, unreleased), tmp_path / "asked").folder
    (path,) = (root / "audit").glob("HCIP_STATE_screening_*.csv")
    whole = path.read_bytes()
    for old, new in ((b"hold", b"noted"), (b"question", b"answered")):
        assert old in whole
        path.write_bytes(whole.replace(old, new))
        reported = verify_release(root)
        assert not reported.ok and reported.tallies["screening"].differences
    path.write_bytes(whole)
    assert verify_release(root).ok
    for file in (root / "audit").glob("HCIP_STATE_screening_*"):
        file.unlink()
    assert verify_release(root).tallies["screening"].differences

"""A half-year restated for every cause at once, and the half-year after it, which makes the difference good."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from hcip_pipeline import cli
from hcip_pipeline.assets.execution import settle
from hcip_pipeline.home import Home
from hcip_pipeline.periods import PerformancePeriod, Quarter
from hcip_pipeline.release.difference import difference
from hcip_pipeline.release.reading import ReleaseFiles, released_frame
from hcip_pipeline.release.verification import verify_release
from hcip_pipeline.release.writer import Release
from hcip_pipeline.settlement.reproduction import reproduce
from hcip_pipeline.synthetic import generate_state

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("restated_home")]

H1, H2 = PerformancePeriod.parse("2025H1"), PerformancePeriod.parse("2025H2")

Rows = list[dict[str, str]]


def change(path: Path, how: Callable[[Rows], Rows]) -> None:
    opened: Callable[..., object] = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8", newline="") as file:  # type: ignore[attr-defined]
        rows = list(csv.DictReader(file))
    with opened(path, "wt", encoding="utf-8", newline="") as file:  # type: ignore[attr-defined]
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(how(rows))


@dataclass(frozen=True)
class Restated:
    home: Home
    first: Release
    second: Release
    after: Release


@pytest.fixture(scope="module")
def restated(tmp_path_factory: pytest.TempPathFactory) -> Restated:
    home = Home(tmp_path_factory.mktemp("restated"))
    generate_state(
        home.inbox,
        hospitals=2,
        discharges_per_year=2_500,
        start=Quarter.parse("2023Q1"),
        end=Quarter.parse("2025Q4"),
        seed=11,
        cms=False,
    )
    first = settle(home, H1)
    _resubmit(home)
    _change_references(home)
    policy = home.policy.read_text(encoding="utf-8")
    home.policy.write_text(policy + "\nperformance_exponent: 2\n", encoding="utf-8")
    change(home.inbox / "program" / "2025H1" / "condition_results.csv", _one_condition_lost)
    second = settle(home, H1)
    return Restated(home, first, second, settle(home, H2))


def _resubmit(home: Home) -> None:
    """A quarter again: some cases were late, some cost less, some belong to another physician."""
    folder = sorted((home.inbox / "hospital" / "2025Q1").iterdir())[0]
    again = folder.with_name(f"{folder.name}.r2")
    shutil.copytree(folder, again)
    (again / "control_totals.json").unlink(missing_ok=True)
    discharges = next(path for path in again.iterdir() if path.name.startswith("discharges"))
    charges = next(path for path in again.iterdir() if path.name.startswith("charges"))
    late: set[str] = set()

    def resubmitted(rows: Rows) -> Rows:
        late.update(row["account_no"] for row in rows[:40])
        npis = sorted({row["attending_npi"] for row in rows if row["attending_npi"]})
        for at, row in enumerate(rows):
            if at % 7 == 0 and row["attending_npi"]:
                row["attending_npi"] = npis[(npis.index(row["attending_npi"]) + 1) % len(npis)]
        return [row for row in rows if row["account_no"] not in late]

    change(discharges, resubmitted)
    change(charges, lambda rows: [row for row in rows if row["account_no"] not in late])


def _change_references(home: Home) -> None:
    def cheaper(rows: Rows) -> Rows:
        for row in rows:
            if row["rate_year"] == "2025":
                row["labor_market"] = f"{Decimal(row['labor_market']) + Decimal('0.02')}"
        return rows

    change(home.inbox / "reference" / "cost_factors.csv", cheaper)


def _one_condition_lost(rows: Rows) -> Rows:
    met = next(row for row in rows if row["met"] == "Y")
    for row in rows:
        if (row["hospital_ccn"], row["condition_id"]) == (met["hospital_ccn"], met["condition_id"]):
            row["met"] = "N"
    return rows


def payable(folder: Path) -> dict[tuple[str, str], Decimal]:
    rows = released_frame(folder, "incentives").iter_rows(named=True)
    return {
        (r["hospital_ccn"], r["npi"]): r["final_incentive"] if r["status"] == "PAYABLE" else Decimal(0) for r in rows
    }


def test_causes_add_up_to_the_difference_to_the_cent(restated: Restated) -> None:
    assert (restated.first.name, restated.second.name) == ("r1", "r2")
    were, are = payable(restated.first.folder), payable(restated.second.folder)
    rows = released_frame(restated.second.folder, "restatement")
    assert set(rows["cause"]) == {"discharges", "reference_rates", "policy", "attribution", "program_files"}
    sums = {
        (ccn, npi): amount
        for ccn, npi, amount in rows.group_by("hospital_ccn", "npi").agg(pl.col("payable_difference").sum()).iter_rows()
    }
    for payment in were.keys() | are.keys():
        assert are.get(payment, Decimal(0)) - were.get(payment, Decimal(0)) == sums.get(payment, Decimal(0))
    assert any(sums.values())


def test_both_releases_verify(restated: Restated) -> None:
    for release in (restated.first, restated.second, restated.after):
        report = verify_release(release.folder)
        assert report.ok, report.text()


def test_the_next_period_makes_it_good_once(restated: Restated) -> None:
    adjusted = released_frame(restated.after.folder, "prior_period_adjustments")
    told = adjusted.group_by("hospital_ccn", "npi").agg(pl.col("adjustment_amount").sum())
    owed = {(ccn, npi): amount for ccn, npi, amount in told.iter_rows() if amount}
    were, are = payable(restated.first.folder), payable(restated.second.folder)
    assert owed == {p: are[p] - were[p] for p in are if are[p] != were.get(p, Decimal(0))}
    assert set(adjusted["restated_release"]) == {"r2"}
    findings = released_frame(restated.after.folder, "audit_findings")
    amounts = findings.filter(pl.col("rule") == "PRIOR_PERIOD_ADJUSTMENT")["amount"].to_list()
    assert sorted(amounts) == sorted(abs(amount) for amount in owed.values())


def test_what_did_not_change_is_not_released_again(restated: Restated) -> None:
    again = settle(restated.home, H1)
    assert (again.name, again.is_new) == ("r2", False)


def test_a_release_as_of_then_can_be_made_again(restated: Restated) -> None:
    for number in (1, 2):
        made = reproduce(restated.home, H1, number)
        assert made.differing == ()
        assert made.files == len(
            ReleaseFiles.at(restated.home.releases / "2025H1" / f"r{number}").manifest["resources"]
        )


def test_diff_says_what_changed_and_why(restated: Restated, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    before, after = restated.first.folder, restated.second.folder
    with pytest.raises(SystemExit) as stopped:
        cli.main(["diff", str(before), str(after), "--json"])
    assert not stopped.value.code
    said = json.loads(capsys.readouterr().out)
    assert said["adds_up"] is True
    assert sum(map(Decimal, said["causes"].values())) == Decimal(said["difference"])
    were, are = payable(before), payable(after)
    assert Decimal(said["difference"]) == sum(are.values()) - sum(were.values())

    with pytest.raises(SystemExit):
        cli.main(["diff", str(before), str(after)])
    text = capsys.readouterr().out
    assert "2025H1: r1 → r2" in text and "program files" in text
    for wrong in ([str(after), str(before)], [str(before), str(restated.after.folder)]):
        with pytest.raises(SystemExit) as stopped:
            cli.main(["diff", *wrong])
        assert stopped.value.code == 2
    capsys.readouterr()
    assert difference(after, after).payments == ()


def test_payments_are_audited_in_the_next_cycle(restated: Restated) -> None:
    """Payments for the first half-year are reported while the second is settled."""
    due = [(ccn, npi, amount) for (ccn, npi), amount in payable(restated.second.folder).items() if amount]
    file = restated.home.inbox / "program" / "2025H1" / "payments.csv"
    lines = ["hospital_ccn,npi,paid_amount,paid_on,reference"]
    paid_on = dt.date(2025, 11, 3)
    lines += [
        f"{ccn},{npi},{amount + (1 if at == 0 else 0)},{paid_on},P{at}" for at, (ccn, npi, amount) in enumerate(due)
    ]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    audited = settle(restated.home, H2)
    assert audited.name == "r2"
    verdicts = released_frame(audited.folder, "payment_reconciliation").filter(pl.col("paid_period") == "2025H1")
    assert verdicts["verdict"].sort().to_list() == ["AS_RELEASED"] * (len(due) - 1) + ["OVERPAID"]
    assert released_frame(audited.folder, "restatement").height == 0
    # the restatement of the first half-year is still this cycle's to recommend, for r1 of this period is superseded
    assert released_frame(audited.folder, "prior_period_adjustments").height > 0

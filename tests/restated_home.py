"""The settled home restated: late, corrected and changed files planted in its inbox, and the half-year settled again.

Belongs here: the planted changes, one per cause, each of which must change a payment. Does not belong here: any
assertion.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import polars as pl

from hcip_pipeline.assets.execution import settle
from hcip_pipeline.home.folders import Home
from hcip_pipeline.publishing.writer import Release
from hcip_pipeline.release.reading import released_frame
from tests.fee_schedule_claims import adjusted_claims, deliver
from tests.settled_home import APPROVED, CAPPED_BY_CLAIMS, PERIOD, SettledHome

Row = dict[str, str]
Payment = tuple[str, str]

_QUARTER = "2025Q1"
#: the approved amount by CMS's later file
NOW_APPROVED = Decimal("380.00")


@dataclass(frozen=True)
class RestatedHome:
    """A home with both releases; ``planted`` has the payment each cause must change, ``messages`` the progress."""

    home: Home
    first: Release
    second: Release
    planted: dict[str, Payment]
    messages: tuple[str, ...]

    @classmethod
    def load(cls, folder: Path) -> RestatedHome:
        record = json.loads((folder / "restated.json").read_text(encoding="utf-8"))
        home = Home(folder)
        place = home.releases / str(PERIOD)
        first, second = (Release(**record[name] | {"folder": place / name}) for name in ("r1", "r2"))
        planted = {cause: (ccn, npi) for cause, (ccn, npi) in record["planted"].items()}
        return cls(home, first, second, planted, tuple(record["messages"]))


def build_restated_home(settled: SettledHome, folder: Path) -> None:
    """Copy the settled home, plant one change per cause and settle the period again."""
    home = settled.copy(folder, "inbox", "lake", "releases")
    settled.copy_base_year(folder)
    planted = plant(home, settled.release.folder)
    messages: list[str] = []
    second = settle(home, PERIOD, progress=messages.append)
    record: dict[str, object] = {"planted": planted, "messages": messages}
    for release in (settled.release, second):
        record[release.name] = {name: value for name, value in vars(release).items() if name != "folder"}
    (folder / "restated.json").write_text(json.dumps(record), encoding="utf-8")


def plant(home: Home, release: Path) -> dict[str, Payment]:
    """Change the inbox; returns the payment that each cause must change."""
    at = CAPPED_BY_CLAIMS[0]
    unbound = {f"{step}_adjustment": 0 for step in ("standing", "committee", "pfs_cap", "distribution_limit")}
    paid = released_frame(release, "incentives").filter(hospital_ccn=at, status="PAYABLE", **unbound).sort("npi")
    cases = released_frame(release, "incentive_cases").join(paid, on=["hospital_ccn", "npi"], how="semi")
    earning = cases.filter(
        pl.col("performance_fraction").is_between(0, 1, closed="none"),
        pl.col("performance_incentive") > 0,
        pl.col("account_no").str.starts_with(_QUARTER[2:4] + _QUARTER[-1]),
    ).sort("account_no")
    physicians = earning.filter(stream="medical")["npi"].unique(maintain_order=True).to_list()
    cheaper, late, moved = (earning.filter(npi=npi).row(0, named=True) for npi in physicians[:3])
    _resubmit(home, at, cheaper["account_no"], late["account_no"], moved["account_no"], cheaper["npi"])
    _leave_out_the_last(home, "2024Q1", at)  # of the baseline, and of the base year, whose norms are frozen
    deliver(home.inbox, dt.date(2025, 8, 15), adjusted_claims(CAPPED_BY_CLAIMS[1], PERIOD.year, APPROVED, NOW_APPROVED))
    _rewrite(home.inbox / "reference" / "per_diem.csv", _dearer)
    policy = home.policy.read_text(encoding="utf-8")
    home.policy.unlink()
    home.policy.write_text(f"{policy}performance_exponent: 2\n", encoding="utf-8")
    unmet = _report_as_met(home, at, released_frame(release, "conditions"), paid["npi"].to_list())
    saved = paid.filter(pl.col("improvement_incentive_medical") > 0)["npi"][0]
    return {
        "discharges": (at, cheaper["npi"]),
        "cms_adjustments": CAPPED_BY_CLAIMS,
        "reference_rates": (at, saved),
        "policy": (at, cheaper["npi"]),
        "attribution": (at, moved["npi"]),
        "program_files": (at, unmet),
    }


def _rewrite(path: Path, change: Callable[[list[Row]], list[Row]]) -> None:
    """Change a CSV file, after breaking the hard link to the original."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    path.unlink()
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(change(rows))


def _resubmit(home: Home, ccn: str, cheaper: str, late: str, moved: str, to: str) -> None:
    """Write a second version next to the first.

    Args:
        cheaper: account whose charges were a tenth too high.
        late: account of which a copy arrives late.
        moved: account that gets another responsible physician.
        to: that physician's NPI.
    """
    first = home.inbox / "hospital" / _QUARTER / ccn
    second = first.with_name(f"{ccn}.r2")
    shutil.copytree(first, second)
    (second / "control_totals.json").unlink()
    added = {"account_no": f"{late}L"}

    def corrected(text: str) -> str:
        return f"{Decimal(text) * Decimal('0.9'):.2f}"

    def of_charges(rows: list[Row]) -> list[Row]:
        for row in rows:
            if row["account_no"] == cheaper:
                row["charge"] = corrected(row["charge"])
        return rows + [row | added for row in rows if row["account_no"] == late]

    _rewrite(second / "charges.csv", of_charges)
    with (second / "charges.csv").open(encoding="utf-8", newline="") as file:
        total = sum(Decimal(row["charge"]) for row in csv.DictReader(file) if row["account_no"] == cheaper)

    def of_discharges(rows: list[Row]) -> list[Row]:
        for row in rows:
            if row["account_no"] == cheaper:
                row["total_charges"] = str(total)
            if row["account_no"] == moved:
                row |= {"attending_npi": to}
        return rows + [row | added for row in rows if row["account_no"] == late]

    _rewrite(second / "discharges.csv", of_discharges)


def _leave_out_the_last(home: Home, quarter: str, ccn: str) -> None:
    """Write a second version without the last discharge of the first."""
    first = home.inbox / "hospital" / quarter / ccn
    second = first.with_name(f"{ccn}.r2")
    shutil.copytree(first, second)
    (second / "control_totals.json").unlink()
    gone: list[str] = []

    def without_last(rows: list[Row]) -> list[Row]:
        gone.append(rows[-1]["account_no"])
        return rows[:-1]

    _rewrite(second / "discharges.csv", without_last)
    _rewrite(second / "charges.csv", lambda rows: [row for row in rows if row["account_no"] not in gone])


def _dearer(rows: list[Row]) -> list[Row]:
    """Raise the fee of a day of inpatient care by seven dollars."""
    return [row | {"amount": str(Decimal(row["amount"]) + 7)} for row in rows]


def _report_as_met(home: Home, ccn: str, conditions: pl.DataFrame, paid: list[str]) -> str:
    """Correct a result that was reported as not met by mistake; returns the physician's NPI."""
    unmet = conditions.filter(pl.col("npi").is_in(paid), hospital_ccn=ccn, source="REPORTED", reported="N")
    npi, condition = unmet.sort("npi", "condition_id").select("npi", "condition_id").row(0)

    def mended(rows: list[Row]) -> list[Row]:
        for row in rows:
            if (row["hospital_ccn"], row["npi"], row["condition_id"]) == (ccn, npi, condition):
                row["met"] = "Y"
        return rows

    _rewrite(home.inbox / "program" / str(PERIOD) / "condition_results.csv", mended)
    return str(npi)

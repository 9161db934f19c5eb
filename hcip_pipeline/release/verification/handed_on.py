"""Tables that leave the program against what was settled; restatements against the previous release (outputs.md).

Belongs here: the tables of ``regulator/`` and ``norms/``, and ``restatement``. Does not belong here: whether a hidden
count can be computed from the rest, which is checked where counts are hidden.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

from .exact import CENTS, MEAN, ZERO, rounded
from .package import MANIFEST, Package, read_manifest
from .report import Findings, UnreadableReleaseError
from .shapes import SHAPES
from .tables import Row, Table, UnreadableTableError, read_csv
from .terms import Terms

#: the regulator's columns that equal the hospital's
_INCENTIVES = [
    "name",
    "performance_incentive",
    "calculated_incentive",
    "conditions_adjustment",
    "standing_adjustment",
    "committee_adjustment",
    "pfs_cap_adjustment",
    "distribution_limit_adjustment",
    "final_incentive",
    "status",
    "reasons",
]
_SAVINGS = [
    "cases",
    "baseline_cases",
    "actual_cost",
    "best_practice_cost",
    "potential_savings",
    "internal_savings_core",
    "internal_savings_supply_drug",
    "internal_savings",
    "internal_savings_to_date",
]

_Payments = dict[tuple[str, str], tuple[Decimal, Decimal]]


def check_handed_on(package: Package, terms: Terms, findings: Findings) -> None:
    """Check the regulator's and the public tables, and the restatement, if the release has them."""
    threshold = terms.small_cell_threshold
    try:
        own = [row for ccn in package.hospitals for row in package.table("incentives", ccn)]
        savings, norms = list(package.table("savings")), list(package.table("norms"))
    except UnreadableTableError:
        return  # already reported
    handed = package.optional("regulator", "incentives")
    if handed is not None:
        _same(handed, own, _INCENTIVES, findings)
        for row, settled in zip(handed, own, strict=False):
            streams = settled["improvement_incentive_medical"] + settled["improvement_incentive_surgical"]
            findings.compare("handed_on", row, {"improvement_incentive": streams})
    for folder, name, rows, columns, counts in (
        ("regulator", "savings", savings, _SAVINGS, ("cases", "baseline_cases")),
        ("norms", "norms", norms, [c for c in SHAPES["audit", "norms"].types if c != "base_year"], ("cases",)),
    ):
        table = package.optional(folder, name)
        if table is not None:
            _same(table, rows, columns, findings)
            for row in table:
                for count in counts:
                    hidden = row[count] is None or not 1 <= row[count] <= threshold
                    findings.require("handed_on", row, count, hidden, f"no count of 1 to {threshold}")
    _check_physician_means(package, findings)
    restated = package.optional("audit", "restatement")
    if restated is not None:
        _check_restatement(package, own, restated, findings)


def _check_physician_means(package: Package, findings: Findings) -> None:
    """Check the physicians' means behind the norms, except in cells whose counts are hidden."""
    norms, means = package.optional("norms", "norms"), package.optional("norms", "norm_physicians")
    if norms is None or means is None:
        return
    cell = ("base_year", "apr_drg", "severity_of_illness")
    small = {tuple(row[column] for column in cell) for row in norms if row["suppressed"]}
    shown = [row for row in package.table("norm_physicians") if tuple(row[column] for column in cell) not in small]
    places = MEAN if package.is_before_privacy_rule else CENTS  # more places would reveal the number of cases
    settled = {row.key(): rounded(row["physician_mean_cost"], places) for row in shown}
    handed = {row.key(): row for row in means}
    findings.fact("handed_on", means.path, "rows", sorted(settled, key=str), sorted(handed, key=str))
    for key, row in handed.items():
        if key in settled:
            findings.compare("handed_on", row, {"physician_mean_cost": settled[key]})


def _same(table: Table, rows: Iterable[Row], columns: Iterable[str], findings: Findings) -> None:
    """Compare figures with the settled ones row by row, except cells that a row lists as hidden."""
    settled = {row.key(): row for row in rows}
    order = next(iter(settled.values())).table.shape.key if settled else table.shape.key
    handed = {tuple(row[column] for column in order): row for row in table}
    findings.fact("handed_on", table.path, "rows", sorted(settled, key=str), sorted(handed, key=str))
    for key, row in handed.items():
        hidden = set(str(row["suppressed"] or "").split("|")) if "suppressed" in table.positions else set()
        if key in settled:
            expected = {c: None if c in hidden else settled[key][c] for c in columns}
            findings.compare("handed_on", row, {c: v for c, v in expected.items() if c in table.positions})


def _check_restatement(package: Package, own: Iterable[Row], restated: Table, findings: Findings) -> None:
    number = int(package.manifest["number"][1:])
    reported: _Payments = {}
    for row in restated:
        superseded = f"r{number - 1}"
        holds = row["superseded_release"] == superseded
        findings.require("restatement", row, "superseded_release", holds, superseded)
        final, payable = reported.get((row["hospital_ccn"], row["npi"]), (ZERO, ZERO))
        reported[row["hospital_ccn"], row["npi"]] = (
            final + row["final_difference"],
            payable + row["payable_difference"],
        )
    before = package.folder.parent / f"r{number - 1}"
    if number > 1 and not (before / MANIFEST).is_file():
        return  # reported by the chain
    try:
        were = _payments(_earlier(before)) if number > 1 else {}
    except (UnreadableReleaseError, UnreadableTableError, OSError):
        expected = f"payments of r{number - 1}"
        findings.differ("restatement", restated.path, "", expected, "tables that cannot be read")
        return
    are = _payments(own) if number > 1 else {}
    for payment in sorted(were.keys() | are.keys() | reported.keys()):
        was, now = were.get(payment, (ZERO, ZERO)), are.get(payment, (ZERO, ZERO))
        difference = (now[0] - was[0], now[1] - was[1])
        found = reported.get(payment, (ZERO, ZERO))
        name = "difference in final and payable"
        findings.fact("restatement", restated.path, name, difference, found, key=" ".join(payment))


def _payments(rows: Iterable[Row]) -> _Payments:
    return {
        (row["hospital_ccn"], row["npi"]): (
            row["final_incentive"],
            row["final_incentive"] if row["status"] == "PAYABLE" else ZERO,
        )
        for row in rows
    }


def _earlier(folder: Path) -> list[Row]:
    shape = SHAPES["incentives", "incentives"]
    pattern = re.compile(r"incentives/HCIP_[^_]+_incentives_[^_]+_r[0-9]+\.csv")
    paths = [item["path"] for item in read_manifest(folder)["resources"] if pattern.fullmatch(item["path"])]
    return [row for path in paths for row in read_csv(folder / path, path, shape)]

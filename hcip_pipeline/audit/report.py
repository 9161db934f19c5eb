"""The audit report of a payment cycle as a page: self-contained, printable, for people.

Belongs here: what the template is given. Does not belong here: figures of its own; each stands in a table of the
release. The page may be shown to the regulator, so its counts of cases are hidden where they are small.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Any

import polars as pl
from jinja2 import Environment, PackageLoader

from hcip_pipeline.audit.findings import dollars
from hcip_pipeline.audit.origin import signed_by
from hcip_pipeline.contracts.audit import SEVERITIES
from hcip_pipeline.html_pages import page_environment
from hcip_pipeline.policy.loader import read_policy
from hcip_pipeline.release.documents import Document, Draft
from hcip_pipeline.release.layouts import MANIFEST
from hcip_pipeline.release.reading import ReleaseFiles
from hcip_pipeline.release.suppression import CountTable, Sum, suppressed

_STEPS = {
    "calculated_incentive": "Calculated",
    "conditions_adjustment": "Conditions of payment",
    "standing_adjustment": "Standing",
    "committee_adjustment": "Oversight committee",
    "pfs_cap_adjustment": "Fee-schedule cap",
    "distribution_limit_adjustment": "Distribution limit",
    "final_incentive": "Final",
}

#: rows of a long table that a page shows; the files hold all
SHOWN = 60


@cache
def _environment() -> Environment:
    environment = page_environment(PackageLoader("hcip_pipeline.audit", "templates"))
    environment.filters["dollars"] = lambda amount: "–" if amount is None else dollars(amount)
    environment.filters["count"] = lambda number: "hidden" if number is None else f"{number:,}"
    environment.filters["words"] = lambda text: str(text).replace("_", " ").lower()
    return environment


def audit_report(draft: Draft) -> Iterable[Document]:
    """``audit/audit_report.html``."""
    findings = draft.table("audit_findings")
    facts = {
        "draft": draft,
        "title": f"Audit report {draft.period}",
        "steps": _waterfall(draft),
        "statuses": _statuses(draft),
        "severities": [(each, findings.filter(pl.col("severity") == each).height) for each in SEVERITIES],
        "findings": _by_severity(findings),
        "verdicts": _verdicts(draft),
        "adjustments": _adjustments(draft),
        "restated": _restated(draft),
        **_cases(draft),
        "committees": _committees(draft),
        "conditions": draft.lake("protocols").sort("hospital_ccn").to_dicts(),
        "recomputation": _recomputation(draft),
        "signed_by": signed_by(draft),
        "threshold": draft.policy.policy.small_cell_threshold,
        "shown": SHOWN,
    }
    page = _environment().get_template("audit_report.html.j2").render(**facts)
    yield Document("audit/audit_report.html", page.encode(), "text/html")


def _by_severity(findings: pl.DataFrame) -> list[dict[str, Any]]:
    order = {severity: at for at, severity in enumerate(SEVERITIES)}
    return sorted(
        findings.to_dicts(), key=lambda row: (order[row["severity"]], -(row["amount"] or 0), row["finding_id"])
    )


def _waterfall(draft: Draft) -> list[tuple[str, Decimal]]:
    sums = draft.table("incentives").select(*_STEPS).sum().row(0, named=True)
    return [(name, sums[column]) for column, name in _STEPS.items()]


def _statuses(draft: Draft) -> list[tuple[str, int, Decimal]]:
    incentives = draft.table("incentives")
    found = []
    for status in ("PAYABLE", "HELD", "ZERO"):
        rows = incentives.filter(pl.col("status") == status)
        found.append((status, rows.height, Decimal(rows["final_incentive"].sum())))
    return found


def _verdicts(draft: Draft) -> list[dict[str, Any]]:
    return (
        draft.table("payment_reconciliation")
        .group_by("paid_period", "released_as", "verdict")
        .agg(
            pl.len().alias("payments"),
            pl.col("payable_amount").sum(),
            pl.col("paid_amount").sum(),
            pl.col("difference").sum(),
        )
        .sort("paid_period", "verdict")
        .to_dicts()
    )


def _adjustments(draft: Draft) -> list[dict[str, Any]]:
    key = ["restated_period", "hospital_ccn", "npi"]
    amounts = (
        draft.table("prior_period_adjustments")
        .group_by(key)
        .agg(pl.col("adjustment_amount").sum(), pl.col("cause").unique().sort().str.join(", "))
    )
    return amounts.sort(key).to_dicts()


def _restated(draft: Draft) -> list[dict[str, Any]]:
    return (
        draft.table("restatement")
        .group_by("superseded_release", "cause")
        .agg(pl.len().alias("payments"), pl.col("payable_difference").sum(), pl.col("final_difference").sum())
        .sort("superseded_release", "cause")
        .to_dicts()
    )


#: stage of the ledger -> the one that takes in what it keeps, within the performance window
_NEXT = {
    "3 costs": "4 exclusions",
    "4 exclusions": "5 norms",
    "5 norms": "6 care partners",
    "6 care partners": "7 performance incentive",
    "7 performance incentive": "8 waterfall",
}


def _cases(draft: Draft) -> dict[str, list[dict[str, Any]]]:
    """Exclusions by reason and hospital, and the ledger's stages: counts of one page, so they are hidden together.

    The pages of the period's earlier releases lie beside it; what they showed is found again from their tables.
    """
    before: dict[str, list[pl.DataFrame]] = {"excluded": [], "ledger": []}
    for release in draft.superseded:
        policy = read_policy(release.manifest["policy"]["text"], release.folder / MANIFEST)
        for name, frame in zip(before, _shown_cases(release, policy.small_cell_threshold, before), strict=True):
            before[name].append(frame)
    exclusions, ledger = _shown_cases(draft, draft.policy.policy.small_cell_threshold, before)
    return {"exclusions": exclusions.to_dicts(), "ledger": ledger.to_dicts()}


def _shown_cases(
    of: Draft | ReleaseFiles, threshold: int, before: Mapping[str, Sequence[pl.DataFrame]]
) -> list[pl.DataFrame]:
    exclusions, ledger = _exclusions(of), _ledger(of)
    sums = [
        Sum(
            ledger.cell("cases_kept", stage=stage, window_name="performance"),
            (ledger.cell("cases_in", stage=after, window_name="performance"),),
        )
        for stage, after in _NEXT.items()
        if {stage, after} <= set(ledger.frame.filter(pl.col("window_name") == "performance")["stage"])
    ]
    reasons = exclusions.frame["exclusion_reason"].unique().sort().to_list()
    for stage, of_stage in (
        ("4 exclusions", [reason for reason in reasons if reason != "NO_NORM"]),
        ("5 norms", [reason for reason in reasons if reason == "NO_NORM"]),
    ):
        if stage in ledger.frame["stage"]:
            total = ledger.cell("cases_excluded", stage=stage, window_name="performance")
            parts = [exclusions.cell("cases", exclusion_reason=reason, hospital_ccn="all") for reason in of_stage]
            sums.append(Sum(total, tuple(parts)))
    return suppressed([exclusions, ledger], threshold, sums=sums, before=before)


def _exclusions(of: Draft | ReleaseFiles) -> CountTable:
    """By reason and hospital, of the performance window, with a row that adds up the hospitals."""
    key = ["exclusion_reason", "hospital_ccn"]
    rows = of.table("exclusions").filter(pl.col("window_name") == "performance").select(*key, "cases", "cost")
    totals = rows.group_by("exclusion_reason").agg(
        pl.lit("all").alias("hospital_ccn"), pl.col("cases").sum(), pl.col("cost").sum()
    )
    return CountTable(
        "excluded",
        pl.concat([rows, totals.select(rows.columns)]).sort(key),
        key=("exclusion_reason", "hospital_ccn"),
        counts=("cases",),
        dependents={"cases": ("cost",)},
        totals={"hospital_ccn": "all"},
    )


def _ledger(of: Draft | ReleaseFiles) -> CountTable:
    """Every stage of the performance window, all hospitals together; balanced or not."""
    sums = ("cases_in", "cases_kept", "cases_excluded", "amount_in", "amount_kept", "amount_excluded")
    by_hospital = of.table("conservation").filter(pl.col("window_name").is_in(["all", "performance"]))
    balances = (pl.col("cases_in") == pl.col("cases_kept") + pl.col("cases_excluded")) & (
        pl.col("amount_in") == pl.col("amount_kept") + pl.col("amount_excluded")
    )
    stages = by_hospital.group_by("stage", "window_name").agg(pl.col(*sums).sum(), balances.all().alias("balances"))
    return CountTable(
        "ledger",
        stages.sort("stage", "window_name"),
        key=("stage", "window_name"),
        counts=("cases_in", "cases_kept", "cases_excluded"),
        parts={"cases_in": ("cases_kept", "cases_excluded")},
    )


def _committees(draft: Draft) -> list[dict[str, Any]]:
    members, meetings = draft.lake("protocol_committee"), draft.lake("committee_meetings")
    protocols = {row["hospital_ccn"]: row for row in draft.lake("protocols").iter_rows(named=True)}
    found = []
    for ccn in sorted({*draft.hospitals, *members["hospital_ccn"], *meetings["hospital_ccn"]}):
        own = members.filter(pl.col("hospital_ccn") == ccn).sort("member")
        held = meetings.filter(pl.col("hospital_ccn") == ccn).sort("met_on")
        found.append(
            {
                "hospital_ccn": ccn,
                "members": own.to_dicts(),
                "physicians": int(own["is_physician"].sum()),
                "consumers": own.filter(pl.col("represents").str.split("|").list.contains("consumer")).height,
                "roles": [role for role in ("CEO", "CFO", "CMO") if role in own["role"].to_list()],
                "meetings": held.to_dicts(),
                "frequency": protocols[ccn]["meeting_frequency"] if ccn in protocols else None,
            }
        )
    return found


#: what the proof says of files and of releases beside this one is not of this page: it may be asked again at any time
_OF_FILES = ("files", "chain")


def _recomputation(draft: Draft) -> dict[str, Any]:
    if draft.recomputation is None:
        return {"text": "The figures of this release were not computed again.", "rules": []}
    report = draft.recomputation()
    rules = [
        {
            "rule": rule,
            "figures": tally.figures,
            "amount": Decimal(tally.cents).scaleb(-2) if tally.cents else None,
            "differences": tally.differences,
        }
        for rule, tally in report.tallies.items()
        if rule not in _OF_FILES and tally.figures
    ]
    checked = [tally for rule, tally in report.tallies.items() if rule not in _OF_FILES]
    differences = sum(tally.differences for tally in checked)
    figures = sum(tally.figures for tally in checked)
    text = f"Before release {figures:,} figures were computed again from the release's own files, in "
    text += "decimal arithmetic that shares no code with the program that settles: "
    text += f"{differences:,} differences." if differences else "every one was found again, to the cent."
    return {"text": text, "rules": rules}

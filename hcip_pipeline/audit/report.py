"""The audit report of a payment cycle as a self-contained, printable page.

Belongs here: preparing the figures for the template. Does not belong here: figures that are not in a table of the
release. The page may be shown to the regulator, so small counts of cases are hidden.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from functools import cache
from typing import Any

import polars as pl
from jinja2 import Environment, PackageLoader

from hcip_pipeline.audit.findings import held_payment
from hcip_pipeline.audit.origin import signed_by
from hcip_pipeline.audit.page_counts import shown_cases
from hcip_pipeline.audit.rates import rates_in_force
from hcip_pipeline.audit.screening import MAX_AGE_DAYS, screened_lists
from hcip_pipeline.contracts.audit import SEVERITIES
from hcip_pipeline.contracts.payment_reasons import parse_holds
from hcip_pipeline.dollars import dollars
from hcip_pipeline.html_pages import page_environment
from hcip_pipeline.release.documents import Document, Draft
from hcip_pipeline.reports.charts import Bar, bar, step

_STEPS = {
    "calculated_incentive": "Calculated",
    "conditions_adjustment": "Conditions of payment",
    "standing_adjustment": "Standing",
    "committee_adjustment": "Oversight committee",
    "pfs_cap_adjustment": "Fee-schedule cap",
    "distribution_limit_adjustment": "Distribution limit",
    "final_incentive": "Final",
}

#: rows of a long table that the page shows; the files have all
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
        "title": f"Audit report {draft.period}, {draft.name}",
        "heading": f"Audit report {draft.period}",
        "sheet": f"Audit report, release {draft.period} r{draft.number}",
        "hospitals": dict(draft.table("participation").select("hospital_ccn", "hospital_name").iter_rows()),
        "partners": _partners(draft),
        "steps": _waterfall(draft),
        "statuses": _statuses(draft),
        "severities": [(each, findings.filter(pl.col("severity") == each).height) for each in SEVERITIES],
        "found": findings.height,
        "findings": _by_severity(_holds_combined(draft)),
        "verdicts": _verdicts(draft),
        "adjustments": _adjustments(draft),
        "restated": _restated(draft),
        **shown_cases(draft),
        "committees": _committees(draft),
        "conditions": draft.lake("protocols").sort("hospital_ccn").to_dicts(),
        "recomputation": _recomputation(draft),
        "rates": rates_in_force(draft),
        "screened_lists": screened_lists(draft),
        "max_age": MAX_AGE_DAYS,
        "signed_by": signed_by(draft),
        "threshold": draft.policy.policy.small_cell_threshold,
        "shown": SHOWN,
    }
    page = _environment().get_template("audit_report.html.j2").render(**facts)
    yield Document("audit/audit_report.html", page.encode(), "text/html")


def _partners(draft: Draft) -> dict[str, str]:
    """NPI -> name of each care partner whose hospital reported one."""
    named = draft.table("incentives").select("npi", "name").drop_nulls().sort("npi", "name")
    return dict(named.iter_rows())


def _holds_combined(draft: Draft) -> list[dict[str, Any]]:
    """The findings, with a hospital's payments held for the same reasons combined into one line with their sum.

    The table ``audit_findings`` has one row per payment.
    """
    payments = draft.table("incentives").select("hospital_ccn", "npi", "reasons").iter_rows()
    holds = {(ccn, npi): "|".join(hold.code for hold in parse_holds(reasons)) for ccn, npi, reasons in payments}
    held: dict[tuple[str, str], list[dict[str, Any]]] = {}
    rows = []
    for row in draft.table("audit_findings").to_dicts():
        if row["rule"] == "PAYMENT_HELD":
            held.setdefault((row["hospital_ccn"], holds[row["hospital_ccn"], row["npi"]]), []).append(row)
        else:
            rows.append(row | {"held_partners": 0})
    for (ccn, reasons), group in held.items():
        if len(group) == 1:
            rows.append(group[0] | {"held_partners": 0})
            continue
        total = sum((row["amount"] for row in group), Decimal("0.00"))
        rows.append(
            group[0]
            | {
                "finding_id": f"PAYMENT_HELD-{ccn}",
                "npi": None,
                "held_partners": len(group),
                "amount": total,
                "finding": held_payment(total, reasons),
            }
        )
    return rows


def _by_severity(findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    order = {severity: at for at, severity in enumerate(SEVERITIES)}
    return sorted(findings, key=lambda row: (order[row["severity"]], -(row["amount"] or 0), row["finding_id"]))


def _waterfall(draft: Draft) -> list[tuple[str, Decimal, Bar]]:
    """Each step with its statewide sum and its bar."""
    sums = draft.table("incentives").select(*_STEPS).sum().row(0, named=True)
    top = running = sums["calculated_incentive"]
    found = []
    for column, name in _STEPS.items():
        amount = sums[column]
        if column in ("calculated_incentive", "final_incentive"):
            found.append((name, amount, bar(amount, top)))
        else:
            found.append((name, amount, step(running, running + amount, top)))
            running += amount
    return found


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


#: rules about files and neighboring releases, which the page omits: they can be checked again at any time
_FILE_RULES = ("files", "chain")


def _at_least(figures: int) -> str:
    """A number of figures rounded down to two digits; the exact number would reveal hidden counts by subtraction."""
    unit = 10 ** max(len(str(figures)) - 2, 1)
    return f"at least {figures // unit * unit:,}"


def _recomputation(draft: Draft) -> dict[str, Any]:
    if draft.recomputation is None:
        return {"text": "The figures of this release were not recomputed.", "rules": []}
    report = draft.recomputation()
    rules = [
        {
            "rule": rule,
            "amount": Decimal(tally.cents).scaleb(-2) if tally.cents else None,
            "differences": tally.differences,
        }
        for rule, tally in report.tallies.items()
        if rule not in _FILE_RULES and tally.figures
    ]
    checked = [tally for rule, tally in report.tallies.items() if rule not in _FILE_RULES]
    differences = sum(tally.differences for tally in checked)
    figures = sum(tally.figures for tally in checked)
    text = f"Before release, {_at_least(figures)} figures were recomputed from the release's own files in decimal "
    text += "arithmetic, by code that is independent of the settlement program. "
    text += f"Differences: {differences:,}." if differences else "All agree to the cent."
    return {"text": text, "rules": rules}

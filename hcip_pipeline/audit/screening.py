"""Screening against national lists in the audit: the lists with their age, and the care partners found on them.

Belongs here: the released tables, their findings, and their lines on the page. Does not belong here: the screening
itself (``reference.screening``), and the effect of a hold on a payment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

import polars as pl

from hcip_pipeline.contracts import audit, screening
from hcip_pipeline.release.derived import DerivedTable
from hcip_pipeline.release.documents import Draft
from hcip_pipeline.reports.words import plural

#: A list older than this on the day a period's release is due is a finding (formats.md §4).
MAX_AGE_DAYS = 45

#: Name of each list on a page.
LIST_NAMES = {
    "leie": "the OIG's list of excluded individuals",
    "order_and_referring": "CMS's list of who may order and refer",
    "nppes": "NPPES",
}

_KEY = ("hospital_ccn", "npi")

Finding = tuple[str, str, str | None, str | None, Decimal | None]


def screening_tables(draft: Draft) -> Iterable[DerivedTable]:
    """``screening`` and ``screened_lists``; neither if the inbox had no list."""
    lists = draft.lake("screened_lists")
    if lists.is_empty():
        return
    for table, frame in ((audit.SCREENED_LISTS, lists), (audit.SCREENING, draft.lake("screening"))):
        dated = frame.with_columns(pl.lit(str(draft.period)).alias("period"))
        yield DerivedTable("audit", table, dated.select(table.names).sort(table.key))


def screened_lists(draft: Draft) -> list[dict[str, Any]]:
    """The lists with their age on the day the period is due, for the page; empty if there are none."""
    if not draft.has("screened_lists"):
        return []
    due = draft.period.run_date
    rows = draft.table("screened_lists").to_dicts()
    return [
        row
        | {"title": LIST_NAMES[row["list_name"]], "age": (due - row["list_date"]).days if row["list_date"] else None}
        for row in rows
    ]


def screening_findings(draft: Draft) -> Iterator[Finding]:
    """Rule, text, hospital, care partner and dollars at stake of each finding."""
    yield from _ages(draft)
    if draft.has("screening"):
        yield from _questions(draft)
        for row in draft.table("screening").iter_rows(named=True):
            yield from _record_findings(row)
    for row in draft.lake("unused_clearances").iter_rows(named=True):
        text = f"the clearance of {row['cleared_on']} ({row['source']}) was not used: {row['why_unused']}"
        yield "CLEARANCE_UNUSED", text, row["hospital_ccn"], row["npi"], None
    for row in draft.marts("attending_screening").sort("hospital_ccn", "reason").iter_rows(named=True):
        npis, is_one = plural(row["physicians"], "NPI"), row["physicians"] == 1
        if row["reason"] == screening.NOT_AN_INDIVIDUAL:
            status = f"{'belongs' if is_one else 'belong'} to an organization"
        else:
            status = f"{'was' if is_one else 'were'} deactivated at discharge"
        text = f"{npis} of attending physicians {status}, according to NPPES [{row['reason']}]"
        yield "ATTENDING_NPI", text, row["hospital_ccn"], None, None


def _ages(draft: Draft) -> Iterator[Finding]:
    for row in screened_lists(draft):
        against = f"care partners were screened against {row['title']} ({row['file']})"
        if row["age"] is None:
            yield "LIST_UNDATED", f"{against}, whose date is unknown", None, None, None
        elif row["age"] > MAX_AGE_DAYS:
            due = f"{row['age']} days old on {draft.period.run_date}, when {draft.period} was due"
            yield "LIST_STALE", f"{against} of {row['list_date']}: {due}", None, None, None


def _questions(draft: Draft) -> Iterator[Finding]:
    """One finding per care partner with open questions; its amount is what is payable until they are answered."""
    payable = draft.table("incentives").filter(pl.col("status") == "PAYABLE")
    amounts = {(ccn, npi): amount for ccn, npi, amount in payable.select(*_KEY, "final_incentive").iter_rows()}
    asked: dict[tuple[str, str], list[str]] = {}
    for row in draft.table("screening").filter(pl.col("effect") == screening.QUESTION).iter_rows(named=True):
        asked.setdefault((row["hospital_ccn"], row["npi"]), []).append(record_in_words(row))
    for (ccn, npi), records in sorted(asked.items()):
        have = "has a similar name" if len(records) == 1 else "have similar names"
        text = f"{'; '.join(records)} {have} and no NPI: whether this is the same person has not been answered"
        yield screening.NAME_MATCH, text, ccn, npi, amounts.get((ccn, npi))


def _record_findings(row: dict[str, Any]) -> Iterator[Finding]:
    partner = row["hospital_ccn"], row["npi"], None
    if row["effect"] == screening.ANSWERED and row["cleared_by"]:
        cleared = f"cleared by {row['cleared_by']} on {row['cleared_on']}: {row['clearance_reason']}"
        yield "EXCLUSION_CLEARED", f"{record_in_words(row)} has a similar name and no NPI; {cleared}", *partner
    elif row["reason"] == screening.WAIVED:
        text = f"{record_in_words(row)} is excluded, but a waiver for the hospital's state applies: not excluded here"
        yield screening.WAIVED, text, *partner
    elif row["reason"] == screening.NOT_ORDERING:
        yield screening.NOT_ORDERING, "the care partner is not on CMS's list of who may order and refer", *partner


def record_in_words(row: dict[str, Any]) -> str:
    """``JANE Q DOE (FAMILY PRACTICE, ALBANY, NY, born 1960, excluded 2020-01-01), row 4 of the OIG's list``."""
    facts = [row["listed_specialty"], row["listed_city"]]
    facts += [f"born {row['listed_birth_year']}"] if row["listed_birth_year"] else ["year of birth not given"]
    facts += [f"excluded {row['listed_on']}"]
    return f"{row['listed_name']} ({', '.join(filter(None, facts))}), row {row['list_row']} of the OIG's list"

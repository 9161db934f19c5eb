"""When each hospital's program began, and what changed since earlier periods were released (methodology §15).

Belongs here: first periods and changes, derived from the earlier releases. Does not belong here: their effect on
payments (``waterfall``, ``limits``).
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from .earlier import Earlier, read_release
from .exact import ZERO
from .package import Package
from .report import Findings
from .tables import Row
from .terms import Terms

EXCLUSIONS_CHANGED = "EXCLUSIONS_CHANGED"
#: only the home's ledger shows that a baseline without a release was replaced
_BASELINE_REPLACED = "BASELINE_REPLACED"
_CHANGES = (
    _BASELINE_REPLACED, "BASELINE_RESUBMITTED", "EARLIER_PERIOD_RESTATED", EXCLUSIONS_CHANGED, "FIRST_PERIOD_CORRECTED",
    "OTHER_PROGRAMS_CHANGED", "PROTOCOL_CHANGED",
)  # fmt: skip


@dataclass(frozen=True)
class Programs:
    """The hospitals' programs.

    Attributes:
        first: hospital -> its first performance period; hospitals without a program are left out.
        changed: hospitals whose protocols disagree on their first period, without a correction.
        protocols: hospital -> its row, if a protocol is in force.
        changes: hospital -> codes of its changes, in order.
        others: hospital -> Σ of other programs' amounts since its program began.
    """

    first: dict[str, str] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)
    protocols: dict[str, Row] = field(default_factory=dict)
    changes: dict[str, list[str]] = field(default_factory=dict)
    others: dict[str, Decimal] = field(default_factory=dict)


def program_year(period: str, first_period: str) -> int | None:
    """Two periods make a year, from the hospital's first (methodology §1); None before it and without a protocol."""
    if not re.fullmatch(r"[0-9]{4}H[12]", first_period):
        return None
    number = 2 * (int(period[:4]) - int(first_period[:4])) + int(period[5]) - int(first_period[5]) + 1
    return (number + 1) // 2 if number >= 1 else None


def check_programs(package: Package, earlier: Earlier, terms: Terms, findings: Findings) -> Programs:
    """Check ``programs``, ``program_changes`` and ``other_programs`` as far as earlier releases allow.

    Raises:
        UnreadableTableError: one of them is missing or cannot be read.
    """
    rows = {row["hospital_ccn"]: row for row in package.table("programs")}
    programs = Programs()
    for ccn, row in rows.items():
        _check_start(row, _accepted(ccn, earlier), package.period, findings)
        if row["first_performance_period"]:
            programs.first[ccn] = row["first_performance_period"]
        if row["is_first_period_changed"]:
            programs.changed.add(ccn)
        if row["protocol_year"] is not None:
            programs.protocols[ccn] = row
    amounts: dict[tuple[str, str], Decimal] = {}
    for row in package.table("other_programs"):
        key = row["hospital_ccn"], row["reported_period"]
        findings.require("programs", row, "reported_period", key[1] <= package.period, f"not after {package.period}")
        amounts[key] = amounts.get(key, ZERO) + row["amount"]
        if key[1] == package.period or programs.first.get(key[0], "9") <= key[1]:
            programs.others[key[0]] = programs.others.get(key[0], ZERO) + row["amount"]
    changes = package.table("program_changes")
    for row in changes:
        findings.require("programs", row, "reason", row["reason"] in _CHANGES, f"one of {', '.join(_CHANGES)}")
        programs.changes.setdefault(row["hospital_ccn"], []).append(row["reason"])
    if not earlier.absent:
        expected = sorted(set(_changes(package, rows, amounts, earlier, terms)))
        elsewhere = (EXCLUSIONS_CHANGED, _BASELINE_REPLACED)
        found = sorted((row["hospital_ccn"], row["reason"]) for row in changes if row["reason"] not in elsewhere)
        findings.fact("programs", changes.path, "hospitals and reasons", expected, found)
    return programs


def check_exclusions_changed(
    ccn: str, inputs: Mapping[str, Row], programs: Programs, earlier: Earlier, findings: Findings
) -> None:
    """Check that a change of the care partners' exclusions since the reference release is listed.

    Args:
        inputs: NPI -> row of ``payment_inputs``.
    """
    if earlier.absent or earlier.reference is None:
        return
    own = [row for row in earlier.reference.payment_inputs if row["hospital_ccn"] == ccn and row["npi"] in inputs]
    is_changed = any(row["is_excluded"] != inputs[row["npi"]]["is_excluded"] for row in own)
    found = EXCLUSIONS_CHANGED in programs.changes.get(ccn, [])
    findings.fact("programs", "audit/", EXCLUSIONS_CHANGED, is_changed, found, key=ccn)


def _accepted(ccn: str, earlier: Earlier) -> str:
    """The first performance period of the first accepted protocol, from the earliest release that states one."""
    reported = (release.first_periods.get(ccn, "") for release in earlier.in_order)
    return next((first for first in reported if first), "")


def _check_start(row: Row, accepted: str, period: str, findings: Findings) -> None:
    others = bool(row["other_first_periods"])
    first = row["corrected_first_period"] or row["accepted_first_period"]
    expected = {
        "first_performance_period": first,
        "is_first_period_changed": others and not row["corrected_first_period"],
        "program_year": program_year(period, first),
    }
    if accepted and row["accepted_first_period"] != accepted:
        # A protocol of an earlier year was accepted later: this must not go unnoticed.
        expected["is_first_period_changed"] = not row["corrected_first_period"]
    findings.compare("programs", row, expected)
    parts = [row["protocol_year"] is not None, row["protocol_version"] is not None, bool(row["protocol_sha256"])]
    whole = parts[:1] * 3 == parts and bool(row["protocol_terms"]) == parts[0]
    condition = "a year with version, hash and terms, or none of the four"
    findings.require("programs", row, "protocol_year", whole, condition)
    filed = row["correction_filed_in"]
    reported = bool(filed) == bool(row["corrected_first_period"]) and filed <= period
    condition = f"a period up to {period} if there is a correction, else nothing"
    findings.require("programs", row, "correction_filed_in", reported, condition)


def _changes(
    package: Package,
    rows: Mapping[str, Row],
    amounts: Mapping[tuple[str, str], Decimal],
    earlier: Earlier,
    terms: Terms,
) -> Iterator[tuple[str, str]]:
    """Hospital and code of every change since earlier releases."""
    reference = earlier.reference
    if reference is None:
        return
    if reference.programs is not None:
        for ccn, row in rows.items():
            for code in _program_changes(row, reference.programs.get(ccn), package):
                yield ccn, code
    if reference.other_programs is not None:
        were = {key: amount for key, amount in reference.other_programs.items() if key[1] <= reference.period}
        are = {key: amount for key, amount in amounts.items() if key[1] <= reference.period}
        for key in were.keys() | are.keys():
            if were.get(key, ZERO) != are.get(key, ZERO):
                yield key[0], "OTHER_PROGRAMS_CHANGED"
    for release in earlier.in_order:
        is_same = release.period == reference.period
        number = reference.number if is_same else reference.named.get(release.period, "")
        if number == release.number:
            continue
        before = read_release(release.folder.with_name(number)) if number else None
        figures = [each.figures() if each else {} for each in (before, release)]
        for ccn in figures[0].keys() | figures[1].keys():
            if figures[0].get(ccn) != figures[1].get(ccn):
                yield ccn, "EARLIER_PERIOD_RESTATED"
    yield from _resubmitted(package, earlier, terms)


def _program_changes(row: Row, was: Row | None, package: Package) -> Iterator[str]:
    first = row["first_performance_period"]
    earlier_first = was["first_performance_period"] if was else ""
    if row["corrected_first_period"] and earlier_first not in ("", first):
        yield "FIRST_PERIOD_CORRECTED"
    if not row["protocol_terms"] or not first:
        return
    if not was or not was["protocol_terms"]:
        if first < package.period:
            yield "PROTOCOL_CHANGED"
        return
    earlier_approved, approved = was["protocol_approved_on"], row["protocol_approved_on"]
    start = dt.date(package.year, 1 if package.half == 1 else 7, 1)
    was_late = earlier_approved is None or earlier_approved >= start
    in_time = approved is not None and approved < start
    if json.loads(was["protocol_terms"]) != json.loads(row["protocol_terms"]) or (was_late and in_time):
        yield "PROTOCOL_CHANGED"


def _resubmitted(package: Package, earlier: Earlier, terms: Terms) -> Iterator[tuple[str, str]]:
    """Changes of the baseline's data since the first release of their own half-year."""
    year = package.year - 1
    whole, half_year = (1, 2, 3, 4), ((1, 2), (3, 4))[package.half - 1]
    for number in whole if terms.baseline_window == "full_year" else half_year:
        quarter = f"{year}Q{number}"
        half = f"{year}H{1 if quarter[-1] in '12' else 2}"
        first = earlier.firsts.get(half)
        if first is None:
            continue
        were, are = (_submitted(inputs, quarter) for inputs in (first.inputs, package.manifest.get("inputs", ())))
        for ccn in were.keys() | are.keys():
            if were.get(ccn) != are.get(ccn):
                yield ccn, "BASELINE_RESUBMITTED"


def _submitted(inputs: Iterable[Mapping[str, object]], quarter: str) -> dict[str, set[str]]:
    """Hospital -> hashes of its files of a quarter."""
    found: dict[str, set[str]] = {}
    for item in inputs:
        parts = str(item.get("file")).split("/")
        if parts[:2] == ["hospital", quarter]:
            found.setdefault(parts[2].split(".")[0], set()).add(str(item.get("sha256")))
    return found

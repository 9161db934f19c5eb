"""The fee-schedule cap of the calendar year over both its half-years (methodology §9, step 5).

Belongs here: the table ``year_caps`` against the releases of the year's other half-year, and the payments that must
wait. Does not belong here: the cap of one payment (``waterfall``).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from .earlier import Earlier, Release, read_release
from .exact import CENTS, ZERO, quotient
from .package import MANIFEST, Package, sha256
from .report import Findings, UnreadableReleaseError
from .tables import Row, UnreadableTableError

RULE = "fee_schedule_cap"
#: (hospital, NPI)
Whom = tuple[str, str]
_SAME_AS_INPUTS = ("pfs_source", "pfs_approved_amount", "physician_cap_percent")


@dataclass(frozen=True)
class YearCaps:
    """The table, and the payable amounts of the year's later releases when this one was made.

    Attributes:
        later: (hospital, NPI) -> payable and cap of the year, from the later releases; None: one of them is missing.
    """

    rows: Mapping[Whom, Row] = field(default_factory=dict)
    later: Mapping[Whom, tuple[Decimal, Decimal | None]] | None = None


def check_year_caps(package: Package, earlier: Earlier, findings: Findings) -> YearCaps | None:
    """Recompute the table; None for a release that is older than it."""
    table = package.optional("audit", "year_caps")
    if table is None:
        return None
    rows = {(row["hospital_ccn"], row["npi"]): row for row in table}
    before = None if earlier.missing("", package.year) else _earlier(earlier, package.year)
    after = _later(package, findings)
    if before is not None:
        found = sorted(whom for whom, row in rows.items() if row["earlier_payable"])
        findings.fact(RULE, table.path, "physicians paid for the year's earlier half-year", sorted(before), found)
    for whom, row in rows.items():
        if before is not None:
            findings.compare(RULE, row, {"earlier_payable": before.get(whom, ZERO)})
        if after is not None:
            paid, cap = after.get(whom, (ZERO, None))
            findings.compare(RULE, row, {"later_payable": paid, "later_year_cap": cap})
        cap = _greater(_whole_cap(row), row["later_year_cap"])
        over = None if cap is None else max(ZERO, row["earlier_payable"] + row["later_payable"] - cap)
        findings.compare(RULE, row, {"year_cap": cap, "over_cap": over})
    return YearCaps(rows, after)


def check_waiting(
    ccn: str,
    inputs: Mapping[str, Row],
    final: Mapping[str, Decimal],
    held: Collection[str],
    caps: YearCaps | None,
    findings: Findings,
) -> set[str]:
    """The NPIs whose payments must wait: with the later half-year's payable amount they would exceed the year's cap.

    Args:
        inputs: NPI -> row of ``payment_inputs``.
        final: NPI -> final incentive.
        held: NPIs whose payments are held for another reason, and so do not wait for this one.
    """
    if caps is None:
        return set()
    own = {npi: row for (hospital, npi), row in caps.rows.items() if hospital == ccn}
    for npi in own.keys() & inputs.keys():
        findings.compare(RULE, own[npi], {column: inputs[npi][column] for column in _SAME_AS_INPUTS})
    waiting = set()
    for npi, amount in final.items():
        if caps.later is not None:
            paid, cap = caps.later.get((ccn, npi), (ZERO, None))
        else:
            paid, cap = (own[npi]["later_payable"], own[npi]["later_year_cap"]) if npi in own else (ZERO, None)
        whole = _greater(_whole_cap(inputs[npi]), cap)
        taken = inputs[npi]["earlier_period_incentive"] + paid
        if npi not in held and paid and whole is not None and amount > max(ZERO, whole - taken):
            waiting.add(npi)
    found = sorted(npi for npi, row in own.items() if not row["earlier_payable"])
    expected = sorted(npi for npi in waiting if not inputs[npi]["earlier_period_incentive"])
    findings.fact(RULE, "audit/", "physicians whose payments wait for a later half-year", expected, found, key=ccn)
    return waiting


def _greater(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return max((each for each in (one, other) if each is not None), default=None)


def _whole_cap(row: Row) -> Decimal | None:
    approved = row["pfs_approved_amount"]
    return None if approved is None else quotient(approved * (row["physician_cap_percent"] or ZERO), 100, CENTS)


def _earlier(earlier: Earlier, year: int) -> dict[Whom, Decimal]:
    paid: dict[Whom, Decimal] = {}
    for release in earlier.in_order:
        for whom, amount in release.payable.items() if int(release.period[:4]) == year else ():
            paid[whom] = paid.get(whom, ZERO) + amount
    return paid


def _later(package: Package, findings: Findings) -> dict[Whom, tuple[Decimal, Decimal | None]] | None:
    """Payable amounts and caps of the year's later releases that this one makes stale; None: one of them is missing."""
    found: dict[Whom, tuple[Decimal, Decimal | None]] = {}
    stale = package.manifest.get("makes_stale", [])
    for named in stale if isinstance(stale, list) else [stale]:
        if not _names_a_release(named):
            expected = "later releases with period, release and hash"
            findings.differ(RULE, MANIFEST, "makes_stale", expected, str(named))
            return None
        if int(named["period"][:4]) != package.year:
            continue
        folder = package.folder.parent.parent / named["period"] / named["release"]
        if not (folder / MANIFEST).is_file():
            return None
        findings.fact(RULE, MANIFEST, f"hash of {named['period']}", named["manifest_sha256"], sha256(folder / MANIFEST))
        try:
            found |= _payable(read_release(folder))
        except (UnreadableReleaseError, UnreadableTableError) as error:
            findings.differ(RULE, f"{named['period']}/{named['release']}", "", "a release that can be read", str(error))
            return None
    return found


def _payable(release: Release) -> Mapping[Whom, tuple[Decimal, Decimal | None]]:
    inputs = {(row["hospital_ccn"], row["npi"]): row for row in release.payment_inputs}
    return {whom: (amount, _whole_cap(inputs[whom])) for whom, amount in release.payable_now.items() if whom in inputs}


def _names_a_release(named: object) -> bool:
    """Whether an entry of the manifest has the form that a release writes; it may have been edited."""
    if not isinstance(named, dict) or not all(isinstance(value, str) for value in named.values()):
        return False
    patterns = {"period": "[0-9]{4}H[12]", "release": "r[0-9]+", "manifest_sha256": "[0-9a-f]{64}"}
    return all(re.fullmatch(pattern, named.get(name, "")) for name, pattern in patterns.items())

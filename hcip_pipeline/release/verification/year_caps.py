"""The fee-schedule cap of the calendar year over both its half-years (methodology §9, step 5).

Belongs here: the table ``year_caps`` against the releases of the year's other half-year, and what it leaves. Does not
belong here: the cap of one payment (``waterfall``).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from .earlier import Earlier, Release, read_release
from .exact import CENTS, ZERO, quotient
from .package import MANIFEST, Package, sha256
from .report import Findings, UnreadableReleaseError
from .tables import Row, UnreadableTableError

RULE = "fee_schedule_cap"
#: (hospital, NPI)
Whom = tuple[str, str]
_ADMITTED = ("pfs_source", "pfs_approved_amount", "physician_cap_percent")


def check_year_caps(package: Package, earlier: Earlier, findings: Findings) -> dict[Whom, Row]:
    """The table computed again; empty for a release from before there was one."""
    table = package.optional("audit", "year_caps")
    if table is None:
        return {}
    rows = {(row["hospital_ccn"], row["npi"]): row for row in table}
    before = None if earlier.missing("", package.year) else _earlier(earlier, package.year)
    after = _later(package, findings)
    if before is not None and after is not None:
        expected, found = sorted(before.keys() | after.keys()), sorted(rows)
        findings.fact(RULE, table.path, "whom the year's other half-years pay", expected, found)
    for whom, row in rows.items():
        if before is not None:
            findings.compare(RULE, row, {"earlier_payable": before.get(whom, ZERO)})
        if after is not None:
            paid, cap = after.get(whom, (ZERO, None))
            findings.compare(RULE, row, {"later_payable": paid, "later_year_cap": cap})
        cap = max((each for each in (_whole_cap(row), row["later_year_cap"]) if each is not None), default=None)
        over = None if cap is None else max(ZERO, row["earlier_payable"] + row["later_payable"] - cap)
        findings.compare(RULE, row, {"year_cap": cap, "over_cap": over})
    return rows


def is_paid_later(row: Row | None, final: Decimal) -> bool:
    """Whether a payment must wait: with what the year's later half-year makes payable it would exceed the cap."""
    if row is None or not row["later_payable"] or row["year_cap"] is None:
        return False
    return final > max(ZERO, row["year_cap"] - row["earlier_payable"] - row["later_payable"])


def check_admitted(row: Row, inputs: Row, findings: Findings) -> None:
    """The amounts that a care partner's own cap is taken of."""
    findings.compare(RULE, row, {column: inputs[column] for column in _ADMITTED})


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
    """What the later releases of the year that were there before this one make payable; None where one is not here."""
    found: dict[Whom, tuple[Decimal, Decimal | None]] = {}
    for named in package.manifest.get("makes_stale", ()):
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

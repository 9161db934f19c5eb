"""What changed between two releases of a period, payment by payment, by cause.

Belongs here: adding up what the restatements between the two say, and holding that to the payments themselves. Does not
belong here: finding the causes (``settlement.restatement``), which the later release carries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from hcip_pipeline.contracts.audit import CAUSES
from hcip_pipeline.errors import HcipError, UsageError
from hcip_pipeline.release.reading import ReleaseFiles

_ZERO = Decimal(0)


@dataclass(frozen=True)
class PaymentDifference:
    """One payment that changed: ``causes`` add up to ``payable_after`` less ``payable_before``."""

    hospital_ccn: str
    npi: str
    name: str
    payable_before: Decimal
    payable_after: Decimal
    final_before: Decimal
    final_after: Decimal
    status_before: str
    status_after: str
    causes: dict[str, Decimal]

    @property
    def difference(self) -> Decimal:
        return self.payable_after - self.payable_before

    @property
    def is_explained(self) -> bool:
        """Whether the causes add up to the difference, to the cent."""
        return sum(self.causes.values(), _ZERO) == self.difference


@dataclass(frozen=True)
class ReleaseDifference:
    """Two releases of one period side by side; payments that are equal are left out."""

    period: str
    before: str
    after: str
    payments: tuple[PaymentDifference, ...]

    @property
    def by_cause(self) -> dict[str, Decimal]:
        """Σ over payments, causes in the order in which they were replaced."""
        found = {cause for payment in self.payments for cause in payment.causes}
        return {
            cause: sum((payment.causes.get(cause, _ZERO) for payment in self.payments), _ZERO)
            for cause in CAUSES
            if cause in found
        }

    @property
    def ok(self) -> bool:
        return all(payment.is_explained for payment in self.payments)

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``: dollars as text."""
        return {
            "period": self.period,
            "before": self.before,
            "after": self.after,
            "causes": {cause: str(amount) for cause, amount in self.by_cause.items()},
            "difference": str(sum((payment.difference for payment in self.payments), _ZERO)),
            "adds_up": self.ok,
            "payments": [
                {
                    "hospital_ccn": payment.hospital_ccn,
                    "npi": payment.npi,
                    "name": payment.name,
                    "payable_before": str(payment.payable_before),
                    "payable_after": str(payment.payable_after),
                    "final_before": str(payment.final_before),
                    "final_after": str(payment.final_after),
                    "status_before": payment.status_before,
                    "status_after": payment.status_after,
                    "difference": str(payment.difference),
                    "causes": {cause: str(amount) for cause, amount in payment.causes.items()},
                }
                for payment in self.payments
            ],
        }


def difference(before: Path, after: Path) -> ReleaseDifference:
    """Compare two releases of one period, the older one first.

    Raises:
        UsageError: they are of different periods, or in the wrong order.
        HcipError: one of them is no release, or a release between them is missing.
    """
    first, last = ReleaseFiles.at(before.resolve()), ReleaseFiles.at(after.resolve())
    if first.period != last.period:
        raise UsageError(
            f"{first.name} and {last.name} are releases of different periods",
            fix="compare two releases of one period: what a period paid has no counterpart in another",
        )
    if first.number > last.number:
        raise UsageError(f"{first.name} is newer than {last.name}", fix="name the older release first")
    causes = _causes(first, last)
    rows = []
    both = _payments(first).join(
        _payments(last), on=["hospital_ccn", "npi"], how="full", coalesce=True, suffix="_after"
    )
    for row in both.sort("hospital_ccn", "npi").iter_rows(named=True):
        was, now = (row["final_incentive"], row["status"]), (row["final_incentive_after"], row["status_after"])
        own = causes.get((row["hospital_ccn"], row["npi"]), {})
        if was != now or any(own.values()):
            rows.append(
                PaymentDifference(
                    row["hospital_ccn"],
                    row["npi"],
                    row["name_after"] or row["name"] or "",
                    _payable(*was),
                    _payable(*now),
                    was[0] or _ZERO,
                    now[0] or _ZERO,
                    was[1] or "",
                    now[1] or "",
                    own,
                )
            )
    return ReleaseDifference(str(first.period), f"r{first.number}", f"r{last.number}", tuple(rows))


def _payments(release: ReleaseFiles) -> pl.DataFrame:
    return release.table("incentives").select("hospital_ccn", "npi", "name", "final_incentive", "status")


def _payable(final: Decimal | None, status: str | None) -> Decimal:
    return (final or _ZERO) if status == "PAYABLE" else _ZERO


def _causes(first: ReleaseFiles, last: ReleaseFiles) -> dict[tuple[str, str], dict[str, Decimal]]:
    """(hospital, NPI) -> cause -> Σ of what the restatements after ``first`` up to ``last`` say."""
    found: dict[tuple[str, str], dict[str, Decimal]] = {}
    for number in range(first.number + 1, last.number + 1):
        folder = last.folder.with_name(f"r{number}")
        if not folder.is_dir():
            raise HcipError(f"r{number}, which lies between the two, is missing", file=folder, fix="restore it")
        restated = ReleaseFiles.at(folder).table("restatement")
        for ccn, npi, cause, amount in restated.select(
            "hospital_ccn", "npi", "cause", "payable_difference"
        ).iter_rows():
            own = found.setdefault((ccn, npi), {})
            own[cause] = own.get(cause, _ZERO) + amount
    return found


def lines(compared: ReleaseDifference, shown: int = 40) -> Sequence[str]:
    """For a person: the sum of each cause, then the payments, the greatest change first."""
    title = f"{compared.period}: {compared.before} → {compared.after}"
    if not compared.payments:
        return [f"{title}: every payment is the same"]
    total = sum((payment.difference for payment in compared.payments), _ZERO)
    said = [f"{title}: {len(compared.payments)} payments differ, payable {_signed(total)} in all", "", "by cause"]
    said += [f"  {cause.replace('_', ' '):<20}{_signed(amount):>18}" for cause, amount in compared.by_cause.items()]
    said += ["", f"  {'hospital':<10}{'npi':<12}{'before':>16}{'after':>16}{'difference':>16}  causes"]
    ordered = sorted(compared.payments, key=lambda each: (-abs(each.difference), each.hospital_ccn, each.npi))
    for each in ordered[:shown]:
        causes = ", ".join(
            f"{cause.replace('_', ' ')} {_signed(amount)}" for cause, amount in each.causes.items() if amount
        )
        if each.status_before != each.status_after:
            causes = f"{each.status_before or 'absent'} → {each.status_after or 'absent'}; {causes}".removesuffix("; ")
        said.append(
            f"  {each.hospital_ccn:<10}{each.npi:<12}{each.payable_before:>16,}{each.payable_after:>16,}"
            f"{_signed(each.difference):>16}  {causes}"
        )
    if len(ordered) > shown:
        said.append(f"  and {len(ordered) - shown} more (--json gives all)")
    if not compared.ok:
        broken = [f"{each.hospital_ccn} {each.npi}" for each in compared.payments if not each.is_explained]
        said += ["", f"The causes do not add up to the difference of {', '.join(broken[:5])}: verify both releases."]
    return said


def _signed(amount: Decimal) -> str:
    return f"{amount:+,}" if amount else f"{amount:,}"

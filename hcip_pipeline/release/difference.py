"""What changed between two releases of a period, by payment and by cause.

Belongs here: adding up the restatements between the two, and comparing the sums with the payments. Does not belong
here: finding the causes (``settlement.restatement``); each release has its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
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
    """One payment with a changed figure: ``causes`` add up to ``payable_after`` less ``payable_before``."""

    hospital_ccn: str
    npi: str
    name: str
    payable_before: Decimal
    payable_after: Decimal
    calculated_before: Decimal
    calculated_after: Decimal
    final_before: Decimal
    final_after: Decimal
    status_before: str
    status_after: str
    causes: dict[str, Decimal]

    @property
    def difference(self) -> Decimal:
        """New amount less old amount."""
        return self.payable_after - self.payable_before

    @property
    def is_explained(self) -> bool:
        """Whether the causes add up to the difference, to the cent."""
        return sum(self.causes.values(), _ZERO) == self.difference


@dataclass(frozen=True)
class SavingsDifference:
    """Savings of one hospital and scope that changed."""

    hospital_ccn: str
    scope: str
    internal_before: Decimal
    internal_after: Decimal
    potential_before: Decimal
    potential_after: Decimal


@dataclass(frozen=True)
class Moved:
    """One figure over all rows: how many of them changed, and its sums before and after."""

    changed: int
    before: Decimal
    after: Decimal

    @property
    def difference(self) -> Decimal:
        """New amount less old amount."""
        return self.after - self.before

    @classmethod
    def of(cls, pairs: Iterable[tuple[Decimal, Decimal]]) -> Moved:
        """From the (before, after) pairs of all rows."""
        rows = list(pairs)
        sums = [sum((row[side] for row in rows), _ZERO) for side in (0, 1)]
        return cls(sum(before != after for before, after in rows), *sums)


@dataclass(frozen=True)
class ReleaseDifference:
    """Two releases of one period side by side; unchanged rows are left out.

    ``moved``: figure -> its change over all rows: calculated, final and payable incentives by payment, internal and
    potential savings by hospital, of all physicians.
    """

    period: str
    before: str
    after: str
    payments: tuple[PaymentDifference, ...]
    savings: tuple[SavingsDifference, ...]
    moved: dict[str, Moved]

    @property
    def by_cause(self) -> dict[str, Decimal]:
        """Σ over payments, by cause in the order of ``CAUSES``."""
        found = {cause for payment in self.payments for cause in payment.causes}
        return {
            cause: sum((payment.causes.get(cause, _ZERO) for payment in self.payments), _ZERO)
            for cause in CAUSES
            if cause in found
        }

    @property
    def ok(self) -> bool:
        """Whether the causes explain every payment's difference."""
        return all(payment.is_explained for payment in self.payments)

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``: dollars as text."""
        return {
            "period": self.period,
            "before": self.before,
            "after": self.after,
            "causes": {cause: str(amount) for cause, amount in self.by_cause.items()},
            "figures": {
                name: {
                    "changed": moved.changed,
                    "before": str(moved.before),
                    "after": str(moved.after),
                    "difference": str(moved.difference),
                }
                for name, moved in self.moved.items()
            },
            "difference": str(sum((payment.difference for payment in self.payments), _ZERO)),
            "adds_up": self.ok,
            "payments": [
                {
                    "hospital_ccn": payment.hospital_ccn,
                    "npi": payment.npi,
                    "name": payment.name,
                    "payable_before": str(payment.payable_before),
                    "payable_after": str(payment.payable_after),
                    "calculated_before": str(payment.calculated_before),
                    "calculated_after": str(payment.calculated_after),
                    "final_before": str(payment.final_before),
                    "final_after": str(payment.final_after),
                    "status_before": payment.status_before,
                    "status_after": payment.status_after,
                    "difference": str(payment.difference),
                    "causes": {cause: str(amount) for cause, amount in payment.causes.items()},
                }
                for payment in self.payments
            ],
            "savings": [
                {name: value if isinstance(value, str) else str(value) for name, value in asdict(each).items()}
                for each in self.savings
            ],
        }


def difference(before: Path, after: Path) -> ReleaseDifference:
    """Compare two releases of one period, the older one first.

    Raises:
        UsageError: they are of different periods, or in the wrong order.
        HcipError: one of them is not a release, or a release between them is missing.
    """
    first, last = ReleaseFiles.at(before.resolve()), ReleaseFiles.at(after.resolve())
    if first.period != last.period:
        raise UsageError(
            f"{first.name} and {last.name} are releases of different periods",
            fix="compare two releases of the same period",
        )
    if first.number > last.number:
        raise UsageError(f"{first.name} is newer than {last.name}", fix="give the older release first")
    causes = _causes(first, last)
    payments, moved = _compared_payments(first, last, causes)
    savings, moved_savings = _compared_savings(first, last)
    name = str(first.period)
    return ReleaseDifference(name, f"r{first.number}", f"r{last.number}", payments, savings, moved | moved_savings)


def _compared_payments(
    first: ReleaseFiles, last: ReleaseFiles, causes: Mapping[tuple[str, str], dict[str, Decimal]]
) -> tuple[tuple[PaymentDifference, ...], dict[str, Moved]]:
    both = _payments(first).join(
        _payments(last), on=["hospital_ccn", "npi"], how="full", coalesce=True, suffix="_after"
    )
    every = [
        PaymentDifference(
            row["hospital_ccn"],
            row["npi"],
            row["name_after"] or row["name"] or "",
            _payable(row["final_incentive"], row["status"]),
            _payable(row["final_incentive_after"], row["status_after"]),
            row["calculated_incentive"] or _ZERO,
            row["calculated_incentive_after"] or _ZERO,
            row["final_incentive"] or _ZERO,
            row["final_incentive_after"] or _ZERO,
            row["status"] or "",
            row["status_after"] or "",
            causes.get((row["hospital_ccn"], row["npi"]), {}),
        )
        for row in both.sort("hospital_ccn", "npi").iter_rows(named=True)
    ]
    moved = {
        "calculated": Moved.of((each.calculated_before, each.calculated_after) for each in every),
        "final": Moved.of((each.final_before, each.final_after) for each in every),
        "payable": Moved.of((each.payable_before, each.payable_after) for each in every),
    }
    return tuple(each for each in every if _has_changed(each)), moved


def _has_changed(each: PaymentDifference) -> bool:
    before = (each.calculated_before, each.final_before, each.payable_before, each.status_before)
    after = (each.calculated_after, each.final_after, each.payable_after, each.status_after)
    return before != after or any(each.causes.values())


def _compared_savings(
    first: ReleaseFiles, last: ReleaseFiles
) -> tuple[tuple[SavingsDifference, ...], dict[str, Moved]]:
    def read(release: ReleaseFiles) -> pl.DataFrame:
        return release.table("savings").select("hospital_ccn", "scope", "internal_savings", "potential_savings")

    both = read(first).join(read(last), on=["hospital_ccn", "scope"], how="full", coalesce=True, suffix="_after")
    every = [
        SavingsDifference(ccn, scope, *(amount or _ZERO for amount in (internal, internal_after, best, best_after)))
        for ccn, scope, internal, best, internal_after, best_after in both.sort("hospital_ccn", "scope").iter_rows()
    ]
    of_all = [each for each in every if each.scope == "all"]  # participating physicians are part of all
    moved = {
        "internal savings": Moved.of((each.internal_before, each.internal_after) for each in of_all),
        "potential savings": Moved.of((each.potential_before, each.potential_after) for each in of_all),
    }
    changed = [
        each
        for each in every
        if (each.internal_before, each.potential_before) != (each.internal_after, each.potential_after)
    ]
    return tuple(changed), moved


def _payments(release: ReleaseFiles) -> pl.DataFrame:
    names = ("hospital_ccn", "npi", "name", "calculated_incentive", "final_incentive", "status")
    return release.table("incentives").select(names)


def _payable(final: Decimal | None, status: str | None) -> Decimal:
    return (final or _ZERO) if status == "PAYABLE" else _ZERO


def _causes(first: ReleaseFiles, last: ReleaseFiles) -> dict[tuple[str, str], dict[str, Decimal]]:
    """(hospital, NPI) -> cause -> Σ over the restatements after ``first`` through ``last``."""
    found: dict[tuple[str, str], dict[str, Decimal]] = {}
    for number in range(first.number + 1, last.number + 1):
        folder = last.folder.with_name(f"r{number}")
        if not folder.is_dir():
            raise HcipError(f"r{number}, between the two, is missing", file=folder, fix="restore it from a backup")
        restated = ReleaseFiles.at(folder).table("restatement")
        for ccn, npi, cause, amount in restated.select(
            "hospital_ccn", "npi", "cause", "payable_difference"
        ).iter_rows():
            own = found.setdefault((ccn, npi), {})
            own[cause] = own.get(cause, _ZERO) + amount
    return found


def lines(compared: ReleaseDifference, shown: int = 40) -> Sequence[str]:
    """The comparison as text: totals by figure, sums by cause, payments by size of change, savings."""
    title = f"{compared.period}: {compared.before} → {compared.after}"
    if not compared.payments and not compared.savings:
        return [f"{title}: no payment and no savings changed"]
    stated = [title, "", f"  {'figure':<20}{'changed':>9}{'before':>18}{'after':>18}{'difference':>18}"]
    stated += [
        f"  {name:<20}{moved.changed:>9,}{moved.before:>18,.2f}{moved.after:>18,.2f}{_signed(moved.difference):>18}"
        for name, moved in compared.moved.items()
    ]
    if compared.by_cause:
        stated += ["", "payable, by cause"]
        stated += [f"  {name.replace('_', ' '):<20}{_signed(total):>18}" for name, total in compared.by_cause.items()]
    stated += _payment_lines(compared, shown)
    if compared.savings:
        stated += ["", f"  {'hospital':<10}{'scope':<16}{'internal savings':>18}{'after':>18}{'difference':>18}"]
        stated += [
            f"  {each.hospital_ccn:<10}{each.scope:<16}{each.internal_before:>18,.2f}{each.internal_after:>18,.2f}"
            f"{_signed(each.internal_after - each.internal_before):>18}"
            for each in compared.savings[:shown]
        ]
    if not compared.ok:
        broken = [f"{each.hospital_ccn} {each.npi}" for each in compared.payments if not each.is_explained]
        stated += ["", f"The causes do not add up to the difference for {', '.join(broken[:5])}: verify both releases."]
    return stated


def _payment_lines(compared: ReleaseDifference, shown: int) -> list[str]:
    if not compared.payments:
        return ["", "no payment changed"]
    head = f"  {'hospital':<10}{'npi':<12}{'calculated':>14}{'final':>14}{'payable':>14}{'payable after':>16}"
    stated = ["", f"{head}  status and causes (changes in calculated, final and payable)"]

    def size(each: PaymentDifference) -> tuple[Decimal, Decimal, str, str]:
        calculated = each.calculated_after - each.calculated_before
        return -abs(each.difference), -abs(calculated), each.hospital_ccn, each.npi

    for each in sorted(compared.payments, key=size)[:shown]:
        causes = ", ".join(
            f"{cause.replace('_', ' ')} {_signed(amount)}" for cause, amount in each.causes.items() if amount
        )
        if each.status_before != each.status_after:
            causes = f"{each.status_before or 'absent'} → {each.status_after or 'absent'}; {causes}".removesuffix("; ")
        stated.append(
            f"  {each.hospital_ccn:<10}{each.npi:<12}{_signed(each.calculated_after - each.calculated_before):>14}"
            f"{_signed(each.final_after - each.final_before):>14}{_signed(each.difference):>14}"
            f"{each.payable_after:>16,.2f}  {causes}".rstrip()
        )
    if len(compared.payments) > shown:
        stated.append(f"  and {len(compared.payments) - shown:,} more (--json lists all)")
    return stated


def _signed(amount: Decimal) -> str:
    return f"{amount:+,.2f}" if amount else f"{amount:,.2f}"

"""Earlier periods' releases (methodology §9, §15): what they paid and saved, and when programs began.

Belongs here: finding and reading the releases that this one was made from. Does not belong here: recomputing them,
which is a verification of its own, and what follows from them (``programs``, ``waterfall``, ``limits``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

from .exact import ZERO
from .package import MANIFEST, Package, read_manifest, sha256
from .report import Findings, UnreadableReleaseError
from .shapes import SHAPES
from .tables import Row, Table, UnreadableTableError, read_csv

_NAMED = re.compile(r"releases/(?P<period>[0-9]{4}H[12])/(?P<number>r[0-9]+)/datapackage\.json")

#: a payment with this hold has no other
LATER_PERIOD_PAID = "LATER_PERIOD_PAID"


def _waits_for_later(row: Row) -> bool:
    return row["status"] == "HELD" and LATER_PERIOD_PAID in row["reasons"].split("|")


@dataclass(frozen=True)
class Release:
    """The parts of a release that later periods read. A file is read only if it has its stated hash.

    Raises:
        UnreadableTableError: on reading a table that is missing or differs from the manifest.
    """

    folder: Path
    manifest: Mapping[str, Any]

    @property
    def period(self) -> str:
        """The half-year of the release."""
        return str(self.manifest["period"])

    @property
    def number(self) -> str:
        """The number of the release, such as ``r1``."""
        return str(self.manifest["number"])

    @property
    def inputs(self) -> Sequence[Mapping[str, Any]]:
        """The inputs that the manifest lists."""
        return list(self.manifest.get("inputs", ()))

    @cached_property
    def named(self) -> dict[str, str]:
        """Period -> number of the releases that it was made from."""
        found = (_NAMED.fullmatch(str(item.get("file"))) for item in self.inputs)
        return {match["period"]: match["number"] for match in found if match}

    @cached_property
    def payable(self) -> dict[tuple[str, str], Decimal]:
        """(hospital, NPI) -> final incentive that counts in later periods.

        A held amount was not paid and does not count, unless it waits only for a later period of the year.
        """
        counted = (row for row in self._incentives if row["status"] == "PAYABLE" or _waits_for_later(row))
        return {(row["hospital_ccn"], row["npi"]): row["final_incentive"] for row in counted}

    @cached_property
    def payable_now(self) -> dict[tuple[str, str], Decimal]:
        """(hospital, NPI) -> final incentive that the release itself makes payable."""
        rows = (row for row in self._incentives if row["status"] == "PAYABLE")
        return {(row["hospital_ccn"], row["npi"]): row["final_incentive"] for row in rows}

    @cached_property
    def payment_inputs(self) -> list[Row]:
        """The rows of ``payment_inputs`` of all hospitals."""
        return [row for table in self._tables("payment_inputs") for row in table]

    @cached_property
    def _incentives(self) -> list[Row]:
        return [row for table in self._tables("incentives") for row in table]

    @cached_property
    def savings(self) -> dict[tuple[str, str], Decimal]:
        """(hospital, scope) -> internal savings."""
        rows = (row for table in self._tables("savings") for row in table)
        return {(row["hospital_ccn"], row["scope"]): row["internal_savings"] for row in rows}

    @cached_property
    def programs(self) -> dict[str, Row] | None:
        """Hospital -> its program; None in a release that has no such table."""
        tables = list(self._tables("programs"))
        return {row["hospital_ccn"]: row for table in tables for row in table} if tables else None

    @cached_property
    def other_programs(self) -> dict[tuple[str, str], Decimal] | None:
        """(hospital, period) -> Σ of other programs' amounts; None in a release that has no such table."""
        tables = list(self._tables("other_programs"))
        sums: dict[tuple[str, str], Decimal] = {}
        for row in (row for table in tables for row in table):
            key = row["hospital_ccn"], row["reported_period"]
            sums[key] = sums.get(key, ZERO) + row["amount"]
        return sums if tables else None

    @cached_property
    def first_periods(self) -> dict[str, str]:
        """Hospital -> the first performance period of its first accepted protocol."""
        if self.programs is not None:
            return {ccn: row["accepted_first_period"] for ccn, row in self.programs.items()}
        rows = (row for table in self._tables("payment_inputs") for row in table)
        return {row["hospital_ccn"]: row["first_performance_period"] for row in rows}

    def figures(self) -> dict[str, dict[tuple[str, str], Decimal]]:
        """Hospital -> all its figures that later periods read."""
        found: dict[str, dict[tuple[str, str], Decimal]] = {}
        for kind, amounts in (("payable", self.payable), ("savings", self.savings)):
            for (ccn, whose), amount in amounts.items():
                found.setdefault(ccn, {})[kind, whose] = amount
        return found

    def _tables(self, name: str) -> Iterator[Table]:
        shape = next(shape for shape in SHAPES.values() if shape.name == name)
        for resource in self.manifest["resources"]:
            path = resource["path"]
            if re.fullmatch(rf"{shape.folder}/HCIP_[^_]+_{name}_[^_]+_r[0-9]+\.csv", path):
                file = self.folder / path
                if not file.is_file() or resource["hash"] != f"sha256:{sha256(file)}":
                    raise UnreadableTableError(f"{path} is missing or differs from its manifest", "")
                yield read_csv(file, path, shape)


@dataclass
class Earlier:
    """The releases of earlier periods.

    Attributes:
        in_order: the releases that this one was made from, by period.
        absent: periods whose release was used but cannot be read here.
        reference: the first release of the latest of these periods, since which changes are counted; None if there is
            none or it cannot be read.
        firsts: period -> its first release.
    """

    in_order: list[Release] = field(default_factory=list)
    absent: set[str] = field(default_factory=set)
    reference: Release | None = None
    firsts: dict[str, Release] = field(default_factory=dict)

    def missing(self, first_period: str, year: int | None = None) -> list[str]:
        """Periods of a hospital's program, or of one year, whose release cannot be read here."""
        if year is not None:
            return sorted(period for period in self.absent if int(period[:4]) == year)
        return sorted(period for period in self.absent if first_period and period >= first_period)

    def paid(self, ccn: str, first_period: str = "", year: int | None = None) -> dict[str, Decimal]:
        """NPI -> Σ of earlier periods' payable amounts: in one calendar year, or since the hospital's program began."""
        paid: dict[str, Decimal] = {}
        for release in self.in_order:
            counts = int(release.period[:4]) == year if year else bool(first_period) and release.period >= first_period
            for (hospital, npi), amount in release.payable.items() if counts else ():
                if hospital == ccn:
                    paid[npi] = paid.get(npi, ZERO) + amount
        return paid

    def saved(self, ccn: str, first_period: str, scope: str) -> Decimal:
        """Σ internal savings of the hospital's earlier program periods."""
        counting = (each for each in self.in_order if first_period and each.period >= first_period)
        return sum((release.savings.get((ccn, scope), ZERO) for release in counting), ZERO)


def read_earlier(package: Package, findings: Findings) -> Earlier:
    """Read the releases that the manifest lists among its inputs; other periods paid and saved nothing."""
    earlier = Earlier()
    for period, folder, stated_hash in sorted(_named(package)):
        if not (folder / MANIFEST).is_file():
            earlier.absent.add(period)
            continue
        found = sha256(folder / MANIFEST)
        findings.fact("chain", MANIFEST, f"hash of {period}/{folder.name}", stated_hash, found)
        try:
            release = read_release(folder)
            _ = release.payable, release.savings, release.first_periods, release.other_programs
            _check_frozen(package, release.manifest, findings)
            first = _first(folder)
            earlier.firsts[period] = release if first == folder else read_release(first)
            _ = earlier.firsts[period].programs, earlier.firsts[period].other_programs
        except (UnreadableReleaseError, UnreadableTableError) as error:
            earlier.absent.add(period)
            findings.differ("chain", f"{period}/{folder.name}", "", "a release that can be read", str(error))
            continue
        earlier.in_order.append(release)
        earlier.reference = earlier.firsts[period]
    return earlier


def read_release(folder: Path) -> Release:
    """The release in ``folder``.

    Raises:
        UnreadableReleaseError: there is none.
    """
    return Release(folder, read_manifest(folder))


def _first(folder: Path) -> Path:
    """The folder of the first release of the same period that still exists."""
    numbers = (int(path.name[1:]) for path in folder.parent.iterdir() if re.fullmatch(r"r[0-9]+", path.name))
    return folder.with_name(f"r{min(numbers)}")


def _named(package: Package) -> Iterator[tuple[str, Path, str]]:
    root = package.folder.parent.parent
    for item in package.manifest.get("inputs", ()):
        if match := _NAMED.fullmatch(str(item.get("file"))):
            yield match["period"], root / match["period"] / match["number"], str(item.get("sha256"))


def _check_frozen(package: Package, before: Mapping[str, Any], findings: Findings) -> None:
    """Check that norms did not change if the policy did not (§6)."""
    if before.get("policy", {}).get("sha256") != package.manifest.get("policy", {}).get("sha256"):
        return
    were, are = (
        [item["hash"] for item in manifest["resources"] if item["path"].startswith("audit/HCIP_STATE_norms_")]
        for manifest in (before, package.manifest)
    )
    name = f"hashes of norms, as in {before['period']} {before['number']}"
    findings.fact("frozen_norms", "audit/", name, were, are)
